/**
 * Encryption of values with AES-256-GCM, by Web Crypto.
 *
 * - AESGCM-1, a nonce of its own: each value is encrypted under 96 random bits. NIST SP 800-38D allows
 *   2^32 values under one key with random nonces; change the key before that.
 * - AESGCM-2, bound to its kind: the kind of the value is authenticated with it, so a signal can't be
 *   stored in place of a result. It is not bound to its run, since forks and parents hold copies.
 *
 * @module
 */

import { checkKeys, refuse, refuseUnless } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import type { PayloadCodec, PayloadInfo } from "./codec.ts";

/**
 * Options of {@linkcode aesGcmCodec}.
 *
 * @category Payload codecs
 */
export interface AesGcmOptions {
  /**
   * The keys by their ids: 32 bytes, or a `CryptoKey` for AES-GCM of 256 bits that may encrypt and
   * decrypt. All of them decode. An id has 1 to 50 letters, digits and `. _ -`; the database holds it
   * beside each value.
   */
  readonly keys: Readonly<Record<string, CryptoKey | Uint8Array>>;
  /** The id of the key that encrypts. */
  readonly current: string;
}

const ID = /^[A-Za-z0-9._-]{1,50}$/;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = "AES-GCM";

/**
 * Encrypts values with AES-256-GCM. To rotate, add the new key on all processes, and then make it
 * `current` on all; keep the old one for as long as values under it are stored.
 *
 * ```ts ignore
 * const codec = aesGcmCodec({ keys: { k2, k1 }, current: "k2" });
 * await using node = await Continuum.open({ database, workflows, codec });
 * ```
 *
 * @param options The keys.
 * @returns The codec.
 * @throws {InvalidArgumentError} If an id or a key is invalid, or `current` is none of the ids.
 *
 * @category Payload codecs
 */
export function aesGcmCodec(options: AesGcmOptions): PayloadCodec {
  checkKeys(options, ["keys", "current"], "the options of aesGcmCodec");
  const { keys, current } = options;
  refuseUnless(
    typeof keys === "object" && keys !== null,
    "option keys of aesGcmCodec",
    inWords(typeof keys), // it may be a key
    "an object of keys by id",
  );
  const imported = new Map<string, () => CryptoKey | Promise<CryptoKey>>();
  for (const [id, key] of Object.entries(keys)) {
    refuseUnless(ID.test(id), "a key id of aesGcmCodec", id, "1 to 50 letters, digits and . _ -");
    imported.set(id, checkedKey(id, key));
  }
  if (!imported.has(current)) {
    refuse("option current of aesGcmCodec", current, "one of the ids of option keys");
  }
  return {
    encode: async (bytes, info) => {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)); // AESGCM-1
      const algorithm = { name: ALGORITHM, iv, additionalData: boundTo(info) };
      const key = await imported.get(current)!();
      const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, owned(bytes)));
      const stored = new Uint8Array(NONCE_BYTES + sealed.length);
      stored.set(iv);
      stored.set(sealed, NONCE_BYTES);
      return { key: current, bytes: stored };
    },
    decode: async (bytes, info) => {
      const key = imported.get(info.key);
      if (key === undefined) {
        throw new Error(
          `the key "${info.key}" is missing, found ${[...imported.keys()].join(", ")}`,
        );
      }
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error("the value is cut short");
      const iv = owned(bytes.subarray(0, NONCE_BYTES));
      const algorithm = { name: ALGORITHM, iv, additionalData: boundTo(info) };
      const sealed = owned(bytes.subarray(NONCE_BYTES));
      const opened = await crypto.subtle.decrypt(algorithm, await key(), sealed).catch(() => {
        throw new Error(
          `the key "${info.key}" is another one, or the value was changed or moved in the database`,
        );
      });
      return new Uint8Array(opened);
    },
  };
}

/** AESGCM-2 */
function boundTo({ kind }: PayloadInfo): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`continuum/1/${kind}`);
}

function checkedKey(id: string, key: unknown): () => CryptoKey | Promise<CryptoKey> {
  if (key instanceof CryptoKey) {
    const { name, length } = key.algorithm as AesKeyAlgorithm;
    const does = (usage: KeyUsage) => key.usages.includes(usage);
    if (name === ALGORITHM && length === KEY_BYTES * 8 && does("encrypt") && does("decrypt")) {
      return () => key;
    }
  } else if (key instanceof Uint8Array && key.length === KEY_BYTES) {
    const raw = owned(key);
    let made: Promise<CryptoKey> | undefined;
    return () =>
      made ??= crypto.subtle.importKey("raw", raw, ALGORITHM, false, ["encrypt", "decrypt"]);
  }
  const found = key instanceof Uint8Array ? `${key.length} bytes` : "another value"; // never the key
  refuse(
    `the key "${id}" of aesGcmCodec`,
    inWords(found),
    "32 bytes, or a CryptoKey for AES-GCM of 256 bits that may encrypt and decrypt",
  );
}

/** A copy in memory that no other thread can change, as Web Crypto wants it. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
