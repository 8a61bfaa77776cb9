/**
 * Resolves the imports of packages in the archive, as Node's documentation of packages and Deno
 * specify: `exports` and `imports` with their conditions, names of dependencies, and what
 * CommonJS leaves out of a path.
 *
 * - PACKAGENAME-1, closed: a name means the package that the list has for the importing package, or a
 *   builtin, and a path a file of the package. Nothing else is found.
 *
 * @module
 */

import { isBuiltin } from "node:module";
import type { ArchivedPackage } from "./archived_package.ts";

/** How a module is requested. */
export type RequestKind = "import" | "require";

/** A module of a package. */
export interface PackageModule {
  /** The package. */
  readonly package: ArchivedPackage;
  /** The path in it. */
  readonly path: string;
}

/** What a request leads to. */
export type ResolvedRequest =
  | { readonly kind: "file"; readonly module: PackageModule }
  | { readonly kind: "builtin"; readonly name: string };

const CONDITIONS: Readonly<Record<RequestKind, ReadonlySet<string>>> = {
  import: new Set(["deno", "node", "import", "module-sync", "default"]),
  require: new Set(["require", "node", "module-sync", "default"]),
};

const EXTENSIONS = [".js", ".json", ".node"];
const MAIN_EXTENSIONS = ["", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node"];

/** The codes of Node's errors, which packages compare. */
type NodeErrorCode =
  | "ERR_INVALID_MODULE_SPECIFIER"
  | "ERR_MODULE_NOT_FOUND"
  | "ERR_PACKAGE_IMPORT_NOT_DEFINED"
  | "ERR_PACKAGE_PATH_NOT_EXPORTED"
  | "MODULE_NOT_FOUND";

/**
 * Resolves a request of a module.
 *
 * @param from The module.
 * @param specifier The request.
 * @param kind How it is requested.
 * @returns What it leads to.
 * @throws {Error} With the code that Node gives, when it leads nowhere.
 */
export function resolveRequest(
  from: PackageModule,
  specifier: string,
  kind: RequestKind,
): ResolvedRequest {
  const fail = (code?: NodeErrorCode): never => {
    throw notFound(specifier, from, kind, code);
  };
  if (/^\.\.?(?:\/|$)/.test(specifier)) {
    const path = joinPath(folderOf(from.path), specifier, kind);
    return fileOf(from.package, path, kind) ?? fail();
  }
  if (isBuiltin(specifier)) return builtinOf(specifier);
  if (specifier.startsWith("#")) {
    const { imports } = from.package.manifest;
    const target = matched(imports, specifier, kind) ?? fail("ERR_PACKAGE_IMPORT_NOT_DEFINED");
    if (target.startsWith("./")) {
      return exact(from.package, target.slice(2)) ?? fail();
    }
    return resolveRequest({ ...from, path: "package.json" }, target, kind);
  }
  const match = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(specifier);
  if (match === null || URL.canParse(specifier)) return fail("ERR_INVALID_MODULE_SPECIFIER");
  const [, name = "", rest = ""] = match;
  const { package: own } = from;
  const found = own.manifest.name === name && own.manifest.exports !== undefined
    ? own
    : own.dependency(name);
  if (found === undefined) return fail();
  return { kind: "file", module: resolveEntry(found, rest, kind) };
}

/**
 * Resolves what a name, with a path after it, means in a package.
 *
 * @param from The package.
 * @param path The path with its leading slash; empty for the package itself.
 * @param kind How it is requested.
 * @returns The module.
 * @throws {Error} With the code that Node gives, when the package does not have it.
 */
export function resolveEntry(
  from: ArchivedPackage,
  path: string,
  kind: RequestKind,
): PackageModule {
  const { exports, main } = from.manifest;
  const specifier = `${from.name}${path}`;
  const fail = (code?: NodeErrorCode): never => {
    throw notFound(specifier, undefined, kind, code);
  };
  const file = (found: ResolvedRequest | undefined) =>
    found?.kind === "file" ? found.module : undefined;
  if (exports !== undefined && exports !== null) {
    const isSugar = typeof exports !== "object" || Array.isArray(exports) ||
      !Object.keys(exports).some((key) => key.startsWith("."));
    const table = isSugar ? { ".": exports } : exports;
    const target = matched(table, `.${path}`, kind) ?? fail("ERR_PACKAGE_PATH_NOT_EXPORTED");
    return file(exact(from, target.replace(/^\.\//, ""))) ?? fail();
  }
  if (path !== "") return file(fileOf(from, path.slice(1), kind)) ?? fail();
  const base = typeof main === "string" ? main.replace(/^\.\//, "").replace(/\/$/, "") : undefined;
  for (const candidate of [...base ? MAIN_EXTENSIONS.map((end) => base + end) : [], "index.js"]) {
    const found = exact(from, candidate);
    if (found !== undefined) return file(found)!;
  }
  return file(fileOf(from, "", "require")) ?? fail();
}

function builtinOf(specifier: string): ResolvedRequest {
  return { kind: "builtin", name: specifier.replace(/^node:/, "") };
}

function exact(from: ArchivedPackage, path: string): ResolvedRequest | undefined {
  return from.files.has(path) ? { kind: "file", module: { package: from, path } } : undefined;
}

/** The file at a path; CommonJS adds extensions, and finds the file that stands for a folder. */
function fileOf(
  from: ArchivedPackage,
  path: string,
  kind: RequestKind,
): ResolvedRequest | undefined {
  const found = path.endsWith("/") ? undefined : exact(from, path);
  if (found !== undefined || kind === "import") return found;
  const base = path.replace(/\/$/, "");
  if (!path.endsWith("/") && path !== "") {
    for (const end of EXTENSIONS) {
      const file = exact(from, base + end);
      if (file !== undefined) return file;
    }
  }
  const folder = base === "" ? "" : `${base}/`;
  const main = folder === "" ? undefined : from.json(`${folder}package.json`)?.["main"];
  if (typeof main === "string") {
    const at = joinPath(folder.slice(0, -1), `./${main}`, "require");
    for (const end of MAIN_EXTENSIONS) {
      const file = exact(from, at.replace(/\/$/, "") + end);
      if (file !== undefined) return file;
    }
  }
  for (const end of EXTENSIONS) {
    const file = exact(from, `${folder}index${end}`);
    if (file !== undefined) return file;
  }
  return undefined;
}

/** The target of a key in `exports` or `imports`; `undefined`: there is none. */
function matched(table: unknown, key: string, kind: RequestKind): string | undefined {
  if (typeof table !== "object" || table === null) return undefined;
  const entries = table as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(entries, key) && !key.includes("*") && !key.endsWith("/")) {
    return targetOf(entries[key], "", kind) ?? undefined;
  }
  const patterns = Object.keys(entries).filter((pattern) => pattern.split("*").length === 2)
    .sort((a, b) => b.indexOf("*") - a.indexOf("*") || b.length - a.length);
  for (const pattern of patterns) {
    const [before = "", after = ""] = pattern.split("*");
    const fits = key.startsWith(before) && key !== before && key.endsWith(after) &&
      key.length >= pattern.length;
    if (!fits) continue;
    const star = key.slice(before.length, key.length - after.length);
    return targetOf(entries[pattern], star, kind) ?? undefined;
  }
  return undefined;
}

/** The target that the conditions select; `null`: it is blocked, `undefined`: no condition fits. */
function targetOf(target: unknown, star: string, kind: RequestKind): string | null | undefined {
  if (target === null) return null;
  if (typeof target === "string") return target.replaceAll("*", () => star);
  if (Array.isArray(target)) {
    for (const option of target) {
      const found = targetOf(option, star, kind);
      if (typeof found === "string") return found;
    }
    return undefined;
  }
  if (typeof target !== "object") return undefined;
  for (const [condition, option] of Object.entries(target as Readonly<Record<string, unknown>>)) {
    if (!CONDITIONS[kind].has(condition)) continue;
    const found = targetOf(option, star, kind);
    if (found !== undefined) return found;
  }
  return undefined;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** A path relative to a folder of the package; one that leaves the package is no file's. */
function joinPath(folder: string, relative: string, kind: RequestKind): string {
  const clean = kind === "import" ? decoded(relative.replace(/[?#].*$/s, "")) : relative;
  const segments = folder === "" ? [] : folder.split("/");
  for (const segment of clean.split("/")) {
    if (segment === "..") {
      if (segments.pop() === undefined) return "../";
    } else if (segment !== "." && segment !== "") segments.push(segment);
  }
  const isFolder = /(?:^|\/)(?:\.\.?)?$/.test(clean);
  return segments.join("/") + (isFolder ? "/" : "");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function notFound(
  specifier: string,
  from: PackageModule | undefined,
  kind: RequestKind,
  code: NodeErrorCode = kind === "import" ? "ERR_MODULE_NOT_FOUND" : "MODULE_NOT_FOUND",
): Error {
  const where = from === undefined ? "" : `, required by ${from.package.key}/${from.path}`;
  const error = new Error(`Cannot find module '${specifier}' in the archived packages${where}`);
  return Object.assign(error, { code });
}
