/**
 * How long it takes to hash and archive a graph, to load a version from its URL and from the
 * archive, and to have it again; and what a loaded version weighs. On PGlite in memory, with a
 * loopback server. Prints one JSON line for each case, then a table.
 *
 * Run with `--v8-flags=--expose-gc`, or the memory is not measured.
 *
 * @module
 */

// deno-lint-ignore-file no-console

import { openStore } from "../src/store/open.ts";
import { readGraph } from "../src/version/graph.ts";
import { Versions } from "../src/version/versions.ts";

const ROUNDS = 7;
const HOST = `import { defineWorkflow } from "@continuum/continuum/workflow";`;

interface Result {
  readonly case: string;
  readonly unit: string;
  readonly median: number;
  readonly aim?: number;
}

const results: Result[] = [];

function report(result: Result): void {
  results.push(result);
  console.log(JSON.stringify(result));
}

async function median(round: (i: number) => Promise<number> | number): Promise<number> {
  const found: number[] = [];
  for (let i = 0; i < ROUNDS; i++) found.push(await round(i));
  return found.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

/** A workflow of `size` modules of some 20 lines; `id` makes it another version. */
function modules(size: number, id: string): Map<string, string> {
  const files = new Map<string, string>();
  for (let i = 1; i < size; i++) {
    const functions = Array.from(
      { length: 4 },
      (_, k) =>
        `export function f${k}(order: Order): number {\n  // Adds what the line costs.\n` +
        `  return order.lines.length * ${k} + ${i};\n}\n`,
    );
    files.set(
      `m${i}.ts`,
      `interface Order { readonly id: string; readonly lines: readonly number[] }\n` +
        functions.join(""),
    );
  }
  const names = [...files.keys()];
  files.set(
    "root.ts",
    HOST + "\n" + names.map((name, i) => `import * as m${i} from "./${name}";`).join("\n") +
      `\n// ${id}\nexport default defineWorkflow({ name: "bench" }, () => [${
        names.map((_, i) => `m${i}.f0`).join(", ")
      }].length);\n`,
  );
  return files;
}

const served = new Map<string, string>();
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
  const body = served.get(new URL(request.url).pathname);
  return body === undefined
    ? new Response(null, { status: 404 })
    : new Response(body, { headers: { "content-type": "application/typescript" } });
});
const origin = `http://127.0.0.1:${server.addr.port}`;

/** Serves a new version; answers its root. */
function publish(size: number, id: string): string {
  for (const [name, text] of modules(size, id)) served.set(`/${id}/${name}`, text);
  return `${origin}/${id}/root.ts`;
}

const store = await openStore({ database: "memory:" });
await store.migrate();
const trust = { modules: [`${origin}/*`] };
const process = (): Versions => new Versions({ store: store.versions, trust });
let next = 0;

for (const size of [10, 1_000]) {
  const folder = await Deno.makeTempDir();
  for (const [name, text] of modules(size, "file")) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  const root = `file://${folder}/root.ts`;
  await readGraph(root);
  const hashing = await median(async () => {
    const start = performance.now();
    await readGraph(root);
    return performance.now() - start;
  });
  report({ case: `read and hash a graph of ${size} files`, unit: "ms", median: hashing });
  await Deno.remove(folder, { recursive: true });
  const archiving = await median(async () => {
    const id = `archived${next++}`;
    // Other bytes in every module, or the archive would have them already.
    const files = modules(size, id);
    const bytes = new Map<string, Uint8Array>();
    const { sha256Hex } = await import("../src/base/encoding.ts");
    for (const text of files.values()) {
      const body = new TextEncoder().encode(`${text}// ${id}`);
      bytes.set(sha256Hex(body), body);
    }
    const hash = sha256Hex(id);
    const start = performance.now();
    await store.versions.register({
      hash,
      workflow: "archived",
      label: null,
      manifest: id,
      specifier: id,
      blobs: bytes,
    });
    return performance.now() - start;
  });
  report({ case: `archive ${size} modules`, unit: "ms", median: archiving });
}

const registered: string[] = [];
for (let i = 0; i < ROUNDS + 1; i++) {
  registered.push((await process().register(publish(10, `cold${next++}`))).hash);
}

async function cold(hash: string): Promise<number> {
  const versions = process();
  const start = performance.now();
  await versions.obtain(hash);
  return performance.now() - start;
}

await cold(registered[ROUNDS]!);
report({
  case: "cold load of 10 modules from the URL",
  unit: "ms",
  median: await median((i) => cold(registered[i]!)),
  aim: 20,
});
served.clear();
await cold(registered[ROUNDS]!);
report({
  case: "cold load of 10 modules from the archive",
  unit: "ms",
  median: await median((i) => cold(registered[i]!)),
  aim: 20,
});

const warm = process();
await warm.obtain(registered[0]!);
const REPEATS = 20_000;
report({
  case: "warm load",
  unit: "µs",
  median: await median(async () => {
    const start = performance.now();
    for (let i = 0; i < REPEATS; i++) await warm.obtain(registered[0]!);
    return (performance.now() - start) * 1_000 / REPEATS;
  }),
  aim: 5,
});

const { gc } = globalThis as { gc?: () => void };
if (gc !== undefined) {
  const COUNT = 100;
  const hashes: string[] = [];
  const archiver = process();
  for (let i = 0; i < COUNT; i++) {
    // Written to the store without being loaded here.
    const graph = await readGraph(publish(10, `heavy${i}`));
    await store.versions.register({
      hash: graph.hash,
      workflow: "bench",
      label: null,
      manifest: graph.text,
      specifier: graph.specifier,
      blobs: graph.bytes,
    });
    hashes.push(graph.hash);
  }
  served.clear();
  const settle = async (): Promise<Deno.MemoryUsage> => {
    for (let i = 0; i < 4; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return Deno.memoryUsage();
  };
  const before = await settle();
  for (const hash of hashes) await archiver.obtain(hash);
  const after = await settle();
  report({
    case: "heap of a loaded version of 10 modules",
    unit: "KiB",
    median: (after.heapUsed - before.heapUsed) / COUNT / 1_024,
    aim: 60,
  });
  report({
    case: "resident memory of a loaded version of 10 modules",
    unit: "KiB",
    median: (after.rss - before.rss) / COUNT / 1_024,
  });
}

await store[Symbol.asyncDispose]();
await server.shutdown();

console.table(
  results.map(({ case: name, median, unit, aim }) => ({
    case: name,
    median: `${median.toFixed(median < 10 ? 2 : 1)} ${unit}`,
    aim: aim === undefined ? "" : `< ${aim} ${unit}`,
  })),
);
