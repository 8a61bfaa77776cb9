/**
 * The host: this package itself, as a workflow module imports it. A member gets the running
 * engine's own `./workflow` entry, whatever version it requests; no other entry may be in a graph,
 * since loading an old version must not start the application again.
 *
 * @module
 */

import { parsePackageSpecifier } from "../manifest/package_specifier.ts";
import { JSR_REGISTRY } from "./jsr_registry.ts";

const NAME = "@continuum/continuum";
const NPM_NAME = "@jsr/continuum__continuum";
const REGISTRY = `${JSR_REGISTRY}${NAME}/`;
const PACKAGE = new URL("../../../", import.meta.url).href;
const WORKFLOW_PATH = "src/workflow/mod.ts";

/** The URL of the running engine's `./workflow` entry. */
export const WORKFLOW_ENTRY: string = PACKAGE + WORKFLOW_PATH;

/** The URL of the running engine's `.` entry. */
export const ENGINE_ENTRY: string = `${PACKAGE}mod.ts`;

/**
 * Determines whether a specifier means this package.
 *
 * @param specifier A requested specifier, or the URL that it was resolved to.
 * @returns `host` for the `./workflow` entry, `engine` for any other module of the package that no
 * graph may contain, `undefined` for other modules.
 */
export function classifyHost(specifier: string): "host" | "engine" | undefined {
  const parts = parsePackageSpecifier(specifier);
  if (parts !== undefined) {
    if (parts.name !== NAME && parts.name !== NPM_NAME) return undefined;
    return parts.path === "/workflow" ? "host" : "engine";
  }
  if (specifier === NAME || specifier.startsWith(`${NAME}/`)) {
    return specifier === `${NAME}/workflow` ? "host" : "engine";
  }
  const url = specifier.replace(/[?#].*$/s, "");
  if (url === WORKFLOW_ENTRY) return "host";
  // The examples and tests next to the sources are ordinary modules.
  if (url === ENGINE_ENTRY || url.startsWith(`${PACKAGE}src/`)) return "engine";
  if (!url.startsWith(REGISTRY)) return undefined;
  const path = url.slice(REGISTRY.length).replace(/^[^/]*\//, "");
  return path === WORKFLOW_PATH ? "host" : "engine";
}
