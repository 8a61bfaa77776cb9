/**
 * A database and a folder for commands of the command line, on the server that tests use.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CLEAN, cli, cliHere, type Ended, MAIN } from "./cli.ts";
import { type EmptyDatabase, POSTGRES, postgresUrl } from "./database.ts";
import { type Files, type Folder, makeFolder } from "./modules.ts";
import { Continuum } from "../../src/continuum.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { openIn } from "./runs.ts";

/** What commands work on. */
export class CliWorld implements AsyncDisposable {
  /** The database; its schema is migrated. */
  readonly db: EmptyDatabase;
  /** The folder in which commands run. */
  readonly folder: Folder;
  readonly #stack = new AsyncDisposableStack();

  private constructor(db: EmptyDatabase, folder: Folder) {
    this.db = this.#stack.use(db);
    this.folder = this.#stack.use(folder);
  }

  /** Makes a world with some files. */
  static async make(files: Files = {}): Promise<CliWorld> {
    return new CliWorld(await POSTGRES.fresh(), await makeFolder(files));
  }

  /** The folder's path. */
  get cwd(): string {
    return decodeURIComponent(new URL(this.folder.url).pathname);
  }

  /** Runs a command in a process of its own, with some permissions denied. */
  run(
    args: readonly string[],
    input?: string,
    permissions: readonly string[] = [],
  ): Promise<Ended> {
    return cli(args, {
      env: this.#env,
      cwd: this.cwd,
      permissions,
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Runs a command in this process. */
  here(args: readonly string[], terminal: Partial<Terminal> = {}): Promise<Ended> {
    const { DATABASE_URL: url, CONTINUUM_SCHEMA: schema } = this.#env;
    return cliHere([...args, "--database", url, "--schema", schema], terminal);
  }

  /** Starts a command in a process of its own, which is killed when this world is disposed of. */
  spawn(args: readonly string[]): CliProcess {
    return this.#stack.use(new CliProcess(args, this.cwd, this.#env));
  }

  /** Opens a node, which is closed when this world is disposed of. */
  async node(...paths: readonly string[]): Promise<Continuum> {
    const workflows = paths.map((path) => this.folder.url + path);
    return this.#stack.use(await openIn(this.db, { workflows }));
  }

  /** Connects a client, which is closed when this world is disposed of. */
  async client(): Promise<Continuum> {
    const { database, schema } = this.db;
    return this.#stack.use(await Continuum.connect({ database, schema }));
  }

  /** Ends what was started here. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  get #env() {
    return { DATABASE_URL: postgresUrl(), CONTINUUM_SCHEMA: this.db.schema };
  }
}

/** A command that runs. */
export class CliProcess implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #watchers = new Set<() => void>();
  #out = "";
  #error = "";
  #hasEnded = false;

  /** Starts it. */
  constructor(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", MAIN, ...args],
      env: { ...CLEAN, ...env },
      cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr } = this.#process;
    this.#reading = Promise.all([
      this.#read(stdout, (text) => this.#out += text),
      this.#read(stderr, (text) => this.#error += text),
    ]).then(() => {
      this.#hasEnded = true;
      this.#notify();
    });
  }

  /** Waits until it has printed something, to either stream. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#out) ?? pattern.exec(this.#error);
      if (found !== null) return found;
      assert(!this.#hasEnded, `it ended without ${pattern}: ${this.#out}${this.#error}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
    }
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Waits until it has ended. */
  async ended(): Promise<Ended> {
    const { code } = await this.#process.status;
    await this.#reading;
    return { code, out: this.#out, error: this.#error };
  }

  /** Kills it if it runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.ended();
  }

  async #read(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough<string>(new TextDecoderStream() as never)) {
      add(text);
      this.#notify();
    }
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}
