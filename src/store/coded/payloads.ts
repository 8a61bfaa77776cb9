/**
 * Calls a payload codec, within bounds.
 *
 * - CODED-1, nothing unread is written: a value that could not be decoded is never encoded again, so
 *   no write replaces a value by the reason why it could not be read.
 * - CODED-2, bounded and named: a call that throws, takes too long or returns something else ends in
 *   {@linkcode ValueCodecError}. It quotes nothing of the value.
 * - CODED-3, one for one: a value that can't be decoded keeps its encoded form (ENCODED-1 of
 *   `base/encoded.ts`), so the other values of the same read are there.
 *
 * @module
 */

import { base64Bytes } from "../../base/bytes.ts";
import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import {
  encodedParts,
  encodedText,
  isEncoded,
  notDecoded,
  undecodedText,
} from "../../base/encoded.ts";
import { ValueCodecError } from "../../base/errors.ts";
import { messageOf } from "../../base/text.ts";
import type { PayloadCodec, PayloadInfo, PayloadKind } from "../../codec/codec.ts";

/** How long one call of a codec may take, in milliseconds. */
export const CODEC_MS = 10_000;

const KEY = /^[A-Za-z0-9._:+/-]{1,200}$/;

/** The longest reason that is kept, in characters. */
const MAX_WHY = 500;

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Encodes and decodes texts of values. */
export class Payloads {
  readonly #codec: PayloadCodec;
  readonly #clock: Clock;

  /**
   * @param codec The codec.
   * @param clock Times its calls.
   */
  constructor(codec: PayloadCodec, clock: Clock = systemClock) {
    this.#codec = codec;
    this.#clock = clock;
  }

  /**
   * Encodes a text.
   *
   * @param text A value's text.
   * @param kind What the value is.
   * @param namespace The namespace of its run, where it is known.
   * @returns The text to be stored.
   * @throws {ValueCodecError} (`VALUE_NOT_ENCODED`) If the codec fails; (`VALUE_NOT_DECODED`) if the
   * text is one that could not be decoded (CODED-1).
   */
  async encode(text: string, kind: PayloadKind, namespace?: string): Promise<string> {
    if (isEncoded(text)) {
      const parts = encodedParts(text);
      if (parts.value === undefined) throw notDecoded(parts);
      return text; // as the database holds it
    }
    try {
      const info = infoOf(kind, namespace);
      const encoded = await this.#bounded(() => this.#codec.encode(utf8.encode(text), info));
      if (encoded === null) return text;
      const { key, bytes } = (encoded ?? {}) as Partial<typeof encoded>;
      if (typeof key !== "string" || !KEY.test(key)) {
        throw new TypeError(
          "it returned no key id, wanted 1 to 200 letters, digits and . _ : + / -",
        );
      }
      return encodedText(key, bytesOf(bytes));
    } catch (error) {
      const why = reason(error);
      throw new ValueCodecError(
        "VALUE_NOT_ENCODED",
        `Cannot encode a value (${kind}): the payload codec failed: ${why}`,
        { why },
      );
    }
  }

  /**
   * Decodes a text.
   *
   * @param text A stored text.
   * @param kind What the value is.
   * @param namespace The namespace of its run, where it is known.
   * @returns The value's text; what is not encoded is returned as it is (CODED-3 for failures).
   */
  async decode(text: string, kind: PayloadKind, namespace?: string): Promise<string> {
    if (!isEncoded(text)) return text;
    let key = "";
    try {
      const parts = encodedParts(text);
      if (parts.value === undefined) return text;
      key = parts.key;
      const bytes = base64Bytes(parts.value);
      const info = { ...infoOf(kind, namespace), key };
      const decoded = await this.#bounded(() => this.#codec.decode(bytes, info));
      return jsonOf(bytesOf(decoded));
    } catch (error) {
      return undecodedText(key, reason(error));
    }
  }

  /** CODED-2 */
  async #bounded<T>(call: () => T | Promise<T>): Promise<T> {
    const called = call();
    if (typeof (called as PromiseLike<T> | null)?.then !== "function") return called;
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.#clock.after(
        CODEC_MS,
        () => reject(new Error(`it did not answer within ${CODEC_MS / 1_000} seconds`)),
      );
    });
    try {
      return await Promise.race([called, late]);
    } finally {
      timer?.cancel();
    }
  }
}

function infoOf(kind: PayloadKind, namespace: string | undefined): PayloadInfo {
  return namespace === undefined ? { kind } : { kind, namespace };
}

function bytesOf(bytes: unknown): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  throw new TypeError(`it returned bytes of type ${typeof bytes}, wanted a Uint8Array`);
}

function jsonOf(bytes: Uint8Array): string {
  try {
    const text = strict.decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    throw new TypeError("it returned bytes that are no value; wanted those that it was given");
  }
}

function reason(error: unknown): string {
  return messageOf(error).slice(0, MAX_WHY);
}
