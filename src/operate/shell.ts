/**
 * Command lines that a person copies into a shell.
 *
 * @module
 */

import { printable } from "../base/describe.ts";

/**
 * A command line of this program for bash, zsh and other shells that know `$'...'`.
 *
 * @param command The words of the command: `signal`.
 * @param args Its positional arguments, any texts.
 * @param options Options that take a text, by their names without dashes.
 * @returns The line: no control characters, and no argument is taken for an option.
 */
export function commandLine(
  command: string,
  args: readonly string[],
  options: Readonly<Record<string, string>> = {},
): string {
  const isOption = args.some((arg) => arg.startsWith("-"));
  // With `=`, a text that begins with a dash is not taken for another option.
  const given = Object.entries(options).map(([name, text]) =>
    text.startsWith("-") ? `--${name}=${wordOf(text)}` : `--${name} ${wordOf(text)}`
  );
  return ["continuum", command, ...given, ...(isOption ? ["--"] : []), ...args.map(wordOf)]
    .join(" ");
}

function wordOf(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  // The escapes of `printable` are those of `$'...'` too.
  if (printable(text) !== text) return `$'${printable(text.replace(/[\\']/g, "\\$&"))}'`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
