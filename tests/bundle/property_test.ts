/**
 * Random workflows: what is exported, opened and replayed is the run that was recorded, and a file
 * with any one byte changed is no bundle.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isContinuumError } from "../../src/base/errors.ts";
import type { BundledRun } from "../../src/bundle/content.ts";
import type { RunHistory } from "../../src/bundle/history.ts";
import { openBundle } from "../../src/bundle/read.ts";
import { writeBundle } from "../../src/bundle/write.ts";
import { installGuard } from "../../src/replay/guard.ts";
import { DRAINS, STARTED_AT } from "../support/executions.ts";
import { executionOfProgram, type Live, runLive } from "../support/live_program.ts";
import { type Program, programs } from "../support/random_program.ts";
import { HASH, partsOf } from "./parts.ts";

// For good: promises that a program leaves rejected are reported after the test's last turn.
installGuard();

const [, drain] = DRAINS[0]!;

function bundled({ events, outcome }: Live): BundledRun {
  const state = outcome.kind === "continued" ? "suspended" : outcome.kind;
  const history: RunHistory = {
    format: "continuum.history",
    formatVersion: 1,
    runId: "run-1",
    workflow: "tested",
    version: HASH,
    generation: 0,
    attempt: 1,
    startedAt: STARTED_AT,
    seed: "a seed",
    input: "null",
    state,
    result: outcome.kind === "completed" ? outcome.result : null,
    error: "error" in outcome ? outcome.error : null,
    events,
  };
  const nothing = { versionLabel: null, customStatus: null, stuckReason: null, node: null };
  return {
    runId: "run-1",
    namespace: "default",
    workflow: "tested",
    facts: {
      ...nothing,
      ...{ state, specifier: "app:tested.ts", attributes: {}, waits: [], attempt: 1 },
      ...{ wakeAt: null, failure: null, deadline: null, policy: null, parentId: null },
      ...{ createdAt: STARTED_AT, startedAt: STARTED_AT, since: null, endedAt: null },
    },
    generations: [history],
    inbox: [],
    tasks: [],
    loadFailures: [],
    timelines: [],
  };
}

/** The end of a program on the history that a bundle holds. */
async function endOn(program: Program, history: RunHistory): Promise<unknown> {
  const execution = executionOfProgram(program, drain);
  const { drift, outcome } = await execution.turn(history.events);
  assert.equal(drift, null, drift?.message);
  return outcome;
}

Deno.test("a random workflow's run comes out of its bundle as it went in, and replays to its end", async () => {
  await fc.assert(
    fc.asyncProperty(
      programs,
      fc.infiniteStream(fc.nat({ max: 1_000_003 })),
      async (program, choices) => {
        const choose = (below: number): number => (choices.next().value as number) % below;
        const live = await runLive(program, drain, choose);
        const run = bundled(live);
        const file = await writeBundle(partsOf(run));
        const history = (await openBundle(file)).history();
        assert.deepEqual(history, JSON.parse(JSON.stringify(run.generations[0])));
        assert.deepEqual(await endOn(program, history), live.outcome);
        const at = choose(file.length);
        const edited = file.slice();
        edited[at] = (edited[at]! + 1 + choose(255)) % 256;
        const refusal = await openBundle(edited).then(() => null, (error) => error);
        assert(isContinuumError(refusal), `byte ${at} was changed and nothing refused it`);
        assert.match(refusal.code, /^BUNDLE_(CHANGED|CUT|FORMAT)$/);
      },
    ),
    { numRuns: 100 },
  );
});
