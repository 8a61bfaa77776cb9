/**
 * What the compiler promises: types go from a definition to everything that its runs are given,
 * send and return. Nothing of this runs; `deno check` holds it, and each line below
 * `@ts-expect-error` must be one that does not compile.
 *
 * @module
 */

import type { Continuum } from "../../src/continuum.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import type { TestEngine } from "../../src/testing/engine.ts";
import { answers, double, fails, type TestEngineOptions } from "../../src/testing/mod.ts";
import {
  defineActivity,
  defineWorkflow,
  type Serializable,
  type StandardSchema,
  type WorkflowContext,
  type WorkflowDefinition,
} from "../../src/workflow/mod.ts";

/** Whether two types are one, `any` and `unknown` told apart. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

function same<A, B>(..._proof: Same<A, B> extends true ? [] : ["these types differ"]): void {}

interface Order {
  readonly id: string;
}

declare const orderText: StandardSchema<string, Order>;
declare const verdict: StandardSchema<"yes" | "no", boolean>;
declare const count: StandardSchema<number>;
declare const nothing: StandardSchema<undefined>;

/** As a library's own type of schema looks: more than the standard asks for. */
interface LibrarySchema<Out, In> {
  readonly parse: (value: unknown) => Out;
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: "library";
    readonly validate: (
      value: unknown,
      options?: { readonly libraryOptions?: Record<string, unknown> },
    ) => { readonly value: Out } | { readonly issues: readonly { readonly message: string }[] };
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}
declare const date: LibrarySchema<Date, string>;

const declared = () =>
  defineWorkflow(
    {
      name: "declared",
      input: orderText,
      signals: { fraud_review: verdict, count, date, go: nothing },
    },
    async (ctx, order) => {
      same<typeof order, Order>();
      const review = await ctx.waitForSignal("fraud_review");
      same<typeof review, boolean>();
      const late = await ctx.waitForSignal("count", { timeout: "1h", otherwise: "late" as const });
      same<typeof late, number | "late">();
      const day = await ctx.waitForSignal("date", { timeout: "1h" });
      same<typeof day, Date>();
      const first = await ctx.waitForSignal(["count", "date"]);
      same<
        typeof first,
        | { readonly name: "count"; readonly payload: number }
        | { readonly name: "date"; readonly payload: Date }
      >();
      if (first.name === "date") same<typeof first.payload, Date>();
      const none = await ctx.waitForSignal(["count"], { timeout: "1h", otherwise: null });
      same<typeof none, { readonly name: "count"; readonly payload: number } | null>();
      for await (const n of ctx.signals("count")) same<typeof n, number>();
      for await (const { name } of ctx.signals(["go", "date"])) same<typeof name, "go" | "date">();
      const stop = ctx.on("count", (n) => same<typeof n, number>());
      same<typeof stop, () => void>();
      ctx.on(["count", "go"], ({ name }) => same<typeof name, "count" | "go">());
      // @ts-expect-error -- not declared
      await ctx.waitForSignal(["count", "fraud_revue"]);
      // @ts-expect-error -- not declared
      ctx.on("fraud_revue", () => {});
      // @ts-expect-error -- not declared
      ctx.signals("fraud_revue");
      // @ts-expect-error -- not declared
      await ctx.waitForSignal("fraud_revue");
      // @ts-expect-error -- the schema says what it is
      await ctx.waitForSignal<string>("fraud_review");
      await helper(ctx);
      if (late === "late") return ctx.continueAsNew("o-2");
      // @ts-expect-error -- the schema takes a text, and makes the order
      if (late === 7) return ctx.continueAsNew(order);
      return { id: order.id, review };
    },
  );

/** Knows no contract, and takes any context. */
async function helper(ctx: WorkflowContext): Promise<void> {
  await ctx.sleep("1s");
}

const free = () =>
  defineWorkflow({ name: "free" }, async (ctx, order: Order) => {
    const review = await ctx.waitForSignal<boolean>("fraud_review", {
      timeout: "24h",
      otherwise: true,
    });
    same<typeof review, boolean>();
    const any = await ctx.waitForSignal("anything");
    same<typeof any, unknown>();
    const either = await ctx.waitForSignal(["yes", "no"]);
    same<typeof either.name, "yes" | "no">();
    same<typeof either.payload, unknown>();
    for await (const n of ctx.signals<number>("n")) same<typeof n, number>();
    ctx.on("n", (n: number) => same<typeof n, number>());
    const holds = await ctx.until(() => true, { timeout: "1h" });
    same<typeof holds, boolean>();
    if (review) return ctx.continueAsNew({ id: "o-2" }, { version: "pinned" });
    // @ts-expect-error -- no order
    if (any === 1) return ctx.continueAsNew("o-2");
    // @ts-expect-error -- the input is missing
    if (any === 2) return ctx.continueAsNew();
    await helper(ctx);
    return order.id;
  });

