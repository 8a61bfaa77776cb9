/**
 * What `ctx.scope` promises, on the machine alone. Each run is also replayed from a cut at every
 * event.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import { decodeError } from "../../src/base/values_failure.ts";
import type { Command } from "../../src/replay/commands.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import type { Turn } from "../../src/replay/turn.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import type { Scope, WorkflowContext } from "../../src/workflow/context_types.ts";
import { executionFor, Journal, STARTED_AT } from "../support/executions.ts";

type Body = (ctx: WorkflowContext) => unknown;

/** A run whose effects end when the test says so. */
class Driven {
  readonly #body: Body;
  readonly #execution;
  readonly #journal = new Journal();
  #last: Turn | undefined;

  constructor(body: Body) {
    this.#body = body;
    this.#execution = executionFor(body);
  }

  static async of(body: Body): Promise<Driven> {
    const run = new Driven(body);
    await run.#turn([]);
    return run;
  }

  async #turn(events: HistoryEvent[]): Promise<void> {
    this.#last = await this.#execution.turn(events);
    assert.equal(this.#last.drift, null, this.#last.drift?.message);
  }

  /** What the code waits for. */
  get waits(): string[] {
    return this.#execution.outstanding.map(nameOf);
  }

  /** An effect ends, or a sleep or a scope's time is over. */
  async ends(name: string, value?: unknown): Promise<this> {
    await this.#turn([this.#journal.succeed(this.#command(name), value)]);
    return this;
  }

  async fails(name: string): Promise<this> {
    await this.#turn([this.#journal.fail(this.#command(name), new Error(`${name} failed`))]);
    return this;
  }

  async cancel(more: { force?: true } = {}): Promise<this> {
    await this.#turn([this.#journal.cancel(more)]);
    return this;
  }

  #command(name: string): Command {
    const found = this.#execution.outstanding.find((command) => nameOf(command) === name);
    assert(found !== undefined, `${name} is not among ${this.waits}`);
    return found;
  }

  /** What the run returned, or the message of what it threw. */
  async outcome(): Promise<unknown> {
    const { outcome } = this.#last!;
    assert(outcome !== null, `waits for ${this.waits}`);
    const { events } = this.#journal;
    for (let cut = 0; cut <= events.length; cut++) {
      const again = executionFor(this.#body);
      const turn = await again.turn(events.slice(0, cut));
      assert.equal(turn.drift, null, turn.drift?.message);
      const end = cut === events.length ? turn : await again.turn(events.slice(cut));
      assert.deepEqual(end.outcome, outcome, `cut at ${cut}`);
    }
    if (outcome.kind === "completed") return decode(outcome.result);
    assert(outcome.kind !== "continued");
    return `${outcome.kind}: ${(decodeError(outcome.error) as Error).message}`;
  }
}

function nameOf({ kind, name }: Command): string {
  return name === "" ? kind : name;
}

const step = (ctx: WorkflowContext, name: string): Promise<unknown> => ctx.run(name, () => 0);
const said = (work: Promise<unknown>): Promise<unknown> =>
  work.then((value) => value, (error: Error) => error.message);
const TIMED_OUT = "The scope timed out: it had 60000 ms";

Deno.test("a scope's timeout is thrown by all that it waits for, and it can clean up before it settles", async () => {
  const run = await Driven.of(async (ctx) => {
    const seen: unknown[] = [];
    const result = said(ctx.scope(async () => {
      try {
        await step(ctx, "first");
        await Promise.allSettled([
          said(step(ctx, "a")).then((message) => seen.push(message)),
          said(ctx.waitForSignal("b")).then((message) => seen.push(message)),
        ]);
        await ctx.sleep("1h");
      } finally {
        seen.push(await step(ctx, "clean up"));
      }
    }, { timeout: "1m" }));
    seen.push(await result);
    return seen;
  });
  assert.deepEqual(run.waits, ["scope", "first"]);
  await run.ends("first");
  await run.ends("scope");
  assert.deepEqual(run.waits, ["sleep"], "code that caught the timeout continues");
  await run.ends("sleep");
  await run.ends("clean up", "clean");
  assert.deepEqual(await run.outcome(), [TIMED_OUT, TIMED_OUT, "clean", undefined]);
});

