/**
 * The names that ES modules can import from CommonJS modules of archived packages: found in their
 * text, as Node and Deno do, before anything is executed.
 *
 * @module
 */

import { init, parse } from "cjs-module-lexer";
import { formatOf } from "./formats.ts";
import { type PackageModule, resolveRequest } from "./resolve.ts";

/**
 * Finds the names that a module exports.
 *
 * @param module A CommonJS module.
 * @returns The names, also those of modules that it exports again.
 */
export async function exportedNames(module: PackageModule): Promise<ReadonlySet<string>> {
  await init();
  const names = new Set<string>();
  const seen = new Map([[module.package.urlOf(module.path), module]]);
  for (const at of seen.values()) {
    const { exports, reexports } = lexed(at);
    for (const name of [...exports, ...await keysAssigned(at)]) names.add(name);
    for (const specifier of reexports) {
      const found = targetOf(at, specifier);
      if (found !== undefined) seen.set(found.package.urlOf(found.path), found);
    }
  }
  return names;
}

function lexed({ package: from, path }: PackageModule): {
  readonly exports: readonly string[];
  readonly reexports: readonly string[];
} {
  try {
    return parse(from.text(path));
  } catch {
    return { exports: [], reexports: [] }; // The runtime finds none there either.
  }
}

/** The keys of objects that are assigned to `module.exports`: the lexer stops at a function. */
async function keysAssigned({ package: from, path }: PackageModule): Promise<string[]> {
  const text = from.text(path);
  if (!/\bmodule\s*\.\s*exports\s*=\s*\{/.test(text)) return [];
  // Loaded on the first use only.
  const { keysOfExports } = await import("./commonjs_keys.ts");
  return keysOfExports(text);
}

function targetOf(from: PackageModule, specifier: string): PackageModule | undefined {
  try {
    const found = resolveRequest(from, specifier, "require");
    if (found.kind === "builtin" || formatOf(found.module) !== "commonjs") return undefined;
    return found.module;
  } catch {
    return undefined; // It fails when the module is executed.
  }
}
