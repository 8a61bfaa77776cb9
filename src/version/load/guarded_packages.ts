/**
 * `node:` modules for packages: one that is evaluated for the first time while a version is loaded
 * gets guarded ones, whose names tell a run's own randomness within runs, and the runtime's
 * elsewhere.
 *
 * What a package `require`s holds no names, but the object that is guarded already.
 *
 * @module
 */

import { registerHooks } from "node:module";
import { guardedBuiltin } from "../../replay/builtins.ts";

/**
 * Imports packages, with guarded `node:` modules for what they import by name. There is no `load`
 * hook, so packages with native addons are imported as ever.
 *
 * @param importAll Imports them.
 * @returns What it returns.
 */
export async function importingGuarded<T>(importAll: () => Promise<T>): Promise<T> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const isRequired = !context.conditions.includes("import");
      const url = isRequired ? undefined : guardedBuiltin(specifier);
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
  try {
    return await importAll();
  } finally {
    hooks.deregister();
  }
}
