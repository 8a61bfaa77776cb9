/**
 * The modules that a command line names: URLs, paths and patterns of paths.
 *
 * @module
 */

import { glob } from "node:fs/promises";
import { refuse } from "../base/arguments.ts";
import { inWords, quote } from "../base/describe.ts";

export { standInWorkingFolder } from "../version/project/application.ts";

/** Schemes of specifiers that are taken as they are. */
const SPECIFIER = /^(?:https?|file|jsr|app|data):/i;

/** Whether a text names a module, and not a workflow: it has a scheme, or looks like a path. */
export function isModule(text: string): boolean {
  return SPECIFIER.test(text) || /^\.{0,2}\//.test(text) || /\.[cm]?[jt]sx?$/.test(text);
}

/**
 * Finds the modules that texts name.
 *
 * @param texts Absolute specifiers; paths; patterns such as `workflows/*.ts`, in the order of the
 * paths that they match.
 * @param folder The folder that paths are relative to, as a URL with a final slash.
 * @returns Absolute specifiers, each once.
 * @throws {InvalidArgumentError} If a path names no file, or a pattern matches none.
 */
export async function findModules(
  texts: readonly string[],
  folder: string = workingFolder(),
): Promise<string[]> {
  const found = new Set<string>();
  for (const text of texts) {
    if (SPECIFIER.test(text)) found.add(text);
    else for (const url of await filesOf(text, folder)) found.add(url);
  }
  return [...found];
}

/**
 * A pattern of modules that may run, as an operator writes it.
 *
 * @param text An absolute URL, a `URLPattern`, or a path with wildcards from the working folder.
 * @returns An absolute pattern.
 */
export function trustPattern(text: string): string {
  return SPECIFIER.test(text) ? text : workingFolder() + text.replace(/^\.\//, "");
}

async function filesOf(text: string, folder: string): Promise<string[]> {
  const url = new URL(encodePath(text), folder);
  if (await isFile(url)) return [url.href];
  if (!/[*?[{]/.test(text)) {
    refuse("a module", inWords(`${quote(text)}, where no file is`), "a file, a URL or a pattern");
  }
  const matched: string[] = [];
  for await (const path of glob(text, { cwd: pathOf(folder) })) {
    const file = new URL(encodePath(path), folder);
    if (await isFile(file)) matched.push(file.href);
  }
  if (matched.length > 0) return matched.sort();
  return refuse(
    "a pattern of modules",
    inWords(`${quote(text)}, which matches no file`),
    "modules",
  );
}

function encodePath(path: string): string {
  return path.replaceAll("\\", "/").replaceAll("%", "%25").replaceAll("?", "%3F")
    .replaceAll("#", "%23");
}

function pathOf(folder: string): string {
  const path = decodeURIComponent(new URL(folder).pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}

async function isFile(url: URL): Promise<boolean> {
  return (await Deno.stat(url).catch(() => null))?.isFile === true;
}

/** The process's working folder, as a URL with a final slash. */
export function workingFolder(): string {
  return new URL(`file://${encodePath(Deno.cwd()).replace(/^\/?/, "/")}/`).href;
}
