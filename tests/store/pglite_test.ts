/**
 * What only the database in this process promises: one owner, and no query past a transaction.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { openStore } from "../../src/store/open.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { claimed, commitOne, newEvent, NODE, register, share } from "../support/store_rows.ts";

const IN_USE = { code: "DATABASE_IN_USE" };

/** Runs `work` with a path under a temporary folder that is removed afterwards. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "continuum_pglite_" });
  try {
    await work(join(parent, "data base"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

/** Another process, which opens a folder, works, says `ready` and waits to be killed. */
async function otherProcess(folder: string, body: string): Promise<Deno.ChildProcess> {
  const module = (path: string) => JSON.stringify(import.meta.resolve(path));
  const script = `
    import { openStore } from ${module("../../src/store/open.ts")};
    import * as fixtures from ${module("../support/store_rows.ts")};
    const store = await openStore({ database: "pglite:" + ${JSON.stringify(folder)} });
    await store.migrate();
    ${body}
    console.log("ready");
    setInterval(() => {}, 1_000);
  `;
  const path = `${folder}.ts`;
  await Deno.writeTextFile(path, script);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, path],
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  let said = "";
  while (!said.includes("ready")) {
    const { value, done } = await reader.read();
    if (done) break;
    said += new TextDecoder().decode(value);
  }
  await reader.cancel();
  assert.match(said, /ready/);
  return process;
}

async function kill(process: Deno.ChildProcess): Promise<void> {
  process.kill("SIGKILL");
  assert.equal((await process.status).signal, "SIGKILL");
}

Deno.test("PGLITE-1: a folder that another process has open is refused until that process dies", async () => {
  await inFolder(async (folder) => {
    const other = await otherProcess(folder, "");
    await assert.rejects(openStore({ database: `pglite:${folder}` }), {
      ...IN_USE,
      details: { folder },
    });
    await kill(other);
    await using store = await openStore({ database: `pglite:${folder}` });
    await store.migrate();
  });
});

Deno.test("PGLITE-1: a second database on one folder is refused in the same process too", async () => {
  await inFolder(async (folder) => {
    const first = await openStore({ database: pglite(folder) });
    await assert.rejects(openStore({ database: pglite(folder) }), IN_USE);
    await assert.rejects(openStore({ database: pglite(`${folder}/../data base`) }), IN_USE);
    await first[Symbol.asyncDispose]();
    const second = await openStore({ database: pglite(folder) });
    await second[Symbol.asyncDispose]();
  });
});

Deno.test("what was committed before a kill -9 is there afterwards, and its runs are freed", async () => {
  await inFolder(async (folder) => {
    const other = await otherProcess(
      folder,
      `
      await store.nodes.open({ id: fixtures.NODE, name: "one", leaseMs: 60_000 });
      await fixtures.register(store);
      const run = await fixtures.claimed(store, "r");
      const events = [fixtures.newEvent("a", '"survives"')];
      await fixtures.commitOne(store, fixtures.share(run, 0, { events }));
      `,
    );
    await kill(other);
    await using store = await openStore({ database: `pglite:${folder}` });
    await store.migrate();
    assert.equal(store.exclusive, true);
    assert.equal((await store.runs.history("r", 0, 9))[0]?.payload, '"survives"');
    await store.nodes.open({ id: "new", name: "new", leaseMs: 60_000 });
    assert.deepEqual(await store.nodes.expire("new", store.exclusive), { nodes: 1, runs: 1 });
    const [run] = await store.runs.claim({ node: "new", limit: 1, excluded: [] });
    assert.equal(run?.runId, "r");
  });
});

Deno.test("stores of one adapter share its database; it is exclusive while one of them is alone", async () => {
  const database = pglite(null);
  const first = await openStore({ database });
  await first.migrate();
  assert.equal(first.exclusive, true);
  const second = await openStore({ database });
  assert.deepEqual([first.exclusive, second.exclusive], [false, false]);
  await first.nodes.open({ id: NODE, name: "one", leaseMs: 60_000 });
  await register(first);
  const run = await claimed(second, "r");
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  assert.equal(second.exclusive, true);
  assert.equal(await commitOne(second, share(run, 0, { events: [newEvent("a")] })), "written");
  await second[Symbol.asyncDispose]();
  await using third = await openStore({ database });
  await third.migrate();
  assert.equal(await third.runs.get("r"), null, "memory was forgotten with its last user");
});

Deno.test("TURNS-1: a query past a transaction, from inside it, is refused and not waited for", async () => {
  const database = pglite(null);
  const driver = await database.open();
  const nested = { code: "NESTED_QUERY" };
  const result = await driver.transaction(async (session) => {
    await assert.rejects(driver.query("select 1"), nested);
    await assert.rejects(driver.script("select 1"), nested);
    await assert.rejects(driver.impatient.query("select 1"), nested);
    await assert.rejects(driver.transaction(() => Promise.resolve()), nested);
    return await session.query("select $1::integer as n", [7]);
  });
  assert.deepEqual(result, [{ n: 7 }]);
  assert.deepEqual(await driver.query("select 1 as n"), [{ n: 1 }]);
  let late = () => {};
  const started = new Promise<void>((resolve) => late = resolve);
  const unawaited = await driver.transaction(() => {
    return Promise.resolve({ later: started.then(() => driver.query("select 2 as n")) });
  });
  late();
  assert.deepEqual(await unawaited.later, [{ n: 2 }], "code that runs after it may query again");
  await driver.close();
});

Deno.test("TURNS-2: a loop of queries leaves turns to others", async () => {
  await using store = await openStore({ database: "memory:" });
  let turned = false;
  setImmediate(() => turned = true);
  for (let asked = 0; asked < 100 && !turned; asked++) await store.now();
  assert.ok(turned, "a hundred queries, and no other code had a turn");
});

Deno.test("a transaction that throws leaves nothing behind", async () => {
  const driver = await pglite(null).open();
  await assert.rejects(
    driver.transaction(async (session) => {
      await session.script("create table half (a integer)");
      throw new Error("no");
    }),
    /no/,
  );
  await assert.rejects(driver.query("select from half"), { code: "42P01" });
  await driver.close();
});

Deno.test("a store that closes hears nothing more, in whatever order things end", async () => {
  const database = pglite(null);
  const store = await openStore({ database });
  const other = await openStore({ database });
  const unheard = () => assert.fail("It has closed");
  const subscription = await store.notices.subscribe(unheard, unheard);
  await store[Symbol.asyncDispose]();
  await other.notices.publish([{ kind: "due" }]);
  await subscription[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

Deno.test("PGLITE-1: a process may open a database that may write to its folder and nowhere else", async () => {
  const home = await Deno.makeTempDir();
  const folder = `${home}/kept`;
  const script = `
    import { openStore } from ${JSON.stringify(import.meta.resolve("../../src/store/open.ts"))};
    await using store = await openStore({ database: "pglite:" + Deno.args[0] });
    await store.now();
  `;
  try {
    await Deno.writeTextFile(`${home}/main.ts`, script);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-check", "--no-prompt", "--config", config],
        ...["--allow-read", "--allow-env", `--allow-write=${folder}`, `${home}/main.ts`, folder],
      ],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    assert.deepEqual([...Deno.readDirSync(home)].map(({ name }) => name).sort(), [
      "kept",
      "main.ts",
    ]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
