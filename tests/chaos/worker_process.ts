/**
 * A worker's process, as its harness sees it.
 *
 * @module
 */

import { linesOf } from "../../examples/demo/lines.ts";
import type { Death } from "./evidence.ts";
import type { Injection, Said, WorkerOptions } from "./worker.ts";

/** How a worker is started. */
export interface ProcessOptions extends WorkerOptions {
  /** How wrong its clock is. */
  readonly shiftMs: number;
}

/** A process of a worker, from its start to its end. */
export class WorkerProcess {
  /** The name of its node. */
  readonly name: string;
  /** Resolves when it has opened, or ended before. */
  readonly opened: Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<Death>;
  readonly #process: Deno.ChildProcess;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  readonly #hear: (said: Said) => void;
  readonly #isOpen = Promise.withResolvers<void>();
  #cause: Death["cause"] = null;
  #isPaused = false;
  #last = "";

  /**
   * Starts it.
   *
   * @param options How.
   * @param hear Receives all that it says.
   */
  constructor({ shiftMs, ...options }: ProcessOptions, hear: (said: Said) => void) {
    this.name = options.name;
    this.#hear = hear;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", "--no-check", new URL("./worker.ts", import.meta.url).href],
        JSON.stringify(options),
      ],
      env: { CHAOS_SHIFT_MS: String(shiftMs), NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#commands = this.#process.stdin.getWriter();
    this.ended = this.#follow();
    this.opened = this.#isOpen.promise;
  }

  /** Kills it: no farewell. */
  async kill(): Promise<void> {
    this.#end("SIGKILL", "killed");
    await this.ended;
  }

  /** Asks it to end in good order, and kills it if it does not in time. */
  async drain(patienceMs: number): Promise<void> {
    this.resume();
    this.#end("SIGTERM", "asked");
    const timer = setTimeout(() => this.#signal("SIGKILL"), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** It does nothing until {@linkcode WorkerProcess.resume}. */
  pause(): void {
    this.#isPaused = true;
    this.#signal("SIGSTOP");
  }

  /** It continues. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#signal("SIGCONT");
  }

  /** Asks it to fail some of its statements. */
  async inject(injection: Injection): Promise<void> {
    const line = new TextEncoder().encode(JSON.stringify(injection) + "\n");
    await this.#commands.write(line).catch(() => {}); // it has ended
  }

  #end(signal: Deno.Signal, cause: Death["cause"]): void {
    this.#cause ??= cause;
    this.#signal(signal);
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended.
    }
  }

  async #follow(): Promise<Death> {
    await Promise.all([this.#readSaid(), this.#readErrors()]);
    const { code, signal } = await this.#process.status;
    await this.#commands.abort().catch(() => {});
    this.#isOpen.resolve();
    return { process: this.name, cause: this.#cause, code, signal, said: this.#last };
  }

  async #readSaid(): Promise<void> {
    for await (const line of linesOf(this.#process.stdout)) {
      const said = JSON.parse(line) as Said;
      if (said.said === "open") this.#isOpen.resolve();
      this.#hear(said);
    }
  }

  async #readErrors(): Promise<void> {
    for await (const line of linesOf(this.#process.stderr)) {
      this.#last = `${this.#last}\n${line}`.slice(-4_000);
    }
  }
}
