// alone: it needs the runtime as it is before an engine puts its rules in place
/**
 * Promises that are not the engine's: whatever they move is refused, however fast they are.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { scrypt } from "node:crypto";
import { setImmediate as immediate, setTimeout as timeout } from "node:timers/promises";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { asyncDrain, syncDrain } from "../../src/replay/drain.ts";
import { installGuard, uninstallGuard } from "../../src/replay/guard.ts";
import type { WorkflowContext } from "../../src/workflow/mod.ts";
import { executionFor } from "../support/executions.ts";

const realTimeout = globalThis.setTimeout;
const { subtle } = crypto;
const digest = subtle.digest.bind(subtle);
const compile = WebAssembly.compile.bind(WebAssembly);

/** Answers that come from elsewhere: timers, threads, processes, other parts of the runtime. */
const FOREIGN: Record<string, () => Promise<unknown>> = {
  "a timer": () => new Promise((resolve) => realTimeout(resolve, 0)),
  "a timer of node:timers": () => timeout(1),
  "an immediate": () => immediate(),
  "a key derivation": () => slow(() => promisify(scrypt)("password", "salt", 16)),
  "a compression": () => promisify(deflate)("text"),
  "a digest": () => slow(() => digest("SHA-256", new Uint8Array(1_000))),
  "a compilation": () => slow(() => compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))),
  "a process": () => promisify(execFile)("true"),
  "a promise of the application": () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    outside.push(resolve);
    return promise;
  },
};

const outside: (() => void)[] = [];

/** A thread may answer within the call: then it looks like a value. Here it does not. */
async function slow<T>(work: () => Promise<T>): Promise<T> {
  await immediate();
  return await work();
}

/** How it shows that the code continues. */
const SHOWS: Record<string, (ctx: WorkflowContext, effect: Promise<unknown>) => unknown> = {
  "an effect": (ctx) => ctx.run("late", () => {}),
  "an await of an effect that was asked for before": async (_, effect) => await effect,
  "a combination with such an effect": (_, effect) => Promise.all([effect]),
  "the run's time": (ctx) => ctx.now(),
  "the time": () => Date.now(),
  "randomness": () => Math.random(),
  "a line": (ctx) => ctx.log.info("late"),
  "a global that is refused": () => fetch("http://127.0.0.1"),
  "its end": () => {},
};

const drains = [["runMicrotasks", syncDrain()!], ["setImmediate", asyncDrain]] as const;

Deno.test("code that waits for no effect is idle, or has been seen to continue", async (t) => {
  for (const [what, foreign] of Object.entries(FOREIGN)) {
    await t.step(what, async () => {
      const done = Promise.withResolvers<void>();
      const execution = executionFor(async (ctx) => {
        await foreign().finally(() => done.resolve());
        await ctx.run("late", () => {});
      }, { drain: drains[0][1] });
      const turn = await execution.turn([]);
      assert(turn.idle || turn.refused !== null);
      for (const resolve of outside.splice(0)) resolve();
      await done.promise;
      await immediate();
      const { refused, issued } = await execution.turn([]);
      assert.equal(refused?.call, "a promise that is not ctx's");
      assert.deepEqual(issued, []);
    });
  }
});

Deno.test("what a promise that is not the engine's has moved is refused, wherever it shows", async (t) => {
  installGuard();
  try {
    for (const [what, foreign] of Object.entries(FOREIGN)) {
      for (const [how, show] of Object.entries(SHOWS)) {
        await t.step(`${what}, then ${how}`, async () => {
          const woken = Promise.withResolvers<void>();
          const execution = executionFor(async (ctx) => {
            const effect = ctx.sleep("1d");
            await foreign();
            try {
              await show(ctx, effect);
            } catch {
              await ctx.sleep("2d");
            }
          }, { drain: drains[0][1], wake: () => woken.resolve() });
          const first = await execution.turn([]);
          if (first.refused !== null) return; // a library's call of a global was seen before
          assert.equal(first.issued.length, 1);
          for (const resolve of outside.splice(0)) resolve();
          await woken.promise;
          assert.notEqual((await execution.turn([])).refused, null);
        });
      }
    }
  } finally {
    uninstallGuard();
  }
});

for (const [name, drain] of drains) {
  Deno.test(`looking at promises within turns is never refused (${name})`, async () => {
    const execution = executionFor(async (ctx) => {
      const effects = ["a", "b"].map((name) => ctx.run(name, () => {}));
      const later = ctx.sleep("1h");
      await Promise.race([...effects, later]);
      await Promise.all(effects);
      return [later, ctx.now().getTime() > 0].length;
    }, { drain });
    const { issued, refused } = await execution.turn([]);
    assert.equal(issued.length, 3);
    assert.equal(refused, null);
    await immediate();
    assert.equal(execution.unawaited.length, 0);
    assert.equal((await execution.turn([])).refused, null);
  });
}
