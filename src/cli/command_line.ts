/**
 * Reads the command line by the catalogue: no command is imported for it (COMMAND-1 of `command.ts`).
 *
 * @module
 */

import { printable, quote } from "../base/describe.ts";
import { COMMANDS, GROUPS } from "./catalogue.gen.ts";
import type { Listed, OptionSpec } from "./command.ts";
import { Done, UsageError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import { ACTING_OPTIONS, GLOBAL_OPTIONS, type GlobalOption } from "./globals.ts";
import { helpOf, PROGRAM } from "./help.ts";
import { argumentOf, converted, type Given, type Option, optionOf } from "./notation.ts";
import { similar } from "./readers.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line asks for. */
export interface Invocation {
  /** The command's words: `runs list`. */
  readonly path: string;
  /** The positional arguments. */
  readonly args: readonly string[];
  /** The command's own options that were given, as texts. */
  readonly options: Given;
  /** The other options that were given: those of every command, and of commands that act. */
  readonly globals: Readonly<Record<string, unknown>>;
}

/** Where help is printed. */
export type HelpStreams = Pick<Terminal, "columns" | "write" | "writeError">;

/** The options that ask for help, and for the version. */
const HELP: readonly string[] = ["-h", "--help"];
const VERSION: readonly string[] = ["-V", "--version"];

/** An option that is known at a place of the command line. */
interface Known extends Option {
  readonly repeat: boolean;
}

const GLOBAL = known(specsOf(GLOBAL_OPTIONS));

/**
 * Reads the command line.
 *
 * @param args The arguments of the process.
 * @param version What `--version` prints.
 * @param streams Where help is printed.
 * @returns The command, its arguments and options.
 * @throws {Done} If help or the version was asked for, and is printed.
 * @throws {UsageError} If the command line is wrong.
 */
export function readCommandLine(
  args: readonly string[],
  version: string,
  streams: HelpStreams,
): Invocation {
  const words = args[0] === "help" ? [...args.slice(1), "--help"] : args;
  const path = pathOf(words);
  const command = COMMANDS.find((each) => each.path === path.join(" "));
  const shared = specsOf([
    ...(command?.acts === undefined ? [] : ACTING_OPTIONS),
    ...GLOBAL_OPTIONS,
  ]);
  const own = command?.options ?? [];
  const all = known([...shared, ...own]); // an own option stands in for one of every command
  const given: Record<string, string | boolean | string[]> = {};
  const positional: string[] = [];
  let passed = 0;
  let asksForHelp = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (word === "--") {
      if (command === undefined || passed < path.length) {
        throw new UsageError(
          'Cannot find the command: found "--" before it, wanted the command first',
          helpHint(path),
        );
      }
      positional.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      if (passed < path.length) passed++; // options and their values stand between them
      else if (command !== undefined) positional.push(word);
      else throw unknownCommand(word, path);
      continue;
    }
    const here = passed < path.length ? GLOBAL : all;
    const [name, attached] = partsOf(word);
    const option = here.get(name);
    if (option?.value === undefined && HELP.includes(word)) asksForHelp = true;
    else if (option === undefined && passed === 0 && VERSION.includes(word)) {
      streams.write(`${version}\n`);
      throw new Done(EXIT.done);
    } else if (option === undefined) {
      const similars = name.startsWith("--") ? similar(name, [...here.keys(), ...HELP]) : "";
      throw new UsageError(`Unknown option ${quote(name)}${similars}`, helpHint(path));
    } else if (option.value === undefined) {
      if (attached !== undefined) throw refused(name, `the value ${quote(attached)}`, "none", path);
      given[option.name] = option.sets;
    } else {
      const value = attached ?? valueOf(option, word, words[++index], path);
      const before = given[option.name];
      if (!option.repeat) given[option.name] = value;
      else given[option.name] = Array.isArray(before) ? [...before, value] : [value];
    }
  }
  if (asksForHelp || command === undefined) {
    const text = helpOf(path, streams.columns);
    if (asksForHelp) streams.write(text);
    else streams.writeError(text); // there is no command
    throw new Done(asksForHelp ? EXIT.done : EXIT.usage);
  }
  checkArguments(positional, command);
  const ofCommand = new Set(own.map(({ flags }) => optionOf(flags).name));
  const pick = (isOwn: boolean) =>
    Object.fromEntries(
      Object.entries(given).filter(([name]) => ofCommand.has(name) === isOwn),
    );
  const globals = converted(shared, pick(false));
  return { path: command.path, args: positional, options: pick(true), globals };
}

