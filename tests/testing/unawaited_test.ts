/**
 * Effects that nobody awaits are told of: in the log, and to tests.
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

Deno.test("an effect that nobody awaits is told of when its run or generation ends", async () => {
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
      assert.deepEqual([workflow, kind, name, position], ["sloppy", "run", "forgotten", 0]);
      assert.equal(site?.file, import.meta.url);
      assert.equal(site?.line, LINE);
    }
  });
  const told = records.filter(({ rawMessage }) => String(rawMessage).includes("nobody awaited"));
  assert.deepEqual(told.map(({ properties }) => properties["run"]), runs);
  assert.equal(told[0]?.properties["effect"], 'run "forgotten"');
  assert.equal(String(told[0]?.properties["at"]).startsWith(`${import.meta.url}:${LINE}:`), true);
});

/** Where `sloppy` forgets a step. */
const LINE = 31;
