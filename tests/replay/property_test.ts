import assert from "node:assert/strict";
import fc from "fast-check";
import type { Drain } from "../../src/replay/drain.ts";
import { installGuard } from "../../src/replay/guard.ts";
import { DRAINS, essence } from "../support/executions.ts";
import { executionOfProgram, type Live, runLive } from "../support/live_program.ts";
import { type Program, programs } from "../support/random_program.ts";
import { countOf } from "../support/thoroughness.ts";

// For good: promises that a program leaves rejected are reported after the test's last turn.
installGuard();

for (const [name, drain] of DRAINS) {
  Deno.test(`a random workflow replays alike from a cut at every event (${name})`, async () => {
    const seed = Math.floor(Math.random() * 0x7fffffff);
    await fc.assert(
      fc.asyncProperty(
        programs,
        fc.infiniteStream(fc.nat({ max: 1_000_003 })),
        async (program, choices) => {
          const choose = (below: number): number => (choices.next().value as number) % below;
          const live = await runLive(program, drain, choose);
          for (let cut = 0; cut <= live.events.length; cut++) {
            await checkCut(program, drain, live, cut);
          }
        },
      ),
      { seed, numRuns: countOf(drain.kind === "sync" ? 4_000 : 1_000) },
    );
  });
}

async function checkCut(
  program: Program,
  drain: Drain,
  live: Live,
  cut: number,
): Promise<void> {
  const execution = executionOfProgram(program, drain);
  const expected = live.snapshots.get(cut);
  const history = live.events.slice(0, cut);
  const patches = live.events.slice(cut).filter((event) => event.kind === "patched");
  // Within a batch, what was decided there is not journaled yet; it is put to the history's end.
  const mid = await execution.turn(expected === undefined ? [...history, ...patches] : history);
  assert.equal(mid.drift, null, mid.drift?.message);
  assert.deepEqual(mid.patches, []);
  if (expected !== undefined) assert.deepEqual(essence(mid.issued), expected);
  const end = mid.outcome === null ? await execution.turn(live.events.slice(cut)) : mid;
  assert.equal(end.drift, null, end.drift?.message);
  assert.deepEqual(end.outcome, live.outcome);
}
