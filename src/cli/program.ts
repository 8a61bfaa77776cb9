/**
 * Reads the command line by means of commander: one command's module is imported, the others are
 * known by name and summary only (COMMAND-1 of `command.ts`).
 *
 * @module
 */

import { Command as Commander, CommanderError, Option } from "commander";
import { printable } from "../base/describe.ts";
import type { Command, Entry, OptionSpec } from "./command.ts";
import { Done, UsageError } from "./errors.ts";
import { filled } from "./readers.ts";
import { EXIT } from "./exit_codes.ts";
import { ACTING_OPTIONS, GLOBAL_OPTIONS, WITH_VALUE } from "./globals.ts";
import { COMMANDS, GROUPS } from "./registry.ts";

/** What the command line asks for. */
export interface Invocation {
  /** The command. */
  readonly command: Command;
  /** Its words: `runs list`. */
  readonly path: string;
  /** The positional arguments. */
  readonly args: readonly string[];
  /** The command's own options that were given, by their names in camel case. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The other options that were given: those of every command, and of commands that act. */
  readonly globals: Readonly<Record<string, unknown>>;
}

/** Where help is printed. */
export interface HelpStreams {
  /** Prints help that was asked for. */
  write(text: string): void;
  /** Prints help instead of a missing command. */
  writeError(text: string): void;
}

/** The options that ask for help. */
const HELP: ReadonlySet<string> = new Set(["-h", "--help"]);

/** The program's name in help. */
const NAME = "continuum";

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
export async function readCommandLine(
  args: readonly string[],
  version: string,
  streams: HelpStreams,
): Promise<Invocation> {
  const words = args[0] === "help" ? [...args.slice(1), "--help"] : args;
  const found = entryOf(words);
  const entry = found === "unknown" ? undefined : found;
  const command = (await entry?.load())?.command;
  checkValues(words, command);
  let invocation: Invocation | undefined;
  const root = programOf(version, streams, entry);
  const leaf = entry && leafOf(root, entry.path);
  if (entry !== undefined && leaf !== undefined && command !== undefined) {
    configure(leaf, entry.path, command);
    leaf.action(() => {
      const all = { ...givenTo(root), ...givenTo(leaf.parent), ...givenTo(leaf) };
      const own = new Set(command.options?.map(({ flags }) => new Option(flags).attributeName()));
      const { true: options = [], false: globals = [] } = Object.groupBy(
        Object.entries(all),
        ([name]) => own.has(name) ? "true" : "false",
      );
      invocation = {
        command,
        path: entry.path,
        args: leaf.args,
        options: Object.fromEntries(options),
        globals: Object.fromEntries(globals),
      };
    });
  }
  try {
    // Help for a command that does not exist would hide the mistake.
    const given = found === "unknown" ? words.filter((word) => !HELP.has(word)) : words;
    await root.parseAsync([...given], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new Done(EXIT.done);
    if (error.code === "commander.help") throw new Done(EXIT.usage); // printed, as there is no command
    throw usageError(error.message, words, entry);
  }
  if (invocation !== undefined) return invocation;
  throw new UsageError('Cannot find the command: found "--" before it, wanted the command first');
}

/**
 * Refuses an option whose value is another option: its own value was forgotten.
 *
 * @throws {UsageError} If there is one.
 */
function checkValues(words: readonly string[], command: Command | undefined): void {
  const own = (command?.options ?? []).map(({ flags }) => new Option(flags));
  const taking = new Set([
    ...WITH_VALUE,
    ...own.flatMap(({ required, short, long }) => required ? [short, long] : []),
  ]);
  for (const { long, required } of own) if (!required) taking.delete(long!);
  for (let index = 0; index < words.length && words[index] !== "--"; index++) {
    const word = words[index]!;
    if (!taking.has(word)) continue;
    const value = words[++index];
    if (value === undefined || !value.startsWith("--") && !HELP.has(value)) continue;
    throw new UsageError(
      `Cannot use ${word}: found ${printable(value)} after it, wanted its value`,
      `A value that begins so follows an equals sign: ${word}=${printable(value)}`,
    );
  }
}

/**
 * Which command the words ask for: options that come before it are skipped.
 *
 * @returns `"unknown"`: they name a command that does not exist; `undefined`: they name none.
 */
function entryOf(words: readonly string[]): Entry | "unknown" | undefined {
  const [first, second] = leadingWords(words);
  if (first === undefined) return undefined;
  const at = (path: string) => COMMANDS.find((entry) => entry.path === path);
  const found = at(`${first} ${second}`) ?? at(first);
  if (found !== undefined) return found;
  return Object.hasOwn(GROUPS, first) && second === undefined ? undefined : "unknown";
}

/** The first two words that are no options and no values of global options. */
function leadingWords(words: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (let index = 0; index < words.length && found.length < 2; index++) {
    const word = words[index]!;
    if (word === "--") break;
    if (!word.startsWith("-")) found.push(word);
    else if (WITH_VALUE.has(word)) index++;
  }
  return found;
}

/** What someone does who has never used it. */
const FIRST_STEPS = `Examples:
  # Create the tables, once
  ${NAME} migrate
  # Execute the runs of a workflow module, until Ctrl-C
  ${NAME} worker order.ts
  # Start a run of the workflow that the module names order, and wait for what it returns
  ${NAME} start order '{"items":3}' --id o-1 --wait
  # See what runs wait for
  ${NAME} runs list
`;

/**
 * All commands, each with its name and summary. The options of every command may stand behind a
 * group's name as well, unless that is the command that is asked for.
 */
function programOf(version: string, streams: HelpStreams, entry: Entry | undefined): Commander {
  const root = new Commander(NAME)
    .description("Runs, versions and schedules of Continuum, from a command line.")
    .version(version, "-V, --version", "print the version")
    .exitOverride()
    .enablePositionalOptions()
    .helpCommand(false)
    .helpOption("-h, --help", "print help")
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => streams.write(text),
      writeErr: (text) => streams.writeError(text),
      outputError: () => {}, // reported by the caller, with the exit code
    });
  addGlobals(root);
  root.addHelpText("before", FIRST_STEPS);
  root.addHelpText(
    "after",
    `\nExit codes: 0 done, 1 failed, 2 usage, 3 found something, 4 not found, 5 refused,\n` +
      `6 the awaited run did not complete, 7 database unavailable, 124 timeout, 130 interrupted`,
  );
  const groups = new Map<string, Commander>();
  for (const { path, summary } of COMMANDS) {
    const [first, second] = path.split(" ");
    if (second === undefined) {
      root.command(first!).description(summary).allowUnknownOption().allowExcessArguments();
      continue;
    }
    let group = groups.get(first!);
    if (group === undefined) {
      // A command may be a group as well: `health`, and `health acknowledge`.
      group = root.commands.find((command) => command.name() === first);
      group ??= root.command(first!).description(GROUPS[first!]!);
      if (entry?.path !== first) addGlobals(group.allowUnknownOption(false));
      group.helpCommand(false);
      groups.set(first!, group);
    }
    group.command(second).description(summary);
  }
  return root;
}

