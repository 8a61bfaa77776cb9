/**
 * The command line.
 *
 * ```sh
 * deno run -A jsr:@continuum/continuum/cli --help
 * deno install -gA -n continuum jsr:@continuum/continuum/cli
 * ```
 *
 * `docs/cli.md` shows every command.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { processTerminal } from "./terminal.ts";
import { runCommandLine } from "./run.ts";

if (import.meta.main) {
  Deno.exit(await runCommandLine(Deno.args, config.version, processTerminal));
}
