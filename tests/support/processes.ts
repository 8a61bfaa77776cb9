/**
 * Deno processes for tests, as a user starts them.
 *
 * @module
 */

import { linesOf } from "../../examples/demo/lines.ts";

/** What a process said, and how it ended. */
export interface Ended {
  /** Its standard output. */
  readonly output: string;
  /** Its standard error, without colours. */
  readonly errors: string;
  /** Its exit code. */
  readonly code: number;
}

/**
 * Runs `deno` until it ends.
 *
 * @param args Its arguments.
 * @param options Where it runs, and variables that it sees besides this process's own, of which
 * `DATABASE_URL` is not handed on.
 */
export async function deno(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const { DATABASE_URL: _, ...env } = Deno.env.toObject();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    ...options,
    clearEnv: true,
    env: { ...env, ...options.env, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { output: text(stdout), errors: text(stderr), code };
}

type Answer = { readonly value?: unknown; readonly error?: string; readonly stopped?: string };

/** A node, or a client, in a process of its own: see `worker.ts`. */
export class Worker implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #answers: AsyncGenerator<string>;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(role: "open" | "connect", options: object, env: Record<string, string>) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", new URL("./worker.ts", import.meta.url).href],
        ...[role, JSON.stringify(options)],
      ],
      env,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#answers = linesOf(this.#process.stdout);
    this.#commands = this.#process.stdin.getWriter();
  }

  /**
   * Starts one, and waits until it is open.
   *
   * @param options What `Continuum.open`, or `connect`, is given.
   * @param role Which of the two.
   * @param env Variables that it sees besides this process's own.
   */
  static async start(
    options: object,
    role: "open" | "connect" = "open",
    env: Record<string, string> = {},
  ): Promise<Worker> {
    const worker = new Worker(role, options, env);
    try {
      await worker.#value();
      return worker;
    } catch (error) {
      await worker.kill();
      throw error;
    }
  }

  /** Starts a node that dies by itself, and waits for that. */
  static async doom(options: object, env: Record<string, string>): Promise<Deno.CommandStatus> {
    const worker = new Worker("open", options, env);
    const status = await worker.#process.status;
    await worker.#letGo();
    return status;
  }

  /** Lets it do something, and waits for the answer; one thing at a time. */
  async do(...command: unknown[]): Promise<unknown> {
    await this.tell(...command);
    return await this.#value();
  }

  /** Lets it do something that it won't answer to. */
  async tell(...command: unknown[]): Promise<void> {
    await this.#commands.write(new TextEncoder().encode(JSON.stringify(command) + "\n"));
  }

  /** Waits until it stays at the point at which it was asked to stop. */
  async stopped(): Promise<void> {
    while ((await this.#answer()).stopped === undefined);
  }

  /** Waits until it has died by itself. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#process.status;
    await this.#letGo();
    return status;
  }

  /** Kills it: no farewell, no clean-up. */
  async kill(): Promise<Deno.CommandStatus> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It is dead already.
    }
    const status = await this.#process.status;
    await this.#letGo();
    return status;
  }

  /** Kills it if it is alive. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #letGo(): Promise<void> {
    await this.#commands.abort().catch(() => {});
    while ((await this.#answers.next()).done !== true);
  }

  async #value(): Promise<unknown> {
    const answer = await this.#answer();
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }

  async #answer(): Promise<Answer> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("the worker ended without an answer");
    return JSON.parse(value) as Answer;
  }
}
