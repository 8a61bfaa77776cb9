/**
 * Groups rows, in their order.
 *
 * @module
 */

/** Rows by what they belong to. */
export function grouped<Row, Key>(
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): Map<Key, Row[]> {
  return Map.groupBy(rows, keyOf);
}
