/**
 * Random workflows as data: what fast-check makes up, and one body that follows it. What the
 * effects do is said by a {@linkcode World}: nothing where only the machine is tested, something
 * where the engine is.
 *
 * @module
 */

import fc from "fast-check";
import type { Attempt } from "../../src/replay/commands.ts";
import type { ActivityDefinition } from "../../src/workflow/activity.ts";
import type {
  WorkflowContext,
  WorkflowDefinition,
  WorkflowTransaction,
} from "../../src/workflow/context_types.ts";
import type { RetryOptions } from "../../src/workflow/options.ts";

/** Times are multiples of this many milliseconds, so that some things happen at once. */
export const TICK_MS = 100;

/** What the attempts of a step, an activity or a transaction do. */
export interface Conduct {
  /** How many attempts fail; with 3, all do. */
  readonly fails: number;
  /** How they fail: they throw, do not end before their timeout, or forbid another attempt. */
  readonly how: "throws" | "hangs" | "refuses";
  /** Milliseconds that an attempt takes. */
  readonly takes: number;
  /** Whether an attempt ends when its signal aborts. */
  readonly heeds: boolean;
  /** Whether an attempt sends a heartbeat. */
  readonly beats: boolean;
}

/** What a run does with a child that it has started. */
const AFTER_START = [
  "result",
  "twice",
  "signal",
  "cancel",
  "nothing",
  "ended",
  "published",
  "asked",
] as const;

/** Who executes an activity. */
export type Binding = "pinned" | "named" | "private" | "nobody";

/** One statement of a random workflow. */
export type Statement =
  | {
    readonly op: "run" | "transaction";
    readonly name: string;
    readonly conduct: Conduct;
    readonly onCancel: "abort" | "finish";
  }
  | {
    readonly op: "activity";
    readonly conduct: Conduct;
    readonly bound: Binding;
    readonly onCancel: "wait" | "abandon" | "finish";
    readonly key: string | null;
  }
  | { readonly op: "child"; readonly program: Program }
  | {
    readonly op: "startChild";
    readonly program: Program;
    readonly close: "abandon" | "cancel" | "terminate";
    readonly then: (typeof AFTER_START)[number];
  }
  | { readonly op: "sleep"; readonly ms: number }
  | {
    readonly op: "signal";
    readonly name: string;
    readonly timeout: number;
    readonly otherwise: boolean;
  }
  | {
    readonly op: "races";
    readonly names: readonly string[];
    readonly ms: number;
    readonly rounds: number;
    readonly keeps: boolean;
  }
  | { readonly op: "several"; readonly names: readonly string[]; readonly timeout: number }
  | {
    readonly op: "handled";
    readonly name: string;
    readonly handler: Program;
    readonly oneAtATime: boolean;
    readonly count: number;
    readonly timeout: number;
    readonly isAwaited: boolean;
  }
  | { readonly op: "loop"; readonly name: string; readonly count: number; readonly ms: number }
  | { readonly op: "now" | "random" | "status" | "attributes" | "publish" | "query" }
  | { readonly op: "patched"; readonly name: string; readonly then: Program }
  | {
    readonly op:
      | "sequence"
      | "all"
      | "race"
      | "any"
      | "allSettled"
      | "generator"
      | "caught"
      | "finally";
    readonly parts: Program;
  }
  | {
    readonly op: "saga";
    readonly parts: Program;
    readonly undo: Conduct;
    readonly parallel: boolean;
  }
  | {
    readonly op: "scope";
    readonly parts: Program;
    readonly timeout: number | null;
    readonly shielded: boolean;
    /** How the parts are requested, and whether the code ends the scope itself. */
    readonly how: "sequence" | "race" | "cancel" | "signal" | "leave";
  }
  | { readonly op: "later"; readonly part: Statement; readonly meanwhile: Program }
  | { readonly op: "abort"; readonly victim: Statement; readonly after: Statement };

