/**
 * The row, the messages and the end of the history of a run that this node holds: what was read of
 * them, and the only way in which an execution writes.
 *
 * - RECORD-1: once the lease is lost, nothing is written any more.
 * - RECORD-2: a history is read with the row as it is, not as it is remembered: a database that has lost
 *   its last commits has the run where it was before them.
 * - RECORD-3: a run that is held leaves by a write that was acknowledged, or by the loss of its lease;
 *   what can't be said of it is left out, and it is given back.
 *
 * @module
 */

import type {
  ClaimedRun,
  CommitEntry,
  InboxRow,
  LoadedRun,
  NewEvent,
  StuckReason,
  Transition,
} from "../../ports/rows.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import { type Committed, exitAfter, type ExitOrReload, LOST } from "./exit.ts";
import type { ExecutorContext } from "./executor_context.ts";
import type { Written } from "./journal_writer.ts";
import { engineLog } from "../../base/log.ts";
import { nextPause, PAUSE_MS } from "../database_retry.ts";

/** What a write came to: the database's word for it, or what the execution is to do instead. */
export type Write = Committed | { readonly step: ExitOrReload | "woken" };

/** What a record needs from its node. */
export type RecordContext = Pick<
  ExecutorContext,
  "journal" | "loads" | "recall" | "databaseClock" | "weigh" | "databaseRetry"
>;

/** No event is there. */
const PAST_ALL = 2 ** 31 - 1;

/** When a run is due again that can be neither executed nor parked, in milliseconds. */
const GIVE_BACK_MS = 60_000;

/** What an event takes in memory beside its payload, about. */
const EVENT_BYTES = 200;

/** What this node knows of a run that it holds. */
export class RunRecord {
  readonly #context: RecordContext;
  #run: ClaimedRun;
  #inbox: readonly InboxRow[] = [];
  #isStale = false;
  #isLost = false;
  #wakeSeq = 0;
  #deliveredSeq: number | null;
  #next = 0;
  #writes = 0;
  /** Bytes of the history in memory, about. */
  #weight = 0;

  /**
   * @param run The run, leased to this node.
   * @param context Where it is read and written.
   */
  constructor(run: ClaimedRun, context: RecordContext) {
    this.#run = run;
    this.#deliveredSeq = run.deliveredSeq;
    this.#context = context;
  }

  /** The run, in its present generation. */
  get run(): ClaimedRun {
    return this.#run;
  }

  /** Its messages, as they were when it was read. */
  get inbox(): readonly InboxRow[] {
    return this.#inbox;
  }

  /** Whether there may be other messages by now, or another owner. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** What its row counted when it was read: a message that comes later counts on. */
  get wakeSeq(): number {
    return this.#wakeSeq;
  }

  /** Where its next event goes. */
  get next(): number {
    return this.#next;
  }

  /** How far its code's lines have been logged (REPLAY-9 of `replay/machine.ts`); `null`: it has none. */
  get deliveredSeq(): number | null {
    return this.#deliveredSeq;
  }

  /** How many writes were acknowledged: by that it is seen whether the run gets on. */
  get writes(): number {
    return this.#writes;
  }

  /** Whether the lease is gone (RECORD-1). */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** What was read may not hold any more. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** The lease is gone (RECORD-1). */
  markLost(): void {
    this.#isLost = true;
  }

  // ---- reading --------------------------------------------------------------------------------

