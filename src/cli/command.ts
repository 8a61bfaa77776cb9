/**
 * What a command of the command line is: its help, its arguments and options, and what it does.
 *
 * - COMMAND-1: a command's module is imported only when that command runs, and no graph of the entry
 *   holds it (`modules.ts`): the runtime reads a whole graph before it runs its first line. Help,
 *   `--version`, completion and what is wrong with the words come from `catalogue.gen.ts`.
 * - COMMAND-2: a command changes nothing before `context.consent()` or `context.announce()` returns,
 *   so `--dry-run` can't act.
 *
 * @module
 */

import type { Continuum, OperatorOptions } from "../operate/client.ts";
import type { Acts } from "../operate/acts/acts.ts";
import type { BundleRequest } from "../operate/bundles.ts";
import type { Read } from "../operate/readings/reader.ts";
import type { Plan } from "./consent.ts";
import type { Globals } from "./globals.ts";
import type { Output } from "./output/output.ts";

/** An example of a command's help. */
export interface Example {
  /** What it shows, such as `The newest failures`. */
  readonly text: string;
  /** The command line, without `continuum`. */
  readonly line: string;
}

/** An option of a command. */
export interface OptionSpec {
  /** Its notation: `--limit <n>`, `--wait`, `-o, --output <file>`, `--no-color`. */
  readonly flags: string;
  /** What it does, in a few words. */
  readonly text: string;
  /** Whether it may be given several times; its value is an array then. */
  readonly repeat?: true;
  /**
   * Converts the text. It throws `UsageError` for a wrong one; `readers.ts` has the usual ones.
   *
   * @param text The text.
   * @param flag The option's long name, for errors.
   */
  read?(text: string, flag: string): unknown;
}

/** What the command line knows of a command before it is imported. */
export interface CommandWords {
  /** Examples, printed first in its help; at least one. */
  readonly examples: readonly [Example, ...Example[]];
  /** Positional arguments: `["<id>", "The run's id"]`, `["[input]", ...]`, `["<id...>", ...]`. */
  readonly arguments?: readonly (readonly [notation: string, text: string])[];
  /** Its own options. */
  readonly options?: readonly OptionSpec[];
  /** Names that `--fields` accepts: the keys of what `--json` prints for one item. */
  readonly fields?: readonly string[];
  /** It changes something: `--yes`, `--dry-run`, `--reason` and `--as` exist only then. */
  readonly acts?: {
    /** Whether `--reason` is required. */
    readonly needsReason: boolean;
  };
}

/** A command. */
export interface Command<Options extends object = object> extends CommandWords {
  /**
   * It finishes what it has begun when it is interrupted or its `--timeout` ends: it watches
   * `context.signal`, and is killed only by a second signal. `"serves"`: an interruption is how it
   * ends, so its own exit code counts.
   */
  readonly graceful?: true | "serves";
  /**
   * Runs the command.
   *
   * @param context Its arguments and options, the output, and the database.
   * @returns The exit code; 0 when omitted.
   */
  run(context: CommandContext<Options>): Promise<number | void>;
}

/** A command in the catalogue. */
export interface Listed extends CommandWords {
  /** Its words: `runs list`. */
  readonly path: string;
  /** What it does, for the list of commands. */
  readonly summary: string;
}

/** What a command is given. */
export interface CommandContext<Options extends object = object> {
  /** The positional arguments, in the order of `arguments`; a variadic one is spread. */
  readonly args: readonly string[];
  /** The command's own options, by their names in camel case. */
  readonly options: Options;
  /** The global options. */
  readonly globals: Globals;
  /** Prints results. */
  readonly out: Output;
  /** Aborts at SIGINT (Ctrl-C) and SIGTERM, and when the `--timeout` ends. */
  readonly signal: AbortSignal;
  /**
   * Which database the options name.
   *
   * @param why Why an observer can't stand in for it, for the error.
   * @throws {UsageError} If they name none, or a server.
   */
  database(why?: string): OperatorOptions;
  /**
   * Connects to the database, once; the connection is closed when the command ends.
   *
   * @param trust Patterns of modules whose code may run in this process; none when omitted.
   */
  client(trust?: readonly string[]): Promise<Continuum>;
  /**
   * Acts in the database, or by the observer that `--server` names.
   *
   * @param trust As of `client`.
   */
  acts(trust?: readonly string[]): Promise<Acts>;
  /** Reads from the database, or from the observer that `--server` names. */
  readonly read: Read;
  /**
   * Exports runs as the bytes of a bundle, from the database or from the observer.
   *
   * @param ids The runs.
   * @param request What the bundle holds.
   */
  bundle(ids: readonly string[], request: BundleRequest): Promise<Uint8Array<ArrayBuffer>>;
  /** Reads all of standard input, as text. */
  input(): Promise<string>;
  /** Reads the next line of standard input; `null`: it has ended. */
  readLine(): Promise<string | null>;
  /**
   * Shows where a line may be typed; nothing if standard input is a pipe.
   *
   * @param text The prompt.
   */
  prompt(text: string): void;
  /**
   * Prints what will happen, and asks for the number or the id. Ends the command with code 0 if
   * `--dry-run` is set, and with code 5 if the answer is another.
   *
   * @param plan What will happen.
   */
  consent(plan: Plan): Promise<void>;
  /**
   * Like `consent`, for what needs no question: it prints the plan only if `--dry-run` is set, and
   * ends the command then.
   *
   * @param lines What will happen.
   */
  announce(lines: readonly string[]): void;
}

/**
 * Defines a command, so that its options are typed.
 *
 * @param command The command.
 * @returns The same.
 */
export function defineCommand<Options extends object = object>(
  command: Command<Options>,
): Command<Options> {
  return command;
}
