import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ModuleGraph,
  readGraph,
  type ReadGraphOptions,
} from "../../src/version/graph/read.ts";
import { type Files, makeFolder, serve } from "../support/modules.ts";
import { GraphError } from "../../src/version/errors.ts";

const WORKFLOW = 'import { defineWorkflow } from "@continuum/continuum/workflow";\n' +
  'export default defineWorkflow({ name: "order" }, async () => {});\n';

/** A wasm module that imports `./env.js`, and may carry a custom section. */
function wasm(...custom: number[]): Uint8Array {
  const name = [..."./env.js"].map((c) => c.charCodeAt(0));
  const tick = [..."tick"].map((c) => c.charCodeAt(0));
  const imports = [1, name.length, ...name, tick.length, ...tick, 0, 0];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0];
  const section = custom.length === 0 ? [] : [0, custom.length + 2, 1, 120, ...custom];
  return new Uint8Array([...header, 2, imports.length, ...imports, ...section]);
}

const EVERYTHING: Files = {
  "workflows/order.ts": 'import "../activities.ts";\nimport type { T } from "./types.ts";\n' +
    'import "./view.tsx"; import "./old.jsx"; import "./plain.js"; import "./m.mts";\n' +
    'import data from "./data.json" with { type: "json" };\n' +
    'import text from "./text.txt" with { type: "text" };\n' +
    'import raw from "./raw.bin" with { type: "bytes" };\n' +
    'import { tick } from "./tick.wasm";\n' +
    'import "data:text/javascript,export%20default%201";\n' +
    'export * from "./crlf.ts"; export { x } from "./bom.ts";\n' + WORKFLOW +
    'export const lazy = async (): Promise<unknown> => await import("./lazy.ts");\n',
  "workflows/types.ts": "export type T = 1;\n",
  "workflows/view.tsx": "export const v = <T,>(x: T) => <p>{x as never}</p>;\n",
  "workflows/old.jsx": "export const o = <p>it's a quote</p>;\n",
  "workflows/plain.js": 'export const re = /[/"]import/;\n',
  "workflows/m.mts": "export const m: number = 1;\n",
  "workflows/data.json": '{"a":1}',
  "workflows/text.txt": "hello",
  "workflows/raw.bin": new Uint8Array([0, 255, 1]),
  "workflows/tick.wasm": wasm(),
  "workflows/env.js": "export const tick = () => {};\n",
  "workflows/crlf.ts": "export const c = 1;\r\n",
  "workflows/bom.ts": "\uFEFFexport const x = 1;\n",
  "workflows/lazy.ts": "export default 1;\n",
  "activities.ts": 'import { m } from "./workflows/m.mts";\nexport const charge = m;\n',
};

async function graphOf(
  files: Files,
  root = "order.ts",
  options: ReadGraphOptions = {},
): Promise<ModuleGraph> {
  await using folder = await makeFolder(files);
  return await readGraph(folder.url + root, options);
}

Deno.test("one graph has one hash, from a folder, another folder and an HTTP server", async () => {
  await using one = await makeFolder(EVERYTHING);
  await using two = await makeFolder(
    Object.fromEntries(Object.entries(EVERYTHING).map(([k, v]) => [`deep/er/${k}`, v])),
  );
  await using server = serve(EVERYTHING);
  await using below = serve(
    Object.fromEntries(Object.entries(EVERYTHING).map(([k, v]) => [`a/b/${k}`, v])),
  );
  const roots = [one.url, `${two.url}deep/er/`, server.url, `${below.url}a/b/`];
  const graphs = await Promise.all(roots.map((url) => readGraph(`${url}workflows/order.ts`)));
  for (const graph of graphs) assert.equal(graph.manifest.text, graphs[0]!.manifest.text);
  assert.equal(new Set(graphs.map((graph) => graph.manifest.hash)).size, 1);
  assert.equal(graphs[0]!.manifest.content.members.length, 15);
  assert.equal(graphs[0]!.urls.get("../activities.ts"), `${one.url}activities.ts`);
  assert.equal(graphs[2]!.urls.get("./order.ts"), `${server.url}workflows/order.ts`);
});

