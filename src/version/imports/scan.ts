/**
 * Finds the imports of a module of any language: in its text, by its JSX, or in wasm's import list.
 *
 * @module
 */

import { jsxSettings } from "./jsx.ts";
import { findImports } from "./lex.ts";
import type { MediaType } from "../manifest/format.ts";
import type { FoundImport } from "./found_imports.ts";
import { GraphError } from "../errors.ts";

/** A module whose bytes are known. */
export interface ScannableModule {
  /** Its name in messages. */
  readonly url: string;
  /** How its bytes are read. */
  readonly media: MediaType;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** Their text, from {@linkcode decodeSource}. */
  readonly source: string;
}

/** The imports of a module. */
export interface ScannedModule {
  /** Its imports, in the order of the source; implied ones last. */
  readonly imports: readonly FoundImport[];
  /** The offsets of `import.meta`, other than `import.meta.main`. */
  readonly metas: readonly number[];
  /** Whether a parser found them, and not only the lexer. */
  readonly isParsed: boolean;
  /** Whether it has an import or export, of types too; `false` if it is not text. */
  readonly hasModuleSyntax: boolean;
  /** Whether it has an element or fragment. */
  readonly hasJsx: boolean;
}

/**
 * The text of a module.
 *
 * @param media How its bytes are read.
 * @param bytes Its bytes.
 * @returns The text without a byte order mark; empty if it is data.
 */
export function decodeSource(media: MediaType, bytes: Uint8Array): string {
  return media === "wasm" || media === "bytes" || media === "text" ? "" : decodeText(bytes);
}

/**
 * Decodes bytes as Deno reads files: UTF-16 if there is such a byte order mark, otherwise UTF-8,
 * with replacement characters for errors.
 *
 * @param bytes The bytes.
 * @returns The text without a byte order mark.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe
    ? "utf-16le"
    : first === 0xfe && second === 0xff
    ? "utf-16be"
    : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/**
 * The charset in which a module was served, if its text would differ from the text that this
 * package reads: a manifest records bytes, but no charset.
 *
 * @param contentType The `content-type` with which the module was served.
 * @param bytes Its bytes.
 * @returns The charset; `undefined` if there is no difference.
 */
export function foreignCharset(
  contentType: string | undefined,
  bytes: Uint8Array,
): string | undefined {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType ?? "")?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return undefined;
  try {
    if (new TextDecoder(charset).decode(bytes) === decodeText(bytes)) return undefined;
  } catch {
    // Deno does not know it either.
  }
  return charset;
}

/**
 * Finds the imports of a module, without those of types.
 *
 * @param module The module.
 * @param options Compiler options by name, as in a manifest's option lines.
 * @param isThorough Whether to parse at once, without trying the lexer first.
 * @returns Its imports.
 * @throws {GraphError} (`MODULE_SYNTAX`) When it is not a module of its media type.
 */
export async function scanModule(
  module: ScannableModule,
  options: ReadonlyMap<string, string>,
  isThorough: boolean,
): Promise<ScannedModule> {
  const { media, source, url } = module;
  switch (media) {
    case "js":
    case "jsx":
    case "ts":
    case "tsx": {
      const found = await findImports(source, media, url, isThorough);
      const jsx = found.hasJsx ? jsxSettings(source, options).specifier : undefined;
      return jsx === undefined ? found : { ...found, imports: [...found.imports, implicit(jsx)] };
    }
    case "wasm":
      return parsed((await wasmImports(module)).map(implicit));
    case "json":
      checkJson(module);
      return parsed([]);
    case "text":
    case "bytes":
      return parsed([]);
  }
}

function parsed(imports: readonly FoundImport[]): ScannedModule {
  return { imports, metas: [], isParsed: true, hasModuleSyntax: false, hasJsx: false };
}

function implicit(specifier: string): FoundImport {
  return { specifier, type: undefined, isDynamic: false, offset: 0 };
}

async function wasmImports({ bytes, url }: ScannableModule): Promise<string[]> {
  try {
    const module = await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
    return [...new Set(WebAssembly.Module.imports(module).map((entry) => entry.module))];
  } catch (cause) {
    throw new GraphError(
      "MODULE_SYNTAX",
      `Cannot read ${url} as WebAssembly: ${(cause as Error).message}`,
      {
        cause,
        details: { url },
      },
    );
  }
}

function checkJson({ source, url }: ScannableModule): void {
  try {
    JSON.parse(source);
  } catch (cause) {
    throw new GraphError(
      "MODULE_SYNTAX",
      `Cannot read ${url} as JSON: ${(cause as Error).message}`,
      {
        cause,
        details: { url },
      },
    );
  }
}
