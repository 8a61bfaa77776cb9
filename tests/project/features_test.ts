/**
 * The table of features is complete, and shows what it names.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PROJECT } from "../support/project.ts";

/** How many entries each group of the inventory has. */
const GROUPS: Readonly<Record<string, number>> = {
  ...{ VR: 14, DT: 14, AC: 18, SG: 8, TM: 5, CH: 10, CN: 6, SA: 5, SC: 5, IN: 5, QN: 7 },
  ...{ SN: 5, LS: 17, HR: 8, CLI: 1, OB: 5, TE: 1, TS: 6, RP: 6, CF: 3, API: 1, G: 27, LG: 5 },
};

const table = await Deno.readTextFile(new URL("tests/FEATURES.md", PROJECT));
const rows = [...table.matchAll(/^\| ([A-Z]+)(\d*) \| (.+) \| (.*) \|$/gm)]
  .map(([, group, number, here, shown]) => ({
    group: group!,
    number: number === "" ? 1 : Number(number),
    here: here!,
    shown: shown!.trim() === "" ? [] : shown!.split("<br>"),
  }));

Deno.test("every entry of the inventory is in the table of features, once and in order", () => {
  const wanted = Object.entries(GROUPS).flatMap(([group, count]) =>
    Array.from({ length: count }, (_, index) => `${group} ${index + 1}`)
  );
  assert.deepEqual(rows.map(({ group, number }) => `${group} ${number}`), wanted);
});

Deno.test("every feature names a test that is there, or says why there is none", async () => {
  const missing: string[] = [];
  for (const { group, number, here, shown } of rows) {
    if (shown.length === 0 && !/Different: |Not yet/.test(here)) missing.push(`${group}${number}`);
    for (const reference of shown) {
      const [, file, name] = /^`([\w/]+\.ts)`: (.+)$/.exec(reference.trim()) ?? [];
      assert(file !== undefined && name !== undefined, `found ${reference}`);
      const source = await Deno.readTextFile(new URL(`tests/${file}`, PROJECT));
      // A name that a test makes for each of several cases is cited without the case.
      const isThere = ['"', "`"].some((quote) => source.includes(quote + name + quote)) ||
        /^\W*(on )?\$\{/.test(source.split(`\`${name}`)[1] ?? "");
      if (!isThere) missing.push(`${group}${number}: ${reference}`);
    }
  }
  assert.deepEqual(missing, []);
});
