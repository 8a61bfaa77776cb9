/**
 * Guarded `node:` modules for the modules of versions. Names that a module exports can't be
 * replaced, only what its default export holds: so members of a version import another module in
 * its place, whose names are those of the guarded default export.
 *
 * @module
 */

import { MODULES } from "./guard.ts";

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/**
 * What a member of a version imports in place of a `node:` module.
 *
 * @param specifier The module.
 * @returns The URL of a module that exports the same, guarded; undefined for those without rules.
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
