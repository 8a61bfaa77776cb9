/**
 * The journal: histories of runs, written behind a fence, many runs in one statement.
 *
 * - JOURNAL-1, the fence: a share is written only where the run's row still holds the writer's token and
 *   the history's length that the writer knows; all of the share is written, or nothing.
 * - JOURNAL-2, no waiting: a flush never waits for a row that another session has locked; such a share
 *   comes back as `busy`.
 * - JOURNAL-3, no bad company: data that the database refuses fails its own share only.
 * - JOURNAL-4, no history is too long to be read: what would not fit into one answer is read in parts.
 * - JOURNAL-5, no lost wake-up: a run is suspended only if no message has come since its owner last read
 *   its inbox. Every message raises `wake_seq`, and suspending compares it.
 *   So does parking, since the message may be a cancellation, which ends a parked run.
 *
 * @module
 */

import { quote, quoteId } from "../../base/describe.ts";
import { isStorable } from "../../base/text.ts";
import type {
  CommitEntry,
  CommitResult,
  EventRow,
  LoadedRun,
  OpenEffects,
} from "../../ports/rows.ts";
import type { JournalStore } from "../../ports/store.ts";
import {
  APPEND_STATEMENTS,
  largeIn,
  shareParameters,
  type WrittenRow,
} from "./append_statements.ts";
import { OPEN_EFFECTS, openOf } from "./open_effects.ts";
import { assemble, type FenceRow, type LoadRow, READ_STATEMENTS } from "./read_statements.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { withOwnSettings } from "../sql/own_settings.ts";
import { isContention, isRefusal } from "../sql/sqlstate.ts";
import type { Prepared } from "../sql/statement.ts";

const STATEMENTS = { ...APPEND_STATEMENTS, ...READ_STATEMENTS, open: OPEN_EFFECTS };

/** Executes the statement of a flush: the one that waits for held rows, or the one that skips them. */
type Append = (session: SqlSession, skips: boolean) => Promise<WrittenRow[]>;

/** A part of a run's history. */
interface Part {
  readonly id: number;
  readonly from: number;
  readonly past: number;
}

/** Past every event. */
const END = 2 ** 31 - 1;

/** The most bytes of payloads in one answer (JOURNAL-4), unless a single one is larger. */
const PART_BYTES = 64 * 1_048_576;

/** Postgres answers with no larger text. */
const MOST_BYTES = 2 ** 30 - 1;

/** Of more busy runs than that, which ones is forgotten: it only saves a wait. */
const MOST_BUSY = 1_000;

/** How many events are asked for together at first, where a history is read in parts. */
const PART_EVENTS = 1_024;

/** {@linkcode JournalStore} in SQL. */
export class Journal implements JournalStore {
  readonly #driver: SqlDriver;
  readonly #partBytes: number;
  readonly #sql: Prepared<typeof STATEMENTS>;
  /** Runs whose rows another session held at their last flush: the next flush skips held rows at once. */
  readonly #busy = new Set<number>();

  /**
   * Prepares the journal's statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param partBytes The most bytes of payloads in one answer, unless a single one is larger.
   */
  constructor(driver: SqlDriver, schema: SchemaName, partBytes: number = PART_BYTES) {
    this.#driver = driver;
    this.#partBytes = partBytes;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode JournalStore.commit}. */
  async commit(entries: readonly CommitEntry[]): Promise<CommitResult[]> {
    const results = new Map<CommitEntry, CommitResult>();
    const good = entries.filter((entry) => {
      const error = unstorable(entry);
      if (error !== null) results.set(entry, { status: "refused", error });
      return error === null;
    });
    if (good.length > 0) await this.#flush(good, results);
    return entries.map((entry) => results.get(entry)!);
  }

  /**
   * Writes one share in a transaction that is open; a locked row is waited for.
   *
   * @param session The transaction.
   * @param entry The share.
   * @returns What became of it.
   */
  async commitOn(session: SqlSession, entry: CommitEntry): Promise<CommitResult> {
    const error = unstorable(entry);
    if (error !== null) return { status: "refused", error };
    return await withOwnSettings(session, session.foreign, async () => {
      const rows = await this.#appending([entry])(session, false);
      const written = acknowledged(rows).get(entry.run);
      if (written !== undefined) return written;
      const [fence] = await this.#sql.fences.query(session, { runs: [entry.run] });
      return missed(entry, fence);
    });
  }

  /** See {@linkcode JournalStore.load}. */
  async load(
    runs: readonly { readonly id: number; readonly from: number }[],
  ): Promise<LoadedRun[]> {
    const parts = runs.map(({ id, from }) => ({ id, from, past: END }));
    try {
      const loaded: LoadedRun[] = [];
      for (const row of await this.#read(parts, this.#partBytes)) {
        if (row.large !== true) loaded.push(assemble(row));
        else loaded.push(...await this.#loadInParts(parts.find(({ id }) => id === row.id)!));
      }
      return loaded;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const loaded: LoadedRun[] = [];
      for (const part of parts) loaded.push(...await this.#loadInParts(part));
      return loaded;
    }
  }

  /** See {@linkcode JournalStore.open}. */
  async open(runs: readonly number[]): Promise<OpenEffects[]> {
    return (await this.#sql.open.query(this.#driver, { runs })).map(openOf);
  }

  #read(parts: readonly Part[], bytes: number): Promise<LoadRow[]> {
    return this.#sql.load.query(this.#driver, {
      runs: parts.map(({ id }) => id),
      firsts: parts.map(({ from }) => from),
      pasts: parts.map(({ past }) => past),
      bytes,
    });
  }

  /**
   * JOURNAL-4. A history only grows while a run is held: the last part tells how the row stands, and that
   * its holder is the one of the first.
   */
  async #loadInParts({ id, from }: Part): Promise<LoadedRun[]> {
    const events: EventRow[] = [];
    let first = from;
    let n = PART_EVENTS;
    while (true) {
      const part = { id, from: first, past: first + n };
      const row = await this.#readPart(part);
      if (row === undefined) return [];
      if (row === "large") {
        n = Math.max(1, n >> 1);
        continue;
      }
      const loaded = assemble(row);
      events.push(...loaded.events);
      first += n;
      if (first >= loaded.nextSeq) return [{ ...loaded, events }];
    }
  }

