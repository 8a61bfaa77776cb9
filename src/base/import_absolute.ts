/**
 * Imports of modules that are known at run time alone: an application's, a version's, a box of the
 * loader.
 *
 * - ABSOLUTE-1: each template shows what makes its specifier absolute, so that a tool that publishes
 *   this package has nothing to rewrite. Files of this package are named at run time by the command
 *   line alone, beside its own URL (MODULES-1 of `cli/modules.ts`).
 *
 * @module
 */

import { quote } from "./describe.ts";

/** The exports of a module. */
export type Exports = Readonly<Record<string, unknown>>;

/**
 * Imports a module.
 *
 * @param specifier Its absolute specifier.
 * @returns Its exports.
 * @throws {TypeError} If the specifier has no scheme that modules are imported by. Errors of the
 * import unchanged.
 */
export async function importAbsolute(specifier: string): Promise<Exports> {
  const [, beginning = "", rest] =
    /^((?:file|continuum|continuum-npm):\/\/\/|https?:\/\/|(?:jsr|npm):\/?|data:(?:text|application)\/)(.*)$/is
      .exec(specifier) ?? [];
  switch (beginning.toLowerCase()) {
    case "file:///":
      return await import(`file:///${rest}`);
    case "continuum:///":
      return await import(`continuum:///${rest}`);
    case "continuum-npm:///":
      return await import(`continuum-npm:///${rest}`);
    case "https://":
      return await import(`https://${rest}`);
    case "http://":
      return await import(`http://${rest}`);
    case "jsr:":
    case "jsr:/":
      return await import(`jsr:/${rest}`);
    case "npm:":
    case "npm:/":
      return await import(`npm:/${rest}`);
    case "data:text/":
      return await import(`data:text/${rest}`);
    case "data:application/":
      return await import(`data:application/${rest}`);
    default:
      throw new TypeError(
        `Cannot import ${quote(specifier)}: it is no absolute specifier`,
      );
  }
}
