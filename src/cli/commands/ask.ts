/**
 * `ask`: sends a run a signal, and prints what its handler answers.
 *
 * @module
 */

import { type AskAnswer, awaitAnswer } from "../../operate/answers.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { json } from "../output/output.ts";
import { valueOf } from "../values.ts";

interface Options {
  readonly askId?: string;
  readonly trust?: readonly string[];
}

/** Asks a run. */
export const command = defineCommand<Options>({
  examples: [
    { text: "Add to cart c-1, and print how many items it has", line: `ask c-1 add '"bread"'` },
    {
      text: "The same again, after the line was lost: it is asked once",
      line: `ask c-1 add '"bread"' --ask-id a-77 --timeout 1m`,
    },
  ],
  arguments: [
    ["<id>", "the run's id"],
    ["<name>", "the signal's name"],
    ["[payload]", "JSON, @file, or - for standard input"],
  ],
  options: [
    { flags: "--ask-id <id>", text: "asks with the same id count once, and have one answer" },
    {
      flags: "--trust <pattern>",
      text: "modules whose code may run here, to check the payload by its schema",
      repeat: true,
    },
  ],
  fields: ["id", "ask", "answered", "answer"],
  acts: { needsReason: false },
  async run(context) {
    const { args: [id, name, text], options, out, announce } = context;
    const payload = await valueOf(text, "the payload", context.input);
    announce([`ask run ${id} by signal ${name}`]);
    const { askId = crypto.randomUUID() } = options;
    const acts = await context.acts(options.trust);
    await acts.signal(id!, name!, payload, { askId });
    const found = await answerTo(context, id!, askId);
    out.document(found, () => json(found.answer, 2).split("\n"));
  },
});

async function answerTo(
  { globals, client, options, read, signal }: CommandContext<Options>,
  id: string,
  ask: string,
): Promise<AskAnswer> {
  if (globals.server === undefined) {
    return await awaitAnswer(await client(options.trust), id, ask, signal);
  }
  for (;;) {
    const found = await read("runs.answer", { id, ask });
    if (found.answered) return found;
    signal.throwIfAborted();
  }
}
