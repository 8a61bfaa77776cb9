/**
 * A finding of the health report: what is wrong, what to do about it, and what can be done here.
 *
 * @module
 */

import type { Finding } from "../operate/health.ts";
import { type Html, html, NOTHING } from "./html.ts";
import { note, runLink } from "./parts/mod.ts";
import type { View } from "./view.ts";

/** What to do next, by kind of finding; `docs/health.md` says more. */
const NEXT: Readonly<Record<Finding["code"], string>> = {
  STUCK_VERSION: "Put the code back, and the runs continue within 30 seconds.",
  STUCK_NONDETERMINISM: "Look at the line of one of them, and move them to code that replays.",
  STUCK_POISONED: "Find out why processes die, such as by memory or by an endless loop.",
  NO_NODE_CAN_LOAD: "The page of the version has the reason of each node.",
  OVERDUE_RUNS: "See whether nodes are alive, and whether they are full; open another one.",
  EXPIRED_NODES: "Open a node: it frees what they hold.",
  UNNOTIFIED_ENDS: "Open a node: it notifies them.",
  UNSERVED_QUEUE: "Open a node that serves the queue.",
  UNKNOWN_ACTIVITY: "Register the activity on a node that serves the queue.",
  OVERDUE_ACTIVITIES: "Open a node: it ends them.",
  FAILING_ACTIVITY: "Cure what the activity calls; it is tried again by itself.",
  STUCK_SCHEDULE: "Remove the cause, which its page says, and resume it.",
  OVERDUE_SCHEDULE: "Open a node: it fires it.",
  GAVE_BACK: "Nothing, unless the count keeps growing: then look at the connections of that node.",
  LATE_CHECK: "The database is busy, or locked: look at it, and come back.",
  UNSIGNED_CODE: "Require signatures by the option trust.keys, or mark this as known.",
};

/** How many runs of a finding are named. */
const MOST_NAMED = 20;

/**
 * Shows a finding.
 *
 * @param finding The finding.
 * @param view Links and rights.
 */
export function findingNote(finding: Finding, view: View): Html {
  const { severe, message, code, details, repair, fingerprint, acknowledged } = finding;
  const runs = Array.isArray(details.runs) ? details.runs.slice(0, MOST_NAMED) : [];
  const button = (text: string, to: ReturnType<View["to"]>) =>
    html`<a class="button" href="${to}">${text}</a>`;
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
      <p>${NEXT[code]}</p>
      <p class="hint"><code>${code}</code></p>
      ${runs.length === 0
        ? NOTHING
        : html`<ul class="attributes">${runs.map((run) => runOf(run, view))}</ul>`}
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

/** Findings name runs by their ids, or by objects that hold them. */
function runOf(run: unknown, view: View): Html {
  const id = typeof run === "string" ? run : (run as { readonly id?: unknown } | null)?.id;
  return typeof id === "string" ? html`<li>${runLink(view, id)}</li>` : NOTHING;
}
