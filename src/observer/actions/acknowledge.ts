/**
 * `/health/acknowledge`: marks a finding as known. It counts no more until its facts change.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { acknowledgeFindings, type Finding, findingsOf } from "../../operate/health.ts";
import { ObserverError } from "../errors.ts";
import { html } from "../html.ts";
import { messageOf } from "../finding_note.ts";
import { note } from "../parts/mod.ts";
import { textParameter } from "../parameters.ts";
import { defineAction } from "../route.ts";

const FINGERPRINT = textParameter("fingerprint");

interface Plan {
  readonly finding: Finding;
}

/** The action. */
export const acknowledge = defineAction<Plan, Plan>({
  path: "/health/acknowledge",
  rights: ["read", "repair"],
  everywhere: true,
  parameters: [FINGERPRINT],
  action: "health acknowledge",
  needsReason: false,
  async plan({ client, given }) {
    const fingerprint = given.one(FINGERPRINT);
    if (fingerprint === null) {
      return refuse("parameter fingerprint", inWords("nothing"), "the fingerprint of a finding");
    }
    const [finding] = await findingsOf(client, [fingerprint]);
    if (finding === undefined) {
      throw new ObserverError("NOT_FOUND", "This finding is gone: its facts have changed");
    }
    return { finding };
  },
  fence: ({ finding: { fingerprint, acknowledged } }) => [fingerprint, acknowledged !== null],
  targets: ({ finding }) => [finding.fingerprint],
  confirm: ({ finding: { message, code, fingerprint, acknowledged } }, view) => ({
    title: "Mark a finding as known",
    trail: [{ text: "Health", to: view.to(["health"]) }],
    button: "Mark it as known",
    nothing: acknowledged !== null,
    back: view.to(["health"]),
    body: html`
      ${note(
        "warn",
        html`
          <p class="strong">${messageOf(message)}</p>
          <p class="hint"><code>${code}</code></p>
        `,
      )}
      <p>${acknowledged === null
        ? "It counts no more until its facts change, such as by another run with the same trouble."
        : `It is known to ${acknowledged.by} already.`}</p>
      <input type="hidden" name="fingerprint" value="${fingerprint}">
    `,
  }),
  async deed({ client }, plan) {
    await acknowledgeFindings(client, [plan.finding], {});
    return plan;
  },
  done: ({ finding: { code } }, view) => ({
    says: `${code} is marked as known`,
    to: view.to(["health"]),
  }),
});
