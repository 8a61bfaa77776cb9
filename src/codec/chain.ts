/**
 * Several codecs, one after the other.
 *
 * @module
 */

import { refuseUnless } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { isCodec, type PayloadCodec } from "./codec.ts";

/** As many as one byte has bits. */
const MOST = 8;

const BETWEEN = "+";

/**
 * Encodes by the first codec, then by the second, and so on; decodes in the opposite order. A codec
 * that leaves a value as it is is left out for that value. The key's id is that of each, such as
 * `deflate-raw+k1`; the database also holds which codecs were applied.
 *
 * @param codecs 1 to 8 codecs. Keep their number and order for as long as values are stored.
 * @returns The codec.
 * @throws {InvalidArgumentError} If there are none or too many, or one is no codec.
 *
 * @category Payload codecs
 */
export function chain(...codecs: readonly PayloadCodec[]): PayloadCodec {
  refuseUnless(
    codecs.length >= 1 && codecs.length <= MOST,
    "the codecs of chain",
    inWords(`${codecs.length} codecs`),
    "1 to 8 codecs",
  );
  for (const codec of codecs) {
    refuseUnless(
      isCodec(codec),
      "a codec of chain",
      codec,
      "an object with the functions encode and decode",
    );
  }
  return {
    encode: async (given, info) => {
      let bytes = given;
      let applied = 0;
      const keys: string[] = [];
      for (const [index, codec] of codecs.entries()) {
        const encoded = await codec.encode(bytes, info);
        if (encoded === null) continue;
        if (encoded.key.includes(BETWEEN)) throw new Error(`a key id of chain has a "${BETWEEN}"`);
        keys.push(encoded.key);
        applied |= 1 << index;
        bytes = encoded.bytes;
      }
      if (applied === 0) return null;
      const stored = new Uint8Array(1 + bytes.length);
      stored[0] = applied;
      stored.set(bytes, 1);
      return { key: keys.join(BETWEEN), bytes: stored };
    },
    decode: async (stored, info) => {
      const applied = stored[0] ?? 0;
      const keys = info.key.split(BETWEEN);
      let bytes = stored.subarray(1);
      for (let index = MOST - 1; index >= 0; index--) {
        if ((applied & 1 << index) === 0) continue;
        const codec = codecs[index];
        const key = keys.pop();
        if (codec === undefined || key === undefined) {
          throw new Error("the value was encoded by another chain of codecs");
        }
        bytes = await codec.decode(bytes, { ...info, key }) as typeof bytes;
      }
      return bytes;
    },
  };
}