const asked = () =>
  defineWorkflow(
    {
      name: "asked",
      signals: { add: { payload: count, answer: date }, any: { answer: count }, go: nothing },
    },
    (ctx) => {
      ctx.on("add", (n) => (same<typeof n, number>(), "2026-01-01"));
      ctx.on("any", async (payload) => (same<typeof payload, unknown>(), await Promise.resolve(1)));
      ctx.on("go", () => "anything");
      // @ts-expect-error -- the schema of the answer takes a text
      ctx.on("add", () => 1);
      // @ts-expect-error -- it answers nothing
      ctx.on("any", async () => await Promise.resolve());
    },
  );

const mute = () => defineWorkflow({ name: "mute", signals: {} }, () => 1);

const again = () =>
  defineWorkflow(
    { name: "again" },
    (ctx, round?: number) => round === 1 ? "done" : ctx.continueAsNew(),
  );

const untyped = () => defineWorkflow({ name: "untyped" }, (ctx) => ctx.continueAsNew());

type Declared = WorkflowDefinition<
  string,
  { id: string; review: boolean },
  {
    fraud_review: typeof verdict;
    count: typeof count;
    date: typeof date;
    go: typeof nothing;
  }
>;

/** Callers. */
export async function fromOutside(continuum: Continuum, engine: TestEngine): Promise<void> {
  same<ReturnType<typeof declared>, Declared>();
  const run = await continuum.start(declared(), "o-1");
  const result = await run.result();
  same<typeof result, { id: string; review: boolean }>();
  // @ts-expect-error -- the schema takes a text, and makes the order
  await continuum.start(declared(), { id: "o-1" });

  await run.signal("fraud_review", "yes", { deliveryId: "d" });
  await run.signal("date", "2026-01-01");
  await run.signal("go");
  // @ts-expect-error -- what is sent is what the schema takes, not what it makes
  await run.signal("fraud_review", true);
  // @ts-expect-error -- a payload is missing
  await run.signal("count");
  // @ts-expect-error -- not declared
  await run.signal("fraud_revue", "yes");

  await continuum.start(declared(), "o-1", { signal: { name: "count", payload: 1 } });
  await continuum.start(declared(), "o-1", { signal: { name: "go", deliveryId: "d" } });
  // @ts-expect-error -- another signal's payload
  await continuum.start(declared(), "o-1", { signal: { name: "count", payload: "yes" } });
  // @ts-expect-error -- not declared
  await continuum.start(declared(), "o-1", { signal: { name: "cuont", payload: 1 } });
  const [item] = await continuum.startMany(declared(), [
    { input: "o-1", signal: { name: "fraud_review", payload: "no" } },
  ]);
  if (item?.status === "started") await item.run.signal("count", 1);
  // @ts-expect-error -- a payload of none of its signals
  await continuum.startMany(declared(), [{ input: "o-1", signal: { name: "go", payload: 1 } }]);

  const byName = await continuum.start<number>("declared", { anything: true });
  await byName.signal("anything", 1, { deliveryId: "d" });
  await continuum.run("id").signal("anything");
  const freeRun = await continuum.start(free(), { id: "o-1" }, { signal: { name: "any" } });
  await freeRun.signal("anything", { any: "payload" });
  const muteRun = await continuum.start(mute(), undefined);
  // @ts-expect-error -- it takes none
  await muteRun.signal("anything");

  const asks = await continuum.start(asked(), undefined, {
    signal: { name: "add", payload: 1, askId: "a" },
  });
  const day = await asks.ask("add", 1, { askId: "a", timeout: "1s" });
  same<typeof day, Date>();
  const anything = await asks.ask("any");
  same<typeof anything, number>();
  const unknown = await asks.ask("go");
  same<typeof unknown, unknown>();
  const answer = await asks.answer<Date>("a");
  same<typeof answer, Date>();
  // @ts-expect-error -- another payload
  await asks.ask("add", "one");
  // @ts-expect-error -- not declared
  await asks.ask("subtract", 1);
  // @ts-expect-error -- the schema says what it is
  await asks.ask<string>("add", 1);
  const free1 = await byName.ask<number>("anything", 1);
  same<typeof free1, number>();
  const free2 = await byName.ask("anything");
  same<typeof free2, unknown>();

  const test = await engine.start(declared(), "o-1");
  await test.signal("count", 1);
  // @ts-expect-error -- another signal's payload
  await test.signal("count", "yes");
  await engine.startMany(declared(), [{ input: "o-1" }]);
  const text = await (await continuum.start(again(), 2)).result();
  same<typeof text, string>();
  await continuum.start(untyped(), undefined);
  anyRun(run);
  anyWorkflow(declared());
}

