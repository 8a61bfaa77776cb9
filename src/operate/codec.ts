/**
 * The payload codec of a command line: a module that the operator names.
 *
 * @module
 */

import { type Exports, importAbsolute } from "../base/import_absolute.ts";
import { inWords, quote } from "../base/describe.ts";
import { refuse } from "../base/arguments.ts";
import { messageOf } from "../base/text.ts";
import { isCodec, type PayloadCodec } from "../codec/codec.ts";
import { findModules } from "./modules.ts";

/**
 * Imports a module that exports a payload codec, as `codec` or by default.
 *
 * @param text A URL, or a path from the working folder; `undefined`: there is no codec.
 * @returns The codec, as an option; no option if there is none.
 * @throws {InvalidArgumentError} If the module can't be imported, or exports no codec.
 */
export async function codecOption(
  text: string | undefined,
): Promise<{ readonly codec?: PayloadCodec }> {
  if (text === undefined) return {};
  const [specifier] = await findModules([text]);
  let exported: Exports;
  try {
    exported = await importAbsolute(specifier!);
  } catch (error) {
    const shown = inWords(`${quote(text)}, whose import failed: ${messageOf(error)}`);
    return refuse("the module of a codec", shown, "a module that can be imported");
  }
  const codec = exported.codec ?? exported.default;
  if (isCodec(codec)) return { codec };
  const shown = inWords(`${quote(text)}, which exports none`);
  return refuse("the module of a codec", shown, "codec, or a default export, that is one");
}
