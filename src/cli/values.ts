/**
 * Values that arguments hold: JSON, a file, or standard input.
 *
 * @module
 */

import { quote } from "../base/describe.ts";
import { messageOf } from "../base/text.ts";
import { decode } from "../base/values.ts";
import { CliError, ofSystem, UsageError } from "./errors.ts";
import { json } from "./readers.ts";

/**
 * Reads a value: JSON, `@file`, or `-` for standard input, which is read only then. What is beyond
 * JSON is written as `--json` prints it, with the key `$continuum`.
 *
 * @param text The argument; `undefined`: no value.
 * @param argument The argument's name, for errors.
 * @param input Reads standard input.
 * @returns The value.
 * @throws {UsageError} If it is not JSON; the message has line and column.
 * @throws {CliError} (`NOT_FOUND`) If the file does not exist.
 */
export async function valueOf(
  text: string | undefined,
  argument: string,
  input: () => Promise<string>,
): Promise<unknown> {
  if (text === undefined) return undefined;
  if (text === "-") return parse(await input(), `${argument} from standard input`);
  if (!text.startsWith("@")) return parse(text, argument);
  const path = text.slice(1);
  return parse(await textOfFile(path), `${argument} from file ${quote(path)}`);
}

/**
 * Reads a file of text.
 *
 * @param path The file.
 * @throws {CliError} (`NOT_FOUND`) If it does not exist.
 * @throws {CliError} (`USAGE`) If it can't be read.
 */
export async function textOfFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const code = error instanceof Deno.errors.NotFound ? "NOT_FOUND" : "USAGE";
    const why = messageOf(error);
    throw new CliError(code, ofSystem(why) ?? `Cannot read file ${quote(path)}: ${why}`);
  }
}

function parse(text: string, what: string): unknown {
  json(text, what);
  try {
    return decode(text);
  } catch (error) {
    throw new UsageError(`Cannot use ${what}: ${messageOf(error)}`);
  }
}
