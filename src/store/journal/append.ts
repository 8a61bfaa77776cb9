/**
 * The journal: histories of runs, written behind a fence, many runs in one statement.
 *
 * - JOURNAL-1, the fence: a share is written only where the run's row still holds the writer's token and
 *   the history's length that the writer knows; all of the share is written, or nothing.
 * - JOURNAL-2, no waiting: a flush never waits for a row that somebody else has locked; such a share comes
 *   back as `busy`.
 * - JOURNAL-3, no bad company: data that the database refuses fails its own share only.
 * - JOURNAL-4, no history is too long to be read: what would not fit into one answer is read in parts.
 * - JOURNAL-5, no lost wake-up: a run is suspended only if no message has come since its owner last read
 *   its inbox. Every message raises `wake_seq`, and suspending compares it.
 *
 * @module
 */

import { isStorable, legibleJson } from "../../base/text.ts";
import type { AttributesChange } from "../../base/attributes.ts";
import type {
  CommitEntry,
  CommitResult,
  EventRow,
  InboxRow,
  LoadedRun,
  NewEvent,
  Transition,
} from "../../ports/rows.ts";
import type { JournalStore } from "../../ports/store.ts";
import type { SqlDriver, SqlSession, SqlValue } from "../sql/driver.ts";
import { journalStatements } from "./statements.ts";
import type { SchemaName } from "../schema/name.ts";
import { arrayLiteral, columnLiteral } from "../sql/fragments.ts";
import { isContention, isRefusal } from "../sql/sqlstate.ts";

/** One row for a whole flush: what is written, and which of that somebody wants to hear of. */
interface WrittenRow {
  at: number;
  /** A JSON array of ids, as are the others; `null`: none. */
  ids: string | null;
  watched: string | null;
  mustNotify: string | null;
}

interface FenceRow {
  id: number;
  token: number | null;
  next_seq: number;
  wake_seq: number;
  ended: boolean;
}

/** A run as it is read: JSON arrays, or `null` for empty ones. */
interface LoadRow extends Record<EventColumn, string | null> {
  id: number;
  token: number | null;
  wakeSeq: number;
  generation: number;
  firstSeq: number;
  nextSeq: number;
  /** JOURNAL-4: the payloads were left out. */
  large: boolean | null;
  messages: string | null;
  tasks: string | null;
}

type EventColumn = "seqs" | "kinds" | "positions" | "names" | "digests" | "payloads" | "times";

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

/** Characters from which a text of a share that goes alone is a parameter of its own. */
const LARGE = 1_048_576;

/** How many events are asked for together at first, where a history is read in parts. */
const PART_EVENTS = 1_024;

