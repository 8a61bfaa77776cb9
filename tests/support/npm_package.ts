/**
 * This package as JSR's npm compatibility would serve it: JavaScript without types, whose imports name
 * files that exist and packages of `package.json`, in a `node_modules` beside what it needs.
 *
 * @module
 */

import ts from "typescript";
import config from "../../deno.json" with { type: "json" };
import { copyPackages, ownPackages } from "./package_cache.ts";
import { PROJECT } from "./project.ts";

const NAME = config.name;
/** What an import map of this project says of a package: its name, and its exact version. */
const PACKAGE = /^npm:((?:@[^/]+\/)?[^@/]+)@([^/]+)$/;

/** `import ... from "x"`, `export ... from "x"`, `import "x"`, `import("x")`, in compiled code. */
const SPECIFIER = /(^(?:import|export)\b[^"'\n]*?\bfrom\s*|^import\s*|\bimport\()"([^"\n]+)"/gm;

/** The imports of a compiled module, each replaced. */
function withImports(code: string, replace: (specifier: string) => string): string {
  return code.replaceAll(SPECIFIER, (_, before, specifier) => `${before}"${replace(specifier)}"`);
}

/**
 * Writes the package and what it needs.
 *
 * @param folder The URL of a folder, with a slash at its end: it gets a `node_modules`.
 * @param entries Which of the package's entries, such as `./client`.
 * @returns The modules of the package, and the names of the packages that they import.
 */
export async function writeNpmPackage(
  folder: string,
  entries: readonly (keyof typeof config.exports)[],
): Promise<{ readonly modules: readonly string[]; readonly packages: readonly string[] }> {
  const root = new URL(`node_modules/${NAME}/`, folder);
  const packages = new Set<string>();
  const modules = new Set(entries.map((entry) => config.exports[entry].slice("./".length)));
  for (const path of modules) { // grows
    const source = await Deno.readTextFile(new URL(path, PROJECT));
    const target = new URL(path.replace(/\.ts$/, ".js"), root);
    await Deno.mkdir(new URL("./", target), { recursive: true });
    await Deno.writeTextFile(target, path.endsWith(".ts") ? compiled(source, path) : source);
  }
  const { npm } = ownPackages([...packages]);
  await copyPackages(npm, (name) => new URL(`node_modules/${name}/`, folder));
  await Deno.writeTextFile(
    new URL("package.json", root),
    JSON.stringify({
      name: NAME,
      version: config.version,
      type: "module",
      exports: Object.fromEntries(
        entries.map((entry) => [entry, config.exports[entry].replace(/\.ts$/, ".js")]),
      ),
      dependencies: Object.fromEntries(
        [...packages].map((name) => [name, versionOf(name)]),
      ),
    }),
  );
  return { modules: [...modules].sort(), packages: [...packages].sort() };

  function compiled(source: string, path: string): string {
    const { outputText } = ts.transpileModule(source, {
      fileName: path,
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ESNext,
        removeComments: true, // they show imports
        verbatimModuleSyntax: true,
      },
    });
    return withImports(outputText, (specifier) => {
      if (specifier.startsWith(".")) {
        const url = new URL(specifier, new URL(path, PROJECT));
        modules.add(decodeURIComponent(url.href.slice(PROJECT.href.length)));
        return specifier.replace(/\.ts$/, ".js");
      }
      if (!specifier.startsWith("node:")) packages.add(specifier);
      return specifier;
    });
  }
}

function versionOf(name: string): string {
  const mapped = (config.imports as Readonly<Record<string, string>>)[name] ?? "";
  const [, , version] = PACKAGE.exec(mapped) ?? [];
  if (version === undefined) {
    throw new Error(`The package imports ${name}, which is no npm package`);
  }
  return version;
}
