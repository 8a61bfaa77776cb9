/**
 * Caches of npm packages for tests: what a machine has on which a lock was installed and nothing
 * else, or on which more was done.
 *
 * @module
 */

import { readCached } from "../../src/version/packages/npm_cache.ts";
import { nameAndVersion } from "../../src/version/packages/version_packages.ts";
import type { RegistryPackage } from "./npm_registry.ts";
import { PROJECT } from "./project.ts";

/** The entries of `npm` in a lock, by `name@version`. */
export type LockedPackages = Readonly<
  Record<string, {
    readonly integrity: string;
    readonly dependencies?: readonly string[];
    readonly optionalDependencies?: readonly string[];
  }>
>;

/** A package that exists in the cache alone. */
export interface FakePackage {
  /** Its name, with its scope. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** Its only module. */
  readonly code: string;
  /** The ranges of what it imports. */
  readonly dependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", PROJECT)));
const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", PROJECT)));

/** The import map of this project for some packages, and what its lock says of them. */
export function ownPackages(names: readonly string[]): {
  readonly imports: Readonly<Record<string, string>>;
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: LockedPackages;
} {
  const imports = names.map((name): [string, string] => [name, config.imports[name]]);
  const specifiers = imports.map(([, specifier]): [string, string] => [
    specifier,
    lock.specifiers[specifier],
  ]);
  const npm: Record<string, LockedPackages[string]> = {};
  const pending = specifiers.map(([specifier, version]) =>
    `${specifier.slice("npm:".length, specifier.lastIndexOf("@"))}@${version}`
  );
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (npm[next] !== undefined) continue;
    const entry: LockedPackages[string] = lock.npm[next];
    npm[next] = entry;
    pending.push(
      ...[...entry.dependencies ?? [], ...entry.optionalDependencies ?? []].map((name) =>
        Object.keys(lock.npm).find((key) => key === name || key.startsWith(`${name}@`))!
      ),
    );
  }
  return {
    imports: Object.fromEntries(imports),
    specifiers: Object.fromEntries(specifiers),
    npm,
  };
}

/**
 * Copies packages from the cache of this process, as their archives were unpacked there.
 *
 * @param packages Which.
 * @param placeOf The folder of each.
 */
export async function copyPackages(
  packages: LockedPackages,
  placeOf: (name: string, version: string) => URL,
): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  for (const key of Object.keys(packages)) {
    const [, name, version] = /^(.[^@]*)@([^_]+)/.exec(key)!; // what follows `_` are peers
    const place = decodeURIComponent(placeOf(name!, version!).pathname);
    await copy(`${npmCache}/registry.npmjs.org/${name}/${version}`, place);
  }
}

/** Packages of this process's cache, for a registry. */
export async function packagesOf(packages: LockedPackages): Promise<RegistryPackage[]> {
  return await Promise.all(
    Object.entries(packages).map(async ([key, { dependencies = [] }]) => {
      const { name, version } = nameAndVersion(key);
      const cached = await readCached(name, version, Infinity);
      if ("reason" in cached) throw new Error(cached.reason);
      const { "package.json": json, ...files } = Object.fromEntries(cached.files);
      const manifest = JSON.parse(new TextDecoder().decode(json));
      return { name, version, key, needs: dependencies, files, manifest };
    }),
  );
}

/** Where a package is in a cache. */
export function placeInCache(denoDir: URL, registry: string, name: string, version: string): URL {
  return new URL(`npm/${registry}/${name}/${version}/`, denoDir);
}

/** Writes packages into a cache; `isKnown`: also what the registry says of all their versions. */
export async function fakePackages(
  denoDir: URL,
  registry: string,
  packages: readonly FakePackage[],
  isKnown: boolean,
): Promise<void> {
  for (const { name, version, code, dependencies = {} } of packages) {
    const folder = decodeURIComponent(placeInCache(denoDir, registry, name, version).pathname);
    await Deno.mkdir(folder, { recursive: true });
    const manifest = { name, version, type: "module", exports: "./index.js", dependencies };
    await Deno.writeTextFile(`${folder}package.json`, JSON.stringify(manifest));
    await Deno.writeTextFile(`${folder}index.js`, code);
  }
  if (!isKnown) return;
  for (const [name, versions] of Map.groupBy(packages, ({ name }) => name)) {
    const known = versions.map(({ version, dependencies = {} }) => {
      const tarball = `https://${registry}/${name}/-/${version}.tgz`;
      return [version, { version, dependencies, dist: { tarball, integrity: "sha512-AA==" } }];
    });
    const document = {
      name,
      "dist-tags": { latest: versions.at(-1)!.version },
      versions: Object.fromEntries(known),
    };
    const path = new URL(`npm/${registry}/${name}/registry.json`, denoDir);
    await Deno.writeTextFile(path, JSON.stringify(document));
  }
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
