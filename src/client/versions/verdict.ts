/**
 * Verdicts on runs: whether a run's history replays on another version, and where the two diverge
 * if it does not. `runs.upgrade` and `versions.replay` give the same verdicts.
 *
 * A verdict covers the history that was read. It says nothing about events that follow.
 *
 * @module
 */

import type { CommandKind } from "../../replay/commands.ts";
import { quoteId } from "../../base/describe.ts";
import { digestText } from "../../base/digest.ts";
import type { Proof } from "../../dry_run/proof.ts";
import type { DriftReport, DriftSide, Refusal } from "../../replay/turn.ts";
import type { TraceSite } from "../run/trace_shapes.ts";

/**
 * What was found for a run:
 *
 * - `moved`: its history replays on the target, and the run is pinned to the target now.
 * - `replays`: its history replays on the target; the run was not moved.
 * - `drifts`: its history does not replay on the target; the run stays on its version.
 * - `no_code`: the run could not be replayed, since its code can't be executed here.
 * - `no_answer`: the run could not be replayed in time. Nothing is known of its history: the code may
 *   loop, or this machine may be busy.
 * - `changed`: the run is not as it was when the plan was made, or it changed during each check.
 * - `busy`: a node executed the run each time.
 *
 * @category Versions
 */
export type VerdictKind =
  | "moved"
  | "replays"
  | "drifts"
  | "no_code"
  | "no_answer"
  | "changed"
  | "busy";

/** No verdict was given yet. */
export const NO_VERDICTS: Readonly<Record<VerdictKind, number>> = {
  moved: 0,
  replays: 0,
  drifts: 0,
  no_code: 0,
  no_answer: 0,
  changed: 0,
  busy: 0,
};

/**
 * Why a history does not replay:
 *
 * - `other_command`: the code requests another effect than the one that the event answers, or than the
 *   one that is open there: a task, the unread end of an activity, a child.
 * - `leftover`: the code does not request the effect that the event answers, or that is open.
 * - `refused`: the code makes a call that a replay can't repeat, such as `fetch`.
 * - `no_answer`: the code did not answer within the time of a subprocess.
 * - `unavailable`: the code can't be obtained or imported.
 * - `other_end`: the run has completed, and the code would not complete there.
 *
 * @category Versions
 */
export type CauseKind =
  | "other_command"
  | "leftover"
  | "refused"
  | "no_answer"
  | "unavailable"
  | "other_end";

/**
 * A place in the code of a version, with the text of its line.
 *
 * @category Versions
 */
export interface CauseSite extends TraceSite {
  /** The text of the line; `null`: the version's source does not have that place. */
  readonly text: string | null;
}

/**
 * Why a history does not replay on a version.
 *
 * @category Versions
 */
export interface VerdictCause {
  /** Equal for runs that diverge from the target in the same way: {@linkcode groupByCause}. */
  readonly key: string;
  /** What kind of cause it is. */
  readonly kind: CauseKind;
  /** All of it in one sentence. */
  readonly message: string;
  /**
   * The place of the event in the history of its generation, from 0; `null`: no event, such as of an
   * effect that is open.
   */
  readonly event: number | null;
  /** The position of the effect in program order, from 0; `null`: no effect. */
  readonly position: number | null;
  /** What the history has, or what is open; `null`: nothing. */
  readonly expected: DriftSide | null;
  /** What the target requests at that position; `null`: nothing. */
  readonly found: DriftSide | null;
  /** The line of the run's own version that requested the effect; `null`: unknown. */
  readonly recordedAt: CauseSite | null;
  /** The line of the target that requests something else; `null`: there is none. */
  readonly requestedAt: CauseSite | null;
}

/**
 * A verdict on a run.
 *
 * @category Versions
 */
export interface Verdict {
  /** What was found. */
  readonly verdict: VerdictKind;
  /** The run's id. */
  readonly id: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The hash of the version that the run was pinned to. */
  readonly from: string;
  /** The hash of the target. */
  readonly to: string;
  /** The generation whose history was read. */
  readonly generation: number;
  /** How many events the history had. */
  readonly events: number;
  /** Why it does not replay; `null` unless the verdict is `drifts`, `no_code` or `no_answer`. */
  readonly cause: VerdictCause | null;
}

/**
 * Verdicts that have the same cause.
 *
 * @category Versions
 */
export interface VerdictGroup {
  /** The verdict. */
  readonly verdict: VerdictKind;
  /** The cause, as the first of the runs has it; `null`: no cause. */
  readonly cause: VerdictCause | null;
  /** How many runs. */
  readonly runs: number;
  /** The ids of the first ten runs. */
  readonly examples: readonly string[];
}

