/**
 * Compares two runs: where their histories part, with the lines of both, and how their code differs.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import type { HistoryEntry } from "../client/run/history.ts";
import { linesAround } from "../client/sources.ts";
import type { CauseSite } from "../client/versions/verdict.ts";
import type { TraceSite } from "../client/run/trace_shapes.ts";
import type { Continuum } from "../continuum.ts";
import { ANSWERS } from "../replay/settle.ts";
import { type Plain, plain } from "./plain.ts";
import type { DiffReport } from "./preflight.ts";
import { type RunDetails, showRun, type TraceOfRun, traceOfRun } from "./runs.ts";

/** What one of two runs has where their histories part. */
export interface PartingSide {
  /** The event; `null`: the history ends before it. */
  readonly event: Plain<HistoryEntry> | null;
  /** The effect that the event answers, or the first that the run waits for; `null`: none. */
  readonly effect: { readonly kind: string; readonly name: string } | null;
  /** The line that requested the effect; `null`: unknown, or there is none. */
  readonly site: Plain<CauseSite> | null;
}

/** A place at which two histories part. */
export interface Parting {
  /** The number of the event in both histories, from 0. */
  readonly event: number;
  /** What the first run has there. */
  readonly a: PartingSide;
  /** What the second run has there. */
  readonly b: PartingSide;
}

/** Why something could not be found out: the code of the error, and its message. */
export type Unavailable = NonNullable<TraceOfRun["unavailable"]>;

/** A run that is compared. */
export type ComparedRun = RunDetails & {
  /** Why no line of its code is known; `null`: they are known, or none was needed. */
  readonly unavailable: Unavailable | null;
};

/** How two runs differ. */
export interface RunComparison {
  /** The first run. */
  readonly a: ComparedRun;
  /** The second run. */
  readonly b: ComparedRun;
  /**
   * The first event that both have, of the same effect, with another value: `null`: there is none
   * before the histories diverge.
   */
  readonly answers: Parting | null;
  /**
   * The first event that is of another effect, or that only one of them has; `null`: the histories
   * are of the same effects.
   */
  readonly diverges: Parting | null;
  /** How the code of their versions differs; `null`: it is the same, or unavailable. */
  readonly code: DiffReport | null;
  /** Why the code could not be compared; `null`: it was, or both are on one version. */
  readonly codeUnavailable: Unavailable | null;
}

/** How long the work may take, and how code is compared. */
export interface CompareOptions {
  /** Milliseconds for a subprocess that replays the code of a run; 10,000 when omitted. */
  readonly timeout?: number | undefined;
  /** Whether white space at the ends of lines of code counts for nothing. */
  readonly ignoreWhitespace?: boolean | undefined;
}

/** How many events are read at once. */
const PAGE = 1_000;

/**
 * Compares two runs: their present generations, and the versions that they are on.
 *
 * @param client The client.
 * @param a The id of the first.
 * @param b The id of the second.
 * @param options How long the work may take, and how code is compared.
 * @throws {RunNotFoundError} If there is no such run.
 */
export async function compareRuns(
  client: Continuum,
  a: string,
  b: string,
  { timeout = 10_000, ignoreWhitespace = false }: CompareOptions = {},
): Promise<RunComparison> {
  const runs = [await showRun(client, a), await showRun(client, b)] as const;
  const found = await partings(client, a, b);
  const places = runs.map((run) => new Places(client, run, timeout));
  const shown = async (parting: FoundParting | null): Promise<Parting | null> =>
    parting && {
      event: parting.event,
      a: await places[0]!.sideOf(parting.a),
      b: await places[1]!.sideOf(parting.b),
    };
  const answers = await shown(found.answers);
  const diverges = await shown(found.diverges);
  const [first, second] = runs.map((run, index) => ({
    ...run,
    unavailable: places[index]!.unavailable,
  }));
  const [from, to] = runs.map(({ version }) => version.hash);
  const code = from === to
    ? { code: null, codeUnavailable: null }
    : await codeDiff(client, from!, to!, ignoreWhitespace);
  return { a: first!, b: second!, answers, diverges, ...code };
}

interface FoundParting {
  readonly event: number;
  readonly a: HistoryEntry | undefined;
  readonly b: HistoryEntry | undefined;
}

