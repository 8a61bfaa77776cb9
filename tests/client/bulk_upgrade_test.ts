/**
 * Moving many runs to another version: every verdict, and every way of being interrupted.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { Continuum } from "../../src/continuum.ts";
import type { BulkUpgradeOptions } from "../../src/client/run/bulk_options.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { groupByCause, type Verdict } from "../../src/client/versions/verdict.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { hold } from "../support/store_rows.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

/** A version of `order`. */
function order(body: string): string {
  return source(body, `{ name: "order" }`);
}

const RESERVE = `await ctx.run("reserve", () => 1);`;
const GO = `const go = await ctx.waitForSignal("go");`;

const VERSIONS = {
  "first.ts": order(`${RESERVE} ${GO} return ["first", go];`),
  "compatible.ts": order(`${RESERVE} ${GO} return ["compatible", go];`),
  "patched.ts": order(
    `if (ctx.patched("audit")) await ctx.run("audit", () => 2);
    ${RESERVE} ${GO} return ["patched", go];`,
  ),
  "drift.ts": order(`await ctx.run("charge", () => 1); ${GO} return ["drift", go];`),
  "leftover.ts": order(`${GO} return ["leftover", go];`),
  "refused.ts": order(`await fetch("http://localhost"); ${RESERVE} ${GO} return ["refused", go];`),
  "more.ts": order(`${RESERVE} await ctx.run("more", () => 2); ${GO} return ["more", go];`),
};

/** A node that knows all versions of `order`, the first one of which is current. */
async function orders(database: Parameters<typeof scene>[0]): Promise<
  Scene & { readonly hash: (file: keyof typeof VERSIONS) => Promise<string> }
> {
  const at = await scene(database, VERSIONS, { linger: 0 });
  const hash = async (file: string) => {
    const version = (await at.node.versions.list({ workflow: "order" })).versions
      .find(({ specifiers }) => specifiers.some((name) => name.endsWith(`/${file}`)));
    assert(version !== undefined, file);
    return version.hash;
  };
  await at.node.versions.activate("order", await hash("first.ts"));
  return { ...at, hash };
}

/** Runs that wait for the signal. */
async function waiting(node: Continuum, ids: readonly string[]): Promise<RunHandle[]> {
  const runs = await Promise.all(ids.map((runId) => node.start("order", null, { runId })));
  for (const run of runs) await reached(run, "suspended");
  return runs;
}

async function verdicts(node: Continuum, options: BulkUpgradeOptions): Promise<Verdict[]> {
  return await Array.fromAsync(node.runs.upgrade({ patience: 0, ...options }));
}

/** The verdicts by run. */
function kinds(found: readonly Verdict[]): Record<string, string> {
  return Object.fromEntries(found.map(({ id, verdict }) => [id, verdict]));
}

