/**
 * `repair`: what it plans, what it asks, what it does, and its exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached } from "../support/runs.ts";
import { source } from "../support/scene.ts";

/** A database with stuck schedules, which need no node to be repaired. */
async function makeWorld(...ids: readonly string[]): Promise<CliWorld> {
  const world = await CliWorld.make();
  const client = await world.client();
  for (const id of ids) await client.schedules.create({ id, workflow: "echo", every: "1d" });
  await world.db.query(
    `update {schema}.schedules set state = 'stuck', fire_at = null,
       trouble_code = 'FIRING_FAILED', trouble = '{"code":"FIRING_FAILED","message":"for a test"}'`,
  );
  return world;
}

/** The number of schedules in each state. */
async function states({ db }: CliWorld): Promise<unknown> {
  const rows = await db.query<{ state: string; n: number }>(
    "select state, count(*)::integer as n from {schema}.schedules group by state",
  );
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

Deno.test("repair prints its plan, and changes nothing without consent", async () => {
  await using world = await makeWorld("a", "b");
  const dry = await world.run(["repair", "--dry-run"]);
  assert.equal(dry.code, 0, dry.error);
  assert.match(dry.out, /^STUCK_SCHEDULE: Lets 2 schedules fire again;[^]*\n {2}a, b\n$/);
  const asked = await world.run(["repair", "STUCK_SCHEDULE"]);
  assert.equal(asked.code, 2, asked.error);
  const wrong = await world.here(["repair"], {
    canAsk: true,
    readLine: () => Promise.resolve("1"),
  });
  assert.equal(wrong.code, 5, wrong.error);
  assert.match(wrong.error, /Type the number of repairs to go ahead:/);
  assert.deepEqual(await states(world), { stuck: 2 });
});

Deno.test("repair does what its plan says, and records who did it and why", async () => {
  await using world = await makeWorld("a", "b");
  const args = ["repair", "STUCK_SCHEDULE", "--yes", "--as", "ana", "--reason", "cured", "--json"];
  const { code, out, error } = await world.run(args);
  assert.equal(code, 0, error);
  const { done, changed, targets } = JSON.parse(out);
  assert.deepEqual([done, changed], [2, 0]);
  assert.deepEqual(
    targets.map(({ id, outcome }: { id: string; outcome: string }) => [id, outcome]),
    [
      ["a", "done"],
      ["b", "done"],
    ],
  );
  assert.deepEqual(await states(world), { active: 2 });
  assert.deepEqual(
    await world.db.query("select distinct actor, reason from {schema}.operations"),
    [{ actor: "ana", reason: "cured" }],
  );
  const again = await world.run(["repair", "--yes"]);
  assert.deepEqual([again.code, again.out], [0, "nothing to repair\n"]);
});

Deno.test("what has changed since the plan is left as it is, with code 5", async () => {
  await using world = await makeWorld("a", "b");
  const { code, out } = await world.here(["repair"], {
    canAsk: true,
    readLine: async () => {
      await (await world.client()).schedules.pause("b");
      return "2";
    },
  });
  assert.equal(code, 5);
  assert.match(out, /^repaired 1 of 2\nSTUCK_SCHEDULE b: changed since the plan/);
  assert.deepEqual(await states(world), { active: 1, paused: 1 });
});

Deno.test("a finding that can't be repaired is refused with those that can", async () => {
  await using world = await makeWorld();
  const { code, error } = await world.run(["repair", "STUCK_SCHEDUL"]);
  assert.equal(code, 2);
  assert.match(error, /STUCK_SCHEDUL[^]*wanted STUCK_VERSION, [^]*did you mean STUCK_SCHEDULE\?/);
  assert.equal((await world.run(["repair", "OVERDUE_RUNS"])).code, 2);
});

Deno.test("health --strict ends with code 3 until what it finds is acknowledged by its fingerprint", async () => {
  await using world = await makeWorld("a");
  const report = await world.run(["health", "--strict"]);
  assert.equal(report.code, 3, report.error);
  const [, fingerprint] = /\n {4}to mark it as known: continuum health acknowledge (\w{16})\n/
    .exec(report.out)!;
  const acknowledge = ["health", "acknowledge", fingerprint!, "--as", "ana", "--reason", "known"];
  const dry = await world.here([...acknowledge, "--dry-run"]);
  assert.match(dry.out, /^acknowledge STUCK_SCHEDULE: /);
  const client = await world.client();
  assert.equal((await client.health({ strict: true })).status, "degraded", "nothing has changed");
  const done = await world.run(acknowledge);
  assert.equal(done.code, 0, done.error);
  assert.match(done.out, /^acknowledged STUCK_SCHEDULE: /);
  assert.equal((await client.health({ strict: true })).status, "ok");
  const after = await world.here(["health", "--strict"]);
  assert.equal(after.code, 0);
  assert.match(after.out, /\n- STUCK_SCHEDULE: [^\n]*\(acknowledged by ana\)\n/);
  const none = await world.here(["health", "acknowledge", fingerprint!, "0123"]);
  assert.deepEqual([none.code, none.error.split(":")[0]], [4, "NOT_FOUND"]);
  assert.equal((await world.here(["health", "acknowlege"])).code, 2);
});

Deno.test("health --strict ends with code 3 as health({ strict: true }) is degraded, also if nothing is severe", async () => {
  await using world = await CliWorld.make({
    "order.ts": source(`return await ctx.activity("charge", 1);`, `{ name: "order" }`),
  });
  const node = await world.node("order.ts");
  const run = await node.start("order", null);
  await reached(run, "suspended");
  const agree = async (strict: "ok" | "degraded") => {
    const lenient = await world.here(["health"]);
    const strictly = await world.here(["health", "--strict"]);
    assert.match(lenient.out, /^ok · 1 node alive\n/);
    assert.equal((await node.health()).status, "ok");
    assert.match(strictly.out, new RegExp(`^${strict} · `));
    assert.equal((await node.health({ strict: true })).status, strict);
    return [lenient.code, strictly.code];
  };
  assert.deepEqual(await agree("ok"), [0, 0]);
  await world.db.query(
    "update {schema}.tasks set attempt = 5, available_at = clock_timestamp() + interval '1 day'",
  );
  assert.deepEqual(await agree("degraded"), [0, 3]);
});
