/**
 * Replays a run of a bundle, event by event and in both directions, without a database.
 *
 * - STEP-1: a step back is a replay of the shorter prefix, so every step shows what the code
 *   did after that event, however it was reached.
 *
 * @module
 */

import { checkBoolean, checkOptions, checkText, checkWhole } from "../../base/arguments.ts";
import { authored, noteSources } from "../../base/authored.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { isContinuumError } from "../../base/errors.ts";
import { messageOf } from "../../base/text.ts";
import { decode } from "../../base/values.ts";
import { decodeError } from "../../base/values_failure.ts";
import {
  type Bundle,
  type BundledCode,
  type BundledRunChoice,
  codeOf,
  runOf,
} from "../../bundle/bundle.ts";
import type { BundledRun } from "../../bundle/content.ts";
import { isRedacted } from "../../bundle/errors.ts";
import type { RunHistory } from "../../bundle/history.ts";
import type { Trace } from "../../dry_run/trace.ts";
import type { CallSite } from "../../replay/turn.ts";
import { labelPath, memberOf } from "../../version/manifest/label.ts";
import { readNamedModules } from "../../version/read_modules.ts";
import { type HistoryEntry, historyEntry } from "../run/history.ts";
import { shownTrace } from "../run/trace.ts";
import type { RunTrace, TraceEntry, TraceOptions } from "../run/trace_shapes.ts";
import { linesAround, type SourceLine, sourceOfCode, type VersionSource } from "../sources.ts";
import {
  type CauseSite,
  codeCause,
  driftCause,
  refusalCause,
  type VerdictCause,
} from "../versions/verdict.ts";
import { ReplaySession, type SessionRequest } from "./session.ts";

/**
 * Options of {@linkcode replayBundle}.
 *
 * @category Runs
 */
export interface ReplayBundleOptions extends BundledRunChoice {
  /**
   * Other code to replay the history on: the absolute specifier of a workflow module, which is read
   * as it is now.
   *
   * @default {the code that the run is pinned to, from the bundle}
   */
  readonly on?: string;
  /**
   * How long the subprocess may take to import the code, and for each replay.
   *
   * @default {"10s"}
   */
  readonly timeout?: Duration;
  /**
   * Whether the subprocess waits for a debugger and stops in it at each replay, once all modules are
   * loaded. There is no timeout then.
   *
   * @default {false}
   */
  readonly inspect?: boolean;
  /** Called with the WebSocket URL at which the subprocess waits for a debugger. */
  readonly onDebugger?: (url: string) => void;
}

/**
 * A run of a bundle after one of its events.
 *
 * @category Runs
 */
export interface BundleStep {
  /** How many events the code has received. */
  readonly at: number;
  /** The last of them; `null`: it has received none. */
  readonly event: HistoryEntry | null;
  /** The effect that this event answered; `null`: the event answers none. */
  readonly answered: BundlePlace | null;
  /** What the code waits for, in program order; the first 200. */
  readonly waiting: readonly BundlePlace[];
  /** How many effects the code has requested in all. */
  readonly requested: number;
  /** How the code ended; `null`: it has not. */
  readonly outcome: RunTrace["outcome"];
  /** Why code and history diverge before this event; `null`: they match. */
  readonly cause: VerdictCause | null;
}

/**
 * An effect and the lines of source that requested it.
 *
 * @category Runs
 */
export interface BundlePlace extends TraceEntry {
  /** The lines around its place; empty if it is unknown. */
  readonly lines: readonly SourceLine[];
}

/**
 * Whether a whole history replays on the code of a session.
 *
 * @category Runs
 */
export interface BundleVerdict {
  /** Whether every effect that the code requests matches the history, and the end is the same. */
  readonly replays: boolean;
  /** The hash of the version on which the history was replayed. */
  readonly version: string;
  /** How many events the history has. */
  readonly events: number;
  /** Where they diverge, with the lines of both versions; `null`: nowhere. */
  readonly cause: VerdictCause | null;
  /** How the code ended; `null`: it has not. */
  readonly outcome: RunTrace["outcome"];
  /** Set if the run ended in one way and the code ends in another. */
  readonly otherEnd: BundleEnds | null;
}

