/**
 * Prints results: text and tables for people, JSON for programs.
 *
 * @module
 */

import { quote } from "../../base/describe.ts";
import { UsageError } from "../errors.ts";
import type { Globals } from "../globals.ts";
import { similar } from "../readers.ts";
import type { Terminal } from "../terminal.ts";
import { type Column, table } from "./table.ts";
import { shown, tabbed } from "./text.ts";
import { time, type TimeStyle } from "./times.ts";

/** A list to print. */
export interface List<Item extends object> {
  /** The key of the items in the JSON document, such as `runs`. */
  readonly name: string;
  /** The items, as they come. */
  readonly items: Iterable<Item> | AsyncIterable<Item>;
  /** The columns of the table. */
  readonly columns: readonly Column<NoInfer<Item>>[];
  /** What the JSON document holds besides the items, once they are printed: a cursor, a count. */
  rest?(): Readonly<Record<string, unknown>>;
  /**
   * Lines below the table, on a terminal only.
   *
   * @param count How many items were printed.
   */
  footer?(count: number): readonly string[];
  /** What the reader of a pipe has to know: printed to standard error, after the items. */
  remarks?(): readonly string[];
}

/** Rows whose widths decide those of a table; a longer one is printed as it comes. */
const TABLE_ROWS = 1_000;

/** Sequences for terminals: the whole screen, the first line, and what is left of a frame before. */
const CLEAR = "\u001b[2J";
const HOME = "\u001b[H";
const CLEAR_REST_OF_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** What begins a style; both end alike. `styleText` of `node:util` costs each start 10 ms. */
const STYLES = { bold: "\u001b[1m", dim: "\u001b[2m" };
const END_OF_STYLE = "\u001b[22m";

/** Prints results. */
export class Output {
  readonly #terminal: Terminal;
  readonly #globals: Globals;
  readonly #fields: readonly string[];
  #progress = "";
  /** What is printed while a frame is drawn; `null`: it goes to the terminal. */
  #frame: string | null = null;
  #isCleared = false;

  /**
   * @param terminal Where to print.
   * @param globals The format, the fields, and how times are shown.
   * @param fields The names that `--fields` accepts.
   * @throws {UsageError} If `--fields` names another.
   */
  constructor(terminal: Terminal, globals: Globals, fields: readonly string[]) {
    this.#terminal = terminal;
    this.#globals = globals;
    this.#fields = fields;
    for (const name of globals.fields ?? []) {
      if (fields.includes(name.split(".")[0]!)) continue;
      const wanted = fields.length === 0 ? "a command that prints fields" : fields.join(", ");
      throw new UsageError(
        `Cannot use --fields: found ${quote(name)}, wanted ${wanted}` +
          similar(name, fields),
      );
    }
  }

  /** The format that was asked for. */
  get format(): Globals["format"] {
    return this.#globals.format;
  }

  /** Whether a person reads this on a terminal. */
  get isTerminal(): boolean {
    return this.#terminal.isTerminal && this.#globals.format === "text";
  }

  /** How many columns the terminal has. */
  get columns(): number {
    return this.#terminal.columns;
  }

