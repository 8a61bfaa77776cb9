/**
 * Versions rooted inside other versions.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ModuleGraph,
  readGraph,
  type ReadGraphOptions,
} from "../../src/version/graph/read.ts";
import { formatManifest, importTypeOf } from "../../src/version/manifest/format.ts";
import { VerifiedManifest } from "../../src/version/manifest/verified.ts";
import { subversion } from "../../src/version/graph/subversion.ts";
import { type Files, makeFolder } from "../support/modules.ts";
import { readVector, vectorNames } from "./vector.ts";

/** The labels of everything that can be a root. */
function rootsOf({ manifest }: ModuleGraph): string[] {
  return manifest.content.members.filter(({ media }) => importTypeOf(media) === "module")
    .map(({ label }) => label);
}

async function textAt(graph: ModuleGraph, label: string, url?: string): Promise<string> {
  const { manifest, bytes, urls } = graph;
  const pinned = { manifest, bytes, url: url ?? urls.get(manifest.content.entry)! };
  return formatManifest((await subversion(pinned, label)).manifest);
}

/** Compares every module of a graph, read as a root, with the version rooted at it. */
async function compare(
  graph: ModuleGraph,
  read: (url: string) => Promise<ModuleGraph>,
): Promise<number> {
  const labels = rootsOf(graph);
  for (const label of labels) {
    const url = graph.urls.get(label)!;
    assert.equal(await textAt(graph, label), (await read(url)).manifest.text, url);
  }
  return labels.length;
}

for (const name of vectorNames()) {
  Deno.test(`vector ${name}: every module is the root that reading it finds`, async () => {
    const graph = await readVector(name);
    assert.equal(await textAt(graph, graph.manifest.content.entry), graph.manifest.text);
    assert.ok(await compare(graph, (url) => readVector(name, url)) > 0);
  });
}

const FOLDERS = ["", "a/", "a/b/", "a/b/a/", "c/"];

/** Files that import each other at random, in each way that there is. */
const graphs = fc.record({
  files: fc.uniqueArray(
    fc.record({
      folder: fc.constantFrom(...FOLDERS),
      name: fc.constantFrom("m", "n", "o p"),
      extension: fc.constantFrom("ts", "js", "tsx", "jsx"),
      imports: fc.array(
        fc.record({
          kind: fc.constantFrom("plain", "mapped", "dynamic", "root", "type"),
          to: fc.nat(20),
        }),
        { maxLength: 4 },
      ),
      extra: fc.constantFrom("", "host", "json", "lazyJson", "node", "gone", "live", "npm", "jsx"),
    }),
    { minLength: 2, maxLength: 9, selector: (file) => `${file.folder}${file.name}` },
  ),
  jsx: fc.constantFrom(undefined, "react-jsx"),
  decorators: fc.boolean(),
});

type Generated = typeof graphs extends fc.Arbitrary<infer T> ? T : never;

const EXTRAS: Readonly<Record<string, (up: string) => string>> = {
  "": () => "",
  host: () => `import "@continuum/continuum/workflow";`,
  json: (up) => `import data from "${up}data.json" with { type: "json" };`,
  lazyJson: (up) =>
    `import("${up}data.json"); import("${up}data.json", { with: { type: "json" } });`,
  node: () => `import "node:path";`,
  gone: (up) => `import("${up}gone.ts"); import("bare");`,
  live: (up) => `import "${up}db.ts";`,
  npm: () => `import "npm:chalk@5.3.0";`,
  jsx: () => `export const view = <p>one</p>;`,
};

