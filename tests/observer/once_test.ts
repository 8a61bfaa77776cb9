/**
 * Forms that are sent twice, by a second click or by two tabs, and bodies that never arrive.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readBody } from "../../src/observer/body.ts";
import { POSTGRES } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { observe, type Observed } from "./observed.ts";
import { fieldsOf } from "./pages.ts";

/** The fields of the form on a page that a browser sends without the person's doing. */
async function hiddenOf(observed: Observed, path: string): Promise<Record<string, string>> {
  return fieldsOf(await observed.page(path));
}

Deno.test("a form that is sent twice sends one signal, and starts one run", async () => {
  const twice = source(
    `return [await ctx.waitForSignal("go"), await ctx.waitForSignal("go", { timeout: "30d" })];`,
    `{ name: "twice" }`,
  );
  await using set = await scene(POSTGRES, { "twice.ts": twice });
  await reached(await set.node.start("twice", null, { runId: "r-1" }), "suspended");
  const observed = observe(set.node);
  const signal = { ...await hiddenOf(observed, "/runs/r-1/signal"), name: "go", payload: "1" };
  const answers = await Promise.all(
    [1, 2, 3].map(() => observed.ask("/runs/r-1/signal", { form: signal })),
  );
  assert.deepEqual(answers.map(({ status }) => status), [303, 303, 303]);
  const start = { ...await hiddenOf(observed, "/start"), workflow: "echo", input: "7" };
  await Promise.all([1, 2].map(() => observed.ask("/start", { form: start })));
  assert.equal(await set.node.runs.count({ where: { workflow: "echo" } }), 1);
  assert.equal(await set.node.runs.count({ where: { workflow: "twice", state: "completed" } }), 0);
  const next = { ...await hiddenOf(observed, "/runs/r-1/signal"), name: "go", payload: "2" };
  assert.equal((await observed.ask("/runs/r-1/signal", { form: next })).status, 303);
  await reached(set.node.run("r-1"), "completed");
  assert.deepEqual(await set.node.run("r-1").result(), [1, 2]);
});

Deno.test("BOUNDS-1: a body that does not arrive is waited for by a time", async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(new Uint8Array([123])),
    cancel: () => void (isCancelled = true),
  });
  const request = new Request("http://observer.test/", { method: "POST", body });
  await assert.rejects(readBody(request, 20), { code: "BODY_TIMEOUT" });
  assert(isCancelled);
});
