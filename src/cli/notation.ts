/**
 * The notation of options and arguments: `-o, --output <file>`, `--no-color`, `<id...>`, `[input]`.
 *
 * @module
 */

import type { OptionSpec } from "./command.ts";
import { filled } from "./readers.ts";

/** Options that were given: their texts, by their names in camel case; a flag is `true` or `false`. */
export type Given = Readonly<Record<string, string | boolean | readonly string[]>>;

/** An option, as its notation says. */
export interface Option {
  /** Its long name: `--dry-run`. */
  readonly long: string;
  /** Its short name; `undefined`: it has none. */
  readonly short: string | undefined;
  /** Its name in camel case: `dryRun`; of `--no-color` it is `color`. */
  readonly name: string;
  /** What its value is: `<file>`; `undefined`: it takes none. */
  readonly value: string | undefined;
  /** What a flag sets: `false` for `--no-color`. */
  readonly sets: boolean;
}

/**
 * Reads the notation of an option.
 *
 * @param flags The notation.
 * @throws {TypeError} If the notation is invalid, which is a mistake in a command.
 */
export function optionOf(flags: string): Option {
  const [, short, long, value] = /^(?:(-\w), )?(--[a-z][a-z-]*)(?: (<.+>))?$/.exec(flags) ?? [];
  if (long === undefined) throw new TypeError(`Cannot read the notation of option ${flags}`);
  const isNegative = long.startsWith("--no-");
  const name = long.slice(isNegative ? 5 : 2)
    .replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return { long, short, name, value, sets: !isNegative };
}

/** An argument, as its notation says. */
export interface Argument {
  /** Its name: `id`. */
  readonly name: string;
  /** Whether it may be omitted: `[id]`. */
  readonly isOptional: boolean;
  /** Whether it takes all that follow: `<id...>`. */
  readonly isVariadic: boolean;
}

/**
 * Reads the notation of an argument.
 *
 * @param notation The notation.
 */
export function argumentOf(notation: string): Argument {
  return {
    name: notation.replaceAll(/[<>[\].]/g, ""),
    isOptional: notation.startsWith("["),
    isVariadic: notation.includes("..."),
  };
}

/**
 * Converts the texts of options.
 *
 * @param options The options.
 * @param given Their texts.
 * @returns Their values, by the same names.
 * @throws {UsageError} If one is wrong.
 */
export function converted(options: readonly OptionSpec[], given: Given): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { flags, read = filled } of options) {
    const { name, long } = optionOf(flags);
    const text = given[name];
    if (text === undefined) continue;
    if (typeof text === "boolean") values[name] = text;
    else if (typeof text === "string") values[name] = read(text, long);
    else values[name] = text.map((each) => read(each, long));
  }
  return values;
}
