/**
 * What the code says of its run on the way: search attributes and a status. Saying it has no answer
 * and takes no position; the journal keeps each, so that it is written once.
 *
 * The code says the same things in the same order on every replay: what it says for the n-th time
 * is the n-th note of the history, or new. Another note there, or one too few, is drift.
 *
 * @module
 */

import type { HistoryEvent } from "./history.ts";

/** What can be said. */
export type NoteKind = "attributes.set" | "status.set";

/** Something said. */
export interface Note {
  /** What it is about. */
  readonly kind: NoteKind;
  /** Tells two notes apart. */
  readonly digest: string;
  /** Encoded. */
  readonly payload: string;
}

/** One execution's notes. */
export class Notes {
  readonly #journaled: HistoryEvent[] = [];
  #said = 0;
  #fresh: Note[] = [];

  /** Learns of a journaled note. */
  learn(event: HistoryEvent): void {
    this.#journaled.push(event);
  }

  /**
   * Takes a note.
   *
   * @param note What the code says now.
   * @returns What the journal has in its place; null if they agree.
   */
  take(note: Note): HistoryEvent | null {
    const past = this.#journaled[this.#said++];
    if (past === undefined) {
      this.#fresh.push(note);
      return null;
    }
    return past.kind === note.kind && past.digest === note.digest ? null : past;
  }

  /** The first note of the journal that the code has not said. */
  get missing(): HistoryEvent | undefined {
    return this.#journaled[this.#said];
  }

  /**
   * Gives what is to be journaled.
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
