/**
 * Modules of versions under an inspector. A debugger identifies a module by its URL, and people set
 * breakpoints in their own files. So if this process has an inspector, a module that it read from a
 * file or a server carries that URL. Stack traces keep the URL that the module is executed under.
 *
 * @module
 */

import process from "node:process";
import { sourceOf } from "../../base/authored.ts";

let isListening: boolean | undefined;

/**
 * The last line of a module's text, which gives it its author's URL in an inspector.
 *
 * @param hash The version.
 * @param path The path that the module is executed under.
 * @returns A comment on a line of its own; empty without an inspector, or if the URL is unknown.
 */
export function inspectedAs(hash: string, path: string): string {
  if (!(isListening ??= hasInspector())) return "";
  const url = sourceOf(hash, path);
  return url === undefined ? "" : `\n//# sourceURL=${url}`;
}

/** Whether `--inspect` or a similar flag was given; `false` without the permission to check. */
function hasInspector(): boolean {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "inspector" as "hostname" });
  if (state !== "granted") return false;
  return process.getBuiltinModule("node:inspector").url() !== undefined;
}
