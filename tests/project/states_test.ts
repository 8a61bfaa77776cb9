/**
 * The diagrams of `docs/states.md` have the states that the database allows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MIGRATIONS } from "../../src/store/schema/migrations.gen.ts";
import { drawnMoves } from "../support/states.ts";

const sql = MIGRATIONS.map((migration) => migration.sql).join("\n");

/** The states of a table, by its constraint. */
function allowed(table: string): string[] {
  const list = new RegExp(`constraint ${table}_state check \\(state in \\(([^)]*)\\)`).exec(sql);
  assert(list !== null, `no constraint on the states of ${table}`);
  return [...list[1]!.matchAll(/'([^']+)'/g)].map(([, state]) => state!).sort();
}

/** The arrows under a heading. */
async function arrows(heading: string): Promise<[from: string, to: string][]> {
  return (await drawnMoves(heading)).map((move) => move.split(" --> ") as [string, string]);
}

for (
  const [heading, table] of [["Runs", "runs"], ["Activities", "tasks"], ["Schedules", "schedules"]]
) {
  Deno.test(`the diagram of ${table} has every state that the database allows, and no other`, async () => {
    const drawn = new Set((await arrows(heading!)).flat().filter((state) => state !== "[*]"));
    assert.deepEqual([...drawn].sort(), allowed(table!));
  });

  Deno.test(`every state of ${table} is reached from the start and leads to the end`, async () => {
    const forward = await arrows(heading!);
    // A schedule keeps its row: these are its ends.
    if (table === "schedules") forward.push(["done", "[*]"], ["cancelled", "[*]"]);
    const backward = forward.map(([from, to]): [string, string] => [to, from]);
    for (const all of [forward, backward]) {
      const seen = new Set(["[*]"]);
      for (const state of seen) {
        for (const [from, to] of all) if (from === state) seen.add(to);
      }
      assert.deepEqual([...seen].filter((state) => state !== "[*]").sort(), allowed(table!));
    }
  });
}

Deno.test("what ends a run in the diagram is what the database calls an end", async () => {
  const ended = /constraint runs_ended check \(\s*\(state in \(([^)]*)\)/.exec(sql)![1]!;
  const wanted = [...ended.matchAll(/'([^']+)'/g)].map(([, state]) => state!).sort();
  const drawn = (await arrows("Runs")).filter(([, to]) => to === "[*]").map(([from]) => from)
    .sort();
  assert.deepEqual(drawn, wanted);
});
