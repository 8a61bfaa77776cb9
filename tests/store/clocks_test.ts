/**
 * Which clock statements ask.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PROJECT, projectFiles } from "../support/project.ts";

/** Names of clocks that stand still within a transaction. */
const FROZEN =
  /\b(?:now|transaction_timestamp)\(\)|\bcurrent_(?:timestamp|time|date)\b|\blocaltime(?:stamp)?\b/i;

Deno.test("F19: no statement and no table asks for the time at which its transaction began", async () => {
  const found: string[] = [];
  for (const file of await projectFiles("migrations", ".sql")) {
    found.push(...frozen(file, await read(file)));
  }
  for (const file of await projectFiles("src/store", ".ts")) {
    // Statements are the template literals of several words.
    for (
      const [text] of (await read(file)).matchAll(
        /`[^`]*\b(?:select|insert|update|delete)\b[^`]*`/g,
      )
    ) {
      found.push(...frozen(file, text));
    }
  }
  assert.deepEqual(found, []);
  assert.equal(frozen("a statement", "select now() from x").length, 1);
});

function frozen(file: string, text: string): string[] {
  const clock = FROZEN.exec(text);
  return clock === null ? [] : [`${file}: ${text.slice(clock.index, clock.index + 60)}`];
}

function read(file: string): Promise<string> {
  return Deno.readTextFile(new URL(file, PROJECT));
}
