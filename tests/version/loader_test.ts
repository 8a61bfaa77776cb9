/**
 * Loading versions from memory.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { onLateError } from "../../src/replay/rejections.ts";
import { readGraph, type ReadGraphOptions } from "../../src/version/graph/read.ts";
import { lateRejections } from "../../src/version/load/import_guard.ts";
import { type LoadedModules, Loader, type LoadRequest } from "../../src/version/load/loader.ts";
import { VerifiedManifest } from "../../src/version/manifest/verified.ts";
import { WORKFLOW } from "../../src/workflow/marks.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { executionFor } from "../support/executions.ts";
import { type Files, makeFolder } from "../support/modules.ts";
import { hasCode } from "../support/errors.ts";

/** `(module (func (export "answer") (result i32) i32.const 42))` */
// deno-fmt-ignore
const WASM = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 10, 1, 6, 97, 110, 115, 119,
  101, 114, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11,
]);

/** `(module (import "./env.ts" "seven" (func (result i32))) (func (export "up") (result i32) call 0))` */
// deno-fmt-ignore
const IMPORTING_WASM = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 2, 18, 1, 8, 46, 47, 101, 110, 118, 46, 116,
  115, 5, 115, 101, 118, 101, 110, 0, 0, 3, 2, 1, 0, 7, 6, 1, 2, 117, 112, 0, 1, 10, 6, 1, 4, 0,
  16, 0, 11,
]);

/** The runtime polls for `load` hooks for good once there has been one: no leak of ours. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false });
}

type Exports = Record<string, unknown>;

async function request(
  files: Files,
  root = "main.ts",
  options?: ReadGraphOptions,
): Promise<LoadRequest> {
  await using folder = await makeFolder(files);
  const graph = await readGraph(folder.url + root, options);
  return { manifest: graph.manifest, bytes: graph.bytes };
}

async function load(files: Files, loader = new Loader()): Promise<LoadedModules> {
  return await loader.load(await request(files));
}

async function entry(files: Files): Promise<Exports> {
  return (await load(files)).entry;
}

const ids = (() => {
  let next = 0;
  return () => `unique ${Date.now()} ${next++}`;
})();

/** A counter that modules under test count up when they run. */
const runs = globalThis as unknown as { ranForTest: number };

test("every kind of member is loaded, and stands for what the file says", async () => {
  const found = await entry({
    "main.ts": `
      import js from "./a.js";
      import { ts } from "./b.ts";
      import { json } from "./re_exporter.ts";
      import data from "./data.json" with { type: "json" };
      import asText from "./data.json" with { type: "text" };
      import bytes from "./data.json" with { type: "bytes" };
      import { answer } from "./c.wasm";
      import { up } from "./d.wasm";
      import inline from "data:text/javascript,export default 5";
      import { el } from "./view.tsx";
      export default { js, ts, json, data, asText, bytes: [...bytes], n: answer(), up: up(), inline, el };
    `,
    "a.js": `export default "js"`,
    "b.ts": `export const ts: string = "ts"`,
    "re_exporter.ts": `export { default as json } from "./data.json" with { type: "json" };`,
    "data.json": `\uFEFF{"a":1}`,
    "c.wasm": WASM,
    "d.wasm": IMPORTING_WASM,
    "env.ts": `export const seven = () => 7`,
    "view.tsx": `
      /** @jsx h */
      import { Shape } from "./shape.ts";
      const h = (...all: unknown[]): unknown => all;
      export type { Shape };
      export const el: Shape = <b id="1">hi</b>;
    `,
    "shape.ts": `export type Shape = unknown;`,
  });
  assert.deepEqual(found["default"], {
    js: "js",
    ts: "ts",
    json: { a: 1 },
    data: { a: 1 },
    asText: `{"a":1}`,
    bytes: [...new TextEncoder().encode(`\uFEFF{"a":1}`)],
    n: 42,
    up: 7,
    inline: 5,
    el: ["b", { id: "1" }, "hi"],
  });
});

test("enums, namespaces, parameter properties and unused type imports are compiled", async () => {
  const found = await entry({
    "main.ts": `
      import { OnlyAType, type Another } from "./types.ts";
      import { AlsoAType, value } from "./types.ts";
      enum Color { Red = 1, Green }
      namespace Space { export const inner = Color.Green }
      class Point { constructor(readonly x: number, private y = 2) {} sum(): number { return this.x + this.y } }
      const it: OnlyAType | Another | AlsoAType = value;
      export default [Color.Red, Space.inner, new Point(1).sum(), it satisfies number];
    `,
    "types.ts": `
      export type OnlyAType = number; export interface Another { a: 1 }; export type AlsoAType = 1;
      export const value = 9;
    `,
  });
  assert.deepEqual(found["default"], [1, 2, 3, 9]);
});

