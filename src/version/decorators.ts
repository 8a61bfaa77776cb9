/**
 * What only the TypeScript compiler compiles: decorators, auto-accessors, and class fields as they
 * were before ECMAScript 2022. It is large and rarely needed, so it is no dependency: it is imported
 * from the registry, or the cache, when the first such module is loaded.
 *
 * @module
 */

import { ExternalUnavailableError } from "./load_errors.ts";

const COMPILER = "npm:typescript@6.0.3";

/** As much of the compiler as is used. */
interface Compiler {
  transpileModule(source: string, options: {
    fileName: string;
    compilerOptions: Record<string, unknown>;
  }): { outputText: string; sourceMapText?: string };
  readonly ModuleKind: { readonly ESNext: number };
  readonly ScriptTarget: { readonly ES2022: number };
}

/** May be wrong where it says yes: that costs time only. */
const NEEDED =
  /(?:^|[{};(,)])[ \t]*(?:export\s+(?:default\s+)?)?@(?!link|linkcode|linkplain|inheritDoc)[\w$(]|\baccessor\s+[\w$#[]/m;

/**
 * Whether a source must go through the TypeScript compiler.
 *
 * @param source TypeScript, without JSX.
 * @param options The compiler options that a manifest records.
 */
export function needsCompiler(source: string, options: ReadonlyMap<string, string>): boolean {
  return NEEDED.test(source) || options.get("useDefineForClassFields") === "false";
}

/**
 * Compiles TypeScript.
 *
 * @param source The text, without JSX.
 * @param options The compiler options that a manifest records.
 * @returns JavaScript, and the `mappings` of its source map.
 * @throws {ExternalUnavailableError} When the compiler can't be had here.
 */
export async function compileDecorators(
  source: string,
  options: ReadonlyMap<string, string>,
): Promise<{ code: string; mappings: string }> {
  let ts: Compiler;
  try {
    ts = (await import(COMPILER)).default;
  } catch (cause) {
    throw new ExternalUnavailableError(COMPILER, cause);
  }
  const isOn = (key: string, usual = false) => (options.get(key) ?? String(usual)) === "true";
  const { outputText, sourceMapText } = ts.transpileModule(source, {
    fileName: "module.ts",
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      isolatedModules: true,
      sourceMap: true,
      experimentalDecorators: isOn("experimentalDecorators"),
      emitDecoratorMetadata: isOn("emitDecoratorMetadata"),
      useDefineForClassFields: isOn("useDefineForClassFields", true),
      verbatimModuleSyntax: isOn("verbatimModuleSyntax"),
    },
  });
  return {
    code: outputText.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"),
    mappings: JSON.parse(sourceMapText ?? `{"mappings":""}`).mappings,
  };
}
