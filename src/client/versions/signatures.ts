/**
 * Adds signatures of versions to the registry, and says which versions have some.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import type { StoredSignature } from "../../ports/signatures.ts";
import type { Store } from "../../ports/store.ts";
import { isKeyId, readSignatures } from "../../version/signing/signature.ts";
import type { Signatures } from "../../version/signing/signatures.ts";
import type { ClientContext } from "../context.ts";
import { operated } from "../operated.ts";

/**
 * A signature of a version, as the registry has it.
 *
 * @category Versions
 */
export interface VersionSignature {
  /** The id of the key, as the registry says: the first digits of the SHA-256 of its 32 bytes. */
  readonly key: string;
  /**
   * Whether this process has verified it by a key of its `trust.keys`; `null`: the process has no
   * keys, so that nothing is known but what the registry says.
   */
  readonly verified: boolean | null;
}

/**
 * What `Versions.addSignatures` did.
 *
 * @category Versions
 */
export interface AddedSignatures {
  /** How many signatures were given. */
  readonly signatures: number;
  /** The versions that have a signature which they did not have before. */
  readonly added: readonly {
    /** The version. */
    readonly hash: string;
    /** The workflow that the signature names. */
    readonly workflow: string;
    /** The id of the key. */
    readonly key: string;
  }[];
  /** How many parked runs continue, if their nodes trust the key. */
  readonly revived: number;
}

/** What adding signatures needs of a client. */
export type SignContext = Pick<
  ClientContext,
  "log" | "operator" | "runs" | "store" | "versions" | "wakeups"
>;

/**
 * Adds signatures.
 *
 * @param context The database, and the keys of this process.
 * @param text The lines of signatures.
 * @returns What was added.
 * @throws {InvalidArgumentError} If a line is no signature, or one by a key of `trust.keys` is not
 * valid.
 */
export async function addSignatures(
  context: SignContext,
  text: string,
): Promise<AddedSignatures> {
  const { store, versions, wakeups } = context;
  const argument = "the signatures of versions.addSignatures()";
  if (typeof text !== "string") refuse(argument, text, "lines of `continuum versions sign`");
  const given = readSignatures(text, argument);
  for (const signature of given) refuseForged(signature, versions.signatures, argument);
  const added: StoredSignature[] = [];
  let revived = 0;
  for (const signature of given) {
    const { hash } = signature;
    const act = { action: "version.sign", namespace: null, target: hash } as const;
    const isNew = await operated(context, act, (deed) =>
      deed(async ({ store: { signatures } }) => {
        return (await signatures.add([signature])).length > 0 || null;
      }, { details: () => ({ key: signature.key }) }));
    if (isNew === null) continue;
    added.push(signature);
    revived += await reviveSigned(store, hash);
    wakeups.versionAvailable(hash);
  }
  return {
    signatures: given.length,
    added: added.map(({ hash, workflow, key }) => ({ hash, workflow, key })),
    revived,
  };
}

/**
 * Lets the runs of a version continue that was parked without a signature; the nodes that execute
 * them look anew.
 *
 * @param store The database.
 * @param hash The version.
 * @returns How many runs continue.
 */
export async function reviveSigned(
  { denials, versions }: Pick<Store, "denials" | "versions">,
  hash: string,
): Promise<number> {
  await denials.forgetRefusals(hash);
  return await versions.revive(hash);
}

/**
 * Shows what the registry says of the signatures of a version, and what of it this process has
 * verified.
 *
 * @param stored The rows.
 * @param signatures The keys of this process.
 * @param version The version that the rows are of.
 */
export function shownSignatures(
  stored: readonly StoredSignature[],
  signatures: Signatures,
  { hash, workflow }: { readonly hash: string; readonly workflow: string },
): VersionSignature[] {
  const hasKeys = signatures.keys !== undefined;
  // What a database says may be anything: what is no id names no key.
  return stored.filter(({ key }) => typeof key === "string" && isKeyId(key)).map((
    { key, signature },
  ) => ({
    key,
    verified: hasKeys ? signatures.verifies({ hash, workflow, key, signature }) : null,
  }));
}

function refuseForged(
  signature: StoredSignature,
  signatures: Signatures,
  argument: string,
): void {
  if (signatures.keys?.includes(signature.key) !== true || signatures.verifies(signature)) return;
  const found = `one of version ${signature.hash} that key ${signature.key} did not make`;
  refuse(argument, inWords(found), "signatures that are valid");
}
