/**
 * Values as the store reads them, from values as `jsr:@db/postgres` decodes them.
 *
 * - DECODING-1: the driver decodes by the type of a column and by the options of its pool:
 *   `decodeStrategy: "string"` leaves every value as text, and `decoders` replace any part. A value
 *   of each type that the store reads is asked for before anything else. If it can't be read back,
 *   the pool is refused.
 * - DECODING-2: rows are asked for as arrays, with the names of their columns, since the driver
 *   refuses objects with two columns of one name, and may rename columns.
 *
 * @module
 */

import { databaseUnsuitable } from "../errors.ts";
import { parserOf } from "../postgres/values.ts";
import type { DbArrayResult, DbPoolClient } from "./driver_types.ts";

/** Types, with a value of each as SQL, and as the store reads it. */
const SAMPLES: readonly (readonly [type: string, sql: string, value: unknown])[] = [
  ["bool", "true", true],
  ["bytea", "pg_catalog.decode('005cff', 'hex')", Uint8Array.of(0, 92, 255)],
  ["int8", "'9007199254740991'::pg_catalog.int8", 9007199254740991],
  ["int2", "'-7'::pg_catalog.int2", -7],
  ["int4", "'7'::pg_catalog.int4", 7],
  ["oid", "'4294967295'::pg_catalog.oid", 4294967295],
  ["float4", "'0.5'::pg_catalog.float4", 0.5],
  ["float8", "'-0.5'::pg_catalog.float8", -0.5],
  ["json", `'"1"'::pg_catalog.json`, "1"],
  ["jsonb", `'"1"'::pg_catalog.jsonb`, "1"],
  ["text", `'"1"'::pg_catalog.text`, '"1"'],
  ["numeric", "'1.50'::pg_catalog.numeric", "1.50"],
];

const PROBE = `select ${SAMPLES.map(([type, sql]) => `${sql} as "${type}"`).join(", ")}`;

const INT8 = 20;
const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802]);

/** How a pool decodes. */
export class Decoding {
  /** Whether values of `json` arrive as text. */
  readonly #isJsonText: boolean;

  private constructor(isJsonText: boolean) {
    this.#isJsonText = isJsonText;
  }

  /**
   * Finds out how a pool decodes (DECODING-1).
   *
   * @param client A client of the pool.
   * @returns How it does.
   * @throws {DatabaseError} (`DATABASE_UNSUITABLE`) If its options hide values.
   */
  static async of(client: Pick<DbPoolClient, "queryArray">): Promise<Decoding> {
    const result = await client.queryArray({ text: PROBE });
    const columns = result.rowDescription?.columns ?? [];
    const json = result.rows[0]?.[columns.findIndex(({ name }) => name === "json")];
    const decoding = new Decoding(json === '"1"');
    const [row] = decoding.rows<Record<string, unknown>>(result);
    for (const [type, , value] of SAMPLES) {
      if (isSame(row?.[type], value)) continue;
      throw databaseUnsuitable(
        "option controls.decoders of the pool",
        `another value of type ${type}`,
        "the value as @db/postgres decodes it, or as text",
      );
    }
    return decoding;
  }

  /**
   * The rows of a result as objects (DECODING-2).
   *
   * @param result What the driver returned.
   * @returns The rows, with values as the store reads them.
   */
  rows<Row>({ rows, rowDescription }: DbArrayResult): Row[] {
    const columns = rowDescription?.columns ?? [];
    return rows.map((values) => {
      const row: Record<string, unknown> = {};
      for (const [index, { name, typeOid }] of columns.entries()) {
        row[name] = this.#value(values[index], typeOid);
      }
      return row as Row;
    });
  }

  #value(value: unknown, type: number): unknown {
    if (value === null || value === undefined) return null;
    if (JSON_TYPES.has(type)) return this.#isJsonText ? JSON.parse(value as string) : value;
    if (typeof value === "bigint") return type === INT8 ? Number(value) : value;
    // The driver leaves float8 and oid as text.
    return typeof value === "string" ? parserOf(type)(value) : value;
  }
}

function isSame(found: unknown, wanted: unknown): boolean {
  if (!(wanted instanceof Uint8Array)) return found === wanted;
  return found instanceof Uint8Array && found.join() === wanted.join();
}