function anyRun(_run: RunHandle): void {}

function anyWorkflow(_workflow: WorkflowDefinition<never, unknown>): void {}

/** Parents. */
export async function fromInside(ctx: WorkflowContext): Promise<void> {
  const result = await ctx.child(declared(), "o-1");
  same<typeof result, { id: string; review: boolean }>();
  // @ts-expect-error -- the child's schema takes a text
  await ctx.child(declared(), 7);
  const child = await ctx.startChild(declared(), "o-1");
  await child.signal("fraud_review", "no");
  await child.signal("go", undefined, { signal: ctx.cancelSignal });
  // @ts-expect-error -- another signal's payload
  await child.signal("count", "no");
  // @ts-expect-error -- not declared
  await child.signal("fraud_revue", "no");
  const byName = await ctx.startChild<string>("declared", 7);
  await byName.signal("anything", 1);
}

/** A workflow that takes no input is started without one, and no other is. */
export async function withoutInput(continuum: Continuum): Promise<void> {
  const none = defineWorkflow({ name: "none" }, () => Promise.resolve(1));
  const some = defineWorkflow({ name: "some" }, (_ctx, input: number) => Promise.resolve(input));
  await continuum.start(none);
  await continuum.start(none, undefined, { runId: "r" });
  await continuum.start(some, 1, { runId: "r" });
  // @ts-expect-error -- its input is missing
  await continuum.start(some);
  // @ts-expect-error -- it takes a number
  await continuum.start(some, "1");
}

/** A process that has only the type of a workflow, and the id of a run. */
export async function byType(continuum: Continuum, engine: TestEngine): Promise<void> {
  const run = continuum.run<Declared>("o-1");
  same<Awaited<ReturnType<typeof run.result>>, { id: string; review: boolean }>();
  await run.signal("count", 1);
  await run.signal("go");
  // @ts-expect-error -- another signal's payload
  await run.signal("count", "yes");
  // @ts-expect-error -- not declared
  await run.signal("cuont", 1);
  await engine.run<Declared>("o-1").signal("count", 1);
  // @ts-expect-error -- another signal's payload
  await engine.run<Declared>("o-1").signal("count", "yes");

  const ofDefinition = continuum.run(declared(), "o-1");
  same<typeof ofDefinition, typeof run>();
  const ofTest = engine.run(declared(), "o-1");
  await ofTest.signal("date", "2026-01-01");
  same<Awaited<ReturnType<typeof ofTest.result>>, { id: string; review: boolean }>();

  const plain = continuum.run("o-1");
  same<Awaited<ReturnType<typeof plain.result>>, unknown>();
  const ofResult = continuum.run<number>("o-1");
  same<Awaited<ReturnType<typeof ofResult.result>>, number>();

  const started = await continuum.start<Declared>("declared", "o-1", {
    signal: { name: "count", payload: 1 },
  });
  same<typeof started, typeof run>();
  // @ts-expect-error -- the schema takes a text
  await continuum.start<Declared>("declared", 7);
  // @ts-expect-error -- the input is missing
  await continuum.start<Declared>("declared");
  await continuum.startMany<Declared>("declared", [{ input: "o-1" }]);
  // @ts-expect-error -- the schema takes a text
  await continuum.startMany<Declared>("declared", [{ input: 7 }]);
  await continuum.start("declared");
  await continuum.start<number>("declared", { any: "input" });
}

