/**
 * The project that a graph is read in: import map, workspace, `package.json`, lock and compiler
 * options, as Deno finds them.
 *
 * @module
 */

import { CommonJsFiles } from "./commonjs.ts";
import { isForbiddenFile, readJson as readAnyJson, readText } from "./config_files.ts";
import { type ConfigFolder, GoverningOptions } from "../options/governing.ts";
import {
  expandPackages,
  ImportMap,
  type ImportMapEntries,
  type ImportMapJson,
} from "./import_map.ts";
import { Lockfile } from "./lockfile.ts";
import { parsePackageSpecifier } from "../manifest/package_specifier.ts";
import { satisfies } from "./semver.ts";
import { GraphError } from "../errors.ts";

/** The settings of a project for imports and emitted code. */
export interface Project {
  /** The import map, with workspace members and dependencies merged in. */
  readonly importMap: ImportMap;
  /** The lock; `undefined` for none. */
  readonly lock: Lockfile | undefined;
  /** The compiler options of each module. */
  readonly compilerOptions: GoverningOptions;
  /** Which files Deno executes as CommonJS. */
  readonly commonJs: CommonJsFiles;
  /** Packages of the workspace, which are resolved to their folder. */
  readonly packages: readonly WorkspacePackage[];
  /** A folder that may contain a workspace and that this process may not read; it is ignored. */
  readonly unseen?: string | undefined;
}

/** A package of the workspace, or a linked one. */
export interface WorkspacePackage {
  /** Its name. */
  readonly name: string;
  /** Its version, if it has one. */
  readonly version: string | undefined;
  /** URLs by the path inside the package: `""` for the package itself, `/sub`. */
  readonly exports: ReadonlyMap<string, string>;
}

/** The project of an application without a config file. */
export const EMPTY_PROJECT: Project = {
  importMap: new ImportMap({}, "file:///"),
  lock: undefined,
  compilerOptions: GoverningOptions.NONE,
  commonJs: CommonJsFiles.NONE,
  packages: [],
};