Deno.test("one byte of any member is another version, whatever its media type", async () => {
  await using folder = await makeFolder(EVERYTHING);
  const root = `${folder.url}workflows/order.ts`;
  const { manifest: { hash } } = await readGraph(root);
  const seen = new Set([hash]);
  for (const [name, content] of Object.entries(EVERYTHING)) {
    if (name === "workflows/types.ts") continue;
    const changed = name.endsWith(".wasm")
      ? wasm(1)
      : typeof content === "string"
      ? `${content} `
      : new Uint8Array([...content, 0]);
    await folder.write({ [name]: changed });
    const other = await readGraph(root);
    assert.ok(!seen.has(other.manifest.hash), name);
    seen.add(other.manifest.hash);
    await folder.write({ [name]: content });
  }
  await folder.write({ "workflows/crlf.ts": "export const c = 1;\n" });
  assert.ok(!seen.has((await readGraph(root)).manifest.hash), "line ends");
  await folder.write({ "workflows/crlf.ts": EVERYTHING["workflows/crlf.ts"]! });
  await folder.write({ "workflows/bom.ts": "export const x = 1;\n" });
  assert.ok(!seen.has((await readGraph(root)).manifest.hash), "byte order mark");
  await folder.write({ "workflows/bom.ts": EVERYTHING["workflows/bom.ts"]! });
  assert.equal((await readGraph(root)).manifest.hash, hash);
});

Deno.test("what is imported for its types alone is not part of a version", async () => {
  const files = {
    "order.ts": 'import type { A } from "./a.ts"; export type { B } from "./b.ts";\n' +
      'export type * from "./c.ts"; import type D from "./d.ts"; import { type E } from "./e.ts";\n' +
      'let f: import("./f.ts").F; type G = typeof import("./g.ts");\n' +
      'const h = (x: import("./h.ts").H): void => {}; import { type I, i } from "./i.ts";\n' +
      'declare module "x" { export * from "./k.ts"; }\n' + WORKFLOW,
    "e.ts": "export type E = 1;",
    "i.ts": "export type I = 1; export const i = 1;",
  };
  const { manifest } = await graphOf(files);
  // None of the others exists: following one would fail.
  assert.deepEqual(manifest.content.members.map((m) => m.label).sort(), [
    "./e.ts",
    "./i.ts",
    "./order.ts",
  ]);
});

Deno.test("a type-only import's file can change, come and go without another version", async () => {
  const order = 'import type { A } from "./a.ts";\n' + WORKFLOW;
  const first = await graphOf({ "order.ts": order, "a.ts": "export type A = 1;" });
  const second = await graphOf({ "order.ts": order, "a.ts": "export type A = 2;" });
  const third = await graphOf({ "order.ts": order });
  assert.equal(first.manifest.hash, second.manifest.hash);
  assert.equal(first.manifest.hash, third.manifest.hash);
});

Deno.test("cycles, and one module reached on many ways, are members once", async () => {
  const { manifest } = await graphOf({
    "order.ts": 'import "./a.ts"; import "./b.ts"; import "././a.ts"; import "./x/../b.ts";' +
      WORKFLOW,
    "a.ts": 'import "./b.ts"; import "./order.ts"; export {};',
    "b.ts": 'import "./a.ts"; import "./b.ts"; export {};',
  });
  assert.deepEqual(manifest.content.members.map((m) => m.label).sort(), [
    "./a.ts",
    "./b.ts",
    "./order.ts",
  ]);
  assert.deepEqual(manifest.content.edges.map((e) => e.target.kind), ["host"]);
});

