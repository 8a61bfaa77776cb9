/**
 * `health acknowledge`.
 *
 * @module
 */

import { acknowledgeFindings, findingsOf } from "../../operate/health.ts";
import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { given } from "../../operate/client.ts";
import { quote } from "../../base/describe.ts";

/** Marks findings as known. */
export const command = defineCommand({
  examples: [
    {
      text: "Mark a finding as known: `health` prints its fingerprint",
      line: `health acknowledge 3f9a2c1b88e01bd4 --reason "ticket 4711"`,
    },
    { text: "What would be marked", line: "health acknowledge 3f9a2c1b88e01bd4 --dry-run" },
  ],
  arguments: [["<fingerprint...>", "the fingerprints of findings"]],
  fields: ["acknowledged"],
  acts: { needsReason: false },
  async run({ args, globals: { as, reason }, client, announce, out }) {
    const connected = await client();
    const found = await findingsOf(connected, args);
    const findings = found.map((finding, index) => finding ?? missing(args[index]!));
    announce(findings.map(({ code, message }) => `acknowledge ${code}: ${message}`));
    await acknowledgeFindings(connected, findings, { as, ...given({ reason }) });
    const acknowledged = findings.map(({ code, fingerprint }) => ({ code, fingerprint }));
    out.document(
      { acknowledged },
      () => findings.map(({ code, message }) => `acknowledged ${code}: ${message}`),
    );
  },
});

function missing(fingerprint: string): never {
  throw new CliError(
    "NOT_FOUND",
    `Cannot acknowledge ${quote(fingerprint)}: no finding has this fingerprint now`,
    "`continuum health --fields findings --json` shows the fingerprints.",
  );
}
