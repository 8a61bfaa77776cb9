/**
 * Guarded `node:` modules for the modules of versions. The named exports of a built-in module can't
 * be replaced, only the members of its default export. So members of a version import another
 * module instead, whose named exports are those of the guarded default export.
 *
 * @module
 */

import { MODULES } from "./guard.ts";

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/**
 * The module that members of a version import instead of a `node:` module.
 *
 * @param specifier The module.
 * @returns The URL of a module with the same exports, guarded; `undefined` if no rule applies.
 */
export function guardedBuiltin(specifier: string): string | undefined {
  const name = specifier.startsWith("node:") ? specifier : `node:${specifier}`;
  const found = MODULES[name];
  if (found === undefined) return undefined;
  const keys = Object.keys(found).filter((key) => IDENTIFIER.test(key) && key !== "default");
  const source = [
    `const all = process.getBuiltinModule(${JSON.stringify(name)});`,
    "export default all;",
    ...keys.map((key, i) => `const v${i} = all.${key}; export { v${i} as ${key} };`),
  ];
  return `data:text/javascript,${encodeURIComponent(source.join("\n"))}`;
}
