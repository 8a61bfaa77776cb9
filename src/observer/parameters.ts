/**
 * Parameters: what an address or a form may say, and how each is read.
 *
 * - GIVEN-1: nothing that a viewer says is ignored or misread. Each route lists its parameters, and
 *   the handler reads all that was given before the route does anything. A name that is not listed, a
 *   value that is not what is wanted, and a second value of a parameter that has one are refused, with
 *   the parameter's name. A route can read listed parameters only.
 *
 * @module
 */

import { checkText, refuse } from "../base/arguments.ts";
import { inWords, quote } from "../base/describe.ts";
import type { Fields } from "./fields.ts";
import type { Parameter } from "./parameter.ts";
import { UTC, ZONE } from "./time_parameters.ts";

export type { Parameter };

/** The longest text of a parameter, in characters. */
const MOST_TEXT = 10_000;

/**
 * Any text, such as an id.
 *
 * @param name The name.
 */
export function textParameter(name: string): Parameter<string> {
  return { name, many: false, read: (text, what) => checkText(text, what, MOST_TEXT) };
}

/**
 * A whole number.
 *
 * @param name The name.
 * @param from The least.
 * @param to The most.
 */
export function wholeParameter(
  name: string,
  from: number,
  to: number = 999_999_999,
): Parameter<number> {
  const wanted = `a whole number from ${from}${to === 999_999_999 ? "" : ` to ${to}`}`;
  return {
    name,
    many: false,
    read(text, what) {
      const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
      return number >= from && number <= to ? number : refuse(what, text, wanted);
    },
  };
}

/**
 * One of a few words.
 *
 * @param name The name.
 * @param words The words.
 */
export function wordParameter<Word extends string>(
  name: string,
  words: readonly Word[],
): Parameter<Word> {
  return {
    name,
    many: false,
    read: (text, what) =>
      words.find((word) => word === text) ?? refuse(what, text, words.join(", ")),
  };
}

/**
 * A switch: `1`, or nothing.
 *
 * @param name The name.
 */
export function switchParameter(name: string): Parameter<true> {
  return {
    name,
    many: false,
    read: (text, what) => text === "1" ? true : refuse(what, text, "1, or no such parameter"),
  };
}

/**
 * A value as JSON.
 *
 * @param name The name.
 */
export function jsonParameter(name: string): Parameter<never> {
  return { name, many: false, isJson: true, read: (text, what) => refuse(what, text, "JSON") };
}

/**
 * The same parameter, which may be given several times.
 *
 * @param parameter The parameter.
 */
export function several<Value>(parameter: Parameter<Value>): Parameter<Value> {
  return { ...parameter, many: true };
}

/** What was given for the parameters of a route (GIVEN-1). */
export class Given {
  /** Why not all of it was read; `null`: it was. */
  readonly fault: unknown = null;
  readonly #read = new Map<Parameter, readonly unknown[]>();

  /**
   * Reads all that can be read.
   *
   * @param fields What was given.
   * @param parameters The parameters that there are.
   */
  constructor(fields: Fields, parameters: readonly Parameter[]) {
    for (const parameter of parameters) this.#read.set(parameter, []);
    try {
      this.#readAll(fields, parameters);
    } catch (fault) {
      this.fault = fault;
    }
  }

  #readAll(fields: Fields, parameters: readonly Parameter[]): void {
    const names = parameters.map(({ name }) => name);
    for (const name of fields.names) {
      if (names.includes(name)) continue;
      const wanted = names.length === 0 ? "none" : names.join(", ");
      refuse("the parameters of this address", inWords(quote(name)), wanted);
    }
    const zone = names.includes(ZONE.name) ? valuesOf(ZONE, fields, UTC)[0] ?? UTC : UTC;
    // JSON comes last: a form that is shown again for it has all else that was entered.
    for (const parameter of parameters) {
      if (!parameter.isJson) this.#read.set(parameter, valuesOf(parameter, fields, zone));
    }
    for (const { name, isJson } of parameters) if (isJson) fields.json(name);
  }

  /**
   * Refuses what can't be read.
   *
   * @throws {InvalidArgumentError} If another name was given, or a value can't be read.
   */
  check(): void {
    if (this.fault !== null) throw this.fault;
  }

  /**
   * The value of a parameter; `null`: none was given.
   *
   * @param parameter The parameter.
   */
  one<Value>(parameter: Parameter<Value>): Value | null {
    return this.all(parameter)[0] ?? null;
  }

  /**
   * All values of a parameter.
   *
   * @param parameter The parameter.
   */
  all<Value>(parameter: Parameter<Value>): readonly Value[] {
    const values = this.#read.get(parameter);
    if (values === undefined) throw new TypeError(`the route does not list ${parameter.name}`);
    return values as readonly Value[]; // which this parameter has read
  }
}

function valuesOf<Value>(
  { name, many, read }: Parameter<Value>,
  fields: Fields,
  zone: string,
): Value[] {
  const what = `parameter ${name}`;
  const texts = fields.list(name);
  if (texts.length > 1 && !many) refuse(what, inWords(`${texts.length} values`), "one");
  return texts.map((text) => read(text, what, zone));
}
