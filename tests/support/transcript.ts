/**
 * Transcripts of a shell on a page: their commands are executed, and what they print is compared.
 *
 * @module
 */

import assert from "node:assert/strict";

/** A command of a transcript. */
export interface Line {
  /** The command line. */
  readonly command: string;
  /** What it prints, to standard output and standard error. */
  readonly output: string;
  /** Its exit status. */
  readonly status?: number;
  /** Whether the page does not show it. */
  readonly isHidden?: true;
}

/**
 * The commands on a page: blocks of `console`, in which `$ ` begins a command and its output follows.
 * A comment `<!-- first: COMMAND -->` names a command that is executed without being shown.
 *
 * @param page The text of the page.
 */
export function linesOf(page: string): Line[] {
  const parts = page.matchAll(/^```console\n([^]*?)^```$|^<!-- first: (.*) -->$/gm);
  return [...parts].flatMap(([, block, hidden]) => {
    if (hidden !== undefined) return [{ command: hidden, output: "", isHidden: true }];
    return block!.split(/^\$ /m).slice(1).map((text) => {
      const end = text.indexOf("\n");
      return { command: text.slice(0, end), output: text.slice(end + 1).trimEnd() };
    });
  });
}

/**
 * Executes commands in one shell.
 *
 * @param commands The command lines.
 * @param options The folder, and the environment.
 * @returns What each printed, and its status.
 */
export async function execute(
  commands: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Line[]> {
  const log = `${cwd}/transcript.log`;
  const script = [
    "set -m", // jobs, for `kill %1`
    `exec >>"${log}" 2>&1 </dev/null`,
    `mark() { local status=$?; printf '\\001%d\\001' "$status"; return "$status"; }`,
    ...commands.flatMap((command) => [command, "mark"]),
  ].join("\n");
  const shell = new Deno.Command("bash", { args: ["-c", script], cwd, env, stdin: "null" });
  const { success } = await shell.output();
  const parts = (await Deno.readTextFile(log)).split("\u0001");
  assert.equal(parts.length, 2 * commands.length + 1, `the shell ended early: ${success}`);
  return commands.map((command, index) => ({
    command,
    output: parts[2 * index]!.trimEnd(),
    status: Number(parts[2 * index + 1]),
  }));
}

/**
 * Replaces what differs from one execution to the next, or from one release to the next: times,
 * hashes, versions of the schema, cursors, bars, and how wide columns are.
 *
 * @param text What a command printed.
 */
export function masked(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\btest_[0-9a-f]{16}\b/g, "continuum")
    .replace(/(found version|wanted version|→) \d+( \([^)]*\))?/g, "$1 VERSION")
    .replace(/\b[0-9a-f]{7,64}\b/g, "HASH")
    .replace(/--after [\w-]+/g, "--after CURSOR")
    .replace(/0 ├[─⋯]+┤/g, "0 ├┤")
    .replace(/\s+[█░▒▸]+$/gm, "")
    .replace(/\b\d+(?:ms|[smhd])(?: \d+(?:ms|[smh]))?\b/g, "SPAN")
    .replace(/^(.*?) +$/gm, "$1")
    .replace(/ {2,}/g, " ");
}
