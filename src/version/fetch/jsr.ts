/**
 * Converts a `jsr:` root into the registry's own URL, so that its modules become members.
 *
 * @module
 */

import type { Lockfile } from "../project/lockfile.ts";
import { isExactVersion, parsePackageSpecifier } from "../manifest/package_specifier.ts";
import { JSR_REGISTRY } from "../project/jsr_registry.ts";
import type { FetchModule } from "./read_module.ts";
import { maxSatisfying } from "../project/semver.ts";
import { GraphError } from "../errors.ts";

/** How a `jsr:` root is resolved. */
export interface ResolveJsrOptions {
  /** Fetches the registry's metadata. */
  readonly fetchModule: FetchModule;
  /** The lock, which is searched for a range first. */
  readonly lock: Lockfile | undefined;
  /** The registry; by default that of this process. */
  readonly registry?: string | undefined;
}

/**
 * Resolves a `jsr:` specifier.
 *
 * @param specifier `jsr:@scope/name@range/path`.
 * @param options How to resolve it.
 * @returns The URL of the module in the registry, at an exact version.
 * @throws {GraphError} (`MODULE_NOT_FOUND`) When it is not such a specifier, or the registry has no
 * such package, version or export.
 */
export async function resolveJsrRoot(
  specifier: string,
  options: ResolveJsrOptions,
): Promise<string> {
  const parts = parsePackageSpecifier(specifier);
  if (parts?.kind !== "jsr" || !/^@[^/]+\/[^/]+$/.test(parts.name)) {
    throw new GraphError(
      "MODULE_NOT_FOUND",
      `Cannot resolve ${specifier}: wanted jsr:@scope/name@version/path`,
      { details: { specifier } },
    );
  }
  const { fetchModule, lock, registry = JSR_REGISTRY } = options;
  const base = `${registry.replace(/\/$/, "")}/${parts.name}/`;
  const version = isExactVersion(parts.range)
    ? parts.range
    : lock?.find(parts)?.version ?? await latest();
  const { exports } = await readJson(fetchModule, `${base}${version}_meta.json`);
  const path = (exports as Record<string, unknown> | undefined)?.[`.${parts.path}`];
  if (typeof path !== "string") {
    const known = Object.keys((exports as Record<string, unknown> | undefined) ?? {}).join(", ");
    throw new GraphError(
      "MODULE_NOT_FOUND",
      `Cannot resolve ${specifier}: ${version} exports ${known}, found .${parts.path}`,
      { details: { specifier } },
    );
  }
  return new URL(path, `${base}${version}/`).href;

  async function latest(): Promise<string> {
    const meta = await readJson(fetchModule, `${base}meta.json`);
    const versions = (meta["versions"] ?? {}) as Record<string, { yanked?: boolean }>;
    const offered = Object.keys(versions).filter((version) => versions[version]?.yanked !== true);
    const version = maxSatisfying(offered, parts!.range);
    if (version !== undefined) return version;
    throw new GraphError(
      "MODULE_NOT_FOUND",
      `Cannot resolve ${specifier}: the registry has ${offered.join(", ")}, none in the range`,
      { details: { specifier } },
    );
  }
}

async function readJson(fetchModule: FetchModule, url: string): Promise<Record<string, unknown>> {
  const { bytes } = await fetchModule(url);
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch (cause) {
    throw new GraphError("MODULE_UNREADABLE", `Cannot read ${url}: it is not JSON`, {
      cause,
      details: { url },
    });
  }
}
