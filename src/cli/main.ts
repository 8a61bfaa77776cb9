/**
 * The command line.
 *
 * ```sh
 * deno run -A jsr:@continuum/continuum/cli --help
 * deno install -gA -n continuum jsr:@continuum/continuum/cli
 * ```
 *
 * `docs/cli.md` shows every command. A command's modules are imported when it runs: `./cli/complete`
 * has all of them in its graph, for where there is no network then.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { LATER } from "./modules.ts";
import { runCommandLine } from "./run.ts";
import { processTerminal } from "./terminal.ts";

if (import.meta.main) {
  Deno.exit(await runCommandLine(Deno.args, config.version, processTerminal, LATER));
}
