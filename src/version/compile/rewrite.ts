/**
 * Redirects the imports of a JavaScript module to the loader, without moving a character.
 *
 * - REWRITE-1: a dynamic import becomes a call of a loader function that answers with modules that
 *   are loaded already: within microtasks, as replay requires.
 * - REWRITE-2: an import attribute moves into the specifier, since the runtime calls a resolve hook
 *   only once for two imports that differ only in attributes.
 * - REWRITE-3: no other import is left. The lexer's result is used only if each word `import`, and
 *   each `from` before a string, is exactly where the lexer reports an import that needs no
 *   rewriting; any other module is parsed.
 *
 * @module
 */

import { init, parse as lex } from "es-module-lexer";
import {
  isAccounted,
  isClear,
  type ParsedImport,
  parseModule,
  positionOf,
} from "../imports/lex.ts";
import type { ImportType } from "../manifest/format.ts";
import { GraphError } from "../errors.ts";

/** Separates a specifier from its type in rewritten code. */
const TYPE_MARK = "\0";
const TYPE_LETTERS: Readonly<Record<string, ImportType>> = {
  m: "module",
  j: "json",
  t: "text",
  b: "bytes",
};

/** An import whose specifier is known. */
export interface RequestedImport {
  /** The specifier, its escapes decoded. */
  readonly specifier: string;
  /** The type of module that it requests. */
  readonly type: ImportType;
}

/** A module whose imports are handled by the loader. */
export interface RewrittenModule {
  /** The JavaScript text. */
  readonly code: string;
  /** Every static import that remains after types are erased. */
  readonly imports: readonly RequestedImport[];
  /** Every dynamic import; `undefined` stands for a computed one. */
  readonly dynamic: readonly (RequestedImport | undefined)[];
}

/**
 * Rewrites the imports of a module.
 *
 * @param code JavaScript, without a byte order mark.
 * @param url The URL that the module is loaded under.
 * @param importer The specifier of a module whose default export is the function
 *   `(specifier, options) => Promise` that handles dynamic imports.
 * @param isThorough Whether to parse at once, without trying the lexer first. Default false.
 * @returns The module.
 * @throws {GraphError} (`MODULE_SYNTAX`) When the code is not a module.
 */
export async function rewriteImports(
  code: string,
  url: string,
  importer: string,
  isThorough = false,
): Promise<RewrittenModule> {
  if (!isThorough) {
    await init();
    const imports = lexPlainImports(code);
    if (imports !== undefined) return { code, imports, dynamic: [] };
  }
  const { imports } = await parseModule(code, "js", url);
  return {
    code: rewrite(code, imports, url, importer),
    imports: imports.filter(({ isDynamic }) => !isDynamic).map((found) => requestOf(found)!),
    dynamic: imports.filter(({ isDynamic }) => isDynamic).map(requestOf),
  };
}

/**
 * Reads a specifier of rewritten code.
 *
 * @param emitted The specifier that a resolve hook receives.
 * @returns The specifier as its author wrote it, and the type of module that it requests.
 */
export function readRewritten(emitted: string): RequestedImport {
  const at = emitted.lastIndexOf(TYPE_MARK);
  if (at < 0) return { specifier: emitted, type: "module" };
  return { specifier: emitted.slice(0, at), type: TYPE_LETTERS[emitted[at + 1]!] ?? "module" };
}

/** REWRITE-3: the static imports, when it is certain that no import needs rewriting. */
function lexPlainImports(code: string): RequestedImport[] | undefined {
  let found: ReturnType<typeof lex>;
  try {
    found = lex(code);
  } catch {
    return undefined;
  }
  const words = new Set<number>();
  const quotes = new Set<number>();
  const imports: RequestedImport[] = [];
  for (const entry of found[0]) {
    if (!isClear(code, entry)) return undefined;
    words.add(entry.importStart);
    if (entry.type === "import-meta") continue;
    const isPlain = (entry.type === "static" || entry.type === "reexport-star") &&
      entry.attributes === null && entry.phase === null && !entry.specifier.includes(TYPE_MARK);
    if (!isPlain) return undefined;
    quotes.add(entry.start - 1);
    imports.push({ specifier: entry.specifier, type: "module" });
  }
  return isAccounted(code, words, quotes) ? imports : undefined;
}

function requestOf({ specifier, type = "module" }: ParsedImport): RequestedImport | undefined {
  return specifier === undefined ? undefined : { specifier, type: type as ImportType };
}

function rewrite(
  code: string,
  imports: readonly ParsedImport[],
  url: string,
  importer: string,
): string {
  const name = unusedName(code);
  let isDynamic = false;
  let out = "";
  let at = 0;
  for (const found of imports) {
    if (found.phase !== undefined) {
      const { line, column } = positionOf(code, found.offset);
      throw new GraphError(
        "MODULE_SYNTAX",
        `Cannot pin ${url}: line ${line}, column ${column}: found an import of phase ` +
          `${found.phase}, wanted a plain import`,
        { details: { url, line, column } },
      );
    }
    if (found.isDynamic) {
      isDynamic = true;
      out += code.slice(at, found.offset) + name;
      at = found.offset + name.length;
    } else if (found.type !== undefined || found.specifier!.includes(TYPE_MARK)) {
      const type = found.type ?? "module";
      const letter = Object.keys(TYPE_LETTERS).find((key) => TYPE_LETTERS[key] === type);
      if (letter === undefined) continue; // The runtime refuses it.
      const quote = found.specifierEnd - 1;
      out += `${code.slice(at, quote)}\\0${letter}${code[quote]}`;
      at = found.end;
      // Attributes are blanked out; line breaks and everything after them stay in place.
      out += code.slice(found.specifierEnd, found.end)
        .replace(/[^\r\n\u2028\u2029;]|;(?!$)/g, " ").replace(/^ {3}/, "");
    }
  }
  out += code.slice(at);
  return isDynamic ? `${out}\nimport ${name} from ${JSON.stringify(importer)};` : out;
}

/**
 * A name that can take the place of the word `import`.
 *
 * @param code The code.
 * @returns Six characters that occur nowhere in the code, even escaped.
 */
export function unusedName(code: string): string {
  const plain = code.replace(
    /\\u(?:\{0*([0-9a-f]{1,6})\}|([0-9a-f]{4}))/gi,
    (_, braced, four) => String.fromCodePoint(Math.min(parseInt(braced ?? four, 16), 0x10ffff)),
  );
  for (let i = 0;; i++) {
    const name = `i${i.toString(36).padStart(5, "_")}`;
    if (!code.includes(name) && !plain.includes(name)) return name;
  }
}
