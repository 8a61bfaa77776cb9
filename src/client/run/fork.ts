/**
 * Forks: new runs that begin with a part of another run's history. The part is replayed on the
 * fork's code as a dry run first. The original is not changed.
 *
 * @module
 */

import { openLocks } from "./open_locks.ts";
import { runNotFound } from "../../base/run_errors.ts";
import {
  checkBoolean,
  checkChoice,
  checkOptions,
  checkText,
  refuse,
} from "../../base/arguments.ts";
import { authoredFacts } from "../../base/authored.ts";
import { failPoint } from "../../base/failpoint.ts";
import { randomId } from "../../base/ids.ts";
import { checkPayload } from "../../base/payload.ts";
import { forkId } from "../../base/run_ids.ts";
import { encode } from "../../base/values.ts";
import type { RunRow } from "../../ports/rows.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import { MAX_ORIGINS, originText, readOrigin } from "../../replay/origins.ts";
import type { DriftReport, Refusal, RunStart, Turn } from "../../replay/turn.ts";
import { readGivenId } from "../../workflow/run_id.ts";
import {
  POLICY_KEYS,
  policyText,
  readRunPolicy,
  type RunPolicyOptions,
} from "../../workflow/run_policy.ts";
import { policyFields } from "../../bundle/history.ts";
import type { ClientContext } from "../context.ts";
import { acting, type Deed, operated, refusedBy } from "../operated.ts";
import { forkIdTaken, wrongRunState } from "../errors.ts";
import { type ChildDecisions, decideChildren, type ForkChildren } from "./fork_children.ts";
import type { ForkedChild } from "./fork_children.ts";
import { effectsAgain, type ForkedEffect, type LaterSignal, laterSignals } from "./fork_preview.ts";
import {
  checkPoint,
  type ForkPoint,
  placeOf,
  type Prefix,
  prefixOf,
  startsOf,
} from "./fork_point.ts";
import { asClaimed, historyOf } from "./replayer.ts";
import { findTarget } from "./upgrade.ts";

/**
 * Options of {@linkcode RunHandle.fork}. The fork has no timeout and is not retried unless
 * `timeout` or `retry` is given: neither those of the original nor those of the definition apply.
 *
 * @category Runs
 */
export interface ForkOptions extends ForkPoint, RunPolicyOptions {
  /** The fork's code: a version hash or a registered specifier; that of the run when omitted. */
  readonly version?: string;
  /** The fork's id; one that the engine makes when omitted. */
  readonly id?: string;
  /** The fork's input; that of the run's present generation when omitted. */
  readonly input?: unknown;
  /**
   * What becomes of children that the run has started before the point and whose end comes after
   * it.
   *
   * @default {"refuse"}
   */
  readonly children?: ForkChildren;
  /**
   * Whether the fork receives the signals that the run received after the point, or has not
   * consumed, once more.
   *
   * @default {"drop"}
   */
  readonly signals?: "drop" | "carry";
  /**
   * Whether only to report what a fork would do.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
  /** The `plan` of a report: the fork has the id and the idempotency keys of that report. */
  readonly plan?: string;
}

/**
 * The report of a fork.
 *
 * @category Runs
 */
export interface ForkReport {
  /** Whether the fork exists now; with `dryRun`, whether it could be made. */
  readonly forked: boolean;
  /** Its id. */
  readonly id: string;
  /** Its beginning. */
  readonly origin: {
    /** The id of the original. */
    readonly id: string;
    /** The original's generation. */
    readonly generation: number;
    /** How many events of it come before the point. */
    readonly events: number;
    /** How many events it has. */
    readonly total: number;
  };
  /** The hash of the original's version, and that of the fork's. */
  readonly version: { readonly from: string; readonly to: string };
  /** Where the part of the history and the fork's code diverge; `null`: they match. */
  readonly drift: DriftReport | null;
  /** The call of the fork's code that a replay can't repeat; `null`: there is none. */
  readonly refused: Refusal | null;
  /** Effects of the original that the fork executes once more; the first 1,000. */
  readonly again: readonly ForkedEffect[];
  /** Signals that the original received after the point or has not consumed. */
  readonly signals: readonly LaterSignal[];
  /** Children of the original whose end comes after the point. */
  readonly children: readonly ForkedChild[];
  /** When the original times out; the fork does not, unless `timeout` is given. */
  readonly originalDeadline: Date | null;
  /** For the option `plan`. */
  readonly plan: string;
}