interface ConfigJson extends ImportMapJson {
  readonly name?: string;
  readonly version?: string;
  readonly exports?: unknown;
  readonly main?: string;
  readonly importMap?: string;
  readonly workspace?: readonly string[] | { readonly members?: readonly string[] };
  readonly workspaces?: readonly string[] | { readonly packages?: readonly string[] };
  readonly links?: readonly string[];
  readonly patch?: readonly string[];
  readonly lock?: boolean | string | { readonly path?: string };
  readonly compilerOptions?: unknown;
  readonly unstable?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The config files of one folder. */
interface Folder {
  /** The folder's URL, with its final slash. */
  readonly url: string;
  /** The URL of the config file that relative addresses belong to. */
  readonly file: string;
  readonly deno: ConfigJson | undefined;
  readonly npm: ConfigJson | undefined;
}

/**
 * Finds and reads the project of a root module.
 *
 * @param root The URL of the root.
 * @param config A config file; `false` for none; by default the nearest above a `file:` root.
 * @returns The project.
 * @throws {GraphError} (`CONFIG_INVALID`) When a config file, import map or lockfile cannot be
 * read.
 */
export async function readProject(root: string, config?: string | URL | false): Promise<Project> {
  const own = config === undefined ? await discover(root) : config && await readConfig(config);
  if (!own) return EMPTY_PROJECT;
  const { top, unseen } = config === undefined ? await findWorkspace(own) : { top: own };
  const members = await readMembers(top);
  if (!members.some((member) => member.url === own.url) && own.url !== top.url) members.push(own);
  const links = await readFolders(top, top.deno?.links ?? top.deno?.patch ?? []);
  const packages = [top, ...members, ...links].flatMap(packagesOf);
  return {
    importMap: await buildImportMap(top, members, packages),
    lock: await readLock(top),
    compilerOptions: await GoverningOptions.read(optionsOf(top), members.map(optionsOf)),
    commonJs: commonJsOf(top, members),
    packages,
    unseen,
  };
}

/**
 * Resolves a `jsr:` or `npm:` specifier in the workspace, as Deno does if the version matches.
 *
 * @param project The project.
 * @param specifier A resolved specifier.
 * @returns The URL of the module; `undefined` when no package of the workspace matches.
 */
export function resolveInWorkspace(project: Project, specifier: string): string | undefined {
  const parts = parsePackageSpecifier(specifier);
  if (parts === undefined) return undefined;
  for (const { name, version, exports } of project.packages) {
    if (name !== parts.name) continue;
    if (version === undefined || !satisfies(version, parts.range || "*")) continue;
    return exports.get(parts.path);
  }
  return undefined;
}

async function discover(root: string): Promise<Folder | undefined> {
  if (!root.startsWith("file:")) return undefined;
  let npm: Folder | undefined;
  for (let url = new URL("./", root).href;; url = new URL("../", url).href) {
    const folder = await readFolder(url);
    if (folder?.deno !== undefined) {
      return npm === undefined ? folder : { ...folder, npm: folder.npm ?? npm.npm };
    }
    npm ??= folder;
    if (new URL("../", url).href === url) return npm;
  }
}

async function readConfig(config: string | URL): Promise<Folder> {
  const file = toUrl(config);
  const json = await readJson(file);
  if (json === undefined) {
    throw new GraphError("CONFIG_INVALID", `Cannot read the config file ${file}: not found`, {
      details: { file },
    });
  }
  const url = new URL("./", file).href;
  if (file.endsWith("/package.json")) return { url, file, deno: undefined, npm: json };
  return { url, file, deno: json, npm: await readJson(`${url}package.json`) };
}

/**
 * The folder whose workspace contains this one; this folder if there is none, or it can't be read.
 */
async function findWorkspace(own: Folder): Promise<{ top: Folder; unseen?: string }> {
  if (own.deno?.workspace !== undefined) return { top: own };
  for (let url = own.url; new URL("../", url).href !== url;) {
    url = new URL("../", url).href;
    let folder: Folder | undefined;
    try {
      folder = await readFolder(url);
    } catch (error) {
      if (isForbiddenFile(error)) return { top: own, unseen: error.details.file };
      throw error;
    }
    if (folder === undefined || workspaceOf(folder).length === 0) continue;
    const members = await readMembers(folder);
    if (members.some((member) => member.url === own.url)) return { top: folder };
  }
  return { top: own };
}

async function readFolder(url: string): Promise<Folder | undefined> {
  const json = await readJson(`${url}deno.json`);
  // Deno ignores it if there is a deno.json.
  const jsonc = json === undefined ? await readJson(`${url}deno.jsonc`) : undefined;
  const npm = await readJson(`${url}package.json`);
  const deno = json ?? jsonc;
  if (deno === undefined && npm === undefined) return undefined;
  const name = json !== undefined
    ? "deno.json"
    : jsonc !== undefined
    ? "deno.jsonc"
    : "package.json";
  return { url, file: url + name, deno, npm };
}

function workspaceOf({ deno, npm }: Folder): readonly string[] {
  const workspace = deno?.workspace;
  if (workspace !== undefined) {
    return "members" in workspace ? workspace.members ?? [] : workspace as readonly string[];
  }
  const npmWorkspace = npm?.workspaces ?? [];
  return "packages" in npmWorkspace
    ? npmWorkspace.packages ?? []
    : npmWorkspace as readonly string[];
}

function readMembers(top: Folder): Promise<Folder[]> {
  return readFolders(top, workspaceOf(top));
}

/**
 * Reads folders named relative to `top`; a last segment `*` stands for every folder in its parent.
 */
async function readFolders(top: Folder, patterns: readonly string[]): Promise<Folder[]> {
  const urls = new Set<string>();
  for (const pattern of patterns) {
    const plain = pattern.replace(/\/+$/, "");
    if (!plain.endsWith("*")) {
      urls.add(new URL(`${plain}/`, top.url).href);
      continue;
    }
    const parent = new URL(plain.replace(/\*+$/, ""), top.url);
    const names: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(parent)) {
      if (isDirectory) names.push(name);
    }
    for (const name of names.sort()) urls.add(new URL(`${encodeURI(name)}/`, parent).href);
  }
  const folders: Folder[] = [];
  for (const url of urls) {
    const folder = await readFolder(url);
    if (folder !== undefined) folders.push(folder);
  }
  return folders;
}

function packagesOf({ url, deno, npm }: Folder): WorkspacePackage[] {
  const json = deno?.name !== undefined ? deno : npm;
  if (json?.name === undefined) return [];
  const given = json.exports ?? json.main ?? (json === npm ? "./index.js" : {});
  const entries = typeof given === "string" ? { ".": given } : given as Record<string, unknown>;
  const exports = new Map<string, string>();
  for (const [key, target] of Object.entries(entries)) {
    const path = pickTarget(target);
    if (path !== undefined) exports.set(key.replace(/^\./, ""), new URL(path, url).href);
  }
  return [{ name: json.name, version: json.version, exports }];
}

/** The target of an export under the conditions that Deno sets. */
function pickTarget(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null) return undefined;
  for (const [condition, nested] of Object.entries(target)) {
    if (/^(deno|import|node|module-sync|default)$/.test(condition)) return pickTarget(nested);
  }
  return undefined;
}

