/**
 * Ids, versions, counts and waits, as pages show them.
 *
 * @module
 */

import type { RunLine } from "../../operate/run_lines.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import type { View } from "../view.ts";
import { ago } from "./times.ts";

/** Up to which number lists count. */
export const MOST_COUNTED = 1_000;

/**
 * A number of things: `1 run`, `2 runs`, `1,000+ runs`.
 *
 * @param count How many.
 * @param one What one is called.
 * @param many What several are called.
 * @param most At this number counting stopped.
 */
export function counted(
  count: number,
  one: string,
  many: string = `${one}s`,
  most: number = Infinity,
): string {
  return `${number(count, most)} ${count === 1 ? one : many}`;
}

/**
 * A number: `1,234`, or `1,000+` where counting stopped.
 *
 * @param count The number.
 * @param most At this number counting stopped.
 */
export function number(count: number, most: number = Infinity): string {
  return count >= most ? `${most.toLocaleString("en")}+` : count.toLocaleString("en");
}

/**
 * The id of a run, as a link to it.
 *
 * @param view Makes the link.
 * @param id The id.
 */
export function runLink(view: View, id: string): Html {
  return html`<a class="id" href="${view.to(["runs", id])}">${id}</a>`;
}

/**
 * A version, as a link to it: its first digits, its label, and whether it is current.
 *
 * @param view Makes the link.
 * @param version The version.
 * @param current Whether it is the current one of its workflow; `null`: unknown.
 */
export function versionLink(
  view: View,
  { hash, label }: { readonly hash: string; readonly label: string | null },
  current: boolean | null,
): Html {
  const badge = current === null
    ? NOTHING
    : current
    ? html`<span class="chip good">current</span>`
    : html`<span class="chip warn">old</span>`;
  const name = label === null ? NOTHING : [" ", html`<span class="label">${label}</span>`];
  return html`
    <span
      class="version"><a class="id" href="${view.to(["versions", hash])}" title="${hash}">${hash
        .slice(0, 7)}</a>${name} ${badge}</span>
  `;
}

/**
 * What a run waits for, in a few words.
 *
 * @param view Tells times.
 * @param run The run.
 */
export function waitsFor(
  view: View,
  run: Pick<RunLine, "state" | "stuck" | "waits" | "until">,
): Content {
  if (run.stuck !== null) return run.stuck.message;
  if (run.state === "pending") return "a node";
  if (run.state !== "suspended") return NOTHING;
  const names = [...new Set(run.waits.map(({ kind, name }) => `${kind}\n${name}`))];
  const waits = names.map((text) => {
    const [kind, ...name] = text.split("\n");
    return name.join("\n") === ""
      ? html`<span>${kind}</span>`
      : html`<span>${kind} <q>${name.join("\n")}</q></span>`;
  });
  const until = run.until === null ? NOTHING : html`, ends ${ago(view, run.until)}`;
  if (waits.length === 0) return html`a node${until}`;
  return html`${waits.map((wait, index) => index === 0 ? wait : [", ", wait])}${until}`;
}