/** The dependencies of a fork. */
export type ForkContext = Pick<
  ClientContext,
  | "store"
  | "runs"
  | "replayer"
  | "versions"
  | "contracts"
  | "wakeups"
  | "payloadBytes"
  | "log"
  | "operator"
>;

const KEYS = [
  ...["at", "before", "fromFailure", "version", "id", "input", "children", "signals", "dryRun"],
  ...["plan", ...POLICY_KEYS],
];
const ACTION = "fork the run";

/** Checks the options, before any query. */
export function checkForkOptions(options: ForkOptions): void {
  checkOptions(options, KEYS, "fork()");
  const { version, id, children = "refuse", signals = "drop", dryRun = false, plan } = options;
  checkPoint(options);
  if (version !== undefined) checkText(version, "option version of fork()");
  if (id !== undefined) readGivenId(id, "option id of fork()");
  checkChoice(children, "option children of fork()", ["refuse", "adopt", "restart"]);
  checkChoice(signals, "option signals of fork()", ["drop", "carry"]);
  checkBoolean(dryRun, "option dryRun of fork()");
  if (plan !== undefined) checkText(plan, "option plan of fork()");
  readRunPolicy(options, "fork()");
}

/**
 * Forks a run; see {@linkcode RunHandle.fork}.
 *
 * @param runId The original.
 * @param options Where, and how.
 * @param context Its dependencies.
 * @returns The report.
 */
export async function forkRun(
  runId: string,
  options: ForkOptions,
  context: ForkContext,
): Promise<ForkReport> {
  const act = { action: "run.fork", namespace: context.runs.namespace, target: runId } as const;
  return await operated(
    acting(context, options),
    act,
    (deed) => fork(runId, options, context, deed),
    (report) => report.forked ? null : refusedBy(report) ?? "refused",
  );
}

async function fork(
  runId: string,
  options: ForkOptions,
  context: ForkContext,
  deed: Deed,
): Promise<ForkReport> {
  const row = await context.runs.get(runId);
  if (row === null) throw runNotFound(runId, ACTION);
  const target = await findTarget(row, options.version ?? row.hash, context, "fork");
  const history = await historyOf(runId, context.runs);
  const prefix = prefixOf(history, placeOf(options, history, row));
  const planned = await plan(row, target, prefix, options, context);
  const { turn, decisions, start } = planned;
  const to = { hash: target.hash, workflow: row.workflow };
  const isPossible = turn.drift === null && turn.refused === null &&
    decisions.children.every(({ action }) => action !== "refuse");
  const report: ForkReport = {
    forked: isPossible,
    id: start.runId,
    origin: {
      id: runId,
      generation: row.generation,
      events: prefix.events,
      total: history.length,
    },
    version: { from: row.hash, to: target.hash },
    drift: authoredFacts(turn.drift, to),
    refused: authoredFacts(turn.refused, to),
    again: await effectsAgain({ row, start, history, prefix }, decisions.children, context),
    signals: await laterSignals(row, history, prefix, context.store),
    children: decisions.children,
    originalDeadline: row.deadline === null ? null : new Date(row.deadline),
    plan: planText(start),
  };
  if (options.dryRun === true || !isPossible) return report;
  await failPoint("fork.replayed", { run: start.runId });
  await insert(row, target, prefix, options, planned, context, deed);
  await failPoint("fork.written", { run: start.runId });
  context.wakeups.due();
  return report;
}

/** A fork that was replayed. */
interface Planned {
  readonly start: RunStart & { readonly origin: string };
  readonly turn: Turn;
  readonly decisions: ChildDecisions;
}

