/**
 * The lock of a replay subprocess: a copy, since the runtime may write into the lock that it has, and
 * downloads all that the lock lists.
 *
 * @module
 */

import { readLock, refuseOtherPackages } from "../version/locked_packages.ts";
import type { VerifiedManifest } from "../version/manifest/verified.ts";
import { Application } from "../version/project/application.ts";

/** The npm packages that the subprocess itself imports. */
const OWN = [
  "@babel/parser",
  "@logtape/logtape",
  "@swc/wasm-web",
  "cjs-module-lexer",
  "es-module-lexer",
];

/** A copy of a lock, in a file of its own. */
export class PrivateLock implements Disposable {
  /** The path of the file. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Copies what the application's lock says of the packages of a version, and what the lock of this
   * process says of those that the subprocess itself needs: this process has them in its cache, by
   * that lock.
   *
   * @param manifest The version's manifest.
   * @param config A config file of the application; by default the nearest above its main module.
   * @param taken The packages that the subprocess takes from the archive; none when omitted.
   * @returns The copy; `undefined`: there is neither lock.
   * @throws {LoadError} (`EXTERNAL_UNAVAILABLE`) When the lock has other packages than the version
   * was pinned with.
   * @throws {GraphError} (`CONFIG_INVALID`) When a config file or the lock can't be read.
   */
  static async copy(
    { content }: VerifiedManifest,
    config?: string,
    taken: ReadonlySet<string> = new Set(),
  ): Promise<PrivateLock | undefined> {
    const [application, process] = [Application.find(config), Application.ofProcess()];
    const lock = await readLock(application, config);
    const externals = content.externals.filter(({ specifier }) => !taken.has(specifier));
    refuseOtherPackages({ externals }, lock); // PACKAGES-1
    const isOne = config === undefined && application.root === process.root;
    const own = isOne ? lock : await readLock(process) ?? lock;
    if (own === undefined) return undefined;
    const [packages, tools] = [lock?.partOf(externals, []), own.partOf([], OWN)];
    const text = JSON.stringify({
      ...tools,
      specifiers: { ...tools.specifiers, ...packages?.specifiers },
      npm: { ...tools.npm, ...packages?.npm },
      jsr: { ...tools.jsr, ...packages?.jsr },
    });
    const path = await Deno.makeTempFile({ prefix: "continuum_", suffix: ".lock" });
    const copy = new PrivateLock(path);
    try {
      await Deno.writeTextFile(path, text);
      return copy;
    } catch (error) {
      copy[Symbol.dispose]();
      throw error;
    }
  }

  /** Deletes the file. */
  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.path);
    } catch {
      // It has been deleted.
    }
  }
}
