/**
 * How the JSX of a module is emitted, and the import that results.
 *
 * @module
 */

/** How JSX becomes calls. */
export interface JsxSettings {
  /** `classic` calls a factory in scope; `automatic` imports one. */
  readonly runtime: "classic" | "automatic";
  /** The specifier that `automatic` imports; `undefined` for `classic`. */
  readonly specifier: string | undefined;
  /** The factory of `classic`. */
  readonly factory: string;
  /** The fragment of `classic`. */
  readonly fragmentFactory: string;
}

/**
 * Determines how a module's JSX is emitted: compiler options, then the pragmas in the comments
 * before its first token (`@jsxRuntime`, `@jsxImportSource`, `@jsx`, `@jsxFrag`).
 *
 * @param source The text of the module.
 * @param options Compiler options by name, as in a manifest's option lines.
 * @returns The settings.
 */
export function jsxSettings(source: string, options: ReadonlyMap<string, string>): JsxSettings {
  const [leading] = /^\uFEFF?(?:#![^\n]*)?(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(source)!;
  const comments = leading.match(/\/\*[\s\S]*?\*\//g)?.join("\n") ?? "";
  const pragma = (name: string) =>
    new RegExp(`^[\\s/*]*@${name}[ \\t]+([^\\s*]+)`, "m").exec(comments)?.[1];
  const jsx = options.get("jsx") ?? "react";
  const importSource = pragma("jsxImportSource");
  // No new version has `precompile`; versions that were pinned with it are executed as before.
  const runtime = pragma("jsxRuntime") ??
    (importSource !== undefined || /^(react-jsx|react-jsxdev|precompile)$/.test(jsx)
      ? "automatic"
      : "classic");
  const from = importSource ?? options.get("jsxImportSource") ?? "react";
  return {
    runtime: runtime === "automatic" ? "automatic" : "classic",
    specifier: runtime === "automatic"
      ? `${from}/${jsx === "react-jsxdev" ? "jsx-dev-runtime" : "jsx-runtime"}`
      : undefined,
    factory: pragma("jsx") ?? options.get("jsxFactory") ?? "React.createElement",
    fragmentFactory: pragma("jsxFrag") ?? options.get("jsxFragmentFactory") ?? "React.Fragment",
  };
}
