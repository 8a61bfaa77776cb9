/**
 * Waiting until a run is in a state.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Runs a step for as long as its test wants. */
const HELD = source(
  `await ctx.run("step", () => (globalThis as any).heldForTest);
   return await ctx.waitForSignal("go");`,
  `{ name: "held" }`,
);
const DRIFTS = source(`await fetch("https://example.com");`, `{ name: "drifts" }`);
const FAILS = source(`throw new Error("No");`, `{ name: "fails" }`);
const FILES = { "held.ts": HELD, "drifts.ts": DRIFTS, "fails.ts": FAILS };

forEachDatabase("reached()", (database, test) => {
  test("a run is awaited in each state that it comes to, here and from another process", async () => {
    const step = Promise.withResolvers<void>();
    (globalThis as unknown as { heldForTest: Promise<void> }).heldForTest = step.promise;
    await using at = await scene(database, FILES);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const later = await at.node.start("held", null, {
      runId: "r",
      startAt: new Date(Date.now() + 86_400_000),
    });
    for (const run of [later, client.run("r")]) {
      assert.equal((await run.reached("pending")).state, "pending");
    }
    const run = await at.node.start("held");
    const far = client.run(run.id);
    for (const each of [run, far]) {
      assert.equal((await each.reached(["running", "suspended"])).state, "running");
    }
    const suspended = [run.reached("suspended"), far.reached(["suspended", "failed"])];
    step.resolve();
    for (const { id, state, waits } of await Promise.all(suspended)) {
      assert.deepEqual([id, state, waits.map(({ name }) => name)], [run.id, "suspended", ["go"]]);
    }
    const completed = [run.reached("completed"), far.reached(["completed", "suspended"])];
    assert.equal((await completed[1]!).state, "suspended", "one of them is so already");
    await far.signal("go", 1);
    assert.equal((await completed[0]!).state, "completed");
    assert.equal((await far.reached("completed")).state, "completed");
    const ends = [later, client.run("r")].map((each) => each.reached("terminated"));
    await client.run("r").terminate();
    assert.deepEqual((await Promise.all(ends)).map(({ state }) => state), [
      "terminated",
      "terminated",
    ]);
  });

  test("being parked is a state like others", async () => {
    await using at = await scene(database, FILES);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const run = await at.node.start("drifts");
    for (const each of [run, client.run(run.id)]) {
      const { stuck } = await each.reached("stuck_nondeterminism");
      assert.equal(stuck?.code, "NONDETERMINISTIC_CALL");
    }
    await refused(run.reached("completed", { timeout: 1 }), "TIMEOUT", "completed within 1 ms");
    await run.cancel();
    await refused(run.reached("stuck_nondeterminism"), "RUN_ENDED", "cancelled");
  });

  test("a wait for what can't come any more, or takes too long, is refused", async () => {
    await using at = await scene(database, FILES);
    const failed = await at.node.start("fails");
    await refused(
      failed.reached(["suspended", "completed"]),
      "RUN_ENDED",
      failed.id,
      "it is failed",
    );
    const waits = await at.node.start("echo", { wait: "go" });
    await waits.reached("suspended");
    const late = waits.reached(["failed", "running"], { timeout: 5 });
    await refused(late, "TIMEOUT", `"${waits.id}" has not become failed or running within 5 ms`);
    const given = new AbortController();
    const { reason } = AbortSignal.abort();
    const dropped = waits.reached("completed", { signal: given.signal });
    given.abort(reason);
    await assert.rejects(dropped, (error) => error === reason);
    await assert.rejects(
      waits.reached("suspended", { signal: given.signal }),
      (error) => error === reason,
    );
    await refused(at.node.run("none").reached("running"), "RUN_NOT_FOUND", '"none"');
  });

  test("only states and options that there are can be asked for", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", 1);
    const wrong: readonly (readonly [unknown, ...string[]])[] = [
      ["done", '"done"', "pending, running"],
      [["running", "stuck"], "states[1]", '"stuck"', "stuck_poisoned"],
      [[], "an empty array"],
      [undefined, "undefined"],
      [7, "7"],
    ];
    for (const [states, ...words] of wrong) {
      await refused(run.reached(states as never), "INVALID_ARGUMENT", "reached()", ...words);
    }
    await refused(run.reached("failed", { timeout: -1 }), "INVALID_ARGUMENT", "timeout", "-1");
    await refused(run.reached("failed", { signal: 1 } as never), "INVALID_ARGUMENT", "signal", "1");
    await refused(run.reached("failed", { until: 1 } as never), "INVALID_ARGUMENT", '"until"');
  });

  test("a wait ends when its Continuum is closed", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" });
    await run.reached("suspended");
    const waits = refused(run.reached("completed"), "CLOSED", "wait for a state");
    await at.node.close();
    await waits;
  });
});
