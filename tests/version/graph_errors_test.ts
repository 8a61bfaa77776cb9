import assert from "node:assert/strict";
import { untrustedModule } from "../../src/version/load_errors.ts";
import {
  type ModuleGraph,
  readGraph,
  type ReadGraphOptions,
} from "../../src/version/graph/read.ts";
import { type Files, makeFolder, serve } from "../support/modules.ts";

async function graphOf(files: Files, options: ReadGraphOptions = {}): Promise<ModuleGraph> {
  await using folder = await makeFolder(files);
  return await readGraph(`${folder.url}order.ts`, options);
}

async function refused(
  files: Files,
  code: string,
  message: RegExp,
  options: ReadGraphOptions = {},
): Promise<void> {
  await assert.rejects(graphOf(files, options), { code, message });
}

Deno.test("the error of a missing file names its importer, line and column", async () => {
  await refused({}, "MODULE_NOT_FOUND", /order\.ts: there is no such file/);
  await refused(
    { "order.ts": 'import "./a.ts";', "a.ts": 'export {};\n  import "./gone.ts";' },
    "MODULE_NOT_FOUND",
    /gone\.ts: there is no such file, imported by file:.*\/a\.ts:2:3$/,
  );
  await refused(
    { "order.ts": 'import "bare";' },
    "MODULE_NOT_FOUND",
    /"bare" is bare, and no import map .*order\.ts:1:1$/,
  );
  await refused({ "order.ts": 'import "ftp://a/b";' }, "MODULE_NOT_FOUND", /scheme/);
  await refused({ "order.ts": 'import "npm:";' }, "MODULE_NOT_FOUND", /not an npm: or jsr:/);
});

Deno.test("HTTP statuses: 404 and 410 say that a module is not there, others that it may be", async () => {
  await using server = serve({ "a.ts": 404, "b.ts": 410, "c.ts": 500, "d.ts": 403 });
  const codes = ["a", "b", "c", "d"].map((name) =>
    readGraph(`${server.url}${name}.ts`).catch((error) => error.code)
  );
  assert.deepEqual(await Promise.all(codes), [
    "MODULE_NOT_FOUND",
    "MODULE_NOT_FOUND",
    "MODULE_UNREADABLE",
    "MODULE_UNREADABLE",
  ]);
  const closed = server.url;
  await server[Symbol.asyncDispose]();
  await assert.rejects(readGraph(`${closed}a.ts`), { code: "MODULE_UNREADABLE" });
});

Deno.test("the error of a file that is not a module has line and column", async () => {
  const where = /order\.ts as a module: line 2, column \d+: /;
  await refused({ "order.ts": "// a page\n<!doctype html>" }, "MODULE_SYNTAX", where);
  await refused({ "order.ts": "\nhello world" }, "MODULE_SYNTAX", where);
  await refused({ "order.ts": "\nimport { from" }, "MODULE_SYNTAX", where);
  await refused(
    { "order.ts": 'import "./a.tsx";', "a.tsx": "export const a = <p>" },
    "MODULE_SYNTAX",
    /a\.tsx as a module.*imported by .*order\.ts:1:1/,
  );
  await refused(
    { "order.ts": 'import a from "./a.json" with { type: "json" };', "a.json": "{,}" },
    "MODULE_SYNTAX",
    /a\.json as JSON/,
  );
  await refused(
    { "order.ts": 'import a from "./a.json";', "a.json": "{}" },
    "MODULE_SYNTAX",
    /wanted with \{ type: "json" \}/,
  );
  await refused(
    { "order.ts": 'import a from "./a.wasm";', "a.wasm": "no" },
    "MODULE_SYNTAX",
    /as WebAssembly/,
  );
  await refused(
    { "order.ts": 'import a from "./a.css" with { type: "css" };', "a.css": "" },
    "MODULE_SYNTAX",
    /wanted "json", "text" or "bytes"/,
  );
  await refused(
    { "order.ts": 'import "./a.cjs";', "a.cjs": "module.exports = 1" },
    "MODULE_SYNTAX",
    /CommonJS/,
  );
});

