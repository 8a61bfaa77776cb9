/**
 * The command line with all its modules in its graph. It does what `./cli` does, which imports the
 * modules of a command when that command runs. This entry is for where they must be there before:
 *
 * ```sh
 * deno cache jsr:@continuum/continuum/cli/complete      # for an image without a network, or a lock
 * deno compile -A -o continuum jsr:@continuum/continuum/cli/complete
 * ```
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { IN_GRAPH } from "./in_graph.ts";
import { runCommandLine } from "./run.ts";
import { processTerminal } from "./terminal.ts";

if (import.meta.main) {
  Deno.exit(await runCommandLine(Deno.args, config.version, processTerminal, IN_GRAPH));
}
