/**
 * Uses the application's own imported modules as a version, if they are certainly the same.
 *
 * - NATIVE-1: its graph has the same hash before the import and after it.
 * - NATIVE-2: no file of it has changed since the process began: the application may have imported
 *   it before its graph was read.
 * - NATIVE-3: remote members are listed in `deno.lock`, against which the runtime checks them.
 * - NATIVE-4: its bare imports and its compiler options come from the application's own config
 *   file.
 * - NATIVE-5: it has no dynamic imports, which only the loader answers within microtasks.
 *
 * @module
 */

import { importAbsolute } from "../../base/import_absolute.ts";
import type { Application } from "../project/application.ts";
import type { ModuleGraph } from "../graph/read.ts";
import { importGuarded } from "./import_guard.ts";
import { findImports } from "../imports/lex.ts";
import type { MediaType, Member } from "../manifest/format.ts";
import { isRelative } from "../manifest/label.ts";
import type { LoadedModules, Namespace } from "./loader.ts";

/** The dependencies of a native import. */
export interface NativeOptions {
  /** The application that runs here. */
  readonly application: Application;
  /** Reads the graph again. */
  readonly read: () => Promise<ModuleGraph>;
  /** Milliseconds that the import may take. */
  readonly timeoutMs: number;
}

/**
 * Imports the modules of a graph as the application does.
 *
 * @param graph The graph, as read before the import.
 * @param url The URL of its root.
 * @param options The dependencies.
 * @returns The modules; `undefined` if they may differ from the graph.
 * @throws {LoadError} (`IMPORT_FAILED`) When they can't be imported.
 */
export async function importNatively(
  graph: ModuleGraph,
  url: string,
  { application, read, timeoutMs }: NativeOptions,
): Promise<LoadedModules | undefined> {
  if (url.startsWith("jsr:") || !await mayBeNative(graph, application)) return undefined;
  const members = new Map<string, Namespace>();
  const entry = await importGuarded(url, timeoutMs, async () => {
    const namespace: Namespace = await importAbsolute(url);
    for (const { label, media } of graph.manifest.content.members) {
      if (isCode(media)) members.set(label, await importAbsolute(graph.urls.get(label)!));
    }
    return namespace;
  }, true);
  if ((await read()).manifest.hash !== graph.manifest.hash) return undefined; // NATIVE-1
  const bytes = [...graph.bytes.values()].reduce((sum, body) => sum + body.byteLength, 0);
  return { entry, members, bytes };
}

/** NATIVE-2 to NATIVE-5. */
async function mayBeNative(graph: ModuleGraph, application: Application): Promise<boolean> {
  const { members, edges, options, entry } = graph.manifest.content;
  const isConfigured = options.length > 0 ||
    edges.some(({ specifier }) => !isRelative(specifier) && !URL.canParse(specifier));
  if (isConfigured && !application.governs(graph.urls.get(entry)!)) return false;
  const locked = await lockedModules(application);
  for (const member of members) {
    const url = graph.urls.get(member.label)!;
    if (url.startsWith("file:") ? !await isOld(url) : !isAttested(url, member, locked)) {
      return false;
    }
    if (await importsDynamically(member, graph.bytes.get(member.sha256)!)) return false;
  }
  return true;
}

/** NATIVE-2 */
async function isOld(url: string): Promise<boolean> {
  const { ctime, mtime } = await Deno.stat(new URL(url));
  const changed = ctime ?? mtime;
  return changed !== null && changed.getTime() < performance.timeOrigin;
}

/** NATIVE-3 */
function isAttested(
  url: string,
  { sha256 }: Member,
  locked: Readonly<Record<string, string>>,
): boolean {
  return url.startsWith("data:") || locked[url] === sha256;
}

async function lockedModules({ root }: Application): Promise<Readonly<Record<string, string>>> {
  try {
    const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", root)));
    return lock?.remote ?? {};
  } catch {
    return {}; // Without a lock, nothing is attested.
  }
}

/** NATIVE-5 */
async function importsDynamically({ label, media }: Member, bytes: Uint8Array): Promise<boolean> {
  if (!isCode(media)) return false;
  const { imports } = await findImports(new TextDecoder().decode(bytes), media, label);
  return imports.some(({ isDynamic }) => isDynamic);
}

function isCode(media: MediaType): media is "js" | "jsx" | "ts" | "tsx" {
  return media === "js" || media === "jsx" || media === "ts" || media === "tsx";
}
