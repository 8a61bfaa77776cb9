/**
 * Who awaits a wait for a signal, as the machine sees it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { installGuard } from "../../src/replay/guard.ts";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";
import { DRAINS, executionFor, Journal } from "../support/executions.ts";

installGuard();

/** A body that waits for one signal and a step, and what the wait is after each turn. */
interface Case {
  readonly title: string;
  readonly body: (
    wait: Promise<unknown>,
    step: Promise<unknown>,
    ctx: WorkflowContext,
  ) => unknown;
  /** Before the step ends, and after it. */
  readonly attention: readonly [before: string, after: string];
}

const CASES: readonly Case[] = [
  {
    title: "nothing has looked at it yet",
    body: (_wait, step) => step,
    attention: ["held", "held"],
  },
  { title: "code awaits it", body: (wait) => wait, attention: ["held", "held"] },
  {
    title: "it loses a race",
    body: (wait, step) => Promise.race([wait, step]),
    attention: ["raced", "lost"],
  },
  {
    title: "it loses a race that is an element of a generator",
    body: (wait, step) =>
      Promise.race(function* () {
        yield 1 as unknown as Promise<unknown>;
        yield wait;
        yield step;
      }()),
    attention: ["lost", "lost"],
  },
  {
    title: "it loses a Promise.any",
    body: (wait, step) => Promise.any([wait, step]),
    attention: ["raced", "lost"],
  },
  {
    title: "it loses a race by `then`",
    body: (wait, step) => Promise.race([wait.then((value) => ({ value })), step]),
    attention: ["raced", "lost"],
  },
  {
    title: "it loses a race by `catch` and `finally`",
    body: (wait, step) => Promise.race([wait.catch(() => 0).finally(() => {}), step]),
    attention: ["raced", "lost"],
  },
  {
    title: "it loses a race within a race",
    body: (wait, step) => Promise.race([Promise.race([wait, new Promise(() => {})]), step]),
    attention: ["raced", "lost"],
  },
  {
    title: "all of several lose a race",
    body: (wait, step) => Promise.race([Promise.all([wait, wait]), step]),
    attention: ["raced", "lost"],
  },
  {
    title: "it loses one race, and is in another",
    body: async (wait, step, ctx) => {
      await Promise.race([wait, step]);
      return await Promise.race([wait, ctx.sleep("1h")]);
    },
    attention: ["raced", "raced"],
  },
  {
    title: "it loses a race, and is awaited then",
    body: async (wait, step) => {
      await Promise.race([wait, step]);
      return await wait;
    },
    attention: ["raced", "held"],
  },
  {
    title: "it is in a race, and something else awaits it",
    body: (wait, step) => {
      const seen = wait.then(() => {});
      return Promise.race([wait, step]).then(() => seen);
    },
    attention: ["held", "held"],
  },
  {
    title: "an async function that awaits it loses a race",
    body: (wait, step) => Promise.race([(async () => await wait)(), step]),
    attention: ["held", "held"],
  },
  {
    title: "an async function that returns it loses a race",
    // deno-lint-ignore require-await -- it returns the promise
    body: (wait, step) => Promise.race([(async () => wait)(), step]),
    attention: ["held", "held"],
  },
  {
    title: "all of several are awaited",
    body: (wait, step) => Promise.all([wait, step]),
    attention: ["held", "held"],
  },
  {
    title: "the ends of several are awaited",
    body: (wait, step) => Promise.allSettled([wait, step]),
    attention: ["held", "held"],
  },
  {
    title: "one of all has failed",
    body: async (wait, step, ctx) => {
      const failed = step.then(() => Promise.reject(new Error("no")));
      await Promise.all([wait, failed]).catch(() => {});
      await ctx.sleep("1h");
    },
    attention: ["held", "lost"],
  },
];

for (const [name, drain] of DRAINS) {
  for (const { title, body, attention } of CASES) {
    Deno.test(`a wait's attention: ${title} (${name})`, async () => {
      const follow = async (ctx: WorkflowContext): Promise<unknown> => {
        await body(ctx.waitForSignal("x"), ctx.run("step", () => 1), ctx);
        return await ctx.sleep("2h"); // the run stays
      };
      const journal = new Journal();
      const live = executionFor(follow, { drain });
      const { issued: [wait, step] } = await live.turn([]);
      const seen = [wait!.attention];
      await live.turn([journal.succeed(step!, 1)]);
      seen.push(wait!.attention);
      assert.deepEqual(seen, attention);
      // ATTENTION-2
      const replayed = executionFor(follow, { drain });
      const { issued } = await replayed.turn(journal.events);
      assert.equal(issued.find(({ position }) => position === 0)?.attention, attention[1]);
    });
  }
}

