/**
 * Children that are given as definitions: the versions inside a version.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { VersionStore } from "../../src/ports/store.ts";
import { openStore } from "../../src/store/open.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import type { LoadedVersion } from "../../src/version/loaded_version.ts";
import { Versions, type VersionsOptions } from "../../src/version/versions.ts";
import "../support/primed_pglite.ts";
import { makeFolder, serve, type Server } from "../support/modules.ts";
import type { WorkflowDefinition } from "../../src/workflow/context_types.ts";

const HOST = `import { defineWorkflow } from "@continuum/continuum/workflow";`;

/** A workflow that hands out what `body` says when it is run. */
function workflow(name: string, n: number, body: string, imports = ""): string {
  return `${HOST} ${imports}
    export default defineWorkflow({ name: "${name}", version: "${n}" }, () => ${body});`;
}

/** An order that ships, bills by way of shipping, and knows some things that are no children. */
function order(n: number): Record<string, string> {
  return {
    "wf/order.ts": workflow(
      "order",
      n,
      "({ ship, again, bill, named })",
      `import ship from "./ship.ts"; import again from "../again.ts";
       import { bill } from "./ship.ts"; import { named } from "./named.ts";`,
    ),
    "wf/ship.ts": workflow(
      "ship",
      n,
      "`shipped ${n}`",
      `import { n } from "./n.ts"; import bill from "./inner/bill.ts"; export { bill };`,
    ),
    "wf/n.ts": `export const n: number = ${n};`,
    "wf/inner/bill.ts": workflow(
      "bill",
      n,
      "order",
      `import { n } from "../n.ts"; import order from "../order.ts"; void n;`,
    ),
    "again.ts": `export { default } from "./wf/ship.ts";`,
    "wf/named.ts": `${HOST} export const named = defineWorkflow({ name: "named" }, () => 1);`,
  };
}

interface Scene {
  readonly store: VersionStore;
  readonly server: Server;
  readonly answers: Record<string, string | { redirect: string }>;
  readonly root: string;
  readonly sql: (text: string) => Promise<unknown>;
  versions(options?: Partial<VersionsOptions>): Versions;
}

type Definitions = Readonly<Record<"ship" | "again" | "bill" | "named", WorkflowDefinition>>;

const suite: { name: string; fn: (scene: Scene) => Promise<void> }[] = [];

function test(name: string, fn: (scene: Scene) => Promise<void>): void {
  suite.push({ name, fn });
}

function run(version: { definition: { run: unknown } }): unknown {
  return (version.definition.run as () => unknown)();
}

function inside(version: LoadedVersion): Definitions {
  return run(version) as Definitions;
}

test("a child is the version that reading its module gives, and runs as such", async (scene) => {
  const versions = scene.versions();
  const own = await versions.register(scene.root);
  const { modules } = versions.statistics;
  const { ship } = inside(own);
  const child = await versions.childVersion(own.hash, ship);
  const specifier = `${scene.server.url}wf/ship.ts`;
  assert.deepEqual(child, { workflow: "ship", hash: child.hash, specifier });
  const loaded = await versions.obtain(child.hash);
  assert.equal(loaded.definition, ship);
  assert.equal(run(loaded), `shipped ${ship.version}`);
  assert.deepEqual(
    [...loaded.modules.keys()].sort(),
    [
      "./inner/bill.ts",
      "./n.ts",
      "./named.ts",
      "./order.ts",
      "./ship.ts",
      "../again.ts",
    ].sort(),
  );
  assert.equal(versions.statistics.modules, modules, "nothing was loaded anew");
  const read = await scene.versions({ workflows: [specifier] }).register(specifier);
  assert.deepEqual([read.hash, read.isNew], [child.hash, false]);
  const row = await scene.store.get(child.hash);
  assert.deepEqual([row?.label, row?.archived], [ship.version, true]);
});

test("a child is had by a process that serves its parent, from its URL and from the archive", async (scene) => {
  const first = scene.versions();
  const own = await first.register(scene.root);
  const child = await first.childVersion(own.hash, inside(own).ship);
  const second = scene.versions();
  await second.register(scene.root);
  assert.equal((await second.obtain(child.hash)).source, "url");
  await scene.server[Symbol.asyncDispose]();
  const third = scene.versions({ trust: { modules: [scene.root] } });
  const parent = await third.obtain(own.hash);
  assert.equal(parent.source, "archive");
  assert.deepEqual(await third.childVersion(own.hash, inside(parent).ship), child);
  assert.equal(run(await third.obtain(child.hash)), `shipped ${inside(parent).ship.version}`);
  const stranger = scene.versions({ workflows: [] });
  assert.equal(await stranger.probe(child.hash), false);
  await assert.rejects(stranger.obtain(child.hash), { code: "VERSION_UNAVAILABLE" });
});

