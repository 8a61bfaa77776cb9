/**
 * TypeScript and JSX to JavaScript, the way Deno emits them: imports that only name types are
 * dropped, and stack traces show the lines of the source. If a module has types alone, they are
 * erased in place; anything more is compiled.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";
import { compile } from "./compiler.ts";
import { findImports } from "../imports/lex.ts";
import type { MediaType } from "../manifest/format.ts";
import { checkNativeSyntax } from "./native_syntax.ts";

/** JavaScript, with a source map where needed. */
export interface Transpiled {
  /** The JavaScript text. */
  readonly code: string;
  /** A comment with a source map, to be appended; empty when positions are unchanged. */
  readonly map: string;
}

/**
 * Converts a source to JavaScript.
 *
 * @param source The text, without a byte order mark.
 * @param media Its language.
 * @param url The module's name in stack traces.
 * @param options The compiler options that a manifest records.
 * @returns The JavaScript.
 * @throws {SyntaxError} When the source is not valid in its language.
 * @throws {GraphError} (`MODULE_SYNTAX`) When it is valid, and Deno would refuse it.
 */
export async function transpile(
  source: string,
  media: MediaType & ("js" | "jsx" | "ts" | "tsx"),
  url: string,
  options: ReadonlyMap<string, string>,
): Promise<Transpiled> {
  await checkNativeSyntax(source, media, url);
  if (media === "js") return { code: source, map: "" };
  const erased = media === "ts" ? await eraseTypes(source, url, options) : undefined;
  if (erased !== undefined) return { code: erased, map: "" };
  const { code, names, mappings } = await compile(source, media, url, options);
  // The source itself is left out: the archive has it. Its name is relative, so that a stack trace
  // shows it below the URL that the module is executed under, and an inspector next to the author's.
  const sources = [`./${url.slice(url.lastIndexOf("/") + 1)}`];
  const map = JSON.stringify({ version: 3, sources, names, mappings });
  return { code, map: MAP_COMMENT + new TextEncoder().encode(map).toBase64() };
}

/**
 * Erases types, if nothing else has to be compiled: the rest is the author's own text, so no
 * emitter decides anything. Erasing keeps imports that are never used as values, which Deno drops;
 * so a compiler that drops them runs too, and must agree.
 *
 * @returns The text, every position unchanged; `undefined` if code has to be generated.
 */
async function eraseTypes(
  source: string,
  url: string,
  options: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  if (await hasDecorators(source)) return undefined;
  try {
    const erased = stripTypeScriptTypes(source, { mode: "strip" });
    if (options.get("verbatimModuleSyntax") === "true") return erased;
    const emitted = stripTypeScriptTypes(source, { mode: "transform" });
    return await importsOf(erased, url) === await importsOf(emitted, url) ? erased : undefined;
  } catch {
    return undefined; // There is more than types, or it is not TypeScript: the compiler decides.
  }
}

/** Decorators and auto-accessors, which the runtime does not execute and the eraser would keep. */
async function hasDecorators(source: string): Promise<boolean> {
  if (!/@|\baccessor\b/.test(source)) return false;
  const { nodesOf, parseTree } = await import("../imports/parser.ts");
  try {
    for (const { type } of nodesOf(parseTree(source, "ts"))) {
      if (type === "Decorator" || type === "ClassAccessorProperty") return true;
    }
    return false;
  } catch {
    return true;
  }
}

/** The static imports of a module, names and specifiers, in a form that ignores layout. */
async function importsOf(code: string, url: string): Promise<string> {
  const { imports } = await findImports(code, "js", url);
  return imports.filter(({ isDynamic }) => !isDynamic).map(({ offset }) => {
    const [statement = ""] = /^[^"']*(["'])[^\n]*?\1/.exec(code.slice(offset)) ?? [];
    return statement.replace(/\s+/g, "").replace(/,+(?=[,}])|(?<=\{),+/g, "")
      .replaceAll("'", '"');
  }).join("\n");
}

const MAP_COMMENT = "//# sourceMappingURL=data:application/json;base64,";
