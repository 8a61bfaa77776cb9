/**
 * Random workflows as data: what fast-check makes up, and one body that follows it.
 *
 * @module
 */

import fc from "fast-check";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";

/** One statement of a random workflow. */
export type Statement =
  | {
    readonly op: "run" | "activity" | "transaction" | "child" | "startChild";
    readonly name: string;
  }
  | { readonly op: "sleep"; readonly ms: number }
  | {
    readonly op: "signal";
    readonly name: string;
    readonly timeout: number;
    readonly otherwise: boolean;
  }
  | { readonly op: "now" | "random" }
  | { readonly op: "patched"; readonly name: string; readonly then: readonly Statement[] }
  | {
    readonly op:
      | "sequence"
      | "all"
      | "race"
      | "any"
      | "allSettled"
      | "generator"
      | "caught"
      | "finally"
      | "saga";
    readonly parts: readonly Statement[];
  }
  | { readonly op: "later"; readonly part: Statement; readonly meanwhile: readonly Statement[] }
  | { readonly op: "abort"; readonly victim: Statement; readonly after: Statement };

const name: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c");

const { statement } = fc.letrec<{ statement: Statement }>((
  tie,
) => ({
  statement: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ op: fc.constantFrom("run", "activity"), name }),
    fc.record({ op: fc.constantFrom("transaction", "child", "startChild"), name }),
    fc.record({ op: fc.constant("sleep"), ms: fc.integer({ min: 0, max: 5_000 }) }),
    fc.record({
      op: fc.constant("signal"),
      name,
      timeout: fc.integer({ min: 0, max: 5_000 }),
      otherwise: fc.boolean(),
    }),
    fc.record({ op: fc.constantFrom("now", "random") }),
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
        "saga",
      ),
      parts: fc.array(tie("statement"), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({
      op: fc.constant("patched"),
      name,
      then: fc.array(tie("statement"), { maxLength: 2 }),
    }),
    fc.record({
      op: fc.constant("later"),
      part: tie("statement"),
      meanwhile: fc.array(tie("statement"), { maxLength: 3 }),
    }),
    fc.record({ op: fc.constant("abort"), victim: tie("statement"), after: tie("statement") }),
  ) as fc.Arbitrary<Statement>,
}));

/** Random workflows. */
export const programs: fc.Arbitrary<readonly Statement[]> = fc.array(statement, {
  minLength: 1,
  maxLength: 6,
});

/** Follows a program; the result tells all that the code saw, in order. */
export async function follow(
  ctx: WorkflowContext,
  program: readonly Statement[],
): Promise<unknown> {
  const seen: unknown[] = [];
  await sequence(ctx, program, seen, undefined);
  return seen;
}

async function sequence(
  ctx: WorkflowContext,
  parts: readonly Statement[],
  seen: unknown[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const part of parts) await step(ctx, part, seen, signal);
}

async function step(
  ctx: WorkflowContext,
  part: Statement,
  seen: unknown[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const options = signal === undefined ? {} : { signal };
  const each = (parts: readonly Statement[]): Promise<unknown>[] =>
    parts.map((inner) => step(ctx, inner, seen, signal));
  const note = <T>(value: T): T => {
    seen.push([part.op, value]);
    return value;
  };
  switch (part.op) {
    case "run":
      return note(await ctx.run(part.name, () => 0, options));
    case "activity":
      return note(await ctx.activity(part.name, { name: part.name }, options));
    case "transaction":
      return note(await ctx.transaction(part.name, () => 0, options));
    case "child":
      return note(await ctx.child(part.name, { name: part.name }, options));
    case "startChild": {
      const child = await ctx.startChild(part.name, { name: part.name }, options);
      const result = child.result(options);
      await child.signal("hello", part.name);
      return note([child.id, await result]);
    }
    case "sleep":
      return note(await ctx.sleep(part.ms, options));
    case "signal": {
      const { timeout, otherwise } = part;
      return note(
        await (otherwise
          ? ctx.waitForSignal(part.name, { ...options, timeout, otherwise: "otherwise" })
          : timeout < 2_500
          ? ctx.waitForSignal(part.name, { ...options, timeout })
          : ctx.waitForSignal(part.name, options)),
      );
    }
    case "now":
      return note(ctx.now());
    case "random":
      return note([ctx.random(), ctx.uuid()]);
    case "patched":
      if (note(ctx.patched(part.name))) await sequence(ctx, part.then, seen, signal);
      return null;
    case "sequence":
      return await sequence(ctx, part.parts, seen, signal);
    case "all":
      return note(await Promise.all(each(part.parts)));
    case "race":
      return note(await Promise.race(each(part.parts)));
    case "any":
      return note(await Promise.any(each(part.parts)));
    case "allSettled":
      return note((await Promise.allSettled(each(part.parts))).map((settled) => settled.status));
    case "generator": {
      for await (const value of generate(ctx, part.parts, seen, signal)) note(value);
      return null;
    }
    case "caught":
      try {
        return await sequence(ctx, part.parts, seen, signal);
      } catch (error) {
        return note((error as Error).message);
      }
    case "finally":
      try {
        return await sequence(ctx, part.parts, seen, signal);
      } finally {
        note([ctx.cancelSignal.aborted, await ctx.run("clean up", () => 0)]);
      }
    case "saga":
      return await ctx.saga(async (saga) => {
        for (const inner of part.parts) {
          saga.undo("undo", inner.op);
          await step(ctx, inner, seen, signal);
        }
      });
    case "later": {
      const running = step(ctx, part.part, seen, signal);
      await sequence(ctx, part.meanwhile, seen, signal);
      return note(await running);
    }
    case "abort": {
      const controller = new AbortController();
      const victim = step(ctx, part.victim, seen, controller.signal);
      const killer = step(ctx, part.after, seen, undefined)
        .finally(() => controller.abort(new Error("Aborted")));
      return note((await Promise.allSettled([victim, killer])).map((settled) => settled.status));
    }
  }
}

async function* generate(
  ctx: WorkflowContext,
  parts: readonly Statement[],
  seen: unknown[],
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown> {
  for (const part of parts) yield await step(ctx, part, seen, signal);
}
