/**
 * Reports of replays as JUnit XML, which continuous integration systems show.
 *
 * @module
 */

import { causeLine, siteLine } from "./causes.ts";
import type { ReplayReport } from "./preflight.ts";

/**
 * Writes a report.
 *
 * @param report The report.
 * @returns One test case for each verdict and cause. Causes that refute the code are failures; runs
 * that changed meanwhile are skipped. A report without any run fails unless it is `ok`.
 */
export function junitOf(report: ReplayReport): string {
  const { workflow, version, groups, empty, ok } = report;
  const cases = groups.map(({ verdict, runs, cause, examples }) => {
    const name = cause === null ? verdict : `${verdict}: ${causeLine(cause)}`;
    const lines = [
      cause?.message,
      `runs: ${runs}, such as ${examples.join(", ")}`,
      cause && `recorded at ${siteLine(cause.recordedAt)}: ${cause.recordedAt?.text ?? ""}`,
      cause && `requested at ${siteLine(cause.requestedAt)}: ${cause.requestedAt?.text ?? ""}`,
    ].filter((line) => typeof line === "string").join("\n");
    return cause === null
      ? testCase(workflow, name, verdict === "changed" ? "    <skipped/>\n" : "")
      : testCase(workflow, name, failure(`${runs} runs: ${causeLine(cause)}`, cause.kind, lines));
  });
  if (empty) {
    const name = "there are histories to replay";
    const says = "No run of the workflow has a history to replay";
    cases.push(testCase(workflow, name, ok ? "" : failure(says, "empty", says)));
  }
  const failures = cases.filter((text) => text.includes("<failure")).length;
  const suite = `name="${escape(`${workflow} on ${version.slice(0, 12)}`)}" ` +
    `tests="${cases.length}" failures="${failures}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite ${suite}>\n` +
    `${cases.join("")}  </testsuite>\n</testsuites>\n`;
}

function testCase(workflow: string, name: string, content: string): string {
  const head = `  <testcase classname="${escape(workflow)}" name="${escape(name)}"`;
  return content === "" ? `${head}/>\n` : `${head}>\n${content}  </testcase>\n`;
}

function failure(message: string, kind: string, text: string): string {
  return `    <failure message="${escape(message)}" type="${kind}">${escape(text)}</failure>\n`;
}

/** XML has no form for most control characters. */
function escape(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
