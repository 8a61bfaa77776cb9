/**
 * `versions add-signatures`: adds signatures to the registry.
 *
 * @module
 */

import { addSignatures, planSignatures } from "../../operate/sign.ts";
import { defineCommand } from "../command.ts";
import { counted } from "../output/words.ts";

/** Adds signatures to the registry. */
export const command = defineCommand({
  examples: [
    { text: "What a pipeline signed", line: "versions add-signatures workflows.signatures" },
    {
      text: "Sign what is registered, and add that",
      line: "versions sign 3f9a2c1 --key release.pem | continuum versions add-signatures -",
    },
  ],
  arguments: [["<file>", "lines that `versions sign` printed; - for standard input"]],
  fields: ["signatures", "added", "revived"],
  acts: { needsReason: false },
  async run({ args: [file], announce, client, input, out }) {
    const text = file === "-" ? await input() : await Deno.readTextFile(file!);
    announce(
      planSignatures(text).map(({ workflow, hash, key }) =>
        `add the signature of ${workflow} ${hash} by key ${key}`
      ),
    );
    const report = await addSignatures(await client(), text);
    out.document(report, function* () {
      for (const { workflow, hash, key } of report.added) {
        yield `${workflow} ${hash.slice(0, 12)} is signed by key ${key}`;
      }
      if (report.signatures === 0) yield "there is no signature to add";
      const known = report.signatures - report.added.length;
      if (known > 0) yield `${counted(known, "signature was", "signatures were")} there already`;
      if (report.revived > 0) {
        yield `${counted(report.revived, "parked run continues", "parked runs continue")}`;
      }
    });
  },
});
