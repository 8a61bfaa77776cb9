/**
 * Reads the graph of a module: all modules that it reaches, byte for byte, and the hash of the
 * graph.
 *
 * @module
 */

import { type Project, readProject } from "../project/config.ts";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import { buildManifest } from "./manifest.ts";
import { resolveJsrRoot } from "../fetch/jsr.ts";
import { normaliseUrl } from "../manifest/label.ts";
import { VerifiedManifest } from "../manifest/verified.ts";
import { type FetchedModule, type FetchModule, readModule } from "../fetch/read_module.ts";
import type { Resolver } from "./resolve.ts";
import { Walk } from "./walk.ts";
import { graphUnpinned } from "../errors.ts";

export type { Diagnostic, FetchedModule, FetchModule };

/** Limits of a graph; exceeding one is a `GraphError`. */
export interface GraphLimits {
  /** Members; 10,000 by default. */
  readonly members?: number;
  /** Bytes of all members together; 256 MiB by default. */
  readonly bytes?: number;
  /** Imports from the root to the farthest member; 5,000 by default. */
  readonly depth?: number;
  /** Redirects of one request; 10 by default. */
  readonly redirects?: number;
}

/** How a graph is read. */
export interface ReadGraphOptions {
  /** Fetches members; by default the file system, `fetch`, and `data:` decoding. */
  readonly fetchModule?: FetchModule;
  /**
   * The `deno.json`, `deno.jsonc` or `package.json` whose import map, workspace, compiler options
   * and lock apply: a path or URL; `false` for none. By default the nearest above a `file:` root,
   * and the nearest above `home` for any other.
   */
  readonly config?: string | URL | false;
  /** A `file:` URL in the project that applies to roots that are not files; none by default. */
  readonly home?: string;
  /** Modules bound to the running application: URLs, or specifiers relative to the root. */
  readonly live?: readonly string[];
  /** With `strict` every diagnostic is an error. Default `lenient`. */
  readonly pinning?: "lenient" | "strict";
  /** The application's main module: a graph that contains it is an error. */
  readonly main?: string;
  /** More URLs of the engine's `.` entry: a graph that contains one is an error. */
  readonly engine?: readonly string[];
  /** The registry that a `jsr:` root is read from; by default that of this process. */
  readonly registry?: string;
  /**
   * Called for the root, each redirect and each member before its body is used; throws a
   * `ContinuumError` to refuse.
   *
   * @param url The normalised URL.
   * @param referrer The URL of the importer; absent for the root.
   */
  readonly check?: (url: string, referrer?: string) => void;
  /** Limits. */
  readonly limits?: GraphLimits;
}

/** A module and all modules that it reaches. */
export interface ModuleGraph {
  /** The root as it was requested. */
  readonly specifier: string;
  /** Its manifest; the manifest's hash is the `version_hash`. */
  readonly manifest: VerifiedManifest;
  /** The bytes of every member, by SHA-256. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The URL of every member and live module, by label; redirects followed. */
  readonly urls: ReadonlyMap<string, string>;
  /** Why the graph is not exact. */
  readonly diagnostics: readonly Diagnostic[];
}

const DEFAULT_LIMITS = { members: 10_000, bytes: 256 * 1024 * 1024, depth: 5_000, redirects: 10 };

/**
 * Reads a module graph.
 *
 * @param root The URL of the root module, or a `jsr:` specifier.
 * @param options How it is read.
 * @returns The graph.
 * @throws {GraphError} (`MODULE_NOT_FOUND`) When a module that is imported statically does not
 * exist.
 * @throws {GraphError} (`MODULE_UNREADABLE`) When a module may exist, and could not be read.
 * @throws {GraphError} (`MODULE_SYNTAX`) When a statically imported file is not a module.
 * @throws {GraphError} (`GRAPH_FORBIDDEN`) When the graph contains the application's main module,
 * the engine, or a file that a remote module imports.
 * @throws {GraphError} (`GRAPH_LIMIT`) When the graph exceeds its limits.
 * @throws {GraphError} (`GRAPH_UNPINNED`) With `pinning: "strict"`, when there are diagnostics.
 * @throws {GraphError} (`CONFIG_INVALID`) When the project's config, import map or lock cannot be
 * read, or has compiler options that are refused.
 */
export async function readGraph(
  root: string,
  options: ReadGraphOptions = {},
): Promise<ModuleGraph> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const check = options.check ?? (() => {});
  const fetchModule = options.fetchModule ??
    ((url: string) => readModule(url, { redirects: limits.redirects, check }));
  const place = root.startsWith("file:") ? root : options.home ?? root;
  const project = await readProject(place, options.config);
  const url = root.startsWith("jsr:")
    ? await resolveJsrRoot(root, {
      fetchModule(url) {
        check(url); // asking the registry is fetching, too
        return fetchModule(url);
      },
      lock: project.lock,
      registry: options.registry,
    })
    : root;
  const walk = new Walk({
    resolver: resolverOf(url, project, options),
    fetchModule,
    check,
    compilerOptions: project.compilerOptions,
    commonJs: project.commonJs,
    limits,
  });
  const entry = await walk.run(url);
  const built = buildManifest(walk, entry, project.compilerOptions);
  const { bytes, urls } = built;
  const diagnostics = [...unseenConfig(project, built.manifest.entry), ...built.diagnostics];
  if (options.pinning === "strict" && diagnostics.length > 0) {
    throw graphUnpinned(root, diagnostics);
  }
  const manifest = VerifiedManifest.of(built.manifest);
  return { specifier: root, manifest, bytes, urls, diagnostics };
}

function unseenConfig({ unseen }: Project, label: string): Diagnostic[] {
  if (unseen === undefined) return [];
  const message = `Found no permission to read ${unseen}: a workspace above the project would ` +
    "count, wanted --allow-read for it, or the option `config`";
  return [{ code: "CONFIG_UNSEEN", message, label, line: 1, column: 1 }];
}

function resolverOf(root: string, project: Project, options: ReadGraphOptions): Resolver {
  const live = (options.live ?? []).map((specifier) => normaliseUrl(new URL(specifier, root).href));
  const forbidden = new Map<string, string>();
  for (const url of options.engine ?? []) forbidden.set(bare(url), "the engine's own entry");
  if (options.main !== undefined) {
    forbidden.set(bare(options.main), "the application's main module");
  }
  return { project, live: new Set(live), forbidden };
}

/** A URL without its fragment, which does not change the module. */
function bare(url: string): string {
  return normaliseUrl(url).replace(/#.*$/s, "");
}
