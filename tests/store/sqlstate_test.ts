/**
 * What an error means for the statement that threw it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOGTAPE } from "../../src/base/log.ts";
import { InvalidArgumentError } from "../../src/base/errors.ts";
import { DatabaseRetry } from "../../src/engine/database_retry.ts";
import { DatabaseUnavailableError } from "../../src/store/errors.ts";
import type { Outcome } from "../../src/ports/outcome.ts";
import { outcomeOf } from "../../src/store/sql/sqlstate.ts";
import { forEachDatabase } from "../support/database.ts";
import { HandClock } from "../support/hand_clock.ts";

function coded(code: string): Error {
  return Object.assign(new Error("said no"), { code });
}

Deno.test("SQLSTATE-1: only what is known to last is taken to last", () => {
  const lasting = ["22001", "22P02", "22021", "23505", "23503", "23514", "54000", "54001"];
  const passing = [
    ...["25006", "0A000", "26000", "42P05", "25P02", "42501", "42P01", "28P01", "XX000", "P0001"],
    ...["53100", "53200", "53300", "40001", "40P01", "55P03", "55000", "57014", "58030", "ZZ999"],
  ];
  const lost = ["08006", "08007", "57P01", "57P02", "57P03", "57P05", "40003", "25P03"];
  const told = (codes: readonly string[]) => codes.map((code) => outcomeOf(coded(code)));
  assert.deepEqual(told(lasting), lasting.map((): Outcome => "refused"));
  assert.deepEqual(told(passing), passing.map((): Outcome => "undone"));
  assert.deepEqual(told(lost), lost.map((): Outcome => "unknown"));
  const retry = new DatabaseRetry(new HandClock(), { outcomeOf }, LOGTAPE.engine);
  assert.ok([...passing, ...lost].every((code) => retry.isTransient(coded(code))));
  assert.ok(!lasting.some((code) => retry.isTransient(coded(code))));
});

Deno.test("SQLSTATE-1: a driver's words are unknown outcomes, a mistake in code lasts", () => {
  for (const error of [coded("ECONNRESET"), coded("CONNECTION_CLOSED"), new Error("went away")]) {
    assert.equal(outcomeOf(error), "unknown");
  }
  const large = coded("ERR_STRING_TOO_LONG");
  for (const error of [new TypeError("x is not a function"), new RangeError("x"), large, "text"]) {
    assert.equal(outcomeOf(error), "refused");
  }
});

Deno.test("of the package's own errors only the database's absence passes", () => {
  assert.equal(outcomeOf(new InvalidArgumentError("no")), "refused");
  assert.equal(outcomeOf(new DatabaseUnavailableError("x", new Error("gone"))), "unknown");
  assert.equal(outcomeOf(new DatabaseUnavailableError("x", new Error("gone"), false)), "undone");
});

forEachDatabase("outcomes", (database, test) => {
  test("both databases tell refusals from the rest", async () => {
    await using db = await database.fresh();
    const statements: Readonly<Record<string, Outcome>> = {
      "select 1 / 0": "refused",
      "select 'x'::integer": "refused",
      "select $1::text::json": "refused",
      "select missing from pg_class": "undone",
      "do $$ begin raise exception 'a trigger says no'; end $$": "undone",
      "do $$ begin raise exception 'read only' using errcode = '25006'; end $$": "undone",
    };
    for (const [text, wanted] of Object.entries(statements)) {
      const values = text.includes("$1") ? ["{"] : [];
      const error = await db.query(text, values).then(() => null, (error) => error);
      assert.equal(outcomeOf(error), wanted, text);
    }
  });
});
