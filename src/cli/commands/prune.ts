/**
 * `prune`: removes old runs, or old entries of the audit.
 *
 * @module
 */

import {
  END_STATES,
  type EndState,
  planPrune,
  planPruneAudit,
  pruneAudit,
  type PruneReport,
  pruneRuns,
} from "../../operate/prune.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { counted } from "../output/words.ts";
import { oneOf, timeAgo } from "../readers.ts";

interface Options {
  readonly olderThan?: Date;
  readonly state?: readonly EndState[];
  readonly workflow?: string;
  readonly generations?: true;
  readonly audit?: true;
  readonly run?: true;
}

/** Removes old runs, or old entries of the audit. */
export const command = defineCommand<Options>({
  examples: [
    { text: "What would be removed", line: "prune --older-than 90d" },
    {
      text: "Remove it",
      line: `prune --older-than 90d --state completed --run --reason "retention"`,
    },
    {
      text: "Remove old entries of the audit",
      line: `prune --audit --older-than 730d --run --reason "retention"`,
    },
  ],
  options: [
    {
      flags: "--older-than <age>",
      text: "runs that ended before this: 90d, or 2026-01-31T12:00:00Z",
      read: timeAgo,
    },
    {
      flags: "--state <state>",
      text: "only runs with this end",
      repeat: true,
      read: oneOf(END_STATES),
    },
    { flags: "--workflow <name>", text: "only runs of this workflow" },
    { flags: "--generations", text: "also earlier generations of runs that stay" },
    { flags: "--audit", text: "entries of the audit, in place of runs" },
    { flags: "--run", text: "remove them; without it only the plan is printed" },
  ],
  fields: ["before", "removed", "runs", "generations", "events", "keys", "operations"],
  acts: { needsReason: false },
  async run(context) {
    const { options, globals, out, consent } = context;
    const { olderThan: before, state: states, workflow, generations, audit, run } = options;
    if (before === undefined) {
      throw new UsageError("Cannot prune without --older-than: found none, wanted an age");
    }
    if (run === true && globals.reason === undefined && !globals.dryRun) {
      throw new UsageError("Cannot do this without --reason: found none, wanted why it is done");
    }
    if (audit === true) return await ofAudit(context, before);
    const request = {
      before,
      ...(states === undefined ? {} : { states }),
      ...(workflow === undefined ? {} : { workflow }),
      ...(generations === undefined ? {} : { generations }),
    };
    const continuum = await context.client();
    const plan = await planPrune(continuum, request);
    const print = (report: PruneReport, removed: boolean) =>
      out.document({ before: before.toISOString(), removed, ...report }, () => [
        `${removed ? "removed" : "would remove"} ${countsOf(report)}`,
      ]);
    if (run !== true || globals.dryRun) {
      print(plan, false);
      out.note("nothing was removed: add --run to remove it");
      return;
    }
    await consent({
      lines: [`remove what ended before ${before.toISOString()}: ${countsOf(plan)}`],
      answer: String(plan.runs),
      what: "the number of runs",
    });
    print(await pruneRuns(continuum, request), true);
  },
});

async function ofAudit(
  { options, globals, client, out, consent }: CommandContext<Options>,
  before: Date,
): Promise<void> {
  const { state, workflow, generations, run } = options;
  if (state !== undefined || workflow !== undefined || generations !== undefined) {
    throw new UsageError(
      "Cannot use --audit with --state, --workflow or --generations: those select runs",
    );
  }
  const connected = await client();
  const planned = await planPruneAudit(connected, before);
  const print = (operations: number, removed: boolean) =>
    out.document({ before: before.toISOString(), removed, operations }, () => [
      `${removed ? "removed" : "would remove"} ${counted(operations, "entry", "entries")}`,
    ]);
  if (run !== true || globals.dryRun) {
    print(planned, false);
    out.note("nothing was removed: add --run to remove it");
    return;
  }
  const what = counted(planned, "entry", "entries");
  await consent({
    lines: [`remove ${what} of the audit from before ${before.toISOString()}`],
    answer: String(planned),
    what: "the number of entries",
  });
  print(await pruneAudit(connected, before), true);
}

function countsOf({ runs, generations, events, keys }: PruneReport): string {
  return [
    counted(runs, "run"),
    counted(generations, "generation"),
    counted(events, "event"),
    counted(keys, "idempotency key"),
  ].join(", ");
}
