/**
 * What `trust.keys` promises to those who run nodes and runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import type { TrustOptions } from "../../src/version/fetch/trust.ts";
import { makeSigningKey } from "../../src/version/signing/keys.ts";
import { formatSignature } from "../../src/version/signing/signature.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { type Folder, makeFolder } from "../support/modules.ts";
import { eventually, mark, openIn, reached, resultOf, takeMarks } from "../support/runs.ts";
import { refused, source } from "../support/scene.ts";

const KEY = makeSigningKey();
const FORMER = makeSigningKey();
const TRUST: TrustOptions = { keys: [KEY.public.text] };

/** The first release; it leaves a mark wherever any of it runs. */
const ONE = source(
  `await ctx.run("note", () => 1);
   await ctx.waitForSignal("go");
   return await ctx.activity(ship, null, { queue: "slow" });`,
  `{ name: "order", version: "1" }`,
  `import { defineActivity } from "@continuum/continuum/workflow";
   export const ship = defineActivity({ name: "ship" }, () => "shipped by 1");
   ${mark("one")}`,
);
const TWO = ONE.replaceAll("by 1", "by 2").replace(`"1"`, `"2"`).replace(`"one"`, `"two"`);

function signed(hash: string, key: typeof KEY = KEY, workflow: string = "order"): string {
  return formatSignature(key.sign(workflow, hash));
}

interface Scene extends AsyncDisposable {
  readonly db: EmptyDatabase;
  readonly folder: Folder;
  /** The hash of the first release, which is registered, and of the second. */
  readonly one: string;
  readonly two: string;
  /** A run that waits on the first release. */
  readonly id: string;
  /** Opens a node of the second release that trusts `KEY`. */
  careful(trust?: TrustOptions): Promise<Continuum>;
}

const SLOW = { queues: { slow: {} } };