forEachDatabase("moving many runs", (database, test) => {
  test("runs whose history replays are moved asleep, and finish on the target", async () => {
    await using at = await orders(database);
    const runs = await waiting(at.node, ["a", "b", "c"]);
    const [first, to] = [await at.hash("first.ts"), await at.hash("compatible.ts")];
    const dry = await verdicts(at.node, { to, dryRun: true });
    assert.deepEqual(kinds(dry), { a: "replays", b: "replays", c: "replays" });
    assert.equal((await runs[0]!.status()).version.hash, first);
    const done = await verdicts(at.node, { to });
    assert.deepEqual(kinds(done), { a: "moved", b: "moved", c: "moved" });
    const status = await runs[0]!.status();
    assert.deepEqual([status.state, status.version.hash], ["suspended", to]);
    const events = await runs[0]!.history();
    assert.deepEqual(events.map(({ kind }) => kind), ["step.completed", "version.changed"]);
    await runs[0]!.signal("go", 7);
    assert.deepEqual(await resultOf(runs[0]!), ["compatible", 7]);
    assert.deepEqual(await verdicts(at.node, { to }), []);
    const [job] = await at.node.runs.jobs();
    assert.deepEqual([job?.state, job?.examined], ["done", 0]);
  });

  test("a run whose new code is guarded by patched is moved", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    assert.deepEqual(kinds(await verdicts(at.node, { to: await at.hash("patched.ts") })), {
      a: "moved",
    });
    await run!.signal("go", 1);
    assert.deepEqual(await resultOf(run!), ["patched", 1]);
  });

  test("a run that drifts stays, with the event and the lines of both versions", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a", "b"]);
    const found = await verdicts(at.node, { to: await at.hash("drift.ts") });
    const [group, ...others] = groupByCause(found);
    assert.deepEqual([group?.verdict, group?.runs, others.length], ["drifts", 2, 0]);
    const { kind, event, position, expected, found: asked, recordedAt, requestedAt } = group!
      .cause!;
    assert.deepEqual([kind, event, position], ["other_command", 0, 0]);
    assert.deepEqual([expected?.name, asked?.name], ["reserve", "charge"]);
    assert.match(recordedAt!.text!, /ctx\.run\("reserve"/);
    assert.match(requestedAt!.text!, /ctx\.run\("charge"/);
    assert.match(requestedAt!.file, /drift\.ts$/);
    await run!.signal("go", 2);
    assert.deepEqual(await resultOf(run!), ["first", 2]);
  });

  test("a run whose history has an event that the target does not ask for stays", async () => {
    await using at = await orders(database);
    await waiting(at.node, ["a"]);
    const [found] = await verdicts(at.node, { to: await at.hash("leftover.ts") });
    assert.deepEqual([found?.verdict, found?.cause?.event], ["drifts", 0]);
    assert.equal(found?.cause?.expected?.name, "reserve");
  });

  test("a run whose target makes a call that a replay can't repeat stays", async () => {
    await using at = await orders(database);
    await waiting(at.node, ["a"]);
    const [found] = await verdicts(at.node, { to: await at.hash("refused.ts") });
    assert.deepEqual([found?.verdict, found?.cause?.kind], ["drifts", "refused"]);
    assert.match(found?.cause?.requestedAt?.text ?? "", /await fetch/);
  });

  test("a run whose new code requests more than it waits for is due at once", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    assert.deepEqual(kinds(await verdicts(at.node, { to: await at.hash("more.ts") })), {
      a: "moved",
    });
    const events = async () => (await run!.history()).map(({ name }) => name);
    await eventually(async () => (await events()).includes("more") || undefined, () => "step");
    await run!.signal("go", 1);
    assert.deepEqual(await resultOf(run!), ["more", 1]);
    assert.deepEqual(await events(), ["reserve", "", "more", "go"]);
  });

  test("UPGRADE-2: a sleep keeps its time, unless the target sleeps until another", async () => {
    const sleeper = (duration: string, answer: string) =>
      source(
        `await ctx.sleep("${duration}"); return "${answer}";`,
        `{ name: "sleeper" }`,
      );
    await using at = await scene(database, {
      "sleep_first.ts": sleeper("1h", "first"),
      "sleep_same.ts": sleeper("1h", "same"),
      "sleep_less.ts": sleeper("1ms", "less"),
    }, { linger: 0 });
    const { versions: [less, same, first] } = await at.node.versions.list({ workflow: "sleeper" });
    await at.node.versions.activate("sleeper", first!.hash);
    const run = await at.node.start("sleeper", null, { runId: "s" });
    const before = await reached(run, "suspended");
    assert.deepEqual(kinds(await verdicts(at.node, { to: same!.hash })), { s: "moved" });
    const asleep = await run.status();
    assert.deepEqual([asleep.state, asleep.version.hash], ["suspended", same!.hash]);
    assert.deepEqual(asleep.waits, before.waits);
    assert.deepEqual(kinds(await verdicts(at.node, { to: less!.hash })), { s: "moved" });
    assert.equal(await resultOf(run), "less");
  });

  test("an imported activity that waits for its next attempt is moved with its run", async () => {
    const shop = (answer: string) => `
      import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
      const retry = { maxAttempts: 100, initial: "1h", max: "1h" };
      export const ship = defineActivity({ name: "ship", retry }, () => { ${answer} });
      export default defineWorkflow({ name: "shop" }, async (ctx) => await ctx.activity(ship));`;
    await using at = await scene(database, {
      "shop_first.ts": shop(`throw new Error("a bug");`),
      "shop_mended.ts": shop(`return "shipped";`),
    }, { linger: 0 });
    const { versions: [mended, first] } = await at.node.versions.list({ workflow: "shop" });
    await at.node.versions.activate("shop", first!.hash);
    const run = await at.node.start("shop", null, { runId: "a" });
    await reached(run, "suspended");
    const pinned = async () =>
      (await at.db.query<{ hash: string }>("select hash from {schema}.tasks"))[0]?.hash;
    await eventually(
      async () => await pinned() === first!.hash || undefined,
      () => "task of the activity",
    );
    assert.deepEqual(kinds(await verdicts(at.node, { to: mended!.hash })), { a: "moved" });
    assert.equal(await pinned(), mended!.hash);
  });

  test("a signal that arrives during the check is received on the target", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    const to = await at.hash("compatible.ts");
    using _point = armFailPoint("bulk.proven", async () => {
      await at.db.query( // a message, and no node that takes it before the move
        `insert into {schema}.inbox (run, kind, name, payload)
        select id, 'signal', 'go', '5' from {schema}.runs where run_id = 'a'`,
      );
    });
    assert.deepEqual(kinds(await verdicts(at.node, { to })), { a: "moved" });
    await run!.signal("other");
    assert.deepEqual(await resultOf(run!), ["compatible", 5]);
  });

  test("a run that gets on during the check is examined again, and is not moved unproven", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    const to = await at.hash("compatible.ts");
    let batches = 0;
    using _point = armFailPoint("bulk.proven", async () => {
      if (batches++ > 0) return;
      await run!.signal("go", 3);
      await resultOf(run!);
    });
    assert.deepEqual(kinds(await verdicts(at.node, { to, patience: "1m" })), { a: "changed" });
    assert.equal((await run!.status()).version.hash, await at.hash("first.ts"));
  });

  test("a run that a node executes is busy, and is moved when the node lets go of it", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    const to = await at.hash("compatible.ts");
    await hold(at.db, "a", "another");
    assert.deepEqual(kinds(await verdicts(at.node, { to, dryRun: true })), { a: "replays" });
    assert.deepEqual(kinds(await verdicts(at.node, { to })), { a: "busy" });
    let looks = 0;
    using _point = armFailPoint("bulk.moved", async () => {
      if (looks++ === 1) await hold(at.db, "a", null);
    });
    assert.deepEqual(kinds(await verdicts(at.node, { to, patience: "1m" })), { a: "moved" });
    assert.equal((await run!.status()).version.hash, to);
  });

  test("a plan is carried out on runs that are as it has them, and on no others", async () => {
    await using at = await orders(database);
    const [a, , c] = await waiting(at.node, ["a", "b", "c"]);
    const to = await at.hash("compatible.ts");
    const plan = await verdicts(at.node, { to, dryRun: true, where: { id: { in: ["a", "b"] } } });
    await a!.signal("go");
    await resultOf(a!);
    const gone = { id: "gone", from: to, generation: 0, events: 1 };
    const found = await verdicts(at.node, { to, plan: [...plan, gone] });
    assert.deepEqual(kinds(found), { a: "changed", b: "moved", gone: "changed" });
    assert.notEqual((await c!.status()).version.hash, to);
  });

  test("a client that may not execute code proves runs in a subprocess", async () => {
    await using at = await orders(database);
    await waiting(at.node, ["a"]);
    const { database: where, schema } = at.db;
    await using client = await Continuum.connect({ database: where, schema });
    const [drifting] = await verdicts(client, { to: await at.hash("drift.ts"), dryRun: true });
    assert.match(drifting?.cause?.requestedAt?.text ?? "", /ctx\.run\("charge"/);
    assert.match(drifting?.cause?.recordedAt?.text ?? "", /ctx\.run\("reserve"/);
    assert.deepEqual(kinds(await verdicts(client, { to: await at.hash("compatible.ts") })), {
      a: "moved",
    });
  });

  test("children and continueAsNew in the history are no obstacle", async () => {
    const family = (end: string) =>
      source(
        `if (input.round === 0) {
          await ctx.child("echo", 1);
          return ctx.continueAsNew({ round: 1 }, { version: "pinned" });
        }
        const child = await ctx.child("echo", 2);
        ${GO}
        return [child, ${end}];`,
        `{ name: "family" }`,
      );
    await using at = await scene(database, { "family.ts": family(`"old"`) }, { linger: 0 });
    const run = await at.node.start("family", { round: 0 }, { runId: "f" });
    const settled = async () => {
      const { generation, state } = await reached(run, "suspended");
      return generation === 1 && state === "suspended" &&
        (await run.history()).length === 1;
    };
    while (!await settled());
    await at.folder.write({ "new.ts": family(`"new"`) });
    await using node = await openIn(at.db, { workflows: [`${at.folder.url}new.ts`] });
    assert.deepEqual(kinds(await verdicts(node, { workflow: "family" })), { f: "moved" });
    await run.signal("go");
    assert.deepEqual(await resultOf(run), [2, "new"]);
  });

  test("a process that dies between check and move leaves each run as it was", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    const to = await at.hash("compatible.ts");
    using point = armFailPoint("bulk.proven", () => {
      throw new Error("the process dies");
    });
    await assert.rejects(verdicts(at.node, { to }), /the process dies/);
    point[Symbol.dispose]();
    assert.equal((await run!.status()).version.hash, await at.hash("first.ts"));
    const [job] = await at.node.runs.jobs();
    assert.deepEqual([job?.state, job?.examined], ["paused", 0]);
    assert.deepEqual(kinds(await verdicts(at.node, { job: job!.id })), { a: "moved" });
  });

  test("a job whose driver dies half way is resumed by its id, and moves each run once", async () => {
    await using at = await orders(database);
    const ids = Array.from({ length: 450 }, (_, index) => `r${String(index).padStart(3, "0")}`);
    await at.node.startMany("order", ids.map((runId) => ({ input: null, runId })));
    for (const id of ids) await reached(at.node.run(id), "suspended");
    const to = await at.hash("compatible.ts");
    using point = armFailPoint("bulk.moved", ({ runs }) => {
      assert.equal(runs, 200);
      throw new Error("the process dies");
    });
    const upgrade = at.node.runs.upgrade({ to });
    await assert.rejects(Array.fromAsync(upgrade), /the process dies/);
    point[Symbol.dispose]();
    const [paused] = await at.node.runs.jobs();
    assert.deepEqual([paused?.id, paused?.state, paused?.counts.moved], [
      upgrade.job,
      "paused",
      200,
    ]);
    const part = await verdicts(at.node, { job: upgrade.job!, pauseAfter: 1 });
    assert.equal(part.length, 200, "pauseAfter: one batch at least, and no more after its time");
    assert.equal((await at.node.runs.jobs())[0]?.state, "paused");
    const rest = [...part, ...await verdicts(at.node, { job: upgrade.job! })];
    assert.deepEqual(
      rest.map(({ id, verdict }) => `${id} ${verdict}`),
      ids.slice(200).map((id) => `${id} moved`),
    );
    const [done] = await at.node.runs.jobs();
    assert.deepEqual([done?.state, done?.counts.moved], ["done", 450]);
    const changes = await at.db.query<{ n: number }>(
      `select count(*)::integer as n from {schema}.events where kind = 'version.changed'
      group by run order by n desc limit 1`,
    );
    assert.deepEqual(changes, [{ n: 1 }]);
    assert.deepEqual(await verdicts(at.node, { job: upgrade.job! }), []);
  });

  test("a job that another process drives is refused, and so is one that does not exist", async () => {
    await using at = await orders(database);
    await waiting(at.node, ["a"]);
    const upgrade = at.node.runs.upgrade({ to: await at.hash("compatible.ts") });
    using _point = armFailPoint("bulk.proven", async () => {
      await refused(verdicts(at.node, { job: upgrade.job! }), "JOB_HELD", upgrade.job!, "drives");
    });
    assert.equal((await Array.fromAsync(upgrade)).length, 1);
    await refused(verdicts(at.node, { job: "none" }), "JOB_NOT_FOUND", `"none"`);
  });

  test("an abort leaves the job to be resumed", async () => {
    await using at = await orders(database);
    await waiting(at.node, ["a"]);
    const abort = new AbortController();
    const to = await at.hash("compatible.ts");
    using point = armFailPoint("bulk.proven", () => abort.abort(new Error("Ctrl-C")));
    const upgrade = at.node.runs.upgrade({ to, signal: abort.signal });
    await assert.rejects(Array.fromAsync(upgrade), /Ctrl-C/);
    point[Symbol.dispose]();
    const [job] = await at.node.runs.jobs();
    assert.deepEqual([job?.state, job?.counts.moved], ["paused", 0]);
    assert.deepEqual(kinds(await verdicts(at.node, { job: upgrade.job! })), { a: "moved" });
  });

  test("stopAfterFailures stops at that failure; limit bounds the runs", async () => {
    await using at = await orders(database);
    await waiting(at.node, ["a"]);
    await waiting(at.node, ["b"]);
    await waiting(at.node, ["c"]);
    const to = await at.hash("drift.ts");
    const upgrade = at.node.runs.upgrade({ to, stopAfterFailures: 2 });
    assert.deepEqual(kinds(await Array.fromAsync(upgrade)), { a: "drifts", b: "drifts" });
    assert.deepEqual(kinds(await verdicts(at.node, { job: upgrade.job! })), { c: "drifts" });
    const compatible = await at.hash("compatible.ts");
    assert.deepEqual(kinds(await verdicts(at.node, { to: compatible, limit: 2 })), {
      a: "moved",
      b: "moved",
    });
  });

  test("a dry run continues where the one before stopped, by its cursor", async () => {
    await using at = await orders(database);
    for (const id of ["a", "b", "c"]) await waiting(at.node, [id]);
    const [to, other] = [await at.hash("compatible.ts"), await at.hash("drift.ts")];
    const page = async (options: BulkUpgradeOptions) => {
      const upgrade = at.node.runs.upgrade({ dryRun: true, ...options });
      const found = kinds(await Array.fromAsync(upgrade));
      return { found, cursor: upgrade.cursor };
    };
    const first = await page({ to, limit: 2 });
    assert.deepEqual(first.found, { a: "replays", b: "replays" });
    const cursor = first.cursor!;
    assert.deepEqual(await page({ to, cursor }), { found: { c: "replays" }, cursor: null });
    assert.equal((await page({ to })).cursor, null);
    const failed = await page({ to: other, stopAfterFailures: 1 });
    assert.deepEqual(failed.found, { a: "drifts" });
    assert.deepEqual((await page({ to: other, cursor: failed.cursor! })).found, {
      b: "drifts",
      c: "drifts",
    });
    await refused(page({ to: other, cursor }), "INVALID_CURSOR", "runs.upgrade()");
    await refused(page({ to, cursor, dryRun: false }), "INVALID_ARGUMENT", "option cursor");
    await refused(page({ to, cursor: "x" }), "INVALID_CURSOR", `"x"`);
  });

  test("with pauseAfter: 0 a job is created, and its runs are left to who continues it", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    const to = await at.hash("compatible.ts");
    const plan = await verdicts(at.node, { to, dryRun: true });
    const upgrade = at.node.runs.upgrade({ to, plan, pauseAfter: 0 });
    assert.deepEqual(await Array.fromAsync(upgrade), []);
    const [job] = await at.node.runs.jobs();
    assert.deepEqual([job?.id, job?.state, job?.examined], [upgrade.job, "paused", 0]);
    assert.equal((await run!.status()).version.hash, await at.hash("first.ts"));
    assert.deepEqual(kinds(await verdicts(at.node, { job: upgrade.job! })), { a: "moved" });
  });

  test("a target that no live node can load is refused before the first run", async () => {
    await using at = await orders(database);
    await waiting(at.node, ["a"]);
    const to = await at.hash("compatible.ts");
    await at.db.query(
      `insert into {schema}.version_loads (node, hash, state, reason)
      select id, $1, 'failed', '{"code":"X","message":"too old"}' from {schema}.nodes`,
      [to],
    );
    await refused(verdicts(at.node, { to }), "NO_NODE_CAN_LOAD", "too old");
    assert.deepEqual(await at.node.runs.jobs(), []);
  });

  test("a target that is denied is refused before the first run, in one upgrade as in many", async () => {
    await using at = await orders(database);
    const [run] = await waiting(at.node, ["a"]);
    const to = await at.hash("compatible.ts");
    await at.node.versions.deny(to, { reason: "charges twice" });
    await refused(verdicts(at.node, { to }), "VERSION_DENIED", "charges twice");
    await refused(run!.upgrade({ to }), "VERSION_DENIED", "charges twice");
    assert.deepEqual(await at.node.runs.jobs(), []);
    assert.equal((await run!.status()).version.hash, await at.hash("first.ts"));
  });

  test("options that make no sense together are refused before any work", async () => {
    await using at = await orders(database);
    const upgrade = (options: object) =>
      Promise.try(() => at.node.runs.upgrade(options as BulkUpgradeOptions));
    await refused(upgrade({}), "INVALID_ARGUMENT", "to and workflow", "neither");
    await refused(upgrade({ to: "x", workflow: "y" }), "INVALID_ARGUMENT", "both");
    await refused(upgrade({ to: "x", wher: {} }), "INVALID_ARGUMENT", "did you mean where");
    await refused(upgrade({ job: "x", to: "y" }), "INVALID_ARGUMENT", "option to");
    await refused(upgrade({ to: "x", plan: [{ id: 1 }] }), "INVALID_ARGUMENT", "option plan");
    await refused(upgrade({ to: "x", where: {}, plan: [] }), "INVALID_ARGUMENT", "option where");
    await refused(verdicts(at.node, { workflow: "none" }), "VERSION_NOT_FOUND", "none");
  });
});
