/**
 * Compression of values, by the platform's `CompressionStream`.
 *
 * @module
 */

import { joined } from "../base/bytes.ts";
import { checkKeys, checkWhole } from "../base/arguments.ts";
import { PAYLOAD_BYTES_TO } from "../base/payload.ts";
import type { PayloadCodec } from "./codec.ts";

/**
 * Options of {@linkcode compressionCodec}.
 *
 * @category Payload codecs
 */
export interface CompressionOptions {
  /**
   * Values of more than this many bytes are compressed, if that makes them shorter.
   *
   * @default {1024}
   */
  readonly above?: number;
}

const FORMAT = "deflate-raw";

/**
 * Compresses large values; small ones are stored as they are. Beside encryption, put it first:
 * `chain(compressionCodec(), aesGcmCodec(...))`.
 *
 * @param options Which values.
 * @returns The codec.
 * @throws {InvalidArgumentError} If an option is invalid.
 *
 * @category Payload codecs
 */
export function compressionCodec(options: CompressionOptions = {}): PayloadCodec {
  checkKeys(options, ["above"], "the options of compressionCodec");
  const { above = 1_024 } = options;
  checkWhole(above, "option above of compressionCodec", 0);
  return {
    encode: async (bytes) => {
      if (bytes.length <= above) return null;
      const short = await through(bytes, new CompressionStream(FORMAT), bytes.length);
      return short === null ? null : { key: FORMAT, bytes: short };
    },
    decode: async (bytes, { key }) => {
      if (key !== FORMAT) throw new Error(`the way "${key}" is unknown, wanted "${FORMAT}"`);
      const whole = await through(bytes, new DecompressionStream(FORMAT), PAYLOAD_BYTES_TO);
      if (whole === null) throw new Error(`the value has more than ${PAYLOAD_BYTES_TO} bytes`);
      return whole;
    },
  };
}

/** The output of a stream; `null`: it has that many bytes or more. */
async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const source = new Blob([new Uint8Array(bytes)]).stream();
  for await (const part of source.pipeThrough(stream)) {
    length += part.length;
    if (length >= most) return null;
    parts.push(part);
  }
  return joined(parts);
}
