/**
 * The code that the runtime executes for a member: always a JavaScript module, whatever the member
 * is.
 *
 * @module
 */

import type { Member } from "../manifest/format.ts";
import { rewriteImports, type RewrittenModule } from "./rewrite.ts";
import { decodeText } from "../imports/scan.ts";
import { transpile } from "./transpile.ts";

/**
 * Makes the module text of a member.
 *
 * @param member Its entry in the manifest.
 * @param bytes Its bytes, verified.
 * @param url The URL that it is loaded under.
 * @param importer The specifier of the module that handles its dynamic imports.
 * @param options The compiler options that the manifest records.
 * @param isThorough Whether to parse at once, without trying the lexer first. Default false.
 * @returns The JavaScript text, and what it imports.
 * @throws {SyntaxError} When the bytes are not valid for the member's media type.
 */
export async function emitModule(
  member: Member,
  bytes: Uint8Array,
  url: string,
  importer: string,
  options: ReadonlyMap<string, string>,
  isThorough = false,
): Promise<RewrittenModule> {
  switch (member.media) {
    case "json": {
      const text = decodeText(bytes);
      JSON.parse(text);
      return data(`JSON.parse(${JSON.stringify(text)})`);
    }
    case "text":
      // UTF-8, whatever its byte order mark says: it is not source code.
      return data(JSON.stringify(new TextDecoder().decode(bytes)));
    case "bytes":
      return data(bytesExpression(bytes));
    case "wasm":
      return emitWasm(bytes);
    default: {
      const { code, map } = await transpile(decodeText(bytes), member.media, url, options);
      const rewritten = await rewriteImports(code, url, importer, isThorough);
      return map === "" ? rewritten : { ...rewritten, code: `${rewritten.code}\n${map}` };
    }
  }
}

function data(expression: string): RewrittenModule {
  return { code: `export default ${expression};`, imports: [], dynamic: [] };
}

function bytesExpression(bytes: Uint8Array): string {
  return `Uint8Array.fromBase64("${bytes.toBase64()}")`;
}

/** A module with the instance's exports; imports are bound as in the ESM integration proposal. */
function emitWasm(bytes: Uint8Array): RewrittenModule {
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
  return {
    code,
    imports: sources.map((specifier) => ({ specifier, type: "module" })),
    dynamic: [],
  };
}
