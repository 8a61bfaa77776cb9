/**
 * The command line in tests: as a process of its own, or in this process on a terminal of the test.
 *
 * @module
 */

import { IN_GRAPH } from "../../src/cli/in_graph.ts";
import { runCommandLine } from "../../src/cli/run.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** How a command ended. */
export interface Ended {
  /** The exit code. */
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly error: string;
}

/** The module of the command line. */
export const MAIN: string = new URL("../../src/cli/main.ts", import.meta.url).href;

/** Variables that would change what a command does. */
export const CLEAN: Readonly<Record<string, string>> = {
  DATABASE_URL: "",
  CONTINUUM_SCHEMA: "",
  CONTINUUM_NAMESPACE: "",
  CONTINUUM_CODEC: "",
  CONTINUUM_KEYS: "",
  CONTINUUM_SIGNING_KEY: "",
  NO_COLOR: "",
};

/**
 * Runs a command in a process of its own, with pipes for streams.
 *
 * @param args The arguments.
 * @param options Variables of the environment, the folder, what standard input holds, and flags that
 * deny permissions.
 */
export async function cli(
  args: readonly string[],
  { env = {}, cwd, input, permissions = [] }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly input?: string;
    readonly permissions?: readonly string[];
  } = {},
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", ...permissions, MAIN, ...args],
    env: { ...CLEAN, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

/**
 * Runs a command in this process, which costs no start. The command sees no variable of the
 * environment.
 *
 * @param args The arguments.
 * @param terminal What differs from pipes: a terminal of some width, lines that a person types.
 */
export async function cliHere(
  args: readonly string[],
  terminal: Partial<Terminal> = {},
): Promise<Ended> {
  const written = { out: "", error: "" };
  const here: Terminal = {
    isTerminal: false,
    canAsk: false,
    showsProgress: false,
    columns: 80,
    rows: 24,
    env: () => undefined,
    write: (text) => void (written.out += text),
    writeError: (text) => void (written.error += text),
    readLine: () => Promise.resolve(null),
    readAll: () => Promise.resolve(""),
    ...terminal,
  };
  const code = await runCommandLine(args, "1.2.3", here, IN_GRAPH);
  return { code, ...written };
}

/**
 * The arguments that a shell passes to the program.
 *
 * @param line A command line that people copy.
 */
export async function shellWords(line: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", `continuum() { printf '%s\\0' "$@"; }; ${line}`],
    env: { LC_ALL: "C.UTF-8" },
  }).output();
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
}