test("decorators and accessors are compiled as the compiler options say", async () => {
  const source = `
    const seen: string[] = [];
    function standard(value: unknown, context: { kind: string; name?: unknown }): void {
      seen.push(context.kind + " " + String(context.name));
    }
    @standard
    class Order {
      @standard id = 1;
      @standard total(): number { return this.id; }
      accessor note: string = "n";
    }
    export const boom = () => { throw new Error("at line 12"); };
    export default [seen, new Order().total(), new Order().note];
  `;
  const found = await entry({ "main.ts": source });
  assert.deepEqual(found["default"], [["method total", "field id", "class Order"], 1, "n"]);
  assert.throws(found["boom"] as () => void, (error: Error) => /main\.ts:12:/.test(error.stack!));
  const legacy = await entry({
    "deno.json": `{ "compilerOptions": { "experimentalDecorators": true } }`,
    "main.ts": `
      const seen: unknown[] = [];
      const old = (...all: unknown[]): void => { seen.push(all.length, all[1]); };
      class Order { @old method(): void {} }
      export default [seen, Order.name];
    `,
  });
  assert.deepEqual(legacy["default"], [[3, "method"], "Order"]);
});

test("stack traces show the lines and columns of the source", async () => {
  const found = await entry({
    "main.ts": [
      `interface Gone { a: 1 }`,
      `enum E { A }`,
      ``,
      `export function boom(x: Gone): never {`,
      `  const y: number = 1;   throw new Error("at 5:32");`,
      `}`,
    ].join("\n"),
  });
  try {
    (found["boom"] as () => void)();
  } catch (error) {
    assert.match(String((error as Error).stack), /continuum:\/\/\/[0-9a-f]{64}\/main\.ts:5:3\d/);
  }
});

test("cycles work, and so do labels above the root and absolute ones", async () => {
  const found = await load({
    "app/main.ts":
      `import { b } from "../lib/b.ts"; export const a = "a"; export default () => b();`,
    "lib/b.ts": `import { a } from "../app/main.ts"; export const b = () => a + "b";`,
    "main.ts": `export { default } from "./app/main.ts";`,
  });
  assert.equal((found.entry["default"] as () => string)(), "ab");
  assert.deepEqual([...found.members.keys()].sort(), [
    "./app/main.ts",
    "./lib/b.ts",
    "./main.ts",
  ]);
});

test("packages, builtins and the host are the process's own", async () => {
  const found = await entry({
    "main.ts": `
      import { parse } from "npm:es-module-lexer@3.0.5";
      import { Buffer } from "node:buffer";
      import { defineWorkflow } from "@continuum/continuum/workflow";
      export { Buffer, defineWorkflow, parse };
      export const self = import.meta.main;
      export default defineWorkflow({ name: "host" }, () => 1);
    `,
  });
  assert.equal(found["defineWorkflow"], defineWorkflow);
  assert.equal(found["Buffer"], (await import("node:buffer")).Buffer);
  assert.equal(found["parse"], (await import("es-module-lexer")).parse);
  assert.equal(found["self"], false);
  assert.equal((found["default"] as Record<symbol, unknown>)[WORKFLOW], 1);
});

test("two versions of one path run side by side, even if only a dependency differs", async () => {
  const files = (n: number) => ({
    "main.ts": `import { n } from "./dep.ts"; export default () => n;`,
    "dep.ts": `export const n = ${n};`,
  });
  const [one, two] = [await entry(files(1)), await entry(files(2))];
  assert.deepEqual([(one["default"] as () => number)(), (two["default"] as () => number)()], [
    1,
    2,
  ]);
});

