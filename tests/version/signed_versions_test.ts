/**
 * With `trust.keys`, no code of a version runs without a signature, whatever the database says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import type { Store } from "../../src/ports/store.ts";
import type { StoredSignature } from "../../src/ports/signatures.ts";
import { openStore } from "../../src/store/open.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { makeSigningKey } from "../../src/version/signing/keys.ts";
import { formatSignature } from "../../src/version/signing/signature.ts";
import { Versions, type VersionsOptions } from "../../src/version/versions.ts";
import type { WorkflowDefinition } from "../../src/workflow/context_types.ts";
import { makeSite, mark, type Site, takeMarks } from "../support/runs.ts";
import "../support/primed_pglite.ts";

const KEY = makeSigningKey();
const OTHER = makeSigningKey();

/** A workflow module that leaves its name and number when any of it runs. */
function workflow(name: string, n: number, imports = "", result = "1"): string {
  return `import { defineWorkflow } from "@continuum/continuum/workflow"; ${imports}
    ${mark(`${name} ${n}`)}
    export default defineWorkflow({ name: "${name}", version: "${n}" }, () => ${result});`;
}

let numbers = 0;

interface Scene {
  readonly store: Store;
  readonly site: Site;
  /** The root of the node's own workflow. */
  readonly root: string;
  /** The hash of an older version, that is registered and not signed, and left no mark. */
  readonly old: string;
  readonly sql: (text: string, values?: readonly unknown[]) => Promise<unknown>;
  /** A process that trusts `KEY`, and what it brings along for its own version. */
  careful(trust?: VersionsOptions["trust"]): Promise<Versions>;
  lax(): Versions;
  sign(hash: string, workflow?: string, key?: typeof KEY): Promise<StoredSignature>;
}

const suite: { name: string; fn: (scene: Scene) => Promise<void> }[] = [];

function test(name: string, fn: (scene: Scene) => Promise<void>): void {
  suite.push({ name, fn });
}

/** Why a version is not executed; no code of it has run. */
async function why(attempt: Promise<unknown>): Promise<string> {
  takeMarks();
  const message = await attempt.then(
    () => assert.fail("it was executed"),
    (error: unknown) => {
      assert(isContinuumError(error, "VERSION_UNAVAILABLE"), String(error));
      assert.equal(error.details.kind, "lasting", error.message);
      assert.deepEqual(error.details.reasons.map(({ code }) => code), ["UNSIGNED_VERSION"]);
      return error.details.reasons[0]!.message;
    },
  );
  assert.deepEqual(takeMarks(), [], "no code of it runs");
  return message;
}

test("a version without a signature runs from no source, and nothing is fetched for it", async (at) => {
  const node = await at.careful();
  const requests = at.site.requests.length;
  assert.equal(
    await why(node.obtain(at.old)),
    `it is not signed, and trust.keys of this process has key ${KEY.public.id}: ` +
      "`continuum versions sign` signs it",
  );
  assert.equal(await node.probe(at.old), false);
  assert.equal(at.site.requests.length, requests);
  await at.site[Symbol.asyncDispose]();
  await why(node.obtain(at.old)); // from the archive
});

test("a signature by a trusted key lets it run, from the moment that it is there", async (at) => {
  const node = await at.careful();
  await why(node.obtain(at.old));
  await at.sign(at.old);
  assert.equal(await node.probe(at.old), true);
  assert.equal((await node.obtain(at.old)).hash, at.old);
  assert.deepEqual(takeMarks().length, 1);
});

test("a process's own module runs only with a signature, which it may bring along", async (at) => {
  const versions = new Versions({
    store: at.store.versions,
    signatures: at.store.signatures,
    workflows: [at.root],
    trust: { keys: [KEY.public.text] },
  });
  await why(versions.register(at.root));
  const native = new Versions({
    store: at.store.versions,
    signatures: at.store.signatures,
    workflows: [at.root],
    native: true,
    trust: { keys: [KEY.public.text] },
  });
  await why(native.register(at.root));
  const careful = await at.careful();
  assert.equal(careful.loaded.length, 1);
  await why(versions.registerForStart(at.root));
});

test("one of several keys is enough; a version by a key that is gone names that key", async (at) => {
  await at.sign(at.old, "order", OTHER);
  const both = await at.careful({ keys: [KEY.public.text, OTHER.public.text] });
  await both.obtain(at.old);
  const node = await at.careful();
  assert.equal(
    await why(node.obtain(at.old)),
    `it is signed by key ${OTHER.public.id} alone, and trust.keys of this process has key ` +
      KEY.public.id,
  );
  await at.sign(at.old);
  await node.obtain(at.old);
});

