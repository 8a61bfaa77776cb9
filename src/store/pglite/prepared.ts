/**
 * Prepared statements on PGlite. PGlite's own `query` makes the server parse and plan each
 * statement every time, which takes several times as long as executing it.
 *
 * - PREPARED-1: a statement is parsed once, under its text, and the server keeps its plan.
 * - PREPARED-2: if a plan is outdated (after a migration), the statement is parsed anew, once.
 *
 * @module
 */

import { joined } from "../../base/bytes.ts";
import { type PGlite, protocol, types } from "@electric-sql/pglite";
import type { SqlValue } from "../sql/driver.ts";

/** The maximum number of statements that are kept; the least recently used is discarded first. */
const KEPT = 200;

/** SQLSTATEs of a plan or a statement that is no longer valid. */
const OUTDATED = ["0A000", "26000"];

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

interface Statement {
  readonly name: string;
  readonly fields: readonly Field[];
}

/**
 * The prepared statements of one database; while a call is under way, its owner must make no other.
 */
export class PreparedStatements {
  readonly #pg: PGlite;
  readonly #statements = new Map<string, Statement>();
  #named = 0;

  /** @param pg The database. */
  constructor(pg: PGlite) {
    this.#pg = pg;
  }

  /** Runs a statement outside of a transaction. */
  async query<Row>(text: string, values: readonly SqlValue[]): Promise<Row[]> {
    try {
      return await this.#execute(await this.#prepared(text), values);
    } catch (error) {
      if (!OUTDATED.includes((error as { code?: string }).code ?? "")) throw error;
      await this.#forget(text); // PREPARED-2
      return await this.#execute(await this.#prepared(text), values);
    }
  }

  async #prepared(text: string): Promise<Statement> {
    const known = this.#statements.get(text);
    if (known !== undefined) {
      this.#statements.delete(text);
      this.#statements.set(text, known);
      return known;
    }
    const [oldest] = this.#statements.keys();
    if (oldest !== undefined && this.#statements.size >= KEPT) await this.#forget(oldest);
    const name = `continuum_${this.#named++}`;
    const { parse, describe, sync } = protocol.serialize;
    const messages = await this.#send(
      parse({ name, text, types: [] }),
      describe({ type: "S", name }),
      sync(),
    );
    const description = messages.find((message) => message.name === "rowDescription");
    const fields = (description as { fields?: readonly Field[] } | undefined)?.fields ?? [];
    const statement = { name, fields };
    this.#statements.set(text, statement); // PREPARED-1
    return statement;
  }

  async #execute<Row>({ name, fields }: Statement, values: readonly SqlValue[]): Promise<Row[]> {
    const { bind, execute, sync } = protocol.serialize;
    const messages = await this.#send(
      bind({ statement: name, values: values.map(written) }),
      execute({}),
      sync(),
    );
    const rows: Row[] = [];
    for (const message of messages) {
      if (message.name !== "dataRow") continue;
      const row: Record<string, unknown> = {};
      const texts = (message as unknown as { fields: readonly (string | null)[] }).fields;
      texts.forEach((value, index) => {
        const { name, dataTypeID } = fields[index] as Field;
        row[name] = types.parseType(value, dataTypeID);
      });
      rows.push(row as Row);
    }
    return rows;
  }

  async #forget(text: string): Promise<void> {
    const statement = this.#statements.get(text);
    if (statement === undefined) return;
    this.#statements.delete(text);
    const { close, sync } = protocol.serialize;
    await this.#send(close({ type: "S", name: statement.name }), sync());
  }

  async #send(...parts: Uint8Array[]): Promise<readonly { readonly name: string }[]> {
    return (await this.#pg.execProtocol(joined(parts))).messages;
  }
}

function written(value: SqlValue): string | null {
  if (value === null || typeof value === "string") return value;
  return value instanceof Uint8Array ? `\\x${value.toHex()}` : String(value);
}
