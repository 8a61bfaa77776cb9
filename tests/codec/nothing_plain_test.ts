/**
 * What the database holds of users' values if there is a payload codec: nothing. Triggers keep each
 * row that any statement ever writes to any table, so no column and no passing state escapes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defineActivity } from "../../src/workflow/mod.ts";
import { aesGcmCodec, type AesGcmOptions, chain, compressionCodec } from "../../src/codec/mod.ts";
import type { PayloadCodec, PayloadInfo } from "../../src/codec/mod.ts";
import { limitedTo } from "../../src/continuum.ts";
import { openBundle } from "../../src/bundle/read.ts";
import { assertReplays, dumpHistory } from "../../src/testing/mod.ts";
import { type DatabaseKind, type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

/** In every value that a caller or a workflow passes, and nowhere else. */
const SECRET = "S3NT1NEL";

const KEYS: AesGcmOptions["keys"] = { k1: new Uint8Array(32).fill(7) };
const CODEC = aesGcmCodec({ keys: KEYS, current: "k1" });

/** Passes its secret through everything that takes a value. */
const EVERYTHING = source(
  `const secret = input.secret;
   ctx.setStatus({ at: secret });
   const step = await ctx.run("step", () => "step " + secret);
   const booked = await ctx.transaction("book", async (tx) => {
     await tx.query("select 1");
     return "booked " + secret;
   });
   let tries = "";
   try {
     await ctx.run("fails", () => { throw new Error("failed " + secret); }, {
       retry: { maxAttempts: 2, initial: 1 },
     });
   } catch (error) {
     tries = error.message;
   }
   const sent = await ctx.activity(send, { secret }, { idempotencyKey: "once" });
   const named = await ctx.activity("named", secret);
   let broken = "";
   try {
     await ctx.activity(breaks, secret);
   } catch (error) {
     broken = error.cause.message;
   }
   const child = await ctx.startChild("echo", { wait: "go", secret }, { id: ctx.runId + "/child" });
   await child.signal("go", "told " + secret);
   const family = await child.result();
   let lost = "";
   try {
     await ctx.child("throws", secret);
   } catch (error) {
     lost = error.cause.message;
   }
   const first = await ctx.waitForSignal("first");
   if (!input.again) return ctx.continueAsNew({ secret, again: true });
   const last = await ctx.waitForSignal("last");
   return { step, booked, tries, sent, named, broken, family, lost, first, last };`,
  `{ name: "everything" }`,
  `import { defineActivity } from "@continuum/continuum/workflow";
   export const send = defineActivity(
     { name: "send", retry: { maxAttempts: 3, initial: 1 } },
     async ({ secret }: any, attempt) => {
       await attempt.heartbeat({ beat: secret });
       if (attempt.attempt === 1) throw new Error("not sent " + secret);
       return "sent " + secret;
     },
   );
   export const breaks = defineActivity(
     { name: "breaks", retry: { maxAttempts: 2, initial: 1 } },
     (secret: any) => { throw new Error("broke " + secret); },
   );`,
);

const THROWS = source(`throw new Error("threw " + input);`, `{ name: "throws" }`);
const RETRIED = source(
  `if (tries++ === 0) throw new Error("first " + input);
   return input;`,
  `{ name: "retried", retry: { maxAttempts: 2, initial: 1 } }`,
  "let tries = 0;",
);

/** Waits at a signal; the other version asks for another one. */
const DRIFTS = source(
  `ctx.setStatus(input); return await ctx.waitForSignal("go");`,
  `{ name: "drifts" }`,
);

/** Is completed from outside, by its token. */
const OUTSIDE = source(
  `return await ctx.activity(later, input);`,
  `{ name: "outside" }`,
  `import { defineActivity } from "@continuum/continuum/workflow";
   export const later = defineActivity({ name: "later" }, async (_: any, attempt) => {
     globalThis.tokenForTest.resolve(await attempt.token());
     return attempt.completeLater();
   });`,
);

/** Waits for what the engine does not know. */
const FOREIGN = source(`await new Promise(() => {});`, `{ name: "foreign" }`);

const TWO = (step: string) =>
  source(
    `await ctx.run("${step}", () => input); return await ctx.waitForSignal("go");`,
    `{ name: "two" }`,
  );

