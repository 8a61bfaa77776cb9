/**
 * Colours of source.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type DefaultTreeAdapterTypes, parseFragment } from "parse5";
import { highlighted } from "../../src/observer/highlight.ts";
import { printable } from "../../src/base/describe.ts";
import { projectFiles } from "../support/project.ts";

/** The texts of a line, each with its colour. */
async function coloured(source: string, media: string): Promise<string[][]> {
  const lines = await highlighted(source.split("\n"), media);
  return lines.map((line) =>
    parseFragment(line.toString()).childNodes.flatMap((node) => {
      if (!("attrs" in node)) return [];
      const [colour] = node.attrs.map(({ value }) => value.replace("hl-", ""));
      return [`${colour} ${textOf(node)}`];
    })
  );
}

function textOf(node: DefaultTreeAdapterTypes.Node): string {
  if ("value" in node) return node.value;
  return "childNodes" in node ? node.childNodes.map(textOf).join("") : "";
}

Deno.test("TypeScript is coloured by its tokens", async () => {
  assert.deepEqual(
    await coloured(
      [
        `import { type A } from "./a.ts"; // note`,
        `const price = await ctx.run<number>("quote", async () => 1_000n);`,
        "const text = `a${price}b`;",
        `class Order { #id = 1; get of() { return null; } }`,
      ].join("\n"),
      "ts",
    ),
    [
      [
        "keyword import",
        "keyword type",
        "type A",
        "keyword from",
        `string "./a.ts"`,
        "comment // note",
      ],
      [
        "keyword const",
        "keyword await",
        "property run",
        "type number",
        `string "quote"`,
        "keyword async",
        "number 1_000n",
      ],
      ["keyword const", "string `a${", "string }b`"],
      [
        "keyword class",
        "type Order",
        "property #id",
        "number 1",
        "keyword get",
        "call of",
        "keyword return",
        "keyword null",
      ],
    ],
  );
});

Deno.test("comments and templates over several lines are coloured on each", async () => {
  assert.deepEqual(await coloured("/* one\n\ntwo */ let a = `x\ny`;", "js"), [
    ["comment /* one"],
    [],
    ["comment two */", "keyword let", "string `x"],
    ["string y`"],
  ]);
});

Deno.test("JSON and JSX are coloured, and other text is not", async () => {
  assert.deepEqual(await coloured(`{ "a": [1, "b", true] }`, "json"), [
    [`property "a"`, "number 1", `string "b"`, "keyword true"],
  ]);
  assert.deepEqual(await coloured(`const a = <b c="d">e</b>;`, "tsx"), [
    ["keyword const", "tag b", "tag c", `string "d"`, "tag b"],
  ]);
  assert.deepEqual(await coloured(`const a = 1;`, "text"), [[]]);
});

Deno.test("a source that can't be parsed is shown as it is", async () => {
  const source = "const = = `<b>\n\n  ) => }";
  const lines = await highlighted(source.split("\n"), "ts");
  const shown = lines.map((line) => textOf(parseFragment(line.toString()))).join("\n");
  assert.equal(shown, source);
});

Deno.test("whatever a source holds, its lines are shown as they are", async () => {
  const source = fc.string({
    unit: fc.constantFrom(..."a1 <>&\"'`${}/*()=;\n\t\u202e\0", "const ", "//", "</script>", "=>"),
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(source, fc.constantFrom("ts", "tsx", "js", "json"), async (text, media) => {
      const lines = text.split("\n");
      const shown = await highlighted(lines, media);
      assert.deepEqual(
        shown.map((line) => textOf(parseFragment(line.toString()))),
        lines.map((line) => line.replace(/[^\t]+/g, printable)),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("every module of the project is coloured", async () => {
  for (const file of (await projectFiles("src", ".ts")).slice(0, 40)) {
    const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    const colours = (await coloured(text, "ts")).flat();
    assert(colours.some((piece) => piece.startsWith("keyword ")), file);
  }
});
