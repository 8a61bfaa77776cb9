/**
 * Calls from inside the callback of a transaction.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import { resultOf } from "../support/runs.ts";
import { forEachDatabase } from "../support/database.ts";
import { scene, source } from "../support/scene.ts";

/** Calls what the test has at hand for it, in a transaction and after it. */
const BOOK = source(
  `const call = (globalThis as any).nestedForTest;
   const codes = await ctx.transaction("book", async (tx) => {
     const [row] = await tx.query<{ one: number }>("select 1 as one");
     return [row!.one, ...await call()];
   });
   return { codes, after: await ctx.run("after", call) };`,
  `{ name: "book" }`,
);

forEachDatabase("calls inside a transaction", (database, test) => {
  test("INSIDE-1: none goes past it, whatever the database; after it all go", async () => {
    await using at = await scene(database, { "book.ts": BOOK });
    const waiting = await at.node.start("echo", 1, { runId: "waiting", delay: "1h" });
    const calls: readonly ((node: Continuum) => Promise<unknown>)[] = [
      (node) => node.start("echo", 1, { runId: "child", ifExists: "use" }),
      (node) => node.startMany("echo", [{ input: 1 }]),
      (node) => node.runs.query(),
      (node) => node.runs.count(),
      (node) => node.schedules.list(),
      (node) => node.versions.list(),
      (node) => node.health(),
      () => waiting.signal("go"),
      () => waiting.status(),
      () => waiting.attributes.set({ a: 1 }),
      () => waiting.result({ timeout: 500 }),
    ];
    const call = () =>
      Promise.all(
        calls.map((each) => each(at.node).then(() => "done", ({ code }: { code: string }) => code)),
      );
    Object.assign(globalThis, { nestedForTest: call });
    const { codes, after } = await resultOf(
      await at.node.start<{ codes: unknown[]; after: unknown[] }>("book"),
    );
    assert.deepEqual(codes, [1, ...calls.map(() => "NESTED_QUERY")]);
    assert.deepEqual(after, [...calls.slice(1).map(() => "done"), "TIMEOUT"]);
  });
});
