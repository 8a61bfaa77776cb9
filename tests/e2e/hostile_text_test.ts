/**
 * Hostile texts through every public entry: each is kept as it was, made legible, or refused with a
 * stable code, and no other run notices.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { isStorable } from "../../src/base/text.ts";
import type { Continuum } from "../../src/continuum.ts";
import { scene, source } from "../support/scene.ts";
import { forEachDatabase } from "../support/database.ts";

const TEXTS: Readonly<Record<string, string>> = {
  "a NUL": "a\0b",
  "half a surrogate": "a\ud800b",
  "surrogates in the wrong order": "\udc00\ud800",
  "an escape that is text": "\\u0000 \\ud800",
  "non-characters": "\ufffe\uffff",
  "controls": "\u0001\u0007\u001b[31m\x7f\r\n\t",
  "right to left": "\u202e\u05d0\u2066",
  "quotes and braces": `'";{}\\,null--`,
  "much": "x".repeat(100_000),
};

/** Says its input in every place of workflow code where a text can stand. */
const SAYS = source(
  `const { text, where } = input;
  const thrown = () => Object.assign(new Error(text), { name: text, code: text, stack: text });
  switch (where) {
    case "result": return text;
    case "step": return await ctx.run("step", () => text);
    case "error": throw thrown();
    case "step error": return await ctx.run("step", () => { throw thrown(); }, { retry: { maxAttempts: 1 } });
    case "retried": return await ctx.run("step", ({ attempt }) => {
      if (attempt === 1) throw thrown();
      return text;
    }, { retry: { initial: 1 } });
    case "status": ctx.setStatus({ [text]: text }); break;
    case "log": ctx.log.info(text, { [text]: text }); break;
    case "attribute": ctx.attributes.set({ said: text }); break;
    case "attribute name": ctx.attributes.set({ [text]: 1 }); break;
    case "step name": await ctx.run(text, () => 1); break;
    case "signal name": await ctx.waitForSignal(text, { timeout: 1, otherwise: 1 }); break;
    case "activity name": await ctx.activity(text, text, { timeouts: { scheduleToStart: 1 } }); break;
    case "queue": await ctx.activity("unserved", text, { queue: text, timeouts: { scheduleToStart: 1 } }); break;
    case "key": await ctx.activity("unserved", text, { idempotencyKey: text, timeouts: { scheduleToStart: 1 } }); break;
    case "child id": await ctx.child("echo", text, { id: text }); break;
    case "child": return await ctx.child("echo", text);
    case "patched": ctx.patched(text); break;
    case "waits": return await ctx.waitForSignal("go");
  }
  return "said";`,
  `{ name: "says" }`,
);

const PLACES = [
  ...["result", "step", "error", "step error", "retried", "status", "log", "attribute"],
  ...["attribute name", "step name", "signal name", "activity name", "queue", "key"],
  ...["child id", "child", "patched"],
];

/** What callers pass: each is done, or refused with a code of the package. */
const CALLS: Readonly<Record<string, (node: Continuum, text: string) => Promise<unknown>>> = {
  "a run's id": (node, text) => node.start("echo", 1, { runId: text }),
  "an id that is looked for": async (node, text) => await node.run(text).status(),
  "a namespace": (node, text) => node.start("echo", 1, { namespace: text }),
  "a workflow": (node, text) => node.start(text, 1),
  "an input": (node, text) => node.start("echo", { [text]: text }),
  "an idempotency key": (node, text) => node.start("echo", 1, { idempotencyKey: text }),
  "attributes": (node, text) => node.start("echo", 1, { attributes: { said: text } }),
  "an attribute's name": (node, text) => node.start("echo", 1, { attributes: { [text]: 1 } }),
  "many starts": (node, text) => node.startMany("echo", [{ input: 1 }, { input: 2, runId: text }]),
  "a signal's name": async (node, text) =>
    await (await node.start("says", { text, where: "waits" })).signal(text, 1),
  "a signal": async (node, text) =>
    await (await node.start("says", { text, where: "waits" })).signal("go", { [text]: text }),
  "a delivery's id": async (node, text) =>
    await (await node.start("says", { text, where: "waits" }))
      .signal("go", 1, { deliveryId: text }),
  "a reason to cancel": async (node, text) =>
    await (await node.start("says", { text, where: "waits" })).cancel({ reason: text }),
  "a reason to terminate": async (node, text) =>
    await (await node.start("says", { text, where: "waits" })).terminate({ reason: text }),
  "a query": (node, text) => node.runs.query({ where: { attributes: { said: text } } }),
  "a token": (node, text) => node.activities.complete(text, text),
  "a schedule's id": (node, text) =>
    node.schedules.create({ id: text, workflow: "echo", every: "1h" }),
  "a schedule's workflow": (node, text) =>
    node.schedules.create({ id: crypto.randomUUID(), workflow: text, every: "1h" }),
  "a schedule's input": (node, text) =>
    node.schedules.create({ id: crypto.randomUUID(), workflow: "echo", input: text, every: "1h" }),
  "a schedule that is looked for": (node, text) => node.schedules.get(text),
};

forEachDatabase("hostile texts", (database, test) => {
  test("callers get what they asked for, or a stable code, and others continue", async () => {
    await using at = await scene(database, { "says.ts": SAYS });
    const { node } = at;
    for (const [what, text] of Object.entries(TEXTS)) {
      for (const [call, perform] of Object.entries(CALLS)) {
        const beside = node.start("echo", "beside");
        const done = await perform(node, text).then(() => null, (error) => error);
        if (done !== null) {
          assert(isContinuumError(done), `${call}, ${what}: ${done?.stack}`);
          assert.notEqual(done.code, "DATABASE_UNAVAILABLE", `${call}, ${what}`);
        }
        assert.equal(await (await beside).result(), "beside", `beside ${call}, ${what}`);
      }
      await node.runs.query();
      await node.health();
    }
  });

  test("what code says ends its own run at most, and can be read", async () => {
    await using at = await scene(database, { "says.ts": SAYS });
    const { node } = at;
    for (const [what, text] of Object.entries(TEXTS)) {
      const runs = await Promise.all(PLACES.map(async (where) => ({
        where,
        run: await node.start("says", { text, where }),
      })));
      for (const { where, run } of runs) {
        const told = `${where}, ${what}`;
        const { state } = await run.reached(["completed", "failed"]);
        await run.status();
        await run.history();
        const isKept = ["result", "step", "retried", "child"].includes(where);
        if (isKept) assert.equal(await run.result(), text, told);
        if (where === "error") assert.equal(state, "failed", told);
        if (where === "attribute" && !isStorable(text)) assert.equal(state, "failed", told);
      }
    }
    await node.runs.query();
    assert.equal(await (await node.start("echo", "at the end")).result(), "at the end");
  });
});