test("a dynamic import is answered within microtasks, as the same module", async () => {
  const found = await entry({
    "main.ts": `
      import * as eager from "./both.ts";
      export const both = async () => (await import("./both.ts")) === eager;
      export const lazy = () => import("./lazy.ts");
      export const data = async () => (await import("./d.json", { with: { type: "json" } })).default;
      export const builtin = () => import("node:path");
      export const early = (await import("./lazy.ts")).lazy;
    `,
    "both.ts": `export const x = 1;`,
    "lazy.ts": `export const lazy: string = "lazy";`,
    "d.json": `[1]`,
  });
  for (const name of ["both", "lazy", "data", "builtin"]) {
    let result: unknown;
    void (found[name] as () => Promise<unknown>)().then((value) => result = value);
    for (let i = 0; i < 20; i++) await null;
    assert.notEqual(result, undefined, `${name} took more than microtasks`);
    assert.notEqual(result, false);
  }
  assert.equal(found["early"], "lazy");
});

test("an import that the manifest does not list is refused, static or dynamic", async () => {
  const dynamic = await entry({
    "main.ts": `
      export const go = (specifier: string) => import(specifier);
      export const missing = () => import("./not_there.ts");
    `,
  });
  const go = dynamic["go"] as (specifier: string) => Promise<unknown>;
  for (const specifier of ["./other.ts", "https://evil.invalid/x.ts", "node:fs", "npm:left-pad"]) {
    await assert.rejects(go(specifier), (error: Error) => {
      assert.ok(isContinuumError(error, "UNPINNED_IMPORT"));
      return error.message.includes(specifier) && error.message.includes("/main.ts");
    });
  }
  await assert.rejects(dynamic["missing"] as () => Promise<unknown>, TypeError);
  // A manifest from which an edge was taken away has another hash, and imports less.
  const whole = await request({ "main.ts": `import "node:os"; globalThis.ranForTest++;` });
  const manifest = VerifiedManifest.of({ ...whole.manifest.content, edges: [], externals: [] });
  runs.ranForTest = 0;
  await assert.rejects(new Loader().load({ ...whole, manifest }), { code: "UNPINNED_IMPORT" });
  assert.equal(runs.ranForTest, 0);
});

test("the closed graph is no sandbox: code that means to runs other code, as the page on trust says", async () => {
  const found = await entry({
    "main.ts": `
      import { createRequire } from "node:module";
      export const ways = {
        eval: () => (0, eval)("1 + 1"),
        Function: () => new Function("return 1 + 1")(),
        createRequire: () => createRequire("file:///x/").call(null, "node:path").sep.length + 1,
        getBuiltinModule: () => process.getBuiltinModule("node:path").sep.length + 1,
        vm: () => process.getBuiltinModule("node:vm").runInThisContext("1 + 1"),
      };
    `,
  });
  for (const [way, run] of Object.entries(found["ways"] as Record<string, () => unknown>)) {
    assert.equal(run(), 2, way);
  }
});

test("once a version is loaded, the process imports as if nothing had happened", async () => {
  await entry({ "main.ts": `export default 1;` });
  await assert.rejects(import(`continuum:///${"0".repeat(64)}/main.ts`), /scheme/i);
});

test("one changed byte of any member or of the manifest is found before anything runs", async () => {
  const whole = await request({
    "main.ts": `
      import "./a.js"; import "./v.tsx"; import "./c.wasm";
      import "./d.json" with { type: "json" };
      import "./t.txt" with { type: "text" };
      import "./b.bin" with { type: "bytes" };
      globalThis.ranForTest++;
    `,
    "a.js": `globalThis.ranForTest++;`,
    "v.tsx": `globalThis.ranForTest++; export const V = (): unknown => 1;`,
    "c.wasm": WASM,
    "d.json": `{"a":1}`,
    "t.txt": "text",
    "b.bin": new Uint8Array([1, 2, 3]),
  });
  runs.ranForTest = 0;
  assert.equal(whole.bytes.size, 7);
  for (const [sha256, bytes] of whole.bytes) {
    const changed = new Uint8Array(bytes);
    changed[changed.length - 1]! ^= 1;
    const tampered = new Map(whole.bytes).set(sha256, changed);
    await assert.rejects(new Loader().load({ ...whole, bytes: tampered }), {
      code: "INTEGRITY_MISMATCH",
    });
    const absent = new Map(whole.bytes);
    absent.delete(sha256);
    await assert.rejects(new Loader().load({ ...whole, bytes: absent }), {
      code: "INTEGRITY_MISMATCH",
    });
  }
  const { text, hash } = whole.manifest;
  for (let i = 0; i < text.length; i++) {
    const changed = text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ 1) +
      text.slice(i + 1);
    assert.throws(() => VerifiedManifest.verify(changed, hash, "a manifest"), {
      code: "INTEGRITY_MISMATCH",
    });
  }
  assert.equal(runs.ranForTest, 0);
  await new Loader().load(whole);
  assert.equal(runs.ranForTest, 3);
});