test("a version that is named in trust.unsigned runs without, and no other does", async (at) => {
  const node = await at.careful({ keys: [KEY.public.text], unsigned: [at.old] });
  await node.obtain(at.old);
  const strict = await at.careful({ keys: [KEY.public.text], unsigned: ["0".repeat(64)] });
  await why(strict.obtain(at.old));
});

test("rows that claim a signature and have none change nothing", async (at) => {
  const node = await at.careful();
  const own = node.loaded[0]!.hash;
  const { signature: ofOwn } = KEY.sign("order", own);
  const { signature: otherName } = KEY.sign("refund", at.old);
  const { signature: byOther } = OTHER.sign("order", at.old);
  const claims: readonly (readonly [key: string, workflow: string, signature: string])[] = [
    [KEY.public.id, "order", ofOwn], // of another version
    [KEY.public.id, "order", otherName], // of another name
    [KEY.public.id, "order", byOther], // another key's, under the trusted id
    [KEY.public.id, "order", "A".repeat(86)],
    [KEY.public.id, "refund", byOther],
    [KEY.public.id, `order ${own}`, ofOwn],
  ];
  for (const [key, workflow, signature] of claims) {
    await at.sql("delete from {schema}.version_signatures where hash = $1", [at.old]);
    await at.sql(
      "insert into {schema}.version_signatures (hash, key, workflow, signature) values ($1, $2, $3, $4)",
      [at.old, key, workflow, signature],
    );
    assert.equal(
      await why(node.obtain(at.old)),
      `its signature by key ${KEY.public.id} is not valid`,
    );
    assert.equal(await node.probe(at.old), false);
  }
});

test("a signature of another name does not let a version run as what the registry says", async (at) => {
  const node = await at.careful();
  await at.sign(at.old, "refund");
  assert.equal(await why(node.obtain(at.old)), "it is signed as workflow refund, and not as order");
  await at.sql("update {schema}.workflow_versions set workflow = 'refund' where hash = $1", [
    at.old,
  ]);
  const refunds = await at.careful({ keys: [KEY.public.text], modules: [`${at.site.url}*`] });
  // The signature holds now; the code says another name, which the loader refuses as ever.
  await assert.rejects(refunds.obtain(at.old), { code: "VERSION_UNAVAILABLE" });
  assert.equal(refunds.has(at.old), false);
});

test("a signature that is moved to another hash is not valid, whatever its row says", async (at) => {
  const node = await at.careful();
  const own = node.loaded[0]!.hash;
  await at.sign(own);
  await at.sql("update {schema}.version_signatures set hash = $1", [at.old]);
  await why(node.obtain(at.old));
});

test("manifest and bytes of a signed version can't be replaced", async (at) => {
  await at.sign(at.old);
  const node = await at.careful();
  const own = node.loaded[0]!.hash;
  takeMarks();
  await at.sql(
    `update {schema}.workflow_versions set manifest = (
      select manifest from {schema}.workflow_versions where hash = $1
    ) where hash = $2`,
    [own, at.old],
  );
  at.site.files["1/order.ts"] = workflow("order", 666);
  await at.sql("update {schema}.modules set bytes = $1", [
    new TextEncoder().encode(workflow("order", 667)),
  ]);
  await assert.rejects(node.obtain(at.old), { code: "VERSION_UNAVAILABLE" });
  assert.deepEqual(takeMarks(), []);
});

test("rows whose checks were removed, and thousands of them, are no harm", async (at) => {
  await at.sql("alter table {schema}.version_signatures drop constraint version_signatures_pkey");
  for (const check of ["hash", "key", "signature"]) {
    await at.sql(
      `alter table {schema}.version_signatures drop constraint version_signatures_${check}_check`,
    );
  }
  const node = await at.careful();
  await at.sql(
    `insert into {schema}.version_signatures (hash, key, workflow, signature)
    select $1, to_hex(n), repeat(chr(128512), n % 9), repeat('é', n % 99)
    from generate_series(1, 5000) as n`,
    [at.old],
  );
  assert.match(await why(node.obtain(at.old)), /^it is not signed, and /);
  await at.sql("update {schema}.version_signatures set key = md5(signature)");
  assert.match(await why(node.obtain(at.old)), /^it is signed by key [0-9a-f]{32}\b.* alone, and /);
  await at.sql("update {schema}.version_signatures set key = $1", [KEY.public.id]);
  assert.match(await why(node.obtain(at.old)), /is not valid$/);
  const { signature } = KEY.sign("order", at.old);
  await at.sql(
    "update {schema}.version_signatures set workflow = 'order', signature = $1",
    [signature],
  );
  await node.obtain(at.old);
});