Deno.test("a redirect is an edge to what answered, and a root's redirect is not", async () => {
  await using server = serve({
    "latest.ts": { redirect: "/v1/order.ts" },
    "v1/order.ts": 'import "./dep.ts"; import "./dep.ts?x"; export {};\n',
    "v1/dep.ts": { redirect: "hop.ts" },
    "v1/hop.ts": { redirect: "./dep_1.ts" },
    "v1/dep_1.ts": "export {};\n",
  });
  const checked: string[] = [];
  const check = (url: string) => void checked.push(url.slice(server.url.length));
  const direct = await readGraph(`${server.url}v1/order.ts`, { check });
  const redirected = await readGraph(`${server.url}latest.ts`);
  assert.equal(direct.manifest.hash, redirected.manifest.hash);
  assert.deepEqual(direct.manifest.content.edges, [
    { from: "./order.ts", specifier: "./dep.ts", target: { kind: "member", label: "./dep_1.ts" } },
    {
      from: "./order.ts",
      specifier: "./dep.ts?x",
      target: { kind: "member", label: "./dep_1.ts" },
    },
  ]);
  assert.ok(
    ["v1/order.ts", "v1/dep.ts", "v1/hop.ts", "v1/dep_1.ts"].every((u) => checked.includes(u)),
  );
});

Deno.test("credentials are sent, and are in no label or specifier", async () => {
  await using server = serve({
    "order.ts": { auth: "me:secret", body: 'import "./dep.ts"; export {};' },
    "dep.ts": { auth: "me:secret", body: "export {};" },
  });
  const root = server.url.replace("//", "//me:secret@") + "order.ts";
  const graph = await readGraph(root);
  assert.equal(graph.manifest.content.members.length, 2);
  assert.ok(!graph.manifest.text.includes("secret"));
  assert.ok(![...graph.urls.values()].join().includes("secret"));
  await assert.rejects(readGraph(`${server.url}order.ts`), { code: "MODULE_UNREADABLE" });
});

Deno.test("a specifier with credentials is found again by its importer", async () => {
  await using server = serve({ "dep.ts": { auth: "me:secret", body: "export {};" } });
  const dep = server.url.replace("//", "//me:secret@") + "dep.ts";
  const graph = await graphOf({ "order.ts": `import "${dep}"; ${WORKFLOW}` });
  assert.ok(!graph.manifest.text.includes("secret"));
  assert.equal(graph.manifest.index.resolve("./order.ts", dep)?.kind, "member");
});

Deno.test("a live module is listed, not read, and its bytes are no part of the version", async () => {
  const order = 'import { pool } from "./db.ts";' + WORKFLOW;
  const options = { live: ["./db.ts"] };
  const first = await graphOf(
    { "order.ts": order, "db.ts": "not ( a module" },
    "order.ts",
    options,
  );
  const second = await graphOf({ "order.ts": order }, "order.ts", options);
  assert.equal(first.manifest.hash, second.manifest.hash);
  assert.deepEqual(first.manifest.content.live, ["./db.ts"]);
  const pinned = await graphOf({ "order.ts": order, "db.ts": "export const pool = 1;" });
  assert.notEqual(pinned.manifest.hash, first.manifest.hash);
  await assert.rejects(
    graphOf({ "order.ts": order }, "order.ts", { live: ["./order.ts"] }),
    { code: "GRAPH_FORBIDDEN" },
  );
});

