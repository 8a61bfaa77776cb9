/**
 * A manifest together with the hash that it was verified against. Everything that relies on a
 * manifest takes it in this form, so a load hashes and parses a manifest once.
 *
 * - VERIFIED-1: the text has the hash, and the index is the index of what the text contains. Both
 *   hold from the moment that an object exists, since only the functions below make one.
 *
 * @module
 */

import {
  formatManifest,
  type Manifest,
  parseManifest,
  readManifestLines,
  versionHash,
} from "./format.ts";
import { ManifestIndex } from "./resolved_imports.ts";
import { integrityMismatch } from "../load_errors.ts";

/** A canonical manifest, its hash and its index; immutable (VERIFIED-1). */
export class VerifiedManifest {
  /** The version's hash. */
  readonly hash: string;
  /** The canonical text. */
  readonly text: string;
  readonly #index: ManifestIndex;

  private constructor(hash: string, text: string, content: Manifest) {
    this.hash = hash;
    this.text = text;
    this.#index = new ManifestIndex(content);
  }

  /** The look-ups in its content. */
  get index(): ManifestIndex {
    return this.#index;
  }

  /** Its content, each array in the order of the text's lines: the same for every node. */
  get content(): Manifest {
    return this.#index.manifest;
  }

  /**
   * Verifies a text that comes from outside of this process.
   *
   * @param text The text.
   * @param hash The hash of the version that the text is said to belong to.
   * @param what What messages call the text.
   * @returns The manifest.
   * @throws {LoadError} (`INTEGRITY_MISMATCH`) When the text has another hash.
   * @throws {GraphError} (`MANIFEST_INVALID`) When the text is not a canonical manifest.
   */
  static verify(text: string, hash: string, what: string): VerifiedManifest {
    const found = versionHash(text);
    if (found !== hash) throw integrityMismatch(what, found, hash);
    return new VerifiedManifest(hash, text, parseManifest(text));
  }

  /**
   * Makes the manifest of a content that this process has determined itself.
   *
   * @param content The content, in any order.
   * @returns The manifest.
   * @throws {GraphError} (`MANIFEST_INVALID`) When the content breaks an invariant.
   */
  static of(content: Manifest): VerifiedManifest {
    const text = formatManifest(content);
    return new VerifiedManifest(versionHash(text), text, readManifestLines(text));
  }
}
