/**
 * Signs versions, and makes the keys for it, as plain JSON.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { variable } from "../base/environment.ts";
import type { AddedSignatures } from "../client/versions/signatures.ts";
import type { Continuum } from "../continuum.ts";
import { Subprocess } from "../dry_run/subprocess.ts";
import type { StoredSignature } from "../ports/signatures.ts";
import { versionInside } from "../version/child_versions.ts";
import type { ModuleGraph } from "../version/graph/read.ts";
import { VerifiedManifest } from "../version/manifest/verified.ts";
import { readNamedModules } from "../version/read_modules.ts";
import { makeSigningKey, readSigningKey, type SigningKey } from "../version/signing/keys.ts";
import { formatSignature, readSignatures } from "../version/signing/signature.ts";
import { findModules } from "./modules.ts";
import { type Plain, plain } from "./plain.ts";
import { findVersion } from "./versions.ts";

/** The variable that holds a private key, if no file is named. */
const KEY_VARIABLE = "CONTINUUM_SIGNING_KEY";

/** How long the import of a module may take, in milliseconds. */
const IMPORT_MS = 30_000;

/** A version that was signed. */
export interface SignedVersion extends StoredSignature {
  /** The signature as a line of a file. */
  readonly line: string;
}

/** A version that is to be signed. */
interface Signable {
  readonly workflow: string;
  readonly hash: string;
}

/** How modules are read, and what they are called. */
export interface SignOptions {
  /** The workflow's name: then the module is not imported, and what is inside it is not signed. */
  readonly workflow?: string | undefined;
  /** Modules that are not pinned, as the node has them in `live`. */
  readonly live?: readonly string[] | undefined;
  /** The `deno.json` of the modules, as the node has it in `config`. */
  readonly config?: string | undefined;
}

/**
 * Reads the private key: of a file, or of the variable `CONTINUUM_SIGNING_KEY`. No message holds it.
 *
 * @param file The file; `undefined`: the variable.
 * @returns The key.
 * @throws {InvalidArgumentError} If there is none, or it is not a private key of Ed25519 in PEM.
 */
export async function signingKey(file: string | undefined): Promise<SigningKey> {
  if (file !== undefined) {
    return readSigningKey(await Deno.readTextFile(file), "the private key of --key");
  }
  const text = variable(KEY_VARIABLE);
  if (text !== undefined && text !== "") return readSigningKey(text, `the key of ${KEY_VARIABLE}`);
  return refuse(
    "the private key",
    inWords("neither --key nor CONTINUUM_SIGNING_KEY"),
    "a file of an Ed25519 private key in PEM, or its text in the variable",
  );
}

/** A key that was made. */
export interface MadeKey {
  /** The first digits of the SHA-256 of the public key's 32 bytes. */
  readonly id: string;
  /** The public key, in base64url. */
  readonly publicKey: string;
  /** The file of the private key. */
  readonly file: string;
}

/**
 * Makes a key, and writes the private one into a new file that its owner alone may read.
 *
 * @param file The file, which must not exist.
 * @returns The public key.
 */
export async function newKey(file: string): Promise<MadeKey> {
  const key = makeSigningKey();
  await Deno.writeTextFile(file, key.toPem(), { createNew: true, mode: 0o600 });
  return { id: key.public.id, publicKey: key.public.text, file };
}

/**
 * Signs the versions that modules have now, and the workflows inside them, without a database. To learn
 * their names, each module is imported in a subprocess without permissions.
 *
 * @param texts Paths, URLs and patterns.
 * @param key The private key.
 * @param options How they are read.
 * @returns The signatures: each version once.
 * @throws {VersionUnavailableError} If a module can't be imported there. Errors of reading modules
 * unchanged.
 */
export async function signModules(
  texts: readonly string[],
  key: SigningKey,
  options: SignOptions = {},
): Promise<SignedVersion[]> {
  const found: Signable[] = [];
  for (const specifier of await findModules(texts)) {
    found.push(...await versionsOf(specifier, options));
  }
  return signed(found, key);
}

/**
 * Signs registered versions, as the registry names them.
 *
 * @param client The client.
 * @param texts Their hashes, or the first digits.
 * @param key The private key.
 * @returns The signatures.
 * @throws {VersionNotFoundError} If there is no such version.
 */
export async function signRegistered(
  client: Continuum,
  texts: readonly string[],
  key: SigningKey,
): Promise<SignedVersion[]> {
  const found: Signable[] = [];
  for (const text of texts) found.push(await findVersion(client, text));
  return signed(found, key);
}

/**
 * Signs every registered version that a run which has not ended or a schedule needs. If the client has
 * keys, it leaves out what none of them has signed: someone may have put it into the database.
 *
 * @param client The client.
 * @param key The private key.
 * @returns The signatures, and what was left out.
 */
export async function signNeeded(
  client: Continuum,
  key: SigningKey,
): Promise<{ readonly signatures: SignedVersion[]; readonly leftOut: readonly Signable[] }> {
  const { versions } = await client.versions.check({ import: false });
  const isUnsigned = ({ reasons }: (typeof versions)[number]) =>
    reasons.some(({ code }) => code === "UNSIGNED_VERSION");
  const known = versions.filter((version) => !isUnsigned(version));
  return { signatures: signed(known, key), leftOut: versions.filter(isUnsigned) };
}

/** What adding signatures did. */
export type AddedLines = Plain<AddedSignatures>;

/**
 * Reads the lines of signatures.
 *
 * @param text The lines.
 * @returns The signatures.
 * @throws {InvalidArgumentError} If a line is not one.
 */
export function planSignatures(text: string): readonly StoredSignature[] {
  return readSignatures(text, "the file of signatures");
}

/**
 * Adds signatures to the registry.
 *
 * @param client The client.
 * @param text Their lines.
 */
export async function addSignatures(client: Continuum, text: string): Promise<AddedLines> {
  return plain(await client.versions.addSignatures(text));
}

async function versionsOf(
  specifier: string,
  { workflow, live, config }: SignOptions,
): Promise<Signable[]> {
  const graph = await readNamedModules(specifier, {
    ...(live === undefined ? {} : { live }),
    ...(config === undefined ? {} : { config }),
  });
  const { hash } = graph.manifest;
  if (workflow !== undefined) return [{ workflow, hash }];
  const imported = await importOf(graph, config);
  const { manifest, bytes, urls } = graph;
  const whole = { manifest, bytes, url: urls.get(manifest.content.entry)! };
  const known = new Map();
  const found: Signable[] = [{ workflow: imported.workflow, hash }];
  for (const { workflow, labels } of imported.inside) {
    const inside = await versionInside(whole, labels, known);
    found.push({ workflow, hash: VerifiedManifest.of(inside.manifest).hash });
  }
  return found;
}

async function importOf({ manifest, bytes }: ModuleGraph, config: string | undefined) {
  await using process = await Subprocess.start({ manifest, bytes }, {
    timeoutMs: IMPORT_MS,
    ...(config === undefined ? {} : { config }),
  });
  return await process.load();
}

function signed(versions: readonly Signable[], key: SigningKey): SignedVersion[] {
  const distinct = new Map(versions.map((each) => [each.hash, each]));
  return [...distinct.values()].map(({ workflow, hash }) => {
    const signature = key.sign(workflow, hash);
    return { ...signature, line: formatSignature(signature) };
  });
}
