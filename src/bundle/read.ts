/**
 * Opens bundles.
 *
 * - OPEN-1: a file that was cut, changed or made by hand is refused, with the part that is wrong,
 *   before anything else uses it: the file's digest, the content's form, the digest of each run, the
 *   hash of each manifest, and the SHA-256 of each module.
 * - OPEN-2: a bundle holds the modules that its manifests list, and no other.
 *
 * @module
 */

import { checkOptions, checkWhole, refuse } from "../base/arguments.ts";
import { describe, quoteId } from "../base/describe.ts";
import { sha256Hex } from "../base/encoding.ts";
import { messageOf, shortHash } from "../base/text.ts";
import { VerifiedManifest } from "../version/manifest/verified.ts";
import { Bundle, type BundledCode } from "./bundle.ts";
import { canonicalJson } from "./canonical.ts";
import {
  BUNDLE_FORMAT,
  BUNDLE_VERSION,
  type BundleContent,
  type BundledVersion,
  CONTENT_SHAPE,
} from "./content.ts";
import { bundleChanged, bundleTooNew, notABundle, wrongMember } from "./errors.ts";
import { MAX_CONTENT, unpackFile } from "./file.ts";

/**
 * Options of {@linkcode openBundle}.
 *
 * @category Runs
 */
export interface OpenBundleOptions {
  /**
   * The most bytes that the content may have after it is decompressed.
   *
   * @default {268435456, which is 256 MiB}
   */
  readonly maxBytes?: number;
}

/**
 * Opens a bundle that `run.export()` or `continuum runs export` wrote, and verifies all of its
 * digests. It needs no database, and no code of the bundle runs.
 *
 * @example The history of a run of another machine
 * ```ts ignore
 * const bundle = await openBundle(await Deno.readFile("o-1041.bundle"));
 * await assertReplays(order, bundle.history());
 * ```
 *
 * @param file The bytes of the file.
 * @param options How large the content may be.
 * @returns The bundle.
 * @throws {InvalidArgumentError} If an argument is invalid.
 * @throws {BundleError} (`BUNDLE_FORMAT`) If the file is no bundle.
 * @throws {BundleError} (`BUNDLE_CUT`) If the file was cut short.
 * @throws {BundleError} (`BUNDLE_CHANGED`) If a byte of it was changed.
 * @throws {BundleError} (`BUNDLE_TOO_NEW`) If a newer release wrote it.
 * @throws {BundleError} (`BUNDLE_LIMIT`) If its content is larger than `maxBytes`.
 * @throws {BundleError} (`BUNDLE_MEMBER`) If its modules are not those that its manifests list.
 *
 * @category Runs
 */
export async function openBundle(
  file: Uint8Array,
  options: OpenBundleOptions = {},
): Promise<Bundle> {
  if (!(file instanceof Uint8Array)) {
    refuse("the first argument of openBundle()", file, "the bytes of a file");
  }
  checkOptions(options, ["maxBytes"], "openBundle()");
  const { maxBytes = MAX_CONTENT } = options;
  checkWhole(maxBytes, "option maxBytes of openBundle()", 1);
  const content = readContent(await unpackFile(new Uint8Array(file), maxBytes));
  checkDigests(content);
  return new Bundle(content, readCodes(content));
}

/** OPEN-1: the form. */
function readContent(text: string): BundleContent {
  const value = parsed(text);
  if (typeof value !== "object" || value === null) throw notABundle(describe(value));
  const { format, formatVersion } = value as Readonly<Record<string, unknown>>;
  if (format !== BUNDLE_FORMAT) throw notABundle(`the format ${describe(format)}`);
  if (Number.isInteger(formatVersion) && formatVersion as number > BUNDLE_VERSION) {
    throw bundleTooNew(formatVersion as number, BUNDLE_VERSION);
  }
  const fault = CONTENT_SHAPE(value, "");
  if (fault !== undefined) {
    throw notABundle(`${describe(fault.found)} as ${fault.path}`);
  }
  if (canonical(value) !== text) throw notABundle("JSON that is not canonical");
  return value as BundleContent;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notABundle("text that is no JSON");
  }
}

function canonical(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    throw notABundle(`JSON that is ${messageOf(error)}`);
  }
}

/** OPEN-1: the runs. */
function checkDigests({ digests, runs, versions }: BundleContent): void {
  if (digests.length !== runs.length) {
    throw notABundle(`${digests.length} digests of ${runs.length} runs`);
  }
  const hashes = new Set(versions.map(({ hash }) => hash));
  if (hashes.size !== versions.length) throw notABundle("a version twice");
  const ids = new Set<string>();
  for (const [index, run] of runs.entries()) {
    const { runId, generations } = run;
    const found = sha256Hex(canonicalJson(run));
    if (found !== digests[index]) {
      throw bundleChanged(`run ${quoteId(runId)}`, found, digests[index]!);
    }
    if (ids.size === ids.add(runId).size) throw notABundle(`run ${quoteId(runId)} twice`);
    for (const [at, history] of generations.entries()) {
      const before = generations[at - 1]?.generation ?? -1;
      const isSound = history.runId === runId && history.generation > before &&
        hashes.has(history.version);
      if (!isSound) throw notABundle(`generation ${history.generation} of another run or version`);
    }
    if (generations.length === 0) throw notABundle(`run ${quoteId(runId)} without a generation`);
  }
}

/** OPEN-1: the code. OPEN-2. */
function readCodes({ versions, members }: BundleContent): Map<string, BundledCode> {
  const bytes = new Map(
    Object.entries(members).map(([sha256, base64]) => [sha256, readMember(sha256, base64)]),
  );
  const unlisted = new Set(bytes.keys());
  const codes = new Map<string, BundledCode>();
  for (const version of versions) {
    const manifest = readManifest(version);
    if (manifest === undefined) continue;
    const own = new Map<string, Uint8Array>();
    for (const { sha256 } of manifest.content.members) {
      const body = bytes.get(sha256);
      if (body === undefined) throw wrongMember(sha256, "missing");
      own.set(sha256, body);
      unlisted.delete(sha256);
    }
    codes.set(version.hash, { manifest, bytes: own });
  }
  const [first] = unlisted;
  if (first !== undefined) throw wrongMember(first, "unlisted");
  return codes;
}

function readManifest({ hash, manifest }: BundledVersion): VerifiedManifest | undefined {
  if (manifest === null) return undefined;
  const what = `the manifest of version ${shortHash(hash)}`;
  const found = sha256Hex(manifest);
  if (found !== hash) throw bundleChanged(what, found, hash);
  try {
    return VerifiedManifest.verify(manifest, hash, what);
  } catch (error) {
    throw notABundle(`${what}, which is invalid: ${messageOf(error)}`);
  }
}

function readMember(sha256: string, base64: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
  } catch {
    throw notABundle(`module ${sha256}, which is no base64`);
  }
  const found = sha256Hex(bytes);
  if (found !== sha256) throw bundleChanged(`module ${sha256}`, found, sha256);
  return bytes;
}
