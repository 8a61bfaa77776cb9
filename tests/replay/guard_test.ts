// alone: it takes the rules of workflow code away again
// deno-lint-ignore-file no-console -- a test is about it
import assert from "node:assert/strict";
import { runInThisContext } from "node:vm";
import { decode } from "../../src/base/values.ts";
import { decodeError } from "../../src/base/values_failure.ts";
import { installGuard, uninstallGuard } from "../../src/replay/guard.ts";
import { RULES } from "../../src/replay/rules.ts";
import { exempt } from "../../src/replay/scope.ts";
import type { Turn } from "../../src/replay/turn.ts";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";
import { DRAINS, executionFor, Journal, STARTED_AT } from "../support/executions.ts";

function guarded(name: string, body: () => Promise<void> | void): void {
  Deno.test(name, async () => {
    installGuard();
    try {
      await body();
      await macrotask(); // The runtime tells of rejections after the task that made them.
    } finally {
      uninstallGuard();
    }
  });
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}

function valueOf(turn: Turn): unknown {
  assert.equal(turn.outcome?.kind, "completed", JSON.stringify(turn.outcome));
  return decode((turn.outcome as { result: string }).result);
}

function find(path: string): unknown {
  let found: unknown = globalThis;
  for (const key of path.split(".")) found = (found as Record<string, unknown> | undefined)?.[key];
  return found;
}

guarded("time in workflow code is the run's", async () => {
  const at = new Date(STARTED_AT).toISOString();
  const turn = await executionFor(() => [
    new Date().toISOString(),
    Date.now(),
    typeof Date(),
    performance.now(),
    Temporal.Now.instant().epochMilliseconds,
    Temporal.Now.plainDateISO().toString(),
    Temporal.Now.plainDateTimeISO().toString(),
    Temporal.Now.plainTimeISO().toString(),
    Temporal.Now.zonedDateTimeISO("Asia/Tokyo").hour,
    Temporal.Now.timeZoneId(),
    new Date(5).getTime(),
  ]).turn([]);
  assert.deepEqual(valueOf(turn), [
    at,
    STARTED_AT,
    "string",
    0,
    STARTED_AT,
    "2026-01-31",
    "2026-01-31T00:00:00",
    "00:00:00",
    9,
    "UTC",
    5,
  ]);
});

guarded("time moves with deliveries, through awaits, callbacks and generators", async () => {
  const execution = executionFor(async (ctx) => {
    async function* twice(): AsyncGenerator<number> {
      yield Date.now() - STARTED_AT;
      await ctx.run("a", () => {});
      yield Date.now() - STARTED_AT;
    }
    const seen: number[] = [];
    for await (const at of twice()) seen.push(at);
    await Promise.resolve().then(() => seen.push(Date.now() - STARTED_AT));
    await { then: (done: (at: number) => void) => done(seen.push(Date.now() - STARTED_AT)) };
    queueMicrotask(() => seen.push(performance.now()));
    await null;
    return seen;
  });
  const [a] = (await execution.turn([])).issued;
  const turn = await execution.turn([new Journal().succeed(a as never)]);
  assert.deepEqual(valueOf(turn), [0, 1_000, 1_000, 1_000, 1_000]);
});

guarded("randomness in workflow code is the run's", async () => {
  const body = (): unknown => [
    Math.random(),
    crypto.randomUUID(),
    crypto.getRandomValues(new Uint8Array(20)),
    [...crypto.getRandomValues(new Uint32Array(2))],
  ];
  const first = valueOf(await executionFor(body).turn([]));
  assert.deepEqual(valueOf(await executionFor(body).turn([])), first);
  assert.notDeepEqual(body(), first);
});

for (const rule of RULES.filter((rule) => rule.action === "refuse")) {
  const path = rule.at ?? rule.name;
  if (typeof find(path) !== "function") continue; // Not in this runtime, or behind a flag.
  guarded(`${rule.name} is refused, and parks the run even if the refusal is caught`, async () => {
    const target = find(path) as () => unknown;
    const execution = executionFor(async (ctx) => {
      await null;
      try {
        Reflect.apply(target, undefined, []);
      } catch (error) {
        assert.equal((error as { code: string }).code, "NONDETERMINISTIC_CALL");
      }
      await ctx.run("after", () => {});
    });
    const turn = await execution.turn([]);
    assert.equal(turn.refused?.call, rule.name);
    assert.equal(turn.refused?.instead, rule.instead);
    assert.equal(turn.refused?.position, 0);
    assert.ok(turn.refused?.message.includes(import.meta.url), turn.refused?.message);
  });
}

