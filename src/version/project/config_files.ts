/**
 * Reads the files of a project, on which a version's hash depends: a file that may exist and can't
 * be read is an error, and never counts as absent.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import { GraphError } from "../errors.ts";
import { parseJsonc } from "./jsonc.ts";

/** The error for a file that a hash may depend on, and that this process may not read. */
function forbiddenFile(url: string, cause?: unknown): GraphError {
  return new GraphError(
    "CONFIG_INVALID",
    `Cannot read ${url}, which a version's hash may need: this process may not, wanted ` +
      `--allow-read=${decodeURI(new URL(url).pathname)}, or the option \`config\``,
    { cause, details: { file: url, isForbidden: true } },
  );
}

/**
 * Whether a file could not be read because this process may not read it.
 *
 * @param error What was thrown.
 * @returns Whether it is that; `details.file` is the file then.
 */
export function isForbiddenFile(error: unknown): error is GraphError<"CONFIG_INVALID"> {
  return isContinuumError(error, "CONFIG_INVALID") && error.details.isForbidden === true;
}

/**
 * Reads a file of JSON with comments that holds an object.
 *
 * @param url Its `file:` URL.
 * @returns The object; `undefined` when the file definitely does not exist.
 * @throws {GraphError} (`CONFIG_INVALID`) When this process may not read it.
 * @throws {GraphError} (`CONFIG_INVALID`) When it can't be read, or does not contain an object.
 */
export async function readJson(url: string): Promise<Record<string, unknown> | undefined> {
  const text = await readText(url);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = parseJsonc(text);
  } catch (cause) {
    throw new GraphError("CONFIG_INVALID", `Cannot read the config file ${url}: it is not JSON`, {
      cause,
      details: { file: url },
    });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new GraphError("CONFIG_INVALID", `Cannot read the config file ${url}: wanted an object`, {
      details: { file: url },
    });
  }
  return json as Record<string, unknown>;
}

/**
 * Reads a file's text.
 *
 * @param url Its `file:` URL.
 * @returns The text; `undefined` when the file definitely does not exist.
 * @throws {GraphError} (`CONFIG_INVALID`) When this process may not read it: without the file, the
 * hash would differ.
 * @throws {GraphError} (`CONFIG_INVALID`) When it can't be read.
 */
export async function readText(url: string): Promise<string | undefined> {
  const path = new URL(url);
  try {
    // Queried first, so that searching for a config above a root never prompts the user.
    const { state } = await Deno.permissions.query({ name: "read", path });
    if (state !== "granted") throw forbiddenFile(url);
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (isContinuumError(cause)) throw cause;
    const isAbsent = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory || cause instanceof Deno.errors.IsADirectory;
    if (isAbsent) return undefined;
    const isForbidden = cause instanceof Deno.errors.NotCapable ||
      cause instanceof Deno.errors.PermissionDenied;
    if (isForbidden) throw forbiddenFile(url, cause);
    throw new GraphError("CONFIG_INVALID", `Cannot read ${url}`, { cause, details: { file: url } });
  }
}
