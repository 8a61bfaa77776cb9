/**
 * Prepared statements. A statement's name is a digest of its text, so it is the same in every
 * session: if a pooler mixes up sessions, a name that exists there stands for the same statement.
 *
 * - STATEMENT-1: if a plan is outdated, or the session does not know the statement, the statement
 *   is executed once more, unprepared. The server has carried out nothing by then.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { SqlValue } from "../sql/driver.ts";
import type { Connection } from "./connection.ts";

/** The maximum number of named statements; all others are parsed each time. */
const KEPT = 400;

/** Decides which statements are prepared. */
export class Statements {
  readonly #names = new Map<string, string>();
  #wanted: boolean | undefined;

  /** @param wanted Whether to prepare; `undefined`: unless a pooler is in between. */
  constructor(wanted: boolean | undefined) {
    this.#wanted = wanted;
  }

  /**
   * Runs a statement outside of a transaction, prepared if possible.
   *
   * @param connection The connection to use.
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

  /**
   * Discards a statement if the error shows that its preparation is invalid, and returns whether it
   * does. If that happens behind a pooler, no further statement is prepared.
   */
  forgets(connection: Connection, name: string, error: unknown): boolean {
    const { code, routine } = error as { code?: string; routine?: string };
    const isOutdated = code === "0A000" && routine === "RevalidateCachedQuery";
    if (!isOutdated && code !== "26000" && code !== "42P05") return false;
    connection.forget(name);
    if (!isOutdated && connection.isPooled) this.#wanted = false;
    return true;
  }
}
