/**
 * Transcripts of a shell on a page: their commands are executed, and what they print is compared.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CLEAN } from "./cli.ts";
import { emptyPostgres, postgresUrl } from "./database.ts";
import { makeFolder } from "./modules.ts";
import { PROJECT } from "./project.ts";

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

/**
 * Follows a page about the command line: writes the modules that it shows into a clean folder, executes
 * its commands there, and compares what each prints and how it ends.
 *
 * @param path The page's path in the project.
 * @param options The least number of commands that it shows; replaces what differs from one execution
 * to the next; looks at the folder when all commands have been executed.
 */
export async function followPage(
  path: string,
  { least, mask, after = () => {} }: {
    readonly least: number;
    readonly mask: (text: string) => string;
    readonly after?: (cwd: string) => unknown;
  },
): Promise<void> {
  const page = await Deno.readTextFile(new URL(path, PROJECT));
  const shown = linesOf(page);
  assert(shown.length > least, "the page has a transcript");
  await using db = await emptyPostgres();
  const modules = [...page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([^]*?)^```$/gm)];
  const main = new URL("tests/support/cli_on_terminal.ts", PROJECT).href;
  await using folder = await makeFolder({
    ...Object.fromEntries(modules.map(([, path, text]) => [path!, text!])),
    "bin/continuum":
      `#!/bin/sh\nexec "${Deno.execPath()}" run -A --no-check --quiet "${main}" "$@"\n`,
  });
  const cwd = decodeURIComponent(new URL(folder.url).pathname).replace(/\/$/, "");
  await Deno.chmod(`${cwd}/bin/continuum`, 0o755);
  const found = await execute(shown.map(({ command }) => command), {
    cwd,
    env: {
      ...CLEAN,
      DATABASE_URL: postgresUrl(),
      CONTINUUM_SCHEMA: db.schema,
      NO_COLOR: "1",
      USER: "ada",
      PATH: `${cwd}/bin:${Deno.env.get("PATH")}`,
    },
  });
  for (const [index, { command, output, isHidden }] of shown.entries()) {
    if (isHidden) continue;
    const { output: printed, status } = found[index]!;
    assert.equal(mask(printed), mask(output), `$ ${command}`);
    const isSaid = shown[index + 1]?.command === "echo $?";
    assert(status === 0 || isSaid, `$ ${command} ended with ${status}, which the page must say`);
  }
  await after(cwd);
}
