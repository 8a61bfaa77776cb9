/**
 * `versions diff`: compares the code of two versions.
 *
 * @module
 */

import { standInWorkingFolder } from "../../operate/modules.ts";
import { defineCommand } from "../command.ts";
import { diffLines } from "../output/diff_lines.ts";
import { duration } from "../readers.ts";

interface Options {
  readonly stat?: true;
  readonly deadline?: number;
  readonly ignoreWhitespace?: true;
}

const DEADLINE_MS = 2_000;

/** Compares the code of two versions. */
export const command = defineCommand<Options>({
  examples: [
    { text: "What changed between two versions", line: "versions diff 88e01bd 3f9a2c1" },
    {
      text: "What a module would change, without the patches",
      line: "versions diff 88e01bd ./workflows/order.ts --stat",
    },
  ],
  arguments: [
    ["<a>", "a version's hash or the beginning of it, or the path or URL of a module"],
    ["<b>", "the other"],
    ["[member]", "the label of one module, or the end of it"],
  ],
  options: [
    { flags: "--stat", text: "name what differs, without patches" },
    {
      flags: "--ignore-whitespace",
      text: "leave out lines that differ only in white space at their ends",
    },
    {
      flags: "--deadline <duration>",
      text: "how long to search for patches; 2s if omitted",
      read: duration,
    },
  ],
  fields: ["a", "b", "same", "sameCode", "members", "unchanged", "packages", "settings"],
  async run({ args: [a, b, member], options, read, out }) {
    standInWorkingFolder();
    const timeout = options.deadline ?? DEADLINE_MS;
    const { ignoreWhitespace } = options;
    const diff = await read("versions.diff", { a: a!, b: b!, member, timeout, ignoreWhitespace });
    const shown = options.stat === true
      ? { ...diff, members: diff.members.map((each) => ({ ...each, patch: null })) }
      : diff;
    out.document(shown, () => diffLines(diff, options.stat === true));
  },
});
