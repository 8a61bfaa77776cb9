/**
 * What `deno task test` shows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestReport } from "../../tools/test_report.ts";

function reported(
  output: string,
  code: number,
  options: { isVerbose?: boolean; stepMs?: number } = {},
) {
  let shown = "";
  let now = 0;
  const report = new TestReport({
    isTerminal: false,
    isVerbose: options.isVerbose ?? false,
    show: (text) => shown += text,
    now: () => now += options.stepMs ?? 0,
  });
  for (const char of output) report.take(char);
  report.end(code, "/tmp/log");
  return shown;
}

const PASSED = Array.from({ length: 50 }, (_, n) => `a test ${n} ... \x1b[32mok\x1b[0m (3ms)\n`)
  .join("");

Deno.test("a run in which all passes shows where its log is, and the total last", () => {
  const shown = reported(`${PASSED}\nok | 12 passed (38 steps) | 0 failed (1s)\n`, 0);
  assert.equal(shown, "All output: /tmp/log\n50 passed, 0 failed\n");
});

Deno.test("progress is reported now and then, not for each test", () => {
  const shown = reported(`${PASSED}\nok | 50 passed | 0 failed (1s)\n`, 0, { stepMs: 500 });
  const lines = shown.split("\n").filter((line) => line.endsWith("so far"));
  assert(lines.length >= 2 && lines.length <= 5, shown);
});

Deno.test("what failed is shown with its reason, and nothing before it", () => {
  const output =
    `${PASSED}one ... FAILED (1ms)\n\n ERRORS \n\none => ./one_test.ts:1:1\nerror: why\n\n` +
    " FAILURES \n\none => ./one_test.ts:1:1\n\nFAILED | 50 passed | 1 failed (1s)\n";
  const shown = reported(output, 1);
  assert.match(shown, /^ ERRORS \n/);
  assert.match(shown, /error: why/);
  assert.match(shown, /\n50 passed, 1 failed\n$/);
});

Deno.test("a run that ends before any test shows what was said", () => {
  const shown = reported("TS2322 [ERROR]: no\nerror: Type checking failed.\n", 1);
  assert.match(shown, /TS2322.*\nerror: Type checking failed/);
  assert.match(shown, /\n0 passed, 0 failed\n$/);
});

Deno.test("all is shown where that is asked for", () => {
  assert.match(reported(PASSED, 0, { isVerbose: true }), /a test 49/);
});
