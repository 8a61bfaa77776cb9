/**
 * Runs that take new versions by themselves: `versioning: "auto"`.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { StartOptions } from "../../src/client/start/options.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { type DatabaseKind, forEachDatabase } from "../support/database.ts";
import { mark, openIn, reached, resultOf, takeMarks } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

/** A version of `order`, which leaves a mark each time that its function begins. */
function order(name: string, steps: string): string {
  return source(
    `${mark(name)} ${steps}
    for (let round = 0;; round++) {
      const go = await ctx.waitForSignal("go");
      if (go === "end") return [${JSON.stringify(name)}, round];
      if (go === "again") return ctx.continueAsNew(null, { version: "pinned", versioning: "auto" });
    }`,
    `{ name: "order" }`,
  );
}

const STEP = `await ctx.run("reserve", () => 1);`;
const FILES = {
  "first.ts": order("first", STEP),
  "next.ts": order("next", STEP),
  "drift.ts": order("drift", `await ctx.run("charge", () => 1);`),
};

interface Orders extends Scene {
  readonly activate: (file: keyof typeof FILES) => Promise<void>;
  readonly waiting: (options: StartOptions) => Promise<RunHandle>;
}

async function orders(database: DatabaseKind): Promise<Orders> {
  const at = await scene(database, FILES, { linger: 0 });
  const activate = async (file: string) => {
    const version = (await at.node.versions.list({ workflow: "order" })).versions
      .find(({ specifiers }) => specifiers.some((name) => name.endsWith(`/${file}`)));
    await at.node.versions.activate("order", version!.hash);
  };
  await activate("first.ts");
  const waiting = async (options: StartOptions) => {
    const run = await at.node.start("order", null, options);
    await reached(run, "suspended");
    return run;
  };
  return { ...at, activate, waiting };
}

async function changes(run: RunHandle): Promise<number> {
  return (await run.history()).filter(({ kind }) => kind === "version.changed").length;
}

forEachDatabase("runs that take new versions by themselves", (database, test) => {
  test("OFFER-1: a run moves when it is taken up, if its history replays on the current version", async () => {
    await using at = await orders(database);
    const run = await at.waiting({ versioning: "auto" });
    await at.activate("next.ts");
    await run.signal("go", "end");
    assert.deepEqual(await resultOf(run), ["next", 0]);
    const events = await run.history();
    assert.deepEqual(events.map(({ kind }) => kind), [
      "step.completed",
      "version.changed",
      "signal.received",
    ]);
  });

  test("a run that is pinned stays on its version", async () => {
    await using at = await orders(database);
    const runs = [await at.waiting({}), await at.waiting({ versioning: "pinned" })];
    await at.activate("next.ts");
    for (const run of runs) {
      await run.signal("go", "end");
      assert.deepEqual([await resultOf(run), await changes(run)], [["first", 0], 0]);
    }
  });

  test("OFFER-2: a version on which a run drifts is offered to it once, and the run continues", async () => {
    await using at = await orders(database);
    const run = await at.waiting({ versioning: "auto" });
    await at.activate("drift.ts");
    takeMarks();
    for (const word of ["a", "b"]) {
      const { events } = await reached(run, "suspended");
      await run.signal("go", word);
      while ((await reached(run, "suspended")).events === events);
    }
    await run.signal("go", "end");
    assert.deepEqual([await resultOf(run), await changes(run)], [["first", 2], 0]);
    assert.equal(takeMarks().filter((name) => name === "drift").length, 1);
  });

  test("a run that continues as new may choose to take new versions from then on", async () => {
    await using at = await orders(database);
    const run = await at.waiting({});
    await at.activate("next.ts");
    await run.signal("go", "again");
    await run.signal("go", "end");
    assert.deepEqual([await resultOf(run), await changes(run)], [["next", 0], 1]);
  });

  test("a run that has not started begins on the version that is current at its time", async () => {
    await using at = await orders(database);
    const run = await at.node.start("order", null, { versioning: "auto", delay: "1h" });
    await at.activate("next.ts");
    await run.signal("go", "end");
    await at.db.query(
      "update {schema}.runs set start_at = clock_timestamp(), wake_at = clock_timestamp()",
    );
    await using node = await openIn(at.db, { workflows: [`${at.folder.url}next.ts`] });
    assert.deepEqual(await resultOf(node.run(run.id)), ["next", 0]);
  });

  test("an unknown versioning is refused", async () => {
    await using at = await orders(database);
    const start = at.node.start("order", null, { versioning: "latest" as "auto" });
    await refused(start, "INVALID_ARGUMENT", "option versioning of start()", "latest");
  });
});