Deno.test("the application's main module and the engine cannot be in a graph", async () => {
  await using folder = await makeFolder({
    "main.ts": 'import "./order.ts";',
    "order.ts": 'import "./a.ts"; export {};',
    "a.ts": 'import "./main.ts"; export {};',
    "lazy.ts": 'export const f = () => import("./main.ts");',
  });
  const main = `${folder.url}main.ts`;
  for (const root of ["order.ts", "lazy.ts", "main.ts"]) {
    await assert.rejects(readGraph(folder.url + root, { main }), {
      code: "GRAPH_FORBIDDEN",
      message: /the application's main module/,
    });
    await assert.rejects(readGraph(folder.url + root, { engine: [main] }), {
      code: "GRAPH_FORBIDDEN",
    });
  }
  for (
    const specifier of [
      "@continuum/continuum",
      "@continuum/continuum/testing",
      "jsr:@continuum/continuum@1.0.0",
      "npm:@continuum/continuum",
      "https://jsr.io/@continuum/continuum/1.0.0/mod.ts",
      new URL("../../mod.ts", import.meta.url).href,
      new URL("../../src/version/graph/read.ts", import.meta.url).href,
    ]
  ) {
    await refused({ "order.ts": `await import("${specifier}");` }, "GRAPH_FORBIDDEN", /workflow/);
  }
});

Deno.test("only a file may import a file", async () => {
  await using folder = await makeFolder({ "secret.ts": "export {};" });
  const file = `${folder.url}secret.ts`;
  await using server = serve({
    "order.ts": `import "${file}";`,
    "lazy.ts": `await import("${file}");`,
    "hop.ts": { redirect: file },
  });
  for (const name of ["order.ts", "lazy.ts", "hop.ts"]) {
    await assert.rejects(readGraph(server.url + name), { code: "GRAPH_FORBIDDEN" }, name);
  }
  const data = `data:text/javascript,${encodeURIComponent(`import "${file}"`)}`;
  await refused({ "order.ts": `import "${data}";` }, "GRAPH_FORBIDDEN", /only a file/);
});

Deno.test("the trust hook sees the root, every redirect and every member, and its refusal ends all", async () => {
  await using server = serve({
    "order.ts": 'import "./a.ts"; await import("./b.ts");',
    "a.ts": { redirect: "/c.ts" },
    "b.ts": "export {};",
    "c.ts": "export {};",
  });
  for (const name of ["order.ts", "a.ts", "b.ts", "c.ts"]) {
    const refusal = untrustedModule(name, "not trusted");
    const check = (url: string) => {
      if (url.endsWith(`/${name}`)) throw refusal;
    };
    await assert.rejects(readGraph(`${server.url}order.ts`, { check }), {
      code: "UNTRUSTED_MODULE",
    });
  }
  assert.equal(server.requests.filter((path) => path === "/c.ts").length, 1);
});

Deno.test("bounds: members, bytes, depth and redirects", async () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 10; i++) files[`m${i}.ts`] = `import "./m${i + 1}.ts"; export {};`;
  files["order.ts"] = 'import "./m0.ts"; export {};';
  files["m10.ts"] = "export {};";
  assert.equal(
    (await graphOf(files, { limits: { members: 12, depth: 11 } })).manifest.content.members.length,
    12,
  );
  await refused(files, "GRAPH_LIMIT", /more members than 11/, { limits: { members: 11 } });
  await refused(files, "GRAPH_LIMIT", /more depth than 10/, { limits: { depth: 10 } });
  await refused(files, "GRAPH_LIMIT", /more bytes than 100/, { limits: { bytes: 100 } });
  await using server = serve({ "a.ts": { redirect: "/a.ts" } });
  await assert.rejects(readGraph(`${server.url}a.ts`), {
    code: "GRAPH_LIMIT",
    message: /more than 10 redirects/,
  });
});