/** A random workflow's body. */
export type Program = readonly Statement[];

/** What the effects of a random workflow do. */
export interface World {
  /** A step's attempt. */
  step(conduct: Conduct, attempt: Attempt): unknown;
  /** A transaction's attempt. */
  transact(conduct: Conduct, transaction: WorkflowTransaction, attempt: Attempt): unknown;
  /** The activity to call. */
  activity(bound: Binding): ActivityDefinition<Conduct, unknown> | string;
  /** The workflow of children, and their input. */
  child(program: Program): readonly [WorkflowDefinition<unknown, unknown> | string, unknown];
}

/** Nothing happens in it: the test decides the outcome of effects. */
export const STILL: World = {
  step: () => 0,
  transact: () => 0,
  activity: (bound) => bound,
  child: (program) => ["child", program],
};

/** What a handler refuses to answer. */
export const REFUSED = "refused";

/** How all is tried. */
export const RETRY: RetryOptions = {
  maxAttempts: 3,
  backoff: "constant",
  initial: 3 * TICK_MS,
  jitter: 0,
  nonRetryable: ["Refusal"],
};
const HANG_MS = 7 * TICK_MS;

const name: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c");
const ticks: fc.Arbitrary<number> = fc.integer({ min: 0, max: 50 }).map((n) => n * TICK_MS);

const conduct: fc.Arbitrary<Conduct> = fc.record({
  fails: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
  how: fc.constantFrom("throws", "throws", "hangs", "refuses"),
  takes: fc.constantFrom(0, 0, 1, 3, 10).map((n) => n * TICK_MS),
  heeds: fc.boolean(),
  beats: fc.boolean(),
});

const stepOnCancel = fc.constantFrom("abort", "abort", "finish");

/** Random statements. */
export const { statement } = fc.letrec<{ statement: Statement; program: Program }>((tie) => ({
  statement: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ op: fc.constantFrom("run", "transaction"), name, conduct, onCancel: stepOnCancel }),
    fc.record({
      op: fc.constant("activity"),
      conduct,
      bound: fc.constantFrom("pinned", "pinned", "named", "private", "nobody"),
      onCancel: fc.constantFrom("wait", "wait", "abandon", "finish"),
      key: fc.constantFrom(null, null, "key"),
    }),
    fc.record({ op: fc.constant("sleep"), ms: ticks }),
    fc.record({ op: fc.constant("signal"), name, timeout: ticks, otherwise: fc.boolean() }),
    fc.record({
      op: fc.constant("races"),
      names: fc.array(name, { minLength: 1, maxLength: 3 }),
      ms: ticks,
      rounds: fc.integer({ min: 1, max: 3 }),
      keeps: fc.boolean(),
    }),
    fc.record({
      op: fc.constant("several"),
      names: fc.uniqueArray(name, { minLength: 1 }),
      timeout: ticks,
    }),
    fc.record({
      op: fc.constant("handled"),
      name,
      handler: tie("program"),
      oneAtATime: fc.boolean(),
      count: fc.integer({ min: 1, max: 2 }),
      timeout: ticks,
      isAwaited: fc.boolean(),
    }),
    fc.record({
      op: fc.constant("loop"),
      name,
      count: fc.integer({ min: 1, max: 3 }),
      ms: ticks,
    }),
    fc.record({ op: fc.constantFrom("now", "random", "status", "attributes", "publish", "query") }),
    fc.record({ op: fc.constant("child"), program: tie("program") }),
    fc.record({
      op: fc.constant("startChild"),
      program: tie("program"),
      close: fc.constantFrom("abandon", "cancel", "terminate"),
      then: fc.constantFrom(...AFTER_START),
    }),
    fc.record({
      op: fc.constantFrom(
        "sequence",
        "all",
        "race",
        "any",
        "allSettled",
        "generator",
        "caught",
        "caught",
        "finally",
      ),
      parts: fc.array(tie("statement"), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({
      op: fc.constant("saga"),
      parts: fc.array(tie("statement"), { minLength: 1, maxLength: 4 }),
      undo: conduct,
      parallel: fc.boolean(),
    }),
    fc.record({
      op: fc.constant("scope"),
      parts: fc.array(tie("statement"), { minLength: 1, maxLength: 4 }),
      timeout: fc.oneof(fc.constant(null), ticks),
      shielded: fc.boolean(),
      how: fc.constantFrom("sequence", "race", "cancel", "signal", "leave"),
    }),
    fc.record({ op: fc.constant("patched"), name, then: tie("program") }),
    fc.record({ op: fc.constant("later"), part: tie("statement"), meanwhile: tie("program") }),
    fc.record({ op: fc.constant("abort"), victim: tie("statement"), after: tie("statement") }),
  ) as fc.Arbitrary<Statement>,
  program: fc.array(tie("statement"), { maxLength: 3 }) as fc.Arbitrary<Program>,
}));