/** {@linkcode JournalStore} in SQL. */
export class Journal implements JournalStore {
  readonly #driver: SqlDriver;
  readonly #partBytes: number;
  readonly #sql: ReturnType<typeof journalStatements>;
  /** Runs whose rows somebody held when last seen: a flush of theirs does not wait to find out. */
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
    this.#sql = journalStatements(schema);
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
    const { append, values } = this.#writing([entry]);
    const rows = await session.query<WrittenRow>(append, values);
    const written = acknowledged(rows).get(entry.run);
    if (written !== undefined) return written;
    const [fence] = await session.query<FenceRow>(this.#sql.fences, [arrayLiteral([entry.run])]);
    return missed(entry, fence);
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

  #read(parts: readonly Part[], bytes: number): Promise<LoadRow[]> {
    return this.#driver.query<LoadRow>(this.#sql.load, [
      arrayLiteral(parts.map(({ id }) => id)),
      arrayLiteral(parts.map(({ from }) => from)),
      arrayLiteral(parts.map(({ past }) => past)),
      bytes,
    ]);
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

  /** JOURNAL-2: at once where nobody is in the way, else past the rows that somebody holds. */
  async #write(entries: readonly CommitEntry[]): Promise<ReadonlyMap<number, CommitResult>> {
    const { append, skipping, values } = this.#writing(entries);
    const isBusy = this.#busy.size > 0 && entries.some(({ run }) => this.#busy.has(run));
    const first = isBusy ? null : await this.#attempt(append, values);
    const rows = first ?? await this.#attempt(skipping, values) ?? [];
    return acknowledged(rows);
  }

  /** What writes shares: their statement, the one past rows that are held, and the parameters. */
  #writing(entries: readonly CommitEntry[]): {
    readonly append: string;
    readonly skipping: string;
    readonly values: SqlValue[];
  } {
    const { append, appendSkipping, appendLarge, appendLargeSkipping } = this.#sql;
    const [only] = entries;
    const large = entries.length === 1 ? largeIn(only!) : undefined;
    if (large === undefined) {
      return { append, skipping: appendSkipping, values: parameters(entries) };
    }
    const { seq, payload, result } = large;
    const values = [...parameters(entries, large), seq, payload, result];
    return { append: appendLarge, skipping: appendLargeSkipping, values };
  }

  /** `null`: somebody was in the way, and nothing was written. */
  async #attempt(text: string, values: readonly SqlValue[]): Promise<WrittenRow[] | null> {
    try {
      return await this.#driver.impatient.query<WrittenRow>(text, values);
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
    const rows = await this.#driver.query<FenceRow>(this.#sql.fences, [
      arrayLiteral(entries.map(({ run }) => run)),
    ]);
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
  if (transition?.to === "suspended" && fence.wake_seq !== transition.wakeSeq) {
    return { status: "woken" };
  }
  return { status: "busy" };
}

function unstorable(entry: CommitEntry): string | null {
  for (const event of entry.events) {
    for (const text of [event.kind, event.name, event.digest, event.payload]) {
      if (text !== null && !isStorable(text)) {
        return `Postgres keeps neither NUL characters nor lone surrogates, found ${
          JSON.stringify(text.slice(0, 80))
        } in event ${JSON.stringify(event.name)}`;
      }
    }
  }
  return null;
}

/** What a share has that is a parameter of its own. */
interface Large {
  /** The event's place, and its payload. */
  readonly seq: number | null;
  readonly payload: string | null;
  readonly result: string | null;
}

/** The largest payload of a share, and its result, where they are large. */
function largeIn({ first, events, transition }: CommitEntry): Large | undefined {
  const length = (event: NewEvent | undefined) => event?.payload?.length ?? 0;
  let at = 0;
  for (let index = 1; index < events.length; index++) {
    if (length(events[index]) > length(events[at])) at = index;
  }
  const isLarge = length(events[at]) >= LARGE;
  const result = transition && "result" in transition ? transition.result : null;
  const isLargeResult = (result?.length ?? 0) >= LARGE;
  if (!isLarge && !isLargeResult) return undefined;
  return {
    seq: isLarge ? first + at : null,
    payload: isLarge ? events[at]!.payload : null,
    result: isLargeResult ? result : null,
  };
}

