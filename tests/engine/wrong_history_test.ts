/**
 * Histories that are wrong, as after a mistake of an operator, a bad restore or a newer release: the
 * run is parked with a diagnosis, keeps every event, and others continue.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { TestNode } from "../support/node.ts";

const three = defineWorkflow({ name: "three" }, async (ctx) => {
  const seen: unknown[] = [];
  for (const name of ["a", "b", "c"]) seen.push(await ctx.run(name, () => name));
  return [...seen, await ctx.waitForSignal("go")];
});

/** What is done to the events of the run `$1`, and the diagnosis. */
const WRONGS: readonly [what: string, statements: readonly string[], code: string][] = [
  ["that is reordered", [
    "update {schema}.events set seq = 100 where run = $1 and seq = 0",
    "update {schema}.events set seq = 0 where run = $1 and seq = 1",
    "update {schema}.events set seq = 1 where run = $1 and seq = 100",
  ], "DRIFT"],
  ["with an effect that the code does not request", [
    "update {schema}.events set name = 'x' where run = $1 and seq = 1",
  ], "DRIFT"],
  ["with an answer of another kind of effect", [
    "update {schema}.events set kind = 'timer.fired' where run = $1 and seq = 1",
  ], "DRIFT"],
  ["with a position that the code never reaches", [
    "update {schema}.events set position = 2000000000 where run = $1 and seq = 1",
  ], "DRIFT"],
  ["with an event twice", [
    "update {schema}.events set position = 0, name = 'a' where run = $1 and seq = 1",
  ], "DRIFT"],
  ["with a kind of event of a newer release", [
    "alter type {schema}.event_kind add value 'of.tomorrow'",
    "update {schema}.events set kind = 'of.tomorrow' where run = $1 and seq = 1",
  ], "HISTORY_TOO_NEW"],
  ["with a payload that the engine can't have written", [
    `update {schema}.events set payload = '{"$continuum":"Nope"}' where run = $1 and seq = 1`,
  ], "HISTORY_CORRUPT"],
];

forEachDatabase("a history", (database, test) => {
  test("that is wrong in any way parks its run with a diagnosis, keeps its events, and others continue", async () => {
    await using db = await database.empty(); // its type gets another value
    await using node = await TestNode.open(db, [three]);
    for (const [what, statements, code] of WRONGS) {
      const [wrong, sound] = [await node.start("three"), await node.start("three")];
      for (const id of [wrong, sound]) await node.left(id, "suspended");
      const [{ key } = { key: 0 }] = await db.query<{ key: number }>(
        "select id as key from {schema}.runs where run_id = $1",
        [wrong],
      );
      for (const statement of statements) {
        await db.query(statement, statement.includes("$1") ? [key] : []);
      }
      const before = await eventsOf(db, key);
      for (const id of [wrong, sound]) await node.signal(id, "go", 1);
      await node.left(wrong, "stuck");
      await node.left(sound, "ended");
      const row = (await node.store.runs.get(wrong))!;
      assert.equal(row.stuckReason?.code, code, what);
      assert.deepEqual(await eventsOf(db, key), before, what);
      const { result } = (await node.store.runs.get(sound))!;
      assert.deepEqual(decode(result!), ["a", "b", "c", 1]);
    }
  });
});

function eventsOf(db: EmptyDatabase, key: number): Promise<unknown[]> {
  return db.query("select * from {schema}.events where run = $1 order by seq", [key]);
}
