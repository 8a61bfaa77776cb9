/**
 * Replays the histories of runs on code that may never have been registered, before it is deployed.
 * It writes nothing.
 *
 * - PREFLIGHT-1: no run is evidence of nothing: a replay without any history is not `ok`, unless the
 *   caller allows it.
 * - PREFLIGHT-2: code that is not registered runs in a subprocess without permissions (PROOF-1).
 *
 * @module
 */

import {
  checkAbortSignal,
  checkBoolean,
  checkChoice,
  checkFunction,
  checkOptions,
  checkText,
  checkWhole,
} from "../../base/arguments.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import type { RunRow } from "../../ports/rows.ts";
import type { RunStore, Store } from "../../ports/store.ts";
import type { FoundVersion } from "../../version/sources.ts";
import type { Versions } from "../../version/versions.ts";
import type { WorkflowDefinition } from "../../workflow/context_types.ts";
import type { ClientContext } from "../context.ts";
import { readWhere, type RunWhere } from "../run/conditions.ts";
import type { ProvenRun, Prover } from "../run/prover.ts";
import { MAX_SPECIFIER, readCode } from "./code.ts";
import { chooseRuns, type SampleRequest } from "./sample.ts";
import {
  failureOf,
  groupByCause,
  otherEndCause,
  type Verdict,
  type VerdictCause,
  type VerdictGroup,
  type VerdictKind,
} from "./verdict.ts";

/**
 * Options of {@linkcode Versions.replay}.
 *
 * @category Versions
 */
export interface VersionReplayOptions {
  /** Which runs of the workflow; all that have begun and have not ended when omitted. */
  readonly where?: RunWhere;
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /** Includes runs that ended within this time, such as `"1d"`; none when omitted. */
  readonly ended?: Duration;
  /**
   * The most runs, from 1 to 100,000.
   *
   * @default {1_000}
   */
  readonly sample?: number;
  /**
   * Which runs, if there are more. `spread` draws in turn from each kind of run, so that rare paths
   * are drawn too: by version, state, what the run waits for, and the length of its history.
   *
   * @default {"spread"}
   */
  readonly pick?: "newest" | "spread";
  /**
   * How many batches to read and replay at a time, from 1 to 16, each in a subprocess of its own.
   *
   * @default {2}
   */
  readonly concurrency?: number;
  /**
   * How long a subprocess may take for a batch of 100 runs, or for one run of a batch that took too
   * long. After three runs whose code does not return, a subprocess replays no further run.
   *
   * @default {"30s"}
   */
  readonly timeout?: Duration;
  /**
   * Whether the result is `ok` if there is no run to replay.
   *
   * @default {false}
   */
  readonly allowEmpty?: boolean;
  /** Is called, and awaited, for each run when it has been replayed, such as to show progress. */
  readonly onVerdict?: (verdict: Verdict, total: number) => unknown;
  /** Aborts the replay. */
  readonly signal?: AbortSignal;
}

/**
 * What the histories of runs say of some code.
 *
 * @category Versions
 */
export interface VersionReplay {
  /** The workflow. */
  readonly workflow: string;
  /** The hash of the code; it may not be registered. */
  readonly version: string;
  /** Whether every history replays, and there is one unless `allowEmpty` is set. */
  readonly ok: boolean;
  /** Whether there is no run to replay. */
  readonly empty: boolean;
  /** How many runs were found. */
  readonly found: number;
  /** Whether there are more runs, which were not looked at. */
  readonly more: boolean;
  /** How many runs were replayed. */
  readonly replayed: number;
  /** How many runs there are for each verdict that occurs. */
  readonly counts: Readonly<Partial<Record<VerdictKind, number>>>;
  /** The verdicts by cause, with the lines of both versions; the largest group first. */
  readonly groups: readonly VerdictGroup[];
  /** How many of the runs have new events since their history was read. */
  readonly changedSince: number;
}

/** The dependencies of a replay. */
export interface ReplayContext extends Pick<ClientContext, "dryRuns" | "runs"> {
  /** Reads histories and runs. */
  readonly store: Pick<Store, "journal" | "now" | "versions">;
  /** Finds the code. */
  readonly versions: Pick<Versions, "forStart" | "inspect" | "read">;
}

/** How many runs one query reads. */
const BATCH = 100;

/** How many runs are looked at again with one query. */
const AGAIN = 500;

/** The `seq` after all that a history can have. */
const AFTER_ALL = 2_147_483_647;

const CALL = "versions.replay()";
const KEYS = [
  ...["where", "namespace", "ended", "sample", "pick", "concurrency", "timeout", "allowEmpty"],
  ...["onVerdict", "signal"],
];

/**
 * Replays histories.
 *
 * @param code A version's hash, a specifier, or a definition of this process.
 * @param options Which runs.
 * @param context Its dependencies.
 * @returns The verdicts by cause.
 */