  /**
   * Prints one result: as JSON, or by the lines that `text` returns.
   *
   * @param value Plain JSON.
   * @param text The lines for people. Control characters in them are escaped, except tabs.
   */
  document(value: object, text: () => Iterable<string>): void {
    switch (this.#globals.format) {
      case "json":
        return this.block(json(this.#chosen(value), 2));
      case "jsonl":
        return this.block(json(this.#chosen(value)));
      case "text": {
        const { fields } = this.#globals;
        if (fields !== undefined) {
          return this.line(tabbed(fields.map((name) => cellOf(at(value, name)))));
        }
        for (const line of text()) this.line(line);
      }
    }
  }

  /**
   * Prints a list: one JSON document, one JSON line an item as it comes, or a table.
   *
   * @param list The list.
   */
  async list<Item extends object>(list: List<Item>): Promise<void> {
    switch (this.#globals.format) {
      case "json": {
        const items = [];
        for await (const item of list.items) items.push(this.#chosen(item));
        return this.block(json({ [list.name]: items, ...list.rest?.() }, 2));
      }
      case "jsonl":
        for await (const item of list.items) this.block(json(this.#chosen(item)));
        return;
      case "text":
        return await this.#table(list);
    }
  }

  /**
   * Prints a line of text.
   *
   * @param text The line; control characters in it are escaped, except tabs.
   */
  line(text = ""): void {
    this.block(shown(text, "tabs"));
  }

  /**
   * Prints a text of several lines that this program has laid out.
   *
   * @param text The text; control characters in it are escaped, except tabs and line breaks.
   */
  block(text: string): void {
    this.#clear();
    this.#write(`${shown(text, "tabs and line breaks")}\n`);
  }

  /**
   * Prints a line to standard error, also if `--quiet` is set.
   *
   * @param text The line.
   */
  error(text: string): void {
    this.#clear();
    this.#terminal.writeError(`${shown(text, "tabs")}\n`);
  }

  /**
   * Prints a remark to standard error, unless `--quiet` is set.
   *
   * @param text The remark.
   */
  note(text: string): void {
    if (!this.#globals.quiet) this.error(text);
  }

  /**
   * Shows progress in one line of standard error: on a terminal only.
   *
   * @param text What is being done.
   * @param done How much of it is done.
   * @param total How much it is; `null`: unknown.
   */
  progress(text: string, done: number, total: number | null): void {
    const { quiet, progress } = this.#globals;
    if (quiet || !progress || !this.#terminal.showsProgress) return;
    const count = done.toLocaleString("en");
    const filled = total === null || total === 0 ? 0 : Math.round(12 * Math.min(1, done / total));
    const bar = total === null ? "" : ` ${"█".repeat(filled)}${"░".repeat(12 - filled)}`;
    this.#clear();
    this.#progress = shown(`${text}${bar} ${count}`).slice(0, this.columns - 1);
    this.#terminal.writeError(this.#progress);
  }

  /**
   * Draws the terminal anew: what is printed meanwhile replaces what it shows. Lines that do not fit
   * are left out.
   *
   * @param draw Prints.
   */
  async redraw(draw: () => Promise<void>): Promise<void> {
    this.#frame = "";
    try {
      await draw();
    } finally {
      const lines = this.#frame.replace(/\n$/, "").split("\n").slice(0, this.#terminal.rows - 1);
      this.#frame = null;
      const drawn = lines.map((line) => `${line}${CLEAR_REST_OF_LINE}\n`).join("");
      this.#terminal.write(
        `${this.#isCleared ? "" : CLEAR}${HOME}${drawn}${CLEAR_BELOW}`,
      );
      this.#isCleared = true;
    }
  }

  /**
   * Shows a time, in the style that was asked for.
   *
   * @param iso The time as ISO writes it; `null` becomes `-`.
   */
  time(iso: string | null): string {
    return time(iso, this.#timeStyle, Date.now());
  }

  get #timeStyle(): TimeStyle {
    return this.#globals.time ?? (this.isTerminal ? "relative" : "iso");
  }

  async #table<Item extends object>(list: List<Item>): Promise<void> {
    const columns = this.#globals.fields?.map((name) => fieldColumn<Item>(name)) ?? list.columns;
    let count = 0;
    if (this.isTerminal) {
      let rows: Item[] = [];
      const print = () => {
        const [heading, ...lines] = table(columns, rows, this.columns);
        if (count <= rows.length) this.#styled("bold", heading!);
        for (const line of lines) this.line(line);
        rows = [];
      };
      for await (const item of list.items) {
        count++;
        rows.push(item);
        if (rows.length === TABLE_ROWS) print();
      }
      if (rows.length > 0) print();
    } else {
      for await (const item of list.items) {
        count++;
        this.line(tabbed(columns.map((column) => column.cell(item))));
      }
    }
    if (this.isTerminal) list.footer?.(count).forEach((line) => this.#styled("dim", line));
    else list.remarks?.().forEach((line) => this.note(line));
  }

  #styled(style: keyof typeof STYLES, text: string): void {
    this.#clear();
    const safe = shown(text, "tabs");
    const line = this.#globals.color ? `${STYLES[style]}${safe}${END_OF_STYLE}` : safe;
    this.#write(`${line}\n`);
  }

  #chosen(value: object): object {
    const { fields } = this.#globals;
    if (fields === undefined) return value;
    return Object.fromEntries(fields.map((name) => [name, at(value, name)]));
  }

  #write(text: string): void {
    if (this.#frame === null) this.#terminal.write(text);
    else this.#frame += text;
  }

  #clear(): void {
    if (this.#progress === "") return;
    this.#terminal.writeError(`\r${" ".repeat(this.#progress.length)}\r`);
    this.#progress = "";
  }
}

/**
 * JSON text in which control characters are escapes, those too that JSON allows.
 *
 * @param value Plain JSON.
 * @param indent Spaces of an indentation; none: one line.
 */
export function json(value: unknown, indent?: number): string {
  return shown(JSON.stringify(value, undefined, indent), "tabs and line breaks");
}

function fieldColumn<Item extends object>(name: string): Column<Item> {
  const column = { title: name.toUpperCase(), cell: (item: Item) => cellOf(at(item, name)) };
  return name === "id" || name.endsWith("Id") ? { ...column, id: true } : column;
}

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (part, key) =>
      typeof part === "object" && part !== null && Object.hasOwn(part, key)
        ? (part as Record<string, unknown>)[key]
        : undefined,
    value,
  ) ?? null;
}

function cellOf(value: unknown): string {
  return value === null ? "-" : typeof value === "string" ? value : JSON.stringify(value);
}
