/**
 * `versions gc`: what it plans, what it asks, what it removes, and its exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const order = (label: string) =>
  source(`return "${label}";`, `{ name: "order", version: "${label}" }`);

const FILES = { "order_1.ts": order("1"), "order_2.ts": order("2"), "order_3.ts": order("3") };

/** Three versions: of the first a run has ended, the second was never used, the third is current. */
async function makeWorld(): Promise<CliWorld> {
  const world = await CliWorld.make(FILES);
  const node = await world.node(...Object.keys(FILES));
  const { versions } = await node.versions.list();
  const { hash } = versions.find(({ label }) => label === "1")!;
  await resultOf(await node.start("order", null, { runId: "r", version: hash }));
  await node.close();
  for (
    const [table, column] of [
      ["workflow_versions", "registered_at"],
      ["workflow_specifiers", "last_seen"],
      ["modules", "stored_at"],
      ["runs", "created_at"],
    ]
  ) {
    await world.db.query(`update {schema}.${table} set ${column} = ${column} - interval '40 days'`);
  }
  return world;
}

async function stored({ db }: CliWorld): Promise<unknown> {
  return await db.query(
    `select label, archived from {schema}.workflow_versions order by label`,
  );
}

const ALL = ["1", "2", "3"].map((label) => ({ label, archived: true }));

Deno.test("versions gc prints its plan, and removes nothing without --run and consent", async () => {
  await using world = await makeWorld();
  const plan = await world.run(["versions", "gc", "--keep", "0", "--fields", "label,loses"]);
  assert.equal(plan.code, 0, plan.error);
  assert.equal(plan.out, "1\tbytes\n2\trow\n");
  assert.match(
    plan.error,
    /^would remove the bytes of 1 version, all of 1 version, 2 modules with/,
  );
  assert.match(plan.error, /\nstay: 1 current\nnothing was removed: add --run to remove it\n$/);
  const run = ["versions", "gc", "--keep", "0", "--run"];
  const noReason = await world.run(run);
  assert.deepEqual([noReason.code, /without --reason/.test(noReason.error)], [2, true]);
  const unasked = await world.run([...run, "--reason", "space"]);
  assert.deepEqual([unasked.code, /wanted --yes/.test(unasked.error)], [2, true]);
  const wrong = await world.here([...run, "--reason", "space"], {
    canAsk: true,
    readLine: () => Promise.resolve("3"),
  });
  assert.equal(wrong.code, 5, wrong.error);
  assert.match(wrong.error, /Type the number of versions to go ahead:/);
  const dry = await world.run([...run, "--dry-run", "--json"]);
  assert.deepEqual([dry.code, JSON.parse(dry.out).removed], [0, false]);
  assert.deepEqual(await stored(world), ALL);
});

Deno.test("versions gc removes what its plan says, and says what stays", async () => {
  await using world = await makeWorld();
  const args = ["versions", "gc", "--keep", "0", "--run", "--reason", "space", "--yes", "--json"];
  const { code, out, error } = await world.run(args);
  assert.equal(code, 0, error);
  const { removed, done, versions, modules, kept } = JSON.parse(out);
  assert.deepEqual([removed, done, modules, kept.current], [true, true, 2, 1]);
  assert.deepEqual(
    versions.map(({ label, loses }: { label: string; loses: string }) => [label, loses]),
    [["1", "bytes"], ["2", "row"]],
  );
  assert.deepEqual(await stored(world), [
    { label: "1", archived: false },
    { label: "3", archived: true },
  ]);
  const again = await world.run(args.slice(0, -1));
  assert.equal(again.code, 0, again.error);
  assert.match(
    again.error,
    /^removed nothing\nstay: 1 current, 1 without bytes, held by ended runs/,
  );
});

Deno.test("versions gc keeps the newest versions, and those used since --older-than", async () => {
  await using world = await makeWorld();
  const newest = await world.run(["versions", "gc"]);
  assert.deepEqual([newest.code, newest.out], [0, ""], newest.error);
  assert.match(newest.error, /^would remove nothing\nstay: 1 current, 2 among the newest/);
  const recent = await world.run(["versions", "gc", "--keep", "0", "--older-than", "50d"]);
  assert.match(recent.error, /^would remove nothing\nstay: 1 current, 2 used since/);
  for (
    const bad of [["--keep", "-1"], ["--keep", "x"], ["--older-than", "soon"], ["--olderthan"]]
  ) {
    const { code, error } = await world.run(["versions", "gc", ...bad]);
    assert.equal(code, 2, error);
    assert.match(error, new RegExp(RegExp.escape(bad[0]!)));
  }
});

Deno.test("versions gc says that there are no bytes to remove where none are archived", async () => {
  await using world = await makeWorld();
  await world.db.query("delete from {schema}.version_modules");
  await world.db.query("delete from {schema}.modules");
  await world.db.query("update {schema}.workflow_versions set archived = false");
  const { code, out, error } = await world.run([
    ...["versions", "gc", "--keep", "0", "--fields", "label,loses"],
  ]);
  assert.deepEqual([code, out], [0, "2\trow\n"]);
  assert.match(error, /no version has bytes in the archive/);
  const list = await world.run(["versions", "list"]);
  assert.deepEqual(
    list.out.trimEnd().split("\n").map((row) => row.split("\t").at(-2)),
    Array(3).fill("not archived"),
  );
});

Deno.test("Ctrl-C ends versions gc after the batch under way, and the next call continues", async () => {
  await using world = await makeWorld();
  await world.db.query(
    `insert into {schema}.workflow_versions (hash, workflow, manifest, archived, registered_at)
     select lpad(n::text, 64, '0'), 'many', 'm', false, now() - interval '90 days'
     from generate_series(1, 6000) as n`,
  );
  await world.db.query(
    `insert into {schema}.workflow_specifiers (hash, specifier, last_seen)
     select hash, 'file:///x.ts', now() - interval '90 days' from {schema}.workflow_versions
     where workflow = 'many'`,
  );
  const args = ["versions", "gc", "--keep", "0", "--run", "--reason", "space", "--yes", "--json"];
  // Every batch waits in the database until the test releases it, so the signal comes while one is under way.
  const driver = await world.db.database.open();
  const command = await driver.transaction(async (session) => {
    const table = `"${world.db.schema}".version_modules`;
    await session.query(`lock table ${table} in share row exclusive mode`, []);
    const command = world.spawn(args);
    await waitsFor(world);
    command.kill("SIGINT");
    return command;
  });
  await driver.close();
  const { code, error } = await command.ended();
  assert.equal(code, 130, error);
  const [{ n }] = await world.db.query<{ n: number }>(
    "select count(*)::integer as n from {schema}.workflow_versions",
  ) as [{ n: number }];
  assert.equal((6003 - n) % 100, 0, "whole batches");
  assert(n > 2, "it has ended early");
  const rest = await world.run(args);
  assert.equal(rest.code, 0, rest.error);
  assert.deepEqual(await stored(world), [
    { label: "1", archived: false },
    { label: "3", archived: true },
  ]);
});

/** Waits until a statement of the schema waits for a table's lock. */
async function waitsFor({ db }: CliWorld): Promise<void> {
  for (;;) {
    const [row] = await db.query<{ n: number }>(
      `select count(*)::integer as n from pg_stat_activity
       where wait_event_type = 'Lock' and wait_event = 'relation' and query like '%' || $1 || '%'`,
      [db.schema],
    );
    if (row!.n > 0) return;
  }
}