test("a version that failed to load is loaded by the next attempt", async () => {
  const flag = globalThis as unknown as { failForTest: boolean };
  const whole = await request({
    "main.ts": `import "./dep.ts"; export default "good";`,
    "dep.ts": `if (globalThis.failForTest) throw new Error("not yet");`,
  });
  flag.failForTest = true;
  await assert.rejects(new Loader().load(whole), hasCode("IMPORT_FAILED", { trouble: "threw" }));
  await assert.rejects(new Loader().load(whole), /not yet/);
  flag.failForTest = false;
  assert.equal((await new Loader().load(whole)).entry["default"], "good");
});

test("a module that hangs, exits or leaves a rejected promise is a failed import", async () => {
  const exit = Deno.exit;
  const cases = {
    hung: `await new Promise(() => {});`,
    exited: `Deno.exit(3);`,
    rejected: `Promise.reject(new Error("left"));`,
  };
  for (const [trouble, source] of Object.entries(cases)) {
    await assert.rejects(
      load(
        { "main.ts": `// ${ids()}\n${source}\nexport default 1;` },
        // Only what hangs may take too long.
        new Loader({ timeoutMs: trouble === "hung" ? 50 : 60_000 }),
      ),
      hasCode("IMPORT_FAILED", { trouble: trouble as "hung" }),
    );
  }
  const sly = [
    `try { Deno.exit(3); } catch { /* hides it */ }`,
    `import process from "node:process"; try { process.exit(3); } catch { /* hides it */ }`,
  ];
  for (const source of sly) {
    await assert.rejects(
      load({ "main.ts": `${source}\nexport default 1;` }),
      hasCode("IMPORT_FAILED", { trouble: "exited" }),
    );
  }
  assert.equal(Deno.exit, exit);
  assert.equal(Deno.exitCode, 0);
});

test("a dynamic import rejects with what its module throws, or can't be linked for", async () => {
  const found = await entry({
    "main.ts": `
      export const early = await import("./throws.ts").catch((error) => error.message);
      export const go = {
        throws: () => import("./throws.ts"),
        unlinked: () => import("./unlinked.ts"),
        below: () => import("./below.ts"),
        invalid: () => import("./invalid.ts"),
        empty: () => import(""),
        symbol: () => import(Symbol.iterator as unknown as string),
        options: () => import("./good.ts", 1 as unknown as ImportCallOptions),
        key: () => import("./good.ts", { with: { lazy: "yes" } }),
        good: () => import("./good.ts"),
      };
    `,
    "throws.ts": `globalThis.ranForTest++; throw new RangeError("top level");`,
    "unlinked.ts": `import { nope } from "./good.ts"; nope();`,
    "below.ts": `export * from "./unlinked.ts";`,
    "invalid.ts": `const a = 1; const a = 2;`,
    "good.ts": `export const good = 1;`,
  });
  const go = found["go"] as Record<string, () => Promise<Exports>>;
  assert.equal(found["early"], "top level");
  await assert.rejects(go["throws"]!, new RangeError("top level"));
  await assert.rejects(go["unlinked"]!, SyntaxError);
  await assert.rejects(go["below"]!, SyntaxError);
  for (const name of ["invalid", "empty", "symbol", "options", "key"]) {
    await assert.rejects(go[name]!, TypeError, name);
  }
  assert.equal((await go["good"]!())["good"], 1);
});

test("a module that no parser takes is missing for who imports it dynamically", async () => {
  const invalid = {
    redeclared: `const a = 1; const a = 2; export {};`,
    undeclared: `export { nothing };`,
    twice: `export const a = 1; export { a };`,
    returned: `export {}; return;`,
    octal: `export const a = 08;`,
    deleted: `export const a = 1; delete a;`,
    target: `export {}; f() = 1;`,
    label: `export {}; break nowhere;`,
    private: `export class A { a() { return this.#b; } }`,
    pattern: `export const a = /(/;`,
  };
  const files = Object.fromEntries(
    Object.entries(invalid).map(([name, source]) => [`${name}.ts`, source]),
  );
  const names = Object.keys(files);
  const found = await entry({
    "main.ts": `export const go = [${names.map((name) => `() => import("./${name}")`)}];`,
    ...files,
  });
  for (const [i, go] of (found["go"] as (() => Promise<unknown>)[]).entries()) {
    await assert.rejects(
      go,
      (error: Error) => /^(SyntaxError|TypeError)$/.test(error.name),
      names[i],
    );
  }
});