  /**
   * Reads messages and history.
   *
   * @param from The first event that is wanted.
   * @returns What there is; `undefined`: the run is not this node's any more.
   */
  async load(from: number): Promise<LoadedRun | undefined> {
    this.#isStale = false; // now, not with the answer: a message may come after it was made
    const loaded = await this.#context.loads.add({ id: this.#run.id, from });
    if (loaded === undefined || loaded.token !== this.#run.token) return undefined;
    this.#wakeSeq = loaded.wakeSeq;
    this.#inbox = loaded.inbox;
    return loaded;
  }

  /**
   * Reads messages and the whole history of the generation that the row is in (RECORD-2).
   *
   * @returns What there is; `undefined`: the run is not this node's any more.
   */
  async loadAll(): Promise<LoadedRun | undefined> {
    while (!this.#isLost) {
      const { id, token, firstSeq } = this.#run;
      const loaded = await this.load(firstSeq);
      if (loaded === undefined || this.isOf(loaded)) return loaded;
      engineLog.warn("Run {run} is not where its node had left it: its row is read anew", {
        run: this.#run.runId,
        generation: this.#run.generation,
        found: loaded.generation,
      });
      const run = await this.#context.recall(id);
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

  /** Its code runs: from now on, its end is its code's own. */
  start(): void {
    if (!this.#run.began) this.#run = { ...this.#run, began: true };
  }

  /** An execution starts from this history, which is all there is of the present generation. */
  begin(history: readonly HistoryEvent[]): void {
    if (history.length > 0) this.start(); // whatever was known when it was claimed
    this.#next = this.#run.firstSeq + history.length;
    this.#weigh(history, this.#run.input.length - this.#weight);
  }

  /** The lines of its code have been logged up to there: the next write says so. */
  delivered(seq: number | null): void {
    this.#deliveredSeq = seq;
  }

  /** The run is in its next generation, whose history begins where the last one ended. */
  startGeneration(run: Omit<ClaimedRun, "firstSeq">): void {
    this.#run = { ...run, firstSeq: this.#next };
    this.#deliveredSeq = null;
  }

  /** The history leaves memory. */
  forget(): void {
    this.#weigh([], -this.#weight);
  }

  // ---- writing --------------------------------------------------------------------------------

  /**
   * Writes a share.
   *
   * @param share What has happened, and where the run goes by it.
   * @returns What came of it.
   * @throws {Error} If the database refuses it for good.
   */
  async write(
    share: Pick<CommitEntry, "events" | "consumed" | "answered" | "transition">,
  ): Promise<Write> {
    if (this.#isLost) return { step: LOST }; // RECORD-1
    const { id: run, token } = this.#run;
    return this.classify(
      await this.#context.journal.append({ run, token, ...this.place, ...share }),
    );
  }

  /** What a write came to that the journal, or a transaction in its place, has answered. */
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

  /** Where the next share goes, and what it says of the code. */
  get place(): Pick<CommitEntry, "first" | "deliveredSeq"> {
    const deliveredSeq = this.#deliveredSeq;
    return { first: this.#next, ...(deliveredSeq === null ? {} : { deliveredSeq }) };
  }

  /** Events that were written, as they now stand in the history. */
  extend(events: readonly NewEvent[], { at }: Committed): readonly HistoryEvent[] {
    const first = this.#next;
    this.#next = first + events.length;
    this.#weigh(events);
    return events.map((event, index) => ({ ...event, seq: first + index, at }) as HistoryEvent);
  }

  /**
   * Moves the run out of this node's memory.
   *
   * @param transition Where to.
   * @param events The last that is to be said of it.
   * @returns How it left; `reload`: there is more in its history than was read.
   */
  async leave(transition: Transition, events: readonly NewEvent[] = []): Promise<ExitOrReload> {
    const written = await this.write({ events, consumed: [], transition });
    return "at" in written ? exitAfter(transition, written) : again(written.step);
  }

  /** As `leave`, of a run whose history was not read: asks where it ends, and reads nothing of it. */
  async leaveUnread(transition: Transition): Promise<Exclude<ExitOrReload, "reload">> {
    for (let wait = PAUSE_MS.first; !this.#isLost; wait = nextPause(wait)) {
      const loaded = await this.load(PAST_ALL);
      if (loaded === undefined) return LOST;
      this.#next = loaded.nextSeq;
      const exit = await this.leave(transition);
      if (exit !== "reload") return exit;
      await this.#context.databaseRetry.pause(wait);
    }
    return LOST;
  }

  /**
   * RECORD-3: parks a run that can't be executed; if even that is refused, gives it back for later.
   *
   * @param reason Why it can't.
   * @returns How it left.
   */
  async surrender(reason: StuckReason): Promise<Exclude<ExitOrReload, "reload">> {
    const { code } = reason;
    const bare = { code, message: `The run can't be executed, and the reason can't be stored` };
    for (const said of [reason, bare]) {
      try {
        return await this.leaveUnread({ to: "stuck_poisoned", reason: said });
      } catch (error) {
        engineLog.error("Cannot park run {run}: {error}", { run: this.#run.runId, error });
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
        engineLog.error("Cannot give run {run} back: {error}", { run: this.#run.runId, error });
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
    this.#context.weigh(bytes);
  }
}

/** Only a suspension is asked to look at its inbox again; anything else would read all of it anew. */
export function again(step: ExitOrReload | "woken"): ExitOrReload {
  return step === "woken" ? "reload" : step;
}
