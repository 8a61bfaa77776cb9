/**
 * `versions new-key`: makes a key that signs versions.
 *
 * @module
 */

import { newKey } from "../../operate/sign.ts";
import { defineCommand } from "../command.ts";

/** Makes a key that signs versions. */
export const command = defineCommand({
  examples: [
    {
      text: "A private key for the pipeline, and a public one for the nodes",
      line: "versions new-key release.pem > keys.txt",
    },
  ],
  arguments: [["<file>", "the file that is made, and gets the private key in PEM"]],
  fields: ["id", "publicKey", "file"],
  async run({ args: [file], out }) {
    const made = await newKey(file!);
    out.document(made, () => [made.publicKey]);
    out.note(`key ${made.id}; ${made.file} holds the private key, which signs: keep it secret`);
  },
});
