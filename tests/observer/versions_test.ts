/**
 * The pages of versions: what one consists of, how two differ, and moving runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { patchLines } from "../../src/observer/diff_view.ts";
import type { TrustOptions } from "../../src/version/fetch/trust.ts";
import { makeSigningKey } from "../../src/version/signing/keys.ts";
import { formatSignature } from "../../src/version/signing/signature.ts";
import { forEachDatabase } from "../support/database.ts";
import { openIn, reached } from "../support/runs.ts";
import { type Scene, scene, source } from "../support/scene.ts";
import { observe } from "./observed.ts";
import { attribute, type Element, elements, fieldsOf, linksOf, rowsOf, text } from "./pages.ts";

function order(steps: readonly string[], wait = "review"): string {
  const lines = steps.map((name) => `await ctx.run(${JSON.stringify(name)}, () => 1);`);
  return source(
    [...lines, `return await ctx.waitForSignal("${wait}");`].join("\n"),
    `{ name: "order" }`,
    `import { tax } from "./tax.ts"; console.assert(tax);`,
  );
}

const V1 = { "order.ts": order(["quote", "charge"]), "tax.ts": "export const tax: number = 1;\n" };
const V2 = { "new/order.ts": order(["quote", "score"]), "new/tax.ts": "export const tax = 1;\n" };
const V3 = { "next/order.ts": order(["quote", "charge"], "review2"), "next/tax.ts": V1["tax.ts"] };

/** Three runs that wait on the first version, and a node with another one registered after it. */
async function deployed(at: Scene, next: "new" | "next") {
  await at.folder.write({ ...V1, ...V2, ...V3 });
  await at.node.close();
  const first = await openIn(at.db, { workflows: [`${at.folder.url}order.ts`] });
  for (const runId of ["o-1", "o-2", "o-3"]) {
    await reached(await first.start("order", null, { runId }), "suspended");
  }
  const { hash: old } = (await first.run("o-1").status()).version;
  await first.close();
  const node = await openIn(at.db, { workflows: [`${at.folder.url}${next}/order.ts`] });
  const { versions } = await node.versions.list({ workflow: "order", current: true });
  return { node, old, current: versions[0]!.hash };
}