test("workflows inside a signed version need a signature of their own to run elsewhere", async (at) => {
  at.site.files["kin/parent.ts"] = workflow("parent", 1, `import kid from "./kid.ts";`, "kid");
  at.site.files["kin/kid.ts"] = workflow("kid", 1);
  const root = `${at.site.url}kin/parent.ts`;
  const lax = new Versions({ store: at.store.versions, workflows: [root] });
  const { hash } = await lax.register(root);
  await at.sign(hash, "parent");
  const options = {
    store: at.store.versions,
    signatures: at.store.signatures,
    workflows: [root],
    trust: { keys: [KEY.public.text] },
  };
  const node = new Versions(options);
  const own = await node.register(root);
  const kid = (own.definition.run as unknown as () => WorkflowDefinition)();
  const child = await node.childVersion(hash, kid);
  assert.equal(node.has(child.hash), false, "its run is parked, and waits for a signature");
  await why(node.obtain(child.hash));
  await at.sign(child.hash, "kid");
  await node.obtain(child.hash);
  const later = new Versions(options);
  const again = await later.register(root);
  const same = (again.definition.run as unknown as () => WorkflowDefinition)();
  takeMarks();
  await later.childVersion(hash, same);
  assert.equal(later.has(child.hash), true);
  assert.deepEqual(takeMarks(), [], "nothing is loaded anew");
});

test("a start may name an unregistered specifier only if its version is signed", async (at) => {
  at.site.files["new/order.ts"] = workflow("order", numbers++);
  const url = `${at.site.url}new/order.ts`;
  const trust = { keys: [KEY.public.text], start: true, modules: [`${at.site.url}*`] };
  const node = await at.careful(trust);
  await why(node.forStart(url));
  assert.equal(await at.store.versions.bySpecifier(url), null, "and it is not registered");
  const { manifest } = await node.read(url);
  await at.sign(manifest.hash);
  assert.equal((await node.forStart(url)).hash, manifest.hash);
});

test("code is read and compared without a signature, since nothing of it runs", async (at) => {
  const node = await at.careful();
  assert.equal((await node.inspect(at.old)).manifest.hash, at.old);
  const examined = await node.examine(at.old, false);
  assert.deepEqual(examined?.reasons.map(({ code }) => code), ["UNSIGNED_VERSION"]);
});

test("without keys nothing changes, and keys that hold nothing are refused", async (at) => {
  await at.lax().obtain(at.old);
  const made = (trust: VersionsOptions["trust"]) => () =>
    new Versions({ store: at.store.versions, ...(trust === undefined ? {} : { trust }) });
  assert.throws(made({ keys: [] }), /option trust\.keys: .*wanted one key or more/);
  assert.throws(made({ keys: [KEY.toPem()] }), /found a private key/);
  assert.throws(made({ keys: [""] }), /trust\.keys\[0\]/);
  assert.throws(made({ signatures: ["x"] }), /line 1 of option trust\.signatures\[0\]/);
  assert.throws(made({ unsigned: ["ABC"] }), /trust\.unsigned\[0\].*64 lower-case/);
});

Deno.test({
  name: "signed versions",
  // The runtime polls for `load` hooks for good once there has been one: no leak of ours.
  sanitizeOps: false,
  async fn(test) {
    // One PGlite serves all steps, since starting one takes a second.
    const database = pglite(null);
    const driver = await database.open();
    for (const [index, { name, fn }] of suite.entries()) {
      await test.step({
        name,
        sanitizeOps: false,
        async fn() {
          const schema = `signed_versions_${index}`;
          await using store = await openStore({ database, schema });
          await store.migrate();
          const n = numbers++;
          await using site = makeSite({
            "1/order.ts": workflow("order", n),
            "2/order.ts": workflow("order", numbers++),
          });
          const root = `${site.url}2/order.ts`;
          const lax = new Versions({ store: store.versions, workflows: [`${site.url}1/order.ts`] });
          const { hash: old } = await lax.register(`${site.url}1/order.ts`);
          const sign: Scene["sign"] = async (hash, workflow = "order", key = KEY) => {
            const signature = key.sign(workflow, hash);
            await store.signatures.add([signature]);
            return signature;
          };
          takeMarks();
          await fn({
            ...{ store, site, root, old, sign },
            sql: (text, values) => driver.query(text.replaceAll("{schema}", schema), values as []),
            async careful(trust = { keys: [KEY.public.text] }) {
              const { hash } = (await lax.read(root)).manifest;
              const versions = new Versions({
                store: store.versions,
                signatures: store.signatures,
                workflows: [root],
                trust: { ...trust, signatures: [formatSignature(KEY.sign("order", hash))] },
              });
              await versions.register(root);
              takeMarks();
              return versions;
            },
            lax: () =>
              new Versions({ store: store.versions, workflows: [root, `${site.url}1/order.ts`] }),
          });
        },
      });
    }
    await driver.close();
  },
});
