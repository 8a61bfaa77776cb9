/**
 * The file of a bundle: a gzip file, which ordinary tools can read, whose header holds its length
 * and its SHA-256.
 *
 * - FILE-1: every byte of the file counts: the header has one form, and the rest has the digest that
 *   the header holds. A file of which one byte was changed, added or removed is refused.
 * - FILE-2: nothing is inflated before the digest matches, and never more than the caller allows: the
 *   compressed bytes are passed in small pieces, each of which inflates to at most 4 MiB.
 *
 * @module
 */

import { sha256Hex } from "../base/encoding.ts";
import { bundleChanged, bundleCut, bundleTooLarge, notABundle } from "./errors.ts";

/** Of gzip's own header: the magic number, deflate, an extra field, no time, an unknown system. */
const GZIP = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255];
/** Its extra field: the total length, and one subfield `CB` of 8 bytes of length and a SHA-256. */
const FIELD = [44, 0, 0x43, 0x42, 40, 0];
const LENGTH_AT = GZIP.length + FIELD.length;
const DIGEST_AT = LENGTH_AT + 8;
const BODY_AT = DIGEST_AT + 32;

/** How long the header of a plain gzip file is, without any optional field. */
const PLAIN_HEADER = 10;

/** Deflate inflates a byte to at most 1,032. */
const PIECE = 4_096;

/** The most bytes that a bundle's content has, unless the caller allows more: 256 MiB. */
export const MAX_CONTENT = 256 * 2 ** 20;

/**
 * Writes the file of a content.
 *
 * @param text The content.
 * @returns The file.
 * @throws {BundleError} (`BUNDLE_LIMIT`) If the content is larger than {@linkcode MAX_CONTENT}.
 */
export async function packFile(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const blob = new Blob([text]);
  if (blob.size > MAX_CONTENT) throw bundleTooLarge(MAX_CONTENT);
  const stream = blob.stream().pipeThrough(new CompressionStream("gzip"));
  const body = (await new Response(stream).bytes()).subarray(PLAIN_HEADER);
  const file = new Uint8Array(BODY_AT + body.length);
  file.set([...GZIP, ...FIELD]);
  new DataView(file.buffer).setBigUint64(LENGTH_AT, BigInt(file.length));
  file.set(Uint8Array.fromHex(sha256Hex(body)), DIGEST_AT);
  file.set(body, BODY_AT);
  return file;
}

/**
 * Reads the content of a file (FILE-1, FILE-2).
 *
 * @param file The file.
 * @param maxBytes The most bytes of the content.
 * @returns The content.
 * @throws {BundleError} If the file is no bundle (`BUNDLE_FORMAT`), was cut short (`BUNDLE_CUT`), was
 * changed (`BUNDLE_CHANGED`), or has a larger content (`BUNDLE_LIMIT`).
 */
export async function unpackFile(
  file: Uint8Array<ArrayBuffer>,
  maxBytes: number,
): Promise<string> {
  const header = [...GZIP, ...FIELD];
  const wrong = header.findIndex((byte, at) => file[at] !== byte);
  if (file.length < header.length && (wrong === -1 || wrong >= file.length)) {
    if (file.length === 0) throw notABundle("an empty file");
    throw bundleCut(file.length, BODY_AT);
  }
  if (wrong >= 0) throw notABundle(wrong < 2 ? "no gzip file" : "another gzip file");
  if (file.length < BODY_AT) throw bundleCut(file.length, BODY_AT);
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(LENGTH_AT);
  if (BigInt(file.length) < length) throw bundleCut(file.length, Number(length));
  if (BigInt(file.length) > length) {
    throw bundleChanged("its length", `${file.length} bytes`, `${length}`);
  }
  const wanted = file.subarray(DIGEST_AT, BODY_AT).toHex();
  const found = sha256Hex(file.subarray(BODY_AT));
  if (found !== wanted) throw bundleChanged("the file", found, wanted);
  return await inflate(file, maxBytes);
}

/** FILE-2 */
async function inflate(file: Uint8Array<ArrayBuffer>, maxBytes: number): Promise<string> {
  let at = 0;
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at >= file.length) return controller.close();
      controller.enqueue(file.slice(at, at += PIECE));
    },
  }, { highWaterMark: 0 });
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let bytes = 0;
  let text = "";
  try {
    for await (const piece of pieces.pipeThrough(new DecompressionStream("gzip"))) {
      bytes += piece.length;
      if (bytes > maxBytes) break;
      text += decoder.decode(piece, { stream: true });
    }
    if (bytes <= maxBytes) return text + decoder.decode();
  } catch {
    throw notABundle("bytes that can't be decompressed to UTF-8 text");
  }
  throw bundleTooLarge(maxBytes);
}