/** Reads both histories, page by page, until they diverge. */
async function partings(client: Continuum, a: string, b: string) {
  let answers: FoundParting | null = null;
  for (let from = 0;; from += PAGE) {
    const [first, second] = [await events(client, a, from), await events(client, b, from)];
    const longest = Math.max(first.length, second.length);
    for (let index = 0; index < longest; index++) {
      const parting = { event: from + index, a: first[index], b: second[index] };
      if (effectOf(parting.a) !== effectOf(parting.b)) return { answers, diverges: parting };
      if (answers === null && valueOf(parting.a) !== valueOf(parting.b)) answers = parting;
    }
    if (longest < PAGE) return { answers, diverges: null };
  }
}

/** Without the entries that are no events. */
async function events(client: Continuum, id: string, from: number): Promise<HistoryEntry[]> {
  const entries = await client.run(id).history({ from, limit: PAGE });
  return entries.filter(({ seq }) => seq !== null);
}

function effectOf(entry: HistoryEntry | undefined): string | null {
  if (entry === undefined) return null;
  const { kind, position, name } = entry;
  return JSON.stringify([kindOf(entry) ?? kind, position, name]);
}

/** What kind of effect an event answers; `null`: none. */
function kindOf({ kind }: Pick<HistoryEntry, "kind">): string | null {
  return (ANSWERS as Readonly<Record<string, string | null>>)[kind] ?? null;
}

function valueOf(entry: HistoryEntry | undefined): string {
  const value = plain(entry?.value);
  // The times of failed attempts differ in any two runs.
  const skipped = FAILURES.has(entry?.kind ?? "") ? TIMES : NO_TIMES;
  return JSON.stringify(
    [entry?.kind, value],
    (key, part) => skipped.has(key) ? undefined : part,
  );
}

const FAILURES: ReadonlySet<string> = new Set(["attempt.failed", "activity.failed"]);
const TIMES: ReadonlySet<string> = new Set(["at", "nextTry"]);
const NO_TIMES: ReadonlySet<string> = new Set();

/** Finds the lines of one run. */
class Places {
  /** Why no line is known. */
  unavailable: Unavailable | null = null;
  readonly #client: Continuum;
  readonly #run: RunDetails;
  readonly #timeout: number;

  constructor(client: Continuum, run: RunDetails, timeout: number) {
    this.#client = client;
    this.#run = run;
    this.#timeout = timeout;
  }

  async sideOf(entry: HistoryEntry | undefined): Promise<PartingSide> {
    const event = entry === undefined ? null : plain(entry);
    if (entry !== undefined && (entry.position === null || kindOf(entry) === null)) {
      return { event, effect: null, site: null };
    }
    const { effects, waiting, unavailable } = await traceOfRun(this.#client, this.#run.id, {
      from: entry?.position ?? 0,
      limit: 1,
      payloadChars: 0,
      timeout: this.#timeout,
    });
    this.unavailable ??= unavailable;
    const found = entry === undefined ? waiting[0] : effects[0];
    const known = found ?? (entry && { kind: kindOf(entry)!, name: entry.name });
    return {
      event,
      effect: known === undefined ? null : { kind: known.kind, name: known.name },
      site: found?.site ? { ...found.site, text: await this.#textOf(found.site) } : null,
    };
  }

  async #textOf({ member, line }: Plain<TraceSite>): Promise<string | null> {
    try {
      const source = await this.#client.versions.source(this.#run.version.hash);
      return linesAround(source, { member, line }, 0)[0]?.text ?? null;
    } catch (error) {
      if (isContinuumError(error, "VERSION_UNAVAILABLE")) return null;
      throw error;
    }
  }
}

async function codeDiff(
  client: Continuum,
  from: string,
  to: string,
  ignoreWhitespace: boolean,
): Promise<Pick<RunComparison, "code" | "codeUnavailable">> {
  try {
    const code = plain(await client.versions.diff(from, to, { ignoreWhitespace }));
    return { code, codeUnavailable: null };
  } catch (error) {
    if (!isContinuumError(error, "VERSION_UNAVAILABLE")) throw error;
    const { code, message } = error;
    return { code: null, codeUnavailable: { code, message } };
  }
}
