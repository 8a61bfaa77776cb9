import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ModuleGraph,
  readGraph,
  type ReadGraphOptions,
} from "../../src/version/graph/read.ts";
import { labelOf, labelUrl, resolveLabel } from "../../src/version/manifest/label.ts";
import { maxSatisfying, satisfies } from "../../src/version/project/semver.ts";
import { parseJsonc } from "../../src/version/project/jsonc.ts";
import { type Files, makeFolder, serve } from "../support/modules.ts";

async function graphOf(
  files: Files,
  options: ReadGraphOptions = {},
  root = "order.ts",
): Promise<ModuleGraph> {
  await using folder = await makeFolder(files);
  return await readGraph(folder.url + root, options);
}

const targets = ({ manifest }: ModuleGraph) =>
  Object.fromEntries(
    manifest.content.edges.map(({ specifier, target }) => [
      specifier,
      "label" in target ? target.label : "specifier" in target ? target.specifier : target.kind,
    ]),
  );

Deno.test("a re-mapped import is another version, though no module changes", async () => {
  const files = {
    "order.ts": 'import "one"; export {};',
    "a.ts": "export {};",
    "b.ts": "export {};",
  };
  const map = (target: string) => JSON.stringify({ imports: { one: target } });
  const first = await graphOf({ ...files, "deno.json": map("./a.ts") });
  const second = await graphOf({ ...files, "deno.json": map("./b.ts") });
  assert.notEqual(first.manifest.hash, second.manifest.hash);
  assert.deepEqual(targets(first), { one: "./a.ts" });
  const unused = JSON.stringify({ imports: { one: "./a.ts", two: "./b.ts" } });
  assert.equal(
    (await graphOf({ ...files, "deno.json": unused })).manifest.hash,
    first.manifest.hash,
  );
  const commented = `// map\n${map("./a.ts").replace("}}", "},}")}`;
  assert.equal(
    (await graphOf({ ...files, "deno.jsonc": commented })).manifest.hash,
    first.manifest.hash,
  );
});

Deno.test("import maps: longest key first, scopes by the importer, prefixes that cannot climb out", async () => {
  const graph = await graphOf({
    "deno.json": JSON.stringify({ importMap: "./maps/map.json" }),
    "maps/map.json": JSON.stringify({
      imports: { "lib/": "../lib/", "lib/deep/": "../deep/", "../x.ts": "../lib/a.ts" },
      scopes: { "../lib/": { "lib/b.ts": "../lib/c.ts" } },
    }),
    "order.ts": 'import "lib/a.ts"; import "lib/deep/d.ts"; import "./x.ts"; ' +
      'import "lib/b.ts"; await import("lib/../secret.ts");',
    "lib/a.ts": 'import "lib/b.ts"; export {};',
    "lib/b.ts": "export {};",
    "lib/c.ts": "export {};",
    "deep/d.ts": "export {};",
    "secret.ts": "export {};",
  });
  const edges = graph.manifest.content.edges.map(({ from, specifier, target }) =>
    `${from} ${specifier} ${"label" in target ? target.label : target.kind}`
  );
  assert.deepEqual(edges.sort(), [
    "./lib/a.ts lib/b.ts ./lib/c.ts",
    "./order.ts ./x.ts ./lib/a.ts",
    "./order.ts lib/../secret.ts missing",
    "./order.ts lib/a.ts ./lib/a.ts",
    "./order.ts lib/b.ts ./lib/b.ts",
    "./order.ts lib/deep/d.ts ./deep/d.ts",
  ]);
});

Deno.test("a config is found above the root, given by path, or left out", async () => {
  await using folder = await makeFolder({
    "deno.json": JSON.stringify({ imports: { one: "./a.ts" } }),
    "a.ts": "export {};",
    "b.ts": "export {};",
    "other/deno.json": JSON.stringify({ imports: { one: "../b.ts" } }),
    "deep/er/order.ts": 'import "one";',
  });
  const root = `${folder.url}deep/er/order.ts`;
  const path = new URL(folder.url).pathname;
  assert.deepEqual(targets(await readGraph(root)), { one: "../../a.ts" });
  for (const config of [`${path}other/deno.json`, new URL("other/deno.json", folder.url)]) {
    assert.deepEqual(targets(await readGraph(root, { config })), { one: "../../b.ts" });
  }
  await assert.rejects(readGraph(root, { config: false }), { code: "MODULE_NOT_FOUND" });
  await assert.rejects(readGraph(root, { config: `${path}none.json` }), { code: "CONFIG_INVALID" });
});

