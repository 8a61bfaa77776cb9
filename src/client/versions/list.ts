/**
 * Lists versions, page by page, with how each is used.
 *
 * @module
 */

import {
  checkBoolean,
  checkChoice,
  checkOptions,
  checkWhole,
  readName,
  refuse,
} from "../../base/arguments.ts";
import { authoredFacts } from "../../base/authored.ts";
import type { Duration } from "../../base/duration.ts";
import type { StuckReason } from "../../ports/rows.ts";
import type { VersionStore } from "../../ports/store.ts";
import { VERSION_STATES, type VersionState, type VersionUsage } from "../../ports/version_usage.ts";
import type { Signatures } from "../../version/signing/signatures.ts";
import { readPatience } from "../patience.ts";
import { isTime, type Place, readCursor, writeCursor } from "../cursor.ts";
import { shownSignatures, type VersionSignature } from "./signatures.ts";

/**
 * Why nodes do not execute a version.
 *
 * @category Versions
 */
export interface VersionDenial {
  /** What was denied: the version's own hash, or the SHA-256 of one of its modules. */
  readonly sha256: string;
  /** The reason that was given. */
  readonly reason: string;
  /** Who denied it, as they said; `null`: they did not say. */
  readonly by: string | null;
  /** When. */
  readonly at: Date;
}

/**
 * A registered version, and how it is used.
 *
 * @category Versions
 */
export interface VersionInfo {
  /** SHA-256 of the manifest, in hex. */
  readonly hash: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The label that the definition gives itself. */
  readonly label: string | null;
  /** How it stands. */
  readonly state: VersionState;
  /** Whether runs that are started by the workflow's name are pinned to it. */
  readonly current: boolean;
  /** The number of its runs that have not ended; 1,000 means 1,000 or more. */
  readonly live: number;
  /** When the oldest of these was created. */
  readonly oldestLive: Date | null;
  /** When the newest run that is pinned to it was created, ended or not. */
  readonly lastStart: Date | null;
  /** How many schedules that can still fire are pinned to it. */
  readonly schedules: number;
  /** The nodes that are alive. */
  readonly nodes: {
    /** How many there are. */
    readonly alive: number;
    /** Those that can't load it, each with the reason; others have loaded it, or have not tried. */
    readonly refusing: readonly { readonly node: string; readonly reason: StuckReason }[];
  };
  /** Every specifier that led to it, the newest first. */
  readonly specifiers: readonly string[];
  /** Whether the archive holds its modules. */
  readonly archived: boolean;
  /** The size of these modules; other versions may share some. */
  readonly bytes: number;
  /** When it was registered. */
  readonly registeredAt: Date;
  /** Why nodes do not execute it; `null`: they may. */
  readonly denied: VersionDenial | null;
  /** Its signatures in the registry, by the ids of their keys; at most 20. */
  readonly signatures: readonly VersionSignature[];
}

/**
 * Options of `Versions.list`.
 *
 * @category Versions
 */
export interface VersionListOptions {
  /** The workflow's name; all workflows when omitted. */
  readonly workflow?: string;
  /** The state, or several; all when omitted. */
  readonly state?: VersionState | readonly VersionState[];
  /** Whether runs that are started by the workflow's name are pinned to it; both when omitted. */
  readonly current?: boolean;
  /** How the hash begins: 1 to 64 lower-case hexadecimal digits. */
  readonly hash?: string;
  /**
   * The most versions of one page, from 1 to 1,000.
   *
   * @default {50}
   */
  readonly limit?: number;
  /** The `cursor` of the previous page of the same query. */
  readonly cursor?: string;
  /**
   * How long the server may look for the versions. PGlite does not give up.
   *
   * @default {no limit}
   */
  readonly timeout?: Duration;
}

/**
 * A page of versions.
 *
 * @category Versions
 */
export interface VersionPage {
  /** The versions, the newest first. */
  readonly versions: readonly VersionInfo[];
  /** Pass it for the next page; `null`: this page is the last. */
  readonly cursor: string | null;
}

/** Up to which number live runs are counted. */
export const MOST_LIVE = 1_000;

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const CALL = "versions.list()";

/**
 * Reads a page.
 *
 * @param store The registry.
 * @param signatures The keys of this process.
 * @param options Which versions, and how many.
 * @returns The page.
 * @throws {InvalidArgumentError} If an option is unknown or has a wrong type, or if the cursor does
 * not belong to this query.
 * @throws {QueryTimeoutError} If the server looks for longer than `timeout`.
 */
export async function listVersions(
  store: Pick<VersionStore, "page">,
  signatures: Signatures,
  options: VersionListOptions = {},
): Promise<VersionPage> {
  checkOptions(
    options,
    ["workflow", "state", "current", "hash", "limit", "cursor", "timeout"],
    CALL,
  );
  const { workflow, current, hash: prefix, limit = DEFAULT_LIMIT, cursor } = options;
  if (workflow !== undefined) readName(workflow, "a workflow");
  if (prefix !== undefined && !(typeof prefix === "string" && /^[0-9a-f]{1,64}$/.test(prefix))) {
    refuse(`option hash of ${CALL}`, prefix, "1 to 64 lower-case hexadecimal digits");
  }
  if (current !== undefined) checkBoolean(current, `option current of ${CALL}`);
  checkWhole(limit, `option limit of ${CALL}`, 1, MAX_LIMIT);
  const states = readStates(options.state);
  const tie = JSON.stringify(["versions", workflow, states, current, prefix]);
  const after = cursor === undefined ? undefined : readCursor(cursor, tie, CALL, isKey);
  const rows = await store.page({
    ...(workflow === undefined ? {} : { workflow }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(states === undefined ? {} : { states }),
    ...(current === undefined ? {} : { isCurrent: current }),
    ...(after === undefined ? {} : { after: { registeredAt: after[0], hash: after[1] } }),
    limit: limit + 1,
    most: MOST_LIVE,
  }, readPatience(options.timeout, CALL, "list versions", "a workflow or a hash"));
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > page.length && last !== undefined;
  return {
    versions: page.map((row) => versionInfo(row, signatures)),
    cursor: hasMore ? writeCursor([last.registeredAt, last.hash], tie) : null,
  };
}

function readStates(state: VersionListOptions["state"]): readonly VersionState[] | undefined {
  if (state === undefined) return undefined;
  const states = Array.isArray(state) ? state : [state];
  states.forEach((each, index) => {
    const place = Array.isArray(state) ? `[${index}]` : "";
    checkChoice(each, `option state${place} of ${CALL}`, VERSION_STATES);
  });
  return states;
}

function isKey(place: Place): place is readonly [number, string] {
  const [at, hash] = place;
  return place.length === 2 && isTime(at) && typeof hash === "string" && /^[\w-]{1,64}$/.test(hash);
}

function versionInfo(row: VersionUsage, signatures: Signatures): VersionInfo {
  const { hash, workflow, label, state, isCurrent: current, live, schedules, bytes } = row;
  const { archived, specifiers, refusals, denied } = row;
  const date = (at: number | null) => at === null ? null : new Date(at);
  return {
    ...{ hash, workflow, label, state, current, live },
    oldestLive: date(row.oldestLive),
    lastStart: date(row.lastStart),
    schedules,
    nodes: {
      alive: row.nodes,
      refusing: refusals.map(({ node, reason }) => ({ node, reason: authoredFacts(reason) })),
    },
    ...{ specifiers, archived, bytes },
    registeredAt: new Date(row.registeredAt),
    denied: denied === null ? null : { ...denied, at: new Date(denied.at) },
    signatures: shownSignatures(row.signatures, signatures, row),
  };
}
