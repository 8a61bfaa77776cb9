/**
 * Runs a command line: reads it, runs the command, reports its error, and returns the exit code.
 *
 * @module
 */

import type { Continuum, OperatorIdentity, OperatorOptions } from "../operate/client.ts";
import type { Read } from "../operate/readings/reader.ts";
import type { ServerOptions } from "../operate/readings/server.ts";
import { quote } from "../base/describe.ts";
import type { Command, CommandContext } from "./command.ts";
import { announcePlan, askConsent } from "./consent.ts";
import { CliError, Done, shownError, UsageError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import { type Globals, readGlobals } from "./globals.ts";
import { json, Output } from "./output/output.ts";
import { shown } from "./output/text.ts";
import { type Invocation, readCommandLine } from "./program.ts";
import { COMMANDS, GROUPS } from "./registry.ts";
import { ReaderGone, type Terminal } from "./terminal.ts";

/**
 * Runs a command line.
 *
 * @param args The arguments of the process.
 * @param version What `--version` prints.
 * @param terminal The streams and the environment of the process.
 * @returns The exit code.
 */
export async function runCommandLine(
  args: readonly string[],
  version: string,
  terminal: Terminal,
): Promise<number> {
  try {
    const invocation = await readCommandLine(args, version, terminal);
    return await runCommand(invocation, terminal);
  } catch (error) {
    return report(error, args, terminal);
  }
}

async function runCommand(
  { command, args, options, globals: given }: Invocation,
  terminal: Terminal,
): Promise<number> {
  const globals = readGlobals(given, (name) => terminal.env(name));
  if (command.acts?.needsReason && globals.reason === undefined) {
    throw new UsageError("Cannot do this without --reason: found none, wanted why it is done");
  }
  const out = new Output(terminal, globals, command.fields ?? []);
  using interruption = new Interruption(command, globals);
  const operator = command.acts === undefined ? undefined : operatorOf(globals);
  await using connection = new Connection(globals, operator, interruption.signal);
  let reading: Promise<Read> | undefined;
  const context: CommandContext = {
    args,
    options,
    globals,
    out,
    catalogue: { commands: COMMANDS, groups: GROUPS },
    signal: interruption.signal,
    database: () => databaseOf(globals),
    client: (trust) => connection.open(trust),
    read: (name, args) => {
      reading ??= readingOf(globals, connection, interruption.signal, terminal);
      return reading.then((read) => read(name, args));
    },
    acts: async (trust = []) => {
      const { reason } = globals;
      const server = await serverOf(globals, interruption.signal, terminal);
      // A check by a schema executes code: here, with a database alone.
      if (server === undefined || trust.length > 0) {
        const client = await connection.open(trust);
        return (await import("../operate/acts/client.ts")).actsOf(client, reason);
      }
      return (await import("../operate/acts/server.ts")).actsOfServer(server, reason);
    },
    input: () => terminal.readAll(),
    readLine: () => terminal.readLine(),
    prompt: (text) => terminal.canAsk ? terminal.writeError(text) : undefined,
    consent: (plan) => askConsent(plan, globals, terminal),
    announce: (lines) => announcePlan(lines, globals, terminal),
  };
  const done = await interruption.orElse(command.run(context));
  return done ?? EXIT.done;
}

/** The connection of a command: opened when it is first used. */
class Connection implements AsyncDisposable {
  readonly #globals: Globals;
  readonly #operator: OperatorIdentity | undefined;
  readonly #signal: AbortSignal;
  #client: Promise<Continuum> | undefined;

  constructor(globals: Globals, operator: OperatorIdentity | undefined, signal: AbortSignal) {
    this.#globals = globals;
    this.#operator = operator;
    this.#signal = signal;
  }

  open(trust: readonly string[] = []): Promise<Continuum> {
    const options = databaseOf(this.#globals);
    return this.#client ??= import("../operate/client.ts")
      .then(({ connectOperator }) => connectOperator(options, trust, this.#operator));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#signal.aborted) return; // the process ends; the database may be what does not answer
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
}

/** A name on a command line is claimed. */
function operatorOf({ as: name, reason }: Globals): OperatorIdentity {
  return reason === undefined ? { name } : { name, reason };
}

/** Reads from the observer that is named, or else from the database. */
async function readingOf(
  globals: Globals,
  connection: Connection,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<Read> {
  const server = await serverOf(globals, signal, terminal);
  if (server === undefined) {
    const client = await connection.open();
    return (await import("../operate/readings/reader.ts")).readFrom(client);
  }
  const { readFromServer } = await import("../operate/readings/server.ts");
  return readFromServer(server);
}

/** The observer that is named; `undefined`: none is. */
async function serverOf(
  { server: url, namespace, tokenFile }: Globals,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<ServerOptions | undefined> {
  if (url === undefined) return undefined;
  return { url, token: await tokenOf(tokenFile, terminal), namespace, signal };
}

/** The token is in no message. */
async function tokenOf(file: string | undefined, terminal: Terminal): Promise<string | undefined> {
  const text = file === undefined ? terminal.env("CONTINUUM_TOKEN") : await Deno.readTextFile(file);
  const token = text?.trim() ?? "";
  if (file === undefined && token === "") return undefined;
  if (/^[!-~]+$/.test(token)) return token;
  const where = file === undefined ? "CONTINUUM_TOKEN" : `--token-file ${quote(file)}`;
  throw new UsageError(`Cannot use the token of ${where}: wanted one line of visible ASCII`);
}

function databaseOf(
  { database, schema, namespace, codec, keys, server }: Globals,
): OperatorOptions {
  if (server !== undefined) {
    throw new UsageError(
      "Cannot do this with --server: it needs a database",
      "Pass --database in place of --server.",
    );
  }
  if (database !== undefined) return { database, schema, namespace, codec, keys };
  throw new UsageError(
    "Cannot open the database: none is named",
    "Pass --database postgres://..., or set DATABASE_URL.",
  );
}

/** Windows has no SIGTERM. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** Ends a command when its `--timeout` ends, or at a signal. */
class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #graceful: Command["graceful"];
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #onSignal = () => this.#interrupt();
  #isInterrupted = false;

  constructor({ graceful }: Command, { timeoutMs }: Globals) {
    this.#graceful = graceful;
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(() => this.#timeOut(timeoutMs), timeoutMs);
    }
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Awaits a command.
   *
   * @param running The command.
   * @returns What it returned.
   * @throws {CliError} (`TIMED_OUT`, `INTERRUPTED`) If it was ended before.
   */
  async orElse<Result>(running: Promise<Result>): Promise<Result> {
    const { signal } = this;
    if (this.#graceful !== undefined) {
      const result = await running;
      if (this.#graceful !== "serves" || !this.#isInterrupted) signal.throwIfAborted();
      return result;
    }
    const ended = Promise.withResolvers<never>();
    const onAbort = () => ended.reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    try {
      return await Promise.race([running, ended.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #timeOut(ms: number): void {
    this.#controller.abort(
      new CliError("TIMED_OUT", `The command did not end within ${ms} ms (--timeout)`),
    );
  }

  #interrupt(): void {
    if (this.signal.aborted) Deno.exit(EXIT.interrupted);
    this.#isInterrupted = true;
    this.#controller.abort(new CliError("INTERRUPTED", "The command was interrupted"));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, this.#onSignal);
  }
}

/** Prints an error, and returns its exit code. */
function report(error: unknown, args: readonly string[], terminal: Terminal): number {
  if (error instanceof ReaderGone) return EXIT.done; // TERMINAL-1
  if (error instanceof Done) return error.exit;
  const { code, message, details, next, exit } = shownError(error);
  const options = args.slice(0, args.indexOf("--") < 0 ? undefined : args.indexOf("--"));
  const text = options.includes("--json") || options.includes("--jsonl")
    ? json({ error: { code, message, details, next } })
    : `${shown(`${code}: ${message}`, "tabs and line breaks")}${
      next === null ? "" : `\n  ${shown(next)}`
    }`;
  try {
    terminal.writeError(`${text}\n`);
  } catch (gone) {
    if (!(gone instanceof ReaderGone)) throw gone;
  }
  return exit;
}
