/**
 * Notes: search attributes, a status and values that the code sets on its run, answers to asks, and
 * refusals of values that were too large at once. A note has no result and no position. The journal
 * keeps each, so that it is written once, and a refusal is permanent.
 *
 * The code makes the same notes in the same order on every replay: its n-th note is the n-th note
 * of the history, or new. A different note there, or a missing one, is drift.
 *
 * @module
 */

import type { EventKind, HistoryEvent } from "./history.ts";

/** What the code can note. */
export type NoteKind =
  | "attributes.set"
  | "status.set"
  | "ask.answered"
  | "ask.failed"
  | "value.published";

/** A value that was set, or refused. */
export interface Note {
  /** The kind of note. */
  readonly kind: NoteKind | "payload.refused";
  /** The id of the ask that is answered, or the name of the value; "" for other notes. */
  readonly name: string;
  /** Distinguishes two notes; `null`: kind and name do. */
  readonly digest: string | null;
  /** The value, encoded. */
  readonly payload: string;
}

const NOTES: ReadonlySet<EventKind> = new Set<Note["kind"]>([
  "attributes.set",
  "status.set",
  "ask.answered",
  "ask.failed",
  "value.published",
  "payload.refused",
]);

/** Whether an event of the journal is a note. */
export function isNote({ kind }: HistoryEvent): boolean {
  return NOTES.has(kind);
}

/** Whether an event is something that callers and other runs may await by its name. */
export function isSaid({ kind }: { readonly kind: string }): boolean {
  return kind === "value.published" || kind === "ask.answered" || kind === "ask.failed";
}

/** One execution's notes. */
export class Notes {
  readonly #journaled: HistoryEvent[] = [];
  #said = 0;
  #fresh: Note[] = [];

  /** Adds a journaled note. */
  learn(event: HistoryEvent): void {
    this.#journaled.push(event);
  }

  /** The journal's note that the code must repeat next; `undefined` if its next note is new. */
  get next(): HistoryEvent | undefined {
    return this.#journaled[this.#said];
  }

  /** Marks that note as repeated. */
  repeat(): void {
    this.#said++;
  }

  /** Adds a new note. */
  add(note: Note): void {
    this.#said++;
    this.#fresh.push(note);
  }

  /**
   * Returns the notes that are to be journaled.
   *
   * @returns The notes that are new since the last call.
   */
  takeFresh(): readonly Note[] {
    if (this.#fresh.length === 0) return NONE;
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}

const NONE: readonly Note[] = [];
