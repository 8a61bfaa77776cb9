/**
 * Modules of versions under an inspector. A debugger knows a module by its URL, and people set
 * breakpoints in their own files; so where this process has an inspector, a module that it read
 * from a file or a server says so. Stack traces keep the URL that the module is executed under.
 *
 * @module
 */

import process from "node:process";
import { sourceOf } from "../../base/authored.ts";

let isListening: boolean | undefined;

/**
 * What stands last in the text of a module, so that an inspector knows it by its author's URL.
 *
 * @param hash The version.
 * @param path The path that the module is executed under.
 * @returns A comment in a line of its own; empty where nobody inspects, or the URL is not known.
 */
export function inspectedAs(hash: string, path: string): string {
  if (!(isListening ??= hasInspector())) return "";
  const url = sourceOf(hash, path);
  return url === undefined ? "" : `\n//# sourceURL=${url}`;
}

/** Whether `--inspect` or its like was given. Who may not ask has none. */
function hasInspector(): boolean {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "inspector" as "hostname" });
  if (state !== "granted") return false;
  return process.getBuiltinModule("node:inspector").url() !== undefined;
}
