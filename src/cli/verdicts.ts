/**
 * Shows verdicts on runs: grouped by their cause for people, each by itself for programs.
 *
 * @module
 */

import { EXIT } from "./exit_codes.ts";
import type { Output } from "./output/output.ts";
import { causeLine, siteLine } from "../operate/causes.ts";
import { groupByCause, type Verdict, type VerdictGroup } from "../operate/upgrade.ts";

/** The names that `--fields` accepts. */
export const VERDICT_FIELDS = [
  ...["verdict", "id", "namespace", "workflow", "from", "to", "generation", "events", "cause"],
];

/**
 * Prints verdicts as they come; in text, their groups at the end.
 *
 * @param out Where.
 * @param verdicts The verdicts.
 * @param total How many there will be; `null`: unknown.
 * @returns The exit code: 3 if a run does not replay, 5 if one has changed or was busy.
 */
export async function printVerdicts(
  out: Output,
  verdicts: Iterable<Verdict> | AsyncIterable<Verdict>,
  total: number | null,
): Promise<number> {
  const seen: Verdict[] = [];
  async function* counted() {
    for await (const verdict of verdicts) {
      seen.push(verdict);
      out.progress("examined", seen.length, total);
      yield verdict;
    }
  }
  if (out.format !== "text") {
    const rest = () => ({ groups: groupByCause(seen) });
    await out.list({ name: "verdicts", items: counted(), columns: [], rest });
  } else {
    for await (const _ of counted());
    for (const line of groupLines(groupByCause(seen))) out.line(line);
  }
  return exitAfter(seen);
}

/** The lines that show groups. */
export function groupLines(groups: readonly VerdictGroup[]): string[] {
  return groups.flatMap(({ verdict, runs, examples, cause }) => {
    const more = runs > examples.length ? ", ..." : "";
    const head = `${verdict}  ${runs} ${runs === 1 ? "run" : "runs"}: ${
      examples.join(", ")
    }${more}`;
    if (cause === null) return [head];
    const places = [["old", cause.recordedAt], ["new", cause.requestedAt]] as const;
    return [
      head,
      `  ${causeLine(cause)}`,
      ...places.flatMap(([word, site]) =>
        site === null ? [] : [`  ${word}: ${siteLine(site)}  ${site.text?.trim() ?? ""}`]
      ),
    ];
  });
}

function exitAfter(verdicts: readonly Verdict[]): number {
  const has = (...kinds: readonly string[]) =>
    verdicts.some(({ verdict }) => kinds.includes(verdict));
  if (has("drifts", "no_code", "no_answer")) return EXIT.found;
  return has("changed", "busy") ? EXIT.refused : EXIT.done;
}
