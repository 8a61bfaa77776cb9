/**
 * `repair`: repairs what `health` finds.
 *
 * @module
 */

import { REPAIRABLE, type RepairableCode, type RepairPlan } from "../../operate/repair.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { sentenceText } from "../output/words.ts";
import { oneOf } from "../readers.ts";

/** The most ids that a line of the plan names. */
const MOST_NAMED = 5;

/** Repairs what `health` finds. */
export const command = defineCommand({
  examples: [
    { text: "What would be changed", line: "repair --dry-run" },
    {
      text: "Let runs continue whose nodes died of a fault that is cured",
      line: `repair STUCK_POISONED --reason "more memory"`,
    },
  ],
  arguments: [[
    "[code...]",
    "findings of health; all but STUCK_NONDETERMINISM and STUCK_POISONED if omitted",
  ]],
  fields: ["done", "changed", "targets"],
  acts: { needsReason: false },
  async run({ args, acts, out, consent }) {
    const read = oneOf(REPAIRABLE);
    const codes = args.map((code) => read(code, "the finding")!) as readonly RepairableCode[];
    const act = (await acts()).repair(codes);
    const plan = await act.plan();
    const count = plan.repairs.reduce((sum, { targets }) => sum + targets.length, 0);
    if (count === 0) {
      out.document({ done: 0, changed: 0, targets: [] }, () => ["nothing to repair"]);
      return EXIT.done;
    }
    await consent({
      lines: [...linesOf(plan)],
      answer: String(count),
      what: "the number of repairs",
    });
    const report = await act.carryOut();
    const { done, changed, targets } = report;
    out.document(report, () => [
      `repaired ${done} of ${count}`,
      ...targets.filter(({ outcome }) => outcome === "changed").map(({ code, id }) =>
        `${code} ${id}: changed since the plan, nothing was done`
      ),
    ]);
    return changed === 0 ? EXIT.done : EXIT.refused;
  },
});

function* linesOf({ repairs }: RepairPlan): Iterable<string> {
  for (const { code, message, targets, more } of repairs) {
    const ids = targets.slice(0, MOST_NAMED).map(({ id }) => id);
    const rest = targets.length - ids.length;
    const others = rest === 0 ? "" : ` and ${rest} more`;
    yield `${code}: ${sentenceText(message)}`;
    yield `  ${ids.join(", ")}${others}${more ? "; plan again afterwards, there may be more" : ""}`;
  }
}