forEachDatabase("pages of versions", (database, test) => {
  test("a version says who needs it, what it consists of, and where its bytes are", async () => {
    await using at = await scene(database);
    const { node, old } = await deployed(at, "new");
    await using _ = node;
    const observed = observe(node);
    const page = await observed.page(`/versions/${old.slice(0, 8)}`);
    assert(page.includes(old));
    assert.deepEqual(rowsOf(page, "The oldest live runs").map(([id]) => id), ["o-1", "o-2", "o-3"]);
    assert.deepEqual(
      rowsOf(page, "Modules").map(([label, media]) => [label, media]),
      [["order.ts root", "ts"], ["tax.ts", "ts"]],
    );
    const member = await observed.page(`/versions/${old}/source?member=tax.ts`);
    assert.match(text(elements(member, "code")[0]!), /export const tax: number = 1;/);
    const entry = elements(await observed.page(`/versions/${old}/source`), "code")[0]!;
    assert.match(text(entry), /ctx\.run\("charge"/);
    const list = await observed.page("/versions?workflow=order");
    assert.deepEqual(
      [...linksOf(list, "Compare two"), ...linksOf(list, "Move runs")],
      ["./versions/diff", "./upgrade?workflow=order"],
    );
    assert.equal((await observed.ask("/versions/abcdef12")).status, 404);
    assert.equal((await observed.ask("/versions/xyz")).status, 400);
    const without = observe(node, { without: ["source"] });
    assert.equal((await without.ask(`/versions/${old}/source`)).status, 403);
    assert.equal(linksOf(await without.page(`/versions/${old}`), "order.ts").length, 0);
  });

  test("a version says which keys have signed it, and shows no other text as a key", async () => {
    await using at = await scene(database);
    const { hash } = (await at.node.versions.list({ workflow: "echo" })).versions[0]!;
    const [key, other] = [makeSigningKey(), makeSigningKey()];
    await at.node.versions.addSignatures(
      [key, other].map((each) => formatSignature(each.sign("echo", hash))).join("\n"),
    );
    await at.db.query(
      "alter table {schema}.version_signatures drop constraint version_signatures_key_check",
    );
    await at.db.query(
      "update {schema}.version_signatures set key = '<b>mallory</b>' where key = $1",
      [
        other.public.id,
      ],
    );
    const shown = async (trust?: TrustOptions) => {
      const { database, schema } = at.db;
      await using client = await Continuum.connect({
        ...{ database, schema },
        ...(trust === undefined ? {} : { trust }),
      });
      const observed = observe(client);
      const page = await observed.page(`/versions/${hash}`);
      const chips = elements(page, "<code>").filter((code) =>
        attribute(code, "title") === key.public.id
      );
      const [row] = rowsOf(await observed.page("/versions"), "Versions, the newest first");
      assert(!page.includes("mallory"));
      assert(row!.includes(text(chips[0]!)), "the list says the same");
      return chips.map((chip) => [text(chip), attribute(chip, "class")]);
    };
    const id = key.public.id.slice(0, 8);
    assert.deepEqual(await shown(), [[id, "chip"]]);
    assert.deepEqual(await shown({ keys: [key.public.text] }), [[id, "chip good"]]);
    assert.deepEqual(await shown({ keys: [other.public.text] }), [
      [`${id} not valid here`, "chip bad"],
    ]);
  });

  test("two versions differ line by line, and a change of types alone is named", async () => {
    await using at = await scene(database);
    const { node, old, current } = await deployed(at, "new");
    await using _ = node;
    const observed = observe(node);
    const page = await observed.page(`/versions/diff?a=${old}&b=current`);
    assert.deepEqual(rowsOf(page, "Modules that differ"), [
      ["order.ts", "changed", "+1 −1", ""],
      ["tax.ts", "changed", "+1 −1", "the same after types are stripped"],
    ]);
    const [diff] = elements(page, "diff");
    const changed = [...elements(diff!, "removed"), ...elements(diff!, "added")];
    assert.deepEqual(changed.map((line) => text(elements(line, "text")[0]!)), [
      'await ctx.run("charge", () => 1);',
      'await ctx.run("score", () => 1);',
    ]);
    assert.match(await observed.page(`/versions/diff?a=${old}&b=${old}`), /The same version/);
    const one = await observed.page(`/versions/diff?a=${old}&b=${current}&member=tax.ts`);
    assert.equal(elements(one, "diff").length, 1);
    const split = await observed.page(`/versions/diff?a=${old}&b=current&member=order.ts&split=1`);
    const [before, after] = elements(split, "diff");
    const level = (side: Element) =>
      elements(side, "line").map((line) => attribute(line, "class")!.split(" ")[1]);
    const edited = level(before!).indexOf("removed");
    assert(edited > 0);
    assert.equal(level(after!)[edited], "added", "what belongs together is level");
    assert.equal(level(before!).length, level(after!).length);
    const spaceless = await observed.page(`/versions/diff?a=${old}&b=current&nospace=1`);
    assert.match(spaceless, /Show white space/);
    assert.equal((await observed.ask("/versions/diff")).status, 200);
  });

  test("verdicts are grouped by cause with the lines of both versions, and looking changes nothing", async () => {
    await using at = await scene(database);
    const { node, old } = await deployed(at, "new");
    await using _ = node;
    const observed = observe(node);
    const page = await observed.page("/upgrade?workflow=order");
    const [group] = elements(page, "verdict");
    assert.match(text(group!), /drifts.*3 of 3 runs.*charge.*score.*at event 1/);
    assert.deepEqual(elements(elements(group!, "both-lines")[0]!, "<code>").map(text), [
      'await ctx.run("charge", () => 1);',
      'await ctx.run("score", () => 1);',
    ]);
    assert.equal(linksOf(page, "Move").length, 0);
    const hidden = await observe(node, { without: ["source"] }).page("/upgrade?workflow=order");
    assert(!hidden.includes("ctx.run("));
    assert.equal((await node.run("o-1").status()).version.hash, old);
    assert.equal((await observed.ask("/upgrade?workflow=order&limit=0")).status, 400);
  });

  test("the patches of a workflow are listed with their lines, and the runs that need them", async () => {
    await using at = await scene(database, {
      "patched.ts": source(
        `if (ctx.patched("dates")) await ctx.run("dates", () => 1);
return await ctx.waitForSignal("end");`,
        `{ name: "patched" }`,
      ),
    });
    await reached(await at.node.start("patched", null, { runId: "p-1" }), "suspended");
    const { hash } = (await at.node.run("p-1").status()).version;
    const page = await observe(at.node).page(`/versions/${hash}/patches`);
    assert.deepEqual(rowsOf(page, "Patches"), [
      ["dates", "may go", "0", "0", "1", "", `patched.ts:4 of ${hash.slice(0, 7)} current`],
    ]);
    assert.match(linksOf(page, "patched.ts:4")[0]!, /source\?member=.*#patched\.ts%3A4$/);
    const { hash: echo } = (await at.node.versions.list({ workflow: "echo" })).versions[0]!;
    assert.match(await observe(at.node).page(`/versions/${echo}/patches`), /No patch/);
  });

  test("runs that replay are moved after their plan was confirmed, as a job that is listed", async () => {
    await using at = await scene(database);
    const { node, old, current } = await deployed(at, "next");
    await using _ = node;
    const observed = observe(node);
    const page = await observed.page(`/upgrade?workflow=order&version=${old}&id=o-`);
    const [apply] = linksOf(page, "Move 3 runs");
    assert.match(text(elements(page, "verdict")[0]!), /replays ?3 of 3 runs/);
    const confirm = await observed.page(
      new URL(apply!, "http://h/upgrade").href.replace("http://h", ""),
    );
    const form = fieldsOf(confirm);
    const path = "/upgrade/apply";
    assert.equal((await observed.ask(path, { form: { ...form, seen: "other" } })).status, 409);
    assert.equal((await node.run("o-1").status()).version.hash, old);
    const done = await observed.ask(path, { form });
    assert.equal(done.status, 303);
    for (const id of ["o-1", "o-2", "o-3"]) {
      assert.equal((await node.run(id).status()).version.hash, current);
    }
    const [job] = rowsOf(await observed.page("/upgrade"), "Upgrades");
    assert.deepEqual(job!.slice(2, 6), ["order", current.slice(0, 7), "3", "3 moved"]);
    const without = observe(node, { without: ["upgrade"] });
    assert.equal((await without.ask(path, { form })).status, 403);
  });
});

Deno.test("a patch is read with the numbers of both sides, and what it leaves out", () => {
  const patch = [
    "--- a",
    "+++ a",
    "@@ -2,3 +2,3 @@",
    " two",
    "-three",
    "+drei",
    " four",
    "@@ -9,1 +9,0 @@",
    "---nine",
    "\\ No newline at end of file",
    "",
  ].join("\n");
  assert.deepEqual(
    patchLines(patch).map(({ kind, before, after, text }) => [kind, before, after, text]),
    [
      ["gap", null, null, ""],
      ["same", 2, 2, "two"],
      ["removed", 3, null, "three"],
      ["added", null, 3, "drei"],
      ["same", 4, 4, "four"],
      ["gap", null, null, ""],
      ["removed", 9, null, "--nine"],
    ],
  );
  assert.deepEqual(
    patchLines("@@ -0,0 +1,1 @@\n+new\n").map(({ kind, after, text }) => [kind, after, text]),
    [["added", 1, "new"]],
  );
});
