/**
 * `docs/reliability.md`: every scenario has a row, and every test that a row names is there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PROJECT } from "../support/project.ts";

const page = await Deno.readTextFile(new URL("docs/reliability.md", PROJECT));
const rows = [...page.matchAll(/^\| F(\d+) \| (.+) \| (.+) \|$/gm)]
  .map(([, id, scenario, shown]) => ({ id: Number(id), scenario: scenario!, shown: shown! }));

Deno.test("docs/reliability.md has every scenario from F1 to F108, once and in order", () => {
  assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: 108 }, (_, at) => at + 1));
});

Deno.test("every row of docs/reliability.md names tests that are there", async () => {
  const missing: string[] = [];
  for (const { id, shown } of rows) {
    for (const reference of shown.split("<br>")) {
      const [, file, name] = /^`([\w/]+\.ts)`: (.+)$/.exec(reference) ?? [];
      assert.ok(file !== undefined && name !== undefined, `F${id}: ${reference}`);
      const source = await Deno.readTextFile(new URL(`tests/${file}`, PROJECT));
      const isThere = ['"', "`"].some((quote) => source.includes(quote + name + quote));
      if (!isThere) missing.push(`F${id}: ${reference}`);
    }
  }
  assert.deepEqual(missing, []);
});