export async function replayRuns(
  code: string | WorkflowDefinition<never, unknown>,
  options: VersionReplayOptions,
  context: ReplayContext,
): Promise<VersionReplay> {
  const read = readOptions(options);
  const found = await codeOf(code, context);
  const { hash } = found.manifest;
  const { dryRuns, store: { journal, now } } = context;
  await using stack = new AsyncDisposableStack();
  const prover = () => stack.use(dryRuns.prover(found, journal, read.timeoutMs));
  const first = prover();
  const workflow = await first.prepare();
  const runs = context.runs.in(read.namespace ?? context.runs.namespace);
  const endedSince = read.endedMs === null ? null : await now() - read.endedMs;
  const { ids, ...sample } = await chooseRuns(runs, { ...read, workflow, endedSince });
  const batches = Array.from(
    { length: Math.ceil(ids.length / BATCH) },
    (_, n) => ids.slice(n * BATCH, (n + 1) * BATCH),
  );
  const verdicts: Verdict[] = [];
  const seen: ProvenRun[] = [];
  let removed = 0;
  const target = { hash, workflow, namespace: runs.namespace };
  const work = async (prover: Prover) => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      read.signal?.throwIfAborted();
      const proven = await prover.prove(await rowsOf(runs, batch));
      removed += batch.length - proven.length;
      seen.push(...proven);
      for (const run of proven) {
        const verdict = verdictOf(run, target);
        verdicts.push(verdict);
        await read.onVerdict?.(verdict, ids.length);
      }
    }
  };
  const others = Math.min(read.concurrency, batches.length) - 1;
  await Promise.all([
    work(first),
    ...Array.from({ length: Math.max(0, others) }, () => work(prover())),
  ]);
  read.signal?.throwIfAborted();
  const counts: Partial<Record<VerdictKind, number>> = {};
  for (const { verdict } of verdicts) counts[verdict] = (counts[verdict] ?? 0) + 1;
  const empty = verdicts.length === 0;
  return {
    workflow,
    version: hash,
    ok: empty
      ? read.allowEmpty
      : verdicts.every(({ verdict }) => verdict === "replays" || verdict === "changed"), // PREFLIGHT-1
    empty,
    found: sample.found,
    more: sample.more,
    replayed: verdicts.length,
    counts,
    groups: groupByCause(verdicts),
    changedSince: removed + await countChanged(seen, journal),
  };
}

/** The code is read once, also if several subprocesses replay on it. */
async function codeOf(
  code: string | WorkflowDefinition<never, unknown>,
  { versions }: ReplayContext,
): Promise<FoundVersion> {
  if (typeof code === "object") {
    const { hash } = await versions.forStart(code as WorkflowDefinition);
    return await readCode(versions, hash, "replay runs");
  }
  return await readCode(
    versions,
    checkText(code, `the code of ${CALL}`, MAX_SPECIFIER),
    "replay runs",
  );
}

async function rowsOf(runs: RunStore, ids: readonly string[]): Promise<RunRow[]> {
  return await runs.query({
    where: { kind: "field", field: "id", comparison: "in", values: ids },
    by: "createdAt",
    descending: true,
    after: null,
    limit: ids.length,
  });
}

function verdictOf(
  proven: ProvenRun,
  { hash, workflow, namespace }: { hash: string; workflow: string; namespace: string },
): Verdict {
  const { row, next, isSame, proof } = proven;
  const cause = proven.cause ?? otherEnd(proven);
  return {
    verdict: cause !== null ? failureOf(cause) : isSame && proof !== null ? "replays" : "changed",
    id: row.runId,
    namespace,
    workflow,
    from: row.hash,
    to: hash,
    generation: row.generation,
    events: isSame ? next - row.firstSeq : row.events,
    cause,
  };
}

/** A run that has completed must complete again; a run that failed may be what is repaired. */
function otherEnd({ row, proof }: ProvenRun): VerdictCause | null {
  if (row.state !== "completed" || proof === null || proof.outcome === "completed") return null;
  return otherEndCause(proof);
}

async function countChanged(
  seen: readonly ProvenRun[],
  journal: Store["journal"],
): Promise<number> {
  let changed = 0;
  for (let from = 0; from < seen.length; from += AGAIN) {
    const part = seen.slice(from, from + AGAIN);
    const loaded = await journal.load(part.map(({ row: { id } }) => ({ id, from: AFTER_ALL })));
    const now = new Map(loaded.map((run) => [run.id, run]));
    changed += part.filter(({ row, next }) => now.get(row.id)?.nextSeq !== next).length;
  }
  return changed;
}

interface ReadReplay extends Omit<SampleRequest, "workflow" | "endedSince"> {
  readonly namespace: string | undefined;
  readonly endedMs: number | null;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly allowEmpty: boolean;
  readonly onVerdict: VersionReplayOptions["onVerdict"];
  readonly signal: AbortSignal | undefined;
}

function readOptions(options: VersionReplayOptions): ReadReplay {
  checkOptions(options, KEYS, CALL);
  const { namespace, ended, sample = 1_000, pick = "spread", concurrency = 2 } = options;
  const { timeout = "30s", allowEmpty = false, onVerdict, signal } = options;
  if (namespace !== undefined) checkText(namespace, `option namespace of ${CALL}`);
  if (onVerdict !== undefined) checkFunction(onVerdict, `option onVerdict of ${CALL}`);
  checkWhole(sample, `option sample of ${CALL}`, 1, 100_000);
  checkChoice(pick, `option pick of ${CALL}`, ["newest", "spread"]);
  checkWhole(concurrency, `option concurrency of ${CALL}`, 1, 16);
  checkBoolean(allowEmpty, `option allowEmpty of ${CALL}`);
  checkAbortSignal(signal, CALL);
  return {
    where: readWhere(options.where),
    most: sample,
    pick,
    namespace,
    endedMs: ended === undefined ? null : durationMs(ended, `option ended of ${CALL}`),
    concurrency,
    timeoutMs: durationMs(timeout, `option timeout of ${CALL}`),
    allowEmpty,
    onVerdict,
    signal,
  };
}
