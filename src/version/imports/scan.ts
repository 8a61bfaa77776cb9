/**
 * Finds what a module imports, whatever its language: in its text, by its JSX, or as wasm lists it.
 *
 * @module
 */

import { ModuleSyntaxError } from "../errors.ts";
import { jsxSettings } from "./jsx.ts";
import { findImports } from "./lex.ts";
import type { MediaType } from "../manifest/format.ts";
import type { FoundImport } from "./found_imports.ts";

/** A module whose bytes are known. */
export interface ScannableModule {
  /** What messages call it. */
  readonly url: string;
  /** How its bytes are read. */
  readonly media: MediaType;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** Their text, as {@linkcode decodeSource} gives it. */
  readonly source: string;
}

/** What a module imports. */
export interface ScannedModule {
  /** Its imports, in the order of the source; implied ones last. */
  readonly imports: readonly FoundImport[];
  /** The offsets of `import.meta`, other than `import.meta.main`. */
  readonly metas: readonly number[];
  /** Whether a parser, not only the lexer, found them. */
  readonly isParsed: boolean;
  /** Whether it has an import or export, of types too; of what is no text never. */
  readonly hasModuleSyntax: boolean;
  /** Whether it has an element or fragment. */
  readonly hasJsx: boolean;
}

/**
 * The text of a module.
 *
 * @param media How its bytes are read.
 * @param bytes Its bytes.
 * @returns The text without a byte order mark; empty where it is data.
 */
export function decodeSource(media: MediaType, bytes: Uint8Array): string {
  return media === "wasm" || media === "bytes" || media === "text" ? "" : decodeText(bytes);
}

/**
 * The text of bytes, as Deno reads files: UTF-16 where a byte order mark says so, else UTF-8,
 * lossy.
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
 * The charset in which a module was served, where its bytes mean another text than this package
 * reads: a manifest holds bytes and no charset.
 *
 * @param contentType The `content-type` that the module came with.
 * @param bytes Its bytes.
 * @returns The charset; `undefined` where there is no difference.
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
    // Neither does Deno know it.
  }
  return charset;
}

/**
 * Finds the imports of a module, those that only name types left out.
 *
 * @param module The module.
 * @param options Compiler options by name, as a manifest's option lines have them.
 * @param isThorough Whether to parse at once, instead of lexing where that seems certain.
 * @returns What it imports.
 * @throws {ModuleSyntaxError} When it is no module of its media type.
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
    throw new ModuleSyntaxError(`Cannot read ${url} as WebAssembly: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function checkJson({ source, url }: ScannableModule): void {
  try {
    JSON.parse(source);
  } catch (cause) {
    throw new ModuleSyntaxError(`Cannot read ${url} as JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}
