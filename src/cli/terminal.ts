/**
 * The process's standard streams and its environment.
 *
 * - TERMINAL-1: what is written stops silently when the reader of a pipe has gone (`| head`): the
 *   process ends with code 0.
 *
 * @module
 */

/** Standard input, output and error of a process, and its environment. */
export interface Terminal {
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Whether a person can answer: standard input and standard error are terminals. */
  readonly canAsk: boolean;
  /** Whether standard error is a terminal, for progress. */
  readonly showsProgress: boolean;
  /** How many columns the terminal has; 80 if that is unknown. */
  readonly columns: number;
  /** How many lines the terminal has; 24 if that is unknown. */
  readonly rows: number;
  /** Reads a variable of the environment; `undefined`: it is not set. */
  env(name: string): string | undefined;
  /** Writes to standard output. */
  write(text: string): void;
  /** Writes to standard error. */
  writeError(text: string): void;
  /**
   * Reads one line that a person types.
   *
   * @returns The line without its end; `null`: the input has ended.
   */
  readLine(): Promise<string | null>;
  /** Reads all of standard input, as text. */
  readAll(): Promise<string>;
}

/** Thrown if the reader of a pipe has gone. */
export class ReaderGone extends Error {}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  isTerminal: Deno.stdout.isTerminal(),
  canAsk: Deno.stdin.isTerminal() && Deno.stderr.isTerminal(),
  showsProgress: Deno.stderr.isTerminal(),
  get columns() {
    try {
      return Deno.consoleSize().columns || 80;
    } catch {
      return 80;
    }
  },
  get rows() {
    try {
      return Deno.consoleSize().rows || 24;
    } catch {
      return 24;
    }
  },
  env: (name) => Deno.env.get(name),
  write: (text) => writeAll(Deno.stdout, text),
  writeError: (text) => writeAll(Deno.stderr, text),
  async readLine() {
    const bytes: number[] = [];
    const chunk = new Uint8Array(1);
    while (await Deno.stdin.read(chunk) !== null) {
      if (chunk[0] === 0x0a) return textOf(bytes);
      bytes.push(chunk[0]!);
    }
    return bytes.length === 0 ? null : textOf(bytes);
  },
  readAll: () => new Response(Deno.stdin.readable).text(),
};

function textOf(bytes: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(bytes)).replace(/\r$/, "");
}

function writeAll(stream: typeof Deno.stdout, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let written = 0; written < bytes.length;) {
      written += stream.writeSync(bytes.subarray(written));
    }
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new ReaderGone();
    throw error;
  }
}
