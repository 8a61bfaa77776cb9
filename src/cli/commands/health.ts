/**
 * `health`.
 *
 * @module
 */

import type { Finding } from "../../operate/health.ts";
import { nextStepOf } from "../../operate/next_step.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { counted, sentenceText } from "../output/words.ts";

/** Reports what an operator should look at. */
export const command = defineCommand<{ readonly strict?: boolean }>({
  examples: [
    { text: "What an operator should look at, in all namespaces", line: "health" },
    { text: "For a probe: code 3 if there is anything to do", line: "health --strict --quiet" },
  ],
  options: [{
    flags: "--strict",
    text: "exit with code 3 if there is a finding that no one has acknowledged, also one that is " +
      "not severe; UNSIGNED_CODE does not count",
  }],
  fields: ["status", "at", "nodes", "findings"],
  async run({ options: { strict }, read, out }) {
    const report = await read("health", { strict: strict === true });
    const { status, nodes, findings } = report;
    out.document(report, () => [
      `${status} · ${counted(nodes.length, "node")} alive`,
      ...findings.flatMap(linesOf),
    ]);
    return strict === true && status === "degraded" ? EXIT.found : EXIT.done;
  },
});

function linesOf(finding: Finding): string[] {
  const { code, severe, message, acknowledged, repair, fingerprint } = finding;
  const by = acknowledged === null ? "" : ` (acknowledged by ${acknowledged.by})`;
  const line = `${severe && acknowledged === null ? "!" : "-"} ${code}: ${
    sentenceText(message)
  }${by}`;
  if (acknowledged !== null) return [line];
  const { says, command } = nextStepOf(finding);
  return [
    line,
    `    ${says}`,
    `    to look into it: ${command}`,
    ...(repair === null ? [] : [`    to repair it: continuum repair ${code}`]),
    ...(code === "UNSIGNED_CODE"
      ? []
      : [`    to mark it as known: continuum health acknowledge ${fingerprint}`]),
  ];
}
