/**
 * Forks on the machine alone: at every event of random workflows.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { prefixOf, startsOf } from "../../src/client/run/fork_point.ts";
import type { Drain } from "../../src/replay/drain.ts";
import { installGuard } from "../../src/replay/guard.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import { type Identity, type OriginStart, originText } from "../../src/replay/origins.ts";
import { DRAINS, executionFor, STARTED_AT } from "../support/executions.ts";
import { continueLive, executionOfProgram } from "../support/live_program.ts";
import { follow, type Program, programs, STILL } from "../support/random_program.ts";

// For good: promises that a program leaves rejected are reported after the test's last turn.
installGuard();

/** A run as it is forked. */
interface Forkable {
  readonly events: readonly HistoryEvent[];
  readonly start: Identity;
  readonly starts: readonly OriginStart[];
}

type Choose = (below: number) => number;

const ORIGINAL: Identity = { runId: "run-1", seed: "a seed", startedAt: STARTED_AT };

for (const [name, drain] of DRAINS) {
  Deno.test(`a fork at every event of a random workflow replays, and ends as its code says (${name})`, async () => {
    const seed = Math.floor(Math.random() * 0x7fffffff);
    await fc.assert(
      fc.asyncProperty(
        programs,
        fc.infiniteStream(fc.nat({ max: 1_000_003 })),
        async (program, choices) => {
          const choose: Choose = (below) => (choices.next().value as number) % below;
          const { events } = await continueLive(executionOfProgram(program, drain), [], choose);
          const original = { events, start: ORIGINAL, starts: [] };
          for (let cut = 0; cut <= events.length; cut++) {
            const fork = await checkFork(program, drain, original, cut, choose);
            await checkFork(program, drain, fork, choose(fork.events.length + 1), choose);
          }
        },
      ),
      { seed, numRuns: drain.kind === "sync" ? 100 : 20 },
    );
  });
}

/** Forks a run, lets the fork run to its end, and replays all of it. */
async function checkFork(
  program: Program,
  drain: Drain,
  original: Forkable,
  cut: number,
  choose: Choose,
): Promise<Forkable> {
  const prefix = prefixOf(original.events, cut);
  const starts = startsOf(original.starts, original.start, prefix);
  const { runId, seed } = original.start;
  const start = { runId: `${runId}+`, seed: `another ${seed}`, startedAt: STARTED_AT + 1e9 };
  const origin = originText({ runId, generation: 0, events: prefix.events, starts });
  const forked = () =>
    executionFor((ctx) => follow(ctx, program, STILL), { drain, start: { ...start, origin } });
  const live = await continueLive(forked(), prefix.kept, choose); // it fails on drift
  const end = await forked().turn(live.events);
  assert.equal(end.drift, null, end.drift?.message);
  assert.deepEqual(end.outcome, live.outcome);
  return { events: live.events, start, starts };
}
