/**
 * Every form of import and every kind of module file: what the runtime executes in a process of its
 * own, and what is loaded from verified bytes, come to the same, or the module is refused by name.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readGraph } from "../../src/version/graph/read.ts";
import { Loader } from "../../src/version/load/loader.ts";
import { runNatively, runnerFiles, runVerified } from "./fidelity/compare.ts";
import { makeFolder } from "../support/modules.ts";

/** What stands beside each program, in a folder of its own: the runtime keeps what it has read. */
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "t.txt": "hello\r\nwörld",
  "bom.txt": "\uFEFFbom",
  "wide.txt": new Uint8Array([0xff, 0xfe, 65, 0, 66, 0]),
  "broken.txt": new Uint8Array([65, 0xff, 66]),
  "d.json": '{"a":1,"__proto__":{"b":2},"a":3,"1":0}',
  "list.json": "[1]",
  "null.json": "null",
  "bom.json": "\uFEFF[1]",
  "text.json": '"\\u0000\\ud800"',
  "bad.json": "{",
  "m.ts": 'say("m"); export const v = 1; export default 2;',
  "m.mts": "export default 1 as number;",
  "m.cts": "module.exports = 1;",
  "m.cjs": "module.exports = { a: 1 };",
  "m.mjs": "export default 3;",
  "m.d.ts": "export declare const a: 1;",
  "jsx.js": "export default <a/>;",
  "typed.js": "export default 1 as number;",
  "strict.js": "export default (function () { return this === undefined; })();",
  "comment.js": "<!-- a comment of scripts\nexport default 1;",
  "bang.ts": "#!/usr/bin/env deno\nexport default 1;",
  "nameless": 'export default "typed" as string;',
  "t.es": "export default 1;",
  "t.html": "<b>",
  "t.yaml": "a: 1",
  "s.css": "a {}",
  "w.wasm": new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]),
  ...Object.fromEntries(
    ["txt", "jsonc", "json5", "ts", "js", "yaml", "css", "map", "cjs", "d.ts", "tsx"].map((
      ending,
    ) => [`list.${ending}`, "[7]"]),
  ),
};

const dynamic = (call: string) =>
  `export default async () => { try { return (await ${call}).default } catch (e) { return e.name } };`;

