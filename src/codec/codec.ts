/**
 * What a payload codec is.
 *
 * @module
 */

/**
 * What a value is in its run. A codec may bind an encoded value to it: whatever copies a value inside
 * the database keeps its kind.
 *
 * - `input`: the input of a run, a generation, a schedule or an activity;
 * - `result`: the result of a run, a child, an activity, a step or a transaction;
 * - `error`: the error of one of these, or of one attempt;
 * - `signal`: the payload of a signal;
 * - `cancellation`: the reason of a cancellation;
 * - `status`: what `ctx.setStatus` was given;
 * - `heartbeat`: the details of a heartbeat;
 * - `report`: why a run is parked, or a schedule stuck: it may quote values.
 *
 * @category Payload codecs
 */
export type PayloadKind =
  | "input"
  | "result"
  | "error"
  | "signal"
  | "cancellation"
  | "status"
  | "heartbeat"
  | "report";

/**
 * What a codec receives beside a value.
 *
 * @category Payload codecs
 */
export interface PayloadInfo {
  /** What the value is. It is the same when the value is decoded. */
  readonly kind: PayloadKind;
  /**
   * The namespace of its run. Absent where the engine does not know it at that place; it is never
   * needed to decode a value, since the key says how.
   */
  readonly namespace?: string;
}

/**
 * What a codec makes of a value.
 *
 * @category Payload codecs
 */
export interface EncodedPayload {
  /**
   * The id of the key, or of the way, which the database holds beside the bytes: 1 to 200 letters,
   * digits and `. _ : + / -`. People see it, so it is no secret.
   */
  readonly key: string;
  /** The bytes to be stored. */
  readonly bytes: Uint8Array;
}

/**
 * Encodes values before they enter the database, and decodes them as they leave it. Give every
 * process of a database the same codec. The engine waits up to 10 seconds for each call.
 *
 * @category Payload codecs
 */
export interface PayloadCodec {
  /**
   * Encodes a value.
   *
   * @param bytes The value as JSON, in UTF-8.
   * @param info What the value is.
   * @returns The bytes to be stored, and the id of their key; `null` to store the value as it is.
   */
  encode(
    bytes: Uint8Array,
    info: PayloadInfo,
  ): EncodedPayload | null | Promise<EncodedPayload | null>;
  /**
   * Decodes what {@linkcode PayloadCodec.encode} returned, in this process or in another.
   *
   * @param bytes The stored bytes.
   * @param info What the value is, and the id of its key.
   * @returns The bytes that `encode` was given.
   */
  decode(
    bytes: Uint8Array,
    info: PayloadInfo & { readonly key: string },
  ): Uint8Array | Promise<Uint8Array>;
}

/** Whether a value has the functions of a codec. */
export function isCodec(value: unknown): value is PayloadCodec {
  if (typeof value !== "object" || value === null) return false;
  const { encode, decode } = value as Record<string, unknown>;
  return typeof encode === "function" && typeof decode === "function";
}