/** The options that were given to a command: defaults must not replace what another was given. */
function givenTo(command: Commander | null): Readonly<Record<string, unknown>> {
  const isGiven = ([name]: [string, unknown]) => command!.getOptionValueSource(name) === "cli";
  return Object.fromEntries(Object.entries(command?.opts() ?? {}).filter(isGiven));
}

function leafOf(root: Commander, path: string): Commander {
  return path.split(" ").reduce(
    (command, word) => command.commands.find((each) => each.name() === word)!,
    root,
  );
}

function configure(leaf: Commander, path: string, command: Command): void {
  leaf.allowUnknownOption(false).allowExcessArguments(false);
  for (const [notation, text] of command.arguments ?? []) leaf.argument(notation, text);
  for (const option of command.options ?? []) leaf.addOption(optionOf(option));
  if (command.acts !== undefined) {
    for (const [flags, text] of ACTING_OPTIONS) leaf.addOption(optionOf({ flags, text }));
  }
  const own = new Set(leaf.options.map(({ long }) => long));
  addGlobals(leaf, own);
  const examples = command.examples.map(({ text, line }) => `  # ${text}\n  ${NAME} ${line}\n`);
  leaf.addHelpText("before", `Examples:\n${examples.join("")}`);
  if (command.fields !== undefined) {
    leaf.addHelpText("after", `\nFields of --json and --fields: ${command.fields.join(", ")}`);
  }
  leaf.summary(path);
}

function addGlobals(command: Commander, except: ReadonlySet<string | undefined> = new Set()): void {
  for (const [flags, text] of GLOBAL_OPTIONS) {
    const option = optionOf({ flags, text });
    if (!except.has(option.long)) command.addOption(option.helpGroup("Options of every command:"));
  }
}

function optionOf({ flags, text, repeat, read }: OptionSpec): Option {
  const option = new Option(flags, text);
  const name = option.long ?? flags;
  if (option.required || option.optional) {
    option.argParser((value: string, before: unknown) => {
      const converted = (read ?? filled)(value, name);
      if (repeat !== true) return converted;
      return [...(before as unknown[] | undefined ?? []), converted];
    });
  }
  return option;
}

/** Commander's message in the form of this package's errors, with the way to the help. */
function usageError(
  message: string,
  words: readonly string[],
  entry: Entry | undefined,
): UsageError {
  const [first] = words.filter((word) => !word.startsWith("-"));
  const group = first !== undefined && Object.hasOwn(GROUPS, first) ? ` ${first}` : "";
  const help = `${NAME}${entry === undefined ? group : ` ${entry.path}`} --help`;
  const sentence = message.replace(/^error: /, "").replace(/\n/g, " ");
  return new UsageError(
    `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`,
    `See \`${help}\`.`,
  );
}