/**
 * Two ends of a run.
 *
 * @category Runs
 */
export interface BundleEnds {
  /** How the run ended. */
  readonly recorded: BundleEnd;
  /** How the code ends. */
  readonly found: BundleEnd;
}

/**
 * An end of a run.
 *
 * @category Runs
 */
export interface BundleEnd {
  /** The state; `null`: the code waits. */
  readonly state: RunTrace["outcome"];
  /** The result, or the error. */
  readonly value: unknown;
}

/** The most lines before and after a place. */
const MAX_AROUND = 100;
const AROUND = 2;

/** The most effects of one trace. */
const MAX_TRACED = 10_000;

/** JSON has no `Infinity`; a text of JavaScript is shorter than this. */
const MAX_CHARS = 2 ** 30;

/**
 * Begins to replay a run of a bundle. No code of the bundle runs in this process: it runs in a
 * subprocess without permissions, which requires `--allow-run`. Packages must be in the cache of
 * Deno on this machine; they are imported by name and exact version.
 *
 * @example Steps through the run
 * ```ts ignore
 * await using replay = await replayBundle(await openBundle(file));
 * for (let at = 0; at <= replay.events; at++) {
 *   const { event, waiting } = await replay.step(at);
 *   console.log(event?.kind, waiting.map(({ name, site }) => [name, site?.line]));
 * }
 * ```
 *
 * @param bundle The bundle.
 * @param options Which run, and on which code.
 * @returns The replay; `await using` ends its subprocess.
 * @throws {InvalidArgumentError} If an option is invalid.
 * @throws {BundleError} (`BUNDLE_NO_RUN`) If the bundle does not hold the run.
 * @throws {BundleError} (`BUNDLE_REDACTED`) If the bundle holds no payloads.
 * @throws {BundleError} (`BUNDLE_NO_CODE`) If the bundle does not hold the code, and `on` is not set.
 *
 * @category Runs
 */
export async function replayBundle(
  bundle: Bundle,
  options: ReplayBundleOptions = {},
): Promise<BundleReplay> {
  const keys = ["runId", "generation", "on", "timeout", "inspect", "onDebugger"];
  checkOptions(options, keys, "replayBundle()");
  const { runId, generation, on, timeout = "10s", inspect = false } = options;
  if (runId !== undefined) checkText(runId, "option runId of replayBundle()");
  if (generation !== undefined) checkWhole(generation, "option generation of replayBundle()", 0);
  if (on !== undefined) checkText(on, "option on of replayBundle()");
  checkBoolean(inspect, "option inspect of replayBundle()");
  const timeoutMs = inspect ? Infinity : durationMs(timeout, "option timeout of replayBundle()");
  const history = bundle.history(options);
  if (bundle.redacted !== null) throw isRedacted(history.runId);
  return new BundleReplay(runOf(bundle, runId), history, {
    code: on === undefined ? codeOf(bundle, history.version) : await readNamed(on),
    recorded: on === undefined ? undefined : tryCode(bundle, history.version),
    settings: { timeoutMs, inspect },
    onDebugger: options.onDebugger,
  });
}

async function readNamed(specifier: string): Promise<BundledCode> {
  const { manifest, bytes, urls } = await readNamedModules(specifier);
  const authors = [...urls].filter(([, url]) => /^(file|https?):/.test(url));
  noteSources(manifest.hash, null, authors.map(([label, url]) => [labelPath(label), url] as const));
  return { manifest, bytes };
}

function tryCode(bundle: Bundle, hash: string): BundledCode | undefined {
  try {
    return codeOf(bundle, hash);
  } catch (error) {
    if (isContinuumError(error, "BUNDLE_NO_CODE")) return undefined;
    throw error;
  }
}

interface ReplayParts {
  readonly code: BundledCode;
  /** The code that made the history, if `code` is other code. */
  readonly recorded: BundledCode | undefined;
  readonly settings: { readonly timeoutMs: number; readonly inspect: boolean };
  readonly onDebugger: ((url: string) => void) | undefined;
}

/**
 * A replay of one generation of a run.
 *
 * @category Runs
 */
