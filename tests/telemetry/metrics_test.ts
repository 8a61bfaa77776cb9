/** Metrics: what is counted, under which names. */
import assert from "node:assert/strict";
import { INSTRUMENTS } from "../../src/telemetry/instrument_names.ts";
import { BoundedNames, MOST_NAMES, OTHER } from "../../src/telemetry/names.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { type Point, Recorded } from "./recorded.ts";

const WORK = source(
  `await ctx.run("quote", () => 7);
   await ctx.sleep(20);
   await ctx.activity("charge", 1);
   await ctx.waitForSignal("paid");
   if (input?.fails) throw new RangeError("no");
   return 1;`,
  `{ name: "work" }`,
);

const charge = defineActivity({ name: "charge" }, () => "receipt");

function count({ value }: Point): number {
  return typeof value === "number" ? value : value.count;
}

forEachDatabase("telemetry: metrics", (database, test) => {
  test("runs, attempts, waits and flushes are measured, under bounded names and without ids", async () => {
    await using recorded = new Recorded();
    const option = recorded.option({ database: true });
    const options = { telemetry: option, activities: [charge] };
    await using world = await scene(database, { "work.ts": WORK }, options);
    const good = await world.node.start("work", null);
    const bad = await world.node.start("work", { fails: true });
    for (const run of [good, bad]) {
      await eventually(
        async () => (await run.status()).waits.some(({ kind }) => kind === "signal") || undefined,
        () => "wait for a signal",
      );
      await run.signal("paid", null);
    }
    await resultOf(good);
    await assert.rejects(resultOf(bad));
    const last = await world.node.start("work", null);
    await eventually(async () => {
      const ended = await recorded.points("continuum.run.ended");
      return ended.reduce((sum, point) => sum + count(point), 0) === 2 || undefined;
    }, () => "two ends of runs");

    const of = { "continuum.workflow.name": "work" };
    const started = await recorded.points("continuum.run.started");
    assert.deepEqual(started, [{ attributes: of, value: 3 }]);
    const ended = await recorded.points("continuum.run.ended");
    assert.deepEqual(
      new Map(ended.map((p) => [p.attributes["continuum.outcome"], p.value])),
      new Map([
        ["completed", 1],
        ["failed", 1],
      ]),
    );
    const failed = (await recorded.points("continuum.run.duration"))
      .find(({ attributes }) => attributes["continuum.outcome"] === "failed");
    assert.equal(failed?.attributes["error.type"], "RangeError");
    const attempts = await recorded.points("continuum.attempt.duration");
    const kinds = new Map(
      attempts.map((
        p,
      ) => [`${p.attributes["continuum.kind"]} ${p.attributes["continuum.name"]}`, p]),
    );
    assert.ok(count(kinds.get("step quote")!) >= 2);
    assert.ok(count(kinds.get("activity charge")!) >= 2);
    const counted = await recorded.points("continuum.attempt.ended");
    const of3 = (p: Point) => `${p.attributes["continuum.kind"]} ${p.attributes["continuum.name"]}`;
    for (const name of ["step quote", "activity charge"]) {
      assert.ok(count(counted.find((point) => of3(point) === name)!) >= 2, name);
    }
    const wait = await recorded.points("continuum.attempt.wait");
    assert.deepEqual(wait.map(({ attributes }) => attributes), [
      { "continuum.queue": "default", "continuum.name": "charge" },
    ]);
    assert.equal(count((await recorded.points("continuum.signal.latency"))[0]!), 2);
    assert.ok(count((await recorded.points("continuum.timer.lateness"))[0]!) >= 2);
    assert.ok(count((await recorded.points("continuum.replay.events"))[0]!) >= 2);

    const silent = ["continuum.run.parked", "continuum.lease.lost"];
    const queued = ["continuum.queue.depth", "continuum.queue.oldest", "continuum.attempts.active"];
    const names = new Set(await recorded.metricNames());
    const missing = Object.keys(INSTRUMENTS).filter((name) =>
      !names.has(name) && !silent.includes(name) && !queued.includes(name)
    );
    assert.deepEqual(missing, []);
    const ids = [good.id, bad.id, last.id];
    for (const name of names) {
      for (const { attributes } of await recorded.points(name)) {
        const text = JSON.stringify(attributes);
        assert.ok(!ids.some((id) => text.includes(id)), `${name} has an id: ${text}`);
        assert.equal(attributes["continuum.version"], undefined, name);
      }
    }
  });

  test("gauges of the whole database are reported only where `database` is set", async () => {
    await using quiet = new Recorded();
    await using telling = new Recorded();
    await using world = await scene(database, { "work.ts": WORK }, { telemetry: quiet.option() });
    const run = await world.node.start("work", null);
    await reached(run, "suspended");
    assert.deepEqual(await quiet.points("continuum.runs.live"), []);
    const { database: adapter, schema } = world.db;
    const { Continuum } = await import("../../src/continuum.ts");
    await using _reporter = await Continuum.connect({
      database: adapter,
      schema,
      telemetry: telling.option({ database: true }),
    });
    const live = await telling.points("continuum.runs.live");
    assert.equal(live.reduce((sum, point) => sum + count(point), 0), 1);
  });

  test("with versions, metrics of runs name the version", async () => {
    await using recorded = new Recorded();
    const telemetry = recorded.option({ versions: true });
    await using world = await scene(database, {}, { telemetry });
    await resultOf(await world.node.start("echo", 1));
    const [started] = await recorded.points("continuum.run.started");
    assert.match(String(started!.attributes["continuum.version"]), /^[0-9a-f]{12}$/);
  });

  test("a parked run is counted, and is an error of its stay", async () => {
    await using recorded = new Recorded();
    const files = {
      "stuck.ts": source(`await fetch("http://127.0.0.1:1/"); return 1;`, `{ name: "stuck" }`),
    };
    await using world = await scene(database, files, { telemetry: recorded.option() });
    const run = await world.node.start("stuck", null);
    await reached(run, "stuck_nondeterminism");
    const stay = await eventually(() => recorded.named("run stuck")[0], () => "stay");
    assert.equal(stay.attributes["continuum.outcome"], "stuck_nondeterminism");
    const [parked] = await recorded.points("continuum.run.parked");
    assert.equal(parked!.attributes["continuum.reason"], "stuck_nondeterminism");
  });
});

Deno.test("names in metrics are capped: the thousand and first is _other", () => {
  const names = new BoundedNames();
  for (let n = 0; n < MOST_NAMES; n++) assert.equal(names.of(`step ${n}`), `step ${n}`);
  assert.equal(names.of("one more"), OTHER);
  assert.equal(names.of("step 5"), "step 5");
});
