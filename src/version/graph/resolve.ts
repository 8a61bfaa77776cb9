/**
 * Resolves the imports of a graph while it is read: host, live modules, import map, workspace,
 * packages and URLs. A loader never does this; it uses the recorded edges.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { type Project, resolveInWorkspace } from "../project/config.ts";
import { classifyHost } from "../project/host.ts";
import { normaliseUrl } from "../manifest/label.ts";
import { formatPackageSpecifier, parsePackageSpecifier } from "../manifest/package_specifier.ts";
import { GraphError } from "../errors.ts";

/** Where an import leads, determined from its specifier alone. */
export type Resolution =
  | { readonly kind: "module"; readonly url: string }
  | { readonly kind: "live"; readonly url: string }
  | { readonly kind: "host" }
  | {
    readonly kind: "external";
    readonly specifier: string;
    readonly integrity: string | null;
    /** Why it is not exact; `undefined` if it is. */
    readonly unpinned: string | undefined;
  }
  | { readonly kind: "failed"; readonly error: GraphError };

/** How the imports of one graph are resolved. */
export interface Resolver {
  /** The project that the graph is read in. */
  readonly project: Project;
  /** The normalised URLs of live modules. */
  readonly live: ReadonlySet<string>;
  /** The normalised URLs that no graph may contain, and what each is. */
  readonly forbidden: ReadonlyMap<string, string>;
}

/**
 * Resolves one import.
 *
 * @param resolver How to resolve.
 * @param specifier The specifier as requested.
 * @param importer The URL of the importing member.
 * @returns Where it leads.
 * @throws {GraphError} (`GRAPH_FORBIDDEN`) When it leads to a module that no graph may contain.
 */
export function resolveImport(
  resolver: Resolver,
  specifier: string,
  importer: string,
): Resolution {
  if (specifier === "") return failed("an empty specifier names no module");
  if (isHost(specifier, importer)) return { kind: "host" };
  const mapped = resolver.project.importMap.resolve(specifier, importer);
  if (mapped === undefined) {
    return failed(
      `${
        quoteId(specifier)
      } is bare, and no import map or dependency names it; or the map blocks it`,
    );
  }
  if (isHost(mapped, importer)) return { kind: "host" };
  if (mapped.startsWith("node:")) {
    return { kind: "external", specifier: mapped, integrity: null, unpinned: undefined };
  }
  if (/^(npm|jsr):/.test(mapped)) {
    const url = resolveInWorkspace(resolver.project, mapped);
    return url === undefined
      ? resolveExternal(resolver, mapped)
      : resolveUrl(resolver, url, importer);
  }
  return resolveUrl(resolver, mapped, importer);
}

/**
 * Refuses a URL that no graph may contain.
 *
 * @param resolver How to resolve.
 * @param url A normalised URL.
 * @param importer The URL of the importing member; `undefined` for the root.
 * @throws {GraphError} (`GRAPH_FORBIDDEN`) When no graph may contain it.
 */
export function checkForbidden(
  resolver: Resolver,
  url: string,
  importer: string | undefined,
): void {
  const what = importer === undefined && resolver.live.has(url)
    ? "a live module"
    : resolver.forbidden.get(url.replace(/#.*$/s, ""));
  if (what === undefined && classifyHost(url) !== "engine") return;
  const where = importer === undefined ? "it is the root" : `${importer} imports it`;
  throw new GraphError(
    "GRAPH_FORBIDDEN",
    `Cannot pin ${url}: it is ${
      what ?? "part of the engine"
    }, and ${where}; a version that holds ` +
      `it would start it again, wanted imports of "@continuum/continuum/workflow" and of modules ` +
      `without side effects`,
    { details: { url, importer } },
  );
}

function isHost(specifier: string, importer: string): boolean {
  const kind = classifyHost(specifier);
  if (kind !== "engine") return kind === "host";
  throw new GraphError(
    "GRAPH_FORBIDDEN",
    `Cannot pin the import of ${quoteId(specifier)} by ${importer}: it starts the engine again, ` +
      `wanted "@continuum/continuum/workflow"`,
    { details: { specifier, importer } },
  );
}

function resolveUrl(resolver: Resolver, mapped: string, importer: string): Resolution {
  const url = normaliseUrl(mapped);
  if (resolver.live.has(url)) return { kind: "live", url };
  checkForbidden(resolver, url, importer);
  if (!/^(file|https?|data):/.test(url)) {
    return failed(`${quoteId(url)} has a scheme that is not file:, http:, https: or data:`);
  }
  if (url.startsWith("file:") && !importer.startsWith("file:")) {
    throw new GraphError(
      "GRAPH_FORBIDDEN",
      `Cannot pin the import of ${url} by ${importer}: only a file may import a file`,
      { details: { url, importer } },
    );
  }
  // Credentials stay in the URL that is fetched; labels never contain them.
  return { kind: "module", url: mapped };
}

function resolveExternal({ project }: Resolver, mapped: string): Resolution {
  const parts = parsePackageSpecifier(mapped);
  if (parts === undefined) return failed(`${quoteId(mapped)} is not an npm: or jsr: specifier`);
  const locked = project.lock?.find(parts);
  const specifier = formatPackageSpecifier({ ...parts, range: locked?.version ?? parts.range });
  const integrity = locked?.integrity ?? null;
  const unpinned = locked === undefined
    ? project.lock === undefined ? "there is no deno.lock" : "deno.lock does not list it"
    : integrity === null
    ? "deno.lock lacks the integrity of some of its dependencies"
    : undefined;
  return { kind: "external", specifier, integrity, unpinned };
}

function failed(why: string): Resolution {
  return {
    kind: "failed",
    error: new GraphError("MODULE_NOT_FOUND", `Cannot resolve an import: ${why}`, {
      details: {},
    }),
  };
}