test("a member or package that exports a function then is imported as it is", async () => {
  await using folder = await makeFolder({ "live.ts": `export const then = () => {};` });
  const live = `${folder.url}live.ts`;
  const source =
    `export const then = (found: (value: unknown) => void): void => found("then ran");`;
  const whole = await request({
    "main.ts": `
      import * as member from "./member.ts";
      export * as live from "./live.ts";
      export const same = () => member.then;
      export const dynamic = async () => await import("./member.ts");
      ${source}
    `,
    "member.ts": `${source} export const other = 1;`,
    "live.ts": "",
  });
  const pinned = whole.manifest.content;
  const manifest = VerifiedManifest.of({
    ...pinned,
    members: pinned.members.filter(({ label }) => label !== "./live.ts"),
    edges: [{
      from: "./main.ts",
      specifier: "./live.ts",
      target: { kind: "live", label: "./live.ts" },
    }],
    live: ["./live.ts"],
  });
  const loaded = await new Loader().load({ ...whole, manifest, liveUrl: () => live });
  assert.equal(typeof loaded.entry["then"], "function");
  assert.deepEqual(Object.keys(loaded.members.get("./member.ts")!), ["other", "then"]);
  assert.deepEqual(Object.keys(loaded.entry["live"] as Exports), ["then"]);
  // As the runtime's own import().
  assert.equal(await (loaded.entry["dynamic"] as () => Promise<unknown>)(), "then ran");
});

test("import attributes are read whatever stands among them", async () => {
  const found = await entry({
    "main.ts": `
      import a from /* it's "quoted" */ "./d.json" /* a } */ with /* ' */ { type: "json" } /* } */;
      import { default as b } from "./d.json" with { "type": "text" }; import c from "./c.ts";
      import d from "./d.json" with {
        // a comment with a quote "
        "t\\u0079pe": 'bytes',
      }; export const line = new Error().stack;
      import nul from "data:text/javascript,export default 'nul'//\\0j";
      export { default as e } from './d.json' with{type:"json"}
      export default [a, b, c, d.length, nul];
    `,
    "d.json": `[1]`,
    "c.ts": `export default "c";`,
  });
  assert.deepEqual(found["default"], [[1], "[1]", "c", 3, "nul"]);
  assert.deepEqual(found["e"], [1]);
  assert.match(String(found["line"]), /main\.ts:7:30/);
});

test("a member's own names hide nothing from the loader", async () => {
  const found = await entry({
    "main.ts": `
      const Symbol = null, globalThis = null, i_____ = 1, i____0 = 2, \\u0069____1 = 3;
      export const lazy = () => import("./lazy.ts");
      export default [Symbol, globalThis, i_____, i____0, i____1];
    `,
    "lazy.ts": `export const lazy = "lazy";`,
  });
  assert.equal((await (found["lazy"] as () => Promise<Exports>)())["lazy"], "lazy");
  assert.deepEqual(found["default"], [null, null, 1, 2, 3]);
});

test("a module is read in the charset that its bytes tell", async () => {
  const text = `export default "\u00e9";`;
  const wide = new Uint8Array(
    Uint16Array.from([0xfeff, ...text].map((c) => typeof c === "number" ? c : c.charCodeAt(0)))
      .buffer,
  );
  const found = await entry({ "main.ts": `export { default } from "./wide.ts";`, "wide.ts": wide });
  assert.equal(found["default"], "\u00e9");
  const served = (charset: string) => {
    const body = btoa(`export default "\u00e9"`);
    const url = `data:text/javascript;charset=${charset};base64,${body}`;
    return request({ "main.ts": `import "${url}";` });
  };
  await assert.rejects(served("iso-8859-1"), /charset "iso-8859-1", wanted utf-8/);
  await assert.rejects(served("nonsense"), /charset "nonsense"/);
  await served("UTF-8");
  // A text is no source: it is UTF-8, whatever it begins with and is served as.
  const body = btoa("\u00ff\u00fea\0");
  const texts = await entry({
    "main.ts": `import a from "./a.txt" with { type: "text" };
      import b from "data:text/plain;charset=utf-16le;base64,${body}" with { type: "text" };
      export default [a, b];`,
    "a.txt": Uint8Array.fromBase64(body),
  });
  assert.deepEqual(texts["default"], ["\ufffd\ufffda\0", "\ufffd\ufffda\0"]);
});