class Money {
  readonly #cents: number;
  constructor(readonly currency: string, cents: number) {
    this.#cents = cents;
  }
  plus(more: number): Money {
    return new Money(this.currency, this.#cents + more);
  }
}

interface Tree {
  readonly value: string | bigint | Date | Uint8Array | null;
  readonly branches?: readonly Tree[];
  readonly byName: ReadonlyMap<string, Tree>;
  readonly tags: Set<"a" | "b">;
  readonly failure?: Error | undefined;
}

type Branded = string & { readonly __brand: "id" };

/** What can't be encoded does not compile, and everything else does. */
export async function encodable(continuum: Continuum, ctx: WorkflowContext): Promise<void> {
  same<Serializable<Tree["value"]>, Tree["value"]>();
  same<Serializable<Branded>, Branded>();
  same<Serializable<unknown>, unknown>();
  const tree = defineWorkflow({ name: "tree" }, (_ctx, input: Tree) => Promise.resolve(input));
  const branch = {
    value: 1n,
    byName: new Map<string, Tree>(),
    tags: new Set(["a"] as const),
  };
  await continuum.start(tree, branch);
  const loose = defineWorkflow(
    { name: "loose" },
    (_ctx, input: Record<string, unknown>) => Promise.resolve(input),
  );
  await continuum.start(loose, { any: new Date() });

  const pays = defineWorkflow({ name: "pays" }, (_ctx, price: Money) => Promise.resolve(price));
  const price = new Money("EUR", 3);
  // @ts-expect-error -- an instance with methods
  await continuum.start(pays, price);
  // @ts-expect-error -- an instance with methods
  await continuum.startMany(pays, [{ input: price }]);
  // @ts-expect-error -- an instance with methods
  await ctx.child(pays, price);
  // @ts-expect-error -- an instance with methods
  await ctx.startChild(pays, price);
  const charge = defineActivity({ name: "charge" }, (input: { price: Money }) => input.price);
  // @ts-expect-error -- an instance with methods, within an object
  await ctx.activity(charge, { price });
  // @ts-expect-error -- an instance with methods
  await ctx.run("price", () => price);
  // @ts-expect-error -- a function
  await ctx.run("late", () => Promise.resolve({ retry: () => 1 }));
  // @ts-expect-error -- an answer is no data
  await ctx.run("fetch", () => fetch("http://localhost"));
  // @ts-expect-error -- a symbol
  await ctx.transaction("symbol", () => Symbol("s"));
  const seen = await ctx.run("seen", async () => {
    const answer = await fetch("http://localhost");
    return { at: new Date(), status: answer.status, body: await answer.json() };
  });
  same<typeof seen.at, Date>();
  await ctx.run("nothing", () => {});
  await ctx.transaction("rows", (tx) => tx.query<{ id: number }>("select 1 as id"));
}

/** One kind of timing a schedule. */
export async function timings(continuum: Continuum): Promise<void> {
  const base = { id: "daily", workflow: "report" };
  await continuum.schedules.create({ ...base, every: "1h", anchor: new Date(0) });
  await continuum.schedules.create({ ...base, cron: "@daily", timeZone: "Europe/Berlin" });
  await continuum.schedules.create({ ...base, at: new Date(0) });
  // @ts-expect-error -- either the calendar or an interval
  await continuum.schedules.create({ ...base, cron: "@daily", every: "1h" });
  // @ts-expect-error -- once, or at intervals
  await continuum.schedules.create({ ...base, at: new Date(0), every: "1h" });
  // @ts-expect-error -- an interval has no time zone
  await continuum.schedules.create({ ...base, every: "1h", timeZone: "Europe/Berlin" });
  // @ts-expect-error -- when?
  await continuum.schedules.create(base);
}

/** Doubles have the types of what they stand for. */
export function doubles(engine: TestEngine): TestEngineOptions {
  const charge = defineActivity(
    { name: "charge" },
    (cents: number) => Promise.resolve(`r${cents}`),
  );
  engine.double(charge, (cents) => `r${cents}`);
  engine.double(charge, () => Promise.resolve("r"));
  engine.double(charge, (cents) => cents > 3 ? fails(new Error("busy")) : "r");
  engine.double(charge, answers(fails(new Error("busy")), "r"));
  // @ts-expect-error -- it returns a text
  engine.double(charge, () => 7);
  // @ts-expect-error -- it takes a number
  engine.double(charge, (cents: string) => cents);
  // @ts-expect-error -- it returns a text
  engine.double(charge, answers(7));
  engine.double("by name", (input: string) => input.length);
  engine.doubleStep("read", ({ attempt }) => attempt);
  // @ts-expect-error -- no double
  engine.doubleStep("read", 7);
  return {
    activities: [
      double(charge, () => "r"),
      // @ts-expect-error -- it returns a text
      double(charge, () => 7),
    ],
    steps: { read: () => 7, note: answers(1, 2), gone: fails(new Error("gone")) },
  };
}
