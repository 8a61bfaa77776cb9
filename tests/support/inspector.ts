/**
 * A debugger's side of V8's inspector, for a Deno process that it starts, or that waits for it.
 *
 * @module
 */

import { linesOf } from "../../examples/demo/lines.ts";

type Facts = Record<string, unknown>;

/** What a script says of itself when it is parsed. */
interface ParsedScript {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL: string;
}

/** Where a process stopped. */
interface Pause {
  readonly hitBreakpoints: readonly string[];
  readonly callFrames: readonly {
    readonly functionName: string;
    readonly location: { readonly scriptId: string; readonly lineNumber: number };
    readonly callFrameId: string;
  }[];
}

/** A process that the debugger started. */
interface Started {
  readonly process: Deno.ChildProcess;
  readonly output: Promise<string>;
  readonly errors: AsyncGenerator<string>;
}

/** A process, and the debugger that is attached to it. */
export class Inspected implements AsyncDisposable {
  /** Every script that was parsed so far. */
  readonly scripts: ParsedScript[] = [];
  readonly #started: Started | undefined;
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, PromiseWithResolvers<Facts>>();
  readonly #pauses: Pause[] = [];
  #paused = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<unknown>();
  #next = 1;

  private constructor(socket: WebSocket, started: Started | undefined) {
    this.#started = started;
    this.#socket = socket;
    socket.onclose = this.#closed.resolve;
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
  }

  /**
   * Starts `deno run`, with a debugger that is enabled.
   *
   * @param args Arguments after `deno run --inspect`: of a program that waits for its standard
   * input, which {@linkcode Inspected.go} ends.
   */
  static async start(args: readonly string[]): Promise<Inspected> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--inspect=127.0.0.1:0", ...args],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = new Response(child.stdout).text();
    const errors = linesOf(child.stderr);
    const said: string[] = [];
    for (;;) {
      const { value: line, done } = await errors.next();
      if (done) throw new Error(`No inspector listens: ${said.join("\n")}`);
      said.push(line);
      const [url] = /ws:\/\/\S+/.exec(line) ?? [];
      if (url !== undefined) return await Inspected.attach(url, { process: child, output, errors });
    }
  }

  /** Attaches an enabled debugger to a process that listens. */
  static async attach(url: string, started?: Started): Promise<Inspected> {
    const socket = new WebSocket(url);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    socket.onopen = resolve;
    socket.onerror = reject;
    await promise;
    const inspected = new Inspected(socket, started);
    await inspected.ask("Debugger.enable");
    return inspected;
  }

  /** Asks the process something. */
  async ask(method: string, params: Facts = {}): Promise<Facts> {
    const id = this.#next++;
    const answer = Promise.withResolvers<Facts>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await answer.promise;
  }

  /** The URL that a debugger shows for a place. */
  urlOf(db: { readonly scriptId: string }): string | undefined {
    return this.scripts.find(({ scriptId }) => scriptId === db.scriptId)?.url;
  }

  /** Waits until the process stops, and says where. */
  async paused(): Promise<Pause> {
    await this.#paused.promise;
    const pause = this.#pauses.shift()!;
    if (this.#pauses.length === 0) this.#paused = Promise.withResolvers();
    return pause;
  }

  /** Lets the process begin. */
  async go(): Promise<void> {
    await this.#started!.process.stdin.close();
  }

  /** Lets the process end, and answers what it printed. */
  async end(): Promise<string> {
    await this.ask("Debugger.disable");
    this.#socket.close();
    return await this.#started!.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    if (this.#started === undefined) {
      await this.#closed.promise;
      return;
    }
    const { process, output, errors } = this.#started;
    try {
      process.kill("SIGKILL");
    } catch { /* It has ended. */ }
    await this.#closed.promise;
    await output;
    for await (const _ of errors);
    await process.status;
  }

  #hear({ id, method, params, result, error }: {
    id?: number;
    method?: string;
    params?: Facts;
    result?: Facts;
    error?: { message: string };
  }): void {
    if (id !== undefined) {
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (error === undefined) answer?.resolve(result ?? {});
      else answer?.reject(new Error(error.message));
    } else if (method === "Debugger.scriptParsed") {
      this.scripts.push(params as unknown as ParsedScript);
    } else if (method === "Debugger.paused") {
      this.#pauses.push(params as unknown as Pause);
      this.#paused.resolve();
    }
  }
}
