/**
 * A finding of the health report: what is wrong, what to do about it, and what can be done here.
 *
 * @module
 */

import type { Finding } from "../operate/health.ts";
import { nextStepOf, type StepPage } from "../operate/next_step.ts";
import { NAMESPACES } from "../operate/readings/api.ts";
import { type Html, html, NOTHING } from "./html.ts";
import type { Link } from "./links.ts";
import { note } from "./parts/mod.ts";
import type { View } from "./view.ts";

/**
 * Shows a finding.
 *
 * @param finding The finding.
 * @param view Links and rights.
 */
export function findingNote(finding: Finding, view: View): Html {
  const { severe, message, code, repair, fingerprint, acknowledged } = finding;
  const { says, command, page } = nextStepOf(finding);
  const button = (text: string, to: Link) => html`<a class="button" href="${to}">${text}</a>`;
  const isOpen = acknowledged === null && view.may("repair");
  const buttons = [
    ...(isOpen && repair !== null ? [button("Repair…", view.to(["repair"], { code }))] : []),
    ...(isOpen
      ? [button("Mark as known…", view.to(["health", "acknowledge"], { fingerprint }))]
      : []),
  ];
  return note(
    severe ? "bad" : "warn",
    html`
      <p class="strong">${messageOf(message)}</p>
      <p>${says} <a href="${linkTo(page, view)}">${page.name}</a></p>
      <p class="hint"><code>${code}</code> · <code>${command}</code></p>
      ${buttons.length === 0 ? NOTHING : html`<p class="buttons">${buttons}</p>`}
    `,
  );
}

/**
 * The sentence of a finding. One that quotes a failure may be withheld.
 *
 * @param message The sentence, or what stands in its place.
 */
export function messageOf(message: unknown): string {
  return typeof message === "string" ? message : "Activities fail and are tried again.";
}

function linkTo({ namespace, path, query }: StepPage, view: View): Link {
  return namespace === undefined
    ? view.to(path, query)
    : view.root([NAMESPACES, namespace, ...path], query);
}
