/**
 * `deno.lock`, versions 4 and 5: the locked version of a range, and the digest of its packages.
 *
 * @module
 */

import { type PackageSpecifier, parsePackageSpecifier } from "../manifest/package_specifier.ts";
import { closureIntegrity, type ClosurePackage } from "./closure.ts";
import { GraphError } from "../errors.ts";
import { lockedRange } from "./semver.ts";

/** A package in the lock. */
export interface LockedPackage {
  /** The exact version. */
  readonly version: string;
  /**
   * Over the package and all its dependencies: `closure-sha256-` and hexadecimal digits. `null`
   * when a part of the closure has no integrity in the lock.
   */
  readonly integrity: string | null;
}

/** A package and all below it, as the lock has them. */
export interface LockedClosure {
  /** The key of the package. */
  readonly key: string;
  /** Every package of the closure by its key. */
  readonly packages: ReadonlyMap<string, LockedEntry>;
}

/** An npm package in a lock. */
export interface LockedEntry {
  /** Its integrity. */
  readonly integrity: string;
  /** The key of the package that it means by each name. */
  readonly dependencies: ReadonlyMap<string, string>;
  /** Whether it is for certain operating systems or processors alone. */
  readonly isForPlatform: boolean;
  /** Where its archive file is, if that is not where the registry has all. */
  readonly tarball: string | undefined;
}

interface Entry {
  readonly integrity?: string;
  readonly tarball?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
  readonly optionalPeers?: readonly string[];
}

/** What a lockfile holds, as far as this project reads it. */
export interface LockJson {
  /** The format's version. */
  readonly version?: string;
  /** Each specifier's version, as its entry below is named. */
  readonly specifiers?: Readonly<Record<string, string>>;
  /** The npm packages. */
  readonly npm?: Readonly<Record<string, Entry>>;
  /** The JSR packages. */
  readonly jsr?: Readonly<Record<string, Entry>>;
}

/** The kind and key of a package. */
type Found = readonly ["npm" | "jsr", string];

interface FoundPackage extends ClosurePackage {
  readonly found: Found;
}

/** A lockfile; immutable. A lockfile of another format version pins nothing. */
export class Lockfile {
  readonly #lock: LockJson;
  /** The keys of each kind by `kind:name`. */
  readonly #keys = new Map<string, string[]>();
  readonly #closures = new Map<string, string | null>();

