/**
 * Several signals at once, loops over signals, handlers and conditions, on the machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import { encode } from "../../src/base/values.ts";
import { installGuard } from "../../src/replay/guard.ts";
import { executionFor, Journal } from "../support/executions.ts";
import { type Body, MessageRun } from "../support/message_run.ts";

installGuard();

// ---- several names ------------------------------------------------------------------------------

Deno.test("a wait for several signals returns the first, with its name", async () => {
  const run = await MessageRun.begin(async (ctx) => [
    await ctx.waitForSignal(["yes", "no"]),
    await ctx.waitForSignal<string, string>(["no", "yes"], { timeout: "1m", otherwise: "none" }),
    await ctx.waitForSignal(["no", "yes"], { timeout: "1m" }).catch((error) => error.message),
  ]);
  assert.deepEqual(run.waiting, ["signal no, yes"]);
  assert.equal(await run.signal("no", 1), true);
  await run.fail("signal");
  await run.fail("signal");
  assert.deepEqual(await run.outcome(), [
    { name: "no", payload: 1 },
    "none",
    'Cannot wait for signal "no, yes" any longer: it did not arrive within 60000ms',
  ]);
});

Deno.test("a wait for other signals than the history has is drift, their order is not", async () => {
  const waiting = (names: readonly string[]): Body => (ctx) => ctx.waitForSignal(names);
  const journal = new Journal();
  const { issued: [wait] } = await executionFor(waiting(["a", "b"])).turn([]);
  journal.add("signal.received", { ...wait!, name: "a" }, encode(1));
  const driftOf = async (names: readonly string[]) =>
    (await executionFor(waiting(names)).turn(journal.events)).drift !== null;
  assert.equal(await driftOf(["b", "a"]), false);
  assert.equal(await driftOf(["a"]), true, "fewer");
  assert.equal(await driftOf(["a", "c"]), true, "others");
  assert.equal(await driftOf(["b", "c"]), true, "without the one that came");
});

Deno.test("a signal that reached a withdrawn wait goes to one for several", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const controller = new AbortController();
    const first = ctx.waitForSignal("a", { signal: controller.signal }).catch(() => "withdrawn");
    await ctx.run("step", () => 0);
    controller.abort();
    await ctx.run("step", () => 0);
    return [await first, await ctx.waitForSignal(["b", "a"])];
  });
  await run.end("step");
  assert.deepEqual(run.waiting, ["step step"]);
  assert.equal(await run.signal("a", 1), false, "nothing waits");
  await run.end("step");
  await run.signal("a", 2);
  assert.deepEqual(await run.outcome(), ["withdrawn", { name: "a", payload: 2 }]);
});

// ---- loops --------------------------------------------------------------------------------------

Deno.test("a loop receives signals as they come, and leaves the others when it ends", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const seen: unknown[] = [];
    for await (const n of ctx.signals<number>("n")) {
      seen.push(n);
      if (n === 2) break;
    }
    for await (const { name, payload } of ctx.signals(["x", "n"])) {
      seen.push([name, payload]);
      if (name === "x") break;
    }
    return seen;
  });
  for (const n of [1, 2, 3]) assert.equal(await run.signal("n", n), true);
  await run.signal("x");
  assert.deepEqual(await run.outcome(), [1, 2, ["n", 3], ["x", undefined]]);
});

Deno.test("a loop in a race loses nothing, and a signal that aborts ends it", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const seen: unknown[] = [];
    const loop = ctx.signals("n");
    for (let round = 0; round < 3; round++) {
      seen.push(await Promise.race([loop.next(), ctx.sleep("1s")]));
    }
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const n of ctx.signals("n", { signal: controller.signal })) seen.push(n);
    })();
    controller.abort(new Error("Enough"));
    return [seen, await aborted.catch((error) => error.message), await loop.return?.()];
  });
  await run.signal("n", 1);
  await run.end("sleep");
  await run.end("sleep");
  assert.equal(run.waiting.includes("signal n"), true);
  await run.signal("n", 2);
  assert.deepEqual(await run.outcome(), [
    [{ value: 1 }, undefined, { value: 2 }],
    "Enough",
    { done: true, value: undefined },
  ]);
});

// ---- handlers -----------------------------------------------------------------------------------

Deno.test("a handler receives signals in order while the main function continues", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const seen: unknown[] = [];
    const stop = ctx.on("add", (n: number) => void seen.push(n));
    ctx.on(["x", "y"], ({ name, payload }) => void seen.push([name, payload]));
    seen.push(await ctx.run("step", () => 0));
    stop();
    stop();
    ctx.on("add", (n: number) => void seen.push(-n));
    await ctx.until(() => seen.includes(-9));
    return seen;
  });
  await run.signal("add", 1);
  await run.signal("y");
  await run.signal("add", 2);
  await run.end("step", "main");
  await run.signal("add", 9);
  assert.deepEqual(await run.outcome(), [1, ["y", undefined], 2, "main", -9]);
});

Deno.test("a slow handler delays the next signal only with oneAtATime", async () => {
  for (const oneAtATime of [false, true]) {
    const run = await MessageRun.begin(async (ctx) => {
      const seen: string[] = [];
      ctx.on("go", async (n: number) => {
        seen.push(`begin ${n}`);
        await ctx.run("slow", () => 0);
        seen.push(`end ${n}`);
      }, { oneAtATime });
      await ctx.until(() => seen.length > 0);
      await ctx.run("main", () => 0);
      await ctx.handlersDone();
      return seen;
    });
    await run.signal("go", 1);
    assert.equal(await run.signal("go", 2), !oneAtATime);
    await run.end("step"); // the first handler's
    if (oneAtATime) await run.signal("go", 2);
    await run.end("step");
    await run.end("step");
    assert.deepEqual(
      await run.outcome(),
      oneAtATime
        ? ["begin 1", "end 1", "begin 2", "end 2"]
        : ["begin 1", "begin 2", "end 1", "end 2"],
    );
  }
});

Deno.test("the error of a handler fails the run", async () => {
  for (const oneAtATime of [false, true]) {
    const run = await MessageRun.begin(async (ctx) => {
      ctx.on("go", () => {
        throw new Error("It broke");
      }, { oneAtATime });
      await ctx.sleep("1h");
    });
    await run.signal("go");
    assert.deepEqual(await run.outcome(), ["failed", "It broke"]);
  }
});

Deno.test("a cancellation reaches the main function, and handlers work during its clean-up", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const seen: unknown[] = [];
    ctx.on("go", async (n: number) => {
      seen.push(n, await ctx.run("slow", () => 0).catch((error) => error.code));
    });
    try {
      await ctx.activity("charge"); // which finishes
      await ctx.sleep("1h");
    } catch (error) {
      seen.push((error as { code: string }).code);
    }
    await ctx.until(() => seen.includes(2));
    await ctx.handlersDone();
    return seen;
  });
  await run.signal("go", 1);
  await run.cancel();
  await run.end("activity", "charged");
  await run.signal("go", 2);
  await run.end("step", "done");
  assert.deepEqual(await run.outcome(), [1, "CANCELLED", "CANCELLED", 2, "done"]);
});

Deno.test("a handler that was cancelled ends the run as cancelled by its main function", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    ctx.on("go", () => ctx.sleep("1h"));
    await ctx.sleep("2h");
  });
  await run.signal("go");
  await run.cancel();
  assert.deepEqual(await run.outcome(), ["cancelled", "CANCELLED"]);
});

Deno.test("a handler can't wait until all handlers are done", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    let code: unknown;
    ctx.on("go", () => ctx.handlersDone().catch((error) => code = error.code));
    await ctx.until(() => code !== undefined);
    return code;
  });
  await run.signal("go");
  assert.deepEqual(await run.outcome(), "CONTEXT_MISUSED");
});

Deno.test("a signal has one handler at a time", async () => {
  const run = await MessageRun.begin((ctx) => {
    ctx.on(["a", "b"], () => {});
    ctx.on("b", () => {});
  });
  assert.deepEqual(await run.outcome(), ["failed", "INVALID_ARGUMENT"]);
});

// ---- conditions ---------------------------------------------------------------------------------

Deno.test("conditions are looked at after each delivery, in the order of the calls", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const seen: unknown[] = [];
    let total = 0;
    ctx.on("add", (n: number) => void (total += n));
    const note = async (what: string, holds: Promise<boolean>) => seen.push([what, await holds]);
    await Promise.all([
      note("at once", ctx.until(() => total === 0, { timeout: "1m" })),
      note("more than 3", ctx.until(() => total > 3, { timeout: "1m" })),
      note("too late", ctx.until(() => total > 100, { timeout: "1m" })),
      note("more than 2", ctx.until(() => total > 2)),
      note("after the others", ctx.until(() => seen.length > 3)),
    ]);
    return seen;
  });
  assert.deepEqual(run.waiting, ["signal add", "sleep", "sleep"], "no sleep for what holds");
  await run.signal("add", 2);
  await run.signal("add", 2);
  assert.deepEqual(run.waiting, ["sleep", "signal add"], "its sleep is withdrawn");
  await run.end("sleep");
  assert.deepEqual(await run.outcome(), [
    ["at once", true],
    ["more than 3", true],
    ["more than 2", true],
    ["too late", false],
    ["after the others", true],
  ]);
});

Deno.test("a condition that throws, uses ctx or returns a promise rejects its wait", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const failure = (condition: () => boolean) =>
      ctx.until(condition).catch((error) => error.code ?? error.message);
    let isBroken = false;
    const later = failure(() => {
      if (isBroken) throw new Error("broken");
      return false;
    });
    const failures = [
      await failure(() => ctx.now() > new Date()),
      await failure(() => ctx.random() > 2),
      await failure((() => Promise.resolve(false)) as unknown as () => boolean),
    ];
    isBroken = true;
    return [...failures, await later];
  });
  assert.deepEqual(await run.outcome(), [
    "CONTEXT_MISUSED",
    "CONTEXT_MISUSED",
    "INVALID_ARGUMENT",
    "broken",
  ]);
});

Deno.test("a wait for a condition ends by an AbortSignal and by a cancellation", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const controller = new AbortController();
    ctx.on("abort", () => controller.abort(new Error("Enough")));
    const { signal } = controller;
    const options = { signal, timeout: "1h" } as const;
    const aborted = await ctx.until(() => false, options).catch((error) => error.message);
    const again = await ctx.until(() => false, options).catch((error) => error.message);
    return [aborted, again, await ctx.until(() => false).catch((error) => error.code)];
  });
  await run.signal("abort");
  assert.deepEqual(run.waiting, ["signal abort"]);
  await run.cancel();
  assert.deepEqual(await run.outcome(), ["Enough", "Enough", "CANCELLED"]);
});
