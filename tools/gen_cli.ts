/**
 * Makes `src/cli/catalogue.gen.ts` of the commands of `src/cli/registry.ts`: what help, completion and
 * the reader of the command line know of them. With `--check` it writes nothing, and fails if the
 * module is out of date.
 *
 * @module
 */

import { COMMANDS, GROUPS } from "../src/cli/registry.ts";

const MODULE = new URL("../src/cli/catalogue.gen.ts", import.meta.url);

/** The text of the module. What is no plain data, such as how an option is read, is left out. */
export async function makeCatalogue(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(async ({ path, summary, load }) => {
    const { examples, arguments: args, options, fields, acts } = (await load()).command;
    return JSON.stringify({ path, summary, examples, arguments: args, options, fields, acts });
  }));
  return `/**
 * What is known of every command before it is imported. Made by \`tools/gen_cli.ts\`; do not edit.
 *
 * @module
 */

// deno-fmt-ignore-file

import type { Listed } from "./command.ts";

/** Groups of commands, and what each is about. */
export const GROUPS: Readonly<Record<string, string>> = ${JSON.stringify(GROUPS)};

/** All commands, in the order of the help. */
export const COMMANDS: readonly Listed[] = [
${commands.map((command) => `  ${command},\n`).join("")}];
`;
}

if (import.meta.main) {
  const wanted = await makeCatalogue();
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(MODULE, wanted);
  else if (wanted !== await Deno.readTextFile(MODULE).catch(() => "")) {
    throw new Error("src/cli/catalogue.gen.ts is out of date: run tools/gen_cli.ts");
  }
}