test("a child starts from the archive on a node that has never seen its parent", async (scene) => {
  const first = scene.versions();
  const own = await first.register(scene.root);
  const child = await first.childVersion(own.hash, inside(own).ship);
  const { answers } = scene;
  const before = { ...answers };
  for (const path of Object.keys(answers)) delete answers[path];
  const served = `data:text/javascript,${encodeURIComponent(workflow("order", 0, "0"))}`;
  const second = scene.versions({ workflows: [served] });
  await second.register(served);
  const loaded = await second.obtain(child.hash);
  assert.equal(loaded.source, "archive");
  assert.equal(run(loaded), `shipped ${loaded.definition.version}`);
  // Its own child is inside it as well.
  const bill = [...loaded.modules].find(([label]) => label === "./inner/bill.ts")![1]["default"];
  const inner = await second.childVersion(child.hash, bill as WorkflowDefinition);
  Object.assign(answers, before);
  const same = await first.childVersion(own.hash, inside(own).bill);
  assert.deepEqual(inner, same);
});

test("a child of a child is the same as inside the parent; a circle closes", async (scene) => {
  const versions = scene.versions();
  const own = await versions.register(scene.root);
  const { ship, again, bill } = inside(own);
  assert.equal(again, ship);
  const child = await versions.childVersion(own.hash, ship);
  const specifier = `${scene.server.url}wf/inner/bill.ts`;
  const inner = await versions.childVersion(child.hash, bill as WorkflowDefinition);
  assert.deepEqual([inner.workflow, inner.specifier], ["bill", specifier]);
  assert.deepEqual(await versions.childVersion(own.hash, bill as WorkflowDefinition), inner);
  const read = await scene.versions({ workflows: [specifier] }).register(specifier);
  assert.equal(read.hash, inner.hash);
  const parent = { workflow: "order", hash: own.hash, specifier: scene.root };
  assert.deepEqual(await versions.childVersion(own.hash, own.definition), parent);
  assert.deepEqual(await versions.childVersion(inner.hash, own.definition), parent);
});

test("a child becomes current only where its workflow has no current version", async (scene) => {
  const versions = scene.versions();
  const old = await versions.register(scene.root);
  const first = await versions.childVersion(old.hash, inside(old).ship);
  assert.equal(await scene.store.current("ship"), first.hash);
  const specifier = `${scene.server.url}wf/ship.ts`;
  const workflows = [scene.root, specifier];
  Object.assign(scene.answers, order(Number(old.definition.version) + 10_000));
  const later = scene.versions({ workflows });
  const parent = await later.register(scene.root);
  const second = await later.childVersion(parent.hash, inside(parent).ship);
  assert.notEqual(second.hash, first.hash);
  assert.equal(await scene.store.current("ship"), first.hash);
  assert.equal((await later.register(specifier)).hash, second.hash);
  assert.equal(await scene.store.current("ship"), second.hash, "it came in its own right");
  // A run on the old code starts a child: new runs of that name stay on the new code.
  const again = scene.versions({ workflows, trust: { modules: [scene.root] } });
  const revenant = await again.obtain(old.hash);
  assert.equal((await again.childVersion(old.hash, inside(revenant).ship)).hash, first.hash);
  assert.equal(await scene.store.current("ship"), second.hash);
  assert.equal((await again.forStart(specifier)).hash, second.hash);
});

test("without an archive, a child is registered without its bytes", async (scene) => {
  const versions = scene.versions({ archive: false });
  const own = await versions.register(scene.root);
  const child = await versions.childVersion(own.hash, inside(own).ship);
  assert.equal((await scene.store.get(child.hash))?.archived, false);
  assert.equal(run(await versions.obtain(child.hash)), `shipped ${inside(own).ship.version}`);
});

test("with the parent's bytes damaged in the archive, a child is started all the same", async (scene) => {
  const versions = scene.versions();
  const own = await versions.register(scene.root);
  await scene.sql(`update {schema}.modules set bytes = '\\x00'`);
  const child = await versions.childVersion(own.hash, inside(own).ship);
  assert.equal((await scene.store.get(child.hash))?.archived, false);
  assert.equal((await versions.obtain(child.hash)).hash, child.hash);
});

