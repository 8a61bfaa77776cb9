/**
 * When schedules are planned to fire: intervals, patterns, and clocks that change.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkCron,
  countPlanned,
  jitterOf,
  latestPlanned,
  plannedAfter,
  type Timing,
} from "../../src/schedule/calendar.ts";

function ms(text: string): number {
  return Date.parse(text);
}

function cron(expression: string, timeZone = "Europe/Berlin"): Timing {
  return { kind: "cron", expression, timeZone };
}

/** The planned times after an instant, as ISO texts without seconds. */
function times(timing: Timing, after: string, count: number): string[] {
  const found: string[] = [];
  for (let at: number | null = ms(after); found.length < count;) {
    at = plannedAfter(timing, at);
    if (at === null) break;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

Deno.test("a time that the clocks skip in spring comes right after the gap, once", () => {
  assert.deepEqual(times(cron("30 2 * * *"), "2026-03-27T12:00Z", 3), [
    "2026-03-28T01:30", // 02:30 in winter
    "2026-03-29T01:00", // 03:00 in summer: there is no 02:30
    "2026-03-30T00:30", // 02:30 in summer
  ]);
  assert.deepEqual(times(cron("30 2,14 * * *"), "2026-03-28T20:00Z", 2), [
    "2026-03-29T01:00",
    "2026-03-29T12:30",
  ]);
});

Deno.test("a time that the clocks repeat in autumn comes the first time only", () => {
  assert.deepEqual(times(cron("30 2 * * *"), "2026-10-24T12:00Z", 2), [
    "2026-10-25T00:30", // 02:30 in summer; 02:30 in winter, an hour later, is left out
    "2026-10-26T01:30",
  ]);
  assert.deepEqual(times(cron("30 2,14 * * *"), "2026-10-24T20:00Z", 2), [
    "2026-10-25T00:30",
    "2026-10-25T13:30",
  ]);
});

Deno.test("a pattern with a step continues through a repeated and a skipped hour", () => {
  assert.deepEqual(times(cron("*/30 * * * *"), "2026-10-25T00:00Z", 4), [
    "2026-10-25T00:30",
    "2026-10-25T01:00",
    "2026-10-25T01:30",
    "2026-10-25T02:00",
  ]);
  assert.deepEqual(times(cron("*/30 * * * *"), "2026-03-29T00:00Z", 3), [
    "2026-03-29T00:30",
    "2026-03-29T01:00",
    "2026-03-29T01:30",
  ]);
});

Deno.test("the same pattern means other instants in other zones", () => {
  const after = "2026-01-01T12:00Z";
  assert.deepEqual(times(cron("0 9 * * *", "UTC"), after, 1), ["2026-01-02T09:00"]);
  assert.deepEqual(times(cron("0 9 * * *", "America/New_York"), after, 1), ["2026-01-01T14:00"]);
  assert.deepEqual(times(cron("0 9 * * *", "Asia/Kathmandu"), after, 1), ["2026-01-02T03:15"]);
});

Deno.test("a pattern is asked from within a second and just before a planned time", () => {
  const noon = ms("2026-01-01T12:00:00Z");
  const timing = cron("0 12 * * *", "UTC");
  assert.equal(plannedAfter(timing, noon - 1), noon);
  assert.equal(plannedAfter(timing, noon - 999), noon);
  assert.equal(plannedAfter(timing, noon), noon + 86_400_000);
  assert.equal(plannedAfter(timing, noon + 1), noon + 86_400_000);
  assert.equal(plannedAfter(cron("30 0 12 * * *", "UTC"), noon), noon + 30_000);
});

Deno.test("what is no pattern, never comes true or is no zone is refused with its text", () => {
  for (const bad of ["", "soon", "61 * * * *", "* * * *", "* * * * * * *", "0 0 31 2 *"]) {
    assert.throws(
      () => checkCron(bad, "UTC"),
      (error: Error) =>
        error.message.startsWith("Cannot use option cron of a schedule: ") &&
        error.message.includes(`found ${JSON.stringify(bad)}`),
    );
  }
  for (const bad of ["", "Berlin", "Mars/Phobos"]) {
    assert.throws(() => checkCron("0 0 * * *", bad), {
      code: "INVALID_ARGUMENT",
      message:
        `Cannot use option timeZone of a schedule: found ${JSON.stringify(bad)}, wanted an IANA ` +
        `name such as "Europe/Berlin" or "UTC"`,
    });
  }
  for (const good of ["@daily", "0 0 29 2 *", "0 0 * * MON#2", "*/5 * * * * *"]) {
    checkCron(good, "UTC");
  }
});

Deno.test("intervals keep to their anchor, before it they wait for it", () => {
  const timing: Timing = { kind: "every", everyMs: 1_000, anchor: 5_500 };
  assert.deepEqual([0, 5_499, 5_500, 5_501, 9_000].map((at) => plannedAfter(timing, at)), [
    5_500,
    5_500,
    6_500,
    6_500,
    9_500,
  ]);
});

Deno.test("a one-shot has one time", () => {
  const timing: Timing = { kind: "at", at: 10 };
  assert.deepEqual([9, 10].map((at) => plannedAfter(timing, at)), [10, null]);
  assert.equal(countPlanned(timing, 10, 10), 0);
  assert.equal(countPlanned(timing, 10, 11), 1);
});

Deno.test("the latest time is the one that walking finds, however far it is", () => {
  const patterns = [
    "*/7 * * * *",
    "30 2 * * *",
    "0 0 1 * *",
    "0 0 29 2 *",
    "0 9 * * MON",
    "* * * 1 *",
  ];
  const start = ms("2023-01-01T00:00Z");
  fc.assert(fc.property(
    fc.constantFrom(...patterns),
    fc.integer({ min: 0, max: 1_500 * 24 }),
    fc.integer({ min: 0, max: 100 * 60 }),
    (expression, hours, minutes) => {
      const timing = cron(expression);
      const from = plannedAfter(timing, start + hours * 3_600_000)!;
      const to = from + minutes * 60_000 * (expression.startsWith("*") ? 1 : 40);
      let [latest, count] = [from, 0];
      for (let at: number | null = from; at !== null && at <= to; at = plannedAfter(timing, at)) {
        latest = at;
        count++;
      }
      assert.equal(latestPlanned(timing, from, to), latest);
      assert.equal(countPlanned(timing, from, to + 1), Math.min(count, 1_000));
    },
  ));
});

Deno.test("jitter depends on the id and the planned time alone, and stays in its bounds", () => {
  fc.assert(fc.property(fc.string(), fc.nat(), fc.nat({ max: 100_000 }), (id, planned, most) => {
    const jitter = jitterOf(id, planned, most);
    assert.equal(jitterOf(id, planned, most), jitter);
    assert.ok(Number.isInteger(jitter) && jitter >= 0 && jitter <= most);
  }));
  const spread = new Set(Array.from({ length: 100 }, (_, i) => jitterOf(`s${i}`, 0, 100_000)));
  assert.ok(spread.size > 90);
});

/** How the clocks of a zone change at an instant. */
interface Change {
  readonly zone: string;
  readonly at: Temporal.ZonedDateTime;
  /** What they would show without it. */
  readonly wall: Temporal.PlainDateTime;
  /** Minutes that they skip, or repeat where they are negative. */
  readonly minutes: number;
}

/** One change of each kind, of all zones, from 2000 to 2037. */
function kindsOfChange(): Change[] {
  const kinds = new Map<string, Change>();
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    let last = Temporal.ZonedDateTime.from(`2000-01-01T00:00[${zone}]`);
    while (true) {
      const at = last.getTimeZoneTransition("next");
      if (at === null || at.year > 2037) break;
      const before = at.subtract({ nanoseconds: 1 });
      const minutes = (at.offsetNanoseconds - before.offsetNanoseconds) / 60e9;
      const wall = at.toPlainDateTime().subtract({ minutes });
      const ends = wall.month !== wall.add({ days: 1 }).month;
      const key = [wall.toPlainTime(), minutes, before.offset, ends].join(" ");
      if (minutes !== 0 && !kinds.has(key)) kinds.set(key, { zone, at, wall, minutes });
      last = at;
    }
  }
  return [...kinds.values()];
}

/** The documented rules, day by day: what times of day of fixed patterns come to in a window. */
function expected(
  { zone }: Change,
  days: readonly Temporal.PlainDate[],
  hours: readonly number[],
  minutes: readonly number[],
): number[] {
  const found = new Set<number>();
  for (const day of days) {
    for (const hour of hours) {
      for (const minute of minutes) {
        const time = day.toPlainDateTime({ hour, minute });
        const [first, later] = (["earlier", "later"] as const)
          .map((disambiguation) => time.toZonedDateTime(zone, { disambiguation }));
        const isThere = first!.toPlainDateTime().equals(time);
        const after = isThere ? first! : first!.getTimeZoneTransition("next")!;
        found.add(Math.min(after.epochMilliseconds, later!.epochMilliseconds));
      }
    }
  }
  return [...found].sort((a, b) => a - b);
}

Deno.test("fixed times come as the rules say, at every kind of change of any clock", () => {
  const kinds = kindsOfChange();
  assert(kinds.length > 150, "of many zones");
  for (const change of kinds) {
    const { zone, at, wall, minutes } = change;
    const length = Math.abs(minutes);
    // Times of the gap or the repeated hour, at its ends, before and after.
    const start = minutes > 0 ? wall : at.toPlainDateTime();
    const inside = [0, 1, length >> 1, length - 1, length, -1]
      .map((minutes) => start.add({ minutes }));
    const patterns: [number[], number[]][] = inside.map(({ hour, minute }) => [[hour], [minute]]);
    patterns.push([[...new Set(inside.map(({ hour }) => hour))], [15, 45]]);
    for (const [hours, marks] of patterns) {
      const days = [-2, -1, 0, 1, 2, 3].map((days) => start.toPlainDate().add({ days }));
      const timing = cron(`${marks} ${hours} * * *`, zone);
      const from = at.subtract({ hours: 26 }).epochMilliseconds;
      const to = at.add({ hours: 26 }).epochMilliseconds;
      const all = expected(change, days, hours, marks);
      const wanted = all.filter((at) => at > from && at < to);
      const found: number[] = [];
      for (let at = plannedAfter(timing, from); at !== null && at < to;) {
        found.push(at);
        at = plannedAfter(timing, at);
      }
      const what = `${timing.kind === "cron" && timing.expression} in ${zone} about ${at}`;
      const shown = (times: number[]) => times.map((at) => new Date(at).toISOString());
      assert.deepEqual(shown(found), shown(wanted), what);
      for (const near of [at.epochMilliseconds - 1, at.epochMilliseconds]) {
        assert.equal(plannedAfter(timing, near), all.find((at) => at > near), what);
      }
    }
  }
});

Deno.test("a step continues through every kind of change, minute by minute", () => {
  for (const { zone, at } of kindsOfChange().filter((_, index) => index % 8 === 0)) {
    const from = at.subtract({ hours: 2 }).epochMilliseconds;
    const to = at.add({ hours: 2 }).epochMilliseconds;
    const wanted: number[] = [];
    for (let minute = Math.ceil((from + 1) / 60_000) * 60_000; minute < to; minute += 60_000) {
      const time = Temporal.Instant.fromEpochMilliseconds(minute).toZonedDateTimeISO(zone);
      if (time.second === 0 && time.minute % 20 === 0) wanted.push(minute);
    }
    const timing = cron("*/20 * * * *", zone);
    const found: number[] = [];
    for (let at = plannedAfter(timing, from); at !== null && at < to;) {
      found.push(at);
      at = plannedAfter(timing, at);
    }
    assert.deepEqual(found, wanted, `in ${zone} about ${at}`);
  }
});
