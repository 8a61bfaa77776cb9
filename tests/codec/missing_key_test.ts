/**
 * Runs whose values a process can't read: they wait, and nothing of them is lost or failed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aesGcmCodec, type PayloadCodec } from "../../src/codec/mod.ts";
import { Continuum } from "../../src/continuum.ts";
import { EncodedValue } from "../../src/base/encoded.ts";
import { defineActivity } from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { eventually, openIn } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

const k1 = new Uint8Array(32).fill(1);
const k2 = new Uint8Array(32).fill(2);
const ONE = aesGcmCodec({ keys: { k1 }, current: "k1" });
const OTHER = aesGcmCodec({ keys: { k2 }, current: "k2" });
const BOTH = aesGcmCodec({ keys: { k1, k2 }, current: "k2" });

/** Takes a step, an activity by name and a signal. */
const STEPS = source(
  `const step = await ctx.run("step", () => "step " + input);
   const named = await ctx.activity("named", input, { queue: "far" });
   return [step, named, await ctx.waitForSignal("go")];`,
  `{ name: "steps" }`,
);
const named = defineActivity({ name: "named" }, (input: string) => `named ${input}`);
const FAR = { activities: [named], queues: { far: {} } };

/** Lines of a log. */
function kept() {
  const lines: string[] = [];
  const keep = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
  return { lines, log: { debug() {}, info() {}, warn: keep, error: keep } };
}

/** Everything is due now. */
async function due(db: EmptyDatabase): Promise<void> {
  await db.query(`update {schema}.runs set wake_at = now()
    where wake_at is not null and ended_at is null`);
  await db.query("update {schema}.tasks set available_at = now() where state = 'ready'");
}

