/**
 * The command line as on a terminal of 100 columns, wherever its standard output is a file: a test
 * has no terminal. A pipe is a pipe.
 *
 * @module
 */

import { fstatSync } from "node:fs";
import { LATER } from "../../src/cli/modules.ts";
import { runCommandLine } from "../../src/cli/run.ts";
import { processTerminal } from "../../src/cli/terminal.ts";

const terminal = Object.create(processTerminal, {
  isTerminal: { value: fstatSync(1).isFile() },
  columns: { value: 100 },
});
// A busy machine may need long for the subprocess of a trace.
const patience = /^runs (trace|where|diff)/.test(Deno.args.join(" ")) ? ["--deadline", "10m"] : [];
Deno.exit(await runCommandLine([...Deno.args, ...patience], "1.2.3", terminal, LATER));
