/**
 * What an application and its versions share, and what each has for itself: the sentences of
 * `docs/live-modules.md`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { ZodError } from "zod";
import { WORKFLOW_ENTRY } from "../../src/version/project/host.ts";
import { parseManifest } from "../../src/version/manifest/format.ts";
import { emptyPostgres } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { openIn, resultOf } from "../support/runs.ts";

const FILES = {
  "order.ts": `import { defineWorkflow } from "${WORKFLOW_ENTRY}";
import { EventEmitter } from "node:events";
import { ZodError } from "npm:zod@4.6.7";
import { LiveError, seen } from "./live.ts";
import { next, PinnedError } from "./state.ts";
import { make } from "./other.ts";
export default defineWorkflow({ name: "order" }, async () => {
  const thrown = make();
  const same = thrown instanceof PinnedError;
  seen.push({ thrown, live: new LiveError(), zod: new ZodError([]), emitter: new EventEmitter() });
  return { count: next(), same, url: import.meta.url };
});
`,
  "other.ts": `import { PinnedError } from "./state.ts";
export const make = () => new PinnedError();
`,
  "state.ts": `let count = 0;
export const next = () => ++count;
export class PinnedError extends Error {
  override name = "PinnedError";
  code = "PINNED";
}
`,
  "live.ts": `export class LiveError extends Error {}
export const seen: Record<string, Error>[] = [];
`,
};

interface Result {
  readonly count: number;
  readonly same: boolean;
  readonly url: string;
}

Deno.test("an application and each version have modules of their own; live modules and packages are the process's", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder(FILES);
  const workflows = [`${folder.url}order.ts`];
  const options = { workflows, live: [`${folder.url}live.ts`] };
  const state = await import(`${folder.url}state.ts`);
  const live = await import(`${folder.url}live.ts`);
  for (let i = 0; i < 5; i++) state.next();

  const results: Result[] = [];
  const hashes: string[] = [];
  const start = async () => {
    await using node = await openIn(db, options);
    const run = await node.start("order");
    results.push(await resultOf(run) as Result);
    hashes.push((await run.status()).version.hash);
  };
  await start();
  await folder.write({ "order.ts": `${FILES["order.ts"]}// Another version.\n` });
  await start();
  assert.notEqual(hashes[0], hashes[1]);

  // "What main.ts imports and what a workflow imports are two instances, and each version that is loaded
  // has one more."
  assert.deepEqual(results.map(({ count }) => count), [1, 1]);
  assert.equal(state.next(), 6);
  // "There is only one" of a live module.
  assert.equal(live.seen.length, 2);
  for (const { thrown, live: ofLive, zod, emitter } of live.seen) {
    // "instanceof holds ... for classes of a live module or of a package, which are the process's own. A
    // class of any other module is another one in main.ts: compare code or name."
    assert(ofLive instanceof live.LiveError);
    assert(zod instanceof ZodError);
    assert(emitter instanceof EventEmitter);
    assert(!(thrown instanceof state.PinnedError));
    assert(thrown instanceof Error);
    const { name, code } = thrown as Error & { readonly code: string };
    assert.deepEqual([name, code], ["PinnedError", "PINNED"]);
  }
  assert.notEqual(live.seen[0].thrown.constructor, live.seen[1].thrown.constructor);
  for (const [i, { same, url }] of results.entries()) {
    // "instanceof holds inside a version".
    assert(same);
    // "import.meta.url of a pinned module is no address of a file": it is that of its version.
    assert.equal(url, `continuum:///${hashes[i]}/order.ts`);
  }
});

Deno.test("a live module is in a version by name only: edits of it make no other, and nothing of it is archived", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder(FILES);
  const options = { workflows: [`${folder.url}order.ts`], live: [`${folder.url}live.ts`] };
  const hashes = new Set<string>();
  for (const edit of ["", "// Edited.\n"]) {
    await folder.write({ "live.ts": FILES["live.ts"] + edit });
    await using node = await openIn(db, options);
    const run = await node.start("order");
    await resultOf(run);
    hashes.add((await run.status()).version.hash);
  }
  assert.equal(hashes.size, 1);
  const store = await db.open();
  const { manifest = "" } = await store.versions.get([...hashes][0]!) ?? {};
  const { members, live } = parseManifest(manifest);
  assert.deepEqual(live, ["./live.ts"]);
  assert(!members.some(({ label }) => label.includes("live")));
  const [{ n } = { n: -1 }] = await db.query<{ n: number }>(
    `select count(*)::int as n from {schema}.modules`,
  );
  assert.equal(n, members.length);
});
