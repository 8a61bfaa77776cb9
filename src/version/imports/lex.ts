/**
 * Finds the imports of a source: with a lexer if its result is certain, otherwise with a parser.
 *
 * The lexer is about fifty times faster than the parser, and can be wrong. Its result is used only
 * if every `import` and `from "` in the text is where it reports one, and no dynamic import could
 * be a type. If the lexer reports too much, the import fails, and the reader parses; the loader
 * refuses imports that neither has found.
 *
 * @module
 */

import { init, parse as lex } from "es-module-lexer";
import type { MediaType } from "../manifest/format.ts";
import type { ParsedImport, ParsedImports } from "./parser.ts";
import { type FoundImport, type FoundImports, typeOf } from "./found_imports.ts";
import { GraphError } from "../errors.ts";

export type { ParsedImport, ParsedImports };

/**
 * Finds the imports of a source, without those of types.
 *
 * @param source The text, without a byte order mark.
 * @param media Which language it is.
 * @param name The module's name in messages.
 * @param isThorough Whether to parse at once, without trying the lexer first. Default false.
 * @returns The imports.
 * @throws {GraphError} (`MODULE_SYNTAX`) When the source cannot be parsed.
 */
export async function findImports(
  source: string,
  media: MediaType & ("js" | "jsx" | "ts" | "tsx"),
  name: string,
  isThorough = false,
): Promise<FoundImports> {
  if (!isThorough && (media === "js" || media === "ts")) {
    await init();
    const found = lexImports(source, media);
    if (found !== undefined) return found;
  }
  return await parseModule(source, media, name);
}

/**
 * Parses a source and finds its imports, with their positions.
 *
 * @param source The text, without a byte order mark.
 * @param media Which language it is.
 * @param name The module's name in messages.
 * @returns The imports.
 * @throws {GraphError} (`MODULE_SYNTAX`) When the source cannot be parsed.
 */
export async function parseModule(
  source: string,
  media: MediaType & ("js" | "jsx" | "ts" | "tsx"),
  name: string,
): Promise<ParsedImports> {
  // Loaded on the first use only: most graphs never need it.
  const { parseImports } = await import("./parser.ts");
  try {
    return parseImports(source, media);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const { line, column } = positionOf(source, "pos" in cause ? Number(cause.pos) : 0);
    throw new GraphError(
      "MODULE_SYNTAX",
      `Cannot read ${name} as a module: line ${line}, column ${column}: ` +
        cause.message.replace(/ \(\d+:\d+\)$/, ""),
      { cause, details: { line, column } },
    );
  }
}

/**
 * The position of an offset.
 *
 * @param source The text.
 * @param offset In UTF-16 units.
 * @returns Line and column, both from 1.
 */
export function positionOf(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let at = before.indexOf("\n"); at !== -1; at = before.indexOf("\n", at + 1)) line++;
  return { line, column: offset - start + 1 };
}

/** The lexer's result; `undefined` when it is not certain. */
function lexImports(source: string, media: "js" | "ts"): FoundImports | undefined {
  const imports: FoundImport[] = [];
  const metas: number[] = [];
  const words = new Set<number>();
  const quotes = new Set<number>();
  let found: ReturnType<typeof lex>;
  try {
    found = lex(source);
  } catch {
    return undefined;
  }
  // A file without an import or export may not be a module: only a parser can decide. Some of
  // TypeScript's exports do not make it one.
  const [entries, exports] = found;
  const isModule = exports.length > 0 ||
    entries.some(({ type }) => type !== "dynamic" && type !== "import-meta");
  if (!isModule || media === "ts" && /\bexport\s*(?:=|import\b)/.test(source)) return undefined;
  for (const entry of entries) {
    if (!isClear(source, entry)) return undefined;
    words.add(entry.importStart);
    quotes.add(entry.start - 1);
    if (entry.type === "import-meta") {
      if (!/^\s*\??\.\s*main\b/.test(source.slice(entry.end, entry.end + 80))) {
        metas.push(entry.start);
      }
    } else if (entry.type === "dynamic") {
      // Its attributes are an expression, and in TypeScript the import may be a type.
      const isCertain = entry.attributesStart === -1 &&
        (media === "js" ||
          /\bawait\s+$/.test(source.slice(Math.max(0, entry.importStart - 40), entry.importStart)));
      if (!isCertain) return undefined;
      const isLiteral = entry.specifier !== undefined && !entry.glob;
      imports.push({
        specifier: isLiteral ? entry.specifier : undefined,
        type: undefined,
        isDynamic: true,
        offset: entry.importStart,
      });
    } else if (
      /=\s*require\s*\($/.test(source.slice(entry.importStart, entry.start - 1).trimEnd())
    ) {
      // TypeScript's `import a = require("b")` does not import a module.
      return undefined;
    } else if (!entry.typeOnly) {
      imports.push({
        specifier: entry.specifier,
        type: typeOf(entry.attributes ?? []),
        isDynamic: false,
        offset: entry.importStart,
      });
    }
  }
  return isAccounted(source, words, quotes)
    ? { imports, metas, hasModuleSyntax: true, hasJsx: false, isParsed: false }
    : undefined;
}

/**
 * Whether the text of an entry can only be what the lexer takes it for. Comments, unusual white
 * space, names in quotes and other scripts are left to the parser.
 *
 * @param source The text.
 * @param entry The lexer's entry.
 * @returns Whether it is unambiguous.
 */
export function isClear(source: string, entry: ReturnType<typeof lex>[0][number]): boolean {
  const { type, importStart, start, end } = entry;
  switch (type) {
    case "import-meta":
      return /^import\s*\.\s*meta$/.test(source.slice(importStart, end));
    case "dynamic":
      return entry.phase === null && /^import\s*\(\s*$/.test(source.slice(importStart, start));
    default:
      return /^(?:import|export)(?:[\s\w$*{},]*[\s*}]from)?\s*$/
        .test(source.slice(importStart, start - 1));
  }
}

/**
 * Whether each word that could be an import is where one was reported. A word inside the span of
 * another import does not count: a lexer that takes a regular expression for a division reports an
 * import that reaches from one string far into the next.
 */
export function isAccounted(
  source: string,
  words: ReadonlySet<number>,
  quotes: ReadonlySet<number>,
): boolean {
  for (const { index } of source.matchAll(/\bimport\b/g)) if (!words.has(index)) return false;
  for (const { 0: text, index } of source.matchAll(/\bfrom\s*(?=["']|\/[*\/])/g)) {
    if (!quotes.has(index + text.length)) return false;
  }
  return true;
}
