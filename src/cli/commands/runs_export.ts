/**
 * `runs export`.
 *
 * @module
 */

import { writeBundle } from "../../operate/bundles.ts";
import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { counted } from "../output/words.ts";
import { duration, oneOf } from "../readers.ts";

interface Options {
  readonly output?: string;
  readonly children?: boolean;
  readonly redact?: "timeline";
  readonly deadline?: number;
}

/** Writes runs and their code into one file. */
export const command = defineCommand<Options>({
  examples: [
    { text: "A run as a file, o-1041.bundle", line: "runs export o-1041" },
    {
      text: "With its children, and without any payload",
      line: "runs export o-1041 --children --redact timeline -o report.bundle",
    },
  ],
  arguments: [["<id...>", "the ids of the runs"]],
  options: [
    {
      flags: "-o, --output <file>",
      text: "the file, which must not exist; <first id>.bundle if omitted",
    },
    { flags: "--children", text: "with their children, and theirs" },
    {
      flags: "--redact <what>",
      text: "timeline: hold what happened when and where, and no payloads",
      read: oneOf(["timeline"]),
    },
    {
      flags: "--deadline <duration>",
      text: "with --redact: how long a subprocess may take to replay a run; 10s if omitted",
      read: duration,
    },
  ],
  fields: ["file", "bytes", "runs", "versions", "withoutCode", "redacted"],
  async run({ args: ids, options, bundle, out }) {
    const { output = fileNameOf(ids[0]!), children = false, redact, deadline = 10_000 } = options;
    const bytes = await bundle(ids, {
      children,
      ...(redact === undefined ? {} : { redact }),
      timeout: deadline,
    });
    try {
      const written = await writeBundle(bytes, output);
      out.document(written, function* () {
        const { file, bytes, runs, versions, withoutCode, redacted } = written;
        const what = redacted === null ? "" : "; it holds the timeline, and no payloads";
        yield `wrote ${file}: ${counted(bytes, "byte")}, ${counted(runs.length, "run")}, ` +
          `the code of ${counted(versions, "version")}${what}`;
        for (const { hash, trouble } of withoutCode) {
          yield `without the code of ${hash.slice(0, 12)}: ${trouble}`;
        }
      });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      throw new CliError("EXISTS", `Cannot write ${output}: the file exists`, "Pass another -o.");
    }
  },
});

/** Ids may hold characters that a file's name can't, or begin as an option does. */
function fileNameOf(id: string): string {
  return `${id.replace(/[^\w.@=+-]/g, "_").replace(/^[.-]+/, "_").slice(0, 100)}.bundle`;
}
