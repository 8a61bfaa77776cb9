/**
 * Which edits of a workflow a replay accepts, for random workflows and edits.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { encode } from "../../src/base/values.ts";
import { proveOn } from "../../src/dry_run/proof.ts";
import type { Command } from "../../src/replay/commands.ts";
import { installGuard } from "../../src/replay/guard.ts";
import type { OpenEffect } from "../../src/replay/open_effects.ts";
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

Deno.test("a random edit of a random workflow is accepted exactly when a naive replay of its history, and of what is open, accepts it", async () => {
  const [, drain] = DRAINS[0]!;
  const seed = Math.floor(Math.random() * 0x7fffffff);
  const verdicts = { accepted: 0, refused: 0, open: 0 };
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
        const open = openIn(live.snapshots.get(events.length) ?? [], choose);
        const change = edited(program, other, choose);
        const definition = defineWorkflow({ name: "tested" }, (ctx) => follow(ctx, change, STILL));
        const code = { definition: definition as never, modules: new Map() };
        const proof = await proveOn(code, { start: START, events, open }, { drain, trace: false });
        const accepts = proof.drift === null && proof.refused === null;
        const body = (effects: ConstructorParameters<typeof Context>[0]) =>
          follow(new Context(effects), change, STILL);
        const shown = `${proof.drift?.message} ${JSON.stringify(open)}`;
        assert.equal(accepts, await agrees(body, START, events, open), shown);
        verdicts[accepts ? "accepted" : "refused"]++;
        if (proof.drift?.seq === null) verdicts.open++;
      },
    ),
    { seed, numRuns: 1_000 },
  );
  const { accepted, refused, open } = verdicts;
  assert.ok(accepted > 100 && refused > 100 && open > 20, JSON.stringify(verdicts));
});

/** Tasks, unread answers, children and locks for some of what is outstanding. */
function openIn(outstanding: readonly unknown[], choose: (below: number) => number): OpenEffect[] {
  return (outstanding as readonly Command[]).flatMap((command): OpenEffect[] => {
    if (choose(3) === 0) return [];
    const { position, kind, name, digest, input } = command;
    if (kind === "activity") {
      return [{ form: choose(2) === 0 ? "task" : "answer", position, kind, name, digest }];
    }
    const child = kind === "child" && input !== null ? name : /^start (.*)/s.exec(name)?.[1];
    if (child !== undefined) {
      return [{ form: "child", position, kind: "child", name: child, digest }];
    }
    const isLock = kind === "call" && name.startsWith("lock ");
    return isLock ? [{ form: "lock", position, kind, name, digest: null }] : [];
  });
}
