/**
 * Import maps: `imports` and `scopes`, resolved as in the HTML standard.
 *
 * @module
 */

import { describe, quoteId } from "../../base/describe.ts";
import { GraphError } from "../errors.ts";

/** The content of an import map, as JSON has it. */
export interface ImportMapJson {
  /** Specifiers, and prefixes that end in `/`, to addresses. */
  readonly imports?: ImportMapEntries;
  /** The same for importers whose URL starts with the key. */
  readonly scopes?: Readonly<Record<string, ImportMapEntries>>;
}

/** Addresses by specifier; `null` blocks a specifier. */
export type ImportMapEntries = Readonly<Record<string, string | null>>;

type Entries = readonly (readonly [key: string, address: string | null])[];

/** Resolves specifiers through an import map; immutable. */
export class ImportMap {
  readonly #imports: Entries;
  readonly #scopes: readonly (readonly [prefix: string, entries: Entries])[];

  /**
   * Reads an import map.
   *
   * @param json Its content.
   * @param base The URL that its relative addresses are relative to.
   * @throws {GraphError} (`CONFIG_INVALID`) When an address or a scope is not a URL.
   */
  constructor(json: ImportMapJson, base: string) {
    this.#imports = sortEntries(json.imports ?? {}, base);
    this.#scopes = Object.entries(json.scopes ?? {})
      .map(([prefix, entries]) => {
        const url = URL.canParse(prefix, base) ? new URL(prefix, base).href : undefined;
        if (url === undefined) {
          throw new GraphError("CONFIG_INVALID", `Cannot read the scope ${prefix} in ${base}`, {
            details: { file: base },
          });
        }
        return [url, sortEntries(entries, base)] as const;
      })
      .sort(([a], [b]) => a < b ? 1 : -1);
  }

  /**
   * Resolves a specifier.
   *
   * @param specifier The specifier as requested.
   * @param importer The URL of the importing module.
   * @returns An absolute URL; `undefined` for a bare specifier that nothing maps, and for any that
   * the map blocks: by `null`, or since the rest climbs out of its prefix.
   */
  resolve(specifier: string, importer: string): string | undefined {
    const url = urlOf(specifier, importer);
    const key = url ?? specifier;
    for (const [prefix, entries] of this.#scopes) {
      if (prefix !== importer && !(prefix.endsWith("/") && importer.startsWith(prefix))) continue;
      const found = matchEntries(entries, key, url);
      if (found !== undefined) return found ?? undefined;
    }
    const found = matchEntries(this.#imports, key, url);
    return found === undefined ? url : found ?? undefined;
  }
}

/**
 * Adds what Deno accepts in `deno.json`: an entry for a `jsr:` or `npm:` package also resolves the
 * package's subpaths.
 *
 * @param imports Entries of a `deno.json`.
 * @returns The entries, completed.
 */
export function expandPackages(imports: ImportMapEntries): Record<string, string | null> {
  const expanded: Record<string, string> = {};
  for (const [key, address] of Object.entries(imports)) {
    const [, scheme, name] = /^(jsr|npm):\/?(.+?)\/?$/.exec(address ?? "") ?? [];
    if (scheme !== undefined && !key.endsWith("/")) expanded[`${key}/`] = `${scheme}:/${name}/`;
  }
  return { ...expanded, ...imports };
}

function urlOf(specifier: string, base: string): string | undefined {
  if (/^(\/|\.\.?\/)/.test(specifier)) {
    return URL.canParse(specifier, base) ? new URL(specifier, base).href : undefined;
  }
  return URL.canParse(specifier) ? new URL(specifier).href : undefined;
}

/** Longest key first, so that the most specific prefix matches. */
function sortEntries(entries: ImportMapEntries, base: string): Entries {
  return Object.entries(entries)
    .map(([key, address]) => {
      if (address === null) return [urlOf(key, base) ?? key, null] as const;
      const url = typeof address === "string" ? urlOf(address, base) : undefined;
      if (url === undefined || (key.endsWith("/") && !url.endsWith("/"))) {
        const wanted = key.endsWith("/") ? "a URL that ends in /" : "a URL";
        throw new GraphError(
          "CONFIG_INVALID",
          `Cannot read the import map entry ${quoteId(key)} in ${base}: found ` +
            `${describe(address)}, wanted ${wanted}`,
          { details: { file: base } },
        );
      }
      return [urlOf(key, base) ?? key, url] as const;
    })
    .filter(([key]) => key !== "")
    .sort(([a], [b]) => a < b ? 1 : -1);
}

/** The address of the matching entry, `null` if it blocks; `undefined` if no entry matches. */
function matchEntries(
  entries: Entries,
  key: string,
  url: string | undefined,
): string | null | undefined {
  for (const [prefix, address] of entries) {
    if (prefix === key) return address;
    const isPrefix = prefix.endsWith("/") && key.startsWith(prefix) &&
      (url === undefined || /^(https?|file|ws|wss|ftp):/.test(url));
    if (!isPrefix) continue;
    if (address === null) return null;
    const rest = key.slice(prefix.length);
    // An opaque address such as `npm:name@1/` can't be a base URL, so the rest is appended.
    if (!URL.canParse(rest, address)) return address + rest;
    const resolved = new URL(rest, address).href;
    return resolved.startsWith(address) ? resolved : null;
  }
  return undefined;
}