export class BundleReplay implements AsyncDisposable {
  /** The run. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The number of the generation. */
  readonly generation: number;
  /** The hash of the version on which the history is replayed. */
  readonly version: string;
  /** How many events the history has. */
  readonly events: number;
  /** The run's input. */
  readonly input: unknown;
  readonly #run: BundledRun;
  readonly #history: RunHistory;
  readonly #parts: ReplayParts;
  readonly #session: ReplaySession;
  readonly #source: VersionSource;

  /**
   * Use {@linkcode replayBundle}.
   *
   * @param run The run.
   * @param history The generation.
   * @param parts The code, and how it is run.
   */
  constructor(run: BundledRun, history: RunHistory, parts: ReplayParts) {
    this.runId = history.runId;
    this.workflow = history.workflow;
    this.generation = history.generation;
    this.version = parts.code.manifest.hash;
    this.events = history.events.length;
    this.input = decode(history.input);
    this.#run = run;
    this.#history = history;
    this.#parts = parts;
    this.#session = new ReplaySession(parts.code, history, parts.settings, parts.onDebugger);
    this.#source = sourceOfCode(parts.code, "archive");
  }

  /** The source of the code. */
  get source(): VersionSource {
    return this.#source;
  }

  /**
   * Traces the generation, as `run.trace()` does.
   *
   * @param options Which effects, and after how many events.
   * @returns The trace.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {VersionUnavailableError} If the code can't be imported: `details.reasons` says why, such
   * as a package that is not in this machine's cache.
   * @throws {DryRunError} If the subprocess can't be started or does not answer in time.
   */
  async trace(
    options: Omit<TraceOptions, "generation" | "timeout"> = {},
  ): Promise<RunTrace> {
    checkOptions(options, ["at", "from", "limit", "sites", "payloadChars"], "trace()");
    const { at = this.events, from = 0, limit = 200, sites = true, payloadChars = 65_536 } =
      options;
    checkWhole(at, "option at of trace()", 0, this.events);
    checkWhole(from, "option from of trace()", 0);
    checkWhole(limit, "option limit of trace()", 1, MAX_TRACED);
    checkBoolean(sites, "option sites of trace()");
    checkWhole(payloadChars, "option payloadChars of trace()", 0);
    const chars = Math.min(payloadChars, MAX_CHARS);
    const request = { at, from, limit, sites, payloadChars: chars };
    return this.#shown(await this.#session.trace(request), at);
  }