/** Random workflows. */
export const programs: fc.Arbitrary<Program> = fc.array(statement, { minLength: 1, maxLength: 6 });

/**
 * A program that differs from another in one place: a statement is left out, put in, replaced, or
 * changes places with the next.
 *
 * @param program The program.
 * @param other A statement that is put in.
 * @param choose Chooses a number that is less than its argument.
 */
export function edited(
  program: Program,
  other: Statement,
  choose: (below: number) => number,
): Program {
  const at = choose(program.length + 1);
  const there = program[at];
  if (there === undefined) return [...program, other];
  const inner = partsOf(there);
  if (inner !== null && choose(2) === 0) {
    const [key, parts] = inner;
    return program.with(at, { ...there, [key]: edited(parts, other, choose) } as Statement);
  }
  switch (choose(5)) {
    case 0:
      return program.toSpliced(at, 1);
    case 1:
      return program.with(at, other);
    case 2:
      return program.toSpliced(at, 2, ...[program[at + 1] ?? other, there]);
    case 3:
      return program.toSpliced(at, 0, { op: "patched", name: "new", then: [other] });
    default:
      return program.toSpliced(at, 0, other);
  }
}

/** A program that a statement contains; of children, other runs follow them. */
function partsOf(part: Statement): readonly [key: string, parts: Program] | null {
  if (part.op === "patched") return ["then", part.then];
  if (part.op === "later") return ["meanwhile", part.meanwhile];
  if (part.op === "handled") return ["handler", part.handler];
  return "parts" in part ? ["parts", part.parts] : null;
}

/** Follows a program; the result tells all that the code saw, in order. */
export async function follow(
  ctx: WorkflowContext,
  program: Program,
  world: World,
): Promise<unknown> {
  const seen: unknown[] = [];
  await new Follower(ctx, world, seen).sequence(program, undefined);
  return seen;
}

class Follower {
  readonly #ctx: WorkflowContext;
  readonly #world: World;
  readonly #seen: unknown[];
  readonly #handled = new Set<string>();

  constructor(ctx: WorkflowContext, world: World, seen: unknown[]) {
    this.#ctx = ctx;
    this.#world = world;
    this.#seen = seen;
  }

  async sequence(parts: Program, signal: AbortSignal | undefined): Promise<void> {
    for (const part of parts) await this.step(part, signal);
  }

