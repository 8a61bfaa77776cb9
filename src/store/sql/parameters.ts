/**
 * The kinds of parameters that statements take, and lists of rows as parameters.
 *
 * @module
 */

import type { SqlValue } from "./driver.ts";
import { arrayLiteral, bytesLiteral } from "./fragments.ts";

/** What a caller passes for a parameter. */
export interface Kind<Value> {
  /** Turns a value into what the driver takes; absent if it is that. `null` always stays `null`. */
  readonly write?: (value: Value) => SqlValue;
}

/** A parameter that is a list; it goes to the database as an array literal. */
export interface ListKind<Value> extends Kind<Value> {
  /** The type of its elements in SQL. */
  readonly of: string;
}

/** A text; JSON is a text that the statement casts. */
export const TEXT: Kind<string> = {};

/** A number. */
export const NUMBER: Kind<number> = {};

/** `true` or `false`. */
export const BOOLEAN: Kind<boolean> = {};

type Texts = readonly (string | null)[];
type Numbers = readonly (number | null)[];

/** A list of texts. */
export const TEXTS: ListKind<Texts> = { of: "text", write: arrayLiteral };

/** A list of keys and other large integers. */
export const BIGINTS: ListKind<Numbers> = { of: "bigint", write: arrayLiteral };

/** A list of integers. */
export const INTEGERS: ListKind<Numbers> = { of: "integer", write: arrayLiteral };

/** A list of numbers, such as times and durations in milliseconds. */
export const FLOATS: ListKind<Numbers> = { of: "float8", write: arrayLiteral };

/** A list of `true` and `false`. */
export const BOOLEANS: ListKind<readonly boolean[]> = {
  of: "boolean",
  write: (values) => arrayLiteral(values.map(String)),
};

/** A list of bytes. */
export const BYTES: ListKind<readonly Uint8Array[]> = { of: "bytea", write: bytesLiteral };

/**
 * A parameter that may be null.
 *
 * @param kind What it is otherwise.
 * @returns The kind.
 */
export function nullable<Value>(kind: Kind<Value>): Kind<Value | null> {
  return kind as Kind<Value | null>;
}

/** Lists whose literals the caller writes itself, with {@linkcode columnLiteral}. */
export type Written<Lists> = { readonly [Name in keyof Lists]: ListKind<string> };

/**
 * The same lists, for a caller that writes their literals itself, with {@linkcode columnLiteral}.
 *
 * @param lists The lists by name.
 * @returns The kinds by name.
 */
export function written<Lists extends Readonly<Record<string, ListKind<never>>>>(
  lists: Lists,
): Written<Lists> {
  const kinds = Object.entries(lists).map(([name, { of }]) => [name, { of }]);
  return Object.fromEntries(kinds) as Written<Lists>;
}

/**
 * Rows of parameters: `unnest($run::bigint[], $maxAttempts::integer[]) as given (run,
 * max_attempts)` of `{ run: BIGINTS, maxAttempts: INTEGERS }`.
 *
 * @param alias What the rows are called.
 * @param lists The columns: parameters of the statement, whose names become `snake_case`.
 * @param ordinality The name of a last column that counts the rows from 1.
 * @returns The SQL for a `from` clause.
 */
export function unnested(
  alias: string,
  lists: Readonly<Record<string, ListKind<never>>>,
  ordinality?: string,
): string {
  const values = Object.entries(lists).map(([name, { of }]) => `$${name}::${of}[]`);
  const columns = Object.keys(lists).map((name) =>
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  );
  const all = ordinality === undefined ? columns : [...columns, ordinality];
  return `unnest(${values.join(", ")})${
    ordinality === undefined ? "" : " with ordinality"
  } as ${alias} (${all.join(", ")})`;
}
