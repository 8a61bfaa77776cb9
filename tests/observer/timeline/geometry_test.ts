/**
 * Where a timeline places times and bars.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { drawn, scaleOfEffects, stretchOf } from "../../../src/observer/timeline/bars.ts";
import {
  type Effect,
  groupsOf,
  membersOf,
  type Row,
  rowsOf,
} from "../../../src/observer/timeline/rows.ts";
import { scaleOf, ticksOf, WIDTH } from "../../../src/observer/timeline/scale.ts";
import { effectOf, START } from "./effects.ts";

const SECOND = 1_000;
const DAY = 86_400 * SECOND;

/** Effects as runs have them: each requested at some time, answered then or later, or never. */
const someEffects = fc.array(
  fc.record({
    kind: fc.constantFrom(
      "step" as const,
      "activity" as const,
      "sleep" as const,
      "signal" as const,
    ),
    name: fc.constantFrom("a", "b"),
    from: fc.integer({ min: 0, max: 100_000 }),
    took: fc.oneof(fc.constant(null), fc.constantFrom(0, 1, DAY), fc.integer({ min: 0, max: DAY })),
    failures: fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 4 }),
    state: fc.constantFrom("completed" as const, "failed" as const),
  }),
  { minLength: 1, maxLength: 40 },
).map((items) =>
  items.sort((a, b) => a.from - b.from).map(({ from, took, failures, state, ...rest }, position) =>
    effectOf({
      ...rest,
      position,
      from,
      ...took === null ? { state: "waiting" } : { state, to: from + took },
      failures: failures.map((after) => from + after),
    })
  )
);

