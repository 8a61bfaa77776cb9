/**
 * What happens in a round of chaos follows from its seed alone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FAULTS, planOf } from "./plan.ts";
import { PROGRAMS } from "./programs/all.ts";

const SIZE = { seed: 7, seconds: 60, workers: 4, runsPerSecond: 5, faultEveryMs: 1_000 };

Deno.test("one seed makes one plan of runs and faults, another seed another one", () => {
  assert.deepEqual(planOf(SIZE), planOf(SIZE));
  const other = planOf({ ...SIZE, seed: 8 });
  assert.notDeepEqual(planOf(SIZE).runs, other.runs);
  assert.notDeepEqual(planOf(SIZE).faults, other.faults);
});

Deno.test("a plan has every kind of fault in turn, and every program", () => {
  const { faults, runs } = planOf(SIZE);
  const first = faults.slice(0, FAULTS.length).map(({ kind }) => kind).sort();
  assert.deepEqual(first, [...FAULTS].sort());
  const programs = new Set(runs.map(({ program }) => program));
  assert.deepEqual([...programs].sort(), PROGRAMS.map(({ name }) => name).sort());
  assert.equal(new Set(runs.map(({ name }) => name)).size, runs.length);
});
