/**
 * How long it takes to hash and archive a graph, to load a version from its URL and from the
 * archive, and to have it again; and what a loaded version weighs. On PGlite in memory, with a
 * loopback server.
 *
 * @module
 */

import { sha256Hex } from "../src/base/encoding.ts";
import type { Store } from "../src/ports/store.ts";
import { openStore } from "../src/store/open.ts";
import { readGraph } from "../src/version/graph/read.ts";
import { Versions } from "../src/version/versions.ts";
import { median, memory, round } from "./measure.ts";
import type { Measurement, Workload } from "./workload.ts";

const ROUNDS = 5;
const SIZES = [10, 1_000];
const REPEATS = 20_000;
const LOADED = 100;
const HOST = `import { defineWorkflow } from "@continuum/continuum/workflow";`;

/** Versions are never loaded twice in a process under the same text. */
let made = 0;

/** Milliseconds of each step on the way to a loaded version, and its memory. */
export const LOAD: Workload = {
  name: "LOAD",
  on: ["memory"],
  async measure() {
    const found: Measurement = {};
    await using store = await openStore({ database: "memory:" });
    await store.migrate();
    for (const size of SIZES) {
      found[`hash_ms_${size}`] = await hashing(size);
      found[`archive_ms_${size}`] = await archiving(store, size);
    }
    await using site = serve();
    const versions = () =>
      new Versions({ store: store.versions, trust: { modules: [`${site.origin}/*`] } });
    const cold = async (hashes: readonly string[]) => {
      const times: number[] = [];
      for (const hash of hashes) times.push(await time(() => versions().obtain(hash)));
      return round(median(times.slice(1)));
    };
    const hashes: string[] = [];
    for (let i = 0; i <= ROUNDS; i++) {
      hashes.push((await versions().register(site.publish(10))).hash);
    }
    found.url_ms = await cold(hashes);
    site.retract();
    found.archive_load_ms = await cold(hashes);
    const [hash] = hashes as [string];
    const warm = versions();
    await warm.obtain(hash);
    const ms = await time(async () => {
      for (let i = 0; i < REPEATS; i++) await warm.obtain(hash);
    });
    found.warm_us = round(ms * 1_000 / REPEATS, 3);
    const heavy: string[] = [];
    for (let i = 0; i < LOADED; i++) heavy.push(await archived(store, site.publish(10)));
    site.retract();
    const holder = versions();
    const before = await memory();
    for (const hash of heavy) await holder.obtain(hash);
    const after = await memory();
    await holder.obtain(hash); // it is not garbage yet
    return {
      ...found,
      heap_kib_version: round((after.heap - before.heap) / LOADED / 1_024, 1),
      rss_kib_version: round((after.rss - before.rss) / LOADED / 1_024, 1),
    };
  },
};

async function time(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function hashing(size: number): Promise<number> {
  const folder = await Deno.makeTempDir();
  for (const [name, text] of modules(size, "file")) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  const root = `file://${folder}/root.ts`;
  const times: number[] = [];
  for (let i = 0; i <= ROUNDS; i++) times.push(await time(() => readGraph(root)));
  await Deno.remove(folder, { recursive: true });
  return round(median(times.slice(1)));
}

async function archiving(store: Store, size: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= ROUNDS; i++) {
    const id = `archived${made++}`;
    const blobs = new Map<string, Uint8Array>();
    for (const text of modules(size, id).values()) {
      // Other bytes in every module, or the archive would have them already.
      const bytes = new TextEncoder().encode(`${text}// ${id}`);
      blobs.set(sha256Hex(bytes), bytes);
    }
    const version = { hash: sha256Hex(id), workflow: "archived", label: null };
    times.push(
      await time(() => store.versions.register({ ...version, manifest: id, specifier: id, blobs })),
    );
  }
  return round(median(times.slice(1)));
}

/** Writes a version to the archive without loading it here. */
async function archived(store: Store, root: string): Promise<string> {
  const { manifest: { hash, text }, specifier, bytes } = await readGraph(root);
  const version = { hash, workflow: "bench", label: null };
  await store.versions.register({ ...version, manifest: text, specifier, blobs: bytes });
  return hash;
}

interface Site extends AsyncDisposable {
  readonly origin: string;
  /** Serves a new version; answers its root. */
  publish(size: number): string;
  /** Serves none any more. */
  retract(): void;
}

function serve(): Site {
  const served = new Map<string, string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const body = served.get(new URL(request.url).pathname);
    return body === undefined
      ? new Response(null, { status: 404 })
      : new Response(body, { headers: { "content-type": "application/typescript" } });
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  return {
    origin,
    publish(size) {
      const id = `v${made++}`;
      for (const [name, text] of modules(size, id)) served.set(`/${id}/${name}`, text);
      return `${origin}/${id}/root.ts`;
    },
    retract: () => served.clear(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
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
