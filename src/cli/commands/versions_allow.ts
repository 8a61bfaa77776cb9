/**
 * `versions allow`: takes a denial back.
 *
 * @module
 */

import { allow, planAllow } from "../../operate/denials.ts";
import { isContinuumError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { counted } from "../output/words.ts";

/** Takes a denial back. */
export const command = defineCommand({
  examples: [
    {
      text: "Let runs continue that were parked for a denial",
      line: `versions allow 3f9a2c1 --reason "it was another module"`,
    },
    { text: "Who denied it, and why", line: "versions allow 3f9a2c1 --dry-run" },
  ],
  arguments: [["<hash>", "what is denied: the digest of a version or a module, or its beginning"]],
  fields: ["sha256", "versions", "revived"],
  acts: { needsReason: false },
  async run({ args: [text], client, out, consent }) {
    const connected = await client();
    const { sha256, reason, by, at, versions } = await planAllow(connected, text!)
      .catch(withNext);
    await consent({
      lines: [
        `allow ${sha256}, denied ${at}${by === null ? "" : ` by ${by}`}: ${reason}`,
        `bars ${counted(versions.length, "version")}; their parked runs continue, unless another ` +
        "denial bars them",
      ],
      answer: sha256.slice(0, 12),
      what: "the first 12 digits of what is allowed",
    });
    const report = await allow(connected, sha256);
    out.document(report, () => [
      `allowed ${sha256.slice(0, 12)}: ${counted(report.revived, "run")} ` +
      `${report.revived === 1 ? "continues" : "continue"}`,
    ]);
  },
});

/** Says where denials are listed, in place of where all versions are. */
function withNext(error: unknown): never {
  if (!isContinuumError(error, "VERSION_NOT_FOUND")) throw error;
  const next = "`continuum versions list --state denied` lists the versions that are denied.";
  throw new CliError(error.code, error.message, next, error.details);
}
