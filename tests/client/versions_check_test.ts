/**
 * What a check of the versions that runs and schedules need finds.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { CheckedVersion, VersionCheck } from "../../src/client/versions/check_report.ts";
import { Continuum } from "../../src/continuum.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import { forEachDatabase } from "../support/database.ts";
import { openIn, reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

const WAITS = (before = "") =>
  source(`await ctx.waitForSignal("go");`, `{ name: "order" }`, before);

/** Starts a run of the module as it is now; it waits. */
async function startNow(at: Scene, text: string): Promise<string> {
  await at.folder.write({ "order.ts": text });
  await using node = await openIn(at.db, { workflows: [`${at.folder.url}order.ts`] });
  const run = await node.start("order");
  return (await reached(run, "suspended")).version.hash;
}

function findingsOf({ groups }: VersionCheck): unknown[] {
  return groups.map(({ state, live, codes }) => [state, live, codes]);
}

function of({ versions }: VersionCheck, hash: string): CheckedVersion {
  return versions.find((version) => version.hash === hash)!;
}

forEachDatabase("a check of the versions that are needed", (database, test) => {
  test("names each version of a live run or a schedule with its bytes, and imports it apart", async () => {
    await using at = await scene(database);
    const old = await startNow(at, WAITS());
    const now = await startNow(at, WAITS('console.log(\'{ "not": "an answer" }\');'));
    const [{ hash: echo } = { hash: "" }] = (await at.node.versions.list({ workflow: "echo" }))
      .versions;
    await at.node.schedules.create({ id: "daily", workflow: "echo", every: "1d" });
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const seen: string[] = [];
    const check = await client.versions.check({
      timeout: "5m",
      onChecked: ({ hash }, total) => seen.push(`${hash} of ${total}`),
    });
    assert.deepEqual([check.ok, check.empty, check.live, check.schedules], [true, false, 2, 1]);
    assert.deepEqual(
      check.versions.map(({ hash, live, schedules, succeeds, imported }) =>
        [hash, live, schedules, succeeds, imported] as const
      ).sort(),
      ([[old, 1, 0, false, true], [now, 1, 0, true, true], [echo, 0, 1, false, true]] as const)
        .toSorted(),
    );
    assert.deepEqual(of(check, old).members.map(({ label, from }) => [label, from]), [
      ["./order.ts", "archive"],
    ]);
    assert.ok(of(check, old).oldest! <= of(check, now).oldest!);
    assert.deepEqual(findingsOf(check), [["ok", 2, []]]);
    assert.deepEqual(seen.sort(), [old, now, echo].map((hash) => `${hash} of 3`).sort());
    assert.deepEqual([
      of(check, echo).loaded,
      of(await at.node.versions.check({ timeout: "5m" }), echo).loaded,
    ], [
      null,
      "url",
    ]);
  });

  test("leaves out what ended runs alone are pinned to, and says that nothing is needed", async () => {
    await using at = await scene(database);
    await resultOf(await at.node.start("echo", 1));
    const check = await at.node.versions.check({ timeout: "5m" });
    assert.deepEqual([check.ok, check.empty, check.versions], [true, true, []]);
  });

  test("counts a run that a node executes", async () => {
    const forever = source(
      `await ctx.run("hang", ({ signal }) => new Promise((_, no) =>
         signal.addEventListener("abort", () => no(new Error("closed")))));`,
      `{ name: "busy" }`,
    );
    await using at = await scene(database, { "busy.ts": forever });
    const run = await at.node.start("busy");
    await reached(run, "running");
    const { live, versions } = await at.node.versions.check({ import: false });
    assert.deepEqual([live, versions.map(({ workflow }) => workflow)], [1, ["busy"]]);
    assert.equal(versions[0]!.imported, null);
    await run.terminate();
  });

  test("finds missing bytes, says which, and takes them from the URL if that still has them", async () => {
    await using at = await scene(database);
    const hash = await startNow(at, WAITS());
    await at.db.query("delete from {schema}.version_modules where hash = $1", [hash]);
    await at.db.query(
      "delete from {schema}.modules where sha256 not in (select sha256 from {schema}.version_modules)",
    );
    const whole = await at.node.versions.check({ timeout: "5m" });
    assert.deepEqual(of(whole, hash).members.map(({ from }) => from), ["url"]);
    assert.equal(whole.ok, true);
    await at.folder.remove("order.ts");
    const check = await at.node.versions.check({ timeout: "5m" });
    assert.deepEqual(findingsOf(check), [
      ["missing", 1, ["MODULE_NOT_FOUND", "INTEGRITY_MISMATCH"]],
    ]);
    assert.deepEqual(of(check, hash).members.map(({ from }) => from), [null]);
    assert.deepEqual([check.ok, of(check, hash).imported], [false, null]);
    assert.match(check.groups[0]!.cause!, /order\.ts/);
  });

  test("finds a damaged manifest and damaged bytes", async () => {
    await using at = await scene(database);
    const hash = await startNow(at, WAITS());
    await at.folder.remove("order.ts");
    await at.db.query("update {schema}.modules set bytes = bytes || '\\x20'::bytea");
    assert.deepEqual(findingsOf(await at.node.versions.check({ timeout: "5m" })), [
      ["missing", 1, ["MODULE_NOT_FOUND", "INTEGRITY_MISMATCH"]],
    ]);
    await at.db.query(
      "update {schema}.workflow_versions set manifest = manifest || ' ' where hash = $1",
      [hash],
    );
    assert.deepEqual(findingsOf(await at.node.versions.check({ timeout: "5m" })), [
      ["missing", 1, ["INTEGRITY_MISMATCH"]],
    ]);
  });

  // The subprocess may not read files: this is how the code knows that it is there.
  const apart = (then: string) => WAITS(`try { Deno.statSync("/"); } catch { ${then} }`);

  test("finds code that can't be imported, and marks code whose import needs a permission", async () => {
    await using at = await scene(database);
    const throws = await startNow(at, apart(`throw new RangeError("no such luck");`));
    const reads = await startNow(at, WAITS(`Deno.statSync("/");`));
    const check = await at.node.versions.check({ timeout: "5m" });
    assert.match(of(check, throws).reasons[0]!.message, /no such luck/);
    assert.deepEqual(
      [throws, reads].map((hash) => {
        const { state, imported, reasons } = of(check, hash);
        return [state, imported, reasons.map(({ code }) => code)];
      }),
      [
        ["broken", false, ["IMPORT_FAILED"]],
        ["unproven", null, ["PERMISSION_DENIED"]],
      ],
    );
    assert.equal(check.ok, false);
  });

  test("ends the import of code that loops, after its timeout", async () => {
    await using at = await scene(database);
    await startNow(at, apart("while (true);"));
    const check = await at.node.versions.check({ timeout: "1s" });
    assert.deepEqual(findingsOf(check), [["broken", 1, ["SUBPROCESS_TIMEOUT"]]]);
  });

  test("names versions that an operator has denied", async () => {
    await using at = await scene(database);
    const hash = await startNow(at, WAITS());
    await at.node.versions.deny(hash, { reason: "it charges twice" });
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const check = await client.versions.check({ import: false });
    assert.deepEqual(findingsOf(check), [["refused", 1, ["DENIED"]]]);
    assert.match(check.groups[0]!.cause!, /it charges twice/);
  });

  test("says what this process may not load, if it is asked", async () => {
    await using at = await scene(database);
    await startNow(at, WAITS());
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const here = await client.versions.check({ here: true, import: false });
    assert.deepEqual(findingsOf(here), [["refused", 1, ["UNTRUSTED_VERSION"]]]);
    assert.equal((await client.versions.check({ import: false })).ok, true);
    await refused(
      client.versions.check({ imports: false } as never),
      "INVALID_ARGUMENT",
      "imports",
    );
  });

  const ASKS = source(
    `if (input === "never") {
  await ctx.activity("charge", 1, { queue: "cards" });
  await ctx.child("kid", 1);
  await ctx.activity(input, 1);
}
await ctx.waitForSignal("go");`,
    `{ name: "order" }`,
  );
  const charge = defineActivity({ name: "charge" }, (amount: number) => amount);

  test("names the lines that ask for an activity or a workflow that nothing offers", async () => {
    await using at = await scene(database, {}, { activities: [charge] });
    const hash = await startNow(at, ASKS);
    const check = await at.node.versions.check({ import: false });
    const { state, lacks, reasons, unchecked } = of(check, hash);
    assert.deepEqual([check.ok, state, reasons], [false, "no_child", []]);
    assert.deepEqual(
      lacks.map(({ kind, name, queue, member, line, text }) => [
        [kind, name, queue],
        [member, line, text],
      ]),
      [
        [
          ["no_activity", "charge", "cards"],
          ["./order.ts", 5, '  await ctx.activity("charge", 1, { queue: "cards" });'],
        ],
        [["no_child", "kid", null], ["./order.ts", 6, '  await ctx.child("kid", 1);']],
      ],
    );
    assert.equal(
      check.groups[0]!.cause,
      './order.ts:5: no live node that serves queue "cards" has registered activity ' +
        '"charge"; ./order.ts:6: no version of workflow "kid" is registered',
    );
    assert.deepEqual([unchecked, check.unchecked], [
      { computed: 1, noNode: 0 },
      { computed: 1, noNode: 0 },
    ]);
  });

  test("finds nothing once a node serves the activity and the workflow has a version that is not denied", async () => {
    await using at = await scene(database, {
      "kid.ts": source("return input;", `{ name: "kid" }`),
    });
    const hash = await startNow(at, ASKS);
    const stateNow = async () => of(await at.node.versions.check({ import: false }), hash).state;
    assert.equal(await stateNow(), "no_activity");
    const queues = { cards: { concurrency: 1 } };
    await using _ = await openIn(at.db, { activities: [charge], queues });
    assert.equal(await stateNow(), "ok");
    const [kid] = (await at.node.versions.list({ workflow: "kid" })).versions;
    await at.node.versions.deny(kid!.hash, { reason: "it charges twice" });
    const denied = of(await at.node.versions.check({ import: false }), hash);
    assert.equal(denied.state, "no_child");
    assert.match(denied.lacks[0]!.message, /"kid", [0-9a-f]+, is denied: it charges twice$/);
  });

  test("counts activities as not checked while no node is alive", async () => {
    await using at = await scene(database, {
      "kid.ts": source("return input;", `{ name: "kid" }`),
    });
    const hash = await startNow(at, ASKS);
    await at.node.close();
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const check = await client.versions.check({ import: false });
    assert.deepEqual([check.ok, of(check, hash).state], [true, "ok"]);
    assert.deepEqual(check.unchecked, { computed: 1, noNode: 1 });
  });
});