/** The words of the command or group that is named; options that come before them are skipped. */
function pathOf(words: readonly string[]): readonly string[] {
  const named: string[] = [];
  for (let index = 0; index < words.length && named.length < 2; index++) {
    const word = words[index]!;
    if (word === "--") break;
    if (!word.startsWith("-")) named.push(word);
    else if (GLOBAL.get(word)?.value !== undefined) index++;
  }
  const isCommand = (path: string) => COMMANDS.some((each) => each.path === path);
  if (isCommand(named.join(" "))) return named;
  const [first] = named;
  if (first === undefined) return [];
  return isCommand(first) || Object.hasOwn(GROUPS, first) ? [first] : [];
}

function specsOf(options: readonly GlobalOption[]): OptionSpec[] {
  return options.map(([flags, text]) => ({ flags, text }));
}

/** The options by their long and short names; a later one replaces an earlier one. */
function known(options: readonly OptionSpec[]): ReadonlyMap<string, Known> {
  const found = new Map<string, Known>();
  for (const { flags, repeat = false } of options) {
    const option = { ...optionOf(flags), repeat };
    found.set(option.long, option);
    if (option.short !== undefined) found.set(option.short, option);
  }
  return found;
}

/** An option and the value that is attached to it: `--limit=5`, `-ofile`. */
function partsOf(word: string): readonly [name: string, value: string | undefined] {
  if (!word.startsWith("--")) return [word.slice(0, 2), word.slice(2) || undefined];
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** The value that follows an option. If it is another option, the value was forgotten. */
function valueOf(
  { value: wanted }: Option,
  word: string,
  value: string | undefined,
  path: readonly string[],
): string {
  if (value === undefined) throw refused(word, "nothing after it", wanted!, path);
  if (!value.startsWith("--") && !HELP.includes(value)) return value;
  throw new UsageError(
    `Cannot use ${word}: found ${printable(value)} after it, wanted its value`,
    `A value that begins so follows an equals sign: ${word}=${printable(value)}`,
  );
}

function checkArguments(found: readonly string[], { path, arguments: specs = [] }: Listed): void {
  const wanted = specs.map(([notation, text]) => ({ ...argumentOf(notation), notation, text }));
  const missing = wanted.slice(found.length).find(({ isOptional }) => !isOptional);
  const hint = helpHint([path]);
  if (missing !== undefined) {
    throw new UsageError(`Missing argument ${missing.notation}: ${missing.text}`, hint);
  }
  if (found.length <= wanted.length || wanted.at(-1)?.isVariadic) return;
  const extra = quote(found[wanted.length]!);
  const most = wanted.length === 0 ? "none" : `at most ${wanted.length}`;
  throw new UsageError(`Too many arguments: found ${extra}, wanted ${most}`, hint);
}

function unknownCommand(word: string, path: readonly string[]): UsageError {
  const words = COMMANDS.map((each) => each.path.split(" ")[path.length])
    .filter((_, index) => path.every((part) => COMMANDS[index]!.path.startsWith(`${part} `)));
  const similars = similar(word, [...new Set(words)] as string[]);
  return new UsageError(`Unknown command ${quote(word)}${similars}`, helpHint(path));
}

function refused(
  flag: string,
  found: string,
  wanted: string,
  path: readonly string[],
): UsageError {
  return new UsageError(`Cannot use ${flag}: found ${found}, wanted ${wanted}`, helpHint(path));
}

function helpHint(path: readonly string[]): string {
  return `See \`${[PROGRAM, ...path].join(" ")} --help\`.`;
}
