/**
 * Forks of random runs, at random events.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { type ForkContext, forkRun } from "../../src/client/run/fork.ts";
import type { ForkChildren } from "../../src/client/run/fork_children.ts";
import { Replayer } from "../../src/client/run/replayer.ts";
import { probeDrain } from "../../src/replay/drain.ts";
import type { TestNode } from "../support/node.ts";
import type { VirtualDatabase } from "../support/virtual_database.ts";
import type { RandomWorld } from "./world.ts";

const drain = await probeDrain();

/** How many events each fork took over, by its id. */
export type Taken = Map<string, number>;

const CHILDREN: readonly ForkChildren[] = ["refuse", "adopt", "restart"];

/**
 * Forks runs that no other run has started, each at a random event of its present generation.
 *
 * @param db Where they are.
 * @param node Continues the forks.
 * @param world What their code acts on.
 * @param taken Notes how many events each fork took over.
 */
export async function forkRuns(
  db: VirtualDatabase,
  node: TestNode,
  world: RandomWorld,
  taken: Taken,
): Promise<void> {
  const { store } = node;
  const context = {
    store,
    runs: store.runs,
    replayer: new Replayer({
      obtain: () => Promise.resolve({ modules: new Map(), definition: world.workflow }),
    }, drain),
    versions: { pinning: (work: () => unknown) => work() },
    wakeups: {
      due: () => node.engine.receive({ kind: "due" }),
      limits: () => node.engine.receive({ kind: "limits" }),
    },
  } as unknown as ForkContext;
  using _point = armFailPoint("fork.written", async ({ run }) => {
    const [row] = await db.query<{ n: number }>(
      `select next_seq - first_seq as n from {schema}.runs where run_id = $1`,
      [run as string],
    );
    taken.set(run as string, row!.n);
  });
  const originals = await db.query<{ run_id: string; events: number }>(
    `select run_id, next_seq - first_seq as events from {schema}.runs
     where parent is null and origin is null order by id`,
  );
  for (const { run_id, events } of originals) {
    const draw = drawer(`${run_id} ${events}`);
    const report = await forkRun(run_id, {
      at: draw(events + 1),
      children: CHILDREN[draw(CHILDREN.length)]!,
      signals: draw(2) === 0 ? "carry" : "drop",
    }, context);
    assert.equal(report.drift, null, report.drift?.message);
    assert.equal(report.refused, null, report.refused?.message);
    const isRefused = report.children.some(({ action }) => action === "refuse");
    assert.equal(report.forked, !isRefused, `The fork of ${run_id}`);
  }
}

/** Draws numbers that depend on nothing but a text. */
function drawer(text: string): (below: number) => number {
  let state = 2_166_136_261;
  const mix = (value: number) => {
    state = Math.imul(state ^ value, 16_777_619) >>> 0;
  };
  for (const char of text) mix(char.charCodeAt(0));
  return (below) => {
    mix(below);
    return (state >>> 8) % below;
  };
}
