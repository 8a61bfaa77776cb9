/**
 * The application that runs in this process: the folder of its files, and their names in a database
 * that other machines read too.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { labelOf } from "../manifest/label.ts";

const CONFIG_NAMES = ["deno.json", "deno.jsonc", "package.json"];

/** The module that stands for the application in place of the process's main module. */
let standIn: string | undefined;

/**
 * Makes the working folder the place of the application: for a tool that is started in the folder
 * of an application, and is itself a module elsewhere.
 */
export function standInWorkingFolder(): void {
  standIn = new URL("main.ts", workingFolder()).href;
}

/** The folder of an application, and names relative to it. */
export class Application {
  /** The URL of the folder, with its final slash. */
  readonly root: string;

  /**
   * Makes the application of a folder.
   *
   * @param root Its URL, with the final slash.
   */
  constructor(root: string) {
    this.root = root;
  }

  /**
   * Finds the application: the folder of the given config file, else the nearest one with a
   * `deno.json` above the main module, else the main module's. See
   * {@linkcode standInWorkingFolder} for tools.
   *
   * @param config A path or URL of a config file.
   */
  static find(config?: string): Application {
    if (config !== undefined) {
      const url = URL.canParse(config) ? new URL(config) : new URL(config, workingFolder());
      return new Application(new URL("./", url).href);
    }
    return applicationOf(standIn ?? Deno.mainModule);
  }

  /**
   * Finds the folder whose config file and lock the runtime itself uses in this process: that of the
   * main module, which is a tool's where the working folder stands for the application.
   */
  static ofProcess(): Application {
    return applicationOf(Deno.mainModule);
  }

  /**
   * Converts a specifier that a user wrote or the registry recorded into its absolute form.
   *
   * @param specifier An absolute URL, `jsr:`, or `app:` and a path from the application's root.
   * @returns A normalised URL, or the `jsr:` specifier.
   * @throws {InvalidArgumentError} When the specifier is none of these.
   */
  resolve(specifier: string): string {
    if (specifier.startsWith("app:")) {
      return new URL(`./${specifier.slice("app:".length)}`, this.root).href;
    }
    if (URL.canParse(specifier)) {
      const url = new URL(specifier);
      if (["file:", "http:", "https:", "data:", "jsr:"].includes(url.protocol)) return url.href;
    }
    return refuse(
      "the specifier of a workflow module",
      specifier,
      'an absolute URL such as import.meta.resolve("./order.ts"), or a jsr: specifier',
    );
  }

  /**
   * Like {@linkcode Application.resolve}, without throwing.
   *
   * @returns `undefined` when the specifier is none of these.
   */
  tryResolve(specifier: string): string | undefined {
    try {
      return this.resolve(specifier);
    } catch {
      return undefined;
    }
  }

  /**
   * Converts a specifier into a form that means the same on other machines: a file is named
   * relative to the application's root, since containers have different paths.
   *
   * @param specifier A result of {@linkcode Application.resolve}.
   * @returns The form in the registry.
   */
  record(specifier: string): string {
    if (!specifier.startsWith("file:")) return specifier;
    return `app:${labelOf(specifier, this.root).replace(/^\.\//, "")}`;
  }

  /** Whether modules in a folder are governed by this application's own config file. */
  governs(url: string): boolean {
    return url.startsWith("file:") && nearestConfigFolder(new URL("./", url).href) === this.root;
  }
}

function applicationOf(mainModule: string): Application {
  const from = mainModule.startsWith("file:") ? new URL("./", mainModule).href : workingFolder();
  return new Application(nearestConfigFolder(from) ?? from);
}

function workingFolder(): string {
  return new URL(`file://${Deno.cwd().replaceAll("\\", "/").replace(/^\/?/, "/")}/`).href;
}

function nearestConfigFolder(from: string): string | undefined {
  for (let folder = from;; folder = new URL("../", folder).href) {
    if (CONFIG_NAMES.some((name) => isFile(new URL(name, folder)))) return folder;
    if (new URL("../", folder).href === folder) return undefined;
  }
}

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false; // Does not exist, or can't be read.
  }
}