async function buildImportMap(
  top: Folder,
  members: readonly Folder[],
  packages: readonly WorkspacePackage[],
): Promise<ImportMap> {
  const named: Record<string, string> = {};
  for (const { name, exports } of packages) {
    for (const [path, url] of exports) named[name + path] = url;
  }
  const mapped = await readImportMap(top);
  const imports = { ...named, ...absolute(mapped.json.imports, mapped.file) };
  const scopes: Record<string, Record<string, string | null>> = {};
  const add = (scope: string, entries: ImportMapEntries) => {
    scopes[scope] = { ...scopes[scope], ...entries };
  };
  for (const folder of [top, ...members]) {
    // The map of the root overrides the dependencies of a package.json.
    const dependencies = Object.entries(dependenciesOf(folder)).filter(([key]) =>
      !(key in imports) && !Object.hasOwn(folder.deno?.imports ?? {}, key.replace(/\/$/, ""))
    );
    if (dependencies.length > 0) add(folder.url, Object.fromEntries(dependencies));
    if (folder === top) {
      for (const [scope, entries] of Object.entries(mapped.json.scopes ?? {})) {
        add(new URL(scope, mapped.file).href, absolute(entries, mapped.file));
      }
    } else if (folder.deno !== undefined) {
      add(folder.url, absolute(expandPackages(folder.deno.imports ?? {}), folder.file));
      for (const [scope, entries] of Object.entries(folder.deno.scopes ?? {})) {
        add(new URL(scope, folder.file).href, absolute(entries, folder.file));
      }
    }
  }
  return new ImportMap({ imports, scopes }, top.file);
}

/** The import map of the root: its own, or the file that it names. */
async function readImportMap(top: Folder): Promise<{ json: ImportMapJson; file: string }> {
  const { deno, file } = top;
  if (deno?.imports !== undefined || deno?.scopes !== undefined || deno?.importMap === undefined) {
    const json = {
      imports: expandPackages(deno?.imports ?? {}),
      ...(deno?.scopes === undefined ? {} : { scopes: deno.scopes }),
    };
    return { json, file };
  }
  const url = new URL(deno.importMap, file).href;
  const json = url.startsWith("file:") ? await readJson(url) : undefined;
  if (json === undefined) {
    throw new GraphError(
      "CONFIG_INVALID",
      `Cannot read the import map ${url} of ${file}: wanted a local file`,
      { details: { file: url } },
    );
  }
  return { json, file: url };
}

/** Makes relative addresses and keys absolute: they are relative to the file that contains them. */
function absolute(entries: ImportMapEntries = {}, base: string): Record<string, string | null> {
  const resolve = (text: unknown): string =>
    typeof text === "string" && /^(\/|\.\.?\/)/.test(text)
      ? new URL(text, base).href
      : text as string;
  return Object.fromEntries(
    Object.entries(entries).map(([key, address]) => [resolve(key), resolve(address)]),
  );
}

/** The dependencies of a `package.json` as import map entries. */
function dependenciesOf({ npm }: Folder): ImportMapEntries {
  const entries: Record<string, string> = {};
  for (const [name, range] of Object.entries({ ...npm?.devDependencies, ...npm?.dependencies })) {
    if (/^(npm|jsr):/.test(range)) entries[name] = range;
    else if (!/^[a-z+]+:/.test(range)) entries[name] = `npm:${name}@${encodeURIComponent(range)}`;
  }
  return expandPackages(entries);
}

async function readLock(top: Folder): Promise<Lockfile | undefined> {
  const lock = top.deno?.lock ?? true;
  if (lock === false) return undefined;
  const path = typeof lock === "string" ? lock : typeof lock === "object" ? lock.path : undefined;
  const url = new URL(path ?? "deno.lock", top.file).href;
  const text = await readText(url);
  return text === undefined ? undefined : new Lockfile(text, url);
}

function optionsOf({ url, file, deno }: Folder): ConfigFolder {
  return { url, file, compilerOptions: deno?.compilerOptions };
}

/** Deno reads the type of packages if the workspace has one, or if `unstable` says so. */
function commonJsOf(top: Folder, members: readonly Folder[]): CommonJsFiles {
  const unstable = top.deno?.unstable;
  if (Array.isArray(unstable) && unstable.includes("detect-cjs")) {
    return new CommonJsFiles("commonjs");
  }
  const hasPackage = [top, ...members].some(({ npm }) => npm !== undefined);
  return hasPackage ? new CommonJsFiles("module") : CommonJsFiles.NONE;
}

async function readJson(url: string): Promise<ConfigJson | undefined> {
  return await readAnyJson(url) as ConfigJson | undefined;
}

function toUrl(path: string | URL): string {
  if (path instanceof URL) return path.href;
  if (/^[a-z][a-z0-9+.-]+:/i.test(path)) return new URL(path).href;
  const folder = path.startsWith("/") ? "/" : `${Deno.cwd()}/`;
  const escaped = (text: string) => encodeURI(text).replace(/[?#]/g, encodeURIComponent);
  return new URL(escaped(path), `file://${escaped(folder)}`).href;
}
