/**
 * The keys that effects hand to the world outside: one for each effect, for ever.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defaultIdempotencyKey } from "../../src/task/idempotency_key.ts";
import type { ActivityAttempt } from "../../src/replay/commands.ts";
import { defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";
import { Continuum } from "../../mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { TestNode } from "../support/node.ts";

const FORM = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[0-9a-z]+\.[0-9a-z]+\.\d+$/;

const STEP = { kind: "step", name: "charge", digest: null, nth: 0 } as const;

Deno.test("a key shows neither the seed nor an id, and is another for another seed or effect", () => {
  const effects = [
    STEP,
    { ...STEP, nth: 1 },
    { ...STEP, nth: 10 },
    { ...STEP, name: "refund" },
    { ...STEP, kind: "transaction" },
    { ...STEP, kind: "activity", digest: "a.b" },
    { ...STEP, kind: "activity", digest: "a.c" },
  ] as const;
  const keys = ["seed", "seed/1", "other"].flatMap((seed) =>
    effects.map((effect) => defaultIdempotencyKey(seed, effect))
  );
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, FORM);
  assert.equal(defaultIdempotencyKey("seed", STEP), defaultIdempotencyKey("seed", { ...STEP }));
});

forEachDatabase("keys of effects", (database, test) => {
  test("KEY-2: each kind of effect has one key for all its attempts", async () => {
    await using db = await database.fresh();
    const seen = new Map<string, string[]>();
    const twice = (kind: string) => (step: Pick<ActivityAttempt, "attempt" | "idempotencyKey">) => {
      seen.set(kind, [...seen.get(kind) ?? [], step.idempotencyKey]);
      if (step.attempt === 1) throw new Error("again");
    };
    const retry = { maxAttempts: 2, initial: 0 };
    const defined = (name: string) =>
      defineActivity({ name, retry }, (_: void, attempt) => twice(name)(attempt));
    const act = defined("act");
    const named = defined("named");
    const undo = defined("undo");
    const hidden = defined("hidden");
    const workflow = defineWorkflow({ name: "keys" }, async (ctx) => {
      await ctx.run("step", twice("step"), { retry });
      await ctx.transaction("transaction", (_, step) => twice("transaction")(step), { retry });
      await ctx.activity(act);
      await ctx.activity(hidden);
      await ctx.activity("named", undefined, { retry });
      await ctx.saga((saga) => {
        saga.undo(undo);
        throw new Error("undo");
      }).catch(() => {});
    });
    const pinned = { "./a.ts#act": act, "./a.ts#undo": undo };
    const activities = new Map([["named", named]]);
    await using node = await TestNode.open(db, [workflow], { pinned, activities });
    const id = await node.start("keys");
    await node.left(id, "ended");
    const keys = [...seen.values()];
    assert.equal(seen.size, 6);
    for (const [kind, [first, second]] of seen) assert.equal(first, second, kind);
    assert.equal(new Set(keys.flat()).size, 6);
    for (const key of keys.flat()) assert.match(key, FORM);
  });

  test("KEY-1: no two effects share a key: generations, attempts of runs, children", async () => {
    await using db = await database.fresh();
    const keys: string[] = [];
    const note = (step: { idempotencyKey: string }) => void keys.push(step.idempotencyKey);
    const child = defineWorkflow({ name: "child" }, (ctx) => ctx.run("note", note));
    const workflow = defineWorkflow({ name: "keys" }, async (ctx, left: number) => {
      await ctx.run("note", note);
      if (ctx.attempt === 1) throw new Error("tried again");
      if (left > 0) return ctx.continueAsNew(left - 1);
      await ctx.child(child, undefined, { id: "one" });
      await ctx.run("prune", async () => {
        await db.query("delete from {schema}.runs where run_id = 'one'");
      });
      await ctx.child(child, undefined, { id: "one" });
    });
    await using node = await TestNode.open(db, [workflow, child]);
    const id = await node.start("keys", 1, "keys", { retry: { maxAttempts: 2, initial: 0 } });
    await node.left(id, "ended");
    assert.ok(keys.length >= 5, `${keys}`);
    assert.equal(new Set(keys).size, keys.length, `${keys}`);
  });

  test("KEY-1: runs share no key, whatever their ids, namespaces and databases are", async () => {
    const module = `data:application/typescript,${
      encodeURIComponent(`
        import { defineWorkflow } from "${import.meta.resolve("../../src/workflow/mod.ts")}";
        export default defineWorkflow({ name: "key" },
          async (ctx) => await ctx.run("note", (step) => step.idempotencyKey));
      `)
    }`;
    const keys: unknown[] = [];
    for (let n = 0; n < 2; n++) {
      await using db = await database.fresh();
      const { database: adapter, schema } = db;
      await using continuum = await Continuum.open({
        database: adapter,
        schema,
        workflows: [module],
      });
      const run = async (runId: string, namespace: string) =>
        keys.push(await (await continuum.start("key", undefined, { runId, namespace })).result());
      await run("a", "default");
      await run("a~1", "default");
      await run("a", "other");
      await continuum.runs.prune({ olderThan: 0 });
      await run("a", "default");
    }
    assert.equal(keys.length, 8);
    assert.equal(new Set(keys).size, 8, `${keys}`);
  });
});