const EXTERNALS = new URL("./vectors/externals/", import.meta.url);
const ORDER = new URL("order.ts", EXTERNALS);

/** What a process may read, and what it then says that it may not. */
const BLIND: readonly (readonly [readonly string[], string])[] = [
  [["order.ts"], "deno.json"],
  [["order.ts", "deno.json"], "package.json"],
  [["order.ts", "package.json", "deno.lock"], "deno.json"],
  [["order.ts", "package.json", "deno.json"], "deno.lock"],
];

for (const [names, missing] of BLIND) {
  Deno.test({
    name: `a process that may read ${names.join(", ")} and not ${missing} computes no hash`,
    permissions: { read: names.map((name) => new URL(name, EXTERNALS)) },
    fn: () =>
      assert.rejects(readGraph(ORDER.href), (error: Error & { code?: string }) => {
        assert.equal(error.code, "CONFIG_INVALID");
        assert.match(
          error.message,
          new RegExp(`/${missing}, .* wanted --allow-read=/.*/${missing}`),
        );
        return true;
      }),
  });
}

Deno.test({
  name: "a process that may see its project and not above says so, and computes the same hash",
  permissions: { read: [EXTERNALS] },
  async fn() {
    const { manifest: { hash }, diagnostics } = await readGraph(ORDER.href);
    assert.equal(`${hash}\n`, await Deno.readTextFile(new URL("hash.txt", EXTERNALS)));
    assert.deepEqual(diagnostics.map(({ code }) => code), ["CONFIG_UNSEEN"]);
    assert.match(diagnostics[0]!.message, /vectors\/deno\.json/);
    await assert.rejects(readGraph(ORDER.href, { pinning: "strict" }), { code: "GRAPH_UNPINNED" });
    const given = await readGraph(ORDER.href, { config: new URL("deno.json", EXTERNALS) });
    assert.deepEqual([given.manifest.hash, given.diagnostics], [hash, []]);
  },
});

