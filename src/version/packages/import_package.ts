/**
 * Imports archived packages from memory: ES modules through hooks of the runtime, CommonJS modules
 * by {@linkcode CommonJs}. What a package executes is what the archive has, verified.
 *
 * - PACKAGEIMPORT-1: hooks are registered only while a package is imported (LOAD-3), and answer only for
 *   the modules of archived packages.
 *
 * @module
 */

import { registerHooks } from "node:module";
import { importAbsolute } from "../../base/import_absolute.ts";
import { guardedBuiltin } from "../../replay/builtins.ts";
import { readRewritten, rewriteImports } from "../compile/rewrite.ts";
import {
  type ArchivedPackage,
  forgetPackage,
  PACKAGE_SCHEME,
  packageAt,
  pathOf,
} from "./archived_package.ts";
import { CommonJs } from "./commonjs.ts";
import { exportedNames } from "./commonjs_names.ts";
import { formatOf, readyFormats } from "./formats.ts";
import { type PackageModule, resolveEntry, resolveRequest } from "./resolve.ts";

type Namespace = Readonly<Record<string, unknown>>;

const SELF = import.meta.url;
/** Modules of this file: boxes import namespaces, importers answer dynamic imports. */
const BOX = `${PACKAGE_SCHEME}@box/`;
const IMPORTER = "@import/";

/** Modules that the runtime has evaluated, by URL. */
const namespaces = new Map<string, Namespace>();
/** Namespaces with a default export, as `require` returns them. */
const MARKED = new WeakMap<Namespace, object>();
let boxes = 0;

const commonJs = new CommonJs({ importFrom, namespaceOf });

/**
 * Executes a CommonJS module: for the modules that stand for it.
 *
 * @param url The URL of the module.
 * @returns Its exports.
 */
export function requireModule(url: string): unknown {
  return commonJs.require(url);
}

/**
 * Answers the dynamic imports of a module: for the modules that stand for `import()`.
 *
 * @param url The URL of the module.
 * @returns What is called in place of `import()`.
 */
export function importerOf(url: string): (specifier: unknown) => Promise<Namespace> {
  const found = packageAt(url)!;
  const from = { package: found, path: pathOf(found, url) };
  return (specifier) => importFrom(from, specifier);
}

/**
 * Imports a package.
 *
 * @param from The package.
 * @param path The path after its name, with its leading slash; empty for the package itself.
 * @returns The URL of its module, and its namespace.
 * @throws {unknown} What its modules throw, or that something of it is not in the archive.
 */
export async function importPackage(
  from: ArchivedPackage,
  path: string,
): Promise<{ readonly url: string; readonly namespace: Namespace }> {
  try {
    const module = resolveEntry(from, path, "import");
    return { url: from.urlOf(module.path), namespace: await importModule(module) };
  } catch (error) {
    forgetPackage(from);
    throw error;
  }
}

async function importFrom(from: PackageModule, specifier: unknown): Promise<Namespace> {
  const found = resolveRequest(from, `${specifier}`, "import");
  if (found.kind === "file") return await importModule(found.module);
  return await importAbsolute(guardedBuiltin(found.name) ?? reexported(found.name));
}

