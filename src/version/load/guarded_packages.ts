/**
 * Guarded `node:` modules for packages. A package that is evaluated for the first time while a
 * version is loaded gets modules whose named exports return a run's own randomness within runs, and
 * the runtime's elsewhere.
 *
 * A package that calls `require` gets no named exports, but the object that is already guarded.
 *
 * @module
 */

import { registerHooks } from "node:module";
import { guardedBuiltin } from "../../replay/builtins.ts";

/**
 * Imports packages, with guarded `node:` modules for their imports by name. There is no `load`
 * hook, so packages with native addons still work.
 *
 * @param importAll Imports the packages.
 * @returns The result of `importAll`.
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