test("an error that a module throws where no code can catch it is a failed import", async () => {
  const cases = [
    `queueMicrotask(() => { throw new Error("thrown"); });`,
    `reportError(new Error("thrown"));`,
    `const target = new EventTarget();
     target.addEventListener("a", () => { throw new Error("thrown"); });
     target.dispatchEvent(new Event("a"));`,
    `setTimeout(() => { throw new Error("thrown"); });
     await new Promise((resolve) => setTimeout(resolve, 20));`,
    `process.nextTick(() => { throw new Error("thrown"); });`,
    `try { process.abort(); } catch { /* hides it */ }`,
    `try { process.kill(process.pid); } catch { /* hides it */ }`,
    `try { Deno.kill(Deno.pid); } catch { /* hides it */ }`,
    `try { process.reallyExit(3); } catch { /* hides it */ }`,
  ];
  for (const source of cases) {
    const text = `// ${ids()}\n${source}\nexport default 1;`;
    await assert.rejects(load({ "main.ts": text }), { code: "IMPORT_FAILED" }, source);
  }
});

test("a module that throws what can't be looked at is a failed import", async () => {
  const traps = `{ get() { throw 1; }, getPrototypeOf() { throw 2; }, has() { throw 3; } }`;
  await assert.rejects(
    load({ "main.ts": `// ${ids()}\nthrow new Proxy({}, ${traps}); export default 1;` }),
    hasCode("IMPORT_FAILED", { trouble: "threw" }),
  );
});

test("what a module has set off lives on, and ends no process", async () => {
  const told: unknown[] = [];
  onLateError((error) => told.push(error));
  try {
    const found = await entry({
      "main.ts": `
        export const done = Promise.withResolvers();
        setTimeout(() => { throw new Error("timer"); }, 30);
        setTimeout(() => { Deno.exit(3); }, 30);
        setTimeout(() => { process.exit(3); }, 30);
        setTimeout(() => queueMicrotask(() => { throw new Error("microtask"); }), 30);
        setTimeout(done.resolve, 60);
      `,
    });
    await (found["done"] as PromiseWithResolvers<void>).promise;
    assert.deepEqual(told.map((error) => (error as Error).message.slice(0, 16)).sort(), [
      "Cannot call Deno",
      "Cannot call proc",
      "microtask",
      "timer",
    ]);
  } finally {
    onLateError(() => {});
  }
});

test("what a member imports from a node: module by name is guarded", async () => {
  const found = await entry({
    "main.ts": `
      import all, { randomInt, randomFillSync as fill } from "node:crypto";
      import * as os from "node:os";
      import { runInNewContext } from "node:vm";
      export const draw = () => [randomInt(1e9), all.randomInt(1e9), ...fill(new Uint8Array(4))];
      export const uptime = () => os.uptime();
      export const now = () => runInNewContext("Date.now()");
      export default all.createHash === all.createHash;
    `,
  });
  const draw = found["draw"] as () => number[];
  const drawn = async () => (await executionFor(draw).turn([])).outcome;
  assert.equal((await drawn())?.kind, "completed");
  assert.deepEqual(await drawn(), await drawn());
  assert.notDeepEqual(draw(), draw());
  for (const name of ["uptime", "now"]) {
    const turn = await executionFor(found[name] as () => unknown).turn([]);
    assert.ok(turn.refused?.call.startsWith("node:"), name);
  }
});

test("what a package imports from a node: module by name is guarded as well", async () => {
  const found = await entry({
    "main.ts": `
      import { v4 } from "npm:uuid@11.1.0";
      export default () => v4();
    `,
  });
  const draw = found["default"] as () => string;
  const drawn = async () => (await executionFor(draw).turn([])).outcome;
  assert.equal((await drawn())?.kind, "completed");
  assert.deepEqual(await drawn(), await drawn());
  assert.notEqual(draw(), draw());
});