Deno.test("a wait with an AbortSignal is never sure to end by a message", async () => {
  const execution = executionFor(async (ctx) => {
    await ctx.waitForSignal("x", { signal: new AbortController().signal });
  });
  const { issued: [wait] } = await execution.turn([]);
  assert.equal(wait!.attention, "raced");
});

/** In how many microtasks each way to combine promises comes to its end. */
async function ticksOf(of: (value: () => Promise<unknown>) => Promise<unknown>): Promise<number> {
  const resolvers: (() => void)[] = [];
  const combined = of(() => new Promise<void>((resolve) => resolvers.push(resolve)));
  let isOver = false;
  combined.then(() => isOver = true, () => isOver = true);
  for (const resolve of resolvers) resolve();
  let ticks = 0;
  for (; !isOver && ticks < 20; ticks++) await null;
  return ticks;
}

Deno.test("promises that are combined in workflow code settle in as many microtasks, to the same", async () => {
  const WAYS: readonly ((value: () => Promise<unknown>) => Promise<unknown>)[] = [
    (value) => Promise.race([value(), value()]),
    (value) => Promise.any([value(), value()]),
    (value) => Promise.all([value(), 7, value()]),
    (value) => Promise.allSettled([value(), Promise.reject(new Error("no"))]),
    (value) => Promise.race([Promise.all([value()]), new Promise(() => {})]),
    (value) => Promise.any([Promise.reject(new Error("no"))]).catch(value),
    () => Promise.all([]),
    () => Promise.race(5 as unknown as []).catch((error) => error instanceof TypeError),
    () => Promise.any([]).catch((error) => error instanceof AggregateError),
  ];
  const outside = await Promise.all(WAYS.map(ticksOf));
  const values = await Promise.all(
    WAYS.map((way) => way(() => Promise.resolve("value"))),
  );
  const execution = executionFor(async () => [
    await Promise.all(WAYS.map(ticksOf)),
    await Promise.all(WAYS.map((way) => way(() => Promise.resolve("value")))),
    Promise.race([]) instanceof Promise,
  ]);
  const { outcome } = await execution.turn([]);
  assert.equal(outcome?.kind, "completed");
  const { decode } = await import("../../src/base/values.ts");
  const result = decode((outcome as { result: string }).result) as unknown[];
  assert.deepEqual(result[0], outside);
  assert.deepEqual(JSON.stringify(result[1]), JSON.stringify(values));
  assert.equal(result[2], true);
});

Deno.test("a wait settles in as many microtasks as another effect, however it is awaited", async () => {
  const ways: readonly ((effect: Promise<unknown>) => Promise<unknown>)[] = [
    (effect) => effect,
    (effect) => effect.then(() => 0),
    (effect) => effect.catch(() => 0),
    (effect) => effect.finally(() => {}),
    (effect) => Promise.race([effect]),
    (effect) => Promise.all([effect, effect]),
    (effect) => (async () => await effect)(),
    // deno-lint-ignore require-await -- it returns the promise
    (effect) => (async () => effect)(),
  ];
  const ticks = async (request: (ctx: WorkflowContext) => Promise<unknown>): Promise<unknown> => {
    const seen: number[] = [];
    const execution = executionFor(async (ctx) => {
      const effect = request(ctx);
      let count = -1;
      for (const way of ways) way(effect).then(() => seen.push(count));
      await effect;
      for (; count < 20; count++) await null;
      await ctx.sleep("1h");
    });
    const journal = new Journal();
    const { issued: [command] } = await execution.turn([]);
    await execution.turn([journal.succeed(command!, 1)]);
    assert.equal(seen.length, ways.length);
    return seen;
  };
  const expected = await ticks((ctx) => ctx.run("step", () => 1));
  assert.deepEqual(await ticks((ctx) => ctx.waitForSignal("x")), expected);
});
