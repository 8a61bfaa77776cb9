/**
 * Whether this process may execute a version by its signature.
 *
 * - SIGNED-1, before anything: with `trust.keys`, no code of a version runs, here or in a subprocess,
 *   and none is fetched to run it, before a signature over its hash by one of these keys has been
 *   verified; whatever the source.
 * - SIGNED-2, by that name: the version is executed as the workflow that the signature names, and as
 *   no other.
 * - SIGNED-3, rows are claims: what the database says of a signature counts for nothing until it is
 *   verified with a key of this process. What is remembered is what was verified: the hash, the name
 *   and the key.
 * - SIGNED-4, bounded: a version's signatures are looked up by the ids of trusted keys, and at most
 *   {@linkcode MOST_READ} of them are read, whatever the database holds.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { shownId } from "../../base/describe.ts";
import { isSha256Hex } from "../../base/encoding.ts";
import type { SignatureStore, StoredSignature } from "../../ports/signatures.ts";
import type { TrustOptions } from "../fetch/trust.ts";
import { readVerifyingKeys, type VerifyingKey } from "./keys.ts";
import { isKeyId, readSignatures } from "./signature.ts";

/** The most signatures of a version that are read (SIGNED-4); most are by keys that are gone. */
export const MOST_READ = 64;

/** How many ids of keys a message names. */
const MOST_NAMED = 5;

/** The signatures that this process goes by; its keys never change. */
export class Signatures {
  /** The signatures that the operator passed; not verified. */
  readonly given: readonly StoredSignature[];
  readonly #keys: ReadonlyMap<string, VerifyingKey> | undefined;
  readonly #unsigned: ReadonlySet<string>;
  readonly #store: Pick<SignatureStore, "of"> | undefined;
  /** By hash: the names that a trusted key has signed (SIGNED-3). */
  readonly #verified = new Map<string, Set<string>>();

  /**
   * Reads the operator's settings.
   *
   * @param options The keys, signatures, and versions that need none.
   * @param store Where other signatures are; nowhere when omitted.
   * @throws {InvalidArgumentError} When a key, a signature or a hash is invalid.
   */
  constructor(
    { keys, signatures = [], unsigned = [] }: TrustOptions,
    store: Pick<SignatureStore, "of"> | undefined,
  ) {
    const read = keys?.flatMap((text, index) =>
      readVerifyingKeys(text, `option trust.keys[${index}]`)
    );
    if (read?.length === 0) {
      refuse("option trust.keys", keys, "one key or more; leave it out to require no signature");
    }
    this.#keys = read && new Map(read.map((key) => [key.id, key]));
    this.given = signatures.flatMap((text, index) =>
      readSignatures(text, `option trust.signatures[${index}]`)
    );
    for (const [index, hash] of unsigned.entries()) {
      if (isSha256Hex(hash)) continue;
      const wanted = "a version hash: 64 lower-case hexadecimal digits";
      refuse(`option trust.unsigned[${index}]`, hash, wanted);
    }
    this.#unsigned = new Set(unsigned);
    this.#store = store;
  }

  /** The ids of the keys; `undefined`: this process requires no signatures. */
  get keys(): readonly string[] | undefined {
    return this.#keys && [...this.#keys.keys()];
  }

  /**
   * Whether a signature is one by a trusted key.
   *
   * @param signature The signature, which may be anything.
   */
  verifies(signature: StoredSignature): boolean {
    return this.#keys?.get(signature.key)?.verifies(signature) === true;
  }

  /**
   * Why this process may not execute a version.
   *
   * @param hash The version.
   * @param workflow The name that it would be executed as; when omitted, any that is signed.
   * @returns The reason; `undefined`: it may.
   */
  async fault(hash: string, workflow?: string): Promise<string | undefined> {
    if (this.#keys === undefined || this.#unsigned.has(hash)) return undefined;
    if (this.#isVerified(hash, workflow)) return undefined;
    const given = this.given.filter((signature) => signature.hash === hash);
    given.forEach((signature) => this.#note(signature));
    if (this.#isVerified(hash, workflow)) return undefined;
    const stored = await this.#store?.of(hash, [...this.#keys.keys()], MOST_READ) ?? [];
    // SIGNED-3: a row is taken for one of the hash that was asked for, whatever it says.
    const rows = stored.map((row) => ({ ...row, hash }));
    rows.forEach((row) => this.#note(row));
    if (this.#isVerified(hash, workflow)) return undefined;
    return this.#explained(hash, workflow, [...given, ...rows]);
  }

  #isVerified(hash: string, workflow: string | undefined): boolean {
    const names = this.#verified.get(hash);
    return names !== undefined && (workflow === undefined || names.has(workflow));
  }

  #note(signature: StoredSignature): void {
    if (!this.verifies(signature)) return;
    const { hash, workflow } = signature;
    const names = this.#verified.get(hash) ?? new Set();
    this.#verified.set(hash, names.add(workflow));
  }

  #explained(
    hash: string,
    workflow: string | undefined,
    rows: readonly StoredSignature[],
  ): string {
    const names = this.#verified.get(hash);
    if (names !== undefined) {
      const signed = [...names].map((name) => shownId(name)).join(", ");
      return `it is signed as workflow ${signed}, and not as ${shownId(workflow ?? "")}`;
    }
    const wanted = `trust.keys of this process has ${this.#named([...this.#keys!.keys()])}`;
    const ids = [...new Set(rows.map(({ key }) => key))].filter(isKeyId);
    const forged = ids.filter((id) => this.#keys!.has(id));
    if (forged.length > 0) return `its signature by ${this.#named(forged)} is not valid`;
    if (ids.length > 0) return `it is signed by ${this.#named(ids)} alone, and ${wanted}`;
    return `it is not signed, and ${wanted}: \`continuum versions sign\` signs it`;
  }

  #named(ids: readonly string[]): string {
    const named = ids.slice(0, MOST_NAMED).map((id) => `key ${id}`).join(", ");
    return ids.length > MOST_NAMED ? `${named} and ${ids.length - MOST_NAMED} more` : named;
  }
}
