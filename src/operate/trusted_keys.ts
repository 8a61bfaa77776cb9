/**
 * The public keys and signatures of a command line: files that the operator names.
 *
 * @module
 */

import type { TrustOptions } from "../version/fetch/trust.ts";

/**
 * Reads the file of the public keys.
 *
 * @param file The file; `undefined`: versions need no signature.
 * @returns The keys, as a part of `trust`.
 */
export async function keysOption(
  file: string | undefined,
): Promise<Pick<TrustOptions, "keys">> {
  return file === undefined ? {} : { keys: [await Deno.readTextFile(file)] };
}

/**
 * Reads files of signatures.
 *
 * @param files The files.
 * @returns The signatures, as a part of `trust`.
 */
export async function signaturesOption(
  files: readonly string[],
): Promise<Pick<TrustOptions, "signatures">> {
  if (files.length === 0) return {};
  return { signatures: await Promise.all(files.map((file) => Deno.readTextFile(file))) };
}
