/**
 * The files of npm packages in the runtime's cache. The runtime verified each package against the
 * lock when it downloaded it, and executes these files.
 *
 * @module
 */

import { variable } from "../../base/environment.ts";
import { messageOf } from "../../base/text.ts";
import { isLoadable, unfitReason } from "./package_content.ts";
import type { PackageFiles } from "./package_files.ts";

/** What the cache has of a package: its files, or why they can't be archived. */
export type CachedPackage =
  | { readonly files: PackageFiles; readonly bytes: number }
  | { readonly reason: string; readonly isAbsent?: boolean };

/** How many files are read at a time. */
const CONCURRENCY = 32;

const BASE_32 = "abcdefghijklmnopqrstuvwxyz234567";

const PUBLIC_REGISTRY = "registry.npmjs.org";

/**
 * Reads a package from the cache.
 *
 * @param name Its name, with its scope.
 * @param version Its version.
 * @param mostBytes The most bytes that its files may have.
 * @returns Its loadable files, or why they can't be archived.
 */
export async function readCached(
  name: string,
  version: string,
  mostBytes: number,
): Promise<CachedPackage> {
  let folder: string | undefined;
  try {
    folder = await folderOf(name, version);
    if (folder === undefined) {
      return {
        isAbsent: true,
        reason: `Deno's cache on this machine does not have ${name}@${version}`,
      };
    }
    const files = new Map<string, Uint8Array>();
    let bytes = 0;
    const paths = await loadable(folder);
    const reason = unfitReason(`${name}@${version}`, paths);
    if (reason !== undefined) return { reason };
    for (let start = 0; start < paths.length; start += CONCURRENCY) {
      const read = async (path: string) =>
        [path, await Deno.readFile(`${folder}/${path}`)] as const;
      const some = await Promise.all(paths.slice(start, start + CONCURRENCY).map(read));
      for (const [path, content] of some) files.set(path, content);
      bytes += some.reduce((sum, [, content]) => sum + content.length, 0);
      if (bytes > mostBytes) {
        return { reason: `${name}@${version} would exceed the limit of the archive for packages` };
      }
    }
    return { files, bytes };
  } catch (error) {
    return { reason: `the files of ${name}@${version} can't be read: ${messageOf(error)}` };
  }
}

/**
 * Whether the cache has a package.
 *
 * @param name Its name, with its scope.
 * @param version Its version.
 * @returns Whether it has; `false` also if this process may not look.
 */
export async function isCached(name: string, version: string): Promise<boolean> {
  try {
    return await folderOf(name, version) !== undefined;
  } catch {
    return false;
  }
}

/** The folder of a package, in the cache of whichever registry has it. */
async function folderOf(name: string, version: string): Promise<string | undefined> {
  const root = cacheRoot();
  if (root === undefined) throw new Error("this process may not look where Deno's cache is");
  for (const registry of await registriesIn(root)) {
    const folder = `${root}/${registry}/${folderOfName(name)}/${version}`;
    if (await isFolder(folder)) return folder;
  }
  return undefined;
}

/**
 * The folder of a name. Many file systems can't tell upper case from lower case, so the runtime writes
 * such names in base 32, after an underscore, with which no other name begins.
 */
function folderOfName(name: string): string {
  if (name === name.toLowerCase()) return name;
  let digits = "";
  let [value, bits] = [0, 0];
  for (const byte of new TextEncoder().encode(name)) {
    [value, bits] = [(value << 8 | byte) & 0xfff, bits + 8];
    for (; bits >= 5; bits -= 5) digits += BASE_32[value >> (bits - 5) & 31];
  }
  return `_${digits}${bits === 0 ? "" : BASE_32[value << (5 - bits) & 31]}`;
}

function cacheRoot(): string | undefined {
  const given = variable("DENO_DIR");
  if (given) return `${given}/npm`;
  const home = variable("HOME");
  const found = Deno.build.os === "windows"
    ? join(variable("LOCALAPPDATA"), "deno")
    : Deno.build.os === "darwin"
    ? join(home, "Library/Caches/deno")
    : join(variable("XDG_CACHE_HOME"), "deno") ?? join(home, ".cache/deno");
  return join(found, "npm");
}

function join(folder: string | undefined, path: string): string | undefined {
  return folder ? `${folder}/${path}` : undefined;
}

/** The registries in a cache: the one that this process uses first, then the public one. */
async function registriesIn(root: string): Promise<string[]> {
  const used = variable("NPM_CONFIG_REGISTRY");
  const first = used !== undefined && URL.canParse(used) ? folderOfRegistry(new URL(used)) : "";
  const known: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(root)) if (isDirectory) known.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const rank = (name: string) => name === first ? 0 : name === PUBLIC_REGISTRY ? 1 : 2;
  return [...new Set([...first === "" ? [] : [first], ...known])]
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** The cache's folder for a registry. */
function folderOfRegistry({ hostname, port, pathname }: URL): string {
  return `${hostname}${port === "" ? "" : `_${port}`}${pathname}`.replace(/\/$/, "");
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function loadable(root: string): Promise<string[]> {
  const folders = [""];
  const paths: string[] = [];
  for (const folder of folders) {
    for await (const { name, isDirectory, isFile } of Deno.readDir(`${root}/${folder}`)) {
      if (isDirectory) folders.push(`${folder}${name}/`);
      else if (isFile && isLoadable(name)) paths.push(folder + name);
    }
  }
  return paths;
}
