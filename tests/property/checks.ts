/**
 * What must hold of runs of random workflows, whatever they were and however they were executed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import { type Drain, probeDrain } from "../../src/replay/drain.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import type { Execution } from "../../src/replay/machine.ts";
import { readOrigin } from "../../src/replay/origins.ts";
import type { Outcome, Turn } from "../../src/replay/turn.ts";
import { executionOf } from "../../src/workflow/execute.ts";
import { REFUSED } from "../support/random_program.ts";
import type { VirtualDatabase } from "../support/virtual_database.ts";

import { type EndedRun, type Generation, keyOf, outstandingOf, ownEventsOf } from "./ended_runs.ts";
import type { Results } from "./runs.ts";
import type { EndNotifications } from "./end_notifications.ts";
import type { MadeAttempt, RandomWorld } from "./world.ts";

const drain: Drain = await probeDrain();

// ---- replay -----------------------------------------------------------------------------------

/**
 * Given the first events of its history, up to any cut, the code asks for what it asked for when it
 * was executed, and with the others it comes to the same end.
 *
 * Events may be written, and their node lose the run before its code was given them. The next
 * execution is given them at once, and answers `patched` among them with `false`; one that is given
 * them later answers with `true`. It is not one of those that existed.
 */
export async function checkReplays(
  run: EndedRun,
  world: RandomWorld,
  { died }: { readonly died: boolean },
): Promise<void> {
  for (const [index, generation] of run.generations.entries()) {
    if (neverRan(run, generation)) continue;
    const isLast = index === run.generations.length - 1;
    for (let cut = 0; cut <= generation.events.length; cut++) {
      const replayed = await replayTo(generation, cut, world);
      if (replayed === null) continue;
      const { execution, outcome } = replayed;
      if (outcome !== null) checkOutcome(run, isLast, outcome);
      else if (cut === generation.events.length) {
        assert.ok(isLast && hasNoOutcome(run), `Run ${run.runId} has ended, its replay waits on`);
      } else {
        const end = await execution.turn(generation.events.slice(cut));
        if (died && end.patches.length > 0) continue;
        fine(run, end);
        if (end.outcome === null) assert.ok(isLast && hasNoOutcome(run));
        else checkOutcome(run, isLast, end.outcome);
      }
    }
  }

  async function replayTo(
    { start, events, outstanding }: Generation,
    cut: number,
    world: RandomWorld,
  ): Promise<{ execution: Execution; outcome: Outcome | null } | null> {
    const execution = executionOf(world.workflow, start, { drain });
    const seen = outstanding.get(cut);
    // Within a batch, what was decided there is not journaled yet; it is put to the history's end.
    const decided = seen === undefined ? events.slice(cut).filter(isPatch) : [];
    const turn = await execution.turn([...events.slice(0, cut), ...decided]);
    if (died && seen === undefined && turn.patches.length > 0) return null;
    const { outcome } = fine(run, turn);
    if (seen !== undefined) {
      assert.equal(outstandingOf(execution), seen, `Run ${run.runId} after ${cut} events`);
    }
    return { execution, outcome };
  }
}

function isPatch({ kind }: HistoryEvent): boolean {
  return kind === "patched";
}

function fine({ runId }: EndedRun, turn: Turn): Turn {
  assert.equal(turn.drift, null, turn.drift?.message);
  assert.equal(turn.refused, null, turn.refused?.message);
  assert.equal(turn.idle, false, `Run ${runId} neither ended nor waits`);
  return turn;
}

/** It was cancelled before it began: no code can come to that end. */
function neverRan({ state }: EndedRun, { events }: Generation): boolean {
  return state === "cancelled" && events.length === 0;
}

/** It did not end by its code: it was ended, maybe before it began. */
function hasNoOutcome({ state }: EndedRun): boolean {
  return state === "terminated" || state === "cancelled";
}

function checkOutcome(run: EndedRun, isLast: boolean, outcome: Outcome): void {
  const { runId, state, result } = run;
  if (!isLast) return assert.equal(outcome.kind, "continued", runId);
  if (state === "terminated") return;
  assert.equal(outcome.kind, state, runId);
  if (outcome.kind === "completed") assert.equal(outcome.result, result, runId);
}

// ---- effects ----------------------------------------------------------------------------------

/** Transactions have happened exactly once if the history says that they have, and else not. */
export function checkTransactions({ runs, ledger }: Pick<Results, "runs" | "ledger">): void {
  const happened = runs.flatMap(({ generations }) =>
    generations.flatMap((generation) =>
      ownEventsOf(generation).filter(({ kind }) => kind === "transaction.completed")
        .map(({ position }) => keyOf(generation, position!))
    )
  );
  assert.deepEqual(ledger.map(({ key }) => key).sort(), happened.sort());
}

