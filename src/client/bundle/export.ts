/**
 * Exports runs with all that a replay on another machine needs.
 *
 * - EXPORT-1: an export writes nothing and claims nothing. A run is read until its row and its history
 *   belong together; if a node executes it so fast that they never do, the history ends where the row
 *   says.
 *
 * @module
 */

import { runNotFound } from "../../base/run_errors.ts";
import { checkBoolean, checkChoice, checkOptions } from "../../base/arguments.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { isContinuumError } from "../../base/errors.ts";
import { messageOf } from "../../base/text.ts";
import type { BundledRun, BundledTimeline, BundledVersion } from "../../bundle/content.ts";
import { bundleTooLarge } from "../../bundle/errors.ts";
import { MAX_CONTENT } from "../../bundle/file.ts";
import { policyFields, type RunHistory, startOf } from "../../bundle/history.ts";
import { redacted } from "../../bundle/redact.ts";
import { writeBundle } from "../../bundle/write.ts";
import { demandDecoded, demandReadable } from "../../ports/readable.ts";
import type { GenerationRow, LoadedRun, RunRow } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import type { ClientContext } from "../context.ts";
import { historyOf } from "../run/replayer.ts";

/**
 * Options of {@linkcode RunHandle.export}.
 *
 * @category Runs
 */
export interface ExportOptions {
  /**
   * Whether the bundle includes the children of the runs, and theirs.
   *
   * @default {false}
   */
  readonly children?: boolean;
  /**
   * `timeline`: the bundle holds no payloads. It holds the trace of each generation instead, and
   * can't be replayed. Ids and names of effects stay in it, and so does the code.
   *
   * @default {nothing is left out}
   */
  readonly redact?: "timeline";
  /**
   * With `redact`: how long a subprocess may take to import the code, and again to trace a
   * generation.
   *
   * @default {"10s"}
   */
  readonly timeout?: Duration;
}

/** The parts of a client that an export uses. */
type ExportContext = Pick<ClientContext, "runs" | "store" | "versions" | "dryRuns">;

const PAGE = 1_000;

/** How often a run is read until its row and its history belong together (EXPORT-1). */
const MAX_READS = 5;

/** The most effects of one timeline. */
const MAX_TRACED = 10_000;

/**
 * Exports runs.
 *
 * @param ids The runs, in the order in which the bundle holds them.
 * @param options What the bundle holds.
 * @param context Reads the runs and their code.
 * @returns The bytes of the bundle's file.
 */
export async function exportRuns(
  ids: readonly string[],
  { children = false, redact, timeout = "10s" }: ExportOptions,
  context: ExportContext,
): Promise<Uint8Array<ArrayBuffer>> {
  const timeoutMs = durationMs(timeout, "option timeout of export()");
  const wanted = new Set(ids);
  const runs: BundledRun[] = [];
  let size = 0;
  for (const id of wanted) {
    const run = await readRun(id, context);
    size += sizeOf(run);
    if (size > MAX_CONTENT) throw bundleTooLarge(MAX_CONTENT);
    if (children) { for await (const child of childrenOf(id, context.runs)) wanted.add(child); }
    runs.push(
      redact === undefined ? run : redacted(run, await timelinesOf(run, timeoutMs, context)),
    );
  }
  const hashes = new Set(
    runs.flatMap(({ generations }) => generations.map(({ version }) => version)),
  );
  const { versions, members } = await readCode(hashes, context);
  const exportedAt = await context.store.now();
  return await writeBundle({ exportedAt, redacted: redact ?? null, runs, versions, members });
}

/** Checks the options of an export, before any query. */
export function checkExportOptions(options: object, call: string, keys: readonly string[] = []) {
  checkOptions(options, ["children", "redact", "timeout", ...keys], call);
  const { children = false, redact, timeout = "10s" } = options as ExportOptions;
  checkBoolean(children, `option children of ${call}`);
  if (redact !== undefined) checkChoice(redact, `option redact of ${call}`, ["timeline"]);
  durationMs(timeout, `option timeout of ${call}`);
}

/** EXPORT-1 */
async function readRun(runId: string, context: ExportContext): Promise<BundledRun> {
  const { runs, store } = context;
  for (let reads = 1;; reads++) {
    const row = await runs.get(runId);
    if (row === null) throw runNotFound(runId, "export the run");
    const rows = await generationsOf(runId, runs);
    const present = rows.at(-1);
    const isLast = reads >= MAX_READS;
    if (present === undefined || present.number !== row.generation) {
      if (isLast) throw runNotFound(runId, "export the run"); // another run has taken the id
      continue;
    }
    const [loaded] = await store.journal.load([{ id: row.id, from: present.firstSeq }]);
    if (loaded !== undefined) demandReadable(loaded);
    for (const text of [row.input, row.result, row.error]) demandDecoded(text);
    const isSame = loaded?.generation === row.generation;
    const isCoherent = isSame && loaded.nextSeq - loaded.firstSeq === row.events;
    if (loaded === undefined || !isCoherent && !isLast) continue;
    const events = isSame ? loaded.events : await historyOf(runId, runs, row.generation);
    return await bundled(row, rows, { ...loaded, events }, context);
  }
}

