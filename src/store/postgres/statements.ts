/**
 * Prepared statements. A statement has the same name wherever it is prepared, since the name is
 * made of its text: where a pooler mixes up sessions, a name that is found there is that statement.
 *
 * - STATEMENT-1: what changed under a plan, and a statement that the session does not know, are answered by
 *   asking once more, unprepared: nothing has been carried out by then.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { SqlValue } from "../sql/driver.ts";
import type { Connection } from "./connection.ts";

/** The most statements that have a name; all others are parsed each time. */
const KEPT = 400;

/** Decides which statements are prepared. */
export class Statements {
  readonly #names = new Map<string, string>();
  #wanted: boolean | undefined;

  /** @param wanted Whether to prepare; `undefined`: where no pooler stands between. */
  constructor(wanted: boolean | undefined) {
    this.#wanted = wanted;
  }

  /**
   * Runs a statement outside of a transaction, prepared where that is possible.
   *
   * @param connection Where.
   * @param text The statement.
   * @param values Its parameters.
   * @returns Its rows.
   */
  async query<Row>(
    connection: Connection,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row[]> {
    const name = this.nameOf(connection, text);
    try {
      return await connection.query<Row>(text, values, { name });
    } catch (error) {
      if (name === undefined || !this.forgets(connection, name, error)) throw error;
      return await connection.query<Row>(text, values); // STATEMENT-1
    }
  }

  /** The name of a statement; `undefined`: it is not prepared. */
  nameOf(connection: Connection, text: string): string | undefined {
    if (!(this.#wanted ?? !connection.isPooled)) return undefined;
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= KEPT) return known;
    const name = `continuum_${createHash("sha256").update(text).digest("base64url").slice(0, 24)}`;
    this.#names.set(text, name);
    return name;
  }

  /** Forgets a statement whose preparation does not hold; from a pooler it learns to prepare none. */
  forgets(connection: Connection, name: string, error: unknown): boolean {
    const { code, routine } = error as { code?: string; routine?: string };
    const isOutdated = code === "0A000" && routine === "RevalidateCachedQuery";
    if (!isOutdated && code !== "26000" && code !== "42P05") return false;
    connection.forget(name);
    if (!isOutdated && connection.isPooled) this.#wanted = false;
    return true;
  }
}