Deno.test("a scope whose code lets the timeout pass throws it, after its finally", async () => {
  const run = await Driven.of((ctx) =>
    said(ctx.scope(async () => {
      try {
        await step(ctx, "a");
      } finally {
        await step(ctx, "clean up");
      }
    }, { timeout: "1m" }))
  );
  await run.ends("scope");
  await run.ends("clean up");
  assert.equal(await run.outcome(), TIMED_OUT);
});

Deno.test("a scope that settles in time withdraws its timer, and whatever it did not wait for", async () => {
  const run = await Driven.of(async (ctx) => {
    const first = await ctx.scope(
      () => Promise.race([ctx.waitForSignal("answer"), ctx.sleep("1h"), step(ctx, "slow")]),
      { timeout: "1m" },
    );
    return [first, await ctx.waitForSignal("answer"), await step(ctx, "next")];
  });
  await run.ends("slow", "fast enough");
  assert.deepEqual(run.waits, ["answer"], "the wait of the scope takes no signal");
  await run.ends("answer", "late");
  await run.ends("next", "next");
  assert.deepEqual(await run.outcome(), ["fast enough", "late", "next"]);
});

Deno.test("a scope that waits for nothing of its own throws at once, and its code is cut off", async () => {
  const run = await Driven.of(async (ctx) => {
    const outer = step(ctx, "outer");
    const seen: unknown[] = [];
    const timed = said(ctx.scope(async () => {
      await outer;
      seen.push(await said(step(ctx, "too late")));
      seen.push(await said(ctx.scope(() => 1, { timeout: "1h" })));
    }, { timeout: "1m" }));
    seen.push(await timed);
    await outer;
    seen.push(await step(ctx, "after"));
    return seen;
  });
  await run.ends("scope");
  assert.deepEqual(run.waits, ["outer"]);
  await run.ends("outer");
  assert.deepEqual(run.waits, ["after"]);
  await run.ends("after", "after");
  assert.deepEqual(await run.outcome(), [TIMED_OUT, TIMED_OUT, TIMED_OUT, "after"]);
});

Deno.test("the end of a scope reaches the scopes inside of it, and not those that are shielded", async () => {
  const run = await Driven.of(async (ctx) => {
    const seen: unknown[] = [];
    const whole = ctx.scope(async (outer) => {
      const both = await Promise.all([
        said(ctx.scope(() => step(ctx, "inner"))),
        said(ctx.scope(() => step(ctx, "safe"), { shielded: true, timeout: "1h" })),
      ]);
      seen.push(...both, outer.signal.aborted);
      seen.push(await said(step(ctx, "clean up")));
      return "whole";
    }, { timeout: "1m" });
    seen.push(await said(whole));
    return seen;
  });
  await run.ends("scope");
  assert.deepEqual(run.waits, ["scope", "safe"], "the time of the inner scope, and its step");
  await run.ends("safe", "saved");
  await run.ends("clean up", "clean");
  assert.deepEqual(await run.outcome(), [TIMED_OUT, "saved", true, "clean", "whole"]);
});

Deno.test("an end that could reach nothing is thrown by the next effect, once", async () => {
  const run = await Driven.of((ctx) =>
    ctx.scope(async () => {
      const safe = await ctx.scope(() => step(ctx, "safe"), { shielded: true });
      return [safe, await said(step(ctx, "refused")), await step(ctx, "clean up")];
    }, { timeout: "1m" })
  );
  await run.ends("scope");
  await run.ends("safe", "saved");
  assert.deepEqual(run.waits, ["clean up"]);
  await run.ends("clean up", "clean");
  assert.deepEqual(await run.outcome(), ["saved", TIMED_OUT, "clean"]);
});

Deno.test("a cancellation of the run does not reach what is shielded, and is thrown after it", async () => {
  const run = await Driven.of(async (ctx) => {
    const book = await ctx.scope(async (scope) => {
      const booked = [await step(ctx, "book"), await step(ctx, "confirm")];
      return [...booked, scope.signal.aborted];
    }, { shielded: true });
    return [book, await said(step(ctx, "refused")), await step(ctx, "clean up")];
  });
  await run.cancel();
  await run.ends("book", 1);
  await run.ends("confirm", 2);
  await run.ends("clean up", "clean");
  const cancelled = "The run was cancelled: at random";
  assert.deepEqual(await run.outcome(), [[1, 2, false], cancelled, "clean"]);
});

