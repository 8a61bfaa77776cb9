/**
 * Reads the graph of a module: all it reaches, byte for byte, and the hash that names it.
 *
 * @module
 */

import type { Diagnostic } from "./diagnostics.ts";
import type { Manifest } from "./manifest.ts";

/** A module as a source gave it. */
export interface FetchedModule {
  /** The URL that answered, after every redirect. */
  readonly url: string;
  /** The body, exactly as it is. */
  readonly bytes: Uint8Array;
  /** The `content-type` header, when the source has one. */
  readonly contentType?: string | undefined;
  /** The URLs that answered with a redirect, in order, the requested one first; empty for none. */
  readonly redirects: readonly string[];
}

/**
 * Fetches one module. It throws `ModuleNotFoundError` (`MODULE_NOT_FOUND`) when the module is
 * definitely not there; any other error means that it may be.
 */
export type FetchModule = (url: string) => Promise<FetchedModule>;

/** Bounds of a graph; what exceeds one is a `GraphLimitError`. */
export interface GraphLimits {
  /** Members; 10,000 by default. */
  readonly members?: number;
  /** Bytes of all members together; 256 MiB by default. */
  readonly bytes?: number;
  /** Imports from the root to the farthest member; 1,000 by default. */
  readonly depth?: number;
  /** Redirects of one request; 10 by default. */
  readonly redirects?: number;
}

/** What a graph is read with. */
export interface ReadGraphOptions {
  /** Fetches members; by default the file system, `fetch`, and `data:` decoding. */
  readonly fetchModule?: FetchModule;
  /**
   * The `deno.json`, `deno.jsonc` or `package.json` whose import map, workspace, compiler options
   * and lock apply: a path or URL; `false` for none. By default the nearest above a `file:` root,
   * none for any other.
   */
  readonly config?: string | URL | false;
  /** Modules bound to the running application: URLs, or specifiers relative to the root. */
  readonly live?: readonly string[];
  /** With `strict` every diagnostic is an error. Default `lenient`. */
  readonly pinning?: "lenient" | "strict";
  /** The application's main module: a graph that contains it is an error. */
  readonly main?: string;
  /** More URLs of the engine's `.` entry: a graph that contains one is an error. */
  readonly engine?: readonly string[];
  /**
   * Called for the root, each redirect and each member before its body is used; throws to refuse.
   *
   * @param url The normalised URL.
   * @param referrer The URL of the importer; absent for the root.
   */
  readonly check?: (url: string, referrer?: string) => void;
  /** Bounds. */
  readonly limits?: GraphLimits;
}

/** A module and all that it reaches. */
export interface ModuleGraph {
  /** The root as it was asked for. */
  readonly specifier: string;
  /** The `version_hash`. */
  readonly hash: string;
  /** What the version is made of. */
  readonly manifest: Manifest;
  /** The canonical text of the manifest. */
  readonly text: string;
  /** The bytes of every member, by SHA-256. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The URL of every member and live module, by label; redirects followed. */
  readonly urls: ReadonlyMap<string, string>;
  /** What keeps the graph from being exact. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a module graph.
 *
 * @param root The URL of the root module, or a `jsr:` specifier.
 * @param options What it is read with.
 * @returns The graph.
 */
export function readGraph(root: string, options: ReadGraphOptions = {}): Promise<ModuleGraph> {
  return Promise.reject(new TypeError(`Cannot read ${root} ${options.pinning}: not written yet`));
}
