/**
 * The commands that move many runs: plan, consent, exit codes, and what an interruption leaves.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import { CliWorld } from "../support/cli_world.ts";
import type { Ended } from "../support/cli.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { hold } from "../support/store_rows.ts";
import { source } from "../support/scene.ts";

/** A version of `order`: a step, and then a signal. */
function order(step: string, answer: string): string {
  return source(
    `await ctx.run("${step}", () => 1);
    await ctx.waitForSignal("go");
    return "${answer}";`,
    `{ name: "order" }`,
  );
}

interface Orders extends AsyncDisposable {
  readonly world: CliWorld;
  readonly node: Continuum;
  readonly hash: (file: string) => Promise<string>;
}

/** Three versions, the first of which is current, and runs that wait on it. */
async function orders(...ids: readonly string[]): Promise<Orders> {
  const world = await CliWorld.make({
    "first.ts": order("reserve", "first"),
    "next.ts": order("reserve", "next"),
    "drift.ts": order("charge", "drift"),
  });
  const node = await world.node("first.ts", "next.ts", "drift.ts");
  const hash = async (file: string) => {
    const { versions } = await node.versions.list({ workflow: "order" });
    return versions.find(({ specifiers: [name] }) => name!.endsWith(`/${file}`))!.hash;
  };
  await node.versions.activate("order", await hash("first.ts"));
  for (const runId of ids) {
    await reached(await node.start("order", null, { runId }), "suspended");
  }
  return { world, node, hash, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

function held({ code, error, out }: Ended, wanted: number, ...says: readonly RegExp[]): void {
  assert.equal(code, wanted, `${out}${error}`);
  for (const words of says) assert.match(`${out}${error}`, words);
}

Deno.test("runs upgrade --dry-run groups runs by cause, and ends with code 3 if some do not replay", async () => {
  await using at = await orders("a", "b");
  const { world, node, hash } = at;
  await node.versions.activate("order", await hash("drift.ts"));
  const command = ["runs", "upgrade", "--workflow", "order", "--dry-run"];
  held(
    await world.run(command),
    3,
    /^drifts {2}2 runs: a, b\n/,
    /old: .*first\.ts:\d+ .*ctx\.run\("reserve"/,
    /new: .*drift\.ts:\d+ .*ctx\.run\("charge"/,
  );
  const lines = (await world.here([...command, "--jsonl"])).out.trim().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line).verdict), ["drifts", "drifts"]);
  const { groups } = JSON.parse((await world.here([...command, "--json"])).out);
  assert.deepEqual([groups.length, groups[0].runs], [1, 2]);
  await node.versions.activate("order", await hash("next.ts"));
  held(await world.here(command), 0, /^replays {2}2 runs/);
});

Deno.test("a saved plan is carried out on runs that are as it has them; others give code 5", async () => {
  await using at = await orders("a", "b");
  const { world, node, hash } = at;
  const to = await hash("next.ts");
  const plan = `${world.cwd}plan.jsonl`;
  held(await world.here(["runs", "upgrade", "--to", to, "--dry-run", "--save", plan]), 0);
  await node.run("a").signal("go");
  await resultOf(node.run("a"));
  const done = await world.run(["runs", "upgrade", "--plan", plan, "--yes"]);
  held(done, 5, /changed {2}1 run: a/, /moved {2}1 run: b/);
  await node.run("b").signal("go");
  assert.equal(await resultOf(node.run("b")), "next");
  const text = await Deno.readTextFile(plan);
  await Deno.writeTextFile(plan, text.slice(0, text.lastIndexOf("{")));
  held(await world.here(["runs", "upgrade", "--plan", plan, "--yes"]), 2, /it was cut short/);
  held(await world.here(["runs", "upgrade", "--plan", `${plan}x`, "--yes"]), 4, /NOT_FOUND/);
});

Deno.test("runs upgrade moves runs after the number was typed, and none after another answer", async () => {
  await using at = await orders("a", "b");
  const { world, node, hash } = at;
  const to = await hash("next.ts");
  const answering = (answer: string) =>
    world.here(["runs", "upgrade", "--to", to.slice(0, 12)], {
      canAsk: true,
      readLine: () => Promise.resolve(answer),
    });
  held(await answering("y"), 5, /move 2 runs to version/, /NO_CONSENT/);
  assert.equal((await node.run("a").status()).version.hash, await hash("first.ts"));
  held(await world.here(["runs", "upgrade", "--to", to]), 2, /wanted --yes/);
  held(await answering("2"), 0, /moved {2}2 runs: a, b/);
  assert.equal((await node.run("a").status()).version.hash, to);
  held(await world.here(["runs", "upgrade", "--to", to, "--yes"]), 0, /no run is to be moved/);
  const none = await world.here(["runs", "upgrade", "--to", to, "--yes", "--json"]);
  assert.deepEqual(JSON.parse(none.out), { verdicts: [], groups: [] });
});

Deno.test("runs upgrade takes ids, says which of them are not moved, and refuses unknown ones", async () => {
  await using at = await orders("a", "b", "c");
  const { world, node, hash } = at;
  const to = await hash("next.ts");
  await node.run("b").signal("go");
  await resultOf(node.run("b"));
  held(await world.here(["runs", "upgrade", "a", "none", "--to", to, "--yes"]), 4, /"none"/);
  held(await world.here(["runs", "upgrade", "a", "--job", "x"]), 2, /ids with --job/);
  const moved = await world.run([
    "runs",
    "upgrade",
    "a",
    "b",
    "b",
    "--to",
    to.slice(0, 12),
    "--yes",
  ]);
  held(moved, 0, /moved {2}1 run: a/, /b is not moved: it has ended/);
  assert.equal(moved.error.match(/b is not moved/g)?.length, 1, "an id that stands twice");
  assert.equal((await node.run("c").status()).version.hash, await hash("first.ts"));
});

Deno.test("Ctrl-C in the middle ends with code 130, and --job moves the rest, each run once", async () => {
  await using at = await orders("a", "b");
  const { world, node, hash } = at;
  const to = await hash("next.ts");
  await hold(world.db, "b", "another");
  const command = world.spawn([
    ...["runs", "upgrade", "--to", to, "--yes", "--jsonl", "--patience", "1h"],
  ]);
  await command.printed(/"verdict":"moved","id":"a"/);
  const [, job] = await command.printed(/--job (\S+) continues/);
  command.kill("SIGINT");
  const next = `"next":"\`continuum runs upgrade --job ${job}\` continues it\\."`;
  held(await command.ended(), 130, /"message":"The command was interrupted"/, new RegExp(next));
  await hold(world.db, "b", null);
  const listed = await world.here(["runs", "jobs", "--jsonl", "--fields", "id,state"]);
  assert.deepEqual(JSON.parse(listed.out), { id: job, state: "paused" });
  held(await world.here(["runs", "upgrade", "--job", job!, "--yes"]), 0, /^moved {2}1 run: b/);
  held(await world.here(["runs", "upgrade", "--job", "none", "--yes"]), 4, /JOB_NOT_FOUND/);
  const changes = (id: string) =>
    node.run(id).history()
      .then((events) => events.filter(({ kind }) => kind === "version.changed").length);
  assert.deepEqual([await changes("a"), await changes("b")], [1, 1]);
});

Deno.test("kill -9 in the middle of a batch leaves whole batches moved, and --job moves the rest, each run once", async () => {
  await using at = await orders();
  const { world, node, hash } = at;
  const { db } = world;
  const ids = Array.from({ length: 250 }, (_, index) => `o-${index}`);
  await node.startMany("order", ids.map((runId) => ({ input: null, runId })));
  for (const id of ids) await reached(node.run(id), "suspended");
  const to = await hash("next.ts");
  const moved = async () => {
    const { runs } = await node.runs.query({ where: { version: to }, limit: 1_000 });
    return runs.length;
  };
  const changes = async () =>
    (await db.query<{ n: number }>(
      "select count(*)::integer as n from {schema}.events where kind = 'version.changed' group by run",
    )).map(({ n }) => n);
  // The second batch waits in its transaction, after its runs have been moved.
  await db.query(
    `create function {schema}.pause() returns trigger language plpgsql as $$ begin
       perform pg_advisory_xact_lock(hashtext('${db.schema}')); return new;
     end $$`,
  );
  await db.query(
    `create trigger paused before update on {schema}.bulk_jobs for each row
     when ((new.progress::json ->> 'examined')::integer > 200) execute function {schema}.pause()`,
  );
  const waiter = () =>
    db.query<{ pid: number }>(
      `select pid from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory'
       and query like '%' || $1 || '%'`,
      [db.schema],
    );
  const driver = await db.database.open();
  let job = "";
  try {
    await driver.transaction(async (session) => {
      await session.query("select pg_advisory_xact_lock(hashtext($1))", [db.schema]);
      const command = world.spawn(["runs", "upgrade", "--to", to, "--yes", "--jsonl"]);
      [, job = ""] = await command.printed(/--job (\S+) continues/);
      await eventually(
        async () => (await waiter()).length === 1 || undefined,
        () => "second batch",
      );
      command.kill("SIGKILL");
      assert.notEqual((await command.ended()).code, 0);
    });
  } finally {
    await driver.close();
  }
  await eventually(
    async () => (await waiter()).length === 0 || undefined,
    () => "end of the killed transaction",
  );
  await db.query("drop trigger paused on {schema}.bulk_jobs");
  assert.equal(await moved(), 200);
  assert.deepEqual(await changes(), Array(200).fill(1));
  const resume = ["runs", "upgrade", "--job", job, "--yes", "--jsonl"];
  held(await world.here(resume), 5, /JOB_HELD[^\n]*the job is free at 20/);
  await db.query("update {schema}.bulk_jobs set held_until = now() - interval '1 ms'");
  const resumed = await world.run(resume);
  held(resumed, 0);
  const verdicts = resumed.out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(verdicts.map(({ verdict }) => verdict), Array(50).fill("moved"));
  assert.equal(await moved(), 250);
  assert.deepEqual(await changes(), Array(250).fill(1));
  await node.run("o-249").signal("go");
  assert.equal(await resultOf(node.run("o-249")), "next");
});

Deno.test("runs upgrade refuses options that contradict, before it asks the database", async () => {
  await using world = await CliWorld.make();
  const refusedWith = async (args: readonly string[], words: RegExp) =>
    held(await world.here(["runs", "upgrade", ...args]), 2, words);
  await refusedWith([], /found none, wanted one of --workflow, --to, --plan and --job/);
  await refusedWith(["--to", "x", "--job", "y"], /found --to and --job/);
  await refusedWith(["--to", "x", "--save", "f"], /--save without --dry-run/);
  await refusedWith(["--plan", "f", "--limit", "3"], /--limit with --plan/);
  await refusedWith(["--to", "x", "--where", "{"], /--where: found the end/);
});
