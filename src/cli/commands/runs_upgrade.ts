/**
 * `runs upgrade`: moves many runs to another version, each after a proof.
 *
 * @module
 */

import type { RunningUpgrade, UpgradeWork } from "../../operate/upgrade.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { CliError, UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { type PlanFile, readPlan, writePlan } from "../plan_file.ts";
import { commandLine } from "../../operate/shell.ts";
import { counted } from "../output/words.ts";
import { duration, json, whole } from "../readers.ts";
import { groupLines, printVerdicts, VERDICT_FIELDS } from "../verdicts.ts";
import { groupByCause } from "../../operate/upgrade.ts";

interface Options {
  readonly workflow?: string;
  readonly to?: string;
  readonly where?: object;
  readonly limit?: number;
  readonly stopAfter?: number;
  readonly patience?: number;
  readonly save?: string;
  readonly plan?: string;
  readonly job?: string;
}

/** Moves many runs to another version. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "Which runs of a workflow replay on its current version; code 3 if some do not",
      line: "runs upgrade --workflow order --dry-run --save plan.jsonl",
    },
    {
      text: "Move them, each only if it is as it was then",
      line: "runs upgrade --plan plan.jsonl",
    },
    { text: "Move two runs", line: "runs upgrade o-1 o-2 --to 3f9a2c1" },
    { text: "Continue after an interruption", line: "runs upgrade --job 4wqEl3Vq0bFt" },
  ],
  arguments: [["[id...]", "the ids of runs; all of the workflow if omitted"]],
  options: [
    { flags: "--workflow <name>", text: "the workflow; the target is its current version" },
    {
      flags: "--to <version>",
      text: "the target: a version's hash, or its first digits, or a registered specifier",
    },
    { flags: "--where <json>", text: "which runs: a condition as in runs.query()", read: json },
    { flags: "--limit <n>", text: "examine at most this many, the oldest first", read: whole(1) },
    {
      flags: "--stop-after <n>",
      text: "stop after this many runs that do not replay",
      read: whole(1),
    },
    {
      flags: "--patience <duration>",
      text: "how long to return to runs that nodes execute; 10s if omitted",
      read: duration,
    },
    { flags: "--save <file>", text: "with --dry-run: write the runs that replay as a plan" },
    { flags: "--plan <file>", text: "move the runs of a plan" },
    { flags: "--job <id>", text: "continue a job of runs jobs" },
  ],
  fields: VERDICT_FIELDS,
  acts: { needsReason: false },
  graceful: true,
  async run(context) {
    const { options, globals, out, signal } = context;
    const { job, plan: path, patience, stopAfter: stopAfterFailures } = options;
    check(options, context.args, globals.dryRun);
    const work: UpgradeWork = { patience, stopAfterFailures, signal };
    const { upgrades } = await context.acts();
    if (job !== undefined) {
      context.announce([`continue job ${job}`]);
      return await driven(context, upgrades.resume(job, work), null);
    }
    const { plan, exit } = path === undefined
      ? await makePlan(context)
      : { plan: await readPlan(path), exit: EXIT.done };
    if (plan === null) return exit;
    const { to, runs } = plan;
    await context.consent({
      lines: [`move ${counted(runs.length, "run")} to version ${to}, each only if it is as it was`],
      answer: String(runs.length),
      what: "the number of runs",
    });
    const upgrade = await upgrades.run(to, runs, work);
    out.note(
      `job ${upgrade.job}: if this ends early, runs upgrade --job ${upgrade.job} continues it`,
    );
    return await driven(context, upgrade, runs.length) || exit;
  },
});

/** Prints the verdicts of a job. One that is interrupted says how it is continued. */
async function driven(
  { out, signal }: Pick<CommandContext, "out" | "signal">,
  { job, verdicts }: RunningUpgrade,
  total: number | null,
): Promise<number> {
  try {
    return await printVerdicts(out, verdicts, total);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason || !(error instanceof CliError)) throw error;
    const next = `\`${commandLine("runs upgrade --job", [job])}\` continues it.`;
    throw new CliError(error.code, error.message, next, { job });
  }
}

/** `null`: nothing is to be moved. */
async function makePlan(
  { args, acts, read, options, globals, out, signal }: CommandContext<Options>,
): Promise<{ readonly plan: PlanFile | null; readonly exit: number }> {
  const ids = [...new Set(args)];
  const { workflow, to, limit, stopAfter: stopAfterFailures, save } = options;
  const named = ids.length === 0 ? [] : [{ id: { in: ids } }];
  const conditions = [...named, ...(options.where === undefined ? [] : [options.where])];
  const where = conditions.length === 0 ? undefined : { and: conditions };
  for (const id of ids) await read("runs.show", { id }); // each must exist
  const request = { workflow, to, where, limit, stopAfterFailures, signal };
  const { upgrades } = await acts();
  const found = await upgrades.plan(
    request,
    (count) => out.progress("examined", count, limit ?? null),
  );
  for (const id of ids) {
    if (found.verdicts.some((verdict) => verdict.id === id)) continue;
    out.note(`${id} is not moved: it has ended, is on that version, or does not meet --where`);
  }
  const plan = found.to === null ? null : { to: found.to, runs: found.runs };
  if (globals.dryRun) {
    const exit = await printVerdicts(out, found.verdicts, null);
    if (save !== undefined && plan !== null) await writePlan(save, plan);
    return { plan: null, exit };
  }
  const failed = found.verdicts.filter(({ verdict }) => verdict !== "replays");
  if (found.runs.length === 0 && out.format !== "text") {
    return { plan: null, exit: await printVerdicts(out, failed, null) };
  }
  for (const line of groupLines(groupByCause(failed))) out.note(line);
  const exit = failed.some(({ verdict }) => verdict !== "changed") ? EXIT.found : EXIT.done;
  if (found.runs.length > 0) return { plan, exit };
  out.note("no run is to be moved");
  return { plan: null, exit };
}

function check(options: Options, ids: readonly string[], isDry: boolean): void {
  const { workflow, to, plan, job, save, where, limit } = options;
  const ways = [
    workflow === undefined ? [] : ["--workflow"],
    to === undefined ? [] : ["--to"],
    plan === undefined ? [] : ["--plan"],
    job === undefined ? [] : ["--job"],
  ].flat();
  if (ways.length !== 1) {
    const found = ways.length === 0 ? "none" : ways.join(" and ");
    throw new UsageError(
      `Cannot upgrade: found ${found}, wanted one of --workflow, --to, --plan and --job`,
    );
  }
  const narrows = ids.length > 0
    ? "ids"
    : where !== undefined
    ? "--where"
    : limit !== undefined
    ? "--limit"
    : null;
  if (narrows !== null && workflow === undefined && to === undefined) {
    throw new UsageError(
      `Cannot use ${narrows} with ${ways[0]}: wanted it with --workflow or --to`,
    );
  }
  if (save !== undefined && !isDry) {
    throw new UsageError("Cannot use --save without --dry-run");
  }
}
