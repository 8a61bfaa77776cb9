/**
 * Lists that are read page by page: their options, and the way to the next page.
 *
 * @module
 */

import type { OptionSpec } from "./command.ts";
import { UsageError } from "./errors.ts";
import { whole } from "./readers.ts";

/** The options, as the command line gives them. */
export interface PagingOptions {
  readonly limit?: number;
  readonly all?: boolean;
  readonly after?: string;
}

/** What a page is asked for by. */
export interface AskedPage {
  /** How many items. */
  readonly limit: number;
  /** The cursor of the page before; `undefined`: there is none. */
  readonly cursor: string | undefined;
}

/** The most items of a page. */
const MAX_LIMIT = 1_000;

/**
 * The options.
 *
 * @param usual How many items are printed unless an option says otherwise.
 */
export function pagingOptions(usual: number): readonly OptionSpec[] {
  return [
    {
      flags: "--limit <n>",
      text: `how many, from 1 to ${MAX_LIMIT}; ${usual} if omitted`,
      read: whole(1, MAX_LIMIT),
    },
    { flags: "--all", text: "all of them, page by page" },
    { flags: "--after <cursor>", text: "the next page: the cursor that the page before printed" },
  ];
}

/** The pages that a command prints. */
export class Pages<Item> {
  readonly #all: boolean;
  readonly #limit: number;
  readonly #read: (page: AskedPage) => Promise<readonly [readonly Item[], string | null]>;
  #cursor: string | null;

  /**
   * @param options What was given.
   * @param usual How many items are printed if nothing was given.
   * @param read Reads a page; it returns the items, and the cursor of the next page.
   * @throws {UsageError} If all and some are asked for.
   */
  constructor(
    { all = false, limit, after }: PagingOptions,
    usual: number,
    read: (page: AskedPage) => Promise<readonly [readonly Item[], string | null]>,
  ) {
    if (all && limit !== undefined) {
      throw new UsageError("Cannot use --all and --limit at once: found both, wanted one");
    }
    this.#all = all;
    this.#limit = all ? MAX_LIMIT : limit ?? usual;
    this.#read = read;
    this.#cursor = after ?? null;
  }

  /** The items of the page, or of all pages. */
  async *items(): AsyncIterable<Item> {
    do {
      const [items, cursor] = await this.#read({
        limit: this.#limit,
        cursor: this.#cursor ?? undefined,
      });
      yield* items;
      this.#cursor = cursor;
    } while (this.#all && this.#cursor !== null);
  }

  /** Whether there are more, after the items that were read. */
  get hasMore(): boolean {
    return this.#cursor !== null;
  }

  /** What a JSON document says of the next page. */
  readonly rest = (): { readonly next: string | null } => ({ next: this.#cursor });

  /** The line that leads to the next page; none if there is no more. */
  readonly next = (): readonly string[] =>
    this.#cursor === null ? [] : [`next: the same options and --after ${this.#cursor}`];
}
