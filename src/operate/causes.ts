/**
 * Why histories do not replay, in one line for people.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import type { CauseSite, VerdictCause } from "../client/versions/verdict.ts";
import { ANSWERS } from "../replay/settle.ts";
import type { Plain } from "./plain.ts";

/**
 * Says in one line where history and code diverge.
 *
 * @param cause The cause.
 * @returns The line.
 */
export function causeLine({ kind, expected, found, message }: Plain<VerdictCause>): string {
  if (expected === null) return message;
  const answers = (ANSWERS as Readonly<Record<string, string | null>>)[expected.kind];
  const recorded = sideOf({ kind: answers ?? expected.kind, name: expected.name });
  const has = `the history has ${recorded}`;
  if (found === null || kind === "leftover") return `${has}, and the code does not request it`;
  return sideOf(found) === recorded
    ? `${has}, and the code requests it with another input`
    : `${has}, and the code requests ${sideOf(found)}`;
}

/**
 * Names a place in code.
 *
 * @param site The place.
 * @returns `./order.ts:9`; `-` for none.
 */
export function siteLine(site: Plain<CauseSite> | null): string {
  return site === null ? "-" : `${site.member ?? site.file}:${site.line}`;
}

function sideOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return name === "" ? kind : `${kind} ${quoteId(name)}`;
}
