/**
 * A client that only reads, and none of whose statements takes longer than a time.
 *
 * @module
 */

import { overlay } from "../base/overlay.ts";
import type { Patience, Store, VersionStore } from "../ports/store.ts";
import { Contracts } from "../version/contracts.ts";
import type { ClientContext, ClientVersions } from "./context.ts";

/** How long the reads of an observer may take, for their errors. */
const ASKED = {
  action: "read what this answer needs",
  narrow: "a workflow, a version or a time of creation",
} as const;

/**
 * The limit of reads for an answer.
 *
 * @param ms How long each statement may take, in milliseconds.
 */
export function patienceOf(ms: number): Patience {
  return { ms, ...ASKED };
}

/**
 * What the parts of such a client share.
 *
 * @param context The client.
 * @param store Its store, with the limit.
 */
export function limitedContext(context: ClientContext, store: Store): ClientContext {
  const versions = readingBy(context.versions, store.versions);
  return {
    ...context,
    store,
    runs: store.runs.in(context.runs.namespace),
    versions,
    contracts: new Contracts(versions, store.versions),
    dryRuns: context.dryRuns.of(versions),
  };
}

/** The same versions. What is read for one caller alone, and not shared with others, has the limit. */
function readingBy(versions: ClientVersions, store: VersionStore): ClientVersions {
  return overlay(versions, {
    inspect: (hash) => versions.inspect(hash, store),
    examine: (hash, isHere) => versions.examine(hash, isHere, store),
  });
}