const FILES = {
  "outside.ts": OUTSIDE,
  "foreign.ts": FOREIGN,
  "two.ts": TWO("first"),
  "other.ts": TWO("second"),
  "everything.ts": EVERYTHING,
  "throws.ts": THROWS,
  "retried.ts": RETRIED,
  "drifts.ts": DRIFTS,
};

const named = defineActivity({ name: "named" }, (secret: string) => `named ${secret}`);

/** A database that keeps every row that is ever written. */
async function watched(database: DatabaseKind): Promise<EmptyDatabase> {
  const db = await database.empty();
  await db.open();
  await db.query("create table {schema}.seen (at text, row text)");
  await db.query(`create function {schema}.see() returns trigger language plpgsql as $$ begin
    execute format('insert into %I.seen values ($1, $2)', tg_table_schema)
      using tg_table_name::text, new::text;
    return null;
  end $$`);
  const tables = await db.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = $1",
    [db.schema],
  );
  for (const { name } of tables) {
    if (name === "seen") continue;
    await db.query(`create trigger see after insert or update on {schema}."${name}"
      for each row execute function {schema}.see()`);
  }
  return db;
}

/** The rows that hold a text: as it is, in hex as bytea shows it, or in base64. */
async function rowsWith(db: EmptyDatabase, text: string): Promise<string[]> {
  const bytes = new TextEncoder().encode(text);
  const forms = [text, bytes.toHex()];
  for (const shift of [0, 1, 2]) {
    const padded = new Uint8Array([...new Uint8Array(shift), ...bytes]);
    forms.push(padded.toBase64().slice(shift === 0 ? 0 : 4, -4)); // what no neighbour changes
  }
  const rows = await db.query<{ at: string; row: string }>("select at, row from {schema}.seen");
  return rows.flatMap(({ at, row }) =>
    forms.some((form) => row.includes(form)) ? `${at}: ${row.slice(0, 400)}` : []
  );
}

