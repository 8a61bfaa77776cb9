/**
 * Executes CommonJS modules of archived packages. The runtime's own `require` reads files, and
 * these modules have none.
 *
 * @module
 */

import { parse as lex } from "es-module-lexer";
import process from "node:process";
import { unusedName } from "../compile/rewrite.ts";
import { packageAt, pathOf } from "./archived_package.ts";
import { formatOf } from "./formats.ts";
import { type PackageModule, resolveRequest } from "./resolve.ts";

/** A module as its code sees it. */
interface CommonJsModule {
  exports: unknown;
  readonly id: string;
  readonly filename: string;
  readonly path: string;
  readonly paths: readonly string[];
  readonly children: CommonJsModule[];
  readonly parent: CommonJsModule | undefined;
  loaded: boolean;
  readonly require: Require;
}

/** The function with which its code requests others. */
interface Require {
  (specifier: string): unknown;
  readonly resolve: (specifier: string) => string;
  readonly cache: Readonly<Record<string, CommonJsModule>>;
  readonly main: undefined;
  readonly extensions: object;
}

/** What CommonJS modules need of ES modules. */
export interface EsModules {
  /** Answers a dynamic import of a module. */
  readonly importFrom: (from: PackageModule, specifier: unknown) => Promise<unknown>;
  /** The namespace of an ES module that was evaluated, or can be now. */
  readonly namespaceOf: (module: PackageModule) => unknown;
}

/**
 * Gives the dynamic imports of a module another name, since the runtime would resolve them against
 * the module that evaluates the text.
 *
 * @throws {Error} When it is not certain where they are.
 */
function withoutImports(text: string, url: string): { code: string; dynamicImport: string } {
  const dynamicImport = unusedName(text);
  if (!/\bimport\s*[(.]/.test(text)) return { code: text, dynamicImport };
  let found: ReturnType<typeof lex>[0];
  try {
    [found] = lex(text);
  } catch (cause) {
    throw new Error(`Cannot load ${url}: its dynamic imports can't be found`, { cause });
  }
  let code = "";
  let at = 0;
  for (const { type, importStart } of found) {
    if (type !== "dynamic") continue;
    code += text.slice(at, importStart) + dynamicImport;
    at = importStart + dynamicImport.length;
  }
  return { code: code + text.slice(at), dynamicImport };
}

type Wrapper = (...args: readonly unknown[]) => void;

/** Evaluates in the global scope. */
const evaluate: (code: string) => unknown = globalThis.eval;

/** Executes CommonJS modules, each once. */
export class CommonJs {
  readonly #esModules: EsModules;
  readonly #modules = new Map<string, CommonJsModule>();

  /** @param esModules What they need of ES modules. */
  constructor(esModules: EsModules) {
    this.#esModules = esModules;
  }

  /**
   * Executes a module, unless that has begun already.
   *
   * @param url The URL of the module.
   * @returns Its exports.
   * @throws {unknown} What the module throws.
   */
  require(url: string): unknown {
    const found = packageAt(url)!;
    return this.#load({ package: found, path: pathOf(found, url) }, undefined);
  }

  #load(at: PackageModule, parent: CommonJsModule | undefined): unknown {
    const url = at.package.urlOf(at.path);
    const known = this.#modules.get(url);
    if (known !== undefined) {
      if (parent !== undefined && !parent.children.includes(known)) parent.children.push(known);
      return known.exports;
    }
    const format = formatOf(at);
    if (format === "module") return this.#esModules.namespaceOf(at);
    const module = this.#moduleOf(at, url, parent);
    this.#modules.set(url, module);
    parent?.children.push(module);
    try {
      if (format === "json") module.exports = JSON.parse(at.package.text(at.path));
      else if (format === "commonjs") this.#execute(at, url, module);
      else {throw new Error(
          `Cannot load ${url}: an archived package can't have a file of this kind`,
        );}
    } catch (error) {
      this.#modules.delete(url);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  #moduleOf(
    at: PackageModule,
    url: string,
    parent: CommonJsModule | undefined,
  ): CommonJsModule {
    const resolve = (specifier: string) => {
      const found = resolveRequest(at, `${specifier}`, "require");
      return found.kind === "builtin" ? found.name : found.module.package.urlOf(found.module.path);
    };
    const require = (specifier: string): unknown => {
      const found = resolveRequest(at, `${specifier}`, "require");
      return found.kind === "builtin"
        ? process.getBuiltinModule(found.name)
        : this.#load(found.module, module);
    };
    const module: CommonJsModule = {
      exports: {},
      id: url,
      filename: url,
      path: url.slice(0, url.lastIndexOf("/")),
      paths: [],
      children: [],
      parent,
      loaded: false,
      require: Object.assign(require, {
        resolve,
        cache: {},
        main: undefined,
        extensions: {},
      }),
    };
    return module;
  }

  #execute(at: PackageModule, url: string, module: CommonJsModule): void {
    const { code, dynamicImport } = withoutImports(at.package.text(at.path), url);
    const parameters = `exports, require, module, __filename, __dirname, ${dynamicImport}`;
    // The first line keeps its number; a last line that is a comment does not swallow the end.
    const wrapper = evaluate(
      `(function (${parameters}) {${code.replace(/^#!.*/, "")}\n})\n//# sourceURL=${url}`,
    ) as Wrapper;
    const importFrom = (specifier: unknown) => this.#esModules.importFrom(at, specifier);
    const { exports, require, filename, path } = module;
    Reflect.apply(wrapper, exports, [exports, require, module, filename, path, importFrom]);
  }
}
