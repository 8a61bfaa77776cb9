/**
 * Reads the test vectors of `version_hash`. Run as a program, it writes `manifest.txt` and
 * `hash.txt` of each anew: `deno run -A tests/version/vector.ts`.
 *
 * @module
 */

import { type FetchModule, type ModuleGraph, readGraph } from "../../src/version/graph/read.ts";
import { normaliseUrl } from "../../src/version/manifest/label.ts";
import { GraphError } from "../../src/version/errors.ts";

/** The folder of all vectors. */
export const VECTORS = new URL("./vectors/", import.meta.url);

interface VectorJson {
  readonly entry: string;
  readonly config: string | null;
  readonly live?: readonly string[];
  readonly remote?: Readonly<
    Record<string, { file: string; contentType: string } | { redirect: string }>
  >;
}

/** The names of all vectors. */
export function vectorNames(): string[] {
  return [...Deno.readDirSync(VECTORS)].filter((e) => e.isDirectory).map((e) => e.name).sort();
}

/** Computes one vector; or, read in the same way, the graph of another root in its folder. */
export async function readVector(name: string, root?: string): Promise<ModuleGraph> {
  const folder = new URL(`${name}/`, VECTORS);
  const vector: VectorJson = JSON.parse(
    await Deno.readTextFile(new URL("vector.json", folder)),
  );
  const { config, live = [], remote } = vector;
  const entry = new URL(vector.entry, folder).href;
  return await readGraph(root ?? entry, {
    live: live.map((specifier) => new URL(specifier, entry).href),
    ...(config === "nearest" ? {} : {
      config: config === null ? false : new URL(config, folder),
    }),
    ...(remote === undefined ? {} : { fetchModule: answerFrom(remote, folder) }),
  });
}

function answerFrom(remote: NonNullable<VectorJson["remote"]>, folder: URL): FetchModule {
  return async (requested) => {
    const redirects: string[] = [];
    for (let url = normaliseUrl(requested);;) {
      if (url.startsWith("data:")) {
        const response = await fetch(url);
        const contentType = response.headers.get("content-type") ?? undefined;
        return { url, bytes: await response.bytes(), contentType, redirects };
      }
      const answer = remote[url];
      if (answer === undefined) {
        throw new GraphError("MODULE_NOT_FOUND", `Cannot read ${url}`, { details: { url } });
      }
      if ("file" in answer) {
        const bytes = await Deno.readFile(new URL(answer.file, folder));
        return { url, bytes, contentType: answer.contentType, redirects };
      }
      redirects.push(url);
      url = answer.redirect;
    }
  };
}

if (import.meta.main) {
  for (const name of vectorNames()) {
    const { manifest: { text, hash } } = await readVector(name);
    await Deno.writeTextFile(new URL(`${name}/manifest.txt`, VECTORS), text);
    await Deno.writeTextFile(new URL(`${name}/hash.txt`, VECTORS), `${hash}\n`);
  }
}