forEachDatabase("values under a payload codec", (database, test) => {
  async function open(codec: PayloadCodec | undefined) {
    const kind = { ...database, fresh: () => watched(database) };
    return await scene(kind, FILES, { activities: [named], ...(codec && { codec }) });
  }

  /** Makes every public call that takes or leaves a value. */
  async function play({ node, db, folder }: Scene, codec?: PayloadCodec): Promise<void> {
    const run = await node.start("everything", { secret: SECRET }, { runId: "all" });
    for (const turn of ["one", "two"]) await run.signal("first", `${turn} ${SECRET}`);
    await run.signal("last", SECRET);
    assert.deepEqual(await run.result(), {
      step: `step ${SECRET}`,
      booked: `booked ${SECRET}`,
      tries: `failed ${SECRET}`,
      sent: `sent ${SECRET}`,
      named: `named ${SECRET}`,
      broken: `broke ${SECRET}`,
      family: [{ wait: "go", secret: SECRET }, `told ${SECRET}`],
      lost: `threw ${SECRET}`,
      first: `two ${SECRET}`,
      last: SECRET,
    });
    const status = await run.status();
    assert.deepEqual(status.custom, { at: SECRET });
    const history = await run.history();
    assert(history.some(({ value }) => value === `step ${SECRET}`));
    const failed = history.find(({ kind }) => kind === "attempt.failed");
    assert.match(String((failed?.value as { error: Error }).error), new RegExp(SECRET));

    const retried = await node.start("retried", SECRET);
    assert.equal(await retried.result(), SECRET);
    await refused((await node.start("throws", SECRET)).result(), "RUN_FAILED", SECRET);

    const waits = await node.start("drifts", SECRET, { runId: "waits" });
    await waits.reached("suspended");
    for (const _ of ["made", "found"]) { // FORK-3: the second call finds the first one's fork
      assert((await waits.fork({ at: 0, id: "fork" })).forked);
    }
    const fork = node.run("fork");
    await fork.signal("go", `forked ${SECRET}`);
    assert.equal(await fork.result(), `forked ${SECRET}`);
    assert((await run.fork({ at: 4, id: "later", signals: "carry" })).forked);
    const again = await node.run("later").result() as { last: unknown };
    assert.equal(again.last, SECRET);
    await waits.cancel({ reason: `because of ${SECRET}` });
    await refused(waits.result(), "RUN_CANCELLED", SECRET);

    await node.schedules.create({
      id: "daily",
      workflow: "echo",
      cron: "0 0 1 1 *",
      input: { scheduled: SECRET },
    });
    const fired = await node.schedules.trigger("daily");
    assert.deepEqual(await fired.result(), { scheduled: SECRET });
    assert.deepEqual((await node.schedules.get("daily")).input, { scheduled: SECRET });

    const { runs } = await node.runs.query({ payloads: true, limit: 100 });
    assert(runs.some(({ payloads }) => payloads?.input === SECRET));

    const driver = await db.database.open();
    const { default: echo } = await import(`${folder.url}echo.ts`);
    const inside = await driver.transaction((transaction) =>
      node.start(echo, { inside: SECRET }, { transaction })
    );
    await driver.close();
    assert.deepEqual(await inside.result(), { inside: SECRET });

    const limited = limitedTo(node, 20_000); // as the observer reads
    assert.deepEqual((await limited.run("all").status()).custom, { at: SECRET });

    const token = Promise.withResolvers<string>();
    Object.assign(globalThis, { tokenForTest: token });
    const outside = await node.start("outside", SECRET);
    await node.activities.heartbeat(await token.promise, { beat: SECRET });
    await node.activities.complete(await token.promise, `from outside ${SECRET}`);
    assert.equal(await outside.result(), `from outside ${SECRET}`);

    const two = await node.start(`${folder.url}two.ts`, SECRET, { runId: "two" });
    await two.reached("suspended");
    const moved = await two.upgrade({ to: `${folder.url}other.ts` });
    assert(!moved.upgraded && moved.drift !== null);
    await two.terminate();

    const foreign = await node.start("foreign", SECRET);
    await foreign.reached("stuck_nondeterminism");
    const { stuck } = await foreign.status();
    assert.equal(stuck?.code, "FOREIGN_WAIT");
    assert.match(stuck.message, /awaits a promise that only "ctx" could settle/);

    const trace = await run.trace();
    assert(JSON.stringify(trace).includes(`sent ${SECRET}`));
    const bundle = await openBundle(await run.export());
    assert(JSON.stringify(bundle.history()).includes(SECRET));
    const { default: everything } = await import(`${folder.url}everything.ts`);
    await assertReplays(everything, bundle.history());
    const { database: adapter, schema } = db;
    const dump = { database: adapter, schema, ...(codec && { codec }) };
    await assertReplays(everything, await dumpHistory("all", dump));
  }

  test("everything is read back, no table ever holds it, and the codec learns its namespace", async () => {
    const unplaced: PayloadInfo[] = [];
    const codec: PayloadCodec = {
      encode: (bytes, info) => {
        if (info.namespace !== "default") unplaced.push(info);
        return CODEC.encode(bytes, info);
      },
      decode: (bytes, info) => CODEC.decode(bytes, info),
    };
    await using stage = await open(codec);
    await play(stage, codec);
    assert.deepEqual(await rowsWith(stage.db, SECRET), []);
    assert.deepEqual(unplaced, []);
  });

  test("without a codec the same calls leave it in the tables, so the search finds it", async () => {
    await using stage = await open(undefined);
    await play(stage);
    const where = new Set((await rowsWith(stage.db, SECRET)).map((row) => row.split(":")[0]));
    for (
      const table of ["runs", "events", "inbox", "tasks", "schedules", "generations"]
    ) assert(where.has(table), table);
  });

  test("compressed and encrypted values are read back", async () => {
    const codec = chain(compressionCodec({ above: 50 }), CODEC);
    await using stage = await scene(database, {}, { codec });
    const long = SECRET.repeat(1_000);
    assert.equal(await (await stage.node.start("echo", long)).result(), long);
    assert.equal(await (await stage.node.start("echo", "short")).result(), "short");
    const [row] = await stage.db.query<{ bytes: number }>(
      "select max(octet_length(input::text)) as bytes from {schema}.runs",
    );
    assert(row!.bytes < 300, String(row!.bytes));
  });
});