Deno.test("SCALE-1: times keep their order within the width, whatever is cut out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: DAY }), { minLength: 1, maxLength: 50 }),
      fc.array(fc.tuple(fc.nat(DAY), fc.nat(DAY)), { maxLength: 10 }),
      fc.boolean(),
      (moments, stretches, isWhole) => {
        const busy = stretches.map(([from, length]) => ({ from, to: from + length }));
        const scale = scaleOf(moments, busy, isWhole);
        const places = [...moments, -1, DAY * 3].sort((a, b) => a - b).map((time) =>
          scale.at(time)
        );
        assert(places.every((place) => place >= 0 && place <= WIDTH), String(places));
        assert.deepEqual(places, [...places].sort((a, b) => a - b));
        assert(isWhole ? scale.cuts.length === 0 : true);
        for (const { from, to, left, right } of scale.cuts) {
          assert(right > left && to - from > (scale.to - scale.from) * 0.05);
          assert(!moments.some((time) => time > from && time < to), "nothing happens in a cut");
        }
        const ticks = ticksOf(scale);
        assert(ticks.every(({ at }, index) => index === 0 || at - ticks[index - 1]!.at >= 90));
        assert(ticks.length <= 12);
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("BAR-1, BAR-2: bars are within the width, two units wide, and alike ones lie apart", () => {
  fc.assert(
    fc.property(someEffects, fc.boolean(), (effects, isWhole) => {
      const now = START + 2 * DAY;
      const scale = scaleOfEffects(effects, { from: START, to: now }, [], isWhole);
      for (const row of [...rowsOf(effects), ...groupsOf(effects)]) {
        const { bars, failures } = drawn(row, scale, now);
        assert.equal(bars.reduce((sum, { count }) => sum + count, 0), row.effects.length);
        for (const { left, width } of bars) {
          assert(left >= 0 && width >= 2 && left + width <= WIDTH + 1e-6, `${left} ${width}`);
        }
        for (const alike of Map.groupBy(bars, ({ look }) => look).values()) {
          for (let index = 1; index < alike.length; index++) {
            const last = alike[index - 1]!;
            assert(alike[index]!.left > last.left + last.width);
          }
        }
        assert(failures.every((place) => place >= 0 && place <= WIDTH));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("a step of milliseconds and a wait of days are both seen, and the wait's true length is kept", () => {
  const effects = [
    effectOf({ position: 0, kind: "step", name: "quote", from: 0, to: 200 }),
    effectOf({ position: 1, kind: "sleep", name: "", from: 200, to: 200 + 2 * DAY }),
    effectOf({ position: 2, kind: "step", name: "charge", from: 200 + 2 * DAY, to: 500 + 2 * DAY }),
  ];
  const end = START + 500 + 2 * DAY;
  const scale = scaleOfEffects(effects, { from: START, to: end }, [], false);
  assert.deepEqual(scale.cuts.map(({ from, to }) => to - from), [2 * DAY]);
  const [quote, sleep, charge] = rowsOf(effects).map((row) => drawn(row, scale, end).bars[0]!);
  assert.equal(quote!.left, 0);
  assert(Math.abs(quote!.width - 384) < 1 && Math.abs(charge!.width - 576) < 1, "by their lengths");
  assert.equal(sleep!.width, 40);
  assert.equal(charge!.left + charge!.width, WIDTH);
  const whole = scaleOfEffects(effects, { from: START, to: end }, [], true);
  const bars = rowsOf(effects).map((row) => drawn(row, whole, end).bars[0]!);
  assert.deepEqual(bars.map(({ width }) => width >= 2), [true, true, true]);
  assert(bars[1]!.width > 990);
});

Deno.test("time in which code runs is not cut out", () => {
  const effects = [
    effectOf({ position: 0, kind: "activity", name: "render", from: 0, to: DAY }),
    effectOf({ position: 1, kind: "step", name: "mail", from: DAY, to: DAY + SECOND }),
  ];
  const scale = scaleOfEffects(effects, { from: START, to: START + DAY + SECOND }, [], false);
  assert.deepEqual(scale.cuts, []);
});

Deno.test("what still waits reaches to the last time that is shown, and has failures on the way", () => {
  const effects = [
    effectOf({
      position: 0,
      kind: "activity",
      name: "pay",
      from: 0,
      state: "waiting",
      failures: [100, 600],
    }),
  ];
  const now = START + 1_000;
  const scale = scaleOfEffects(effects, { from: START, to: now }, [], false);
  const { bars, failures } = drawn(rowsOf(effects)[0]!, scale, now);
  assert.deepEqual(bars.map(({ left, width, look }) => [left, width, look]), [[
    0,
    WIDTH,
    "waiting",
  ]]);
  assert.deepEqual(failures, [100, 600]);
});

Deno.test("without a replay, an effect begins at what the history knows of it", () => {
  const at = (iso: string | null) => iso === null ? null : Date.parse(iso) - START;
  const known = effectOf({
    position: 0,
    kind: "step",
    name: "a",
    from: null,
    to: 900,
    failures: [300],
  });
  const { from, to } = stretchOf(known, START + 2_000);
  assert.deepEqual([from - START, to - START, at(known.requestedAt)], [300, 900, null]);
  const unknown = effectOf({ position: 1, kind: "step", name: "a", from: null, to: 900 });
  assert.deepEqual(stretchOf(unknown, START), { from: START + 900, to: START + 900 });
});

function names(rows: readonly Row[]): string[] {
  return rows.map(({ effects, failed }) =>
    `${effects[0].name || effects[0].kind} ${effects.length}${
      failed > 0 ? ` failed ${failed}` : ""
    }`
  );
}

/** `count` steps of a name on a line. */
function alike(name: string, line: number, count: number, from: number, failed: number[] = []) {
  return Array.from({ length: count }, (_, index): Effect =>
    effectOf({
      position: from + index,
      kind: "step",
      name,
      line,
      from: index,
      to: index + 1,
      ...failed.includes(from + index) ? { state: "failed" } : {},
    }));
}

Deno.test("effects that are alike and follow each other are one row, until it is opened", () => {
  const effects = [
    ...alike("load", 3, 2, 0),
    ...alike("map", 5, 500, 2, [7]),
    ...alike("map", 9, 4, 502),
    ...alike("store", 11, 1, 506),
  ];
  assert.deepEqual(names(rowsOf(effects)), [
    "load 1",
    "load 1",
    "map 500 failed 1",
    ...Array<string>(4).fill("map 1"),
    "store 1",
  ]);
  const opened = rowsOf(effects, new Set(["2"]));
  assert.equal(opened.length, effects.length);
  assert.deepEqual(opened.map(({ key }) => key), effects.map(({ position }) => String(position)));
});

Deno.test("groups are by name and line, those with failures first, and so are their effects", () => {
  const effects = [
    ...alike("load", 3, 2, 0),
    ...alike("map", 5, 3, 2),
    ...alike("load", 3, 2, 5),
    ...alike("map", 9, 2, 7, [8]),
  ];
  const groups = groupsOf(effects);
  assert.deepEqual(names(groups), ["map 2 failed 1", "load 4", "map 3"]);
  assert.deepEqual(membersOf(groups[0]!).map(({ key }) => key), ["8", "7"]);
  assert.deepEqual(membersOf(groups[1]!).map(({ key }) => key), ["0", "1", "5", "6"]);
});

Deno.test("a run of 20,000 effects has few rows, and each has a bounded number of bars", () => {
  const effects = Array.from({ length: 20_000 }, (_, position) =>
    effectOf({
      position,
      kind: position % 2 === 0 ? "step" : "sleep",
      name: `n${position % 3}`,
      from: position * 100,
      to: position * 100 + 90,
    }));
  const end = START + 2_000_000;
  const scale = scaleOfEffects(effects, { from: START, to: end }, [], false);
  const rows = groupsOf(effects).map((row) => drawn(row, scale, end));
  assert.equal(rows.length, 6);
  assert(rows.every(({ bars }) => bars.length <= WIDTH));
});