test("what no module of the parent exports by default is refused, with what to do", async (scene) => {
  const versions = scene.versions();
  const own = await versions.register(scene.root);
  const { named } = inside(own);
  const stranger = { ...own.definition, name: "stranger" };
  for (const definition of [named, stranger]) {
    await assert.rejects(versions.childVersion(own.hash, definition), (error: Error) => {
      assert.equal((error as Error & { code?: string }).code, "VERSION_NOT_FOUND");
      assert.match(error.message, /no module of version [0-9a-f]{12} exports it by default/);
      assert.match(error.message, /wanted it imported in the workflow module/);
      assert.ok(error.message.includes(JSON.stringify(definition.name)));
      return true;
    });
  }
});

test("a failed registration of a child is tried again", async (scene) => {
  const versions = scene.versions();
  const own = await versions.register(scene.root);
  await scene.sql(`alter table {schema}.workflow_specifiers rename to hidden`);
  await assert.rejects(versions.childVersion(own.hash, inside(own).ship));
  await scene.sql(`alter table {schema}.hidden rename to workflow_specifiers`);
  const [one, two] = await Promise.all([
    versions.childVersion(own.hash, inside(own).ship),
    versions.childVersion(own.hash, inside(own).ship),
  ]);
  assert.deepEqual(one, two);
});

test("a child that the operator denies is not had from its parent's memory", async (scene) => {
  const first = scene.versions();
  const own = await first.register(scene.root);
  const { hash } = await first.childVersion(own.hash, inside(own).ship);
  const versions = scene.versions({ trust: { modules: [scene.root], deny: [hash] } });
  const parent = await versions.obtain(own.hash);
  assert.equal((await versions.childVersion(own.hash, inside(parent).ship)).hash, hash);
  await assert.rejects(versions.obtain(hash), { code: "VERSION_UNAVAILABLE" });
});

test("inside the application's own modules a child is native as well", async (scene) => {
  const parent = import.meta.resolve("./native/parent.ts");
  const specifier = import.meta.resolve("./native/order.ts");
  const versions = scene.versions({ workflows: [parent], native: true });
  const own = await versions.register(parent);
  assert.equal(own.source, "native");
  const imported: { default: WorkflowDefinition } = await import(specifier);
  const child = await versions.childVersion(own.hash, imported.default);
  assert.equal(child.specifier, versions.record(specifier));
  const loaded = await versions.obtain(child.hash);
  assert.deepEqual([loaded.source, loaded.definition], ["native", imported.default]);
  const apart = scene.versions({ workflows: [specifier] });
  assert.equal((await apart.register(specifier)).hash, child.hash);
});

test("a child of a root that is redirected has the folders where the root is", async (scene) => {
  const { url } = scene.server;
  Object.assign(scene.answers, { latest: { redirect: `${url}wf/order.ts` } });
  const latest = `${url}latest`;
  const workflows = [latest];
  const trust = { modules: [`${url}*`] };
  const first = scene.versions({ workflows, trust });
  const own = await first.register(latest);
  const child = await first.childVersion(own.hash, inside(own).ship);
  assert.equal(child.specifier, `${url}wf/ship.ts`);
  const second = scene.versions({ workflows, trust });
  const parent = await second.obtain(own.hash);
  assert.equal(parent.source, "url");
  assert.deepEqual(await second.childVersion(own.hash, inside(parent).ship), child);
});

test("a child in a folder is named from the application's root", async (scene) => {
  await using folder = await makeFolder({ ...order(77_777), "deno.json": "{}" });
  const root = `${folder.url}wf/order.ts`;
  const versions = scene.versions({ config: `${folder.url}deno.json`, workflows: [root] });
  const own = await versions.register(root);
  const child = await versions.childVersion(own.hash, inside(own).ship);
  assert.equal(child.specifier, "app:wf/ship.ts");
});

Deno.test({
  name: "child versions",
  // The runtime polls for `load` hooks for good once there has been one: no leak of ours.
  sanitizeOps: false,
  async fn(test) {
    // One PGlite serves all steps, since starting one takes a second.
    const database = pglite(null);
    const driver = await database.open();
    for (const [n, { name, fn }] of suite.entries()) {
      await test.step({
        name,
        sanitizeOps: false,
        async fn() {
          const schema = `child_versions_${n}`;
          const store = await openStore({ database, schema });
          await store.migrate();
          const answers: Scene["answers"] = order(n);
          const server = serve(answers);
          const root = `${server.url}wf/order.ts`;
          try {
            await fn({
              store: store.versions,
              server,
              answers,
              root,
              sql: (text) => driver.query(text.replaceAll("{schema}", schema)),
              versions: (options) =>
                new Versions({ store: store.versions, workflows: [root], ...options }),
            });
          } finally {
            await server[Symbol.asyncDispose]();
            await store[Symbol.asyncDispose]();
          }
        },
      });
    }
    await driver.close();
  },
});
