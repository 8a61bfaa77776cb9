/**
 * What a module of an archived package is: by its extension, by the `type` of the nearest
 * `package.json`, and, unless that is `module`, by its text, as Deno does it.
 *
 * @module
 */

import { init, parse as lex } from "es-module-lexer";
import type { PackageModule } from "./resolve.ts";

/** What a module is. */
export type PackageFormat = "module" | "commonjs" | "json" | "addon" | "wasm";

const BY_EXTENSION: Readonly<Record<string, PackageFormat>> = {
  mjs: "module",
  cjs: "commonjs",
  json: "json",
  node: "addon",
  wasm: "wasm",
};

/** Makes {@linkcode formatOf} ready. */
export const readyFormats = (): unknown => init();

/**
 * Finds out what a module is.
 *
 * @param module The module.
 * @returns Its format.
 */
export function formatOf(module: PackageModule): PackageFormat {
  const [, extension = ""] = /\.(\w+)$/.exec(module.path) ?? [];
  const known = BY_EXTENSION[extension];
  if (known !== undefined) return known;
  if (module.package.typeAt(module.path) === "module") return "module";
  return isModule(module.package.text(module.path)) ? "module" : "commonjs";
}

function isModule(text: string): boolean {
  if (!/\b(?:import|export)\b/.test(text)) return false;
  try {
    const [imports, exports] = lex(text);
    return exports.length > 0 ||
      imports.some(({ type }) => type !== "dynamic" && type !== "import-meta");
  } catch {
    return false;
  }
}
