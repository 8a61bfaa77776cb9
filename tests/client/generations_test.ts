/**
 * What earlier generations promise: they are listed, and stay readable, also after the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { eventually, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Takes a step and a signal in each generation, and ends in the third. */
const TURNS = source(
  `await ctx.run("step " + input.turn, () => input.turn * 10);
   const said = await ctx.waitForSignal("go");
   if (input.turn === 2) return said;
   return ctx.continueAsNew({ turn: input.turn + 1 });`,
  `{ name: "turns" }`,
);

forEachDatabase("generations", (database, test) => {
  test("each generation is listed with its version, its times, its events and, asked for, its input", async () => {
    await using at = await scene(database, { "turns.ts": TURNS });
    const run = await at.node.start("turns", { turn: 0 });
    const [only, ...none] = await run.generations();
    assert.deepEqual([only?.number, only?.current, none], [0, true, []]);
    assert.equal(only?.payloads, undefined);

    await run.signal("go", "a");
    await run.signal("go", "b");
    await run.signal("go", "c");
    assert.equal(await resultOf(run), "c");
    const { version, startedAt, endedAt, generation } = await run.status();
    assert.equal(generation, 2);
    const all = await run.generations({ payloads: true });
    assert.deepEqual(all.map(({ number }) => number), [0, 1, 2]);
    assert.deepEqual(all.map(({ current }) => current), [false, false, true]);
    assert.deepEqual(all.map(({ events }) => events), [2, 2, 2]);
    assert.deepEqual(all.map(({ payloads }) => payloads?.input), [
      { turn: 0 },
      { turn: 1 },
      { turn: 2 },
    ]);
    assert.deepEqual(all.map((generation) => generation.version), [version, version, version]);
    assert.deepEqual(all[1]?.startedAt, all[0]?.endedAt, "one begins when the one before is over");
    assert.deepEqual(all[2]?.startedAt, all[1]?.endedAt);
    assert.deepEqual([all[2]?.startedAt, all[2]?.endedAt], [startedAt, endedAt]);
  });

  test("pages of generations follow each other", async () => {
    await using at = await scene(database, { "turns.ts": TURNS });
    const run = await at.node.start("turns", { turn: 0 });
    for (const word of ["a", "b", "c"]) await run.signal("go", word);
    await resultOf(run);
    const numbers = async (options: object) =>
      (await run.generations(options)).map(({ number }) => number);
    assert.deepEqual(await numbers({ limit: 2 }), [0, 1]);
    assert.deepEqual(await numbers({ from: 2, limit: 2 }), [2]);
    assert.deepEqual(await numbers({ from: 3 }), []);
    assert.deepEqual(await numbers({ from: 9_999_999_999 }), []);
  });

  test("the history of an earlier generation is read by its number, while the run continues and after its end", async () => {
    await using at = await scene(database, { "turns.ts": TURNS });
    const run = await at.node.start("turns", { turn: 0 });
    const told = async (options?: object) =>
      (await run.history(options)).map(({ name, value }) => `${name}=${value}`);
    await run.signal("go", "a");
    await eventually(
      async () => (await run.status()).generation === 1 || undefined,
      () => "second generation",
    );
    assert.deepEqual(await told({ generation: 0 }), ["step 0=0", "go=a"]);
    await run.signal("go", "b");
    await run.signal("go", "c");
    await resultOf(run);
    assert.deepEqual(await told({ generation: 0 }), ["step 0=0", "go=a"]);
    assert.deepEqual(await told({ generation: 1 }), ["step 1=10", "go=b"]);
    assert.deepEqual(await told({ generation: 2 }), ["step 2=20", "go=c"]);
    assert.deepEqual(await told(), ["step 2=20", "go=c"], "the present one, where nothing is said");
    assert.deepEqual(await told({ generation: 1, from: 1 }), ["go=b"]);
    assert.deepEqual(await told({ generation: 1, limit: 1 }), ["step 1=10"]);
    assert.deepEqual(await told({ generation: 1, from: 2 }), [], "it ends where the next begins");
    const databases = (await run.history({ generation: 1 })).map(({ seq }) => seq);
    assert.deepEqual(databases, [2, 3]);
  });

  test("a generation that is not there is named, with those that are", async () => {
    await using at = await scene(database, { "turns.ts": TURNS });
    const run = await at.node.start("turns", { turn: 1 }, { runId: "r" });
    const ask = (generation: number) => run.history({ generation });
    await refused(
      ask(1),
      "GENERATION_NOT_FOUND",
      'run "r" has no generation 1',
      "wanted 0, the only",
    );
    await run.signal("go", "a");
    await run.signal("go", "b");
    await resultOf(run);
    await refused(ask(7), "GENERATION_NOT_FOUND", "no generation 7", "one from 0 to 1");
    await refused(ask(9_999_999_999), "GENERATION_NOT_FOUND", "no generation 9999999999");
    await at.db.query("delete from {schema}.generations where generation = 0");
    await refused(ask(0), "GENERATION_NOT_FOUND", "no generation 0", "wanted 1, the only one");
    assert.deepEqual((await run.generations()).map(({ number }) => number), [1]);
  });

  test("a history or a list that can't be meant names its option", async () => {
    await using at = await scene(database);
    const run = at.node.run("nobody");
    const histories: readonly (readonly [unknown, string, string])[] = [
      [{ generation: -1 }, "generation", "found -1"],
      [{ generation: 1.5 }, "generation", "found 1.5"],
      [{ generation: "0" }, "generation", 'found "0"'],
      [{ generation: null }, "generation", "found null"],
      [{ from: -1 }, "from", "found -1"],
      [{ limit: 0 }, "limit", "found 0"],
      [{ generations: 1 }, '"generations"', "generation, from, limit"],
    ];
    for (const [options, ...words] of histories) {
      await refused(run.history(options as never), "INVALID_ARGUMENT", ...words);
    }
    const lists: readonly (readonly [unknown, string, string])[] = [
      [{ from: NaN }, "from", "found NaN"],
      [{ limit: "all" }, "limit", 'found "all"'],
      [{ payloads: 1 }, "payloads", "found 1"],
      [{ generation: 1 }, '"generation"', "from, limit, payloads"],
    ];
    for (const [options, ...words] of lists) {
      await refused(run.generations(options as never), "INVALID_ARGUMENT", ...words);
    }
    await refused(run.generations(), "RUN_NOT_FOUND", "list the generations", "nobody");
    await refused(run.history({ generation: 3 }), "RUN_NOT_FOUND", "read the history", "nobody");
  });
});