test("packages that keep pools refuse to draw within runs, and draw elsewhere", async () => {
  const found = await entry({
    "main.ts": `
      import { customAlphabet, nanoid } from "npm:nanoid@5.1.5";
      import { v1, v7 } from "npm:uuid@11.1.0";
      export default { nanoid, v1, v7, customAlphabet: customAlphabet("abc", 8) };
      export const given = () => v7({ random: new Uint8Array(16), msecs: 1, seq: 2 });
    `,
  });
  for (const [name, draw] of Object.entries(found["default"] as Record<string, () => string>)) {
    assert.notEqual(draw(), draw(), `${name}: the pool is filled`);
    const { refused } = await executionFor(() => draw()).turn([]);
    assert.ok(refused?.call.startsWith(`${name}() of npm:`), `${name}: ${refused?.call}`);
    assert.notEqual(draw(), draw());
  }
  const turn = await executionFor(found["given"] as () => string).turn([]);
  assert.equal(turn.outcome?.kind, "completed");
});

test("what a module keeps at its top level is the same in UTC and en-US, and of its hash", async () => {
  const source = `
    export default [
      Date.now(), Math.random(), new Date(2026, 0, 1).getTime(), new Date(0).getHours(),
      new Intl.DateTimeFormat().resolvedOptions().timeZone, (0.5).toLocaleString(),
    ];
    export const id = crypto.randomUUID();
    export const later = () => Date.now();
  `;
  const first = await entry({ "main.ts": source });
  const [now, random, local, hours, zone] = first["default"] as unknown[];
  assert.deepEqual([now, local, hours, zone], [
    Date.UTC(2000, 0, 1),
    Date.UTC(2026, 0, 1),
    0,
    "UTC",
  ]);
  const again = await entry({ "main.ts": source });
  assert.equal((again["default"] as unknown[])[1], random, "Depends on the version's hash");
  assert.notEqual(again["id"], first["id"], "Secrets stay random");
  assert.ok(Math.abs((first["later"] as () => number)() - Date.now()) < 10_000);
});

test("a promise that is left rejected after the import does not end the process", async () => {
  const before = lateRejections();
  const found = await entry({
    "main.ts": `
      export const later = Promise.withResolvers();
      void (async () => { await later.promise; throw new Error("late"); })();
    `,
  });
  (found["later"] as PromiseWithResolvers<void>).resolve();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(lateRejections(), before + 1);
});

test("live modules are the application's own instance, or the load is refused", async () => {
  await using folder = await makeFolder({
    "main.ts": `import { pool } from "./db.ts"; export default pool;`,
    "db.ts": `export const pool = { open: true };`,
  });
  const live = `${folder.url}db.ts`;
  const whole = await readGraph(`${folder.url}main.ts`, { live: [live] });
  await assert.rejects(new Loader().load(whole), { code: "LIVE_UNKNOWN" });
  const loaded = await new Loader().load({ ...whole, liveUrl: () => live });
  assert.equal(loaded.entry["default"], (await import(live)).pool);
});

test("a package that is not to be had is named", async () => {
  const whole = await request({ "main.ts": `import "node:no_such_builtin"; export default 1;` });
  await assert.rejects(new Loader().load(whole), { code: "EXTERNAL_UNAVAILABLE" });
});

test("loaded modules are counted and bounded", async () => {
  const loader = new Loader();
  const before = loader.modules;
  await load({ "main.ts": `import "./b.ts"; // ${ids()}`, "b.ts": `export {};` });
  assert.equal(loader.modules, before + 2);
  await assert.rejects(
    load({ "main.ts": `export default ${JSON.stringify(ids())};` }, new Loader({ maxModules: 1 })),
    { code: "LOAD_LIMIT" },
  );
});

test("versions load one at a time, however many are asked for", async () => {
  const loads = Array.from({ length: 8 }, (_, n) =>
    entry({
      "main.ts": `import { n } from "./n.ts"; await null; export default n;`,
      "n.ts": `export const n = ${n};`,
    }));
  const found = await Promise.all(loads);
  assert.deepEqual(found.map((it) => it["default"]), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("text that looks like an import is left alone", async () => {
  const text = `
    // import("./comment.ts")
    const string = 'import("./string.ts") import x from "y" with { type: "json" }';
    const template = \`import("./template.ts")\`;
    const pattern = /import("x")/;
    const object = { import: (x: number): number => x };
    export default [string, template, pattern.source, object.import(3)];
  `;
  const found = await entry({ "main.ts": text });
  assert.deepEqual(found["default"], [
    `import("./string.ts") import x from "y" with { type: "json" }`,
    `import("./template.ts")`,
    `import("x")`,
    3,
  ]);
});