/** Two groups of arrays, runs and events, and the consumed messages; without what is apart. */
function parameters(entries: readonly CommitEntry[], apart?: Large): SqlValue[] {
  const moved = (of: (transition: Transition) => string | number | null | undefined) =>
    columnLiteral(entries, ({ transition }) => transition && of(transition));
  const events = entries.flatMap(({ run, first, events }) =>
    events.map((event, index) => ({ run, seq: first + index, event }))
  );
  const written = (of: (event: NewEvent) => string | number | null) =>
    columnLiteral(events, ({ event }) => of(event));
  const said = entries.map(({ events }) => saidOf(events));
  const consumed = entries.flatMap(({ run, consumed }) =>
    consumed.map((message) => ({ run, message }))
  );
  const answered = entries.flatMap(({ run, answered = [] }) =>
    answered.map((position) => ({ run, position }))
  );
  const ended = entries.filter(({ transition }) => transition && "result" in transition);
  return [
    columnLiteral(entries, ({ run }) => run),
    columnLiteral(entries, ({ token }) => token),
    columnLiteral(entries, ({ first }) => first),
    columnLiteral(entries, ({ events }) => events.length),
    moved(({ to }) => to),
    moved((to) => to.to === "suspended" ? to.wakeAt : null),
    moved((to) => to.to === "suspended" ? to.wakeSeq : null),
    moved((to) => to.to === "suspended" ? legibleJson(to.waits) : null),
    moved((to) => to.to === "released" ? to.afterMs : null),
    moved((to) => "result" in to && apart?.result !== to.result ? to.result : null),
    moved((to) => "error" in to ? to.error : null),
    moved((to) => "reason" in to ? legibleJson(to.reason) : null),
    columnLiteral(events, ({ run }) => run),
    columnLiteral(events, ({ seq }) => seq),
    written(({ position }) => position),
    written(({ kind }) => kind),
    written(({ name }) => name),
    written(({ digest }) => digest),
    columnLiteral(events, ({ event, seq }) => seq === apart?.seq ? null : event.payload),
    columnLiteral(consumed, ({ run }) => run),
    columnLiteral(consumed, ({ message }) => message),
    columnLiteral(said, (said) => said?.attributes),
    columnLiteral(said, (said) => said?.removed),
    columnLiteral(said, (said) => said?.customStatus),
    columnLiteral(answered, ({ run }) => run),
    columnLiteral(answered, ({ position }) => position),
    columnLiteral(ended, ({ run }) => run),
    columnLiteral(entries, ({ deliveredSeq }) => deliveredSeq),
  ];
}

interface Said {
  /** A JSON object that is merged, after the names of a JSON array were removed; or both null. */
  readonly attributes: string | null;
  readonly removed: string | null;
  readonly customStatus: string | null;
}

/** What events say of their run: the row shows it, so that it can be searched and read. */
function saidOf(events: readonly NewEvent[]): Said | null {
  if (!events.some(({ kind }) => kind === "attributes.set" || kind === "status.set")) return null;
  const attributes = new Map<string, unknown>();
  const removed = new Set<string>();
  let customStatus: string | null = null;
  let isSet = false;
  for (const { kind, payload } of events) {
    if (kind === "status.set") customStatus = payload;
    if (kind !== "attributes.set" || payload === null) continue;
    isSet = true;
    const change = JSON.parse(payload) as AttributesChange;
    for (const name of change.remove) {
      attributes.delete(name);
      removed.add(name);
    }
    for (const entry of Object.entries(JSON.parse(change.set))) attributes.set(...entry);
  }
  return {
    attributes: isSet ? JSON.stringify(Object.fromEntries(attributes)) : null,
    removed: isSet ? JSON.stringify([...removed]) : null,
    customStatus,
  };
}

function assemble(row: LoadRow): LoadedRun {
  const { id, token, wakeSeq, generation, firstSeq, nextSeq } = row;
  const messages: readonly (readonly [number, InboxRow["kind"], string, number, string])[] = list(
    row.messages,
  );
  const inbox = messages.map(([id, kind, name, position, payload]) => ({
    id,
    kind,
    name,
    position,
    payload,
  }));
  const of = { id, token, wakeSeq, generation, firstSeq, nextSeq };
  return { ...of, events: historyOf(row), inbox, tasks: list(row.tasks) };
}

function historyOf(row: LoadRow): EventRow[] {
  const seqs = list<number>(row.seqs);
  const kinds = list<string>(row.kinds);
  const positions = list<number | null>(row.positions);
  const names = list<string>(row.names);
  const digests = list<string | null>(row.digests);
  const payloads = list<string | null>(row.payloads);
  const times = list<number>(row.times);
  return seqs.map((seq, index) => ({
    seq,
    kind: kinds[index]!,
    position: positions[index]!,
    name: names[index]!,
    digest: digests[index]!,
    payload: payloads[index]!,
    at: times[index]!,
  }));
}

function list<T>(text: string | null): T[] {
  return text === null ? [] : JSON.parse(text);
}