/**
 * What has answered was attempted, the attempts that failed before that were made as often as the
 * history says, and no attempt was made twice, unless its node had died.
 */
export function checkAttempts(
  { runs, made }: Pick<Results, "runs" | "made">,
  { died }: { died: boolean },
): void {
  const byKey = Map.groupBy(made, ({ key }) => key);
  for (const { generations } of runs) {
    for (const generation of generations) {
      for (const { kind, position, payload } of ownEventsOf(generation)) {
        if (position === null || !/^(run|activity|transaction)\.completed$/.test(kind)) continue;
        const attempts = byKey.get(keyOf(generation, position)) ?? keyed(byKey, generation);
        const result = decode(payload!);
        if (typeof result !== "number" || result === 0) continue; // the clean-up does nothing
        assert.ok(
          attempts.some(({ attempt }) => attempt === result),
          `${kind} at ${keyOf(generation, position)} was never attempted`,
        );
      }
    }
  }
  if (died) return;
  for (const [key, attempts] of byKey) {
    if (key.endsWith(" key")) continue; // several effects share it
    const numbers = attempts.map(({ attempt }) => attempt);
    assert.deepEqual(numbers, numbers.map((_, index) => index + 1), `Attempts of ${key}`);
  }
}

/** Attempts of the run's effects that share a key. */
function keyed(
  byKey: ReadonlyMap<string, readonly MadeAttempt[]>,
  { start }: Generation,
): readonly MadeAttempt[] {
  // What a fork's original requested has the original's id.
  return [start.runId, readOrigin(start.origin)?.runId].flatMap((id) =>
    byKey.get(`${id} key`) ?? []
  );
}

// ---- asks -------------------------------------------------------------------------------------

/**
 * Each ask was received at most once and answered at most once, with what its handler returned for
 * it, and none is open when all runs have ended.
 */
export function checkAsks({ runs, asks }: Pick<Results, "runs" | "asks">): void {
  const events = Map.groupBy(
    runs.flatMap(({ runId, generations }) =>
      generations.flatMap(({ events }) =>
        events.filter(({ kind }) => kind.startsWith("ask.")).map((event) => ({ runId, ...event }))
      )
    ),
    ({ runId, name }) => `${runId} ${name}`,
  );
  for (const { runId, ask, payload, row } of asks) {
    const kinds = (events.get(`${runId} ${ask}`) ?? []).map(({ kind }) => kind);
    const told = kinds.join(" ");
    assert.match(told, /^(ask\.received( ask\.(answered|failed))?)?$/, `${runId}, ${ask}`);
    // An ask that came after the end of its run was never received.
    const wanted = told.endsWith("answered")
      ? "answered"
      : told.endsWith("failed")
      ? "failed"
      : row?.status === "unknown" && told === ""
      ? "unknown"
      : "over";
    assert.equal(row?.status, wanted, `${runId}, ${ask}`);
    if (wanted === "answered") {
      assert.equal((decode(row!.payload!) as unknown[])[1], decode(payload));
    }
    if (wanted === "failed") assert.equal(decode(payload), REFUSED);
  }
}

// ---- leftovers --------------------------------------------------------------------------------

/**
 * Every run has ended, and no child outlived a parent that was to take it along, once it could be
 * notified of its parent's end.
 */
export function checkEnded(runs: readonly EndedRun[], notifications: EndNotifications): void {
  const byId = new Map(runs.map((run) => [run.id, run]));
  for (const { runId, state, stuckReason, parent, parentClose, endedAt } of runs) {
    assert.match(state, /^(completed|failed|cancelled|terminated)$/, `${runId}: ${stuckReason}`);
    const above = parent === null ? undefined : byId.get(parent);
    if (above === undefined || parentClose !== "terminate") continue;
    const notifiedBy = notifications.notifiedBy(above.endedAt!);
    assert.ok(endedAt! <= notifiedBy, `${runId}, ${state}, outlived its parent`);
  }
}

/** Nothing is outstanding in a database whose runs have ended. */
export async function checkNothingLeft(db: VirtualDatabase): Promise<void> {
  assert.deepEqual(await db.query(`select run, position, state from {schema}.tasks`), []);
  const held = await db.query(
    `select run_id from {schema}.runs where must_notify or node is not null or wake_at is not null`,
  );
  assert.deepEqual(held, []);
}
