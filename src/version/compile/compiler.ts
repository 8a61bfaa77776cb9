/**
 * The compiler for all code that has to be generated: JSX, decorators, enums, namespaces, parameter
 * properties. It is swc, which Deno compiles with, as WebAssembly and at one version: the emitted
 * code depends on this package's release alone, not on the runtime's.
 *
 * Loading it takes about 0.2 s and 25 MB, so it is loaded for the first module that needs it. Where
 * Deno uses swc in another way, this module makes the result the same:
 * - COMPILE-1: a constructor with parameter properties assigns them before fields are initialised
 *   (see `parameter_properties.ts`);
 * - COMPILE-2: the JSX runtime is imported first;
 * - COMPILE-3: `context.access` of a standard decorator takes the object as an argument, and has
 *   `has`;
 * - COMPILE-4: `using` and `await using` stay as they are (see `resources.ts`).
 *
 * @module
 */

import { quote } from "../../base/describe.ts";
import { applyEdits, mapBack } from "./edits.ts";
import { jsxSettings } from "../imports/jsx.ts";
import { isFactory } from "../options/values.ts";
import { initialiseAfterParameters } from "./parameter_properties.ts";
import { markResources } from "./resources.ts";
import { GraphError } from "../errors.ts";
import { externalUnavailable } from "../load_errors.ts";

type Compiler = typeof import("@swc/wasm-web");
type Language = "jsx" | "ts" | "tsx";

/** JavaScript, and its source map. */
export interface CompiledModule {
  /** The JavaScript text. */
  readonly code: string;
  /** The names that the mappings refer to. */
  readonly names: readonly string[];
  /** The mappings of a source map with one source. */
  readonly mappings: string;
}

/** The WebAssembly of the package `@swc/wasm-web`, as a file below `npm:@swc/`. */
const WASM = "wasm-web@1.15.3/wasm_bg.wasm";

let compiler: Promise<Compiler> | undefined;

/**
 * Compiles a module.
 *
 * @param source The text, without a byte order mark.
 * @param media Its language.
 * @param url The module's name in the development form of JSX.
 * @param options The compiler options that a manifest records.
 * @returns JavaScript, and `names` and `mappings` of its source map.
 * @throws {SyntaxError} When the source is not valid in its language.
 * @throws {GraphError} (`MODULE_SYNTAX`) When it contains syntax that can't be compiled as Deno
 * does it.
 * @throws {LoadError} (`EXTERNAL_UNAVAILABLE`) When the compiler can't be loaded here.
 */
export async function compile(
  source: string,
  media: Language,
  url: string,
  options: ReadonlyMap<string, string>,
): Promise<CompiledModule> {
  const isOn = (key: string) => options.get(key) === "true";
  const isLegacy = isOn("experimentalDecorators");
  const isTyped = media !== "jsx";
  const isJsx = media !== "ts";
  const jsx = jsxSettings(source, options);
  if (jsx.specifier === undefined && isJsx) {
    for (const factory of [jsx.factory, jsx.fragmentFactory]) {
      if (isFactory(factory)) continue;
      throw new GraphError(
        "MODULE_SYNTAX",
        `Cannot compile ${url}: the JSX factory is ${quote(factory)}, ` +
          "wanted names with dots between them",
        { details: { url } },
      );
    }
  }
  const { transformSync } = await (compiler ??= load());
  const { edits: marks, restore } = await markResources(source, media); // COMPILE-4
  const marked = applyEdits(source, marks);
  // COMPILE-1
  const moves = isTyped ? await initialiseAfterParameters(marked, media, url, isLegacy) : [];
  let compiled: { code: string; map: string };
  try {
    compiled = transformSync(
      applyEdits(marked, moves),
      {
        filename: url,
        swcrc: false,
        configFile: false,
        sourceMaps: true,
        isModule: true,
        jsc: {
          target: "esnext",
          parser: isTyped
            ? { syntax: "typescript", tsx: isJsx, decorators: true }
            : { syntax: "ecmascript", jsx: true, decorators: true },
          transform: {
            legacyDecorator: isLegacy,
            decoratorMetadata: isLegacy && isOn("emitDecoratorMetadata"),
            ...(isLegacy ? {} : { decoratorVersion: "2022-03" }),
            useDefineForClassFields: true,
            verbatimModuleSyntax: isOn("verbatimModuleSyntax"),
            tsEnumIsMutable: true,
            react: {
              runtime: jsx.runtime,
              development: options.get("jsx") === "react-jsxdev",
              throwIfNamespace: false,
              ...(jsx.specifier === undefined
                ? { pragma: jsx.factory, pragmaFrag: jsx.fragmentFactory }
                : { importSource: jsx.specifier.slice(0, jsx.specifier.lastIndexOf("/")) }),
            },
          },
          experimental: { keepImportAttributes: true },
        },
      } as unknown as Parameters<Compiler["transformSync"]>[1],
    ) as { code: string; map: string };
  } catch (cause) {
    throw cause instanceof Error ? cause : new SyntaxError(readMessage(String(cause)), { cause });
  }
  const code = restore(compiled.code).replace(
    ACCESS,
    (found) => ACCESS_OF_DENO + "\n".repeat(found.split("\n").length - 1), // COMPILE-3
  );
  const { names, mappings: emitted } = JSON.parse(compiled.map);
  const mappings = mapBack(mapBack(emitted, marked, moves), source, marks);
  const isRuntimeUsed = isJsx && jsx.specifier !== undefined &&
    code.includes(` from ${JSON.stringify(jsx.specifier)};`);
  if (!isRuntimeUsed) return { code, names, mappings };
  // COMPILE-2
  const first = `import ${JSON.stringify(jsx.specifier)};\n`;
  return { code: first + code, names, mappings: `;${mappings}` };
}

async function load(): Promise<Compiler> {
  try {
    // @ts-ignore: TypeScript knows no import of the source phase; only this one needs no
    // permission.
    const wasm: WebAssembly.Module = await import.source(`npm:@swc/${WASM}`);
    const found = await import("@swc/wasm-web");
    found.initSync({ module: wasm });
    return found;
  } catch (cause) {
    compiler = undefined;
    throw externalUnavailable(`npm:@swc/${WASM}`, cause);
  }
}

/** The first line of the compiler's message, with the position. */
function readMessage(text: string): string {
  const message = /^\s*x\s*(.+)$/m.exec(text)?.[1] ?? text.trim().split("\n")[0]!;
  const [, line, column] = /,-\[[^\n]*:(\d+):(\d+)\]/.exec(text) ?? [];
  return line === undefined ? message : `${message} (line ${line}, column ${column})`;
}

/** The code in the helper for standard decorators. */
const ACCESS =
  /ctx\.access = get && set \? \{\s+get: get,\s+set: set\s+\} : get \? \{\s+get: get\s+\} : \{\s+set: set\s+\};/;

/** In one line, so that no line below it moves. */
const ACCESS_OF_DENO = `if (isPrivate) {
ctx.access = get && set ? { get: get, set: set } : get ? { get: get } : { set: set };
} else {
if (get) { var originalGet = get; get = function(target) { if (arguments.length === 0) target = this; return originalGet.call(target); }; }
if (set) { var originalSet = set; set = function(target, value) { if (arguments.length === 1) { value = target; target = this; } return originalSet.call(target, value); }; }
var has = function(target) { return name in target; };
ctx.access = get && set ? { has: has, get: get, set: set } : get ? { has: has, get: get } : { has: has, set: set };
}`.replaceAll("\n", " ");