async function bundled(
  row: RunRow,
  rows: readonly GenerationRow[],
  loaded: LoadedRun,
  { runs, store }: ExportContext,
): Promise<BundledRun> {
  const { runId, namespace, workflow, state, result, error, events } = row;
  const generations: RunHistory[] = [];
  for (const earlier of rows.slice(0, -1)) {
    const history = await historyOf(runId, runs, earlier.number);
    // Retention may have removed it meanwhile.
    if (history.length === earlier.events) {
      generations.push(
        historyFrom(row, earlier, history, { state: "over", result: null, error: null }),
      );
    }
  }
  const history = loaded.events.slice(0, events) as HistoryEvent[];
  generations.push(historyFrom(row, rows.at(-1)!, history, { state, result, error }));
  const failures = await store.versions.failures(row.hash);
  return {
    runId,
    namespace,
    workflow,
    facts: factsOf(row),
    generations,
    inbox: loaded.inbox.map(({ kind, name, position, payload }) => ({
      kind,
      name,
      position,
      payload,
    })),
    tasks: loaded.tasks.length === 0 ? [] : await store.tasks.progress(row.id, loaded.tasks),
    loadFailures: failures.map(({ node, reason }) => ({ node, reason })),
    timelines: [],
  };
}

function historyFrom(
  { runId, workflow, createdAt, origin, policy }: RunRow,
  { number, hash, attempt, startedAt, seed, input }: GenerationRow,
  events: readonly HistoryEvent[],
  end: Pick<RunHistory, "state" | "result" | "error">,
): RunHistory {
  return {
    format: "continuum.history",
    formatVersion: 1,
    runId,
    workflow,
    version: hash,
    generation: number,
    attempt,
    startedAt: startedAt ?? createdAt,
    seed,
    input,
    ...end,
    events,
    ...(origin === null ? {} : { origin }),
    ...policyFields(policy),
  };
}

function factsOf(row: RunRow): BundledRun["facts"] {
  const { state, versionLabel, specifier, attributes, customStatus, stuckReason, waits } = row;
  const { node, wakeAt, attempt, failure, deadline, policy } = row;
  const { parentId, createdAt, startedAt, since, endedAt } = row;
  return {
    ...{ state, versionLabel, specifier, attributes, customStatus, stuckReason, waits },
    ...{ node, wakeAt, attempt, failure, deadline, policy },
    ...{ parentId, createdAt, startedAt, since, endedAt },
  };
}

async function generationsOf(runId: string, runs: RunStore): Promise<GenerationRow[]> {
  const all: GenerationRow[] = [];
  for (let from = 0;;) {
    const rows = await runs.generations(runId, from, PAGE);
    all.push(...rows);
    if (rows.length < PAGE) return all;
    from = rows.at(-1)!.number + 1;
  }
}

async function* childrenOf(id: string, runs: RunStore): AsyncGenerator<string> {
  for (let after: { at: number; id: number } | null = null;;) {
    const rows: RunRow[] = await runs.query({
      where: { kind: "parent", id },
      by: "createdAt",
      descending: false,
      after,
      limit: PAGE,
    });
    for (const { runId } of rows) yield runId;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = { at: last.createdAt, id: last.id };
  }
}

/** Characters that the run's histories take at least. */
function sizeOf({ generations }: BundledRun): number {
  let size = 0;
  for (const { input, events } of generations) {
    size += input.length;
    for (const { payload, name } of events) size += (payload?.length ?? 0) + name.length;
  }
  return size;
}

/** The traces of a run's generations, before their payloads are removed. */
async function timelinesOf(
  { facts: { state }, generations }: BundledRun,
  timeoutMs: number,
  { dryRuns }: ExportContext,
): Promise<BundledTimeline[]> {
  const timelines: BundledTimeline[] = [];
  for (const history of generations) {
    const { generation, version: hash, events } = history;
    const request = {
      start: startOf(history),
      events,
      at: events.length,
      from: 0,
      limit: MAX_TRACED,
      sites: true,
      payloadChars: 0,
    };
    try {
      const { trace } = await dryRuns.trace({ hash, state }, request, timeoutMs);
      timelines.push({ generation, trace, trouble: null });
    } catch (error) {
      if (!isContinuumError(error)) throw error;
      timelines.push({ generation, trace: null, trouble: error.code });
    }
  }
  return timelines;
}

async function readCode(
  hashes: ReadonlySet<string>,
  context: Pick<ExportContext, "versions">,
): Promise<{ versions: BundledVersion[]; members: Map<string, Uint8Array> }> {
  const versions: BundledVersion[] = [];
  const members = new Map<string, Uint8Array>();
  for (const hash of hashes) {
    try {
      const { manifest, bytes } = await context.versions.inspect(hash);
      versions.push({ hash, manifest: manifest.text, trouble: null });
      for (const { sha256 } of manifest.content.members) members.set(sha256, bytes.get(sha256)!);
    } catch (error) {
      if (!isContinuumError(error, "VERSION_UNAVAILABLE")) throw error;
      versions.push({ hash, manifest: null, trouble: messageOf(error) });
    }
  }
  return { versions, members };
}
