/**
 * Tables for terminals.
 *
 * - TABLE-1: an id is never cut, neither on a terminal nor in a pipe.
 *
 * @module
 */

import { cut, pad, shown, width } from "./text.ts";

/** A column of a table. */
export interface Column<Item> {
  /** Its heading. */
  readonly title: string;
  /** Whether it holds ids, which are never cut. */
  readonly id?: true;
  /** Whether it holds numbers, which stand at its right. */
  readonly right?: true;
  /**
   * The text of a cell.
   *
   * @param item The item of its row.
   */
  cell(item: Item): string;
}

/** Columns between two columns of a table. */
const GAP = "  ";

/** A column is not cut below this width. */
const LEAST = 6;

/**
 * A table for a terminal, with headings.
 *
 * @param columns Its columns.
 * @param items One for each row.
 * @param columnsOfTerminal The width that it has to fit, unless its ids are wider.
 * @returns Its lines.
 */
export function table<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  columnsOfTerminal: number,
): string[] {
  const rows = [
    columns.map(({ title }) => title),
    ...items.map((item) => columns.map((column) => shown(column.cell(item)))),
  ];
  const wanted = columns.map((_, index) => Math.max(...rows.map((row) => width(row[index]!))));
  const widths = fit(columns, wanted, columnsOfTerminal);
  return rows.map((row, at) =>
    row.map((text, index) => {
      const fitted = columns[index]!.id ? text : cut(text, widths[index]!);
      const gap = " ".repeat(Math.max(0, widths[index]! - width(fitted)));
      return columns[index]!.right && at > 0 ? gap + fitted : pad(fitted, widths[index]!);
    }).join(GAP).trimEnd()
  );
}

/** Takes columns from the widest one that may be cut, until the table fits. */
function fit(
  columns: readonly Column<never>[],
  wanted: readonly number[],
  most: number,
): readonly number[] {
  const widths = [...wanted];
  let surplus = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) -
    most;
  while (surplus > 0) {
    let widest = -1;
    columns.forEach(({ id }, index) => {
      if (id || widths[index]! <= LEAST) return;
      if (widest < 0 || widths[index]! > widths[widest]!) widest = index;
    });
    if (widest < 0) break;
    widths[widest]!--;
    surplus--;
  }
  return widths;
}
