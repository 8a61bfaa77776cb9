/**
 * `versions source`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { whole } from "../readers.ts";

interface Options {
  readonly line?: number;
  readonly around?: number;
}

/** Prints a module of a version: its verified bytes, which are never executed. */
export const command = defineCommand<Options>({
  examples: [
    { text: "The root module", line: "versions source 3f9a2c1" },
    {
      text: "The lines around line 31 of another one",
      line: "versions source 3f9a2c1 lib/tax.ts --line 31",
    },
  ],
  arguments: [
    ["<hash>", "the version's hash, or at least 4 digits of it"],
    ["[module]", "the module's label, or its end; the root module if omitted"],
  ],
  options: [
    { flags: "--line <n>", text: "only the lines around this one", read: whole(1) },
    { flags: "--around <n>", text: "how many before and after it; 5 if omitted", read: whole(0) },
  ],
  fields: ["hash", "from", "member", "sha256", "media", "lines"],
  async run({ args: [hash, member], options: { line, around = 5 }, read, out }) {
    const source = await read("versions.source", { hash: hash!, member });
    const { lines } = source;
    if (lines === null) {
      throw new CliError(
        "NOT_FOUND",
        `Cannot print ${source.member}: it is ${source.media}, not text`,
      );
    }
    const shown = lines.filter(({ number }) =>
      line === undefined || Math.abs(number - line) <= around
    );
    if (shown.length === 0) {
      throw new CliError(
        "NOT_FOUND",
        `Cannot print line ${line}: ${source.member} has ${lines.length}`,
      );
    }
    const digits = String(shown.at(-1)!.number).length;
    out.document(
      { ...source, lines: shown },
      () =>
        shown.map(({ number, text }) =>
          out.isTerminal || line !== undefined
            ? `${number === line ? "▸" : " "} ${String(number).padStart(digits)} │ ${text}`
            : text
        ),
    );
    out.note(
      `${source.member} of ${source.hash.slice(0, 12)}, from the ${source.from}, bytes verified`,
    );
  },
});
