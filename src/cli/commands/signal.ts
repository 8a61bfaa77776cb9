/**
 * `signal`: sends a run a signal.
 *
 * @module
 */

import { given } from "../../operate/client.ts";
import { defineCommand } from "../command.ts";
import { valueOf } from "../values.ts";

interface Options {
  readonly deliveryId?: string;
  readonly trust?: readonly string[];
}

/** Sends a run a signal. */
export const command = defineCommand<Options>({
  examples: [
    { text: "Approve order o-1", line: `signal o-1 review '"approved"'` },
    {
      text: "A payload from a file, delivered once",
      line: "signal o-1 paid @paid.json --delivery-id p-77",
    },
  ],
  arguments: [
    ["<id>", "the run's id"],
    ["<name>", "the signal's name"],
    ["[payload]", "JSON, @file, or - for standard input"],
  ],
  options: [
    { flags: "--delivery-id <id>", text: "deliveries with the same id count once" },
    {
      flags: "--trust <pattern>",
      text: "modules whose code may run here, to check the payload by its schema",
      repeat: true,
    },
  ],
  fields: ["id", "delivery"],
  acts: { needsReason: false },
  async run(context) {
    const { args: [id, name, text], options, out, announce } = context;
    const payload = await valueOf(text, "the payload", context.input);
    announce([`send signal ${name} to run ${id}`]);
    const acts = await context.acts(options.trust);
    const { deliveryId } = options;
    const sent = await acts.signal(id!, name!, payload, given({ deliveryId }));
    out.document(sent, () => [`${sent.delivery === "delivered" ? "delivered" : "a duplicate"}`]);
  },
});