  /**
   * Shows the run after a number of events (STEP-1).
   *
   * @param at How many events the code receives, from 0 to `events`.
   * @param options How many lines of source to show before and after each place: `around`, 2 by
   * default.
   * @returns The run after the last of them.
   * @throws {InvalidArgumentError} If an argument is invalid.
   * @throws {VersionUnavailableError} If the code can't be imported.
   * @throws {DryRunError} If the subprocess can't be started or does not answer in time.
   */
  async step(at: number, options: { readonly around?: number } = {}): Promise<BundleStep> {
    checkWhole(at, "the first argument of step()", 0, this.events);
    checkOptions(options, ["around"], "step()");
    const { around = AROUND } = options;
    checkWhole(around, "option around of step()", 0, MAX_AROUND);
    const event = this.#history.events[at - 1];
    const position = event?.position ?? null;
    const trace = await this.#session.trace({
      at,
      from: position ?? 0,
      limit: position === null ? 0 : 1,
      sites: true,
      payloadChars: MAX_CHARS,
    });
    const shown = this.#shown(trace, at);
    const placed = (entry: TraceEntry): BundlePlace => ({
      ...entry,
      lines: entry.site === null ? [] : linesAround(this.#source, entry.site, around),
    });
    const [answered] = shown.effects;
    return {
      at,
      event: event === undefined ? null : historyEntry(event),
      answered: answered === undefined ? null : placed(answered),
      waiting: shown.waiting.map(placed),
      requested: shown.total,
      outcome: shown.outcome,
      cause: await this.#causeOf(trace),
    };
  }

  /**
   * Replays the whole history, and says whether the code does what the run has done. It says nothing
   * about events that follow.
   *
   * @returns Whether it replays, and where the two diverge.
   * @throws {DryRunError} If the subprocess can't be started.
   */
  async verdict(): Promise<BundleVerdict> {
    const { version, events } = this;
    const nothing = { version, events, outcome: null, otherEnd: null, replays: false };
    try {
      const trace = await this.#session.trace({ ...WHOLE, at: events, limit: 0 });
      const cause = await this.#causeOf(trace);
      const otherEnd = cause === null ? otherEndOf(this.#history, trace) : null;
      const replays = cause === null && otherEnd === null;
      return { version, events, outcome: trace.outcome, cause, otherEnd, replays };
    } catch (error) {
      const kind = isContinuumError(error, "SUBPROCESS_TIMEOUT")
        ? "no_answer"
        : isContinuumError(error, "VERSION_UNAVAILABLE")
        ? "unavailable"
        : undefined;
      if (kind === undefined) throw error;
      return { ...nothing, cause: codeCause(kind, messageOf(error)) };
    }
  }

  /** Ends the subprocess. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  #shown(trace: Trace, at: number): RunTrace {
    const { generations, facts, tasks } = this.#run;
    const isNow = at === this.events && this.#history === generations.at(-1);
    const traced = {
      ...this.#history,
      hash: this.version,
      attempt: this.#history.attempt ?? 1,
      versionLabel: this.#parts.recorded === undefined ? facts.versionLabel : null,
      firstSeq: this.#firstSeq,
    };
    return shownTrace(trace, traced, {
      events: this.events,
      at,
      tasks: isNow ? tasks : [],
      replayed: "subprocess",
    });
  }

  get #firstSeq(): number {
    return this.#history.events[0]?.seq ?? 0;
  }

  async #causeOf({ drift, refused }: Trace): Promise<VerdictCause | null> {
    const requestedAt = this.#placed(this.#source, (drift ?? refused)?.site ?? null);
    if (refused !== null) return refusalCause(shownFacts(refused), requestedAt);
    if (drift === null) return null;
    const recordedAt = await this.#recordedSite(drift.position);
    return driftCause(shownFacts(drift), this.#firstSeq, { recordedAt, requestedAt });
  }

  /** The line of the recorded code that requested an effect. */
  async #recordedSite(position: number | null): Promise<CauseSite | null> {
    const { recorded, settings: { timeoutMs } } = this.#parts;
    if (position === null || recorded === undefined) return null;
    await using session = new ReplaySession(recorded, this.#history, { timeoutMs });
    const request = { ...WHOLE, at: this.events, from: position, limit: 1, sites: true };
    try {
      const { effects: [effect] } = await session.trace(request);
      return this.#placed(sourceOfCode(recorded, "archive"), effect?.sites[0] ?? null);
    } catch (error) {
      if (isContinuumError(error)) return null; // the recorded code does not run here
      throw error;
    }
  }

  #placed(source: VersionSource, site: CallSite | null): CauseSite | null {
    if (site === null) return null;
    const placed = { ...site, member: memberOf(site.file) };
    const [line] = linesAround(source, placed, 0);
    return { ...placed, file: authored(site.file), text: line?.text ?? null };
  }
}

/** A request for the whole history, and as little as possible about it. */
const WHOLE: Omit<SessionRequest, "at" | "limit"> = {
  from: 0,
  sites: true,
  payloadChars: 0,
};

function shownFacts<T extends { readonly message: string }>(report: T): T {
  return { ...report, message: authored(report.message) };
}

/** How the code ends, if a run that its code had ended did not end so. */
function otherEndOf(history: RunHistory, trace: Trace): BundleEnds | null {
  const { state } = history;
  if (state === "over") return trace.outcome === null ? endsOf(null, null, trace) : null;
  if (state !== "completed" && state !== "failed") return null;
  if (state !== trace.outcome) return endsOf(state, history.result ?? history.error, trace);
  const isSame = state === "failed" || history.result === trace.output;
  return isSame ? null : endsOf(state, history.result, trace);
}

function endsOf(
  state: RunTrace["outcome"],
  recorded: string | null,
  { outcome, output }: Trace,
): BundleEnds {
  return {
    recorded: { state, value: valueOf(state, recorded) },
    found: { state: outcome, value: valueOf(outcome, output) },
  };
}

function valueOf(state: RunTrace["outcome"], text: string | null): unknown {
  if (text === null) return undefined;
  return state === "completed" ? decode(text) : decodeError(authored(text));
}
