/**
 * Tables. On a narrow screen each row becomes a card, in which each cell says what it is.
 *
 * @module
 */

import { type Content, type Html, html } from "../html.ts";

/** A column. */
export interface Column<Row> {
  /** Its title; "": a column of controls. */
  readonly title: string;
  /** What a column of controls is called; read by screen readers. */
  readonly controls?: string;
  /** Whether its cells are numbers, at the right. */
  readonly number?: true;
  /** Whether it names the row: the first line of a card. */
  readonly head?: true;
  /** Whether it takes what room the others leave. */
  readonly wide?: true;
  /**
   * Renders a cell.
   *
   * @param row The row.
   */
  cell(row: Row): Content;
}

/**
 * A table.
 *
 * @param caption What it lists; read by screen readers.
 * @param columns The columns.
 * @param rows The rows.
 */
export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Html {
  return html`
    <div class="scroll">
      <table class="list">
        <caption class="unseen">${caption}</caption>
        <thead>
          <tr>${columns.map(heading)}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          html`<tr>${columns.map((column) => cellOf(column, row))}</tr>`
        )}</tbody>
      </table>
    </div>
  `;
}

function heading<Row>({ title, controls, ...column }: Column<Row>): Html {
  const text = controls === undefined ? title : html`<span class="unseen">${controls}</span>`;
  return html`<th scope="col" class="${classOf(column)}">${text}</th>`;
}

function cellOf<Row>(column: Column<Row>, row: Row): Html {
  const { title, cell } = column;
  if (column.head) return html`<th scope="row" class="${classOf(column)}">${cell(row)}</th>`;
  return html`
    <td class="${classOf(column)}" data-label="${title || null}">
      <div class="cell">${cell(row)}</div>
    </td>
  `;
}

function classOf<Row>({ number, head, wide }: Omit<Column<Row>, "title">): string | null {
  return [number && "number", head && "head", wide && "wide"].filter(Boolean).join(" ") || null;
}
