/**
 * What this node has read of a run that it holds: its row, its messages and the end of its history.
 * An execution writes only through this record.
 *
 * - RECORD-1: after the lease is lost, nothing is written.
 * - RECORD-2: a history is read together with the row as it is now, not as the node remembers it: a
 *   database that has lost its last commits has the run in an earlier state.
 * - RECORD-3: a run that this node holds leaves by an acknowledged write, or by the loss of its
 *   lease. If the database refuses the reason for parking it, a shorter one is written, or the run
 *   is given back.
 * - RECORD-4: a run with an unread cancellation is not parked: it ends, as a parked run ends that
 *   is cancelled. The caller found it running, and does not ask again.
 * - RECORD-5, unreadable is not wrong: a run with a value that this node can't decode is neither
 *   executed nor parked nor ended. It is given back for later, and any node may claim it.
 *
 * @module
 */

import type { ValueCodecError } from "../../base/errors.ts";
import { endCancelled } from "../../ports/cancellation.ts";
import type {
  ClaimedRun,
  CommitEntry,
  LoadedRun,
  NewEvent,
  StuckReason,
  Transition,
} from "../../ports/rows.ts";
import type { StayTelemetry } from "../../ports/telemetry.ts";
import { demandReadable } from "../../ports/readable.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import { isSaid } from "../../replay/notes.ts";
import { type Committed, exitAfter, type ExitOrReload, LOST } from "./exit.ts";
import type { ExecutorContext } from "./executor_context.ts";
import { Inbox } from "./inbox.ts";
import type { Written } from "./journal_writer.ts";
import { nextPause, PAUSE_MS } from "../database_retry.ts";

/** The outcome of a write: the database's result, or what the execution has to do instead. */
export type Write = Committed | { readonly step: ExitOrReload | "woken" };

/** What a record needs from its node. */
export type RecordContext = Pick<
  ExecutorContext,
  | "journal"
  | "histories"
  | "databaseClock"
  | "residents"
  | "databaseRetry"
  | "log"
  | "relatives"
  | "wakeups"
>;

/** A `seq` that no event reaches. */
const PAST_ALL = 2 ** 31 - 1;

/** When a run is due again that could be neither executed nor parked, in milliseconds. */
const GIVE_BACK_MS = 60_000;

/** When a run is due again whose values this node can't read, in milliseconds (RECORD-5). */
const UNREADABLE_MS = 10_000;

/** The memory that an event takes beside its payload, approximately. */
const EVENT_BYTES = 200;

/** What this node knows about a run that it holds. */
export class RunRecord {
  /** Its messages, as of the last read. */
  readonly inbox = new Inbox();
  readonly #context: RecordContext;
  #run: ClaimedRun;
  #isStale = false;
  #isLost = false;
  #deliveredSeq: number | null;
  #next = 0;
  #writes = 0;
  /** Bytes of the history in memory, approximately. */
  #weight = 0;
  readonly #stay: StayTelemetry | undefined;

  /**
   * @param run The run, leased to this node.
   * @param context How to read and write it.
   * @param stay Observes the stay of the run.
   */
  constructor(run: ClaimedRun, context: RecordContext, stay?: StayTelemetry) {
    this.#run = run;
    this.#stay = stay;
    this.#deliveredSeq = run.deliveredSeq;
    this.#context = context;
  }

  /** The run, in its present generation. */
  get run(): ClaimedRun {
    return this.#run;
  }

  /** Whether there may be new messages, or another owner. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** The `seq` of its next event. */
  get next(): number {
    return this.#next;
  }

  /**
   * How far its log lines have been written (REPLAY-9 of `replay/machine.ts`); `null`: it has none.
   */
  get deliveredSeq(): number | null {
    return this.#deliveredSeq;
  }

  /** The number of acknowledged writes, which shows whether the run makes progress. */
  get writes(): number {
    return this.#writes;
  }

  /** Whether the lease is lost (RECORD-1). */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Marks what was read as possibly outdated. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** Marks the lease as lost (RECORD-1). */
  markLost(): void {
    this.#isLost = true;
  }

  // ---- reading --------------------------------------------------------------------------------

  /**
   * Reads messages and history.
   *
   * @param from The `seq` of the first event that is wanted.
   * @returns The run; `undefined`: this node does not hold it any more.
   * @throws {ValueCodecError} (`VALUE_NOT_DECODED`) If this node can't read a value (RECORD-5).
   */
  async load(from: number): Promise<LoadedRun | undefined> {
    const loaded = await this.#read(from);
    if (loaded !== undefined) demandReadable(loaded);
    return loaded;
  }

