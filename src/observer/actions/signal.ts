/**
 * `/runs/:id/signal`: sends a run a signal.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { signalRun } from "../../operate/act_on_runs.ts";
import { showRun } from "../../operate/runs.ts";
import { html } from "../html.ts";
import { onceField } from "../once_field.ts";
import { jsonParameter, textParameter } from "../parameters.ts";
import { defineAction } from "../route.ts";

interface Plan {
  readonly id: string;
  readonly workflow: string;
  readonly createdAt: string;
  /** Names of signals that the run waits for. */
  readonly awaited: readonly string[];
}

const NAME = textParameter("name");
const DELIVERY = textParameter("delivery");
const PAYLOAD = jsonParameter("payload");

/** The action. */
export const signal = defineAction<Plan, { readonly id: string; readonly delivery: string }>({
  path: "/runs/:id/signal",
  rights: ["read", "signal"],
  parameters: [NAME, PAYLOAD, DELIVERY],
  action: "signal",
  needsReason: false,
  async plan({ client, params }) {
    const { id, workflow, createdAt, waits } = await showRun(client, params.id!);
    const awaited = waits.filter(({ kind }) => kind === "signal").map(({ name }) => name);
    return { id, workflow, createdAt, awaited: [...new Set(awaited)] };
  },
  // Whatever it waits for by then, the signal is kept until it is taken.
  fence: ({ id, createdAt }) => [id, createdAt],
  targets: ({ id }) => [id],
  confirm: ({ id, awaited }, view, fields) => ({
    title: `Signal ${id}`,
    trail: [{ text: "Runs", to: view.to(["runs"]) }, { text: id, to: view.to(["runs", id]) }],
    button: "Send the signal",
    back: view.to(["runs", id]),
    body: html`
      <label class="field"><span>Signal</span>
        <input name="name" required="${true}" maxlength="200" autocomplete="off" list="awaited"
          value="${fields.text("name") ?? awaited[0]}"></label>
      <datalist id="awaited">${awaited.map((name) =>
        html`<option value="${name}"></option>`
      )}</datalist>
      <label class="field"><span>Payload, as JSON (optional)</span>
        <textarea name="payload" spellcheck="false" placeholder="&quot;approved&quot;">${fields
          .text("payload")}</textarea></label>
      ${onceField("delivery", fields)}
    `,
  }),
  async deed({ client, given }, { id }, fields) {
    const name = given.one(NAME);
    if (name === null) return refuse("parameter name", inWords("nothing"), "the name of a signal");
    const delivery = given.one(DELIVERY) ?? undefined;
    return await signalRun(client, id, name, fields.json("payload"), delivery);
  },
  done: ({ id, delivery }, view) => ({
    says: delivery === "duplicate" ? "It was delivered before" : "The signal was delivered",
    to: view.to(["runs", id]),
  }),
});
