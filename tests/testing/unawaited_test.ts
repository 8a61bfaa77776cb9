/**
 * Effects that are not awaited are reported: in the log, and to tests.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { testEngine } from "../../src/testing/mod.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";

/** Collects the warnings of the engine while something runs. */
async function warnings(work: () => Promise<void>): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { kept: (record) => records.push(record) },
    loggers: [
      { category: ["continuum"], sinks: ["kept"], lowestLevel: "warning" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
  try {
    await work();
  } finally {
    await reset();
  }
  return records;
}

const sloppy = defineWorkflow({ name: "sloppy" }, async (ctx, round: number) => {
  ctx.run("forgotten", () => 1);
  ctx.sleep("1h").catch(() => {});
  await ctx.run("awaited", () => 2);
  if (round === 0) return ctx.continueAsNew(1) as never;
  if (round === 2) throw new Error("it had no time to await");
});

Deno.test("an effect that no code awaits is reported when its run or generation ends", async () => {
  let runs: string[] = [];
  const records = await warnings(async () => {
    await using engine = await testEngine({ workflows: [sloppy] });
    const run = await engine.start(sloppy, 0);
    await run.result();
    const failing = await engine.start(sloppy, 2);
    await assert.rejects(failing.result(), { code: "RUN_FAILED" });
    runs = [run.id, run.id];
    assert.deepEqual(engine.unawaited.map(({ run }) => run), runs, "once for each generation");
    for (const effect of engine.unawaited) {
      const { workflow, kind, name, position, site } = effect;
      assert.deepEqual([workflow, kind, name, position], ["sloppy", "step", "forgotten", 0]);
      assert.equal(site?.file, import.meta.url);
      assert.equal(site?.line, LINE);
    }
  });
  const warned = records.filter(({ rawMessage }) =>
    String(rawMessage).includes("without awaiting")
  );
  assert.deepEqual(warned.map(({ properties }) => properties["run"]), runs);
  assert.equal(warned[0]?.properties["effect"], 'step "forgotten"');
  assert.equal(String(warned[0]?.properties["at"]).startsWith(`${import.meta.url}:${LINE}:`), true);
});

/** Where `sloppy` forgets a step. */
const LINE = 31;

const leaves = defineWorkflow({ name: "leaves" }, async (ctx) => await ctx.waitForSignal("a"));

/** A wait of an async function in a loop of races: each loser keeps waiting, or is aborted. */
const races = defineWorkflow({ name: "races" }, async (ctx, aborts: boolean) => {
  for (let round = 0; round < 3; round++) {
    const enough = new AbortController();
    const go = async () => await ctx.waitForSignal("go", { signal: enough.signal });
    const first = await Promise.race([go(), ctx.sleep("1s").then(() => "tick")]);
    if (first !== "tick") return first;
    if (aborts) enough.abort();
  }
});

Deno.test("signals that no wait took are reported when their run ends, and counted by its status", async () => {
  const records = await warnings(async () => {
    await using engine = await testEngine({ workflows: [leaves] });
    const run = await engine.start(leaves, undefined, { runId: "r" });
    await run.reached("suspended");
    for (const name of ["b", "c", "b"]) await run.signal(name, 1);
    assert.deepEqual((await run.status()).untakenSignals, { b: 2, c: 1 });
    await run.signal("a", 1);
    assert.equal(await run.result(), 1);
    assert.deepEqual((await run.status()).untakenSignals, { b: 2, c: 1 });
  });
  const [told, ...more] = records.filter(({ rawMessage }) => String(rawMessage).includes("taken"));
  assert.deepEqual(more, []);
  const { run, count, signals } = told?.properties ?? {};
  assert.deepEqual([run, count, signals], ["r", 3, '"b", "c"']);
});

Deno.test("a signal that reaches an async function that lost a race is reported, if another waits for it", async () => {
  for (const aborts of [false, true]) {
    const records = await warnings(async () => {
      await using engine = await testEngine({ workflows: [races] });
      const run = await engine.start(races, aborts);
      await engine.advance("1500ms");
      await run.signal("go", "now");
      await run.result();
    });
    const warned = records.filter(({ rawMessage }) => String(rawMessage).includes("lost a race"));
    assert.deepEqual(
      warned.map(({ properties: { signal, taker, other } }) => [signal, taker, other]),
      aborts ? [] : [["go", 0, 2]],
    );
  }
});