/** Replays the prefix as the fork will. */
async function plan(
  row: RunRow,
  { hash }: VersionPin,
  prefix: Prefix,
  options: ForkOptions,
  { store, replayer, runs, contracts, payloadBytes }: ForkContext,
): Promise<Planned> {
  const inherited = row.generation === 0 ? readOrigin(row.origin)?.starts ?? [] : [];
  const { startedAt } = asClaimed(row);
  const recorded = {
    runId: recordedId(row.runId),
    seed: row.seed,
    startedAt,
    attempt: row.attempt,
  };
  const starts = startsOf(inherited, recorded, prefix);
  if (starts.length > MAX_ORIGINS) {
    const wanted = `one whose history comes from at most ${MAX_ORIGINS} runs`;
    throw wrongRunState(row.runId, ACTION, row.state, wanted);
  }
  const what = `the input of fork() of workflow ${JSON.stringify(row.workflow)}`;
  const input = "input" in options
    ? checkPayload(encode(await contracts.input(hash, options.input), "input"), what, payloadBytes)
    : row.input;
  const identity = identityOf(row, options);
  const { runId, generation } = row;
  const facts = { runId, generation, events: prefix.events };
  const start = {
    ...identity,
    workflow: row.workflow,
    version: hash,
    input,
    startedAt: await store.now(),
    policy: row.policy,
    origin: originText({ ...facts, starts }),
  };
  const { execution, turn } = await replayer.trace(start, prefix.kept);
  const policy = options.children ?? "refuse";
  const decisions = await decideChildren(execution.requested, starts, start, policy, runs);
  const origin = originText({ ...facts, starts: decisions.starts });
  return { start: { ...start, origin }, turn, decisions };
}

async function insert(
  row: RunRow,
  target: VersionPin,
  prefix: Prefix,
  options: ForkOptions,
  { start, decisions: { children } }: Planned,
  { versions }: Pick<ForkContext, "versions">,
  deed: Deed,
): Promise<void> {
  const { generation, namespace, workflow, id: origin } = row;
  const { runId, seed, input } = start;
  const fork = {
    ...target,
    workflow,
    origin,
    namespace,
    generation,
    runId,
    input,
    seed,
    forkOf: start.origin,
    policy: policyText(policyFields(row.policy), readRunPolicy(options, "fork()")),
    events: prefix.events,
    dropped: prefix.dropped,
    extra: prefix.extra,
    delivered: prefix.until,
    carry: options.signals === "carry",
    adopted: children.filter(({ action }) => action === "adopt").map(({ id }) => id),
    locks: openLocks(prefix.kept),
  };
  await versions.pinning(() =>
    deed(async ({ store }) => {
      const forked = await store.forks.fork(fork);
      if (forked.status === "taken") throw forkIdTaken(runId, forked);
      if (forked.status === "changed") {
        const wanted = "one that does not change meanwhile: call again";
        throw wrongRunState(row.runId, ACTION, row.state, wanted);
      }
      return forked;
    }, { details: () => ({ fork: runId, on: target.hash, events: prefix.events }) })
  );
}

/** A run whose id another start has taken over was recorded under its former id. */
function recordedId(runId: string): string {
  return runId.replace(/>was\.\d+$/, "");
}

function identityOf(row: RunRow, { id, plan }: ForkOptions): Pick<RunStart, "runId" | "seed"> {
  if (plan === undefined) {
    const digits = crypto.getRandomValues(new Uint8Array(6)).toHex();
    return { runId: id ?? forkId(row.runId, digits), seed: randomId() };
  }
  try {
    const [runId, seed] = JSON.parse(atob(plan)) as [string, string];
    if (typeof runId === "string" && typeof seed === "string" && (id ?? runId) === runId) {
      return { runId, seed };
    }
  } catch {
    // refused below
  }
  refuse("option plan of fork()", plan, "the plan of a report of this run's fork()");
}

function planText({ runId, seed }: Pick<RunStart, "runId" | "seed">): string {
  return new TextEncoder().encode(JSON.stringify([runId, seed])).toBase64();
}