Deno.test("dynamic imports: literal ones followed, failing ones missing, never by bad weather", async () => {
  await using server = serve({ "busy.ts": 503, "gone.ts": 410 });
  const order = 'await import("./lazy.ts"); await import(`./lazy.ts`); await import("./gone.ts");' +
    'await import("bare"); await import("./broken.ts"); await import("./syntax.ts");' +
    'await import("./d.json", { with: { type: "json" } });' +
    `await import("${server.url}gone.ts");` + WORKFLOW;
  const files = {
    "order.ts": order,
    "lazy.ts": "export {};",
    "broken.ts": 'import "./deep.ts"; import "./only_here.ts"; export {};',
    "deep.ts": 'import "./gone.ts"; export {};',
    "only_here.ts": "export {};",
    "syntax.ts": "export const = 1;",
    "d.json": "{}",
  };
  const graph = await graphOf(files);
  assert.deepEqual(graph.manifest.content.members.map((m) => m.label).sort(), [
    "./d.json",
    "./lazy.ts",
    "./order.ts",
  ]);
  const missing = graph.manifest.content.edges.filter((edge) => edge.target.kind === "missing");
  assert.deepEqual(
    missing.map((edge) => edge.specifier).sort(),
    ["./broken.ts", "./gone.ts", "./syntax.ts", "bare", `${server.url}gone.ts`].sort(),
  );
  assert.deepEqual(graph.diagnostics, []);
  const fixed = await graphOf({ ...files, "syntax.ts": "export const x = 1;" });
  assert.notEqual(fixed.manifest.hash, graph.manifest.hash);
  await assert.rejects(
    graphOf({ "order.ts": `await import("${server.url}busy.ts");${WORKFLOW}` }),
    { code: "MODULE_UNREADABLE" },
  );
});

Deno.test("the host is no part of a version, however it is asked for", async () => {
  const own = new URL("../../src/workflow/mod.ts", import.meta.url).href;
  for (
    const specifier of [
      "@continuum/continuum/workflow",
      "jsr:@continuum/continuum/workflow",
      "jsr:@continuum/continuum@^0.3.0/workflow",
      "npm:@continuum/continuum@1.0.0/workflow",
      "npm:@jsr/continuum__continuum@1/workflow",
      "https://jsr.io/@continuum/continuum/9.9.9/src/workflow/mod.ts",
      own,
    ]
  ) {
    const { manifest, diagnostics } = await graphOf({ "order.ts": `import "${specifier}";` });
    assert.deepEqual(manifest.content.edges, [{
      from: "./order.ts",
      specifier,
      target: { kind: "host" },
    }]);
    assert.deepEqual([manifest.content.members.length, manifest.content.externals, diagnostics], [
      1,
      [],
      [],
    ]);
  }
  const mapped = (address: string) =>
    graphOf({
      "order.ts": 'import "engine/workflow"; export {};',
      "deno.json": JSON.stringify({ imports: { engine: address } }),
    });
  const first = await mapped("jsr:@continuum/continuum@0.1.0");
  const second = await mapped("jsr:@continuum/continuum@0.2.0");
  assert.equal(first.manifest.hash, second.manifest.hash);
  const { manifest } = await graphOf({
    "order.ts": 'import "@continuum/continuum-extra"; export {};',
    "deno.json": JSON.stringify({ imports: { "@continuum/continuum-extra": "./x.ts" } }),
    "x.ts": "export {};",
  });
  assert.equal(manifest.content.members.length, 2);
});

Deno.test("the order in which modules arrive does not matter", async () => {
  const size = 12;
  const imports = fc.array(fc.tuple(fc.nat(size + 1), fc.boolean()), { maxLength: 3 });
  await fc.assert(fc.asyncProperty(
    fc.array(imports, { minLength: size, maxLength: size }),
    fc.array(fc.nat(9), { minLength: size + 2, maxLength: size + 2 }),
    async (graph, delays) => {
      // Two modules are not there: what imports them statically is broken.
      const sources = graph.map((found) =>
        found.map(([to, isStatic]) =>
          isStatic ? `import "./${to}.js";` : `await import("./${to}.js");`
        ).join("\n") + "export {};"
      );
      const read = (delay: (i: number) => number) =>
        readGraph("https://code.example/0.js", {
          fetchModule: async (url) => {
            const i = Number(/(\d+)\.js$/.exec(url)![1]);
            for (let tick = delay(i); tick > 0; tick--) await Promise.resolve();
            const source = sources[i];
            if (source === undefined) {
              throw new GraphError("MODULE_NOT_FOUND", `Cannot read ${url}`, { details: { url } });
            }
            return { url, bytes: new TextEncoder().encode(source), redirects: [] };
          },
        }).then((graph) => graph.manifest.text, (error) => error.code);
      assert.equal(await read((i) => delays[i]!), await read(() => 0));
    },
  ));
});
