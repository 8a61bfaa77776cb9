/**
 * TypeScript and JSX to JavaScript, the way Deno emits them: imports that only name types are
 * dropped, and stack traces keep telling the lines of the source.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";
import { compileDecorators, needsCompiler } from "./decorators.ts";
import { jsxSettings } from "./jsx.ts";
import { findImports } from "./lex.ts";
import type { MediaType } from "./manifest.ts";

/** JavaScript, and how its positions lead back to the source. */
export interface Transpiled {
  /** The JavaScript text. */
  readonly code: string;
  /** A comment with a source map, to stand last; empty when the positions are the source's own. */
  readonly map: string;
}

/**
 * Makes JavaScript of a source.
 *
 * @param source The text, without a byte order mark.
 * @param media Its language.
 * @param url What stack traces call it.
 * @param options The compiler options that a manifest records.
 * @returns The JavaScript.
 * @throws {SyntaxError} When the source is not of its language.
 */
export async function transpile(
  source: string,
  media: MediaType & ("js" | "jsx" | "ts" | "tsx"),
  url: string,
  options: ReadonlyMap<string, string>,
): Promise<Transpiled> {
  if (media === "js") return { code: source, map: "" };
  const isTyped = media === "ts" || media === "tsx";
  const isJsx = media === "jsx" || media === "tsx";
  const plain = isJsx ? await compileJsx(source, isTyped, options) : source;
  if (!isTyped) return { code: plain, map: "" };
  return await compileTypes(plain, url, options);
}

/**
 * Erasing types keeps every position, and needs no map; but it also keeps imports that are never
 * used as values, which Deno drops. So the compiler that drops them is asked as well, and its answer
 * is taken where the two differ, or where there is more than types to compile. Its map goes along:
 * the runtime applies it to every stack trace.
 */
async function compileTypes(
  source: string,
  url: string,
  options: ReadonlyMap<string, string>,
): Promise<Transpiled> {
  if (needsCompiler(source, options)) {
    const { code, mappings } = await compileDecorators(source, options);
    return { code, map: mapComment(url, mappings) };
  }
  const erased = eraseTypes(source);
  if (erased !== undefined && options.get("verbatimModuleSyntax") === "true") {
    return { code: erased, map: "" };
  }
  const emitted = stripTypeScriptTypes(source, { mode: "transform", sourceMap: true });
  const at = emitted.lastIndexOf(MAP_COMMENT);
  if (at < 0) return { code: emitted, map: "" };
  const code = emitted.slice(0, at);
  if (erased !== undefined && await importsOf(erased, url) === await importsOf(code, url)) {
    return { code: erased, map: "" };
  }
  const { mappings } = JSON.parse(atob(emitted.slice(at + MAP_COMMENT.length).trim()));
  return { code, map: mapComment(url, mappings) };
}

/** The source itself is left out: the archive has it. */
function mapComment(url: string, mappings: string): string {
  const map = JSON.stringify({ version: 3, sources: [url], names: [], mappings });
  return MAP_COMMENT + new TextEncoder().encode(map).toBase64();
}

/** `undefined` where there is more than types, such as an enum. */
function eraseTypes(source: string): string | undefined {
  try {
    return stripTypeScriptTypes(source, { mode: "strip" });
  } catch {
    return undefined;
  }
}

/** The static imports of a module, names and specifiers, in a form that layout does not change. */
async function importsOf(code: string, url: string): Promise<string> {
  const { imports } = await findImports(code, "js", url);
  return imports.filter(({ isDynamic }) => !isDynamic).map(({ offset }) => {
    const [statement = ""] = /^[^"']*(["'])[^\n]*?\1/.exec(code.slice(offset)) ?? [];
    return statement.replace(/\s+/g, "").replace(/,+(?=[,}])|(?<=\{),+/g, "")
      .replaceAll("'", '"');
  }).join("\n");
}

const MAP_COMMENT = "//# sourceMappingURL=data:application/json;base64,";

/** Keeps every line where it is. */
async function compileJsx(
  source: string,
  isTyped: boolean,
  options: ReadonlyMap<string, string>,
): Promise<string> {
  const { transform } = await import("sucrase");
  const jsx = jsxSettings(source, options);
  return transform(source, {
    transforms: isTyped ? ["jsx", "typescript"] : ["jsx"],
    disableESTransforms: true,
    preserveDynamicImport: true,
    jsxRuntime: jsx.runtime,
    production: options.get("jsx") !== "react-jsxdev",
    ...(jsx.specifier === undefined
      ? {}
      : { jsxImportSource: jsx.specifier.slice(0, jsx.specifier.lastIndexOf("/")) }),
    jsxPragma: jsx.factory,
    jsxFragmentPragma: jsx.fragmentFactory,
  }).code;
}