guarded("a refused constructor is refused, too", async () => {
  const turn = await executionFor(() => void new WebSocket("ws://127.0.0.1:1")).turn([]);
  assert.equal(turn.refused?.call, "WebSocket");
  const error = decodeError((turn.outcome as { error: string }).error) as { code: string };
  assert.equal(error.code, "NONDETERMINISTIC_CALL");
});

guarded("a refusal names file and line of a module at a continuum: URL", async () => {
  const filename = "continuum:///abc/a(1).ts";
  const body = runInThisContext("\n\n(() => { setTimeout(() => {}, 1); })", { filename });
  const { refused } = await executionFor(body).turn([]);
  assert.deepEqual(refused?.site, { file: filename, line: 3, column: 10 });
});

guarded("the guard is lifted inside of a step's callback, and ctx refuses there", async () => {
  const execution = executionFor((ctx: WorkflowContext) =>
    ctx.run("a", async () => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      const refusal = (() => {
        try {
          return void ctx.sleep(1);
        } catch (error) {
          return (error as Error).message;
        }
      })();
      return { now: Date.now(), refusal };
    })
  );
  const [a] = (await execution.turn([])).issued;
  const got = await exempt(() => a?.options.callback?.({} as never)) as {
    now: number;
    refusal: string;
  };
  assert.notEqual(got.now, STARTED_AT);
  assert.match(got.refusal, /a step or activity is running/);
  assert.equal((await execution.turn([])).refused, null);
});

Deno.test("outside of workflow code globals behave as before, and come back", async () => {
  const before = { Date, setTimeout, fetch, random: Math.random, uuid: crypto.randomUUID };
  installGuard();
  installGuard();
  try {
    class Later extends Date {
      override getTime(): number {
        return super.getTime() + 1;
      }
    }
    assert.ok(new Date() instanceof Date);
    assert.ok(new Date() instanceof before.Date);
    assert.ok(new before.Date() instanceof Date);
    assert.equal(new Date().constructor, Date);
    assert.equal(Date.length, 7);
    assert.equal(Date.name, "Date");
    assert.equal(Date.prototype, before.Date.prototype);
    assert.equal(Date.UTC(2026, 0, 31), STARTED_AT);
    assert.equal(new Later(5).getTime(), 6);
    assert.ok(new Later() instanceof Later);
    assert.ok(Math.abs(Date.now() - before.Date.now()) < 1_000);
    assert.equal(setTimeout, setTimeout);
    assert.equal(setTimeout.length, before.setTimeout.length);
    assert.equal(setTimeout.name, "setTimeout");
    assert.match(crypto.randomUUID(), /-4/);
    assert.equal((await crypto.subtle.digest("SHA-256", new Uint8Array())).byteLength, 32);
    assert.equal(await new Blob(["text"]).text(), "text");
    assert.equal(typeof Deno.cwd(), "string");
    await macrotask();
  } finally {
    uninstallGuard();
  }
  assert.equal(Date, before.Date);
  assert.equal(setTimeout, before.setTimeout);
  assert.equal(fetch, before.fetch);
  assert.equal(Math.random, before.random);
  assert.equal(crypto.randomUUID, before.uuid);
  assert.equal(new Date().constructor, before.Date);
});

for (const [drainName, drain] of DRAINS) {
  guarded(
    `a promise left rejected is reported with its run, and ends nothing (${drainName})`,
    async () => {
      const execution = executionFor(async (ctx) => {
        void (async () => {
          await null;
          throw new Error("Floating");
        })();
        const later = (async () => {
          await null;
          throw new Error("Handled in the end");
        })();
        await ctx.run("a", () => {});
        await later.catch(() => {});
      }, { drain });
      const other = executionFor((ctx) => ctx.sleep(1), { drain });
      const [turn] = await Promise.all([execution.turn([]), other.turn([])]);
      await macrotask();
      assert.equal(execution.unhandled.length, 2);
      await execution.turn([new Journal().succeed(turn.issued[0] as never)]);
      await macrotask();
      assert.deepEqual(execution.unhandled.map((reason) => (reason as Error).message), [
        "Floating",
      ]);
      assert.deepEqual(other.unhandled, []);
    },
  );

  guarded(`an effect that fails before it is awaited ends nothing (${drainName})`, async () => {
    const execution = executionFor(async (ctx) => {
      const early = ctx.run("early", () => {});
      const aborted = ctx.sleep("1h", { signal: AbortSignal.abort() });
      await ctx.run("b", () => {});
      aborted.catch(() => {});
      return await early.catch((error) => error.message);
    }, { drain });
    const [early, b] = (await execution.turn([])).issued;
    const journal = new Journal();
    await execution.turn([journal.fail(early as never)]);
    await macrotask();
    assert.deepEqual(execution.unhandled, []);
    assert.equal(valueOf(await execution.turn([journal.succeed(b as never)])), "It failed");
  });
}

