/**
 * What the runtime is given for a member: always a JavaScript module, whatever the member is.
 *
 * Two things in its text are changed, without moving a character:
 * - a dynamic `import(` becomes a call of a function of the loader, which answers from modules that
 *   are loaded already: within microtasks, as replay needs it;
 * - an import attribute moves into the specifier, since a resolve hook is asked only once for two
 *   imports that differ in nothing else.
 *
 * @module
 */

import { findImports, type FoundImport } from "./lex.ts";
import type { ImportType, Member } from "./manifest.ts";
import { transpile } from "./transpile.ts";

/** Stands between a specifier and its type in emitted code; no source can write it unescaped. */
const TYPE_MARK = "\0";
const TYPE_LETTERS: Readonly<Record<string, ImportType>> = { j: "json", t: "text", b: "bytes" };

/** What the runtime is given for a member. */
export interface EmittedModule {
  /** The JavaScript text. */
  readonly code: string;
  /** Every import that is made when it is linked. */
  readonly imports: readonly { readonly specifier: string; readonly type: ImportType }[];
}

/**
 * Makes the module text of a member.
 *
 * @param member What the manifest says of it.
 * @param bytes Its bytes, verified.
 * @param url The URL that it is loaded under.
 * @param importer An expression for the function `(url, specifier, options) => Promise` that
 *   answers dynamic imports.
 * @param options The compiler options that the manifest records.
 * @returns The JavaScript text, and what it imports.
 * @throws {SyntaxError} When the member is not of its media type.
 */
export async function emitModule(
  member: Member,
  bytes: Uint8Array,
  url: string,
  importer: string,
  options: ReadonlyMap<string, string>,
): Promise<EmittedModule> {
  switch (member.media) {
    case "json": {
      const text = decodeText(bytes);
      JSON.parse(text);
      return data(`JSON.parse(${JSON.stringify(text)})`);
    }
    case "text":
      return data(JSON.stringify(decodeText(bytes)));
    case "bytes":
      return data(bytesExpression(bytes));
    case "wasm":
      return emitWasm(bytes);
    default: {
      const { code, map } = await transpile(decodeText(bytes), member.media, url, options);
      const { imports } = await findImports(code, "js", url);
      const rewritten = rewriteImports(code, imports, url, importer);
      return {
        code: map === "" ? rewritten : `${rewritten}\n${map}`,
        imports: imports.filter(({ isDynamic }) => !isDynamic).map(({ specifier, type }) => ({
          specifier: specifier!,
          type: (type ?? "module") as ImportType,
        })),
      };
    }
  }
}

/**
 * Reads a specifier as emitted code has it.
 *
 * @param emitted What a resolve hook is given.
 * @returns The specifier as its author wrote it, and how it asks for its module.
 */
export function readEmitted(emitted: string): { specifier: string; type: ImportType } {
  const at = emitted.lastIndexOf(TYPE_MARK);
  if (at < 0) return { specifier: emitted, type: "module" };
  return { specifier: emitted.slice(0, at), type: TYPE_LETTERS[emitted[at + 1]!] ?? "module" };
}

/** UTF-8, lossy and without a byte order mark, as Deno reads modules. */
function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function data(expression: string): EmittedModule {
  return { code: `export default ${expression};`, imports: [] };
}

function bytesExpression(bytes: Uint8Array): string {
  return `Uint8Array.fromBase64("${bytes.toBase64()}")`;
}

function rewriteImports(
  code: string,
  imports: readonly FoundImport[],
  url: string,
  importer: string,
): string {
  const name = unusedName(code);
  let isDynamic = false;
  let out = "";
  let at = 0;
  for (const found of imports) {
    if (found.isDynamic) {
      // `import.source(` and `import.defer(` stay as they are, and fail.
      if (!/^import\s*\(/.test(code.slice(found.offset, found.offset + 200))) continue;
      isDynamic = true;
      out += code.slice(at, found.offset) + name;
      at = found.offset + name.length;
    } else if (found.type !== undefined && found.specifier !== undefined) {
      const clause = TYPED_IMPORT.exec(code.slice(found.offset));
      const letter = Object.keys(TYPE_LETTERS).find((key) => TYPE_LETTERS[key] === found.type);
      if (clause === null || letter === undefined) continue;
      const [whole, before, quote, attributes] = clause;
      const mark = `\\0${letter}`;
      out += code.slice(at, found.offset) + before + mark + quote +
        attributes!.replace(/[^\r\n]/g, " ").replace(/^ {3}/, "");
      at = found.offset + whole.length;
    }
  }
  out += code.slice(at);
  if (!isDynamic) return out;
  return `${out}\nfunction ${name}(s,o){return ${importer}(${JSON.stringify(url)},s,o)}`;
}

/** From the import's start: up to the closing quote, the quote, the attributes. */
const TYPED_IMPORT =
  /^([^"'{]*(?:\{(?:[^"'}]|"[^"\n]*"|'[^'\n]*')*\}[^"']*)?(["'])(?:(?!\2)[^\\\n]|\\.)*)\2(\s*(?:with|assert)\s*\{[^}]*\})/;

/** Six characters, as many as `import` has. */
function unusedName(code: string): string {
  for (let i = 0;; i++) {
    const name = `i${i.toString(36).padStart(5, "_")}`;
    if (!code.includes(name)) return name;
  }
}

/** A module with the instance's exports, its imports bound as the ESM integration has them. */
function emitWasm(bytes: Uint8Array): EmittedModule {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const sources = [...new Set(WebAssembly.Module.imports(module).map((i) => i.module))];
  const imports = sources.map((source, i) => `import * as i${i} from ${JSON.stringify(source)};`);
  const bound = sources.map((source, i) => `${JSON.stringify(source)}: i${i}`);
  const names = WebAssembly.Module.exports(module).map((e) => e.name);
  const code = [
    ...imports,
    `const module = new WebAssembly.Module(${bytesExpression(bytes)});`,
    `const { exports } = new WebAssembly.Instance(module, {${bound.join(", ")}});`,
    ...names.map((name, i) => `const e${i} = exports[${JSON.stringify(name)}];`),
    `export { ${names.map((name, i) => `e${i} as ${JSON.stringify(name)}`).join(", ")} };`,
  ].join("\n");
  return { code, imports: sources.map((specifier) => ({ specifier, type: "module" })) };
}
