/**
 * Code without types: whatever a workflow, a step or an activity returns, throws or never does, its
 * run ends or is parked with a reason for people, and other runs continue.
 *
 * @module
 */

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { testEngine } from "../../src/testing/mod.ts";
import { defineActivity, defineWorkflow, type WorkflowContext } from "../../src/workflow/mod.ts";
import { refused, scene, source } from "../support/scene.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, resultOf } from "../support/runs.ts";

const throws = (): never => {
  throw new Error("a trap");
};

/** An object whose every use throws, but for being awaited. */
function trap(): object {
  const get = (_: object, key: PropertyKey) => key === "then" ? undefined : throws();
  return new Proxy({}, { get, has: throws, ownKeys: throws, getPrototypeOf: throws });
}

function hostileError(): Error {
  const error = new Error();
  for (const key of ["name", "message", "stack", "code", "cause", "toString"]) {
    Object.defineProperty(error, key, { get: throws });
  }
  return error;
}

function ring(): Error {
  const error = new Error("outer");
  error.cause = new Error("inner", { cause: error });
  return error;
}

function nested(levels: number): unknown {
  return levels === 0 ? 1 : Array.from({ length: levels }).reduce((inner) => [inner], 1);
}

const RETRY = { maxAttempts: 2, initial: 0, nonRetryable: ["DECLINED"] };
const THROWN: Readonly<Record<string, () => unknown>> = {
  trap,
  hostileError,
  ring,
  callable: () => Object.assign(() => 1, { toString: throws }),
  unwritable: () => ({ toString: "no function" }),
  null: () => null,
  undefined: () => undefined,
  text: () => "text",
  long: () => "x".repeat(5_000_000),
};

const activity = defineActivity({ name: "odd", retry: RETRY }, (what: string): unknown => {
  if (what === "returns") return trap();
  throw THROWN[what]!();
});

const storage = new AsyncLocalStorage<string>();
const never = new Promise<never>(() => {});
let left: WorkflowContext | undefined;

/** What workflows do, and what comes of it: a value, or the code or words of an error. */
const NONSENSE: Readonly<
  Record<string, readonly [body: (ctx: WorkflowContext) => unknown, result: unknown]>
