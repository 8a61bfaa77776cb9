/**
 * How the difference of two versions is shown.
 *
 * @module
 */

import type { DiffReport } from "../../operate/preflight.ts";
import { counted } from "./words.ts";

/**
 * The lines for people.
 *
 * @param diff The difference.
 * @param isBrief Whether to leave patches out.
 */
export function* diffLines(diff: DiffReport, isBrief: boolean): Iterable<string> {
  if (diff.same) return yield "the same version";
  for (const member of diff.members) {
    const { label, change, renamedFrom, added, removed, sameCode, gaveUp, patch } = member;
    const counts = added === null ? "" : `  +${added} -${removed}`;
    const from = renamedFrom === null ? "" : ` from ${renamedFrom}`;
    const same = sameCode ? "  same after types are stripped" : "";
    const late = gaveUp ? "  no patch within --deadline" : "";
    yield `${change} ${label}${from}${counts}${same}${late}`;
    if (!isBrief && patch !== null) yield* patch.trimEnd().split("\n");
  }
  for (const { name, before, after, otherContent } of diff.packages) {
    const list = (versions: readonly string[]) => versions.join(", ") || "none";
    const other = otherContent ? "  other content" : "";
    yield `package ${name}  ${list(before)} → ${list(after)}${other}`;
  }
  for (const { kind, name, before, after } of diff.settings) {
    yield `${kind} ${name}  ${before ?? "none"} → ${after ?? "none"}`;
  }
  yield `${counted(diff.members.length, "module differs", "modules differ")}, ` +
    `${counted(diff.unchanged, "is", "are")} the same` +
    (diff.sameCode ? "; all do the same after types are stripped" : "");
}
