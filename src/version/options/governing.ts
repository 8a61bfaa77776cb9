/**
 * Determines the compiler options of a module, as Deno does:
 *
 * - GOVERNING-1: the options of the workspace's root, overridden by those of the member whose
 *   folder contains the module;
 * - GOVERNING-2: if neither has any, those of the first `tsconfig.json` that applies to the module,
 *   which must be a file;
 * - GOVERNING-3: modules in no member's folder, remote ones too, get the options of the root.
 *
 * @module
 */

import { emitOptions } from "./compiler.ts";
import type { MediaType } from "../manifest/format.ts";
import { checkJsx, checkScope, checkTypes, givenOptions, type OptionScope } from "./values.ts";
import { pathOf, readTsConfigs, type TsConfig } from "./tsconfig.ts";

/** A folder of the workspace. */
export interface ConfigFolder {
  /** Its URL, with the final slash. */
  readonly url: string;
  /** The URL of its config file. */
  readonly file: string;
  /** The options in its `deno.json`; absent if it sets none. */
  readonly compilerOptions?: unknown;
}

/** Selects the compiler options of modules. */
export class GoverningOptions {
  /** Without any config. */
  static readonly NONE: GoverningOptions = new GoverningOptions(undefined, [], []);

  readonly #root: OptionScope | undefined;
  /** The longest URL first. */
  readonly #members: readonly MemberScope[];
  readonly #tsConfigs: readonly TsConfig[];

  private constructor(
    root: OptionScope | undefined,
    members: readonly MemberScope[],
    tsConfigs: readonly TsConfig[],
  ) {
    this.#root = root;
    this.#members = members;
    this.#tsConfigs = tsConfigs;
  }

  /**
   * Reads the options of a workspace.
   *
   * @param root Its root.
   * @param members Its members.
   * @returns The options.
   * @throws {GraphError} (`CONFIG_INVALID`) When a `tsconfig.json` that may apply can't be read, or
   * when Deno would not start with some options (OPTION-1).
   */
  static async read(
    root: ConfigFolder,
    members: readonly ConfigFolder[],
  ): Promise<GoverningOptions> {
    const own = scopeOf(root, undefined);
    const merged = members.filter(({ url }) => url !== root.url)
      .map((member) => ({ url: member.url, scope: scopeOf(member, own) }))
      .sort((a, b) => b.url.length - a.url.length);
    const scopes = [own, ...merged.map(({ scope }) => scope)];
    // GOVERNING-2: no tsconfig.json is needed if every scope has options.
    const mayApply = scopes.includes(undefined);
    const folders = [root, ...members].map(({ url }) => url);
    const tsConfigs = mayApply ? await readTsConfigs(folders) : [];
    for (const scope of [...scopes, ...tsConfigs]) if (scope !== undefined) checkScope(scope);
    return new GoverningOptions(own, merged, tsConfigs);
  }

  /**
   * The options of one module.
   *
   * @param url Its URL, redirects followed.
   * @param media Its media type.
   * @returns Those that change what is emitted, by name.
   * @throws {GraphError} (`CONFIG_INVALID`) When Deno would not compile the module with them
   * (OPTION-2).
   */
  of(url: string, media: MediaType): ReadonlyMap<string, string> {
    const scope = this.#scopeOf(url);
    if (scope === undefined) return new Map();
    checkTypes(scope, media);
    return emitOptions(scope.options, new Set([media]));
  }

  /**
   * Refuses JSX options that this package does not compile.
   *
   * @param url The URL of a module with JSX, redirects followed.
   * @throws {GraphError} (`CONFIG_INVALID`) When the module's options are such (OPTION-3).
   */
  checkJsx(url: string): void {
    const scope = this.#scopeOf(url);
    if (scope !== undefined) checkJsx(scope, url);
  }

  #scopeOf(url: string): OptionScope | undefined {
    const member = this.#members.find((member) => url.startsWith(member.url));
    const scope = member === undefined ? this.#root : member.scope;
    if (scope !== undefined || !url.startsWith("file:")) return scope;
    const path = pathOf(url);
    return this.#tsConfigs.find(({ includes }) => includes(path));
  }
}

interface MemberScope {
  readonly url: string;
  readonly scope: OptionScope | undefined;
}

/** GOVERNING-1: the options of a folder, which override those of the root. */
function scopeOf(
  { file, compilerOptions }: ConfigFolder,
  root: OptionScope | undefined,
): OptionScope | undefined {
  const own = givenOptions(compilerOptions, file);
  if (own === undefined) return root;
  return {
    options: { ...root?.options, ...own },
    fileOf: (key) => Object.hasOwn(own, key) ? file : root?.fileOf(key) ?? file,
  };
}
