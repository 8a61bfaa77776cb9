/**
 * The registry of `jsr:` packages that this process uses.
 *
 * @module
 */

import { variable } from "../../base/environment.ts";

/**
 * The registry's URL, with its final slash: that of the variable `JSR_URL`, as for the runtime itself,
 * or `https://jsr.io/`. It is read once, and not at all without the permission.
 */
export const JSR_REGISTRY: string = registryOf(variable("JSR_URL"));

function registryOf(given: string | undefined): string {
  const isUrl = given !== undefined && /^https?:/.test(given) && URL.canParse(given);
  return isUrl ? new URL("./", given.replace(/\/*$/, "/")).href : "https://jsr.io/";
}
