/**
 * What the source of a run shows, as plain JSON: the pinned code, and where the run asked for what.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import type { TraceOfRun } from "../operate/runs.ts";
import {
  findVersion,
  type MemberSource,
  versionCode,
  type VersionDetails,
  versionSource,
} from "../operate/versions.ts";
import { textParameter } from "./parameters.ts";
import { isLate, missingFor } from "./parts_read.ts";
import type { Look } from "./route.ts";
import {
  atOf,
  type Effect,
  mustAsk,
  type ShownGeneration,
  shownGeneration,
  traceAt,
  traceOf,
} from "./traces.ts";

/** Which module is shown. */
export const MEMBER = textParameter("member");

/** Effects that one line asked for. */
export interface AskedLine {
  /** The module's label. */
  readonly member: string;
  /** The line, from 1. */
  readonly line: number;
  /** How many effects. */
  readonly count: number;
  /** How many of them failed. */
  readonly failed: number;
  /** Their kinds and names, each once; the first ten. */
  readonly what: readonly string[];
  /** The position of the first one. */
  readonly first: number;
}

/** What the source of a run shows. */
export interface SourceData extends ShownGeneration {
  /** The version, with its modules. */
  readonly version: VersionDetails;
  /** The module; `null`: no source has the code, and `version.unavailable` says why. */
  readonly source: MemberSource | null;
  /** After how many events the run is shown. */
  readonly at: number;
  /** Lines that asked for effects. */
  readonly asked: readonly AskedLine[];
  /** What the code waits for, or waited for after `at` events. */
  readonly waiting: readonly Effect[];
  /** Why lines are not marked; `null`: they are. */
  readonly unmarked: string | null;
}

/**
 * Reads it.
 *
 * @param look The run's id, and the query with `generation`, `at` and `member`.
 */
export async function sourceData(look: Look): Promise<SourceData> {
  const shown = await shownGeneration(look);
  const { hash } = shown.generation.version;
  const at = atOf(look, shown.generation);
  const version = await versionOf(look, hash);
  const traced = version.unavailable === null ? await tracedLines(look, shown, at) : null;
  const isKnown = (label: string | null) =>
    version.members.some((member) => member.label === label);
  const places = traced?.waiting.map(({ site }) => site?.member ?? null) ?? [];
  const wanted = look.given.one(MEMBER) ?? places.find(isKnown);
  return {
    ...shown,
    version,
    source: version.unavailable === null
      ? await memberOf(look, version, wanted ?? undefined)
      : null,
    at,
    asked: traced?.asked ?? [],
    waiting: traced?.waiting ?? [],
    unmarked: traced?.unmarked ?? null,
  };
}

/**
 * Reads a version as it is now, and what it consists of, which never changes.
 *
 * @param look What to read from.
 * @param hash The version's hash, or its first digits.
 */
export async function versionOf({ client, kept }: Look, hash: string): Promise<VersionDetails> {
  const version = await findVersion(client, hash);
  // What is not there now may be there later.
  const minute = Math.floor(Date.now() / 60_000);
  const code = () => versionCode(client, version.hash);
  return { ...version, ...await kept(["code", version.hash, minute], code) };
}

/**
 * Reads a module of a version; once, since it never changes.
 *
 * @param look What to read from.
 * @param version The version.
 * @param member The module's label, or the end of it; the root module when omitted.
 * @returns `null`: no source has the code.
 */
export async function memberOf(
  { client, kept }: Look,
  { hash }: Pick<VersionDetails, "hash">,
  member: string | undefined,
): Promise<MemberSource | null> {
  try {
    return await kept(["source", hash, member ?? ""], () => versionSource(client, hash, member));
  } catch (error) {
    if (isContinuumError(error, "VERSION_UNAVAILABLE")) return null;
    throw error;
  }
}

async function tracedLines(
  look: Look,
  shown: ShownGeneration,
  at: number,
): Promise<Pick<SourceData, "asked" | "waiting" | "unmarked">> {
  if (mustAsk(look, shown.generation)) {
    const count = shown.generation.events.toLocaleString("en");
    const unmarked = `Its ${count} events are not replayed unless you ask for the timeline.`;
    return { asked: [], waiting: [], unmarked };
  }
  let whole: TraceOfRun;
  try {
    whole = await traceOf(look, shown);
  } catch (error) {
    if (!isLate(error)) throw error;
    return { asked: [], waiting: [], unmarked: missingFor(error).message }; // PART-1
  }
  const trace = at < shown.generation.events ? await traceAt(look, shown, at, whole) : whole;
  return {
    asked: askedLines(trace),
    waiting: trace.waiting,
    unmarked: trace.unavailable?.message ?? null,
  };
}

function askedLines({ effects }: TraceOfRun): AskedLine[] {
  const placed = effects.filter(({ site }) => site !== null && site.member !== null);
  const byLine = Map.groupBy(placed, ({ site }) => `${site!.line} ${site!.member}`);
  return [...byLine.values()].map((found) => {
    const [{ site, position }] = found as [Effect];
    const what = new Set(found.map(({ kind, name }) => `${kind} ${name}`.trim()));
    return {
      member: site!.member!,
      line: site!.line,
      count: found.length,
      failed: found.filter(({ state }) => state === "failed").length,
      what: [...what].slice(0, 10),
      first: position,
    };
  });
}
