/**
 * Proves whether runs replay on one version, many at once.
 *
 * - PROOF-1: code that this process does not execute already, of a run that is `stuck_poisoned` or
 *   has a long history, is replayed in a subprocess without permissions (SUBPROCESS-1). If a batch
 *   does not return there, its runs are replayed one by one. After some runs whose code does not
 *   return, no further run is replayed: code that always loops must not cost a timeout for each run.
 * - PROOF-2: histories are read and replayed in batches, without lines of code. Only a run that
 *   drifts is replayed again for its lines.
 * - PROOF-3: what is open in a run is read before its history, so the history has no effect whose
 *   end is unknown, and what it answers is open no more (OPENED-1).
 *
 * @module
 */

import { authoredFacts } from "../../base/authored.ts";
import { isContinuumError } from "../../base/errors.ts";
import { messageOf } from "../../base/text.ts";
import { type Proof, type ProofRequest, proveOn } from "../../dry_run/proof.ts";
import type { Trace, TraceRequest } from "../../dry_run/trace.ts";
import type { ReplayedCode, Subprocess } from "../../dry_run/subprocess.ts";
import { demandDecoded, demandReadable } from "../../ports/readable.ts";
import type { LoadedRun, OpenEffects, RunRow } from "../../ports/rows.ts";
import type { JournalStore } from "../../ports/store.ts";
import type { Drain } from "../../replay/drain.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import type { OpenEffect } from "../../replay/open_effects.ts";
import type { DriftReport, RunStart } from "../../replay/turn.ts";
import type { CallSite } from "../../replay/turn.ts";
import { memberOf } from "../../version/manifest/label.ts";
import type { Versions } from "../../version/versions.ts";
import { linesAround, readSource, unlessUnavailable, type VersionSource } from "../sources.ts";
import {
  type CauseSite,
  type CauseSites,
  codeCause,
  driftCause,
  refusalCause,
  type VerdictCause,
} from "../versions/verdict.ts";
import { asClaimed } from "./replayer.ts";

/** How many histories one query reads. */
const RUNS_A_QUERY = 100;

/** A run with more events is replayed in a subprocess: it would block this event loop. */
const MOST_EVENTS_HERE = 5_000;

/** After so many runs whose code does not return, no further run is replayed. */
const MOST_HANGS = 3;

/** The least time that a subprocess has to import the code, in milliseconds. */
const IMPORT_TIMEOUT_MS = 30_000;

/** How long a subprocess has for one batch, in milliseconds, unless the caller says otherwise. */
export const PROOF_TIMEOUT_MS = 30_000;

/** The dependencies of a prover. */
export interface ProverContext {
  /** Reads histories. */
  readonly journal: Pick<JournalStore, "load" | "open">;
  /** Obtains the code. */
  readonly versions: Pick<Versions, "has" | "inspect" | "obtain">;
  /** Starts the subprocess of a version. */
  readonly start: (code: ReplayedCode, timeoutMs: number) => Promise<Subprocess>;
  /** Traces a run on its own version, to find its lines. */
  readonly trace: (
    row: RunRow,
    request: TraceRequest,
    timeoutMs: number,
  ) => Promise<{ readonly trace: Trace }>;
  /** How executions drain their microtasks. */
  readonly drain: Drain;
  /** Milliseconds that a subprocess has for one batch. */
  readonly timeoutMs: number;
}

/** What was found for a run. */
export interface ProvenRun {
  /** The run, as its row was. */
  readonly row: RunRow;
  /** The `seq` after the last event that was read. */
  readonly next: number;
  /** What was open in it. */
  readonly open: readonly OpenEffect[];
  /** Whether the run was in the same generation when its history was read as when its row was. */
  readonly isSame: boolean;
  /** The outcome of the replay; `null`: see `cause`. */
  readonly proof: Proof | null;
  /** Why it does not replay; `null`: it does. */
  readonly cause: VerdictCause | null;
}

/** Proves runs on one version. */
export class Prover implements AsyncDisposable {
  readonly #hash: string;
  readonly #context: ProverContext;
  #subprocess: Subprocess | undefined;
  #workflow: string | undefined;
  /** How many runs did not return from a subprocess, or ended it. */
  #hangs = 0;
  #lastHang: "no_answer" | "unavailable" = "no_answer";
  /** The lines of drifts, by what drifted where: runs of one version diverge alike. */
  readonly #sites = new Map<string, CauseSites>();
  readonly #sources = new Map<string, Promise<VersionSource | null>>();

  /**
   * @param hash The version.
   * @param context Its dependencies.
   */
  constructor(hash: string, context: ProverContext) {
    this.#hash = hash;
    this.#context = context;
  }