/** A module with the exports of a built-in one: ABSOLUTE-1 knows no template for `node:`. */
function reexported(builtin: string): string {
  const name = JSON.stringify(`node:${builtin}`);
  const source = `export * from ${name};export { default } from ${name};`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

async function importModule(
  module: PackageModule,
  importing: ReadonlySet<string> = new Set(),
): Promise<Namespace> {
  const url = module.package.urlOf(module.path);
  const known = namespaces.get(url);
  if (known !== undefined) return known;
  const { code, required } = await prepare(module);
  const all = new Set([...importing, url]);
  for (const [url, each] of required) if (!all.has(url)) await importModule(each, all);
  const box = `${BOX}${boxes++}`;
  code.set(box, `import * as m from ${JSON.stringify(url)};export default [m];`);
  const hooks = hooksFor(code);
  try {
    const { default: [namespace] } = await importAbsolute(box) as { readonly default: [Namespace] };
    namespaces.set(url, namespace);
    return namespace;
  } finally {
    hooks.deregister();
  }
}

/** PACKAGEIMPORT-1 */
function hooksFor(code: ReadonlyMap<string, string>): { deregister(): void } {
  return registerHooks({
    resolve(specifier, context, next) {
      const { parentURL = "" } = context;
      if (specifier.startsWith(PACKAGE_SCHEME)) return { url: specifier, shortCircuit: true };
      const parent = packageAt(parentURL);
      if (parent === undefined || specifier === SELF) return next(specifier, context);
      const { specifier: requested, type } = readRewritten(specifier);
      const from = { package: parent, path: pathOf(parent, parentURL) };
      const found = resolveRequest(from, requested, "import");
      if (found.kind === "file") {
        return { url: urlAs(found.module, type), shortCircuit: true };
      }
      const guarded = guardedBuiltin(found.name);
      return guarded === undefined
        ? next(`node:${found.name}`, context)
        : { url: guarded, shortCircuit: true };
    },
    load(url, context, next) {
      const source = code.get(url);
      if (source === undefined) return next(url, context);
      return { format: "module", source, shortCircuit: true };
    },
  });
}

function urlAs({ package: from, path }: PackageModule, type: string): string {
  return `${from.urlOf(path)}${type === "module" ? "" : `?${type}`}`;
}

async function importGuardedBuiltin(name: string): Promise<void> {
  const guarded = guardedBuiltin(name);
  if (guarded !== undefined) await importAbsolute(guarded);
}

/**
 * The text of every module that a module reaches statically, and the ES modules that CommonJS
 * modules among them require: these are imported first.
 */
async function prepare(root: PackageModule): Promise<{
  readonly code: Map<string, string>;
  readonly required: ReadonlyMap<string, PackageModule>;
}> {
  await readyFormats();
  const code = new Map<string, string>();
  const required = new Map<string, PackageModule>();
  const pending: [PackageModule, string][] = [[root, "module"]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [module, type] = next;
    const url = urlAs(module, type);
    if (code.has(url)) continue;
    const { package: from, path } = module;
    const text = from.text(path);
    const format = formatOf(module);
    if (type === "json") {
      code.set(url, `export default JSON.parse(${JSON.stringify(text)});`);
    } else if (type !== "module" || format === "json" || format === "addon" || format === "wasm") {
      throw new Error(`Cannot import ${url}: an archived package can't import such a file`);
    } else if (format === "commonjs") {
      code.set(url, await standIn(module, url));
      for (const each of requiredModules(module)) {
        required.set(each.package.urlOf(each.path), each);
      }
    } else {
      const importer = `${from.base}${IMPORTER}${path}`;
      const rewritten = await rewriteImports(text, url, importer);
      code.set(url, rewritten.code);
      if (rewritten.dynamic.length > 0) {
        code.set(
          importer,
          `import { importerOf } from ${JSON.stringify(SELF)};` +
            `export default importerOf(${JSON.stringify(url)});`,
        );
      }
      for (const { specifier, type } of rewritten.imports) {
        if (specifier === importer) continue;
        const found = resolveRequest(module, specifier, "import");
        if (found.kind === "file") pending.push([found.module, type]);
        // A hook can't bring in a module of this kind.
        else await importGuardedBuiltin(found.name);
      }
    }
  }
  return { code, required };
}

/** The module that stands for a CommonJS module in imports of it. */
async function standIn(module: PackageModule, url: string): Promise<string> {
  const names = [...await exportedNames(module)]
    .filter((name) => name !== "default" && name !== "module.exports").sort();
  return [
    `import { requireModule } from ${JSON.stringify(SELF)};`,
    `const all = requireModule(${JSON.stringify(url)});`,
    'export { all as default, all as "module.exports" };',
    ...names.map((name, i) =>
      `const v${i} = all?.[${JSON.stringify(name)}]; export { v${i} as ${JSON.stringify(name)} };`
    ),
  ].join("\n");
}

/** The ES modules that a CommonJS module, and those that it requires, request by a literal. */
function requiredModules(root: PackageModule): PackageModule[] {
  const found: PackageModule[] = [];
  const seen = new Map([[root.package.urlOf(root.path), root]]);
  for (const at of seen.values()) {
    const literals = at.package.text(at.path).matchAll(/\brequire\s*\(\s*(["'])([^"'\\\n]+)\1/g);
    for (const [, , specifier] of literals) {
      const target = requested(at, specifier!);
      if (target === undefined) continue;
      const format = formatOf(target);
      if (format === "module") found.push(target);
      else if (format === "commonjs") seen.set(target.package.urlOf(target.path), target);
    }
  }
  return found;
}

function requested(from: PackageModule, specifier: string): PackageModule | undefined {
  try {
    const found = resolveRequest(from, specifier, "require");
    return found.kind === "file" ? found.module : undefined;
  } catch {
    return undefined; // The call throws, if it is made.
  }
}

/** What `require` of an ES module returns. */
function namespaceOf(module: PackageModule): unknown {
  const url = module.package.urlOf(module.path);
  const namespace = namespaces.get(url);
  if (namespace === undefined) {
    throw new Error(
      `Cannot require ${url}: it is an ES module, which was not found by a literal before`,
    );
  }
  if (Object.hasOwn(namespace, "module.exports")) return namespace["module.exports"];
  if (!Object.hasOwn(namespace, "default") || Object.hasOwn(namespace, "__esModule")) {
    return namespace;
  }
  const known = MARKED.get(namespace);
  if (known !== undefined) return known;
  const marked: object = Object.create(null, { __esModule: { value: true, enumerable: true } });
  for (const name of Object.keys(namespace)) {
    Object.defineProperty(marked, name, { get: () => namespace[name], enumerable: true });
  }
  MARKED.set(namespace, marked);
  return marked;
}