Deno.test("a graph of 2,000 files is read, wide or deep, and refused above the limit", async () => {
  const files: Record<string, string> = {};
  const wide: string[] = [];
  for (let i = 0; i < 1000; i++) {
    files[`deep${i}.ts`] = i < 999 ? `export * from "./deep${i + 1}.ts";` : "export {};";
    files[`wide${i}.ts`] = `export const v${i} = ${i};`;
    wide.push(`import "./wide${i}.ts";`);
  }
  files["order.ts"] = `${wide.join("\n")}\nexport * from "./deep0.ts";`;
  await using folder = await makeFolder(files);
  const root = `${folder.url}order.ts`;
  const graph = await readGraph(root);
  assert.equal(graph.manifest.content.members.length, 2001);
  await assert.rejects(readGraph(root, { limits: { members: 2000 } }), { code: "GRAPH_LIMIT" });
});

Deno.test("diagnostics have a code, a label and a position; strict pinning makes them errors", async () => {
  const files = {
    "order.ts": [
      'import "./a.ts";',
      "const name = String();",
      "  await import(name);",
      "await import(`./${name}.ts`);",
      "if (import.meta.main) console.log(import.meta.url, import.meta);",
      'import chalk from "npm:chalk@^5";',
    ].join("\r\n"),
    "a.ts": 'import "jsr:@std/assert@1.0.0"; export {};',
  };
  const { diagnostics } = await graphOf(files);
  assert.deepEqual(
    diagnostics.map(({ code, label, line, column }) => [code, label, line, column]),
    [
      ["UNPINNED_EXTERNAL", "./a.ts", 1, 1],
      ["NON_LITERAL_IMPORT", "./order.ts", 3, 9],
      ["NON_LITERAL_IMPORT", "./order.ts", 4, 7],
      ["IMPORT_META", "./order.ts", 5, 35],
      ["IMPORT_META", "./order.ts", 5, 52],
      ["UNPINNED_EXTERNAL", "./order.ts", 6, 1],
    ],
  );
  await refused(
    files,
    "GRAPH_UNPINNED",
    /^Cannot pin .* exactly: \.\/a\.ts:1:1 UNPINNED_EXTERNAL .*, and 5 more$/,
    { pinning: "strict" },
  );
  await graphOf({ "order.ts": 'import "node:fs"; if (import.meta.main) 1;' }, {
    pinning: "strict",
  });
});

Deno.test("bare dynamic imports of externals are diagnosed too", async () => {
  const { diagnostics } = await graphOf({ "order.ts": 'await import("npm:chalk");' });
  assert.deepEqual(diagnostics.map((d) => d.code), ["UNPINNED_EXTERNAL"]);
});

Deno.test("a lexer that would be fooled is not believed", async () => {
  const { manifest } = await graphOf({
    "order.ts": [
      "const a = (b: number) => b < 1 / 2;",
      "const re = /import \"x\"; '/; // import 'y'",
      'const text = `${"}"} import "z" ${/`/.source}`;',
      'const f = (x: string): x is "a" => /\'/.test(x);',
      'import { g } from /* "no" */ "./g.ts";',
      "if (a(1)) /import('w')/.test(text);",
      'import old = require("./v.ts");',
    ].join("\n"),
    "g.ts": "export const g = 1;",
  });
  assert.deepEqual(manifest.content.members.map((m) => m.label).sort(), ["./g.ts", "./order.ts"]);
  const jsx = await graphOf({
    "order.ts": 'import "./v.tsx";',
    "v.tsx": "export const v = <p>it's import('x') and <b>/* import 'y' */</b></p>;\n" +
      'export { h } from "./h.ts";',
    "h.ts": "export const h = 1;",
  });
  assert.equal(jsx.manifest.content.members.length, 3);
});
