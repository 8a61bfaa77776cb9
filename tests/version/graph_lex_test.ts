import assert from "node:assert/strict";
import fc from "fast-check";
import { findImports, positionOf } from "../../src/version/imports/lex.ts";

type Language = "js" | "jsx" | "ts" | "tsx";

async function specifiers(source: string, media: Language, isThorough = false): Promise<unknown[]> {
  const { imports } = await findImports(source, media, "test", isThorough);
  return imports.map(({ specifier, type, isDynamic }) =>
    [specifier, ...(type === undefined ? [] : [type]), ...(isDynamic ? ["dynamic"] : [])].join(" ")
  );
}

/** Statements, with what each imports. */
const STATEMENTS: [source: string, found: string[], languages: Language[]][] = [
  ['import "./a.ts";', ["./a.ts"], ["js", "jsx", "ts", "tsx"]],
  ['import a, { b as c } from "./b.ts"', ["./b.ts"], ["js", "ts"]],
  ['import*as d from"./c.ts";', ["./c.ts"], ["js", "ts"]],
  ['export * as e from "\\x2e/d.ts";', ["./d.ts"], ["js", "ts"]],
  ['import j from "./e.json" with { "type": "json" };', ["./e.json json"], ["js", "ts"]],
  ['import type F from "./f.ts";', [], ["ts", "tsx"]],
  ['import { type G } from "./g.ts";', ["./g.ts"], ["ts", "tsx"]],
  ['export type { H } from "./h.ts";', [], ["ts", "tsx"]],
  ['type I = import("./i.ts").I;', [], ["ts", "tsx"]],
  ['await import("./j.ts");', ["./j.ts dynamic"], ["js", "ts", "tsx"]],
  ["void import(`./k.ts`);", ["./k.ts dynamic"], ["js", "ts", "tsx"]],
  ["void import(`./${1}.ts`);", [" dynamic"], ["js", "ts", "tsx"]],
  ['void import("./l" + ".ts");', [" dynamic"], ["js", "ts"]],
  ['await import("./m.json", { with: { type: "json" } });', ["./m.json json dynamic"], [
    "js",
    "ts",
  ]],
  ['import source n from "./n.wasm";', ["./n.wasm"], ["js", "ts"]],
  ['// import "./no.ts"', [], ["js", "jsx", "ts", "tsx"]],
  ['/* export * from "./no.ts" */', [], ["js", "jsx", "ts", "tsx"]],
  ['const s = "import \\"./no.ts\\"";', [], ["js", "ts"]],
  ["const t = `import './no.ts' ${`from './no.ts'`}`;", [], ["js", "ts"]],
  ["if (1) /import '.\\/no'/.test('');", [], ["js", "ts"]],
  ["const u = 1 / 2 / 3; // '", [], ["js", "ts"]],
  ["const o = { import: 1, from: 2 }; o.import;", [], ["js", "ts"]],
  ['const v = <p>import "./no.ts" it\'s</p>;', [], ["jsx", "tsx"]],
  ["const w = <T,>(x: T): T => x;", [], ["ts", "tsx"]],
  ["const x = <number>(1 as unknown) satisfies number;", [], ["ts"]],
  ["enum Y { A = 1 } namespace Z { export const z = 1; }", [], ["ts", "tsx"]],
  ["class B1 { constructor(@d private readonly b: number) {} }", [], ["ts"]],
  ["@d class C1 { @d accessor a = 1; }", [], ["ts", "js"]],
  ["{ using r = f(); }", [], ["ts", "js"]],
  ['declare module "x" { import "./no.ts"; }', [], ["ts"]],
  ['import q = require("./no.ts");', [], ["ts"]],
];

Deno.test("every form of import is found, and nothing that only looks like one", async () => {
  for (const [source, found, languages] of STATEMENTS) {
    for (const media of languages) {
      const program = `export {};\n${source}\n`;
      assert.deepEqual(await specifiers(program, media), found, `${media}: ${source}`);
      assert.deepEqual(await specifiers(program, media, true), found, `parsed ${media}: ${source}`);
    }
  }
});

Deno.test("lexing and parsing agree on programs made of many statements", async () => {
  for (const media of ["js", "jsx", "ts", "tsx"] as const) {
    const statements = STATEMENTS.filter(([source, , languages]) =>
      languages.includes(media) && !/\b(const|enum|class|import|type) \w/.test(source)
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom(...statements), { maxLength: 6 }),
        fc.constantFrom("\n", "\r\n", ";\n"),
        async (chosen, separator) => {
          const program = ["export {}", ...chosen.map(([source]) => source)].join(separator);
          const expected = chosen.flatMap(([, found]) => found);
          assert.deepEqual(await specifiers(program, media), expected);
          assert.deepEqual(await specifiers(program, media, true), expected);
        },
      ),
      { numRuns: 50 },
    );
  }
});

Deno.test("a hash-bang line is no syntax error", async () => {
  assert.deepEqual(await specifiers('#!/usr/bin/env deno\nimport "./a.ts";', "ts"), ["./a.ts"]);
  assert.deepEqual(await specifiers('#!/usr/bin/env deno\nimport "./a.ts";', "tsx"), ["./a.ts"]);
});

Deno.test("positions count lines and columns from 1", () => {
  assert.deepEqual(positionOf("ab\ncd", 0), { line: 1, column: 1 });
  assert.deepEqual(positionOf("ab\ncd", 2), { line: 1, column: 3 });
  assert.deepEqual(positionOf("ab\r\ncd", 5), { line: 2, column: 2 });
});
