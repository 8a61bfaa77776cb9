/**
 * What the code says of its run on the way: search attributes and a status; and what it was refused
 * at once, because it was too large. Saying it has no answer and takes no position; the journal
 * keeps each, so that it is written once, and refused for good.
 *
 * The code says the same things in the same order on every replay: what it says for the n-th time
 * is the n-th note of the history, or new. Another note there, or one too few, is drift.
 *
 * @module
 */

import type { HistoryEvent } from "./history.ts";

/** What can be said. */
export type NoteKind = "attributes.set" | "status.set";

/** Something said, or refused. */
export interface Note {
  /** What it is about. */
  readonly kind: NoteKind | "payload.refused";
  /** Tells two notes apart. */
  readonly digest: string;
  /** Encoded. */
  readonly payload: string;
}

/** Whether an event of the journal is a note. */
export function isNote({ kind }: HistoryEvent): boolean {
  return kind === "attributes.set" || kind === "status.set" || kind === "payload.refused";
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

  /** What the journal has in the next note's place. */
  get next(): HistoryEvent | undefined {
    return this.#journaled[this.#said];
  }

  /** The next note was said, as the journal has it. */
  repeat(): void {
    this.#said++;
  }

  /** Takes a note that the journal does not have. */
  add(note: Note): void {
    this.#said++;
    this.#fresh.push(note);
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