  async #readPart(part: Part): Promise<LoadRow | "large" | undefined> {
    const isSingle = part.past - part.from === 1;
    try {
      const [row] = await this.#read([part], isSingle ? MOST_BYTES : this.#partBytes);
      return row?.large === true ? "large" : row;
    } catch (error) {
      if (isSingle || !isRefusal(error)) throw error;
      return "large";
    }
  }

  /** JOURNAL-3: halves a batch that the database refuses until the culprit stands alone. */
  async #flush(
    entries: readonly CommitEntry[],
    results: Map<CommitEntry, CommitResult>,
  ): Promise<void> {
    let written: ReadonlyMap<number, CommitResult>;
    try {
      written = await this.#write(entries);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const [only] = entries;
      if (entries.length === 1 && only !== undefined) {
        results.set(only, { status: "refused", error: (error as Error).message });
        return;
      }
      const half = entries.length >> 1;
      await this.#flush(entries.slice(0, half), results);
      await this.#flush(entries.slice(half), results);
      return;
    }
    const missed: CommitEntry[] = [];
    for (const entry of entries) {
      const result = written.get(entry.run);
      if (result === undefined) missed.push(entry);
      else results.set(entry, result);
    }
    if (missed.length > 0) await this.#classify(missed, results);
    for (const entry of entries) {
      if (results.get(entry)?.status === "busy") this.#busy.add(entry.run);
      else this.#busy.delete(entry.run);
    }
    if (this.#busy.size > MOST_BUSY) this.#busy.clear();
  }

  /** JOURNAL-2: at once; if another session holds a row, without the rows that are held. */
  async #write(entries: readonly CommitEntry[]): Promise<ReadonlyMap<number, CommitResult>> {
    const append = this.#appending(entries);
    const isBusy = this.#busy.size > 0 && entries.some(({ run }) => this.#busy.has(run));
    const first = isBusy ? null : await this.#attempt(append, false);
    const rows = first ?? await this.#attempt(append, true) ?? [];
    return acknowledged(rows);
  }

  /** Chooses the statement that writes shares, and binds their parameters. */
  #appending(entries: readonly CommitEntry[]): Append {
    const { append, appendSkipping, appendLarge, appendLargeSkipping } = this.#sql;
    const [only] = entries;
    const large = entries.length === 1 ? largeIn(only!) : undefined;
    const parameters = shareParameters(entries, large);
    if (large === undefined) {
      return (session, skips) => (skips ? appendSkipping : append).query(session, parameters);
    }
    const all = { ...parameters, ...large };
    return (session, skips) => (skips ? appendLargeSkipping : appendLarge).query(session, all);
  }

  /** `null`: another session held a row, and nothing was written. */
  async #attempt(append: Append, skips: boolean): Promise<WrittenRow[] | null> {
    try {
      return await append(this.#driver.impatient, skips);
    } catch (error) {
      if (!isContention(error)) throw error;
      return null;
    }
  }

  /** Tells why shares were not written, by what their rows say now. */
  async #classify(
    entries: readonly CommitEntry[],
    results: Map<CommitEntry, CommitResult>,
  ): Promise<void> {
    const rows = await this.#sql.fences.query(this.#driver, {
      runs: entries.map(({ run }) => run),
    });
    const fences = new Map(rows.map((row) => [row.id, row]));
    for (const entry of entries) results.set(entry, missed(entry, fences.get(entry.run)));
  }
}

function acknowledged([row]: readonly WrittenRow[]): ReadonlyMap<number, CommitResult> {
  const results = new Map<number, CommitResult>();
  if (row === undefined) return results;
  const [ids, watched, mustNotify] = [row.ids, row.watched, row.mustNotify].map((list) =>
    JSON.parse(list ?? "[]") as readonly number[]
  );
  const written = { status: "written", at: row.at, watched: false, mustNotify: false } as const;
  for (const id of ids!) results.set(id, written);
  for (const id of watched!) results.set(id, { ...written, watched: true });
  for (const id of mustNotify!) {
    results.set(id, { ...written, watched: watched!.includes(id), mustNotify: true });
  }
  return results;
}

function missed(entry: CommitEntry, fence: FenceRow | undefined): CommitResult {
  if (fence === undefined) return { status: "lost" };
  if (fence.ended) return { status: "ended" };
  if (fence.token !== entry.token) return { status: "lost" };
  if (fence.next_seq !== entry.first) return { status: "stale" };
  const { transition } = entry;
  const wakeSeq = transition && "wakeSeq" in transition ? transition.wakeSeq : undefined;
  if (wakeSeq !== undefined && wakeSeq !== fence.wake_seq) return { status: "woken" };
  return { status: "busy" };
}

function unstorable(entry: CommitEntry): string | null {
  for (const event of entry.events) {
    for (const text of [event.kind, event.name, event.digest, event.payload]) {
      if (text !== null && !isStorable(text)) {
        return `Postgres keeps neither NUL characters nor lone surrogates, found ${
          quote(text)
        } in event ${quoteId(event.name)}`;
      }
    }
  }
  return null;
}