/** Extension and text of programs that come to the same, errors included. */
const SAME: readonly (readonly [string, string])[] = [
  ...Object.keys(FILES).filter((name) => /^(list|\w+\.txt|t\.\w+$)/.test(name)).flatMap((name) =>
    ["json", "text", "bytes"].map((type) =>
      ["ts", `import m from "./${name}" with { type: "${type}" }; export default m;`] as const
    )
  ),
  ...["d", "null", "bom", "text", "bad"].map((name) =>
    ["ts", `import m from "./${name}.json" with { type: "json" }; export default m;`] as const
  ),
  ...[
    `import t from "./m.ts" with { type: "text" }; import m from "./m.ts"; export default [t, m];`,
    `import b from "./broken.txt" with { type: "bytes" }; export default [b.constructor.name, b.buffer.byteLength, b.byteOffset, Object.isFrozen(b)];`,
    `import b from "./t.txt" with { type: "bytes" }; b[0] = 9; const c = (await import("./t.txt", { with: { type: "bytes" } })).default; export default [c === b, c[0]];`,
    `import d from "./d.json" with { type: "json" }; d.a = 5; const e = (await import("./d.json", { with: { type: "json" } })).default; export default [e === d, Object.isFrozen(d), Object.getOwnPropertyNames(d), Object.getPrototypeOf(d) === Object.prototype];`,
    `import * as d from "./d.json" with { type: "json" }; export default [Object.keys(d), d.default];`,
    `import { a } from "./d.json" with { type: "json" }; export default a;`,
    `import d from "./d.json"; export default d;`,
    `import d from "./d.json" with { type: "Json" }; export default d;`,
    `import d from "./d.json" assert { type: "json" }; export default d;`,
    `import d from "./d.json" with { type: "json", lazy: "true" }; export default d;`,
    `import d from "./m.ts" with { lazy: "true" }; export default d;`,
    `export { default } from "./m.ts" with { lazy: "true" };`,
    `import d from "./m.ts" with { type: "javascript" }; export default d;`,
    `import d from "./m.ts" with {}; export default d;`,
    `import * as t from "./t.txt" with { type: "text" }; export default [Object.keys(t), t.default];`,
    `export { default } from "./t.txt" with { type: "text" };`,
    `export * as default from "./t.txt" with { type: "text" };`,
    `export * from "./t.txt" with { type: "text" }; export default 1;`,
    ...[
      "application/json",
      "text/json",
      "application/ld+json",
      "text/plain",
      "",
      "application/jsonc",
    ]
      .map((type) => `import m from "data:${type},[7]" with { type: "json" }; export default m;`),
    dynamic('import("./t.txt", { with: { type: "text" } })'),
    dynamic('import("./t.txt", { with: { "type": "text" } })'),
    dynamic('import("./t.txt", { with: { type: "nope" } })'),
    dynamic('import("./list.txt", { with: { type: "json" } })'),
    dynamic('import("./list.json")'),
    dynamic('import("./list.json", { assert: { type: "json" } })'),
    dynamic('import("./m.ts", undefined)'),
    dynamic('import("./m.ts", {})'),
    dynamic('import("./m.ts", { with: {} })'),
    dynamic('import("./m.ts", { with: { foo: "bar" } })'),
    dynamic('import("./m.ts", 1)'),
    dynamic('import("./m.ts", null)'),
    ...["m.mts", "m.mjs", "m.d.ts", "jsx.js", "typed.js", "strict.js", "comment.js", "bang.ts"].map(
      (name) => `import * as m from "./${name}"; export default [Object.keys(m), m.default];`,
    ),
    ...["nameless", "t.es", "t.html", "t.yaml", "s.css", "w.wasm", "none.ts"].map((name) =>
      `import * as m from "./${name}"; export default [Object.keys(m), m.default];`
    ),
    `import { a } from "./m.d.ts"; const b: typeof a = 1; export default b;`,
    `import defer from "./m.ts"; export default defer;`,
    `import source, { v } from "./m.ts"; export default [source, v];`,
    `import type defer from "./m.ts"; export default 1;`,
    `import m = require("./m.ts"); export default m;`,
    `export = 1;`,
    `export default [typeof require, typeof module, typeof exports, typeof __dirname, typeof this];`,
    `const m = await import("./m.ts"); export default [m[Symbol.toStringTag], Object.isSealed(m), Object.keys(m)];`,
    `const using = 1, accessor = 2, defer = 3, source = 4, type = 5; export default [using, accessor, defer, source, type];`,
    `const d = () => {}; class A { accessor y = 1; @d m() {} } export default new A().y;`,
    `const d = () => {}; class A { static accessor #y = 1; static y = () => this.#y } @d class B {} export default A.y();`,
    `abstract class A { abstract accessor x: number; y = 1 } export default new (A as any)().y;`,
  ].map((source) => ["ts", source] as const),
  ["mts", `enum E { A } export default E;`],
  ["mts", `export default <number>1;`],
  ["mts", `const f = <T>(x: T) => x; export default f(1);`],
  ["mjs", `export default 1;`],
  ["mjs", `export default 1 as number;`],
  ["js", `const React = { createElement: () => 1 }; export default <a/>;`],
  ["js", `class A { accessor y = 1 } export default new A().y;`],
  ["js", `const d = () => {}; @d class A {} export default A.name;`],
  ["jsx", `const d = () => {}; @d class A {} export default A.name;`],
  ["jsx", `class A { accessor y = 1 } export default new A().y;`],
];

