/**
 * The `tsconfig.json` files that Deno reads, and the modules to which each applies. They are next
 * to the config files of a workspace, or referenced by one that is.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { readJson } from "../project/config_files.ts";
import { givenOptions, type OptionScope } from "./values.ts";
import { GraphError } from "../errors.ts";

/** A `tsconfig.json`, with everything that it extends. */
export interface TsConfig extends OptionScope {
  /**
   * Whether it applies to a module.
   *
   * @param path The module's absolute path.
   */
  readonly includes: (path: string) => boolean;
}

type Matcher = (path: string) => boolean;

interface Read extends OptionScope {
  readonly url: string;
  readonly files: readonly string[] | undefined;
  readonly include: readonly Matcher[] | undefined;
  readonly exclude: readonly Matcher[] | undefined;
  readonly references: readonly string[];
}

/**
 * Reads the `tsconfig.json` of some folders.
 *
 * @param folders The URLs of the folders, each with its final slash.
 * @returns The files that exist, in the order in which Deno checks them: by path, each after those
 * that it references.
 * @throws {GraphError} (`CONFIG_INVALID`) When one can't be read, or extends a package that is not
 * installed.
 */
export async function readTsConfigs(folders: readonly string[]): Promise<TsConfig[]> {
  const roots = [...new Set(folders)].map((folder) => `${folder}tsconfig.json`).sort(byPath);
  const found = new Map<string, TsConfig>();
  const visiting = new Set<string>();
  const visit = async (url: string): Promise<boolean> => {
    if (found.has(url) || visiting.has(url)) return true;
    const config = await read(url, []);
    if (config === undefined) return false;
    visiting.add(url);
    for (const reference of config.references) {
      const target = new URL(reference, url).href;
      if (!await visit(target)) await visit(`${target.replace(/\/*$/, "")}/tsconfig.json`);
    }
    const { options, fileOf } = config;
    found.set(url, { options, fileOf, includes: (path) => includes(config, path) });
    return true;
  };
  for (const root of roots) await visit(root);
  return [...found.values()];
}

/**
 * The path of a `file:` URL.
 *
 * @param url The URL.
 * @returns The path, its escapes decoded.
 */
export function pathOf(url: string): string {
  const { pathname } = new URL(url);
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

async function read(url: string, extending: readonly string[]): Promise<Read | undefined> {
  if (extending.includes(url)) return undefined;
  const json = await readJson(url);
  if (json === undefined) return undefined;
  const bases: Read[] = [];
  for (const specifier of textsOf(json["extends"], true) ?? []) {
    const base = await readBase(specifier, url, [...extending, url]);
    if (base !== undefined) bases.push(base);
  }
  const inherited = <K extends "files" | "include" | "exclude">(key: K): Read[K] =>
    bases.findLast((base) => base[key] !== undefined)?.[key];
  const folder = new URL("./", url).href;
  const files = textsOf(json["files"])?.map((text) => absolute(text, folder)) ??
    inherited("files");
  const own = givenOptions(json["compilerOptions"], url) ?? {};
  return {
    url,
    options: Object.assign({}, ...bases.map(({ options }) => options), own),
    fileOf(key) {
      const has = ({ options }: OptionScope) => Object.hasOwn(options, key);
      return Object.hasOwn(own, key) ? url : bases.findLast(has)?.fileOf(key) ?? url;
    },
    files,
    include: matchersOf(json["include"], folder) ?? inherited("include") ??
      (files === undefined ? undefined : []),
    exclude: matchersOf(json["exclude"], folder) ?? inherited("exclude"),
    references: (Array.isArray(json["references"]) ? json["references"] : [])
      .map((reference) => reference?.path).filter((path) => typeof path === "string"),
  };
}

/** The config that is extended, resolved like `require` without guessed extensions. */
async function readBase(
  specifier: string,
  url: string,
  extending: readonly string[],
): Promise<Read | undefined> {
  if (/^(\.{0,2}\/|file:)/.test(specifier)) {
    return await read(new URL(specifier, url).href, extending);
  }
  if (!/^(@[\w.-]+\/)?[\w-][\w.-]*\/./.test(specifier)) return undefined;
  for (let folder = new URL("./", url).href;; folder = new URL("../", folder).href) {
    const found = await read(`${folder}node_modules/${specifier}`, extending);
    if (found !== undefined) return found;
    if (new URL("../", folder).href === folder) break;
  }
  throw new GraphError(
    "CONFIG_INVALID",
    `Cannot read ${url}: it extends ${quoteId(specifier)}, which is in no ` +
      "node_modules folder, wanted the package installed, or its options written out",
    { details: { file: url } },
  );
}

function includes({ url, files, include, exclude }: Read, path: string): boolean {
  if (files?.includes(path)) return true;
  if (exclude?.some((matches) => matches(path))) return false;
  if (include !== undefined) return include.some((matches) => matches(path));
  return isBelow(path, pathOf(new URL("./", url).href));
}

/** `undefined` where Deno ignores the list: it is absent, or one of its globs is invalid. */
function matchersOf(list: unknown, folder: string): Matcher[] | undefined {
  const matchers = textsOf(list)?.map((text) => matcherOf(absolute(text, folder)));
  return matchers?.some((matcher) => matcher === undefined) ? undefined : matchers as Matcher[];
}

function matcherOf(pattern: string): Matcher | undefined {
  if (!/[*?{}[\]]/.test(pattern)) return (path) => isBelow(path, pattern);
  const segments = pattern.split("/");
  if (segments.some((segment) => segment.includes("**") && segment !== "**")) return undefined;
  // Brackets and braces match themselves; no wildcard matches a leading dot of a name.
  let source = "^";
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    if (segment === "**") {
      source += isLast ? "[^/.][^/]*(?:/[^/.][^/]*)*" : "(?:[^/.][^/]*/)*";
      continue;
    }
    const text = segment.replace(/[\\^$.+()|{}[\]]/g, "\\$&").replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]");
    source += (/^[*?]/.test(segment) ? "(?!\\.)" : "") + text + (isLast ? "$" : "/");
  }
  const expression = new RegExp(source.endsWith("$") ? source : `${source}$`, "i");
  return (path) => expression.test(path);
}

function isBelow(path: string, folder: string): boolean {
  const plain = folder.replace(/\/+$/, "");
  return path === plain || path.startsWith(`${plain}/`);
}

/** An absolute path with its dots resolved, whatever characters it has. */
function absolute(text: string, folder: string): string {
  const path = text.startsWith("/") ? text : pathOf(folder) + text;
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

function textsOf(list: unknown, isOneAllowed = false): string[] | undefined {
  if (isOneAllowed && typeof list === "string") return [list];
  return Array.isArray(list) ? list.filter((text) => typeof text === "string") : undefined;
}

/** By segments, each compared by bytes. */
function byPath(a: string, b: string): number {
  const encoder = new TextEncoder();
  const bytes = (url: string) => encoder.encode(pathOf(url).replaceAll("/", "\0"));
  const [first, second] = [bytes(a), bytes(b)];
  const i = first.findIndex((byte, i) => byte !== second[i]);
  return i < 0 ? -1 : first[i]! - (second[i] ?? -1);
}