Deno.test("the error of an unreadable config file names it", async () => {
  const order = { "order.ts": "export {};" };
  const cases: [Files, RegExp][] = [
    [{ "deno.json": "{" }, /deno\.json: it is not JSON/],
    [{ "deno.json": "[]" }, /wanted an object/],
    [{ "deno.json": '{"imports":{"a":"b"}}' }, /entry "a" .*found "b", wanted a URL/],
    [{ "deno.json": '{"imports":{"a/":"./b"}}' }, /wanted a URL that ends in \//],
    [{ "deno.json": '{"importMap":"./none.json"}' }, /import map .*none\.json/],
    [{ "deno.json": "{}", "deno.lock": "<<<<" }, /deno\.lock: it is not JSON/],
  ];
  for (const [files, message] of cases) {
    await assert.rejects(graphOf({ ...order, ...files }), { code: "CONFIG_INVALID", message });
  }
});

Deno.test("package.json: dependencies, aliases and what an import map says first", async () => {
  const lock = {
    version: "5",
    specifiers: { "npm:chalk@^5.0.0": "5.3.0", "npm:other@1": "1.2.3", "npm:chalk@4": "4.1.2" },
    npm: {
      "chalk@5.3.0": { integrity: "sha512-a" },
      "chalk@4.1.2": { integrity: "sha512-b" },
      "other@1.2.3": { integrity: "sha512-c" },
    },
  };
  const files = {
    "package.json": JSON.stringify({
      dependencies: { chalk: "^5.0.0", alias: "npm:other@1", local: "file:./x" },
    }),
    "deno.lock": JSON.stringify(lock),
    "order.ts": 'import "chalk"; import "alias/sub"; await import("local");',
  };
  assert.deepEqual(targets(await graphOf(files)), {
    chalk: "npm:chalk@5.3.0",
    "alias/sub": "npm:other@1.2.3/sub",
    local: "missing",
  });
  const mapped = { "deno.json": JSON.stringify({ imports: { chalk: "npm:chalk@4" } }) };
  assert.equal(targets(await graphOf({ ...files, ...mapped }))["chalk"], "npm:chalk@4.1.2");
});

Deno.test("any integrity in an external's closure is part of the version, others are not", async () => {
  const lock = (change: Record<string, string> = {}, version = "5") =>
    JSON.stringify({
      version,
      specifiers: { "npm:a@1": "1.0.0_peer@3.0.0", "npm:unused@1": "1.0.0" },
      npm: Object.fromEntries(
        [
          ["a@1.0.0_peer@3.0.0", ["b", "peer"]],
          ["b@2.0.0", ["c@1.0.0"]],
          ["c@1.0.0", ["b"]],
          ["c@2.0.0", []],
          ["peer@3.0.0", []],
          ["unused@1.0.0", []],
        ].map(([key, dependencies]) => [key, {
          integrity: change[key as string] ?? `sha512-${key}`,
          dependencies,
        }]),
      ),
    });
  const graph = (text: string | undefined, options: ReadGraphOptions = {}) =>
    graphOf({
      "deno.json": "{}",
      ...(text === undefined ? {} : { "deno.lock": text }),
      "order.ts": 'import "npm:a@1/x";',
    }, options);
  const { manifest, diagnostics } = await graph(lock(), { pinning: "strict" });
  const { hash } = manifest;
  assert.deepEqual(diagnostics, []);
  assert.equal(manifest.content.externals[0]!.specifier, "npm:a@1.0.0/x");
  assert.equal((await graph(lock({}, "4"))).manifest.hash, hash);
  for (const key of ["a@1.0.0_peer@3.0.0", "b@2.0.0", "c@1.0.0", "peer@3.0.0"]) {
    assert.notEqual((await graph(lock({ [key]: "sha512-other" }))).manifest.hash, hash, key);
  }
  for (const key of ["c@2.0.0", "unused@1.0.0"]) {
    assert.equal((await graph(lock({ [key]: "sha512-other" }))).manifest.hash, hash, key);
  }
  for (const text of [undefined, lock({}, "3"), lock().replace('"b@2.0.0"', '"z@2.0.0"')]) {
    const { externals } = (await graph(text)).manifest.content;
    assert.equal(externals[0]!.integrity, null);
    await assert.rejects(graph(text, { pinning: "strict" }), {
      code: "GRAPH_UNPINNED",
      message: /UNPINNED_EXTERNAL/,
    });
  }
});

Deno.test("compiler options that change emitted code are part of the version, others are not", async () => {
  const hash = async (compilerOptions: Record<string, unknown>, tsx = true) => {
    const files = { "deno.json": JSON.stringify({ compilerOptions }) };
    return (await graphOf(
      tsx
        ? { ...files, "order.ts": 'import "./v.tsx";', "v.tsx": "export const v = 1;" }
        : { ...files, "order.ts": "export {};" },
    )).manifest.hash;
  };
  const plain = await hash({});
  assert.equal(await hash({ strict: true, jsx: "react", experimentalDecorators: false }), plain);
  assert.equal(await hash({ useDefineForClassFields: false }), plain);
  assert.equal(await hash({ jsxPrecompileSkipElements: ["a"] }), plain);
  const changes: Record<string, unknown>[] = [
    { jsx: "react-jsx" },
    { jsx: "precompile" },
    { jsx: "react-jsx", jsxImportSource: "preact" },
    { jsxFactory: "h" },
    { jsxFragmentFactory: "Fragment" },
    { experimentalDecorators: true },
    { emitDecoratorMetadata: true },
    { verbatimModuleSyntax: true },
  ];
  const hashes = await Promise.all(changes.map((options) => hash(options)));
  assert.equal(new Set([plain, ...hashes]).size, changes.length + 1);
  assert.equal(await hash({ jsx: "react-jsx" }, false), await hash({}, false));
});

Deno.test("JSX implies an import: by option and by pragma, only where there is JSX", async () => {
  const implied = async (view: string, compilerOptions: Record<string, unknown> = {}) => {
    const graph = await graphOf({
      "deno.json": JSON.stringify({ compilerOptions }),
      "order.ts": 'import "./v.tsx";',
      "v.tsx": view,
    });
    return Object.keys(targets(graph));
  };
  const automatic = { jsx: "react-jsx", jsxImportSource: "npm:preact@10" };
  assert.deepEqual(await implied("export default <a/>;"), []);
  assert.deepEqual(await implied("export default <a/>;", automatic), ["npm:preact@10/jsx-runtime"]);
  assert.deepEqual(await implied("export default <></>;", { ...automatic, jsx: "react-jsxdev" }), [
    "npm:preact@10/jsx-dev-runtime",
  ]);
  assert.deepEqual(await implied("export default 1;", automatic), []);
  assert.deepEqual(
    await implied("// a\n/** @jsxImportSource npm:other@1 */\nexport default <a/>;", automatic),
    ["npm:other@1/jsx-runtime"],
  );
  assert.deepEqual(await implied("/* @jsxRuntime classic */ export default <a/>;", automatic), []);
  assert.deepEqual(
    await implied("export default <a/>; /* @jsxImportSource npm:late@1 */", automatic),
    ["npm:preact@10/jsx-runtime"],
  );
});

Deno.test("a workspace answers its members' names, with the member's own import map first", async () => {
  const files = {
    "deno.json": JSON.stringify({
      workspace: { members: ["./app", "./lib"] },
      imports: { shared: "./root.ts" },
      compilerOptions: { experimentalDecorators: true },
    }),
    "root.ts": "export {};",
    "app/deno.json": JSON.stringify({
      name: "@acme/app",
      version: "1.0.0",
      exports: "./order.ts",
      compilerOptions: { emitDecoratorMetadata: true },
    }),
    "app/order.ts": 'import "@acme/lib"; import "jsr:@acme/lib@^2.1"; import "shared";' +
      'import "jsr:@acme/lib@^3"; import "./self.ts";',
    "app/self.ts": 'import "@acme/app"; export {};',
    "lib/deno.json": JSON.stringify({
      name: "@acme/lib",
      version: "2.1.3",
      exports: { ".": "./mod.ts" },
      imports: { shared: "./own.ts" },
    }),
    "lib/mod.ts": 'import "shared"; export {};',
    "lib/own.ts": "export {};",
  };
  const graph = await graphOf(files, {}, "app/order.ts");
  const edges = graph.manifest.content.edges.map((e) =>
    `${e.from} ${e.specifier} ${"label" in e.target ? e.target.label : e.target.kind}`
  ).sort();
  assert.deepEqual(edges, [
    "../lib/mod.ts shared ../lib/own.ts",
    "./order.ts @acme/lib ../lib/mod.ts",
    "./order.ts jsr:@acme/lib@^2.1 ../lib/mod.ts",
    "./order.ts jsr:@acme/lib@^3 external",
    "./order.ts shared ../root.ts",
    "./self.ts @acme/app ./order.ts",
  ]);
  assert.deepEqual(graph.manifest.content.options, [
    ["emitDecoratorMetadata", "true", "./order.ts"],
    ["emitDecoratorMetadata", "true", "./self.ts"],
    ["experimentalDecorators", "true"],
  ]);
});

Deno.test("a jsr: root is the registry's files at an exact version", async () => {
  const meta = { versions: { "1.0.0": {}, "1.2.0": {}, "1.3.0": { yanked: true }, "2.0.0": {} } };
  await using server = serve({
    "@acme/wf/meta.json": JSON.stringify(meta),
    "@acme/wf/1.2.0_meta.json": JSON.stringify({ exports: { ".": "./mod.ts", "./b": "./b.ts" } }),
    "@acme/wf/1.2.0/mod.ts": 'import "./b.ts"; import "jsr:@std/assert@1.0.0"; export {};',
    "@acme/wf/1.2.0/b.ts": "export {};",
  });
  const registry = server.url;
  const ranged = await readGraph("jsr:@acme/wf@^1", { registry });
  const exact = await readGraph("jsr:@acme/wf@1.2.0", { registry });
  const direct = await readGraph(`${registry}@acme/wf/1.2.0/mod.ts`);
  assert.equal(ranged.manifest.hash, direct.manifest.hash);
  assert.equal(exact.manifest.hash, direct.manifest.hash);
  assert.equal(ranged.specifier, "jsr:@acme/wf@^1");
  assert.equal(ranged.urls.get("./mod.ts"), `${registry}@acme/wf/1.2.0/mod.ts`);
  assert.equal(
    (await readGraph("jsr:@acme/wf@1.2.0/b", { registry })).manifest.content.members.length,
    1,
  );
  for (const bad of ["jsr:@acme/wf@^9", "jsr:@acme/wf@1.2.0/none", "jsr:@acme/no", "jsr:acme"]) {
    await assert.rejects(readGraph(bad, { registry }), { code: "MODULE_NOT_FOUND" }, bad);
  }
});

Deno.test("a label leads back to its URL, and relative specifiers resolve as URLs do", () => {
  const segment = fc.constantFrom("a", "b.ts", "c%20d", "ü", "x y", "%2e", "wf", "..", ".", "");
  const path = fc.array(segment, { maxLength: 5 }).map((parts) => parts.join("/"));
  const base = fc.constantFrom("https://h/wf/order.ts", "file:///app/wf/order.ts", "http://h:81/o");
  fc.assert(fc.property(base, path, path, fc.boolean(), (root, from, to, isOther) => {
    const importer = new URL(isOther ? `https://other/${from}` : `./${from}`, root).href;
    const label = labelOf(importer, root);
    assert.equal(labelUrl(label, root), importer);
    const specifier = `./${to}`;
    const target = labelOf(new URL(specifier, importer).href, root);
    const resolved = resolveLabel(label, specifier);
    // Labels cannot climb above a root, nor name the folders on the way to it: an edge does.
    if (resolved !== target) {
      assert.ok(label.startsWith("../") || specifier.includes("..") || /%2e/.test(specifier));
    }
    assert.equal(resolveLabel(label, to.replace(/^\.+\//, "bare/") || "bare"), undefined);
  }));
  assert.equal(labelOf("https://me:pw@other/x.ts", "https://h/wf/order.ts"), "https://other/x.ts");
  assert.equal(resolveLabel("../act.ts", "./wf/lib.ts"), "../wf/lib.ts");
  assert.equal(resolveLabel("./a/b.ts", "../c.ts"), "./c.ts");
  assert.equal(resolveLabel("./a.ts", "../../c.ts"), "../../c.ts");
});

Deno.test("ranges of versions", () => {
  const cases: [range: string, yes: string[], no: string[]][] = [
    ["*", ["1.0.0", "0.0.1"], ["1.0.0-rc.1"]],
    ["1.2.3", ["1.2.3"], ["1.2.4"]],
    ["^1.2.3", ["1.2.3", "1.9.0"], ["2.0.0", "1.2.2", "2.0.0-a", "1.5.0-a"]],
    ["^0.2.3", ["0.2.9"], ["0.3.0"]],
    ["^0.0.3", ["0.0.3"], ["0.0.4"]],
    ["^0", ["0.9.0"], ["1.0.0"]],
    ["~1.2", ["1.2.9"], ["1.3.0"]],
    ["~1", ["1.9.0"], ["2.0.0"]],
    ["1", ["1.9.0"], ["2.0.0"]],
    ["1.x", ["1.9.0"], ["2.0.0"]],
    [">=1 <3 || 5.0.0", ["2.0.0", "5.0.0"], ["3.0.0", "5.0.1"]],
    [">1.2", ["1.3.0"], ["1.2.9"]],
    ["<=1.2", ["1.2.9"], ["1.3.0"]],
    [">= 1.0.0-beta.2", ["1.0.0-beta.10", "1.0.0"], ["1.0.0-beta.1", "1.0.0-alpha"]],
    ["nonsense", [], ["1.0.0"]],
  ];
  for (const [range, yes, no] of cases) {
    for (const version of yes) assert.ok(satisfies(version, range), `${version} in ${range}`);
    for (const version of no) assert.ok(!satisfies(version, range), `${version} not in ${range}`);
  }
  assert.equal(maxSatisfying(["1.9.0", "1.10.0", "2.0.0"], "^1"), "1.10.0");
});

Deno.test("JSON with comments: what looks like one inside a string stays", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    assert.deepEqual(parseJsonc(text), JSON.parse(text));
  }));
  assert.deepEqual(parseJsonc('\uFEFF{ /* a */ "b": "//,}\\"", // c\n "d": [1, /* , */ ], }'), {
    b: '//,}"',
    d: [1],
  });
});
