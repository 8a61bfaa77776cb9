/**
 * Which edits of a workflow a replay accepts, for random workflows and edits.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { encode } from "../../src/base/values.ts";
import { proveOn } from "../../src/dry_run/proof.ts";
import { installGuard } from "../../src/replay/guard.ts";
import { Context } from "../../src/workflow/context.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";
import { DRAINS, STARTED_AT } from "../support/executions.ts";
import { runLive } from "../support/live_program.ts";
import { agrees } from "../support/naive_run.ts";
import { edited, follow, programs, statement, STILL } from "../support/random_program.ts";

// For good: promises that a program leaves rejected are reported after the test's last turn.
installGuard();

const START = {
  runId: "run-1",
  workflow: "tested",
  version: "v1",
  input: encode(undefined),
  seed: "a seed",
  startedAt: STARTED_AT,
  origin: null,
};

Deno.test("a random edit of a random workflow is accepted exactly when a naive replay of its history accepts it", async () => {
  const [, drain] = DRAINS[0]!;
  const seed = Math.floor(Math.random() * 0x7fffffff);
  const verdicts = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      programs,
      statement,
      fc.infiniteStream(fc.nat({ max: 1_000_003 })),
      async (program, other, choices) => {
        const choose = (below: number): number => (choices.next().value as number) % below;
        const live = await runLive(program, drain, choose, false);
        const lengths = [...live.snapshots.keys(), live.events.length];
        const events = live.events.slice(0, lengths[choose(lengths.length)]);
        const change = edited(program, other, choose);
        const definition = defineWorkflow({ name: "tested" }, (ctx) => follow(ctx, change, STILL));
        const code = { definition: definition as never, modules: new Map() };
        const proof = await proveOn(code, { start: START, events }, { drain, trace: false });
        const accepts = proof.drift === null && proof.refused === null;
        const body = (effects: ConstructorParameters<typeof Context>[0]) =>
          follow(new Context(effects), change, STILL);
        assert.equal(accepts, await agrees(body, START, events), proof.drift?.message);
        verdicts[accepts ? "accepted" : "refused"]++;
      },
    ),
    { seed, numRuns: 1_000 },
  );
  assert.ok(verdicts.accepted > 100 && verdicts.refused > 100, JSON.stringify(verdicts));
});
