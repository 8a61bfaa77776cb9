/**
 * Random runs that failed by their code and are reopened on code that is mended.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ReopenContext, reopenRun } from "../../src/client/run/reopen.ts";
import { Replayer } from "../../src/client/run/replayer.ts";
import { probeDrain } from "../../src/replay/drain.ts";
import type { TestNode } from "../support/node.ts";
import type { VirtualDatabase } from "../support/virtual_database.ts";
import type { RandomWorld } from "./world.ts";

const drain = await probeDrain();

/**
 * Reopens every failed run that no other run has started, and that is no fork.
 *
 * @param db Where they are.
 * @param node Continues them.
 * @param world Mends their code.
 */
export async function reopenRuns(
  db: VirtualDatabase,
  node: TestNode,
  world: RandomWorld,
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
  } as unknown as ReopenContext;
  const failed = await db.query<{ run_id: string }>(
    `select run_id from {schema}.runs
     where state = 'failed' and parent is null and origin is null order by id`,
  );
  for (const { run_id } of failed) {
    const before = await reopenRun(run_id, { dryRun: true }, context);
    assert.deepEqual([before.reopened, before.fails !== undefined], [false, true], run_id);
    world.mended.add(run_id);
    const report = await reopenRun(run_id, {}, context);
    assert.equal(report.reopened, true, `${run_id}: ${report.drift?.message} ${report.fails}`);
  }
}
