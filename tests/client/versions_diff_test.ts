/**
 * How the code of two versions is compared.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import type { VersionDiff } from "../../src/client/versions/diff.ts";
import { forEachDatabase } from "../support/database.ts";
import type { Files } from "../support/modules.ts";
import { openIn } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

/** The body of a workflow that imports a module. */
function order(price: string, before = ""): string {
  return source(
    `return ${price};`,
    `{ name: "order" }`,
    `import { tax } from "./lib/tax.ts";\n${before}`,
  );
}

const TAX = `export function tax(amount: number): number {
  return amount * 2;
}
`;

/** Registers the files as they are then, beside what the scene has. */
async function register(at: Scene, files: Files): Promise<string> {
  await at.folder.write(files);
  await using node = await openIn(at.db, { workflows: [`${at.folder.url}order.ts`] });
  return (await node.versions.list({ workflow: "order" })).versions[0]!.hash;
}

/** What differs, without the patches. */
function outline({ members }: VersionDiff): unknown[] {
  return members.map(({ change, label, renamedFrom, sameCode }) =>
    [change, label, renamedFrom, sameCode] as const
  );
}

forEachDatabase("the diff of two versions", (database, test) => {
  const files = { "order.ts": order("tax(input)"), "lib/tax.ts": TAX };

  /** Compares `files` with `edited`, as registered versions. */
  async function compare(
    edited: Files,
    check: (diff: VersionDiff, at: { node: Continuum; old: string; now: string }) => unknown,
  ): Promise<void> {
    await using at = await scene(database);
    const old = await register(at, files);
    const now = await register(at, edited);
    await check(await at.node.versions.diff(old, now), { node: at.node, old, now });
  }

  test("pairs modules by label and shows a unified patch of each", () =>
    compare({ "lib/tax.ts": TAX.replace("* 2", "* 3") }, async (diff, { node, old, now }) => {
      assert.deepEqual(outline(diff), [["changed", "./lib/tax.ts", null, false]]);
      assert.deepEqual([diff.a, diff.b, diff.same, diff.sameCode], [old, now, false, false]);
      assert.equal(diff.unchanged, 1);
      const [member] = diff.members;
      assert.deepEqual([member!.added, member!.removed, member!.gaveUp], [1, 1, false]);
      assert.match(
        member!.patch!,
        /^--- \.\/lib\/tax\.ts\n\+\+\+ \.\/lib\/tax\.ts\n@@ -1,3 \+1,3 @@\n/m,
      );
      assert.match(member!.patch!, /^- +return amount \* 2;\n\+ +return amount \* 3;$/m);
      const nothing = await node.versions.diff(now, now);
      assert.deepEqual(
        [nothing.same, nothing.sameCode, nothing.members, nothing.unchanged],
        [true, true, [], 2],
      );
    }));

  test("says of a module whose types, comments and layout alone differ that it does the same", () =>
    compare({
      "lib/tax.ts": `// Twice as much.
export type Amount = number;
export function tax(amount: Amount): Amount { return amount * 2 }
`,
    }, (diff) => {
      assert.deepEqual(outline(diff), [["changed", "./lib/tax.ts", null, true]]);
      assert.equal(diff.sameCode, true);
    }));

  test("does not say so where a line break decides what is returned", () =>
    compare({ "lib/tax.ts": TAX.replace("return amount", "return\n amount") }, (diff) => {
      assert.deepEqual(outline(diff), [["changed", "./lib/tax.ts", null, false]]);
    }));

  test("pairs renamed modules by digest, and tells added from removed ones", () =>
    compare({
      "order.ts": order("tax(input) + more", `import { more } from "./more.ts";`)
        .replace("./lib/tax.ts", "./lib/vat.ts"),
      "lib/vat.ts": TAX,
      "more.ts": "export const more = 1;\n",
    }, async (diff, { node, old, now }) => {
      assert.deepEqual(outline(diff), [
        ["renamed", "./lib/vat.ts", "./lib/tax.ts", false],
        ["added", "./more.ts", null, false],
        ["changed", "./order.ts", null, false],
      ]);
      assert.equal(diff.members[0]!.patch, null);
      assert.equal(diff.members[1]!.removed, 0);
      const back = await node.versions.diff(now, old);
      assert.deepEqual(outline(back)[1], ["removed", "./more.ts", null, false]);
      const part = await node.versions.diff(old, now, { member: "./lib/tax.ts" });
      assert.deepEqual(outline(part), [["renamed", "./lib/vat.ts", "./lib/tax.ts", false]]);
      await refused(
        node.versions.diff(old, now, { member: "./none.ts" }),
        "INVALID_ARGUMENT",
        "member",
        "./none.ts",
      );
    }));

  test("names packages by version, apart from the modules that import them", () => {
    const using = (version: string) =>
      order("tax(input)", `import { z } from "npm:zod@${version}";\nvoid z;`);
    const uses = async (diff: VersionDiff, { node, now }: { node: Continuum; now: string }) => {
      assert.deepEqual(diff.packages, [
        { name: "npm:zod", before: [], after: ["4.6.7"], otherContent: false },
      ]);
      assert.equal(diff.sameCode, false);
      const nothing = await node.versions.diff(now, now);
      assert.deepEqual(nothing.packages, []);
    };
    return compare({ "order.ts": using("4.6.7") }, uses);
  });

  test("names what else a hash covers: options and where imports lead", () =>
    compare({
      "deno.json": JSON.stringify({
        compilerOptions: { verbatimModuleSyntax: true },
        imports: { "tax": "./lib/tax.ts" },
      }),
      "order.ts": order("tax(input)").replace("./lib/tax.ts", "tax"),
    }, (diff) => {
      assert.deepEqual(
        diff.settings.map(({ kind, name, before, after }) => [kind, name, before, after]),
        [
          ["import", "tax in ./order.ts", null, "./lib/tax.ts"],
          ["option", "verbatimModuleSyntax", null, "true"],
        ],
      );
      assert.equal(diff.sameCode, false);
    }));

  test("compares with code that was never registered", async () => {
    await using at = await scene(database);
    const old = await register(at, files);
    await at.folder.write({ "lib/tax.ts": TAX.replace("* 2", "* 3") });
    const diff = await at.node.versions.diff(old, `${at.folder.url}order.ts`);
    assert.deepEqual(outline(diff), [["changed", "./lib/tax.ts", null, false]]);
    const { versions: known } = await at.node.versions.list({ workflow: "order" });
    assert.deepEqual(known.map(({ hash }) => hash), [old], "nothing is registered");
    await refused(at.node.versions.diff(old, "0".repeat(64)), "VERSION_UNAVAILABLE", "registered");
    await refused(at.node.versions.diff(old, "./order.ts"), "INVALID_ARGUMENT", "specifier");
    await refused(at.node.versions.diff(old, `${at.folder.url}no.ts`), "MODULE_NOT_FOUND");
  });

  test("leaves white space at the ends of lines out of account where that is wanted", () => {
    const edited = {
      "order.ts": order("tax(input) + 1"),
      "lib/tax.ts": TAX.replace("  return", "\treturn"),
    };
    return compare(edited, async (diff, { node, old, now }) => {
      const lines = ({ members }: VersionDiff) =>
        members.map(({ added, removed }) => [added, removed]);
      assert.deepEqual(lines(diff), [[1, 1], [1, 1]]);
      const without = await node.versions.diff(old, now, { ignoreWhitespace: true });
      assert.deepEqual(outline(without), outline(diff), "every module that differs is named");
      assert.deepEqual(lines(without), [[0, 0], [1, 1]]);
      await refused(
        node.versions.diff(old, now, { ignoreWhitespace: "yes" as never }),
        "INVALID_ARGUMENT",
        "option ignoreWhitespace of versions.diff()",
      );
    });
  });

  test("gives up a patch that takes longer than its timeout, and still compares the rest", () => {
    const lines = (mark: string) =>
      Array.from({ length: 20_000 }, (_, n) => `// ${mark} ${n}`).join("\n");
    return compare({ "lib/tax.ts": `${TAX}${lines("new")}` }, async (_, { node, old, now }) => {
      const { members } = await node.versions.diff(now, old, { timeout: 0 });
      assert.deepEqual(
        members.map(({ label, patch, added, gaveUp, sameCode }) => [
          label,
          patch,
          added,
          gaveUp,
          sameCode,
        ]),
        [["./lib/tax.ts", null, null, true, true]],
      );
    });
  });
});
