/**
 * Fetches the members of a known version: the manifest determines every URL, so nothing is resolved
 * again, and every body is checked when it arrives.
 *
 * @module
 */

import { sha256Hex } from "../../base/encoding.ts";
import type { GraphFetcher } from "./graph_fetcher.ts";
import { resolveJsrRoot } from "./jsr.ts";
import { labelUrl, normaliseUrl } from "../manifest/label.ts";
import type { Member } from "../manifest/format.ts";
import type { ManifestIndex } from "../manifest/resolved_imports.ts";
import type { TrustScope } from "./trust.ts";
import { integrityMismatch } from "../load_errors.ts";

/** A version that was fetched. */
export interface FetchedVersion {
  /** The bytes of every member, by SHA-256. */
  readonly bytes: Map<string, Uint8Array>;
  /** The URL of the root after redirects: labels are relative to it. */
  readonly url: string;
}

/** How many members are fetched at a time. */
const CONCURRENCY = 16;

/**
 * Fetches a version from a URL that it was read from before.
 *
 * @param root The URL or `jsr:` specifier of the root.
 * @param index The manifest.
 * @param scope Which modules may be part of the graph.
 * @param fetcher Fetches.
 * @returns The bytes of every member, and the final URL of the root.
 * @throws {LoadError} (`INTEGRITY_MISMATCH`) When a body does not match the manifest; the rest is
 * not fetched then.
 * @throws {GraphError} (`MODULE_NOT_FOUND`) When a member no longer exists.
 * @throws {LoadError} (`UNTRUSTED_MODULE`) When a member or a redirect is outside the node's trust.
 * @throws {LoadError} (`FETCH_FAILED`) When a member could not be fetched for another reason.
 */
export async function fetchPinned(
  root: string,
  index: ManifestIndex,
  scope: TrustScope,
  fetcher: GraphFetcher,
): Promise<FetchedVersion> {
  const found = new Map<string, Uint8Array>();
  const fetchModule = (url: string) => fetcher.fetch(url);
  const url = root.startsWith("jsr:")
    ? await resolveJsrRoot(root, { fetchModule, lock: undefined })
    : root;
  const take = async (members: readonly Member[], from: string): Promise<string> => {
    const fetched = await fetcher.fetch(from);
    const digest = sha256Hex(fetched.bytes);
    for (const { sha256 } of members) {
      if (sha256 !== digest) throw integrityMismatch(normaliseUrl(from), digest, sha256);
    }
    found.set(digest, fetched.bytes);
    return normaliseUrl(fetched.url);
  };
  const byLabel = Map.groupBy(index.manifest.members, ({ label }) => label);
  const { label: entry } = index.entry;
  scope.check(url);
  const base = await take(byLabel.get(entry)!, url);
  byLabel.delete(entry);
  const pending = [...byLabel];
  const work = async (): Promise<void> => {
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [label, members] = next;
      const target = labelUrl(label, base);
      scope.check(target, base);
      await take(members, target);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, pending.length) }, work));
  } catch (error) {
    pending.length = 0;
    throw error;
  }
  return { bytes: found, url: base };
}