Deno.test("a cancellation aborts a scope's signal, and the scope's time still bounds the clean-up", async () => {
  const run = await Driven.of(async (ctx) => {
    const aborted: unknown[] = [];
    await ctx.scope(async ({ signal }) => {
      signal.addEventListener("abort", () => aborted.push((signal.reason as Error).message));
      try {
        await step(ctx, "work");
      } finally {
        aborted.push(await said(step(ctx, "hanging clean-up")));
      }
    }, { timeout: "1m" }).catch(() => {});
    return aborted;
  });
  await run.cancel();
  assert.deepEqual(run.waits, ["scope", "hanging clean-up"]);
  await run.ends("scope");
  const reasons = ["The run was cancelled: at random", TIMED_OUT, TIMED_OUT];
  const [first, ...rest] = await run.outcome() as string[];
  assert.deepEqual([first, ...rest.slice(-1)], [reasons[0], TIMED_OUT]);
});

Deno.test("a step that may finish ends after a cancellation, and the next effect throws that", async () => {
  for (const op of ["run", "transaction"] as const) {
    const run = await Driven.of(async (ctx) => {
      const paid = await ctx[op]("pay", () => 0, { onCancel: "finish" });
      return [paid, await said(step(ctx, "refused")), await step(ctx, "clean up")];
    });
    await run.cancel();
    assert.deepEqual(run.waits, ["pay"]);
    await run.ends("pay", "paid");
    await run.ends("clean up", "clean");
    const message = "The run was cancelled: at random";
    assert.deepEqual(await run.outcome(), ["paid", message, "clean"]);
  }
});

Deno.test("a second cancellation by force reaches clean-up, but not what no cancellation reaches", async () => {
  const undo = defineActivity({ name: "undo" }, () => {});
  const run = await Driven.of(async (ctx) => {
    const seen: unknown[] = [];
    try {
      await ctx.activity("slow");
    } catch (error) {
      seen.push((error as Error).message);
    }
    seen.push(
      await Promise.all([
        said(step(ctx, "hangs")),
        said(ctx.activity("hangs too")),
        said(ctx.scope(() => step(ctx, "safe"), { shielded: true })),
        said(ctx.run("pay", () => 0, { onCancel: "finish" })),
        said(ctx.saga((saga) => {
          saga.undo(undo);
          throw new Error("undone");
        })),
      ]),
    );
    seen.push(await said(step(ctx, "refused")), await step(ctx, "after"));
    return seen;
  });
  await run.cancel();
  await run.cancel();
  assert.deepEqual(run.waits, ["slow"], "a plain cancellation awaits its end");
  await run.cancel({ force: true });
  const safe = ["safe", "pay", "undo"];
  assert.deepEqual(run.waits, ["hangs", "hangs too", ...safe]);
  await run.cancel({ force: true });
  assert.deepEqual(run.waits, safe);
  for (const name of safe) await run.ends(name, name);
  assert.deepEqual(run.waits, ["refused"], "each request is thrown once");
  await run.cancel({ force: true });
  await run.ends("after", "after");
  const cancelled = "The run was cancelled: at random";
  assert.deepEqual(await run.outcome(), [
    cancelled,
    [cancelled, cancelled, "safe", "pay", "undone"],
    cancelled,
    "after",
  ]);
});

Deno.test("a saga in a scope is undone after its timeout, and no scope stops a compensation", async () => {
  const undo = defineActivity({ name: "undo" }, () => {});
  const run = await Driven.of(async (ctx) => {
    const outer = ctx.scope(() =>
      said(ctx.scope(
        () =>
          ctx.saga(async (saga) => {
            saga.undo(undo);
            await step(ctx, "work");
          }),
        { timeout: "1m" },
      )), { timeout: "2m" });
    return await said(outer);
  });
  assert.deepEqual(run.waits, ["scope", "scope", "work"]);
  await run.fails("work");
  assert.deepEqual(run.waits, ["scope", "scope", "undo"]);
  await run.ends("scope"); // the outer one: it ends the inner one, too
  assert.deepEqual(run.waits, ["undo"]);
  await run.ends("undo");
  assert.equal(await run.outcome(), "work failed");
});