forEachDatabase("signed versions", (database, test) => {
  async function scene(): Promise<Scene> {
    const stack = new AsyncDisposableStack();
    const db = stack.use(await database.fresh());
    const folder = stack.use(await makeFolder({ "order.ts": ONE }));
    const workflows = [`${folder.url}order.ts`];
    let [one, two, id] = ["", "", ""];
    {
      await using lax = await openIn(db, { workflows });
      const run = await lax.start("order");
      id = run.id;
      one = (await reached(run, "suspended")).version.hash;
      await folder.write({ "order.ts": TWO });
      two = (await lax.versions.diff(one, workflows[0]!)).b;
    }
    takeMarks();
    return {
      ...{ db, folder, one, two, id },
      careful: async (trust = { ...TRUST, signatures: [signed(two)] }) =>
        stack.use(await openIn(db, { workflows, trust, ...SLOW })),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  test("runs on a version by a key that is gone are parked, name the key, and continue when a trusted one signs", async () => {
    await using at = await scene();
    const node = await at.careful();
    await node.versions.addSignatures(signed(at.one, FORMER));
    await node.run(at.id).signal("go");
    const { stuck } = await reached(node.run(at.id), "stuck_unknown_version");
    assert.match(stuck!.message, new RegExp(`is signed by key ${FORMER.public.id} alone`));
    assert.deepEqual(takeMarks(), ["two"], "no code of the first release runs");
    const health = await node.health();
    assert.deepEqual(health.findings.map(({ code }) => code), ["STUCK_VERSION"]);
    const listed = async () =>
      (await node.versions.list({ hash: at.one })).versions[0]!.signatures
        .map(({ key, verified }) => [key, verified] as const).sort();
    assert.deepEqual(await listed(), [[FORMER.public.id, false]]);
    const { added, revived } = await node.versions.addSignatures(signed(at.one));
    assert.deepEqual([added.map(({ hash }) => hash), revived], [[at.one], 1]);
    assert.equal(await resultOf(node.run(at.id)), "shipped by 1");
    const both = [[FORMER.public.id, false], [KEY.public.id, true]] as const;
    assert.deepEqual(await listed(), both.toSorted());
    assert.deepEqual((await node.versions.addSignatures(signed(at.one))).added, []);
    assert.equal((await node.health()).status, "ok");
  });

  test("a deployment that brings its signatures starts at once, and serves nodes that bring none", async () => {
    await using at = await scene();
    await refused(at.careful(TRUST), "VERSION_UNAVAILABLE", "is not signed", KEY.public.id);
    assert.deepEqual(takeMarks(), []);
    const node = await at.careful();
    assert.equal((await node.versions.list({ hash: at.two })).versions.length, 1);
    const second = await at.careful(TRUST);
    assert.equal((await second.health()).code.map(({ hash }) => hash)[0], at.two);
    const run = await second.start("order");
    await run.signal("go");
    assert.equal(await resultOf(run), "shipped by 2");
  });

  test("signatures that a node brings when it opens revive what was parked for them", async () => {
    await using at = await scene();
    {
      await using node = await openIn(at.db, {
        workflows: [`${at.folder.url}order.ts`],
        trust: { ...TRUST, signatures: [signed(at.two)] },
      });
      await node.run(at.id).signal("go");
      await reached(node.run(at.id), "stuck_unknown_version");
    }
    const node = await at.careful({
      ...TRUST,
      signatures: [`${signed(at.one)}\n${signed(at.two)}`],
    });
    assert.equal(await resultOf(node.run(at.id)), "shipped by 1");
  });

  test("health says UNSIGNED_CODE while a node that is alive requires no signature", async () => {
    await using at = await scene();
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const found = async () =>
      (await client.health()).findings.find(({ code }) => code === "UNSIGNED_CODE");
    assert.match((await found())!.message, /on the nodes$/, "no node is alive, and it has no keys");
    const node = await at.careful();
    assert.equal(await found(), undefined);
    assert.deepEqual((await client.nodes()).map(({ keys }) => keys), [[KEY.public.id]]);
    {
      await using _lax = await openIn(at.db);
      const { message, details, severe } = (await found())!;
      assert.match(message, /on 1 of 2 nodes$/);
      const lax = (await client.nodes()).filter(({ keys }) => keys === null).map(({ id }) => id);
      assert.deepEqual([details["nodes"], severe], [lax, false]);
    }
    assert.equal(await found(), undefined);
    await node.close();
    assert.notEqual(await found(), undefined);
    await using careful = await Continuum.connect({ database: adapter, schema, trust: TRUST });
    assert.deepEqual((await careful.health()).findings, []);
  });

  test("an activity that is pinned with an unsigned version runs nowhere until it is signed", async () => {
    await using at = await scene();
    {
      await using lax = await openIn(at.db, { workflows: [`${at.folder.url}order.ts`] });
      await lax.run(at.id).signal("go");
      await eventually(
        async () => (await lax.queues()).find(({ name }) => name === "slow"),
        () => "task in the queue",
      );
    }
    takeMarks();
    const node = await at.careful();
    await eventually(
      async () => (await node.nodes()).find(({ cannotLoad }) => cannotLoad.includes(at.one)),
      () => "node that refuses the version",
    );
    assert.deepEqual(takeMarks(), ["two"]);
    await node.versions.addSignatures(signed(at.one));
    assert.equal(await resultOf(node.run(at.id)), "shipped by 1");
  });

  test("nothing that replays executes an unsigned version, and a check says which lack a signature", async () => {
    await using at = await scene();
    const node = await at.careful();
    const run = node.run(at.id);
    const { replayed, unavailable } = await run.trace();
    assert.equal(replayed, null);
    assert.match(unavailable!.message, /is not signed/);
    await refused(run.where(), "VERSION_UNAVAILABLE", "is not signed");
    await refused(node.versions.replay(at.one), "VERSION_UNAVAILABLE", "is not signed");
    const check = await node.versions.check();
    const [version] = check.versions.filter(({ hash }) => hash === at.one);
    assert.deepEqual([check.ok, version!.state, version!.imported], [false, "refused", null]);
    assert.deepEqual(version!.reasons.map(({ code }) => code), ["UNSIGNED_VERSION"]);
    await at.folder.write({ "three.ts": TWO.replace(`"2"`, `"3"`) });
    const three = `${at.folder.url}three.ts`;
    await refused(node.versions.replay(three), "VERSION_UNAVAILABLE", "is not signed");
    assert.deepEqual(takeMarks(), ["two"]);
    await node.versions.addSignatures(signed(at.one));
    assert.equal((await run.trace()).waiting[0]?.name, "go");
    assert.equal((await node.versions.replay(at.one)).ok, true);
    assert.equal((await node.versions.check()).ok, true);
  });

  test("no run is moved to, or forked onto, an unsigned version", async () => {
    await using at = await scene();
    const { database: adapter, schema } = at.db;
    const trust = { ...TRUST, modules: [`${at.folder.url}*`] };
    await openIn(at.db, { workflows: [`${at.folder.url}order.ts`] }).then((lax) => lax.close());
    await using client = await Continuum.connect({ database: adapter, schema, trust });
    await client.versions.addSignatures(signed(at.one));
    takeMarks();
    const run = client.run(at.id);
    await refused(run.upgrade({ to: at.two }), "VERSION_UNAVAILABLE", "is not signed");
    await refused(run.fork({ at: 0, version: at.two }), "VERSION_UNAVAILABLE", "is not signed");
    assert.deepEqual(takeMarks(), []);
    await client.versions.addSignatures(signed(at.two));
    assert.equal((await run.upgrade({ to: at.two })).upgraded, true);
  });

  test("signatures that are not valid are not added, and the audit names who added others", async () => {
    await using at = await scene();
    const node = await at.careful();
    const forged = signed(at.one, FORMER).replace(FORMER.public.id, KEY.public.id);
    await refused(node.versions.addSignatures(forged), "INVALID_ARGUMENT", "did not make");
    await refused(node.versions.addSignatures("x"), "INVALID_ARGUMENT", "line 1 of");
    await refused(node.versions.addSignatures(null as never), "INVALID_ARGUMENT");
    const ana = node.asOperator({ name: "ana", reason: "release 7" });
    await ana.versions.addSignatures(`# release 7\n${signed(at.one)}\n${signed(at.two)}\n`);
    const { operations } = await node.operations.list();
    assert.deepEqual(
      operations.map(({ action, target, as }) => [action, target, as]),
      [["version.sign", at.one, "ana"]],
      "the other was there already",
    );
  });
});
