/**
 * Which files Deno executes as CommonJS although their extension does not say so: those without an
 * import or export, in a package of type `commonjs`. A version executes every module as an ES
 * module, in strict mode and with other globals, so no version may contain such a file.
 *
 * @module
 */

import { readJson } from "./config_files.ts";

/** Determines which files of a project are CommonJS. */
export class CommonJsFiles {
  /**
   * For projects without a package: Deno reads the type of packages only where a project has one.
   */
  static readonly NONE: CommonJsFiles = new CommonJsFiles(undefined);

  /** The type of a `package.json` without a `type`; `undefined` if no type applies. */
  readonly #default: "commonjs" | "module" | undefined;
  /** The nearest `package.json` of a folder. */
  readonly #nearest = new Map<string, Promise<Package | undefined>>();

  /**
   * Makes the check for a project.
   *
   * @param usual The type of a `package.json` without a `type`, or of files without one;
   * `undefined` if Deno reads none.
   */
  constructor(usual: "commonjs" | "module" | undefined) {
    this.#default = usual;
  }

  /**
   * Why Deno would execute a file as CommonJS if it has no import or export.
   *
   * @param url The URL of a JavaScript or TypeScript module.
   * @returns The reason, for people; `undefined` if it is an ES module anyway.
   * @throws {GraphError} (`CONFIG_INVALID`) When a `package.json` that may decide can't be read.
   */
  async reasonOf(url: string): Promise<string | undefined> {
    const { protocol, pathname } = new URL(url);
    if (this.#default === undefined || protocol !== "file:") return undefined;
    if (/\.m[jt]s\/*$/i.test(pathname)) return undefined;
    const nearest = await this.#nearestOf(new URL("./", `file://${pathname}`).href);
    const type = nearest?.json["type"];
    if (type === "commonjs") return `${nearest!.url} has "type": "commonjs"`;
    if (type === "module") return undefined;
    if (pathname.includes("/node_modules/")) return "it lies in node_modules, without a type";
    return this.#default === "commonjs" ? `the project has "unstable": ["detect-cjs"]` : undefined;
  }

  #nearestOf(folder: string): Promise<Package | undefined> {
    let found = this.#nearest.get(folder);
    if (found === undefined) {
      found = this.#read(folder);
      this.#nearest.set(folder, found);
    }
    return found;
  }

  async #read(folder: string): Promise<Package | undefined> {
    const url = `${folder}package.json`;
    const json = await readJson(url);
    if (json !== undefined) return { url, json };
    const above = new URL("../", folder).href;
    return above === folder ? undefined : await this.#nearestOf(above);
  }
}

interface Package {
  readonly url: string;
  readonly json: Readonly<Record<string, unknown>>;
}