Deno.test("code ends a scope from inside and outside, and effects after its end are refused", async () => {
  const run = await Driven.of(async (ctx) => {
    let kept!: Scope;
    let orphan!: Promise<unknown>;
    const seen: unknown[] = [];
    const scoped = ctx.scope(async (scope) => {
      kept = scope;
      orphan = (async () => [await said(step(ctx, "left")), await said(step(ctx, "refused"))])();
      await step(ctx, "work");
    });
    await step(ctx, "first");
    kept.cancel(new Error("Enough"));
    kept.cancel(new Error("Twice"));
    seen.push(await said(scoped), await orphan);
    kept.cancel();
    seen.push(
      await said(ctx.scope(async (scope) => {
        scope.cancel();
        await step(ctx, "refused");
      })),
    );
    return seen;
  });
  await run.ends("first");
  const ended = "The scope of this effect has ended";
  const [reason, [left, refused], own] = await run.outcome() as [string, [string, string], string];
  assert.deepEqual([reason, left, own], ["Enough", "Enough", "The scope was cancelled"]);
  assert.equal(refused, ended);
});

Deno.test("the signal of a scope ends it; one that has aborted before runs nothing", async () => {
  const run = await Driven.of(async (ctx) => {
    const controller = new AbortController();
    const { signal } = controller;
    const scoped = said(ctx.scope(() => step(ctx, "work"), { signal }));
    await step(ctx, "first");
    controller.abort(new Error("Enough"));
    let isCalled = false;
    const late = said(ctx.scope(() => isCalled = true, { signal, timeout: "1m" }));
    return [await scoped, await late, isCalled];
  });
  await run.ends("first");
  assert.deepEqual(await run.outcome(), ["Enough", "Enough", false]);
});

Deno.test("parallel branches have scopes of their own, by their async context", async () => {
  const run = await Driven.of((ctx) =>
    Promise.all(["a", "b"].map((name) =>
      said(ctx.scope(async () => {
        await step(ctx, `first ${name}`);
        return await step(ctx, `second ${name}`);
      }, { timeout: name === "a" ? "1m" : "1h" }))
    ))
  );
  await run.ends("first a");
  await run.ends("first b");
  await run.ends("scope");
  assert.deepEqual(run.waits, ["scope", "second b"]);
  await run.ends("second b", "b");
  assert.deepEqual(await run.outcome(), [TIMED_OUT, "b"]);
});

Deno.test("another timeout of a scope is drift, and says at which event", async () => {
  const body = (timeout: string) => (ctx: WorkflowContext) =>
    said(ctx.scope(() => step(ctx, "work"), { timeout }));
  const journal = new Journal();
  const before = await executionFor(body("1m")).turn([]);
  journal.succeed(before.issued[0]!);
  const turn = await executionFor(body("2m")).turn(journal.events);
  assert.match(turn.drift!.message, /60000ms/);
  assert.equal(turn.drift!.seq, 0);
  assert.equal(before.issued[0]!.deadline, STARTED_AT + 60_000);
});

Deno.test("what a scope can't use is refused, and so is its use from a step", async () => {
  const wrong: [unknown, unknown, RegExp][] = [
    [5, {}, /the function of ctx\.scope: found 5, wanted a function/],
    [() => 0, { timeout: "soon" }, /timeout of ctx\.scope: found "soon"/],
    [() => 0, { shielded: 1 }, /option shielded of ctx\.scope: found 1, wanted true or false/],
    [() => 0, { signal: 1 }, /option signal of ctx\.scope: found 1, wanted an AbortSignal/],
    [() => 0, { name: "x" }, /found the key "name"/],
  ];
  for (const [fn, options, message] of wrong) {
    const run = await Driven.of(async (ctx) => await ctx.scope(fn as never, options as never));
    assert.match(`${await run.outcome()}`, message);
  }
  let callback!: () => unknown;
  const execution = executionFor((ctx) =>
    ctx.scope((scope) => ctx.run("step", callback = () => void [scope.signal, scope.cancel()]))
  );
  await execution.turn([]);
  assert.throws(() => callback(), { code: "CONTEXT_MISUSED" });
});