forEachDatabase("runs that a process can't read", (database, test) => {
  for (const [what, codec] of [["no codec", undefined], ["another key", OTHER]] as const) {
    test(`a node with ${what} leaves a run as it is, and says why; a node with the key continues it`, async () => {
      await using db = await database.fresh();
      await using folder = await makeFolder({ "steps.ts": STEPS });
      const workflows = [folder.url + "steps.ts"];
      {
        await using first = await openIn(db, { workflows, codec: ONE });
        const run = await first.start("steps", "in", { runId: "r" });
        await run.reached("suspended");
      }
      const before = await stateOf(db);
      {
        const { lines, log } = kept();
        await using blind = await openIn(db, { workflows, codec, log, ...FAR });
        await due(db);
        await eventually(
          () => lines.find((line) => line.includes("Cannot read a task")),
          () => `a line of the task in ${lines.join("\n")}`,
        );
        await blind.run("r").signal("go", "blind");
        await eventually(
          () => lines.find((line) => line.includes("Cannot read run")),
          () => `a line of the run in ${lines.join("\n")}`,
        );
        const { unavailable, effects } = await blind.run("r").trace();
        assert.equal(unavailable?.code, "VALUE_NOT_DECODED");
        assert.deepEqual(effects.map(({ name }) => name), ["step"]);
        await refused(blind.run("r").export(), "VALUE_NOT_DECODED", "k1");
        await refused(
          blind.run("r").fork({ at: 0, id: "f" }),
          "VALUE_NOT_DECODED",
          "k1",
        );
        const history = await blind.run("r").history();
        const [{ value } = { value: undefined }] = history;
        assert(value instanceof EncodedValue);
        assert.equal(String(value), "encrypted (key k1)");
      }
      const after = await stateOf(db);
      assert.equal(after.events, before.events);
      assert(["suspended", "pending"].includes(after.state), after.state);
      await using last = await openIn(db, {
        workflows,
        codec: what === "no codec" ? ONE : BOTH,
        ...FAR,
      });
      if (what === "no codec") assert.equal(await plainSignals(db), 1); // it was sent without
      await eventually(async () => {
        await due(db);
        const { state } = await last.run("r").status();
        return state === "completed" ? state : undefined;
      }, () => "the end of the run");
      assert.deepEqual(await last.run("r").result(), ["step in", "named in", "blind"]);
    });
  }

  /** Begins a run by one codec, ends it by another, and returns its row as it is stored. */
  async function storedAcross(
    before: { codec?: PayloadCodec },
    after: { codec: PayloadCodec },
  ): Promise<{ readonly input: string; readonly result: string }> {
    await using db = await database.fresh();
    await using folder = await makeFolder({ "steps.ts": STEPS });
    const workflows = [folder.url + "steps.ts"];
    {
      await using first = await openIn(db, { workflows, ...before, ...FAR });
      await (await first.start("steps", "in", { runId: "r" })).reached("suspended");
    }
    await using node = await openIn(db, { workflows, ...after, ...FAR });
    await node.run("r").signal("go", "later");
    assert.deepEqual(await node.run("r").result(), ["step in", "named in", "later"]);
    const [row] = await db.query<{ input: string; result: string }>(
      "select input::text, result::text from {schema}.runs",
    );
    return row!;
  }

  test("what was written before there was a codec is read, and new values are encrypted", async () => {
    const row = await storedAcross({}, { codec: ONE });
    assert.equal(row.input, '"in"');
    assert.match(row.result, /^\{"\$continuum":"Encoded","key":"k1",/);
  });

  test("keys rotate: old values are read, and new ones are under the new key", async () => {
    const row = await storedAcross({ codec: ONE }, { codec: BOTH });
    assert.match(row.input, /"key":"k1"/);
    assert.match(row.result, /"key":"k2"/);
  });

  test("a codec that fails for a time delays its runs, and no attempt counts", async () => {
    let fails = false;
    const codec: PayloadCodec = {
      encode: (bytes, info) => {
        if (fails && info.kind !== "input") throw new Error("the vault is sealed");
        return ONE.encode(bytes, info);
      },
      decode: (bytes, info) => ONE.decode(bytes, info),
    };
    const { lines, log } = kept();
    const body = `let n = 0;
      return await ctx.transaction("book", async (tx) => {
        await tx.query("select 1");
        return ++n;
      }, { retry: { maxAttempts: 1 } });`;
    const files = { "book.ts": source(body, `{ name: "book" }`) };
    await using at = await scene(database, files, { codec, log });
    fails = true;
    const echo = await at.node.start("echo", "in");
    const book = await at.node.start("book", "in");
    await eventually(
      () => lines.filter((line) => line.includes("the vault is sealed"))[1],
      () => lines.join("\n"),
    );
    await refused(echo.signal("go", 1), "VALUE_NOT_ENCODED", "the vault is sealed");
    fails = false;
    assert.equal(await echo.result(), "in");
    assert.equal(typeof await book.result(), "number");
  });

  test("a result under a key that a node can't read delays the run that asks for it", async () => {
    const body = `return await ctx.activity(once, input, { idempotencyKey: "once" });`;
    const before = `import { defineActivity } from "@continuum/continuum/workflow";
      export const once = defineActivity({ name: "once" }, (input: any) => "once " + input);`;
    await using db = await database.fresh();
    await using folder = await makeFolder({
      "keyed.ts": source(body, `{ name: "keyed" }`, before),
    });
    const workflows = [folder.url + "keyed.ts"];
    {
      await using first = await openIn(db, { workflows, codec: ONE });
      assert.equal(await (await first.start("keyed", "a")).result(), "once a");
    }
    {
      const { lines, log } = kept();
      await using blind = await openIn(db, { workflows, codec: OTHER, log });
      await blind.start("keyed", "b", { runId: "r" });
      await eventually(
        () => lines.find((line) => line.includes("Cannot read run")),
        () => lines.join("\n"),
      );
    }
    await using last = await openIn(db, { workflows, codec: BOTH });
    await eventually(async () => {
      await due(db);
      return (await last.run("r").status()).state === "completed" ? true : undefined;
    }, () => "the end of the run");
    assert.equal(await last.run("r").result(), "once a");
  });

  test("why a run is parked, and why an act was refused, show their key alone", async () => {
    const files = { "foreign.ts": source("await new Promise(() => {});", `{ name: "foreign" }`) };
    await using at = await scene(database, files, { codec: ONE });
    const run = await at.node.start("foreign", "S3NT1NEL", { runId: "r" });
    await run.reached("stuck_nondeterminism");
    const acting = at.node.asOperator({ name: "ana" });
    await refused(acting.run("r").reopen(), "RUN_STATE");
    const seen = (client: Continuum) =>
      Promise.all([client.run("r").status(), client.operations.list()]);
    const [{ stuck }, { operations: [act] }] = await seen(at.node);
    assert.match(stuck!.message, /awaits a promise/);
    assert.match(String(act!.after!.error), /^Cannot /);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const [{ stuck: hidden }, { operations: [entry] }] = await seen(client);
    const said = "encrypted (key k1)";
    assert.deepEqual(hidden, { code: "FOREIGN_WAIT", message: said, details: said });
    assert.equal(entry!.after!.error, said);
  });

  test("a client with another key gets an error that names the key, and never a wrong value", async () => {
    await using at = await scene(database, {}, { codec: ONE });
    const run = await at.node.start("echo", { a: 1 }, { runId: "r" });
    assert.deepEqual(await run.result(), { a: 1 });
    await (await at.node.start("echo", { wait: "go" }, { runId: "w" })).reached("suspended");
    const { database: adapter, schema } = at.db;
    for (const codec of [OTHER, undefined]) {
      await using client = await Continuum.connect({ database: adapter, schema, codec });
      await refused(client.run("r").result(), "VALUE_NOT_DECODED", "k1");
      const { unavailable } = await client.run("w").trace(); // it has no events
      assert.equal(unavailable?.code, "VALUE_NOT_DECODED");
      const { runs: [found] } = await client.runs.query({ payloads: true, where: { id: "r" } });
      assert.equal(String(found?.payloads?.input), "encrypted (key k1)");
      assert.equal(found?.state, "completed");
    }
  });
});

async function stateOf(db: EmptyDatabase): Promise<{ state: string; events: number }> {
  const [row] = await db.query<{ state: string; events: number }>(
    "select state, next_seq as events from {schema}.runs where run_id = 'r'",
  );
  return row!;
}

async function plainSignals(db: EmptyDatabase): Promise<number> {
  const rows = await db.query(
    `select 1 from {schema}.inbox where kind = 'signal' and payload::text = '"blind"'`,
  );
  return rows.length;
}
