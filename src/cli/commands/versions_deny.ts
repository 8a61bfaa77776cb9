/**
 * `versions deny`: stops a version, or a module, on all nodes.
 *
 * @module
 */

import { type DenialPlan, deny, planDenial } from "../../operate/denials.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { counted } from "../output/words.ts";

/** The most versions that a plan names. */
const MOST_NAMED = 10;

/** Stops a version, or a module, on all nodes. */
export const command = defineCommand<{ readonly member?: string }>({
  examples: [
    {
      text: "How many runs would be parked, and what new starts would take",
      line: `versions deny 3f9a2c1 --reason "rounds prices up" --dry-run`,
    },
    {
      text: "Stop a module in every version that contains it",
      line: `versions deny 3f9a2c1 --member lib/tax.ts --reason "incident 42"`,
    },
  ],
  arguments: [["[hash]", "the version's hash, or the beginning of it"]],
  options: [{
    flags: "--member <module>",
    text: "deny this module: its label or SHA-256; without a hash, all digits of its SHA-256",
  }],
  fields: ["sha256", "versions", "withoutCurrent", "parked"],
  acts: { needsReason: true },
  async run({ args: [version], options: { member }, globals, client, out, consent }) {
    if (version === undefined && member === undefined) {
      throw new UsageError("Cannot deny: found neither a hash nor --member, wanted one of them");
    }
    const reason = globals.reason!;
    const connected = await client();
    const plan = await planDenial(connected, { version, member }, reason);
    await consent({
      lines: linesOf(plan),
      answer: plan.sha256.slice(0, 12),
      what: "the first 12 digits of what is denied",
    });
    const report = await deny(connected, plan.sha256, reason);
    out.document(report, () => [
      `denied ${plan.sha256.slice(0, 12)}: ${counted(report.parked, "run")} parked, ` +
      "those that nodes execute are parked when their turn has ended",
    ]);
  },
});

function linesOf({ sha256, module, versions, count, live, more, withoutCurrent }: DenialPlan) {
  const named = versions.slice(0, MOST_NAMED);
  const what = module === null ? "" : `module ${module}, `;
  return [
    `deny ${what}${sha256}: no node executes what has this digest`,
    ...named.map(({ workflow, hash, label, live, current }) => {
      const runs = live >= 1_000 ? "1,000 or more live runs" : counted(live, "live run");
      const called = label === null ? "" : ` (${label})`;
      return `bars ${workflow} ${hash.slice(0, 12)}${called}: ${runs}${current ? ", current" : ""}`;
    }),
    ...(count > named.length ? [`and ${counted(count - named.length, "more version")}`] : []),
    ...(count === 0 ? ["bars no registered version; one that is registered later is barred"] : []),
    `${more ? "at least " : ""}${counted(live, "live run")} would be parked, until it is allowed`,
    ...withoutCurrent.map(({ workflow, next }) =>
      `starts of ${workflow} by name are refused until another version is current: ` +
      (next === null
        ? "there is none that is not denied"
        : `continuum versions activate ${workflow} ${next.slice(0, 12)}`)
    ),
  ];
}
