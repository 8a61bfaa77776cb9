/**
 * `versions gc`: removes versions that nothing needs any more.
 *
 * @module
 */

import { type CollectReport, collectVersions, planCollect } from "../../operate/collect.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import type { Output } from "../output/output.ts";
import { counted, versionCell } from "../output/words.ts";
import { timeAgo, whole } from "../readers.ts";

interface Options {
  readonly olderThan?: Date;
  readonly keep?: number;
  readonly run?: true;
}

const DEFAULT_AGE = "30d";

/** Why versions stay, in the words of the report. */
const KEPT: { readonly [Reason in keyof CollectReport["kept"]]: string } = {
  current: "current",
  needed: "needed by live runs",
  scheduled: "needed by schedules",
  denied: "denied",
  recent: "used since",
  newest: "among the newest of their workflow",
  contains: "contain a version that stays",
  held: "without bytes, held by ended runs",
};

/** Removes versions. */
export const command = defineCommand<Options>({
  examples: [
    { text: "What nothing needs any more", line: "versions gc" },
    {
      text: "Remove it",
      line: `versions gc --older-than 90d --keep 10 --run --reason "retention"`,
    },
  ],
  options: [
    {
      flags: "--older-than <age>",
      text: `versions unused since then: 90d, or 2026-01-31T12:00:00Z; ${DEFAULT_AGE} if omitted`,
      read: timeAgo,
    },
    {
      flags: "--keep <n>",
      text: "how many of the newest versions of each workflow stay; 5 if omitted",
      read: whole(0),
    },
    { flags: "--run", text: "remove them; without it only the plan is printed" },
  ],
  fields: ["hash", "workflow", "label", "loses", "usedAt"],
  acts: { needsReason: false },
  graceful: true,
  async run(context) {
    const { options, globals, out, signal, consent } = context;
    const { olderThan: before = timeAgo(DEFAULT_AGE, "--older-than"), keep, run } = options;
    if (run === true && globals.reason === undefined && !globals.dryRun) {
      throw new UsageError("Cannot do this without --reason: found none, wanted why it is done");
    }
    const request = { before, ...(keep === undefined ? {} : { keep }) };
    const client = await context.client();
    const plan = await planCollect(client, request);
    if (run !== true || globals.dryRun) {
      await print(out, plan, false);
      if (!isEmpty(plan)) out.note("nothing was removed: add --run to remove it");
      return;
    }
    if (!isEmpty(plan)) {
      const answer = plan.versions.length > 0
        ? { answer: String(plan.versions.length), what: "the number of versions" }
        : { answer: String(plan.modules), what: "the number of modules" };
      await consent({ lines: [`remove ${countsOf(plan)}`], ...answer });
    }
    const onBatch = (removed: number, planned: number) => out.progress("removed", removed, planned);
    const report = await collectVersions(client, { ...request, signal, onBatch });
    await print(out, report, true);
    if (!report.done) out.note("interrupted: the same command continues it");
  },
});

function isEmpty({ versions, modules }: CollectReport): boolean {
  return versions.length === 0 && modules === 0;
}

async function print(out: Output, report: CollectReport, removed: boolean): Promise<void> {
  const { versions, ...rest } = report;
  const remarks = () => [...summaryOf(report, removed), ...keptOf(report)];
  await out.list({
    name: "versions",
    items: versions,
    rest: () => ({ removed, ...rest }),
    columns: [
      { title: "WORKFLOW", cell: ({ workflow }) => workflow },
      { title: "VERSION", id: true, cell: ({ hash }) => versionCell(out, hash, null) },
      { title: "LABEL", cell: ({ label }) => label ?? "-" },
      { title: "LOSES", cell: ({ loses }) => loses },
      { title: "USED", cell: ({ usedAt }) => out.time(usedAt) },
    ],
    footer: remarks,
    remarks,
  });
}

function* summaryOf(report: CollectReport, removed: boolean): Iterable<string> {
  yield `${removed ? "removed" : "would remove"} ${countsOf(report)}`;
  if (report.archived === 0) {
    yield "no version has bytes in the archive, so there are none to remove";
  }
}

function keptOf({ kept }: CollectReport): string[] {
  const reasons = Object.keys(KEPT) as (keyof typeof KEPT)[];
  const counts = reasons.filter((reason) => kept[reason] > 0)
    .map((reason) => `${kept[reason].toLocaleString("en")} ${KEPT[reason]}`);
  return counts.length === 0 ? [] : [`stay: ${counts.join(", ")}`];
}

function countsOf({ versions, modules, bytes }: CollectReport): string {
  const bare = versions.filter(({ loses }) => loses === "bytes").length;
  const whole = versions.length - bare;
  const parts = [
    ...(bare > 0 ? [`the bytes of ${counted(bare, "version")}`] : []),
    ...(whole > 0 ? [`all of ${counted(whole, "version")}`] : []),
    ...(modules > 0 ? [`${counted(modules, "module")} with ${counted(bytes, "byte")}`] : []),
  ];
  return parts.length === 0 ? "nothing" : parts.join(", ");
}
