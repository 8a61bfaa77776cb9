/**
 * Finds where a text stops to be JSON, or holds a number that JavaScript would change.
 *
 * @module
 */

import { quote } from "../base/describe.ts";

/** What is wrong with a text, and where. */
export interface JsonFault {
  /** What was found there. */
  readonly found: string;
  /** What was wanted. */
  readonly wanted: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1, in characters. */
  readonly column: number;
}

const SPACE = /[ \t\n\r]*/y;
// deno-lint-ignore no-control-regex -- JSON allows none of them in a text
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /(?:true|false|null)(?![\w$])/y;

/**
 * Checks a text.
 *
 * @param text The text.
 * @returns The first fault; `null`: it is JSON, and JavaScript holds every whole number in it exactly,
 * and no number in it is too large for JavaScript.
 */
export function faultOf(text: string): JsonFault | null {
  const scan = new Scan(text);
  const fault = scan.value() ?? scan.end();
  if (fault === null) return null;
  const before = text.slice(0, fault.at).split("\n");
  return {
    found: fault.found ?? foundAt(text, fault.at),
    wanted: fault.wanted,
    line: before.length,
    column: before.at(-1)!.length + 1,
  };
}

interface Fault {
  readonly at: number;
  readonly wanted: string;
  readonly found?: string;
}

/** How deep values may nest: `JSON.parse` takes more, and a stack does not. */
const MAX_DEPTH = 1_000;

class Scan {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): Fault | null {
    this.#take(SPACE);
    switch (this.#text[this.#at]) {
      case "{":
        return this.#list("}", () => this.#member());
      case "[":
        return this.#list("]", () => this.value());
      case '"':
        return this.#textValue();
    }
    if (this.#take(WORD) !== null) return null;
    const at = this.#at;
    const number = this.#take(NUMBER);
    if (number === null) return { at, wanted: "JSON" };
    const isExact = Number.isFinite(Number(number)) &&
      (!/^-?\d+$/.test(number) || BigInt(number) === BigInt(Number(number)));
    if (isExact) return null;
    return {
      at,
      found: `number ${quote(number)}, which JavaScript can't hold exactly,`,
      wanted: 'a text, or {"$continuum":"bigint","value":"..."}',
    };
  }

  end(): Fault | null {
    this.#take(SPACE);
    return this.#at === this.#text.length ? null : { at: this.#at, wanted: "the end" };
  }

  #list(close: string, item: () => Fault | null): Fault | null {
    if (++this.#depth > MAX_DEPTH) {
      return { at: this.#at, wanted: `at most ${MAX_DEPTH} values inside each other` };
    }
    this.#at++;
    if (this.#skip(close)) return this.#leave();
    for (;;) {
      const fault = item();
      if (fault !== null) return fault;
      if (this.#skip(close)) return this.#leave();
      if (!this.#skip(",")) return { at: this.#at, wanted: `"," or "${close}"` };
    }
  }

  #leave(): null {
    this.#depth--;
    return null;
  }

  #member(): Fault | null {
    this.#take(SPACE);
    if (this.#text[this.#at] !== '"') return { at: this.#at, wanted: "a name in double quotes" };
    const fault = this.#textValue();
    if (fault !== null) return fault;
    return this.#skip(":") ? this.value() : { at: this.#at, wanted: '":"' };
  }

  #textValue(): Fault | null {
    const at = this.#at;
    if (this.#take(TEXT) !== null) return null;
    return { at, found: "a text without its end", wanted: "a text in double quotes" };
  }

  #skip(character: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }
}

function foundAt(text: string, at: number): string {
  return at >= text.length ? "the end" : quote(String.fromCodePoint(text.codePointAt(at)!));
}
