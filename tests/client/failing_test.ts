/**
 * What people see of effects that keep failing: in `status()`, `history()`, `health()` and the
 * log.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { Continuum } from "../../mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually } from "../support/runs.ts";

function moduleOf(body: string): string {
  const source = `
    import { defineActivity, defineWorkflow }
      from "${import.meta.resolve("../../src/workflow/mod.ts")}";
    const retry = { maxAttempts: 100, initial: 1, max: "1h" };
    ${body}`;
  return `data:application/typescript,${encodeURIComponent(source)}`;
}

/** Fails three times at once, and waits an hour for the next attempt. */
const FAILING = moduleOf(`
  export const ship = defineActivity({ name: "ship", retry: { ...retry, initial: "1h" } }, () => {
    throw new RangeError("The carrier is down");
  });
  export default defineWorkflow({ name: "failing" }, async (ctx) => {
    await Promise.all([
      ctx.activity(ship),
      ctx.run("pack", () => { throw new Error("No boxes"); }, { retry: { ...retry, initial: "1h" } }),
    ]);
  });`);

const ENDING = moduleOf(`
  export default defineWorkflow({ name: "ending" }, async (ctx) => {
    await ctx.run("once", () => { throw new Error("Never"); }, { retry: { maxAttempts: 1 } });
  });`);

/** Takes what the engine says while a test runs. */
async function recorded(lines: LogRecord[], test: () => Promise<void>): Promise<void> {
  await configure({
    reset: true,
    sinks: { lines: (line) => lines.push(line) },
    loggers: [
      { category: ["continuum", "engine"], sinks: ["lines"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    await test();
  } finally {
    await reset();
  }
}

const textOf = ({ message }: LogRecord) => message.map(String).join("");

forEachDatabase("what fails and is tried again", (database, test) => {
  test("shows in status and history with its last error and next attempt, and in the log", async () => {
    await using db = await database.fresh();
    const lines: LogRecord[] = [];
    await recorded(lines, async () => {
      await using continuum = await Continuum.open({
        database: db.database,
        schema: db.schema,
        workflows: [FAILING],
        linger: 0,
      });
      const run = await continuum.start("failing", undefined);
      const status = await run.reached("suspended");
      const seen = status.retrying.map(({ kind, name, position, failed, lastError, nextTry }) => {
        assert.ok(nextTry! > new Date(), `${nextTry}`);
        return [kind, name, position, failed, (lastError as Error).message];
      });
      assert.deepEqual(seen, [
        ["activity", "ship", 0, 1, "The carrier is down"],
        ["step", "pack", 1, 1, "No boxes"],
      ]);
      assert.match(status.reason!, /"ship" \(failed once, the last with: The carrier is down; /);
      const history = await run.history();
      assert.deepEqual(
        history.map(({ seq, kind, position, value }) => {
          const { attempt, error, nextTry } = value as Record<string, unknown>;
          assert.ok(nextTry instanceof Date);
          return [seq, kind, position, attempt, (error as Error).message];
        }),
        [
          [0, "attempt.failed", 1, 1, "No boxes"],
          [null, "attempt.failed", 0, 1, "The carrier is down"],
        ],
      );
      await run.terminate();
      assert.deepEqual((await run.status()).retrying, []);
    });
    const told = lines.filter(({ properties }) => "attempt" in properties);
    assert.deepEqual(
      told.map(({ level, properties: { kind, name } }) => [level, kind, name]).sort(),
      [
        ["warning", "activity", "ship"],
        ["warning", "step", "pack"],
      ],
    );
    for (const line of told) {
      assert.match(textOf(line), /^Attempt 1 of .* failed: .*; the next is due at \d{4}-/);
      assert.match(String(line.properties.run), /^[0-9a-f-]{36}$/);
    }
  });

  test("shows in health() once it has failed several times, and does not degrade it", async () => {
    await using db = await database.fresh();
    await using continuum = await Continuum.open({
      database: db.database,
      schema: db.schema,
      workflows: [FAILING],
      linger: 0,
    });
    const run = await continuum.start("failing", undefined);
    await run.reached("suspended");
    const failing = async () =>
      (await continuum.health()).findings.filter(({ code }) => code === "FAILING_ACTIVITY");
    assert.deepEqual(await failing(), []);
    await db.query("update {schema}.tasks set attempt = 13");
    const [finding] = await failing();
    assert.equal(finding?.severe, false);
    assert.match(
      finding.message,
      /1 call of activity "ship" failed up to 12 times so far, the last/,
    );
    const { attempts, lastError, nextTry, queue } = finding.details;
    assert.deepEqual([attempts, queue, (lastError as Error).message], [
      12,
      "default",
      "The carrier is down",
    ]);
    assert.ok(nextTry instanceof Date);
    await run.terminate();
  });

  test("a run that fails is logged, and so is the last attempt that made it fail", async () => {
    await using db = await database.fresh();
    const lines: LogRecord[] = [];
    await recorded(lines, async () => {
      await using continuum = await Continuum.open({
        database: db.database,
        schema: db.schema,
        workflows: [ENDING],
      });
      const run = await continuum.start("ending", undefined);
      await assert.rejects(run.result(), { code: "RUN_FAILED" });
    });
    const texts = lines.map(textOf);
    assert.ok(
      texts.some((text) => /^Attempt 1 of .*once.* failed: .*; there is no other$/.test(text)),
    );
    assert.ok(
      texts.some((text) => /^Run .* of workflow .* failed: .*Never.*; it has ended$/.test(text)),
    );
  });

  test("an attempt whose node died is logged by the node that makes the next one", async () => {
    await using db = await database.fresh();
    const lines: LogRecord[] = [];
    await recorded(lines, async () => {
      await using continuum = await Continuum.open({
        database: db.database,
        schema: db.schema,
        workflows: [FAILING],
        linger: 0,
      });
      const run = await continuum.start("failing", undefined);
      await run.reached("suspended");
      // Three attempts began on nodes that died, and left no error.
      await db.query("update {schema}.tasks set attempt = 5");
      await continuum.repair(await continuum.planRepairs());
      await eventually(
        async () => (await run.status()).retrying.some(({ failed }) => failed === 5) || undefined,
        () => "fifth failure",
      );
      await run.terminate();
    });
    const texts = lines.map(textOf).filter((text) => text.includes("activity ship"));
    assert.match(
      texts[1]!,
      /^Attempt 4 of activity ship .*never ended: its node died.*next is due at/,
    );
    assert.match(texts[2]!, /^Attempt 5 of activity ship of run .* failed: .*The carrier is down/);
  });
});
