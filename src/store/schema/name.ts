/**
 * The name of the schema that contains a store's tables, and what is derived from it.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { isStorable } from "../../base/text.ts";
import { createHash } from "node:crypto";
import type { AnyStatement, Prepared } from "../sql/statement.ts";

/** The placeholder for the schema in statements and migrations. */
const PLACEHOLDER = /\{schema\}/g;

/** A schema's name, quoted for SQL. */
export class SchemaName {
  /** The name as the user gave it. */
  readonly name: string;
  /** The channel of its notices: a plain identifier that needs no quotes. */
  readonly channel: string;
  readonly #quoted: string;

  /**
   * Validates and quotes a name.
   *
   * @param name Any name that Postgres accepts, of 1 to 63 bytes, not beginning with `pg_`.
   * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If Postgres would refuse or shorten it.
   */
  constructor(name: string) {
    const bytes = new TextEncoder().encode(name).length;
    if (bytes < 1 || bytes > 63 || name.startsWith("pg_") || !isStorable(name)) {
      refuse(
        "option schema",
        name,
        "a name that Postgres takes: 1 to 63 bytes of UTF-8, without NUL, not beginning with pg_",
        "DATABASE_OPTION",
      );
    }
    this.name = name;
    this.#quoted = `"${name.replaceAll('"', '""')}"`;
    const digest = createHash("sha256").update(name).digest("hex");
    this.channel = `continuum_${digest.slice(0, 16)}`;
  }

  /**
   * Replaces the placeholder in a statement by the schema.
   *
   * @param text SQL with `{schema}` in place of the quoted name.
   * @returns The statement.
   */
  fill(text: string): string {
    return text.replace(PLACEHOLDER, () => this.#quoted);
  }

  /**
   * Replaces the placeholder in the statements of a table family.
   *
   * @param statements Statements by name.
   * @returns The same names with statements that a session can execute.
   */
  prepare<Statements extends Readonly<Record<string, AnyStatement>>>(
    statements: Statements,
  ): Prepared<Statements> {
    const prepared: Record<string, unknown> = {};
    for (const [name, statement] of Object.entries(statements)) {
      prepared[name] = statement.prepare((text) => this.fill(text));
    }
    return prepared as Prepared<Statements>;
  }
}