  /**
   * Makes the version ready, so that one that can't be executed is refused before any run.
   *
   * @returns The name of its workflow.
   * @throws {VersionUnavailableError} If no source has the version, or it can't be imported.
   * @throws {DryRunError} If the subprocess can't be started or does not answer in time.
   */
  async prepare(): Promise<string> {
    const { versions } = this.#context;
    if (versions.has(this.#hash)) return (await versions.obtain(this.#hash)).definition.name;
    await this.#started();
    return this.#workflow!;
  }

  /**
   * Replays runs.
   *
   * @param rows The runs.
   * @returns The outcome of each, in the same order.
   * @throws {DryRunError} If a subprocess can't be started.
   */
  async prove(rows: readonly RunRow[]): Promise<ProvenRun[]> {
    const found: ProvenRun[] = [];
    for (let from = 0; from < rows.length; from += RUNS_A_QUERY) {
      found.push(...await this.#proveSome(rows.slice(from, from + RUNS_A_QUERY)));
    }
    return found;
  }

  /** Ends the subprocess, if there is one. */
  async [Symbol.asyncDispose](): Promise<void> {
    const subprocess = this.#subprocess;
    this.#subprocess = undefined;
    await subprocess?.[Symbol.asyncDispose]();
  }

  async #proveSome(rows: readonly RunRow[]): Promise<ProvenRun[]> {
    const asked = rows.map(({ id, firstSeq: from }) => ({ id, from }));
    const opened = await this.#open(rows); // PROOF-3
    const loaded = new Map((await this.#context.journal.load(asked)).map((run) => [run.id, run]));
    const here: number[] = [];
    const apart: number[] = [];
    const proofs = new Map<number, Proof | VerdictCause>();
    const requests = rows.map((row, index) => {
      const run = loaded.get(row.id);
      if (run === undefined || !isSame(row, run)) return undefined;
      const open = opened.get(row.id);
      if (row.endedAt === null && open?.generation !== row.generation) return undefined;
      const unread = unreadable(row, run);
      if (unread !== undefined) proofs.set(index, codeCause("unavailable", unread));
      else (this.#mayRunHere(row, run) ? here : apart).push(index);
      const events = run.events as readonly HistoryEvent[];
      return { start: this.#startOf(row), events, open: open?.effects ?? [] };
    });
    for (const index of here) proofs.set(index, await this.#proveHere(requests[index]!, false));
    const results = await this.#proveApart(apart.map((index) => requests[index]!), false);
    for (const [n, index] of apart.entries()) proofs.set(index, results[n]!);
    const found: ProvenRun[] = [];
    for (const [index, row] of rows.entries()) {
      const request = requests[index];
      const proof = proofs.get(index);
      const next = loaded.get(row.id)?.nextSeq ?? 0;
      if (request === undefined || proof === undefined) {
        found.push({ row, next, open: [], isSame: false, proof: null, cause: null });
        continue;
      }
      const cause = isCause(proof) ? proof : await this.#causeOf(row, request, proof);
      const { open } = request;
      found.push({ row, next, open, isSame: true, proof: isCause(proof) ? null : proof, cause });
    }
    return found;
  }

  async #open(rows: readonly RunRow[]): Promise<ReadonlyMap<number, OpenEffects>> {
    const live = rows.filter(({ endedAt }) => endedAt === null).map(({ id }) => id);
    if (live.length === 0) return new Map();
    return new Map((await this.#context.journal.open(live)).map((open) => [open.id, open]));
  }

  #startOf(row: RunRow): RunStart {
    const claimed = asClaimed(row);
    const { runId, workflow, input, seed, startedAt, generation, attempt, origin, policy } =
      claimed;
    return {
      runId,
      workflow,
      version: this.#hash,
      input,
      seed,
      startedAt,
      generation,
      attempt,
      origin,
      policy,
    };
  }

  /** PROOF-1 */
  #mayRunHere({ state }: RunRow, { events }: LoadedRun): boolean {
    return this.#context.versions.has(this.#hash) && state !== "stuck_poisoned" &&
      events.length <= MOST_EVENTS_HERE;
  }

  async #proveHere(request: ProofRequest, trace: boolean): Promise<Proof> {
    const { versions, drain } = this.#context;
    return await proveOn(await versions.obtain(this.#hash), request, { drain, trace });
  }

  /** PROOF-1 */
  async #proveApart(
    runs: readonly ProofRequest[],
    trace: boolean,
  ): Promise<(Proof | VerdictCause)[]> {
    if (runs.length === 0) return [];
    if (this.#hangs >= MOST_HANGS) {
      const message =
        `it was not replayed: the subprocesses of ${this.#hangs} runs before ended or did not answer`;
      return runs.map(() => codeCause(this.#lastHang, message));
    }
    const subprocess = await this.#started();
    try {
      return [...await subprocess.ask("prove", { runs, trace })];
    } catch (error) {
      if (!isContinuumError(error) || !error.code.startsWith("SUBPROCESS_")) throw error;
      if (error.code === "SUBPROCESS_UNAVAILABLE") throw error;
      await this[Symbol.asyncDispose]();
      if (runs.length === 1) {
        const kind = error.code === "SUBPROCESS_TIMEOUT" ? "no_answer" : "unavailable";
        this.#hangs++;
        this.#lastHang = kind;
        return [codeCause(kind, messageOf(error))];
      }
      const found: (Proof | VerdictCause)[] = [];
      for (const run of runs) found.push(...await this.#proveApart([run], trace));
      return found;
    }
  }

  async #started(): Promise<Subprocess> {
    if (this.#subprocess !== undefined) return this.#subprocess;
    const hash = this.#hash;
    const find = () => this.#context.versions.inspect(hash);
    const code = await unlessUnavailable(hash, "replay runs", find);
    const { timeoutMs } = this.#context;
    await using owned = new AsyncDisposableStack();
    const { subprocess, workflow } = await unlessUnavailable(hash, "replay runs", async () => {
      const subprocess = owned.use(await this.#context.start(code, timeoutMs));
      const { workflow } = await subprocess.load(Math.max(timeoutMs, IMPORT_TIMEOUT_MS));
      return { subprocess, workflow };
    });
    this.#workflow = workflow;
    owned.move();
    return this.#subprocess = subprocess;
  }

  /** PROOF-2 */
  async #causeOf(row: RunRow, request: ProofRequest, proof: Proof): Promise<VerdictCause | null> {
    if (proof.drift === null && proof.refused === null) return null;
    const [traced] = this.#context.versions.has(this.#hash) && row.state !== "stuck_poisoned"
      ? [await this.#proveHere(request, true)]
      : await this.#proveApart([request], true);
    const { drift, refused } = traced === undefined || isCause(traced) ? proof : traced;
    const name = { hash: this.#hash, workflow: row.workflow };
    if (drift !== null) {
      return driftCause(
        authoredFacts(drift, name),
        row.firstSeq,
        await this.#lines(row, request, drift),
      );
    }
    const site = await this.#site(this.#hash, row.workflow, refused!.site);
    return refusalCause(authoredFacts(refused!, name), site);
  }

  /** The lines of both versions; those of the run's own version take a replay on it. */
  async #lines(row: RunRow, request: ProofRequest, drift: DriftReport): Promise<CauseSites> {
    const { position, expected, found, site } = drift;
    const key = JSON.stringify([
      row.hash,
      position,
      [expected, found].map((side) => side && [side.kind, side.name]),
      site,
    ]);
    let lines = this.#sites.get(key);
    if (lines === undefined) {
      const { hash, workflow } = row;
      const own = position === null ? null : await this.#ownSite(row, request, position);
      lines = {
        recordedAt: await this.#site(hash, workflow, own),
        requestedAt: await this.#site(this.#hash, workflow, site),
      };
      this.#sites.set(key, lines);
    }
    return lines;
  }

  /** Where the run's own code requested an effect; `null` if that code can't be replayed. */
  async #ownSite(
    row: RunRow,
    { events }: ProofRequest,
    position: number,
  ): Promise<CallSite | null> {
    try {
      const request = {
        start: { ...asClaimed(row), version: row.hash },
        events,
        at: events.length,
        from: position,
        limit: 1,
        sites: true,
        payloadChars: 0,
      };
      const { trace: { effects: [effect] } } = await this.#context.trace(
        row,
        request,
        this.#context.timeoutMs,
      );
      return effect?.sites[0] ?? null;
    } catch (error) {
      if (isContinuumError(error)) return null;
      throw error;
    }
  }

  async #site(hash: string, workflow: string, site: CallSite | null): Promise<CauseSite | null> {
    if (site === null) return null;
    let source = this.#sources.get(hash);
    if (source === undefined) {
      source = readSource(this.#context.versions, hash).catch((error) => {
        if (isContinuumError(error)) return null;
        throw error;
      });
      this.#sources.set(hash, source);
    }
    const read = await source;
    const member = memberOf(site.file);
    const [line] = read === null ? [] : linesAround(read, { member, line: site.line }, 0);
    return { ...authoredFacts(site, { hash, workflow }), member, text: line?.text ?? null };
  }
}

function isSame(row: RunRow, loaded: LoadedRun): boolean {
  return loaded.generation === row.generation && loaded.firstSeq === row.firstSeq;
}

function isCause(found: Proof | VerdictCause): found is VerdictCause {
  return "key" in found;
}

/** Why a run's values can't be read here; `undefined`: they can. */
function unreadable({ input }: RunRow, run: LoadedRun): string | undefined {
  try {
    demandDecoded(input);
    demandReadable(run);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
