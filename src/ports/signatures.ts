/**
 * Signatures of versions, as rows.
 *
 * @module
 */

/** A signature over a workflow's name and a version's hash. Nothing about a stored one is verified. */
export interface StoredSignature {
  /** The workflow's name. */
  readonly workflow: string;
  /** The version's hash. */
  readonly hash: string;
  /** The id of the key: the first 32 digits of the SHA-256 of the public key's 32 bytes. */
  readonly key: string;
  /** The 64 bytes of an Ed25519 signature, in base64url. */
  readonly signature: string;
}

/** Stores signatures; the versions that they are about may be registered later. */
export interface SignatureStore {
  /**
   * Adds signatures. One that a key made of a version before is replaced.
   *
   * @param signatures The signatures.
   * @returns The hashes of versions that have a signature which they did not have before.
   */
  add(signatures: readonly StoredSignature[]): Promise<string[]>;
  /**
   * The signatures of a version.
   *
   * @param hash The version.
   * @param keys The ids of keys whose signatures come first.
   * @param limit At most how many.
   */
  of(hash: string, keys: readonly string[], limit: number): Promise<StoredSignature[]>;
}
