/**
 * Asks: signals whose senders wait for an answer, from this process and from others.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** A counter that others ask; `end` ends it, `again` begins a new generation. */
const COUNTER = source(
  `let sum = input ?? 0;
let next: string | undefined;
ctx.on("add", (n: number) => {
  if (n < 0) throw new RangeError("below zero");
  return sum += n;
});
ctx.on("never", () => ctx.waitForSignal("never sent"));
ctx.on("bytes", () => new Map([["bytes", new Uint8Array([1, 2])]]));
ctx.on("next", (what: string) => void (next = what));
await ctx.until(() => next !== undefined);
if (next === "fail") throw new Error("It failed");
return next === "again" ? ctx.continueAsNew(sum) : sum;`,
  `{ name: "counter" }`,
);
/** Handles nothing before it receives `begin`. */
const LATE = source(
  `await ctx.waitForSignal("begin");
ctx.on("add", (n: number) => n);
await ctx.waitForSignal("end");`,
  `{ name: "late" }`,
);
/** Declares what it is asked and what it answers. */
const DECLARED = source(
  `ctx.on("double", (n: number) => input === "wrong" ? "text" : n * 2);
await ctx.waitForSignal("end");`,
  `{ name: "declared", signals: { double: { payload: number, answer: number }, end: anything } }`,
  `const schema = (isValid: (value: unknown) => boolean, to = (value: any) => value) => ({
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) =>
      isValid(value) ? { value: to(value) } : { issues: [{ message: "no number" }] },
  },
});
const number = schema((value) => typeof value === "number", (value) => value + 0.5);
const anything = schema(() => true);`,
);
/** One such run at a time. */
const LIMITED = COUNTER.replace(`{ name: "counter" }`, `{ name: "limited", limit: { atOnce: 1 } }`);
const FILES = {
  "counter.ts": COUNTER,
  "late.ts": LATE,
  "declared.ts": DECLARED,
  "limited.ts": LIMITED,
};

