/**
 * Reads the files of a project, on which a version's hash depends: a file that may exist and can't
 * be read is an error, and never counts as absent.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { parseJsonc } from "./jsonc.ts";

/** A file that a hash may depend on, and that this process may not read. */
export class ForbiddenFileError extends ConfigError {
  /** The URL of the file. */
  readonly url: string;

  /**
   * Makes the error.
   *
   * @param url Its URL.
   * @param cause The error of the runtime.
   */
  constructor(url: string, cause?: unknown) {
    super(
      `Cannot read ${url}, which a version's hash may need: this process may not, wanted ` +
        `--allow-read=${decodeURI(new URL(url).pathname)}, or the option \`config\``,
      { cause },
    );
    this.url = url;
  }
}

/**
 * Reads a file of JSON with comments that holds an object.
 *
 * @param url Its `file:` URL.
 * @returns The object; `undefined` when the file definitely does not exist.
 * @throws {ForbiddenFileError} When this process may not read it.
 * @throws {ConfigError} When it can't be read, or does not contain an object.
 */
export async function readJson(url: string): Promise<Record<string, unknown> | undefined> {
  const text = await readText(url);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = parseJsonc(text);
  } catch (cause) {
    throw new ConfigError(`Cannot read the config file ${url}: it is not JSON`, { cause });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ConfigError(`Cannot read the config file ${url}: wanted an object`);
  }
  return json as Record<string, unknown>;
}

/**
 * Reads a file's text.
 *
 * @param url Its `file:` URL.
 * @returns The text; `undefined` when the file definitely does not exist.
 * @throws {ForbiddenFileError} When this process may not read it: without the file, the hash would
 * differ.
 * @throws {ConfigError} When it can't be read.
 */
export async function readText(url: string): Promise<string | undefined> {
  const path = new URL(url);
  try {
    // Queried first, so that searching for a config above a root never prompts the user.
    const { state } = await Deno.permissions.query({ name: "read", path });
    if (state !== "granted") throw new ForbiddenFileError(url);
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const isAbsent = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory || cause instanceof Deno.errors.IsADirectory;
    if (isAbsent) return undefined;
    const isForbidden = cause instanceof Deno.errors.NotCapable ||
      cause instanceof Deno.errors.PermissionDenied;
    if (isForbidden) throw new ForbiddenFileError(url, cause);
    throw new ConfigError(`Cannot read ${url}`, { cause });
  }
}