  async #read(from: number): Promise<LoadedRun | undefined> {
    this.#isStale = false; // now, not with the answer: a message may come after it was made
    const loaded = await this.#context.histories.load(this.#run.id, from);
    if (loaded === undefined || loaded.token !== this.#run.token) return undefined;
    this.inbox.receive(loaded);
    return loaded;
  }

  /**
   * Reads messages and the whole history of the generation that the row is in (RECORD-2), for
   * another execution.
   *
   * @returns The run; `undefined`: this node does not hold it any more.
   */
  async loadAll(): Promise<LoadedRun | undefined> {
    this.inbox.restart();
    while (!this.#isLost) {
      const { id, token, firstSeq } = this.#run;
      const loaded = await this.load(firstSeq);
      if (loaded === undefined || this.isOf(loaded)) return loaded;
      this.#context.log.warn("Run {run} is not where its node had left it: its row is read anew", {
        run: this.#run.runId,
        generation: this.#run.generation,
        found: loaded.generation,
      });
      const run = await this.#context.histories.row(id);
      if (run?.token !== token) return undefined;
      this.#run = run;
      this.#deliveredSeq = run.deliveredSeq;
    }
    return undefined;
  }

  /** Whether a row is in the generation that this node knows. */
  isOf({ generation, firstSeq }: Pick<LoadedRun, "generation" | "firstSeq">): boolean {
    return generation === this.#run.generation && firstSeq === this.#run.firstSeq;
  }

  /** Marks that the run's code begins: from now on, the code decides how the run ends. */
  start(): void {
    if (!this.#run.began) this.#run = { ...this.#run, began: true };
  }

  /** Begins an execution with the whole history of the present generation. */
  begin(history: readonly HistoryEvent[]): void {
    if (history.length > 0) this.start(); // whatever the claim said
    this.#next = this.#run.firstSeq + history.length;
    this.#weigh(history, this.#run.input.length - this.#weight);
  }

  /** Notes how far log lines have been written: the next write records it. */
  delivered(seq: number | null): void {
    this.#deliveredSeq = seq;
  }

  /** Begins the run's next generation, whose history begins where the last one ended. */
  startGeneration(run: Omit<ClaimedRun, "firstSeq">): void {
    this.#run = { ...run, firstSeq: this.#next };
    this.#deliveredSeq = null;
    this.#stay?.continued(run.generation);
  }

  /** The run's trace, to be written as the run leaves and does not end. */
  get trail(): { readonly trace?: string } {
    const trace = this.#stay?.trail();
    return trace === undefined ? {} : { trace };
  }

  /**
   * Notes that the row is pinned to another version: its code has been given the whole history.
   *
   * @param pin The version.
   * @param next The `seq` of the event that says so.
   */
  pin({ hash, specifier }: VersionPin, next: number): void {
    this.#run = { ...this.#run, hash, specifier };
    if (next > this.#run.firstSeq) {
      this.#deliveredSeq = Math.max(this.#deliveredSeq ?? 0, next - 1);
    }
  }

  /** Releases the memory of the history. */
  forget(): void {
    this.#weigh([], -this.#weight);
  }

  // ---- writing --------------------------------------------------------------------------------

  /**
   * Writes a share.
   *
   * @param share What has happened, and the change of state.
   * @returns The outcome.
   * @throws {Error} If the database refuses the share for good.
   */
  async write(
    share: Pick<CommitEntry, "events" | "consumed" | "answered" | "transition">,
  ): Promise<Write> {
    if (this.#isLost) return { step: LOST }; // RECORD-1
    const { id: run, token } = this.#run;
    const { transition } = share;
    const isLeaving = this.#stay !== undefined && transition !== undefined &&
      !("result" in transition);
    const entry = { run, token, ...this.place, ...share };
    const written = this.classify(
      await this.#context.journal.append(isLeaving ? { ...entry, ...this.trail } : entry),
    );
    if ("at" in written) this.#announce(share.events, written);
    return written;
  }

  /** Wakes callers and other runs that wait for what was written. */
  #announce(events: readonly NewEvent[], { watched, mustNotify }: Committed): void {
    const { workflow } = this.#run;
    for (const { kind, name, payload } of events.filter(isSaid)) {
      if (mustNotify) this.#context.relatives.pollNow();
      if (kind === "value.published") {
        this.#context.wakeups.published(this.#run.runId, name, watched);
        continue;
      }
      const status = kind === "ask.answered" ? "answered" : "failed";
      const row = { status, payload, state: "running", workflow } as const;
      this.#context.wakeups.answered(this.#run, name, row);
    }
  }

  /** Translates the result of a write by the journal, or by a transaction instead of it. */
  classify(result: Written): Write {
    switch (result.status) {
      case "written":
        this.#context.databaseClock.note(result.at);
        this.#writes++;
        return result;
      case "stale":
        return { step: "reload" };
      case "woken":
        return { step: "woken" };
      case "refused":
        throw new Error(`The database refuses to store an event: ${result.error}`);
      default:
        return { step: LOST };
    }
  }

  /** Where the next share is written, and how far log lines have been written. */
  get place(): Pick<CommitEntry, "namespace" | "first" | "deliveredSeq"> {
    const deliveredSeq = this.#deliveredSeq;
    const { namespace } = this.#run;
    return { namespace, first: this.#next, ...(deliveredSeq === null ? {} : { deliveredSeq }) };
  }

  /** Returns written events as the history has them. */
  extend(events: readonly NewEvent[], { at }: Committed): readonly HistoryEvent[] {
    const first = this.#next;
    this.#next = first + events.length;
    this.#weigh(events);
    return events.map((event, index) => ({ ...event, seq: first + index, at }) as HistoryEvent);
  }

  /**
   * Moves the run out of this node's memory.
   *
   * @param transition The change of state.
   * @param events The last events of the execution.
   * @returns How it left; `reload`: its history is longer than what was read.
   */
  async leave(transition: Transition, events: readonly NewEvent[] = []): Promise<ExitOrReload> {
    if ("reason" in transition) return await this.#park(transition, events);
    const written = await this.write({ events, consumed: [], transition });
    return "at" in written ? exitAfter(transition, written) : again(written.step);
  }

  /** RECORD-4, and JOURNAL-5 of the store. */
  async #park(
    parked: Extract<Transition, { readonly reason: StuckReason }>,
    events: readonly NewEvent[],
  ): Promise<ExitOrReload> {
    while (!this.#isLost) {
      const loaded = await this.#read(PAST_ALL);
      if (loaded === undefined) return LOST;
      const end = endCancelled(loaded.inbox);
      const transition = end ?? { ...parked, wakeSeq: loaded.wakeSeq };
      const written = await this.write({ events, consumed: [], transition });
      if ("at" in written) return exitAfter(transition, written);
      if (written.step !== "woken") return written.step;
    }
    return LOST;
  }

  /** As `leave`, for a run whose history was not read: asks the database where the history ends. */
  async leaveUnread(transition: Transition): Promise<Exclude<ExitOrReload, "reload">> {
    for (let wait = PAUSE_MS.first; !this.#isLost; wait = nextPause(wait)) {
      const loaded = await this.#read(PAST_ALL);
      if (loaded === undefined) return LOST;
      this.#next = loaded.nextSeq;
      const exit = await this.leave(transition);
      if (exit !== "reload") return exit;
      await this.#context.databaseRetry.pause(wait);
    }
    return LOST;
  }

  /**
   * RECORD-5: gives a run back whose values this node can't read.
   *
   * @param error Which value, and why.
   * @returns How it left.
   */
  async postpone(error: ValueCodecError): Promise<Exclude<ExitOrReload, "reload">> {
    this.#context.log.warn("Cannot read run {run}, trying again in {wait} ms: {error}", {
      run: this.#run.runId,
      wait: UNREADABLE_MS,
      error,
    });
    return await this.leaveUnread({ to: "released", afterMs: UNREADABLE_MS });
  }

  /**
   * RECORD-3: parks a run that can't be executed; if the database refuses even that, gives it back
   * for later.
   *
   * @param reason Why it can't be executed.
   * @returns How it left.
   */
  async surrender(reason: StuckReason): Promise<Exclude<ExitOrReload, "reload">> {
    const { code } = reason;
    const bare = { code, message: `The run can't be executed, and the reason can't be stored` };
    for (const said of [reason, bare]) {
      try {
        return await this.leaveUnread({ to: "stuck_poisoned", reason: said });
      } catch (error) {
        this.#context.log.error("Cannot park run {run}: {error}", { run: this.#run.runId, error });
      }
    }
    const { databaseRetry } = this.#context;
    for (
      let wait = PAUSE_MS.first;
      !this.#isLost && !databaseRetry.isOver;
      wait = nextPause(wait)
    ) {
      try {
        return await this.leaveUnread({ to: "released", afterMs: GIVE_BACK_MS });
      } catch (error) {
        this.#context.log.error("Cannot give run {run} back: {error}", {
          run: this.#run.runId,
          error,
        });
        await databaseRetry.pause(wait);
      }
    }
    return LOST;
  }

  #weigh(events: readonly Pick<NewEvent, "payload">[], more = 0): void {
    const bytes = events.reduce(
      (sum, { payload }) => sum + EVENT_BYTES + (payload?.length ?? 0),
      more,
    );
    this.#weight += bytes;
    this.#context.residents.weigh(bytes);
  }
}

/** Only a suspension reads the inbox again; after any other transition, everything is read anew. */
export function again(step: ExitOrReload | "woken"): ExitOrReload {
  return step === "woken" ? "reload" : step;
}