forEachDatabase("asks", (database, test) => {
  test("a run answers asks of its own process and of others, each once for its id", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const run = await at.node.start("counter", 0, { runId: "r" });
    const far = client.run("r");
    assert.equal(await run.ask("add", 1), 1);
    assert.equal(await far.ask("add", 2, { askId: "two" }), 3);
    assert.equal(await far.ask("add", 2, { askId: "two" }), 3, "the same ask");
    assert.equal(await run.ask("never", 2, { askId: "two" }), 3, "whatever it says");
    assert.equal(await run.answer("two"), 3);
    assert.deepEqual(await far.ask("bytes"), new Map([["bytes", new Uint8Array([1, 2])]]));
    assert.equal(await far.signal("add", 4, { askId: "four" }), "delivered");
    assert.equal(await far.signal("add", 4, { askId: "four" }), "duplicate");
    assert.equal(await run.answer<number>("four"), 7);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? run : far).ask<number>("add", 1)),
    );
    assert.deepEqual(all.sort((a, b) => a - b), Array.from({ length: 20 }, (_, n) => 8 + n));
    const error = await far.ask("add", -1).then(
      () => assert.fail("it was answered"),
      (error) => error,
    );
    assert(isContinuumError(error, "ASK_FAILED"));
    assert.match(error.message, /Run "r" failed to answer ask ".*": below zero/);
    assert.equal((error.cause as Error).name, "RangeError");
    assert.equal(await run.ask("add", 1), 28, "and the run continues");
    const asked = (await run.history()).filter(({ kind }) => kind.startsWith("ask."));
    assert.equal(asked.filter(({ name }) => name === "two").length, 2);
  });

  test("an ask waits for a handler, for as long as its asker likes", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("late", null, { runId: "r" });
    await refused(
      run.ask("add", 1, { askId: "a", timeout: 1 }),
      "TIMEOUT",
      'Run "r" has not answered ask "a" within 1 ms',
    );
    const aborted = AbortSignal.abort(new Error("Not now"));
    await assert.rejects(run.ask("add", 1, { signal: aborted }), { message: "Not now" });
    assert.deepEqual((await run.status()).untakenSignals, { add: 1 }, "nothing more was sent");
    const answer = run.answer("a");
    await run.signal("begin");
    assert.equal(await answer, 1);
    await run.signal("end");
    await resultOf(run);
  });

  test("an ask is sent with the start, and its answer is awaited by its id", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const options = {
      runId: "r",
      ifExists: "use",
      signal: { name: "add", payload: 5, askId: "a" },
    };
    const start = () => at.node.start("counter", 1, options as { readonly ifExists: "use" });
    assert.equal(await (await start()).answer("a"), 6);
    assert.equal(await (await start()).answer("a"), 6, "the start is repeated");
    const [item] = await at.node.startMany("counter", [
      { input: 1, signal: { name: "add", payload: 1, askId: "b" } },
    ]);
    assert(item?.status === "started");
    assert.equal(await item.run.answer("b"), 2);
    const both = { name: "add", payload: 1, askId: "b", deliveryId: "c" };
    await refused(
      at.node.start("counter", 1, { signal: both }),
      "INVALID_ARGUMENT",
      "signal.deliveryId",
      "either askId",
    );
  });

  test("an ask that a run does not answer any more is rejected, with the reason", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("counter", 1, { runId: "r" });
    const [open, generation] = ["open", "generation"].map((askId) =>
      run.signal("never", 0, { askId })
    );
    await Promise.all([open, generation]);
    const waits = run.answer("open");
    await run.ask("next", "again");
    await refused(waits, "ASK_UNANSWERED", 'Run "r" did not answer ask "open"');
    await refused(
      run.answer("generation"),
      "ASK_UNANSWERED",
      "the generation that had the ask is over",
    );
    assert.equal(await run.ask("add", 1), 2, "the next generation answers");
    const left = run.ask("never", 0, { askId: "left" });
    left.catch(() => {});
    await run.ask("add", 1, { askId: "before" });
    await run.ask("next", "end");
    await refused(left, "ASK_UNANSWERED", "it is completed");
    assert.equal(await run.answer("before"), 3, "what was answered stays");
    await refused(run.ask("add", 1), "RUN_ENDED");
    assert.equal(await run.ask("add", 1, { askId: "before" }), 3);
    await refused(run.answer("none"), "ASK_NOT_FOUND", 'run "r" has received none');
    await refused(at.node.run("none").answer("a"), "RUN_NOT_FOUND");
    await refused(at.node.run("none").ask("add", 1), "RUN_NOT_FOUND");
    const other = await at.node.start("late", null, { runId: "late" });
    const untaken = other.ask("add", 1);
    untaken.catch(() => {});
    await other.terminate();
    await refused(untaken, "ASK_UNANSWERED", "it is terminated");
  });

  test("an ask of a paused or queued run waits; acts on many runs end it", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    const first = await node.start("limited", 0, { runId: "first" });
    await first.ask("add", 1);
    const run = await node.start("limited", 10, { runId: "run" });
    const queued = run.ask("add", 1);
    assert.equal((await run.status()).state, "queued");
    await first.ask("next", "end");
    assert.equal(await queued, 11);

    await Array.fromAsync(node.runs.pause({ where: { id: "run" } }));
    await run.reached("paused");
    await run.signal("add", 1, { askId: "paused" });
    assert.deepEqual((await run.status()).untakenSignals, { add: 1 });
    const paused = run.answer("paused");
    await run.resume();
    assert.equal(await paused, 12);

    const [open, untaken] = [run.ask("never"), run.ask("unheard of")];
    for (const lost of [open, untaken]) lost.catch(() => {});
    await run.ask("add", 1);
    await Array.fromAsync(node.runs.terminate({ where: { workflow: "limited" } }));
    for (const lost of [open, untaken]) await refused(lost, "ASK_UNANSWERED", "it is terminated");
    await Array.fromAsync(node.runs.delete({ where: { workflow: "limited" } }));
    await refused(run.answer("paused"), "RUN_NOT_FOUND");
  });

  test("asks and answers are held to the schemas of the run's version", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("declared", null);
    assert.equal(await run.ask("double", 2), 5.5);
    await refused(run.ask("double", "two"), "INVALID_SIGNAL_PAYLOAD");
    await refused(run.ask("treble", 2), "UNDECLARED_SIGNAL");
    const wrong = await at.node.start("declared", "wrong");
    const error = await wrong.ask("double", 2).then(
      () => assert.fail("it was answered"),
      (error) => error,
    );
    assert(
      isContinuumError(error, "ASK_FAILED") && isContinuumError(error.cause, "INVALID_ANSWER"),
    );
    assert.match(error.message, /does not fit the schema: no number/);
  });

  test("retention removes an answer with its history, and the ask is unknown then", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("counter", 1, { runId: "r" });
    await run.ask("add", 1, { askId: "a" });
    await run.ask("next", "again");
    assert.equal(await run.ask("add", 1, { askId: "b" }), 3);
    assert.equal(await run.answer("a"), 2);
    await at.node.runs.prune({ olderThan: 0, generations: true });
    await refused(run.answer("a"), "ASK_NOT_FOUND");
    assert.equal(await run.answer("b"), 3);
  });
});
