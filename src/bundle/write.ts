/**
 * Writes bundles.
 *
 * @module
 */

import { sha256Hex } from "../base/encoding.ts";
import { RELEASE } from "../base/release.ts";
import { canonicalJson } from "./canonical.ts";
import { BUNDLE_FORMAT, BUNDLE_VERSION, type BundleContent, type BundledRun } from "./content.ts";
import { packFile } from "./file.ts";

/** What a bundle is made of. */
export interface BundleParts extends Pick<BundleContent, "exportedAt" | "redacted" | "versions"> {
  /** The runs. */
  readonly runs: readonly BundledRun[];
  /** The bytes of the versions' modules, by SHA-256. */
  readonly members: ReadonlyMap<string, Uint8Array>;
}

/**
 * Writes a bundle. Equal parts make equal contents.
 *
 * @param parts The content.
 * @returns The bytes of its file.
 * @throws {BundleError} (`BUNDLE_LIMIT`) If the content is larger than a reader accepts by default.
 */
export async function writeBundle(parts: BundleParts): Promise<Uint8Array<ArrayBuffer>> {
  const { exportedAt, redacted, runs, versions, members } = parts;
  const content: BundleContent = {
    format: BUNDLE_FORMAT,
    formatVersion: BUNDLE_VERSION,
    engine: RELEASE,
    exportedAt,
    redacted,
    digests: runs.map((run) => sha256Hex(canonicalJson(run))),
    runs,
    versions: [...versions].sort((a, b) => a.hash < b.hash ? -1 : 1),
    members: Object.fromEntries([...members].map(([sha256, bytes]) => [sha256, bytes.toBase64()])),
  };
  return await packFile(canonicalJson(content));
}
