/**
 * A version of one module, and bundles that hold it.
 *
 * @module
 */

import { sha256Hex } from "../../src/base/encoding.ts";
import type { BundledRun } from "../../src/bundle/content.ts";
import type { BundleParts } from "../../src/bundle/write.ts";
import { formatManifest, versionHash } from "../../src/version/manifest/format.ts";

const BYTES = new TextEncoder().encode("export default 1;\n");
/** The SHA-256 of its module. */
export const MEMBER = sha256Hex(BYTES);
/** Its manifest. */
export const MANIFEST = formatManifest({
  version: 1,
  entry: "./order.ts",
  members: [{ label: "./order.ts", sha256: MEMBER, media: "ts" }],
  edges: [],
  externals: [],
  live: [],
  options: [],
});
/** Its hash. */
export const HASH = versionHash(MANIFEST);

/** What a bundle of a run holds. */
export function partsOf(run: BundledRun): BundleParts {
  return {
    exportedAt: 1_700_000_000_000,
    redacted: null,
    runs: [run],
    versions: [{ hash: HASH, manifest: MANIFEST, trouble: null }],
    members: new Map([[MEMBER, BYTES]]),
  };
}
