/**
 * `completion`: prints a script that completes commands and options in a shell.
 *
 * @module
 */

import { COMMANDS, GROUPS } from "../catalogue.gen.ts";
import { defineCommand, type Listed } from "../command.ts";
import { type Completed, type CompletedOption, completionScript, SHELLS } from "../completion.ts";
import { ACTING_OPTIONS, GLOBAL_OPTIONS } from "../globals.ts";
import { optionOf } from "../notation.ts";
import { oneOf, refuse } from "../readers.ts";

/** Prints a script that completes commands and options in a shell. */
export const command = defineCommand<{ readonly program?: string }>({
  examples: [
    { text: "In this bash", line: "completion bash > /tmp/c && . /tmp/c" },
    {
      text: "For good, in zsh",
      line: `completion zsh > "\${fpath[1]}/_continuum"`,
    },
    {
      text: "For good, in fish",
      line: "completion fish > ~/.config/fish/completions/continuum.fish",
    },
  ],
  arguments: [["<shell>", SHELLS.join(", ")]],
  options: [{
    flags: "--program <name>",
    text: "the name under which the command line is installed; continuum if omitted",
    read: nameOf,
  }],
  run({ args: [shell], options: { program = "continuum" }, out }) {
    const chosen = oneOf(SHELLS)(shell, "the shell")!;
    out.block(completionScript(chosen, completed(program)).trimEnd());
    return Promise.resolve();
  },
});

function completed(program: string): Completed {
  const commands = COMMANDS.map((command) => ({ ...command, options: optionsOf(command) }));
  return { program, groups: GROUPS, commands };
}

function optionsOf({ options = [], acts }: Listed): CompletedOption[] {
  const own = options.map(({ flags, text }) => completedOption(flags, text));
  const shared = [...(acts === undefined ? [] : ACTING_OPTIONS), ...GLOBAL_OPTIONS]
    .map(([flags, text]) => completedOption(flags, text));
  const names = new Set(own.map(({ name }) => name));
  const help = completedOption("--help", "print help");
  return [...own, ...shared.filter(({ name }) => !names.has(name)), help];
}

function completedOption(flags: string, text: string): CompletedOption {
  const { long, value } = optionOf(flags);
  return { name: long, text, takesValue: value !== undefined };
}

function nameOf(text: string, flag: string): string {
  return /^[\w.-]+$/.test(text) ? text : refuse(flag, text, "the name of a command");
}
