/**
 * Every example does what the comment at its end says, as a newcomer runs it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { deno } from "../e2e/processes.ts";
import { PROJECT, projectFiles } from "../support/project.ts";

const PRINTS = "\n// Prints:\n";
const MOST_LINES = 60;

const examples = (await projectFiles("examples", ".ts"))
  .filter((file) => /^examples\/(\d\d_\w+|ports\/\w+\/main)\.ts$/.test(file));

for (const file of examples) {
  Deno.test(`${file} prints what it says, and is short`, async () => {
    const [program, prints] = (await Deno.readTextFile(new URL(file, PROJECT))).split(PRINTS);
    assert(prints !== undefined, `${file} does not end with what it prints`);
    const { output, errors, code } = await deno([
      "run",
      "-A",
      "--quiet",
      new URL(file, PROJECT).href,
    ]);
    assert.equal(output.replaceAll(/ +$/gm, ""), prints.replaceAll(/^\/\/ ?/gm, ""), errors);
    assert.equal(code, 0, errors);
    const lines = program!.trimEnd().split("\n").length;
    assert(lines <= MOST_LINES, `found ${lines} lines, wanted at most ${MOST_LINES}`);
  });
}

Deno.test("examples are numbered without gaps", () => {
  const numbered = examples.filter((file) => !file.includes("/ports/"));
  const numbers = numbered.map((file) => Number(file.slice("examples/".length).slice(0, 2)));
  assert.deepEqual(numbers, numbers.map((_, index) => index + 1));
});
