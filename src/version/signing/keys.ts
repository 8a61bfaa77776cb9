/**
 * Ed25519 keys that sign versions, and keys that signatures are verified with.
 *
 * - EDKEY-1, no other algorithm: a key is read by its exact form, so no key of another algorithm is one.
 * - EDKEY-2, no key in a message: what is wrong is said in words, since a private key may have been
 *   passed in place of a public one.
 * - EDKEY-3, no key that signs for everyone: a point of small order is refused as a public key, since
 *   signatures by it can be made without a private key.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { sha256Hex } from "../../base/encoding.ts";
import type { StoredSignature } from "../../ports/signatures.ts";
import { decodeSignature, encodeSignature, signedBytes } from "./signature.ts";

/** The bytes of a public key, and of a private one. */
const KEY_BYTES = 32;

/** What precedes the 32 bytes of a public key in DER (RFC 8410): SPKI with Ed25519's identifier. */
const SPKI = "302a300506032b6570032100";

/** The same of a private key: PKCS#8. */
const PKCS8 = "302e020100300506032b657004220420";

/** EDKEY-3: the y-coordinates of points of small order, canonical and not, without the sign bit. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  `00${"00".repeat(31)}`,
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
]);

const WANTED_PUBLIC =
  "Ed25519 public keys: PEM (BEGIN PUBLIC KEY), or 43 characters of base64url each";

/** A public key. */
export class VerifyingKey {
  /** The first 32 digits of the SHA-256 of its 32 bytes. */
  readonly id: string;
  /** Its 32 bytes in base64url. */
  readonly text: string;
  readonly #key: KeyObject;

  /**
   * Use {@linkcode readVerifyingKeys}.
   *
   * @param bytes Its 32 bytes.
   */
  constructor(bytes: Uint8Array) {
    this.id = sha256Hex(bytes).slice(0, 32);
    this.text = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    const der = Buffer.from(SPKI + bytes.toHex(), "hex");
    this.#key = createPublicKey({ key: der, format: "der", type: "spki" });
  }

  /**
   * Whether a signature is one by this key over a workflow's name and a version's hash. What comes
   * from a database may be anything.
   *
   * @param signature The signature.
   */
  verifies({ workflow, hash, signature }: Omit<StoredSignature, "key">): boolean {
    try {
      const bytes = decodeSignature(signature);
      return bytes !== undefined && verify(null, signedBytes(workflow, hash), this.#key, bytes);
    } catch {
      return false;
    }
  }
}

/**
 * Reads public keys: in PEM, or each as 43 characters of base64url. Empty lines, and lines that begin
 * with `#`, are left out.
 *
 * @param text One key or more.
 * @param argument What messages call the text.
 * @returns The keys; at least one.
 * @throws {InvalidArgumentError} When the text holds anything else, or no key.
 */
export function readVerifyingKeys(text: string, argument: string): VerifyingKey[] {
  const wrong = (found: string) => refuse(argument, inWords(found), WANTED_PUBLIC); // EDKEY-2
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    wrong("a private key, which stays where versions are signed");
  }
  const found: Uint8Array[] = [];
  const rest = text.replace(
    /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----/g,
    (_, body: string) => {
      const der = bytesOf(body.replace(/\s/g, ""), "base64")?.toHex() ?? "";
      const isEd25519 = der.startsWith(SPKI) && der.length === SPKI.length + 2 * KEY_BYTES;
      if (!isEd25519) wrong("a key in PEM that is none of Ed25519"); // EDKEY-1
      found.push(Uint8Array.fromHex(der.slice(SPKI.length)));
      return "\n";
    },
  );
  for (const line of rest.split("\n").map((line) => line.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const bytes = /^[\w-]{43}$/.test(line) ? bytesOf(line, "base64url") : undefined;
    if (bytes === undefined) {
      return wrong(`a text of ${text.length} characters with a line that is no key`);
    }
    found.push(bytes);
  }
  if (found.length === 0) wrong(`a text of ${text.length} characters that holds no key`);
  return found.map((bytes) => {
    const y = bytes.slice();
    y[KEY_BYTES - 1]! &= 0x7f;
    if (SMALL_ORDER.has(y.toHex())) wrong("a point of small order, with which everyone can sign");
    return new VerifyingKey(bytes);
  });
}

/** A private key. */
export class SigningKey {
  /** Its public key. */
  readonly public: VerifyingKey;
  readonly #key: KeyObject;

  /**
   * Use {@linkcode readSigningKey} or {@linkcode makeSigningKey}.
   *
   * @param key The key, which is one of Ed25519.
   */
  constructor(key: KeyObject) {
    this.#key = key;
    const { x } = createPublicKey(key as never).export({ format: "jwk" });
    this.public = new VerifyingKey(Uint8Array.fromBase64(x!, { alphabet: "base64url" }));
  }

  /**
   * Signs a version.
   *
   * @param workflow The workflow's name.
   * @param hash The version's hash.
   * @returns The signature: the same each time.
   */
  sign(workflow: string, hash: string): StoredSignature {
    const signature = encodeSignature(sign(null, signedBytes(workflow, hash), this.#key));
    return { workflow, hash, key: this.public.id, signature };
  }

  /** The private key in PEM (PKCS#8), to keep it in a file. */
  toPem(): string {
    return this.#key.export({ type: "pkcs8", format: "pem" }) as string;
  }
}

/**
 * Reads a private key in PEM.
 *
 * @param text The PEM (PKCS#8), as `openssl genpkey -algorithm ed25519` writes it.
 * @param argument What messages call the text.
 * @returns The key.
 * @throws {InvalidArgumentError} When it is none of Ed25519. The text is in no message (EDKEY-2).
 */
export function readSigningKey(text: string, argument: string): SigningKey {
  const [, body] = /^\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END PRIVATE KEY-----\s*$/
    .exec(text) ?? [];
  const der = body === undefined ? undefined : bytesOf(body.replace(/\s/g, ""), "base64")?.toHex();
  if (der?.startsWith(PKCS8) !== true || der.length !== PKCS8.length + 2 * KEY_BYTES) {
    const found = text.includes("ENCRYPTED PRIVATE KEY")
      ? "a key that is encrypted with a password"
      : text.includes("PUBLIC KEY")
      ? "a public key"
      : `a text of ${text.length} characters that holds none`;
    const wanted = "an Ed25519 private key in PEM (BEGIN PRIVATE KEY), without a password";
    refuse(argument, inWords(found), wanted);
  }
  const key = Buffer.from(der, "hex");
  return new SigningKey(createPrivateKey({ key, format: "der", type: "pkcs8" }));
}

/** Makes a private key. */
export function makeSigningKey(): SigningKey {
  return new SigningKey(generateKeyPairSync("ed25519").privateKey);
}

function bytesOf(text: string, alphabet: "base64" | "base64url"): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet });
    const omitPadding = alphabet === "base64url";
    return bytes.toBase64({ alphabet, omitPadding }) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
