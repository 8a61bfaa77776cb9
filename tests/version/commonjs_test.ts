/**
 * Files that Deno executes as CommonJS, although their names don't say so, are in no version.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readGraph } from "../../src/version/graph/read.ts";
import { type Files, makeFolder } from "../support/modules.ts";

const COMMONJS = '{"type":"commonjs"}';
const SCRIPT = "globalThis.t = typeof this;";

/** A file's name, its text, and the `package.json` beside it, and above that. */
type Case = readonly [
  name: string,
  text: string,
  beside?: string | undefined,
  above?: string | undefined,
];

const CASES: readonly Case[] = [
  ...["m.js", "m.ts", "m.jsx", "m.tsx", "m", "m.d.ts", "m.JS", "m.mjs", "m.mts", "m.d.mts"]
    .map((name) => [name, SCRIPT, COMMONJS] as const),
  ...["{}", '{"type":"module"}', '{"type":"commonJS"}', '{"type":5}']
    .map((beside) => ["m.js", SCRIPT, beside] as const),
  ["m.js", SCRIPT, undefined, COMMONJS],
  ["m.js", SCRIPT, "{}", COMMONJS],
  ["m.js", SCRIPT, COMMONJS, '{"type":"module"}'],
  ["m.js?a=1", SCRIPT, COMMONJS],
  ...[
    "",
    "#!/usr/bin/env node\nglobalThis.t = 1;",
    "// export const a = 1;\nglobalThis.t = 'import \"./a.js\"';",
    "void import('node:fs');",
    "const f = async () => { await 1; for await (const a of []); };",
    "using a = null;",
    "with ({}) { globalThis.t = 1; }",
    "return 5;",
    "export {};",
    "export const a = 1;",
    "export * from 'node:fs';",
    "import 'node:fs';",
    "const code = `export = 5`; export default code;",
  ].map((text) => ["m.js", text, COMMONJS] as const),
  ...[
    "export = 5;",
    "import a = require('node:fs'); globalThis.t = a;",
    "export import a = require('node:fs'); globalThis.t = a;",
    "namespace N { export const a = 1; }",
    "declare module 'x' { export const a: 1; }",
    "export type A = 1;",
    "import type { A } from './a.ts';",
    "export as namespace a;",
    "export declare const a: 1;",
    "export interface A {}",
  ].map((text) => ["m.ts", text, COMMONJS] as const),
  ...[undefined, "{}", COMMONJS, '{"type":"module"}'].flatMap((beside) =>
    [SCRIPT, "export {};"].map((text) => ["node_modules/a/m.js", text, beside] as const)
  ),
];

/** Folders with a case each, and `main.mjs`, which says what Deno executes as CommonJS. */
async function makeCases(cases: readonly Case[], config: Files, args: readonly string[] = []) {
  const files: Record<string, string | Uint8Array> = { ...config };
  const paths = cases.map(([name, text, beside, above], i) => {
    const path = `c${i}/${name}`;
    const file = path.replace(/\?.*/, "");
    files[file] = text;
    const folder = file.slice(0, file.lastIndexOf("/") + 1);
    if (beside !== undefined) files[`${folder}package.json`] = beside;
    if (above !== undefined) {
      files[`c${i}/sub/${name}`] = text;
      files[`c${i}/package.json`] = above;
      if (beside !== undefined) files[`c${i}/sub/package.json`] = beside;
    }
    return above === undefined ? path : `c${i}/sub/${name}`;
  });
  files["main.mjs"] = `const told = [];
for (const path of ${JSON.stringify(paths)}) {
  const module = await import("./" + path);
  told.push("module.exports" in module);
}
console.log(JSON.stringify(told));
`;
  for (const [i, path] of paths.entries()) {
    files[`static${i}.mts`] = `import ${JSON.stringify(`./${path}`)};`;
    files[`dynamic${i}.mts`] = `await import(${JSON.stringify(`./${path}`)});`;
  }
  const folder = await makeFolder(files);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", ...args, "main.mjs"],
    cwd: new URL(folder.url).pathname,
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const told: boolean[] = JSON.parse(new TextDecoder().decode(stdout));
  return { folder, paths, told };
}

async function check(cases: readonly Case[], config: Files): Promise<boolean[]> {
  const { folder, paths, told } = await makeCases(cases, config);
  await using _ = folder;
  const differing: string[] = [];
  for (const [i, path] of paths.entries()) {
    for (const way of ["static", "dynamic"]) {
      const error: Error | undefined = await readGraph(`${folder.url}${way}${i}.mts`)
        .then(() => undefined, (error) => error);
      const isRefused = error !== undefined &&
        error.message.startsWith(`Cannot pin ${folder.url}${path}: Deno runs it as CommonJS`);
      if (isRefused !== told[i] || error !== undefined && !isRefused) {
        differing.push(`${way} ${cases[i]}: ${told[i]}, ${error?.message}`);
      }
    }
  }
  assert.deepEqual(differing, []);
  return told;
}

Deno.test("a file that Deno runs as CommonJS by its package is refused by name, and no other", async () => {
  const told = await check(CASES, { "package.json": "{}" });
  assert(told.filter((isCommonJs) => isCommonJs).length > 20);
  assert(told.filter((isCommonJs) => !isCommonJs).length > 15);
});

Deno.test("packages decide nothing where the project has none, as in Deno", async () => {
  const told = await check([["m.js", SCRIPT, COMMONJS]], { "deno.json": "{}" });
  assert.deepEqual(told, [false]);
});

Deno.test('with "unstable": ["detect-cjs"] a file without a type is CommonJS, as in Deno', async () => {
  const told = await check([
    ["m.js", SCRIPT],
    ["m.js", SCRIPT, "{}"],
    ["m.js", SCRIPT, '{"type":"module"}'],
    ["m.js", "export {};"],
  ], { "deno.json": '{"unstable":["detect-cjs"]}' });
  assert.deepEqual(told, [true, true, false, false]);
});

Deno.test("a package of the workspace makes Deno look at all of them", async () => {
  const told = await check([["m.js", SCRIPT, COMMONJS], ["m.js", SCRIPT, COMMONJS]], {
    "deno.json": '{"workspace":["./c0"]}',
  });
  assert.deepEqual(told, [true, true]);
});
