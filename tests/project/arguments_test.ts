/**
 * Holds that arguments are refused in one place, and so in one form (ARGUMENT-1 of
 * `base/arguments.ts`).
 *
 * @module
 */

import assert from "node:assert/strict";
import { projectFiles } from "../support/project.ts";

Deno.test("an error of an argument is made in one file, which shows the value without secrets", async () => {
  const makers: string[] = [];
  for (const file of await projectFiles("src", ".ts")) {
    const source = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    if (/\b(?:new|extends) InvalidArgumentError\b/.test(source)) makers.push(file);
  }
  // UNSTORABLE_TEXT is what the database says of a text, wherever that came from.
  assert.deepEqual(makers, ["src/base/arguments.ts", "src/store/errors.ts"]);
});
