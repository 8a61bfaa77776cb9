/**
 * Codecs for values in the database: encryption and compression.
 *
 * ```ts ignore
 * import { Continuum } from "@continuum/continuum";
 * import { aesGcmCodec, chain, compressionCodec } from "@continuum/continuum/codec";
 *
 * const k1 = Uint8Array.fromBase64(Deno.env.get("PAYLOAD_KEY")!); // 32 bytes
 * const codec = chain(compressionCodec(), aesGcmCodec({ keys: { k1 }, current: "k1" }));
 * await using node = await Continuum.open({ database, workflows, codec });
 * ```
 *
 * @module
 */

export { aesGcmCodec, type AesGcmOptions } from "./aes_gcm.ts";
export { chain } from "./chain.ts";
export type { EncodedPayload, PayloadCodec, PayloadInfo, PayloadKind } from "./codec.ts";
export { compressionCodec, type CompressionOptions } from "./compression.ts";
