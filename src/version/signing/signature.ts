/**
 * Signatures of versions: the bytes that are signed, and the line that holds a signature.
 *
 * - SIGNATURE-1, one meaning: the signed bytes are the first three words of the line, and nothing else
 *   that a key of this package signs begins so. They hold the workflow's name and the version's hash,
 *   each as one word, so no two versions have the same bytes.
 * - SIGNATURE-2, one text: a line that is read is the line that would be written, byte for byte.
 *
 * `docs/signing.md` specifies both for other implementations.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { decodeWord, encodeWord, isSha256Hex } from "../../base/encoding.ts";
import { isStorable } from "../../base/text.ts";
import { MAX_NAME } from "../../base/arguments.ts";
import type { StoredSignature } from "../../ports/signatures.ts";

/** The first word of the signed bytes and of the line (SIGNATURE-1). */
const HEADER = "continuum-signature-1";

/** The bytes of an Ed25519 signature. */
const SIGNATURE_BYTES = 64;

const encoder = new TextEncoder();

/**
 * The bytes that are signed.
 *
 * @param workflow The workflow's name.
 * @param hash The version's hash.
 * @returns The bytes (SIGNATURE-1).
 * @throws {URIError} When the name holds a lone surrogate.
 */
export function signedBytes(workflow: string, hash: string): Uint8Array {
  return encoder.encode(`${HEADER} ${encodeWord(workflow)} ${hash}\n`);
}

/**
 * Whether a text is the id of a key: the first 32 digits of the SHA-256 of its 32 bytes.
 *
 * @param text Any text.
 */
export function isKeyId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * Writes the 64 bytes of a signature.
 *
 * @param bytes The bytes.
 * @returns 86 characters of base64url, without padding.
 */
export function encodeSignature(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Reads what {@linkcode encodeSignature} wrote.
 *
 * @param text Any text.
 * @returns The bytes; `undefined` when the text is not exactly what would be written of 64 bytes.
 */
export function decodeSignature(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]{86}$/.test(text)) return undefined;
  const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  return bytes.length === SIGNATURE_BYTES && encodeSignature(bytes) === text ? bytes : undefined;
}

/**
 * Writes a signature as one line.
 *
 * @param signature The signature.
 * @returns Five words, without a line feed.
 */
export function formatSignature({ workflow, hash, key, signature }: StoredSignature): string {
  return `${HEADER} ${encodeWord(workflow)} ${hash} ${key} ${signature}`;
}

/**
 * Reads the lines of signatures. Empty lines, and lines that begin with `#`, are left out. No
 * signature is verified.
 *
 * @param text The lines.
 * @param argument What messages call the text.
 * @returns The signatures, in the order of the lines.
 * @throws {InvalidArgumentError} When a line is not one that {@linkcode formatSignature} writes.
 */
export function readSignatures(text: string, argument: string): StoredSignature[] {
  const found: StoredSignature[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const signature = readLine(line);
    if (signature === undefined) {
      refuse(
        `line ${index + 1} of ${argument}`,
        inWords(`a line of ${line.length} characters that is no signature`),
        `a line that \`continuum versions sign\` wrote, which begins with ${HEADER}`,
      );
    }
    found.push(signature);
  }
  return found;
}

/** SIGNATURE-2 */
function readLine(line: string): StoredSignature | undefined {
  const words = line.split(" ");
  const [header, word, hash, key, signature] = words as [string, string, string, string, string];
  if (words.length !== 5 || header !== HEADER) return undefined;
  const workflow = nameOf(word);
  if (workflow === undefined || !isSha256Hex(hash) || !isKeyId(key)) return undefined;
  return decodeSignature(signature) && { workflow, hash, key, signature };
}

function nameOf(word: string): string | undefined {
  try {
    const name = decodeWord(word);
    return name !== "" && name.length <= MAX_NAME && isStorable(name) ? name : undefined;
  } catch {
    return undefined;
  }
}
