/**
 * Which compiler options a module is compiled with, as Deno decides it:
 *
 * - O1: the options of the workspace's root, and over them those of the member whose folder holds
 *   the module;
 * - O2: where neither has any, those of the first `tsconfig.json` that is for the module, which must
 *   be a file;
 * - O3: what lies in no member's folder, remote modules too, is governed by the root.
 *
 * @module
 */

import { pathOf, readTsConfigs, type TsConfig } from "./tsconfig.ts";

/** Compiler options as a config file gives them. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** A folder of the workspace. */
export interface ConfigFolder {
  /** Its URL, with the final slash. */
  readonly url: string;
  /** The options in its `deno.json`; nothing when it gives none. */
  readonly compilerOptions?: GivenOptions | null | undefined;
}

/** Chooses the compiler options of modules. */
export class GoverningOptions {
  /** Without any config. */
  static readonly NONE: GoverningOptions = new GoverningOptions({ url: "" }, [], []);

  readonly #root: GivenOptions | undefined;
  /** The longest first. */
  readonly #members: readonly { url: string; options: GivenOptions | undefined }[];
  readonly #tsConfigs: readonly TsConfig[];

  private constructor(
    root: ConfigFolder,
    members: readonly ConfigFolder[],
    tsConfigs: readonly TsConfig[],
  ) {
    this.#root = root.compilerOptions ?? undefined;
    this.#members = mergedMembers(root, members);
    this.#tsConfigs = tsConfigs;
  }

  /**
   * Reads what a workspace says.
   *
   * @param root Its root.
   * @param members Its members.
   * @returns The options.
   * @throws {ConfigError} When a `tsconfig.json` that may count can't be read.
   */
  static async read(
    root: ConfigFolder,
    members: readonly ConfigFolder[],
  ): Promise<GoverningOptions> {
    const all = [{ options: root.compilerOptions ?? undefined }, ...mergedMembers(root, members)];
    // O2: nobody asks for one where everything has options.
    const mayCount = all.some(({ options }) => options === undefined);
    const folders = [root, ...members].map(({ url }) => url);
    return new GoverningOptions(root, members, mayCount ? await readTsConfigs(folders) : []);
  }

  /**
   * The options of one module.
   *
   * @param url Its URL, redirects followed.
   * @returns The options as they are given.
   */
  of(url: string): GivenOptions {
    const member = this.#members.find((member) => url.startsWith(member.url));
    const options = member === undefined ? this.#root : member.options;
    if (options !== undefined) return options;
    if (!url.startsWith("file:")) return {};
    const path = pathOf(url);
    return this.#tsConfigs.find(({ includes }) => includes(path))?.options ?? {};
  }
}

function mergedMembers(
  root: ConfigFolder,
  members: readonly ConfigFolder[],
): { url: string; options: GivenOptions | undefined }[] {
  return members.filter(({ url }) => url !== root.url)
    .map(({ url, compilerOptions }) => {
      const hasAny = (root.compilerOptions ?? compilerOptions ?? undefined) !== undefined;
      return { url, options: hasAny ? { ...root.compilerOptions, ...compilerOptions } : undefined };
    })
    .sort((a, b) => b.url.length - a.url.length);
}