/** Programs that are refused, whatever the runtime makes of them, and what is said. */
const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [
    "ts",
    `import m from "./m.cjs"; export default m;`,
    /m\.cjs: it is CommonJS, imported by .*\.ts/,
  ],
  ["ts", `import m from "./m.cts"; export default m;`, /m\.cts: it is CommonJS/],
  ["ts", dynamic('import("./m.cjs")'), /m\.cjs: it is CommonJS, imported by .*\.ts/],
  ["cjs", `module.exports = 1;`, /it is CommonJS/],
  ["cts", `module.exports = 1;`, /it is CommonJS/],
  [
    "ts",
    `import s from "./s.css" with { type: "css" }; export default s;`,
    /with the type "css": wanted/,
  ],
  ...["ts", "tsx", "js"].flatMap((media) =>
    [
      [
        `import defer * as m from "./m.ts"; export default m.v;`,
        /phase defer, wanted a plain import/,
      ],
      [`import source w from "./w.wasm"; export default w;`, /phase source, wanted a plain import/],
      [dynamic('import.defer("./m.ts")'), /phase defer, wanted a plain import/],
      [dynamic('import.source("./w.wasm")'), /phase source, wanted a plain import/],
    ].map(([source, message]) => [media, source as string, message as RegExp] as const)
  ),
  ...["ts", "tsx"].flatMap((media) =>
    [
      `class A { accessor y = 1 } export default 1;`,
      `enum E { A } class A { static accessor #y = 1 } export default E.A;`,
      `abstract class A { abstract accessor x: 1; declare accessor y: 1 } export default 1;`,
    ].map((source) => [media, source, /found accessor in a module without decorators/] as const)
  ),
  ["ts", `for (using r = null; ;) break; export default 1;`, /line 1, column 6: found a resource/],
];

async function makePrograms(programs: readonly (readonly [string, string, ...unknown[]])[]) {
  const files: Record<string, string | Uint8Array> = {
    // What Deno asks for before it reads texts and bytes, and a version needs no leave for.
    "deno.json": JSON.stringify({ unstable: ["raw-imports"] }),
    ...await runnerFiles(),
  };
  for (const [i, [ending, source]] of programs.entries()) {
    files[`p${i}/p.${ending}`] = source;
    for (const [name, content] of Object.entries(FILES)) {
      // A program has what it names, so that a thousand files are not written.
      if (source.includes(name)) files[`p${i}/${name}`] = content;
    }
  }
  const folder = await makeFolder(files);
  return { folder, urls: programs.map(([ending], i) => `${folder.url}p${i}/p.${ending}`) };
}

Deno.test({
  name: "every form of import and kind of file comes to the same from verified bytes",
  sanitizeOps: false,
  async fn() {
    const { folder, urls } = await makePrograms(SAME);
    await using _ = folder;
    const native = await runNatively(folder.url, urls);
    const loader = new Loader();
    const differing: string[] = [];
    for (const [i, url] of urls.entries()) {
      const loaded = await runVerified(loader, url);
      const [one, other] = [native[i]!, loaded].map(({ value, seen, error }) =>
        // Each tells of what is no module in words of its own.
        JSON.stringify(error === null ? { value, seen } : "no module")
      );
      if (one !== other) differing.push(`${SAME[i]}\n${JSON.stringify(native[i])}\n${other}`);
    }
    assert.deepEqual(differing, []);
    assert.ok(native.filter(({ error }) => error === null).length > 60);
  },
});

Deno.test({
  name: "forms of import and kinds of files that are not executed as natively are refused by name",
  sanitizeOps: false,
  async fn() {
    const { folder, urls } = await makePrograms(REFUSED);
    await using _ = folder;
    const loader = new Loader();
    for (const [i, url] of urls.entries()) {
      const { error } = await runVerified(loader, url);
      assert.match(error ?? "nothing was refused", REFUSED[i]![2], REFUSED[i]![1]);
    }
  },
});

Deno.test({
  name: "a dynamic import whose options only running it would tell is refused when it runs",
  sanitizeOps: false,
  async fn() {
    const options = [
      `o`,
      `{ ...o }`,
      `{ with: o.with }`,
      `{ with: { type: o.with.type } }`,
      "{ with: { type: `json` } }",
      `{ ["with"]: { type: "json" } }`,
      `{ get with() { return { type: "json" } } }`,
      `{ with: { type: "json" }, with: { type: "text" } }`,
    ].map((text) =>
      [
        "ts",
        `const o = { with: { type: "json" } }; ${dynamic(`import("./list.json", ${text})`)}`,
      ] as const
    );
    const { folder, urls } = await makePrograms(options);
    await using _ = folder;
    const loader = new Loader();
    for (const url of urls) {
      const { diagnostics } = await readGraph(url);
      assert.deepEqual(diagnostics.map(({ code }) => code), ["NON_LITERAL_IMPORT"]);
      assert.equal((await runVerified(loader, url)).value, '"LoadError"');
    }
  },
});
