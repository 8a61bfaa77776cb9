/**
 * SQL expressions that several statements share.
 *
 * @module
 */

import { hexOf } from "../../base/bytes.ts";
import { isStorable } from "../../base/text.ts";
import { unstorableText } from "../errors.ts";

/** The database's time as a SQL expression; in a CTE it is one value for the whole statement. */
export const CLOCK = "date_trunc('milliseconds', clock_timestamp())";

/**
 * Converts a `timestamptz` expression of whole milliseconds, as the store writes them, to an
 * integer since the epoch. It uses `float8`, which is exact for these: `extract` returns a
 * `numeric`, which costs a microsecond a row.
 *
 * @param expression The SQL expression.
 * @returns The conversion's SQL.
 */
export function milliseconds(expression: string): string {
  return `round(date_part('epoch', ${expression}) * 1000)::bigint`;
}

/**
 * Converts milliseconds since the epoch to a `timestamptz` expression.
 *
 * @param expression The SQL expression of a number.
 * @returns The conversion's SQL.
 */
export function timestamp(expression: string): string {
  return `to_timestamp((${expression})::numeric / 1000)`;
}

/** The policy of a `wanted` run: that of its version, overridden by that of its start. */
export const POLICY = `nullif(
      coalesce((
        select (version.contract->'policy')::jsonb from {schema}.workflow_versions as version
        where version.hash = wanted.hash
      ), '{}') || coalesce(wanted.policy::jsonb, '{}'),
      '{}'
    )`;

/**
 * The id of a version's specifier, as runs refer to it: usually one look-up in an index. The row is
 * locked as the foreign key would lock it; there is none if the version's bytes were removed (PIN-1 of
 * `versions/collect.ts`).
 *
 * @param row The name of a row with `hash` and `specifier`.
 * @returns The expression.
 */
export function specifierIdOf(row: string): string {
  return `coalesce((
      select known.id from {schema}.workflow_specifiers as known
      where known.hash = ${row}.hash and known.specifier = ${row}.specifier
        and known.collected_at is null
      for key share
    ), {schema}.specifier_id_of(${row}.hash, ${row}.specifier))`;
}

/**
 * The hash of a version that something other than a run is pinned to: it is refused, and waits, as
 * the id of its specifier is and does (PIN-1 of `versions/collect.ts`).
 *
 * @param hash The hash: a SQL expression.
 * @returns The expression.
 */
export function pinnable(hash: string): string {
  return `coalesce((
      select pin.hash from {schema}.workflow_specifiers as pin
      where pin.hash = ${hash} and pin.id = {schema}.specifier_id_of(pin.hash, pin.specifier)
      limit 1
    ), ${hash})`;
}

/**
 * The ids of the specifiers of versions, to find their runs; computed once in a statement.
 *
 * @param hashes The versions: a SQL expression of an array.
 * @returns The SQL of an array.
 */
export function specifierIdsOf(hashes: string): string {
  return `array(select id from {schema}.workflow_specifiers where hash = any(${hashes}))`;
}

/** The timeout of a run whose {@linkcode POLICY} is `decided`. */
export const TIMEOUT = "(decided->>'timeout')::float8 * interval '1 millisecond'";

/**
 * A Postgres array literal, for parameters of any array type.
 *
 * @param values Texts and numbers; `null` is SQL's null.
 * @returns The literal.
 */
export function arrayLiteral(values: readonly (string | number | null)[]): string {
  return `{${values.map(element).join(",")}}`;
}

/**
 * A column of a batch as an array literal. Nulls at the end are omitted, which shortens many
 * columns: `unnest` of several arrays restores them.
 *
 * @param rows The batch.
 * @param of The value of a row; `undefined` counts as null.
 * @returns The literal.
 */
export function columnLiteral<Row>(
  rows: readonly Row[],
  of: (row: Row) => string | number | null | undefined,
): string {
  let text = "";
  let nulls = 0;
  for (const row of rows) {
    const value = of(row) ?? null;
    if (value === null) {
      nulls++;
      continue;
    }
    if (nulls > 0) text += "null,".repeat(nulls);
    nulls = 0;
    text += element(value);
    text += ",";
  }
  return `{${text.slice(0, -1)}}`;
}

function element(value: string | number | null): string {
  if (value === null) return "null";
  if (typeof value === "number") return String(value);
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * A Postgres array literal of `bytea`.
 *
 * @param values The bytes.
 * @returns The literal.
 */
export function bytesLiteral(values: readonly Uint8Array[]): string {
  return `{${values.map((bytes) => `"\\\\x${hexOf(bytes)}"`).join(",")}}`;
}

/**
 * Returns a text if Postgres stores it unchanged. Encoders would silently replace a lone surrogate,
 * and two ids could become one.
 *
 * @param what Which text it is, for the message.
 * @param text The text.
 * @returns The same text.
 * @throws {InvalidArgumentError} (`UNSTORABLE_TEXT`) If it contains a NUL character or a lone
 * surrogate.
 */
export function storable(what: string, text: string): string {
  if (!isStorable(text)) throw unstorableText(what, text);
  return text;
}

/**
 * A common table expression that is read to its end before its first row is used, under its
 * own name. An update needs that if the expression locks rows up to a limit: for a row that
 * another session has just changed, Postgres evaluates the query anew, and continues with an
 * expression that it has read in part by executing it again, past its limit.
 *
 * @param name The expression.
 * @param key The columns that identify its rows.
 * @returns A sub-select: a sort is the barrier.
 */
export function readFirst(name: string, key: string): string {
  return `(select * from ${name} order by ${key}) as ${name}`;
}
