/**
 * Reads the modules of a workflow as they are now. Nothing of them is executed.
 *
 * @module
 */

import { type FetchLimits, GraphFetcher } from "./fetch/graph_fetcher.ts";
import { Trust, type TrustScope } from "./fetch/trust.ts";
import { type GraphLimits, type ModuleGraph, readGraph } from "./graph/read.ts";
import { Application } from "./project/application.ts";
import { ENGINE_ENTRY } from "./project/host.ts";

/** How modules are read. */
export interface ReadModulesOptions {
  /** Fetches `http:` and `https:` modules in place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** What happens if a graph can't be pinned exactly. Default `lenient`. */
  readonly pinning?: "lenient" | "strict";
  /** Modules bound to this application: URLs, or paths from its root. */
  readonly live?: readonly string[];
  /**
   * The `deno.json` that applies to workflow modules; when omitted, the nearest to a file, and the
   * application's own to any other.
   */
  readonly config?: string;
  /** Limits of one graph. */
  readonly limits?: GraphLimits & FetchLimits;
}

/** The modules that are bound to an application: their URLs. */
export function liveModules(
  { live = [] }: Pick<ReadModulesOptions, "live">,
  application: Application,
): Set<string> {
  return new Set(live.map((specifier) => new URL(specifier, application.root).href));
}

/**
 * Reads a module graph.
 *
 * @param url The root, as {@linkcode Application.resolve} gives it.
 * @param scope Which modules may be part of the graph.
 * @param application The application that runs here.
 * @param options How modules are read.
 * @returns The graph.
 */
export async function readModules(
  url: string,
  scope: TrustScope,
  application: Application,
  options: ReadModulesOptions,
): Promise<ModuleGraph> {
  const { config, pinning, limits, fetch } = options;
  const fetcher = new GraphFetcher(scope, fetch, limits);
  return await readGraph(url, {
    fetchModule: (url) => fetcher.fetch(url),
    check: (url, referrer) => scope.check(url, referrer),
    live: [...liveModules(options, application)],
    main: Deno.mainModule,
    engine: [ENGINE_ENTRY],
    home: `${application.root}main.ts`,
    ...(config === undefined ? {} : { config }),
    ...(pinning === undefined ? {} : { pinning }),
    ...(limits === undefined ? {} : { limits }),
  });
}

/**
 * Reads the modules of a workflow that the user of a tool names, without a database.
 *
 * @param specifier Its absolute URL, a `jsr:` specifier, or `app:` and a path.
 * @param options How modules are read: as by the node that registers the version.
 * @returns The graph.
 * @throws {InvalidArgumentError} If the specifier is none of these. Errors of reading graphs
 * unchanged.
 */
export async function readNamedModules(
  specifier: string,
  options: Pick<ReadModulesOptions, "config" | "live"> = {},
): Promise<ModuleGraph> {
  const application = Application.find(options.config);
  const url = application.resolve(specifier);
  return await readModules(url, new Trust({}, [url]).scope(url, false), application, options);
}
