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
import { type Invocation, readCommandLine } from "./command_line.ts";
import { announcePlan, askConsent } from "./consent.ts";
import { CliError, Done, shownError, UsageError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import { type Globals, readGlobals } from "./globals.ts";
import type { Modules } from "./modules.ts";
import { converted } from "./notation.ts";
import { json, Output } from "./output/output.ts";
import { shown } from "./output/text.ts";
import { ReaderGone, type Terminal } from "./terminal.ts";

/**
 * Runs a command line.
 *
 * @param args The arguments of the process.
 * @param version What `--version` prints.
 * @param terminal The streams and the environment of the process.
 * @param modules Imports what the command needs.
 * @returns The exit code.
 */
export async function runCommandLine(
  args: readonly string[],
  version: string,
  terminal: Terminal,
  modules: Modules,
): Promise<number> {
  try {
    const invocation = readCommandLine(args, version, terminal);
    return await runCommand(invocation, terminal, modules);
  } catch (error) {
    return report(error, args, terminal);
  }
}

async function runCommand(
  { path, args, options: texts, globals: given }: Invocation,
  terminal: Terminal,
  modules: Modules,
): Promise<number> {
  const globals = readGlobals(given, (name) => terminal.env(name));
  const command = await modules.command(path);
  const options = converted(command.options ?? [], texts);
  if (command.acts?.needsReason && globals.reason === undefined) {
    throw new UsageError("Cannot do this without --reason: found none, wanted why it is done");
  }
  const out = new Output(terminal, globals, command.fields ?? []);
  using interruption = new Interruption(command, globals);
  const operator = command.acts === undefined ? undefined : operatorOf(globals);
  await using connection = new Connection(globals, operator, interruption.signal, modules);
  let reading: Promise<Read> | undefined;
  const server = () => serverOf(globals, interruption.requests, terminal);
  const context: CommandContext = {
    args,
    options,
    globals,
    out,
    signal: interruption.signal,
    database: (why) => databaseOf(globals, why),
    client: (trust) => connection.open(trust),
    read: (name, args) => {
      reading ??= readingOf(server, connection, modules);
      return reading.then((read) => read(name, args));
    },
    acts: async (trust = []) => {
      const { reason } = globals;
      const observer = await server();
      if (observer === undefined) {
        const client = await connection.open(trust);
        return (await modules.operate("acts/client")).actsOf(client, reason);
      }
      if (trust.length > 0) {
        throw new UsageError(
          "Cannot use --trust with --server: the code is executed by the observer's process, " +
            "which has its own trust",
          "Leave --trust out, or pass --database in place of --server.",
        );
      }
      return (await modules.operate("acts/server")).actsOfServer(observer, reason);
    },
    bundle: async (ids, request) => {
      const bundles = await modules.operate("bundles");
      const observer = await server();
      return observer === undefined
        ? await bundles.exportBytes(await connection.open(), ids, request)
        : await bundles.exportFromServer(ids, request, observer);
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
  readonly #modules: Modules;
  #client: Promise<Continuum> | undefined;

  constructor(
    globals: Globals,
    operator: OperatorIdentity | undefined,
    signal: AbortSignal,
    modules: Modules,
  ) {
    this.#globals = globals;
    this.#operator = operator;
    this.#signal = signal;
    this.#modules = modules;
  }

  open(trust: readonly string[] = []): Promise<Continuum> {
    const options = databaseOf(this.#globals);
    return this.#client ??= this.#modules.operate("client")
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
  server: () => Promise<ServerOptions | undefined>,
  connection: Connection,
  modules: Modules,
): Promise<Read> {
  const observer = await server();
  if (observer === undefined) {
    const client = await connection.open();
    return (await modules.operate("readings/reader")).readFrom(client);
  }
  const { readFromServer } = await modules.operate("readings/server");
  return readFromServer(observer);
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
  why = "no observer does it",
): OperatorOptions {
  if (server !== undefined) {
    throw new UsageError(
      `Cannot do this with --server: it needs a database, since ${why}`,
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

/** How long the last request of a command that finishes what it has begun is awaited, in milliseconds. */
const GRACE_MS = 20_000;

/** Ends a command when its `--timeout` ends, or at a signal. */
class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #requests: AbortController;
  readonly #graceful: Command["graceful"];
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  readonly #onSignal = () => this.#interrupt();
  #isInterrupted = false;

  constructor({ graceful }: Command, { timeoutMs }: Globals) {
    this.#graceful = graceful;
    this.#requests = graceful === true ? new AbortController() : this.#controller;
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(() => this.#timeOut(timeoutMs), timeoutMs);
    }
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives requests to a server up. A command that finishes what it has begun awaits its last one. */
  get requests(): AbortSignal {
    return this.#requests.signal;
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
    this.#abort(new CliError("TIMED_OUT", `The command did not end within ${ms} ms (--timeout)`));
  }

  #interrupt(): void {
    if (this.signal.aborted) Deno.exit(EXIT.interrupted);
    this.#isInterrupted = true;
    this.#abort(new CliError("INTERRUPTED", "The command was interrupted"));
  }

  #abort(reason: CliError): void {
    this.#controller.abort(reason);
    if (this.#requests === this.#controller) return;
    this.#grace = setTimeout(() => this.#requests.abort(reason), GRACE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#grace);
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
