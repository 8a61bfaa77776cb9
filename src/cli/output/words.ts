/**
 * How commands show versions, states, waits and values.
 *
 * @module
 */

import type { Json } from "../../operate/plain.ts";
import type { RunLine } from "../../operate/run_lines.ts";
import type { Output } from "./output.ts";
import type { Column } from "./table.ts";

/** How many digits of a version's hash tables show. */
const DIGITS = 7;

/** The column of a list of all namespaces that says of which one each item is. */
export const NAMESPACE: Column<{ readonly namespace: string }> = {
  title: "NAMESPACE",
  id: true,
  cell: ({ namespace }) => namespace,
};

/**
 * A version in a table: the first digits of its hash, and `*` if it is the current one.
 *
 * @param out Where it is printed: a pipe gets the whole hash, without the mark.
 * @param hash The hash.
 * @param current Whether it is the current version of its workflow.
 */
export function versionCell(out: Output, hash: string, current: boolean | null): string {
  if (!out.isTerminal) return hash;
  return `${hash.slice(0, DIGITS)}${current === true ? " *" : ""}`;
}

/**
 * A version in a sentence.
 *
 * @param version The hash and the label.
 */
export function versionName({ hash, label }: { hash: string; label: string | null }): string {
  return label === null ? hash.slice(0, DIGITS) : `${hash.slice(0, DIGITS)} (${label})`;
}

/**
 * What a run waits for, in a few words.
 *
 * @param out Shows times.
 * @param run The run.
 */
export function waitsFor(
  out: Output,
  run: Pick<RunLine, "state" | "stuck" | "waits" | "until">,
): string {
  if (run.stuck !== null) return run.stuck.message;
  if (run.state === "pending") return "a node";
  if (run.state !== "suspended" && run.state !== "paused") return "-";
  const names = run.waits.map(({ kind, name }) =>
    kind === "sleep" ? "sleep" : `${kind} ${JSON.stringify(name)}`
  );
  const until = run.until === null ? "" : `, ends ${out.time(run.until)}`;
  return `${[...new Set(names)].join(", ") || "a node"}${until}`;
}

/**
 * A value in one line, as JSON.
 *
 * @param value Plain JSON.
 */
export function valueCell(value: Json): string {
  return JSON.stringify(value);
}

/**
 * A sentence, or what an observer has put in its place.
 *
 * @param sentence The sentence.
 */
export function sentenceText(sentence: Json): string {
  return typeof sentence === "string" ? sentence : valueCell(sentence);
}

/**
 * An error in one line: its name, if it has one, and its message.
 *
 * @param error An error as plain JSON, or any other value that was thrown.
 */
export function errorText(error: Json): string {
  if (typeof error !== "object" || error === null || Array.isArray(error)) return valueCell(error);
  const { name, message, cause } = error as { readonly [key: string]: Json };
  if (typeof message !== "string") return valueCell(error);
  const from = cause === undefined || cause === null ? "" : `; caused by ${errorText(cause)}`;
  return `${typeof name === "string" && name !== "Error" ? `${name}: ` : ""}${message}${from}`;
}

/**
 * Lines of a name and a value each, the values below each other.
 *
 * @param facts The names and values; those that are `null` are left out.
 */
export function* facts(
  facts: readonly (readonly [name: string, value: string | null])[],
): Iterable<string> {
  const shown = facts.filter(([, value]) => value !== null);
  const wide = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) yield `${name.padEnd(wide)}  ${value}`;
}

/**
 * A number of things: `1 run`, `2 runs`.
 *
 * @param count How many.
 * @param one What one is called.
 * @param many What several are called.
 */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