guarded("a promise that a step leaves rejected is reported to its executor", async () => {
  const { promise: told, resolve } = Promise.withResolvers<unknown>();
  exempt(() => void Promise.reject(new Error("In a step")), resolve);
  assert.equal((await told as Error).message, "In a step");
});

for (
  const [where, leave] of Object.entries<(ctx: WorkflowContext) => void>({
    "a listener of cancelSignal": (ctx) =>
      ctx.cancelSignal.addEventListener("abort", () => {
        throw new Error("Thrown");
      }),
    "a microtask": () =>
      queueMicrotask(() => {
        throw new Error("Thrown");
      }),
    "reportError": () => reportError(new Error("Thrown")),
    "an event's listener": () => {
      const target = new EventTarget();
      target.addEventListener("a", () => {
        throw new Error("Thrown");
      });
      target.dispatchEvent(new Event("a"));
    },
  })
) {
  guarded(`what is thrown in ${where} is reported with its run, and ends nothing`, async () => {
    const execution = executionFor(async (ctx) => {
      leave(ctx);
      await ctx.run("a", () => {}).catch(() => {});
    });
    await execution.turn([]);
    await execution.turn([new Journal().cancel()]);
    await macrotask();
    assert.deepEqual(execution.unhandled.map((error) => (error as Error).message), ["Thrown"]);
  });
}

for (
  const [where, leave] of Object.entries<() => unknown>({
    "a timer": () => setTimeout(thrower, 0),
    "an interval": () => {
      const id = setInterval(() => {
        clearInterval(id);
        thrower();
      }, 0);
    },
    "an immediate": () => setImmediate(thrower),
    "a microtask": () => queueMicrotask(thrower),
    "a tick": () => process.nextTick(thrower),
    "a port": () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        thrower();
      };
      port2.postMessage(1);
    },
  })
) {
  guarded(`what is thrown in ${where} of a step is reported to its executor`, async () => {
    const told = Promise.withResolvers<unknown>();
    exempt(leave, told.resolve);
    assert.equal((await told.promise as Error).message, "In a step");
  });
}

function thrower(): void {
  throw new Error("In a step");
}

guarded("the application's own errors are left to it", () => {
  const event = new ErrorEvent("error", { error: new Error("Own"), cancelable: true });
  globalThis.dispatchEvent(event);
  assert.equal(event.defaultPrevented, false);
});

guarded(
  "console says a line once, where the code comes to it first, and steps say theirs",
  async () => {
    const lines: unknown[] = [];
    uninstallGuard(); // so that it stands before the console of this test
    const { log } = console;
    console.log = (...args: unknown[]) => lines.push(args);
    installGuard();
    try {
      const body = async (ctx: WorkflowContext): Promise<void> => {
        console.log("begins", 1);
        await ctx.run("a", () => {});
        console.log("continues");
        await ctx.run("b", () => {});
      };
      const journal = new Journal();
      const execution = executionFor(body);
      const [a] = (await execution.turn([])).issued;
      const event = journal.succeed(a as never);
      await execution.turn([event]);
      assert.deepEqual(lines, [["begins", 1], ["continues"]]);
      await executionFor(body).turn(journal.events, { loggedUpTo: execution.loggedUpTo });
      assert.equal(lines.length, 2, "A replay says no line again");
      exempt(() => console.log("in a step"));
      assert.deepEqual(lines.at(-1), ["in a step"]);
    } finally {
      uninstallGuard();
      console.log = log;
      installGuard();
    }
  },
);

guarded("more random bytes at once than an id needs are refused: packages keep pools", async () => {
  const pool = new Uint8Array(129);
  let isReached = false;
  const turn = await executionFor(() => {
    crypto.getRandomValues(pool);
    isReached = true;
  }).turn([]);
  assert.match(turn.refused?.message ?? "", /129 random bytes/);
  assert.ok(pool.some((byte) => byte !== 0), "Others of the process may use it");
  assert.ok(isReached, "A package that is cut short there keeps a pool that was never set up");
});

guarded("stacks that the code reads hold no frames, and the run's failure does", async () => {
  let read: string | undefined;
  const turn = await executionFor(() => {
    read = new Error("Read").stack;
    throw new Error("Unread");
  }).turn([]);
  assert.equal(read, "Error: Read");
  const { stack } = decodeError((turn.outcome as { error: string }).error) as Error;
  assert.match(stack ?? "", /guard_test\.ts/);
});

guarded("the application's own rejections are left to it", async () => {
  const event = new PromiseRejectionEvent("unhandledrejection", {
    promise: Promise.resolve(),
    cancelable: true,
  });
  globalThis.dispatchEvent(event);
  await Promise.resolve();
  assert.equal(event.defaultPrevented, false);
});
