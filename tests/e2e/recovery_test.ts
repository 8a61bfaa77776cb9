/**
 * Processes die, without a word, at the worst of moments; runs don't.
 *
 * @module
 */

import assert from "node:assert/strict";
import { encode } from "../../src/base/values.ts";
import { Continuum } from "../../src/continuum.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { type EmptyDatabase, emptyPostgres, postgresUrl } from "../support/database.ts";
import { type Folder, makeFolder } from "../support/modules.ts";
import { Worker } from "../support/processes.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";

/** Notes each call of a step in a file; the process that is to die stays in the step "slow". */
const ORDER = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "order" }, async (ctx, log: string) => {
  const step = (name: string) =>
    ctx.run(name, async () => {
      await Deno.writeTextFile(log, name + "\\n", { append: true });
      if (name === "slow" && Deno.env.get("DOOMED") === "slow") await new Promise(() => {});
      return name;
    });
  const results = [await step("first"), await step("slow")];
  results.push(await ctx.waitForSignal<string>("go"));
  return [...results, await step("last")];
});
`;

const RESULT = ["first", "slow", "continued", "last"];
const HISTORY = [
  ["step.completed", "first"],
  ["step.completed", "slow"],
  ["signal.received", "go"],
  ["step.completed", "last"],
];

interface Scene extends AsyncDisposable {
  readonly db: EmptyDatabase;
  readonly folder: Folder;
  /** Options of a worker on this database. */
  readonly options: { readonly [key: string]: unknown };
  /** Calls of steps so far. */
  calls(): Promise<string[]>;
  readonly log: string;
  readonly client: Continuum;
}

async function makeScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await emptyPostgres());
  const folder = stack.use(await makeFolder({ "order.ts": ORDER, "log": "" }));
  const { database, schema } = db;
  const client = stack.use(await Continuum.connect({ database, schema }));
  const kept = stack.move();
  const log = new URL("log", folder.url).pathname;
  return {
    db,
    folder,
    log,
    client,
    options: {
      database: postgresUrl(),
      schema: db.schema,
      workflows: [folder.url + "order.ts"],
      lease: 600,
      linger: "1h",
    },
    calls: async () => (await Deno.readTextFile(log)).split("\n").filter((line) => line !== ""),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function historyOf(run: RunHandle): Promise<[string, string][]> {
  return (await run.history()).map(({ kind, name }) => [kind, name]);
}

/** A survivor in another process: expires the crashed node, and continues its runs. */
async function carryOn({ options, client }: Scene, id: string): Promise<void> {
  await using heir = await Worker.start(options);
  const run = client.run<string[]>(id);
  if ((await run.status()).endedAt === null) await run.signal("go", "continued");
  assert.deepEqual(await resultOf(run), RESULT, "another process is notified of the end");
  assert.deepEqual(await heir.do("result", id), RESULT);
  assert.deepEqual(await historyOf(run), HISTORY);
}

Deno.test("a run whose process is killed in the middle of a step is finished by another", async () => {
  await using scene = await makeScene();
  await using doomed = await Worker.start(scene.options, "open", { DOOMED: "slow" });
  await doomed.do("start", "order", scene.log, "r");
  await eventually(
    async () => (await scene.calls()).includes("slow") ? true : undefined,
    () => "step under way",
  );
  assert.equal((await doomed.kill()).signal, "SIGKILL");
  await carryOn(scene, "r");
  assert.deepEqual(await scene.calls(), ["first", "slow", "slow", "last"]);
});

Deno.test("a run whose process is killed before a result is written has that step tried again", async () => {
  await using scene = await makeScene();
  await using doomed = await Worker.start(scene.options);
  await doomed.do("stopAt", "effect.done");
  await doomed.tell("start", "order", scene.log, "r");
  await doomed.stopped();
  assert.equal((await doomed.kill()).signal, "SIGKILL");
  await carryOn(scene, "r");
  assert.deepEqual(await scene.calls(), ["first", "first", "slow", "last"]);
});

Deno.test("a run whose process is killed between a commit and the code after it repeats nothing", async () => {
  await using scene = await makeScene();
  await using doomed = await Worker.start(scene.options);
  await doomed.do("stopAt", "commit.written");
  await doomed.tell("start", "order", scene.log, "r");
  await doomed.stopped();
  assert.deepEqual(await historyOf(scene.client.run("r")), HISTORY.slice(0, 1));
  assert.equal((await doomed.kill()).signal, "SIGKILL");
  await carryOn(scene, "r");
  assert.deepEqual(await scene.calls(), ["first", "slow", "last"]);
});

Deno.test("a run whose process is killed while it waits in memory is woken elsewhere", async () => {
  await using scene = await makeScene();
  await using doomed = await Worker.start(scene.options);
  await doomed.do("start", "order", scene.log, "r");
  const run = scene.client.run("r");
  await eventually(async () => (await run.history()).length === 2 || undefined, () => "history");
  assert.equal((await run.status()).state, "running", "it lingers");
  assert.equal((await doomed.kill()).signal, "SIGKILL");
  await carryOn(scene, "r");
  assert.deepEqual(await scene.calls(), ["first", "slow", "last"]);
});

Deno.test("a signal whose sender dies between its commit and its hint is heard all the same", async () => {
  await using scene = await makeScene();
  await using worker = await Worker.start(scene.options);
  await worker.do("start", "order", scene.log, "r");
  const run = scene.client.run<string[]>("r");
  await eventually(async () => (await run.history()).length === 2 || undefined, () => "history");
  assert.equal((await run.status()).state, "running", "it lingers");
  const store = await scene.db.open();
  await store.runs.deliver("r", { kind: "signal", name: "go", payload: encode("continued") });
  assert.deepEqual(await resultOf(run), RESULT);
});

Deno.test("waiting for a run that is due makes a node look, should its hint have been lost", async () => {
  await using scene = await makeScene();
  const { folder, db, client } = scene;
  const options = { workflows: [folder.url + "order.ts"], lease: "1h" };
  await using node = await openIn(db, options);
  const run = await node.start<string[]>("order", scene.log);
  await reached(run, "suspended");
  const store = await db.open();
  await store.runs.deliver(run.id, { kind: "signal", name: "go", payload: encode("continued") });
  assert.deepEqual(await resultOf(client.run(run.id)), RESULT);
});

Deno.test("a run that was claimed by a process that dies at once is claimed again", async () => {
  await using scene = await makeScene();
  {
    await using _registers = await openIn(scene.db, {
      workflows: [scene.folder.url + "order.ts"],
    });
  }
  await using doomed = await Worker.start(scene.options);
  await doomed.do("stopAt", "claim.claimed");
  await scene.client.start("order", scene.log, { runId: "r" });
  await doomed.stopped();
  assert.equal((await scene.client.run("r").status()).state, "running");
  assert.equal((await doomed.kill()).signal, "SIGKILL");
  await carryOn(scene, "r");
});

Deno.test("a client executes nothing, and is notified of an end in another process", async () => {
  await using scene = await makeScene();
  {
    await using _registers = await openIn(scene.db, {
      workflows: [scene.folder.url + "order.ts"],
    });
  }
  await using client = await Worker.start(
    { database: postgresUrl(), schema: scene.db.schema },
    "connect",
  );
  await client.do("start", "order", scene.log, "r");
  await client.do("signal", "r", "go", "continued");
  assert.deepEqual(await client.do("readiness"), {
    ready: false,
    reason: null,
    state: "client",
    residentRuns: 0,
  });
  assert.equal((await scene.client.run("r").status()).state, "pending");
  assert.deepEqual(await scene.db.query(`select * from {schema}.nodes`), []);
  assert.deepEqual(await scene.calls(), []);
  const heard = client.do("result", "r");
  await using _node = await openIn(scene.db, { workflows: [scene.folder.url + "order.ts"] });
  assert.deepEqual(await heard, RESULT);
});

Deno.test("a node that is closed hands its runs over at once, whatever its lease", async () => {
  await using scene = await makeScene();
  const options = { ...scene.options, lease: "1h" };
  await using leaving = await Worker.start(options);
  await using _staying = await Worker.start(options);
  await leaving.do("start", "order", scene.log, "r");
  const run = scene.client.run<string[]>("r");
  await eventually(async () => (await run.history()).length === 2 || undefined, () => "history");
  assert.equal((await run.status()).state, "running", "it lingers");
  assert.deepEqual(await leaving.do("close"), { released: 1, forced: 0 });
  await reached(run, "suspended");
  await run.signal("go", "continued");
  assert.deepEqual(await resultOf(run), RESULT);
  assert.deepEqual(await historyOf(run), HISTORY);
  assert.deepEqual(await scene.calls(), ["first", "slow", "last"]);
});

Deno.test("a version that nodes die of is parked after three of them", async () => {
  await using scene = await makeScene();
  await scene.folder.write({
    "deadly.ts": `
      // Not by Deno.kill, which modules of versions are refused: as a fault of native code would.
      if (Deno.env.get("DOOMED") === "import") {
        new Deno.Command("sh", { args: ["-c", "kill -9 $PPID"] }).outputSync();
      }
      ${ORDER}`,
  });
  const { hash } = await (async () => {
    await using node = await openIn(scene.db, { workflows: [scene.folder.url + "deadly.ts"] });
    const run = await node.start("order", scene.log, { runId: "r" });
    return (await reached(run, "suspended")).version;
  })();
  const run = scene.client.run<string[]>("r");
  await run.signal("go", "continued");
  const options = {
    ...scene.options,
    workflows: [],
    trust: { modules: [scene.folder.url + "deadly.ts"] },
    lease: 300,
  };
  for (let deaths = 0; deaths < 3; deaths++) {
    assert.equal((await Worker.doom(options, { DOOMED: "import" })).signal, "SIGKILL");
  }
  await using survivor = await Worker.start(options, "open", { DOOMED: "import" });
  const { stuck } = await reached(run, "stuck_unknown_version");
  const { reasons } = stuck?.details as { reasons: { code: string; message: string }[] };
  assert.deepEqual(reasons.map(({ code }) => code), ["LOAD_CRASHED"]);
  assert.match(reasons[0]!.message, /^3 nodes died/);
  assert.equal((await run.status()).version.hash, hash);
  await survivor.kill(); // it would park the run again, if it came first
  await using _healthy = await openIn(scene.db, { workflows: [scene.folder.url + "deadly.ts"] });
  assert.deepEqual(await resultOf(run), RESULT);
});