  /**
   * Reads a lockfile.
   *
   * @param text Its text.
   * @param url Its name in messages.
   * @throws {GraphError} (`CONFIG_INVALID`) When it is not JSON.
   */
  constructor(text: string, url: string) {
    let lock: LockJson | null;
    try {
      lock = JSON.parse(text) as LockJson | null;
    } catch (cause) {
      throw new GraphError("CONFIG_INVALID", `Cannot read the lockfile ${url}: it is not JSON`, {
        cause,
        details: { file: url },
      });
    }
    this.#lock = lock?.version === "4" || lock?.version === "5" ? lock : {};
    for (const kind of ["npm", "jsr"] as const) {
      for (const key of Object.keys(this.#lock[kind] ?? {})) {
        const name = `${kind}:${key.slice(0, key.indexOf("@", 1))}`;
        const keys = this.#keys.get(name);
        if (keys === undefined) this.#keys.set(name, [key]);
        else keys.push(key);
      }
    }
  }

  /**
   * Finds the package that a specifier means.
   *
   * @param specifier Its kind, name and range.
   * @returns The package; `undefined` when the lock does not list it.
   */
  find(specifier: PackageSpecifier): LockedPackage | undefined {
    const { kind, name, range } = specifier;
    const locked = this.#lockedVersion(specifier) ?? range;
    const key = `${name}@${locked}`;
    if (this.#lock[kind]?.[key] === undefined) return undefined;
    // The part after the first underscore names the peers with which an npm package was resolved.
    const version = kind === "npm" ? locked.replace(/_.*$/s, "") : locked;
    return { version, integrity: this.#closure(kind, key) };
  }

  /**
   * Makes a lock of some packages alone: the runtime wants all that a lock lists in its cache. It
   * looks a package up by the range that an import names, so the lock has exact specifiers too,
   * where this one has only ranges.
   *
   * @param externals Exact specifiers, each with the integrity of its closure, if it is known.
   * @param names Names of npm packages, of which all locked versions are kept.
   * @returns The lock; its text is its JSON.
   */
  partOf(
    externals: Iterable<{ readonly specifier: string; readonly integrity: string | null }>,
    names: readonly string[],
  ): LockJson {
    const { specifiers: known = {}, npm = {}, jsr = {}, ...rest } = this.#lock;
    const specifiers: Record<string, string> = {};
    const kept = new Map<string, Found>();
    const keep = (specifier: string, name: string, kind: "npm" | "jsr", key: string) => {
      specifiers[specifier] = key.slice(name.length + 1);
      for (const [id, { found }] of this.#below(kind, key).packages) kept.set(id, found);
    };
    for (const [specifier, version] of Object.entries(known)) {
      const { kind, name } = parsePackageSpecifier(specifier) ?? {};
      if (kind === undefined || name === undefined) continue;
      if (kind === "npm" && !names.includes(name)) continue;
      keep(specifier, name, kind, `${name}@${version}`);
    }
    for (const { specifier, integrity } of externals) {
      const { kind, name, range } = parsePackageSpecifier(specifier) ?? {};
      if (kind === undefined || name === undefined) continue;
      const requested = `${kind}:${name}@${range || "*"}`;
      const named = known[requested];
      const found = named === undefined ? this.#keysOf(kind, name, range!) : [`${name}@${named}`];
      const key = found.find((key) => this.#closure(kind, key) === integrity) ?? found[0];
      if (key !== undefined) keep(requested, name, kind, key);
    }
    const select = (kind: string, entries: Readonly<Record<string, Entry>>) =>
      Object.fromEntries(Object.entries(entries).filter(([key]) => kept.has(`${kind}:${key}`)));
    return { ...rest, specifiers, npm: select("npm", npm), jsr: select("jsr", jsr) };
  }

  /**
   * Finds an npm package and all below it.
   *
   * @param external An exact specifier, with the integrity of its closure.
   * @returns The closure; `undefined` when the lock does not have it, or with another integrity.
   */
  closureOf(
    { specifier, integrity }: { readonly specifier: string; readonly integrity: string | null },
  ): LockedClosure | undefined {
    const { kind, name, range = "" } = parsePackageSpecifier(specifier) ?? {};
    if (kind !== "npm" || name === undefined || integrity === null) return undefined;
    const key = this.#keysOf(kind, name, range)
      .find((key) => this.#closure(kind, key) === integrity);
    if (key === undefined) return undefined;
    const packages = [...this.#below(kind, key).packages.values()].map((below) => {
      const { found: [, key], integrity, isForPlatform } = below;
      const dependencies = [...below.dependencies].map(([name, id]) =>
        [name, id.slice("npm:".length)] as const
      );
      const { tarball } = this.#lock.npm![key]!;
      return [
        key,
        { integrity, isForPlatform, dependencies: new Map(dependencies), tarball },
      ] as const;
    });
    return { key, packages: new Map(packages) };
  }

  /** The keys of a version: an npm package has one for each set of peers that it is used with. */
  #keysOf(kind: "npm" | "jsr", name: string, version: string): string[] {
    const key = `${name}@${version}`;
    return (this.#keys.get(`${kind}:${name}`) ?? [])
      .filter((found) => found === key || found.startsWith(`${key}_`));
  }

  /** The integrity of a package and all its dependencies; `null` if a part of it is not known. */
  #closure(kind: "npm" | "jsr", key: string): string | null {
    const root = `${kind}:${key}`;
    const known = this.#closures.get(root);
    if (known !== undefined) return known;
    const { packages, isWhole } = this.#below(kind, key);
    const closure = isWhole
      ? closureIntegrity(
        packages.get(root)!,
        [...packages.values()].filter(({ id }) => id !== root),
      )
      : null;
    this.#closures.set(root, closure);
    return closure;
  }

  /** A package and all its dependencies; whole if the lock has each of them with an integrity. */
  #below(
    kind: "npm" | "jsr",
    key: string,
  ): { readonly packages: ReadonlyMap<string, FoundPackage>; readonly isWhole: boolean } {
    const packages = new Map<string, FoundPackage>();
    const pending: Found[] = [[kind, key]];
    let isWhole = true;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [kind, key] = next;
      const id = next.join(":");
      if (packages.has(id)) continue;
      const entry = this.#lock[kind]?.[key];
      if (entry?.integrity === undefined) isWhole = false;
      const dependencies = new Map<string, string>();
      const below = [...entry?.dependencies ?? [], ...entry?.optionalDependencies ?? []];
      for (const text of below) {
        const found = kind === "npm" ? this.#npmKey(text) : this.#anyKey(text);
        if (found === undefined) {
          isWhole = false;
          continue;
        }
        dependencies.set(kind === "npm" ? nameOf(text) : text, found.join(":"));
        pending.push(found);
      }
      packages.set(id, {
        id,
        found: next,
        integrity: entry?.integrity ?? "-",
        isForPlatform: entry?.os !== undefined || entry?.cpu !== undefined,
        dependencies,
      });
    }
    return { packages, isWhole };
  }

  /** What the lock says of a range, verbatim or in the form in which Deno writes it. */
  #lockedVersion({ kind, name, range }: PackageSpecifier): string | undefined {
    const { specifiers = {} } = this.#lock;
    return specifiers[`${kind}:${name}@${range || "*"}`] ??
      specifiers[`${kind}:${name}@${lockedRange(range)}`];
  }

  /** A dependency of an npm package: `name`, `name@version` or `alias@npm:name@version`. */
  #npmKey(dependency: string): Found | undefined {
    const plain = dependency.replace(/^.*?@npm:/, "");
    if (plain.indexOf("@", 1) !== -1) return ["npm", plain];
    const keys = this.#keys.get(`npm:${plain}`);
    return keys?.length === 1 ? ["npm", keys[0]!] : undefined;
  }

  /** A dependency of a JSR package: a specifier, without a range if only one version is locked. */
  #anyKey(dependency: string): Found | undefined {
    const specifier = parsePackageSpecifier(dependency);
    if (specifier === undefined) return undefined;
    const { kind, name, range } = specifier;
    const locked = this.#lockedVersion(specifier);
    if (locked !== undefined) return [kind, `${name}@${locked}`];
    const keys = this.#keys.get(`${kind}:${name}`);
    return range === "" && keys?.length === 1 ? [kind, keys[0]!] : undefined;
  }
}

/** The name by which an npm package means a dependency. */
function nameOf(dependency: string): string {
  const at = dependency.indexOf("@", 1);
  return at < 0 ? dependency : dependency.slice(0, at);
}
