// deno-lint-ignore-file no-console -- what is written there is the subject
/**
 * Option `log`: an instance's lines go to the logger that it was given.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { Continuum, isContinuumError, type Logger } from "../../mod.ts";
import type { DatabaseAdapter } from "../../src/store/sql/driver.ts";
import { emptyPostgres } from "../support/database.ts";

const WORKFLOW = import.meta.resolve("../../src/workflow/mod.ts");

/** Fails once, and logs with a placeholder. */
const MODULE = `data:application/typescript,${
  encodeURIComponent(`
    import { defineWorkflow } from "${WORKFLOW}";
    export default defineWorkflow({ name: "logging" }, async (ctx, item: string) => {
      ctx.log.info("Packs {item}", { item });
      return await ctx.run("pack", ({ attempt }) => {
        if (attempt === 1) throw new RangeError("No boxes");
        return item + " packed";
      }, { retry: { initial: 1 } });
    });`)
}`;

interface Line {
  readonly level: keyof Logger;
  readonly message: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

function recorder(lines: Line[]): Logger {
  const take = (level: keyof Logger) => (message: string, properties: Record<string, unknown>) =>
    lines.push({ level, message, properties });
  return { debug: take("debug"), info: take("info"), warn: take("warn"), error: take("error") };
}

Deno.test("option log has the lines of the engine and of workflows, and LogTape has none", async () => {
  await using db = await emptyPostgres();
  const [lines, records]: [Line[], LogRecord[]] = [[], []];
  await configure({
    reset: true,
    sinks: { records: (record) => records.push(record) },
    loggers: [
      { category: "continuum", sinks: ["records"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
  try {
    const { database, schema } = db;
    const options = { database, schema, workflows: [MODULE], log: recorder(lines) };
    await using continuum = await Continuum.open(options);
    const run = await continuum.start("logging", "shoes", { runId: "o-1" });
    assert.equal(await run.result(), "shoes packed");
  } finally {
    await reset();
  }
  const own = lines.filter(({ properties }) => properties["run"] === "o-1");
  assert.deepEqual(own.map(({ level, message }) => [level, message.replace(/;.*/, "")]), [
    ["info", "Packs shoes"],
    ["warn", "Attempt 1 of step pack of run o-1 failed: RangeError: No boxes"],
  ]);
  const [said, failed] = own.map(({ properties }) => properties);
  const { item, workflow, attempt, logger } = said!;
  assert.deepEqual([item, workflow, attempt, logger], [
    "shoes",
    "logging",
    1,
    "continuum.workflow",
  ]);
  assert.equal(failed!["logger"], "continuum.engine");
  assert.ok(failed!["error"] instanceof RangeError);
  assert.deepEqual(records, []);
});

Deno.test("LOG-1: each instance of a process logs to its own logger", async () => {
  await using db = await emptyPostgres();
  const [one, two]: [Line[], Line[]] = [[], []];
  const { database: shared, schema } = db;
  const options = { database: shared, schema, workflows: [MODULE] };
  await using node = await Continuum.open({ ...options, log: recorder(one) });
  await using client = await Continuum.connect({ ...options, log: recorder(two) });
  const run = await client.start("logging", "hats");
  assert.equal(await run.result(), "hats packed");
  assert.ok(one.some(({ message }) => message === "Packs hats"));
  assert.deepEqual(two, []);
  await node.close();
});

Deno.test("LOG-1: a database adapter logs to the logger of the instance that opens it", async () => {
  await using db = await emptyPostgres();
  const lines: Line[] = [];
  const database: DatabaseAdapter = {
    description: "own",
    open(host) {
      host!.log.info("Opens {what}", { what: "a database" });
      return db.database.open(host);
    },
  };
  await using _ = await Continuum.connect({ database, schema: db.schema, log: recorder(lines) });
  assert.deepEqual(lines.map(({ message, properties }) => [message, properties["logger"]]), [
    ["Opens a database", "continuum.engine"],
  ]);
});

Deno.test("LOGGER-1: runs end as they would if a logger throws, rejects, or loses its methods", async () => {
  const texts: unknown[][] = [];
  const { warn } = console;
  console.warn = (...said: unknown[]) => void texts.push(said);
  try {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const reject = () => Promise.reject(new Error("disk full"));
    const broken: Record<string, unknown> = { ...recorder([]) };
    const loggers = [
      { debug: fail, info: fail, warn: fail, error: fail },
      { debug: reject, info: reject, warn: reject, error: reject },
      broken as unknown as Logger,
    ];
    for (const log of loggers) {
      await using db = await emptyPostgres();
      const { database: own, schema } = db;
      const options = { database: own, schema, workflows: [MODULE], log };
      await using continuum = await Continuum.open(options);
      if (log === loggers[2]) { for (const method of Object.keys(broken)) delete broken[method]; }
      const run = await continuum.start("logging", "socks");
      assert.equal(await run.result(), "socks packed");
      assert.equal(continuum.readiness().ready, true);
    }
  } finally {
    console.warn = warn;
  }
  const told = "The logger of option log failed; runs are not affected:";
  assert.deepEqual(texts.map(([text]) => text), [told, told, told]);
});

Deno.test("option log: what is no logger is refused, by open and by connect", async () => {
  await using db = await emptyPostgres();
  const { database: own, schema } = db;
  const { debug, info, warn } = console;
  for (const log of [null, "console", {}, { debug, info, warn }, { ...console, error: "no" }]) {
    const options = { database: own, schema, log: log as unknown as Logger };
    for (const open of [Continuum.open, Continuum.connect]) {
      const error: unknown = await open(options).then(() => undefined, (thrown) => thrown);
      assert.ok(isContinuumError(error, "INVALID_ARGUMENT"), String(error));
      assert.match(error.message, /option log/);
      assert.match(error.message, /debug, info, warn and error/);
    }
  }
});

Deno.test("the warning that no database was named goes to the log", async () => {
  const program = `
    import { Continuum } from ${JSON.stringify(import.meta.resolve("../../mod.ts"))};
    const lines = [];
    const take = (text) => lines.push(text);
    const log = { debug: take, info: take, warn: take, error: take };
    await using _ = await Continuum.open({ log });
    Deno.stdout.writeSync(new TextEncoder().encode(lines.join("\\n")));`;
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/main.ts`, program);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", config, `${cwd}/main.ts`],
      cwd,
    }).output();
    const text = new TextDecoder();
    assert.ok(success, text.decode(stderr));
    assert.match(text.decode(stdout), /^No database was named/);
    assert.equal(text.decode(stderr), "");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