/** The lines of both versions at which they diverge. */
export type CauseSites = Pick<VerdictCause, "recordedAt" | "requestedAt">;

const NO_SITES: CauseSites = { recordedAt: null, requestedAt: null };

/** The number of runs that a group names. */
const EXAMPLES = 10;

/**
 * Describes a drift.
 *
 * @param drift The report.
 * @param firstSeq The `seq` at which the history of the generation begins.
 * @param sites The lines.
 * @returns The cause.
 */
export function driftCause(
  { seq, position, expected, found, message }: DriftReport,
  firstSeq: number,
  sites: CauseSites = NO_SITES,
): VerdictCause {
  return keyed({
    kind: found === null ? "leftover" : "other_command",
    message,
    event: seq === null ? null : seq - firstSeq,
    position,
    expected,
    found,
    ...sites,
  });
}

/**
 * Describes a call that a replay can't repeat.
 *
 * @param refusal The call.
 * @param requestedAt The line of the target.
 * @returns The cause.
 */
export function refusalCause(
  { position, message }: Refusal,
  requestedAt: CauseSite | null = null,
): VerdictCause {
  const sides = { event: null, expected: null, found: null };
  return keyed({ kind: "refused", message, position, ...sides, recordedAt: null, requestedAt });
}

/**
 * The verdict on a run that does not replay.
 *
 * @param cause Why it does not.
 * @returns The verdict.
 */
export function failureOf({ kind }: VerdictCause): "drifts" | "no_code" | "no_answer" {
  if (kind === "no_answer") return kind;
  return kind === "unavailable" ? "no_code" : "drifts";
}

/**
 * Describes a target that could not be executed.
 *
 * @param kind Whether it is unavailable or did not answer in time.
 * @param message Why.
 * @returns The cause.
 */
export function codeCause(kind: "no_answer" | "unavailable", message: string): VerdictCause {
  const nowhere = { event: null, position: null, expected: null, found: null };
  return keyed({ kind, message, ...nowhere, ...NO_SITES });
}

/**
 * Describes code that does not end where the run has completed.
 *
 * @param proof What the code does at the end of the history.
 * @returns The cause.
 */
export function otherEndCause({ outcome, waits: [wait] }: Proof): VerdictCause {
  const found = wait === undefined
    ? null
    : { kind: wait.kind as CommandKind, name: wait.name, digest: null };
  const then = outcome !== null
    ? `ends as ${outcome}`
    : wait === undefined
    ? "does not end"
    : `requests ${wait.kind}${wait.name === "" ? "" : ` ${quoteId(wait.name)}`}`;
  const message = `the run has completed, and the code ${then} at the end of its history`;
  const nowhere = { event: null, expected: null, ...NO_SITES };
  return keyed({
    kind: "other_end",
    message,
    position: wait?.position ?? null,
    found,
    ...nowhere,
  });
}

/**
 * Groups verdicts by what was found and why; the largest group first.
 *
 * @param verdicts The verdicts.
 * @returns The groups.
 *
 * @category Versions
 */
export function groupByCause(verdicts: Iterable<Verdict>): VerdictGroup[] {
  const groups = new Map<string, { runs: number; examples: string[]; first: Verdict }>();
  for (const verdict of verdicts) {
    const key = `${verdict.verdict} ${verdict.cause?.key ?? ""}`;
    const group = groups.get(key) ?? { runs: 0, examples: [], first: verdict };
    group.runs++;
    if (group.examples.length < EXAMPLES) group.examples.push(verdict.id);
    groups.set(key, group);
  }
  return [...groups.values()]
    .sort((a, b) => b.runs - a.runs)
    .map(({ runs, examples, first: { verdict, cause } }) => ({ verdict, cause, runs, examples }));
}

/**
 * The digest of an input differs from run to run, and so does the run's id in a message; what the
 * code requests, and where, does not. Runs of different versions have different lines.
 */
function keyed(cause: Omit<VerdictCause, "key">): VerdictCause {
  const { kind, position, expected, found, recordedAt, requestedAt, message } = cause;
  const facts = expected === null && requestedAt === null
    ? [message]
    : [position, ...[expected, found].map(sideOf), ...[recordedAt, requestedAt].map(placeOf)];
  return { key: digestText(JSON.stringify([kind, ...facts])), ...cause };
}

function sideOf(side: DriftSide | null): string {
  return side === null ? "" : `${side.kind} ${side.name}`;
}

function placeOf(site: CauseSite | null): string {
  return site === null ? "" : `${site.file}:${site.line}:${site.column}`;
}