function filesOf({ files, jsx, decorators }: Generated): Files {
  const path = (at: number) => {
    const { folder, name, extension } = files[at % files.length]!;
    return `${folder}${encodeURIComponent(name)}.${extension}`;
  };
  const sources = files.map(({ folder, extension, imports, extra }, at): [string, string] => {
    const up = folder === "" ? "./" : "../".repeat(folder.split("/").length - 1);
    const lines = imports.map(({ kind, to }) => {
      const target = up + path(to);
      switch (kind) {
        case "plain":
          return `import ${JSON.stringify(target)};`;
        case "mapped":
          return `import "mapped/${path(to)}";`;
        case "dynamic":
          return `export const f${to} = () => import(${JSON.stringify(target)});`;
        case "root":
          return `import "${up}redirected/${path(to)}";`;
        default:
          return /^ts/.test(extension) ? `import type { T as T${to} } from "${target}";` : "";
      }
    });
    const isJsx = /x$/.test(extension);
    const added = extra === "jsx" && !isJsx ? "" : EXTRAS[extra]!(up);
    return [path(at), [...new Set(lines), added, "export {};"].join("\n")];
  });
  return {
    ...Object.fromEntries(sources),
    "data.json": "[]",
    "db.ts": "export {};",
    "jsx.ts": "export const jsx = 1;",
    "deno.json": JSON.stringify({
      imports: {
        "mapped/": "./",
        "react/jsx-runtime": "./jsx.ts",
        "./redirected/": "./",
      },
      compilerOptions: { jsx, experimentalDecorators: decorators },
    }),
  };
}

Deno.test("every module of any graph is the root that reading it finds", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(graphs, async (generated) => {
      const files = filesOf(generated);
      await using folder = await makeFolder(files);
      const options: ReadGraphOptions = {
        config: `${folder.url}deno.json`,
        live: [`${folder.url}db.ts`],
      };
      const graph = await readGraph(folder.url + Object.keys(files)[0]!, options);
      compared += await compare(graph, (url) => readGraph(url, options));
    }),
    { seed: 7, numRuns: 300 },
  );
  assert.ok(compared > 600, `${compared}`);
});

Deno.test("a version inside a version inside a version is the innermost one", async () => {
  await fc.assert(
    fc.asyncProperty(graphs, fc.nat(8), async (generated, at) => {
      const files = filesOf(generated);
      await using folder = await makeFolder(files);
      const graph = await readGraph(folder.url + Object.keys(files)[0]!, {
        config: `${folder.url}deno.json`,
        live: [`${folder.url}db.ts`],
      });
      const { manifest, bytes, urls } = graph;
      const labels = rootsOf(graph);
      const outer = { manifest, bytes, url: urls.get(manifest.content.entry)! };
      const inner = await subversion(outer, labels[at % labels.length]!);
      const pinned = VerifiedManifest.of(inner.manifest);
      for (const label of labels) {
        const own = inner.labels.get(label);
        if (own === undefined) continue;
        const direct = await subversion(outer, label);
        const by = await subversion({ manifest: pinned, bytes, url: inner.url }, own);
        assert.equal(formatManifest(by.manifest), formatManifest(direct.manifest));
      }
    }),
    { seed: 8, numRuns: 100 },
  );
});

Deno.test("a label that no module has is no root", async () => {
  const graph = await readVector("media");
  for (const label of ["./none.ts", "./h.txt"]) {
    await assert.rejects(textAt(graph, label), { code: "MANIFEST_INVALID" });
  }
});

Deno.test("folders that no label names come from the URL, or stay nameless", async () => {
  const graph = await readVector("relative");
  const told = await textAt(graph, "../activities.ts");
  assert.ok(told.includes(" ./workflows/lib/math.ts\n"));
  const moved = await textAt(graph, "../activities.ts", "https://code.example/a/b/order.ts");
  assert.ok(moved.includes(" ./b/lib/math.ts\n"));
  // Not where its labels say: nothing lies above the root of a server.
  const nameless = await textAt(graph, "../activities.ts", "https://code.example/order.ts");
  assert.equal(nameless, await textAt(graph, "../activities.ts", ""));
  assert.ok(/ \.\/%25F4[^/ ]+\/lib\/math\.ts\n/.test(nameless));
  assert.equal(await textAt(graph, "./order.ts", ""), graph.manifest.text);
});