  async step(part: Statement, signal: AbortSignal | undefined): Promise<unknown> {
    const ctx = this.#ctx;
    const world = this.#world;
    const options = signal === undefined ? {} : { signal };
    const each = (parts: Program): Promise<unknown>[] =>
      parts.map((inner) => this.step(inner, signal));
    const note = <T>(value: T): T => {
      this.#seen.push([part.op, value]);
      return value;
    };
    switch (part.op) {
      case "run":
        return note(
          await ctx.run(part.name, (attempt) => world.step(part.conduct, attempt), {
            ...options,
            ...limits(part.conduct),
            onCancel: part.onCancel,
          }),
        );
      case "transaction":
        return note(
          await ctx.transaction(
            part.name,
            (transaction, attempt) => world.transact(part.conduct, transaction, attempt),
            { ...options, retry: RETRY, onCancel: part.onCancel },
          ),
        );
      case "activity": {
        const { bound, onCancel, key } = part;
        const activity = world.activity(bound) as ActivityDefinition<Conduct, unknown>;
        return note(
          await ctx.activity(activity, part.conduct, {
            ...options,
            ...limits(part.conduct),
            onCancel,
            idempotencyKey: key === null ? null : `${ctx.runId} ${key}`,
            ...(bound === "nobody" ? { timeouts: { scheduleToStart: HANG_MS } } : {}),
          }),
        );
      }
      case "child": {
        const [workflow, input] = world.child(part.program);
        return note(await ctx.child(workflow as string, input, options));
      }
      case "startChild":
        return note(await this.#startChild(part, options));
      case "sleep":
        return note(await ctx.sleep(part.ms, options));
      case "signal": {
        const { timeout, otherwise } = part;
        return note(
          await (otherwise
            ? ctx.waitForSignal(part.name, { ...options, timeout, otherwise: "otherwise" })
            : timeout < 25 * TICK_MS
            ? ctx.waitForSignal(part.name, { ...options, timeout })
            : ctx.waitForSignal(part.name, options)),
        );
      }
      case "several":
        return note(
          await ctx.waitForSignal(part.names, {
            ...options,
            timeout: part.timeout,
            otherwise: "otherwise",
          }),
        );
      case "handled":
        return note(await this.#handle(part, options));
      case "loop": {
        const got: unknown[] = [];
        const late = ctx.sleep(part.ms, options).then(() => null);
        for (const each = ctx.signals(part.name, options); got.length < part.count;) {
          got.push(await Promise.race([each.next().then(({ value }) => value), late]));
        }
        return note(got);
      }
      case "races":
        return note(await this.#race(part, options));
      case "now":
        return note(ctx.now());
      case "random":
        return note([ctx.random(), ctx.uuid()]);
      case "status":
        return ctx.setStatus(this.#seen.length);
      case "query":
        return void ctx.onQuery("seen", () => this.#seen.length);
      case "publish":
        return ctx.publish("seen", this.#seen.length);
      case "attributes":
        return ctx.attributes.set({ seen: this.#seen.length });
      case "patched":
        if (note(ctx.patched(part.name))) await this.sequence(part.then, signal);
        return null;
      case "sequence":
        return await this.sequence(part.parts, signal);
      case "all":
        return note(await Promise.all(each(part.parts)));
      case "race":
        return note(await Promise.race(each(part.parts)));
      case "any":
        return note(await Promise.any(each(part.parts)));
      case "allSettled":
        return note((await Promise.allSettled(each(part.parts))).map((settled) => settled.status));
      case "generator":
        for await (const value of this.#generate(part.parts, signal)) note(value);
        return null;
      case "caught":
        try {
          return await this.sequence(part.parts, signal);
        } catch (error) {
          return note((error as Error).message);
        }
      case "finally":
        try {
          return await this.sequence(part.parts, signal);
        } finally {
          note([ctx.cancelSignal.aborted, await ctx.run("clean up", () => 0)]);
        }
      case "saga":
        return await ctx.saga(async (saga) => {
          for (const inner of part.parts) {
            saga.undo(world.activity("pinned") as ActivityDefinition<Conduct>, part.undo);
            await this.step(inner, signal);
          }
          if (part.parallel) await saga.compensate({ parallel: true });
        });
      case "scope": {
        const { timeout, shielded, how } = part;
        const limit = timeout === null ? {} : { timeout };
        return note(
          await ctx.scope(async (scope) => {
            if (how === "signal") note(scope.signal.aborted);
            if (how === "sequence" || how === "signal") await this.sequence(part.parts, undefined);
            const all = how === "sequence" || how === "signal" ? [] : each(part.parts);
            if (how === "race") await Promise.race(all);
            if (how === "cancel") scope.cancel(new Error("Ended"));
            if (how === "cancel") await Promise.all(all);
            for (const unread of all) unread.catch(() => {});
            return how;
          }, { ...options, ...limit, shielded }),
        );
      }
      case "later": {
        const running = this.step(part.part, signal);
        await this.sequence(part.meanwhile, signal);
        return note(await running);
      }
      case "abort": {
        const controller = new AbortController();
        const victim = this.step(part.victim, controller.signal);
        const killer = this.step(part.after, undefined)
          .finally(() => controller.abort(new Error("Aborted")));
        return note((await Promise.allSettled([victim, killer])).map((settled) => settled.status));
      }
    }
  }

  async #startChild(
    part: Extract<Statement, { op: "startChild" }>,
    options: { readonly signal?: AbortSignal },
  ): Promise<unknown> {
    const ctx = this.#ctx;
    const [workflow, input] = this.#world.child(part.program);
    const child = await ctx.startChild(workflow as string, input, {
      ...options,
      parentClose: part.close,
    });
    if (part.then === "nothing") return child.id;
    const other = ctx.handle(child.id);
    if (part.then === "ended") return await other.result(options);
    if (part.then === "published") return await other.published("seen", options);
    if (part.then === "asked") return await other.ask("a", "from the parent", options);
    const result = child.result(options);
    if (part.then === "signal") await child.signal("a", "from the parent");
    if (part.then === "cancel") await child.cancel();
    if (part.then === "twice") await Promise.allSettled([result, child.result(options)]);
    return [child.id, await (part.then === "twice" ? child.result(options) : result)];
  }

  /** A handler, and a condition over what it has received. A name that has one is left to it. */
  async #handle(
    { name, handler, oneAtATime, count, timeout, isAwaited }: Extract<
      Statement,
      { op: "handled" }
    >,
    options: { readonly signal?: AbortSignal },
  ): Promise<unknown> {
    const ctx = this.#ctx;
    if (this.#handled.has(name)) return "handled already";
    this.#handled.add(name);
    let received = 0;
    const stop = ctx.on(name, async (message: unknown) => {
      // Signals come again and again until the run has ended: it would wait for handlers for ever.
      if (++received >= count + 3) stop();
      await this.sequence(handler, undefined).catch((error) =>
        void this.#seen.push((error as Error).message)
      );
      if (message === REFUSED) throw new Error("Refused"); // only asks are
      return [received, message];
    }, { oneAtATime });
    try {
      const holds = await ctx.until(() => received >= count, { ...options, timeout });
      // Within a handler it is refused.
      const done = isAwaited ? await ctx.handlersDone().catch((error) => error.code) : null;
      return [holds, received, done];
    } finally {
      stop();
      this.#handled.delete(name);
    }
  }

  /** A loop of races, whose waits may lose (ATTENTION-1). */
  async #race(
    { names, ms, rounds, keeps }: Extract<Statement, { op: "races" }>,
    options: { readonly signal?: AbortSignal },
  ): Promise<unknown> {
    const ctx = this.#ctx;
    const wait = (name: string) => ctx.waitForSignal(name, options).then((got) => [name, got]);
    const kept = keeps ? names.map(wait) : null;
    const winners: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      winners.push(await Promise.race([...kept ?? names.map(wait), ctx.sleep(ms, options)]));
    }
    return winners;
  }

  async *#generate(parts: Program, signal: AbortSignal | undefined): AsyncGenerator<unknown> {
    for (const part of parts) yield await this.step(part, signal);
  }
}

function limits({ how }: Conduct): { retry: RetryOptions; timeout?: number } {
  return how === "hangs" ? { retry: RETRY, timeout: HANG_MS } : { retry: RETRY };
}