> = {
  "returns a trap": [() => trap(), /Cannot serialise result/],
  "returns 10,000 levels": [() => nested(10_000), /more than 1000 levels/],
  "returns a generator": [() => (function* () {})(), /Cannot serialise result/],
  "returns a promise that never settles": [() => never, /neither ended nor waits/],
  "returns a thenable that never calls": [() => ({ then() {} }), /neither ended nor waits/],
  "returns a thenable that calls twice": [
    () => ({
      then(first: (value: number) => void, second: (error: unknown) => void) {
        first(1);
        first(2);
        second(3);
        throws();
      },
    }),
    1,
  ],
  "calls itself for ever": [() => {
    const again = (): number => 1 + again();
    return again();
  }, /call stack/],
  "throws where no code awaits": [async (ctx) => {
    void Promise.resolve().then(() => {
      throw trap();
    });
    return await ctx.run("step", () => 1);
  }, 1],
  "leaves its context": [(ctx) => void (left = ctx), undefined],
  "uses the context of another": [() => left!.run("step", () => 1), /another run's code/],
  "changes a step's result": [async (ctx) => {
    const found = await ctx.run("step", () => ({ kept: 1 }));
    found.kept = 2;
    return [found.kept, await ctx.run("next", () => 3)];
  }, [2, 3]],
  "aborts with a trap": [async (ctx) => {
    const controller = new AbortController();
    const sleep = ctx.sleep("1h", { signal: controller.signal });
    controller.abort(trap());
    return await sleep.catch(() => "caught");
  }, "caught"],
  "passes what is no signal": [
    (ctx) => ctx.sleep(1, { signal: Object.create(null) }),
    /option signal of an effect/,
  ],
  "passes a trap to an activity": [
    (ctx) => ctx.activity(activity, trap() as never),
    /Cannot serialise input/,
  ],
  "continues as new with a trap": [(ctx) => ctx.continueAsNew(trap()), /Cannot serialise input/],
  "returns a trap from a step": [
    (ctx) => ctx.run("step", () => trap(), { retry: RETRY }),
    /Cannot serialise result/,
  ],
  "returns an endless array from a step": [
    (ctx) => ctx.run("step", () => new Array(2 ** 32 - 1)),
    /more than 268435456 bytes/,
  ],
  "returns a trap from an activity": [
    (ctx) => ctx.activity(activity, "returns"),
    /Cannot serialise result/,
  ],
  "keeps a storage of its own": [
    (ctx) =>
      storage.run("mine", async () => [
        await ctx.run("step", () => storage.getStore()),
        storage.getStore(),
      ]),
    [undefined, "mine"], // a step is outside of the workflow's code
  ],
  "replaces globals": [async (ctx) => {
    const { random } = Math;
    Math.random = () => 4;
    try {
      return [await ctx.run("step", () => 1), Math.random()];
    } finally {
      Math.random = random;
    }
  }, [1, 4]],
};

Deno.test("whatever a workflow does or throws, its run ends or is parked with a reason", async () => {
  const nonsense = defineWorkflow(
    { name: "nonsense" },
    async (ctx, what: string) => await NONSENSE[what]![0](ctx as WorkflowContext),
  );
  const thrower = defineWorkflow({ name: "thrower" }, async (ctx, [where, what]: string[]) => {
    const thrown = THROWN[what!]!;
    const fails = () => {
      throw thrown();
    };
    if (where === "step") return await ctx.run("step", fails, { retry: RETRY });
    if (where === "activity") return await ctx.activity(activity, what!);
    fails();
  });
  await using engine = await testEngine({ workflows: [nonsense, thrower] });
  for (const [what, [, wanted]] of Object.entries(NONSENSE)) {
    const result = (await engine.start(nonsense, what)).result();
    if (wanted instanceof RegExp) await assert.rejects(result, { message: wanted }, what);
    else assert.deepEqual(await result, wanted, what);
  }
  for (const where of ["workflow", "step", "activity"]) {
    for (const what of Object.keys(THROWN)) {
      const run = await engine.start(thrower, [where, what]);
      await refused(run.result(), "RUN_FAILED", /failed: ./);
    }
  }
});

/** Counts its calls. */
const CALLED = `(globalThis as any).callsForTest++;`;
const calls = globalThis as unknown as { callsForTest: number };
const HOT = `{ maxAttempts: 1e9, initial: 0, max: 0 }`;
const IMPORT = `import { defineActivity } from "@continuum/continuum/workflow";`;

/** Workflows that never rest, by what they begin anew. */
const RESTLESS: Readonly<Record<string, string>> = {
  attempt: source(
    `await ctx.run("fails", () => { ${CALLED} throw new Error("no"); }, { retry: ${HOT} });`,
    `{ name: "attempt" }`,
  ),
  task: source(
    `await ctx.activity(fails);`,
    `{ name: "task" }`,
    `${IMPORT} export const fails = defineActivity({ name: "fails", retry: ${HOT} }, () => {
       ${CALLED} throw new Error("no");
     });`,
  ),
  run: source(`${CALLED} throw new Error("no");`, `{ name: "run", retry: ${HOT} }`),
  generation: source(`${CALLED} return ctx.continueAsNew();`, `{ name: "generation" }`),
};

const WIDE = source(
  `const all = await Promise.all(
     Array.from({ length: input }, (_, index) => ctx.run("step", () => index)),
   );
   return all.every((value, index) => value === index) && all.length;`,
  `{ name: "wide" }`,
);

const RACE = source(
  `const waits = Array.from({ length: 1_000 }, (_, index) =>
     index === 500 ? ctx.sleep(1).then(() => "slept") : ctx.waitForSignal("signal " + index));
   return [await Promise.race(waits), await ctx.run("next", () => 1)];`,
  `{ name: "race" }`,
);

const LATE = source(
  `const error = await ctx.activity(late).catch((error) => error);
   await ctx.run("answers", () => (globalThis as any).lateForTest.resolve("late"));
   return [error.cause.code, await ctx.run("next", () => 1)];`,
  `{ name: "late" }`,
  `${IMPORT} export const late = defineActivity(
     { name: "late", timeout: 5, retry: { maxAttempts: 1 } },
     () => (globalThis as any).lateForTest.promise,
   );`,
);

const HANGS = source(`await ctx.run("hangs", () => new Promise(() => {}));`, `{ name: "hangs" }`);

forEachDatabase("untyped code", (database, test) => {
  for (const [name, code] of Object.entries(RESTLESS)) {
    test(`what starts a new ${name} forever lets others run, and can be cancelled`, async () => {
      await using at = await scene(database, { "restless.ts": code });
      calls.callsForTest = 0;
      const run = await at.node.start(name);
      await eventually(() => calls.callsForTest > 20 || undefined, () => "20 calls");
      assert.equal(await resultOf(await at.node.start("echo", 1)), 1);
      await run.cancel();
      // A run that throws while it is asked to end is not tried again: that is its end, too.
      const ends = name === "run" ? /^RUN_(CANCELLED|FAILED)$/ : /^RUN_CANCELLED$/;
      await assert.rejects(resultOf(run), (error: { code: string }) => ends.test(error.code));
    });
  }

  test("generations that wait for nothing end with the time of their run", async () => {
    await using at = await scene(database, { "restless.ts": RESTLESS["generation"]! });
    calls.callsForTest = 0;
    const run = await at.node.start("generation", undefined, { timeout: 100 });
    await refused(resultOf(run), "RUN_TIMEOUT", "it had 100 ms");
  });

  test("100,000 steps at once, 1,000 waits in a race and 2,000 signals to one run end", async () => {
    const signals = source(
      `let sum = 0;
       for (let n = 0; n < input; n++) sum += await ctx.waitForSignal("go") as number;
       return sum;`,
      `{ name: "signals" }`,
    );
    await using at = await scene(database, {
      "wide.ts": WIDE,
      "race.ts": RACE,
      "signals.ts": signals,
    });
    assert.equal(await resultOf(await at.node.start("wide", 100_000)), 100_000);
    assert.deepEqual(await resultOf(await at.node.start("race")), ["slept", 1]);
    const run = await at.node.start("signals", 2_000);
    await Promise.all(Array.from({ length: 2_000 }, () => run.signal("go", 1)));
    assert.equal(await resultOf(run), 2_000);
  });

  test("what answers after its time changes nothing, and what never answers can be cancelled", async () => {
    await using at = await scene(database, { "late.ts": LATE, "hangs.ts": HANGS });
    (globalThis as Record<string, unknown>)["lateForTest"] = Promise.withResolvers();
    assert.deepEqual(await resultOf(await at.node.start("late")), ["TIMEOUT", 1]);
    const run = await at.node.start("hangs");
    await run.cancel();
    await refused(resultOf(run), "RUN_CANCELLED");
  });

  test("odd texts are refused by name or kept as they are, and a payload may fill its limit", async () => {
    await using at = await scene(database, {}, { limits: { payloadBytes: 4_096 } });
    const { node } = at;
    const long = "x".repeat(1_000_000);
    for (const odd of [long, "a\0b", "\ud800", "", null, NaN, Symbol("s"), trap] as never[]) {
      await refused(node.start("echo", 1, { runId: odd }), "INVALID_ARGUMENT");
    }
    for (const input of ["\0", "\ud800", "Zürich 🚲 \u202e", "x".repeat(4_094)]) {
      assert.equal(await resultOf(await node.start("echo", input)), input);
    }
    await refused(node.start("echo", "x".repeat(4_095)), "PAYLOAD_TOO_LARGE", "4097 bytes");
  });
});
