/**
 * What a schedule decides when it is looked at.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { firingId } from "../../src/base/run_ids.ts";
import {
  begin,
  fire,
  type Overlap,
  postponed,
  type Progress,
  resume,
  revise,
  type Rules,
  stop,
  trigger,
} from "../../src/schedule/firing.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T0 = Date.parse("2026-01-01T00:00:00Z");

/** Every hour, on the hour. */
function rules(more: Partial<Rules> = {}): Rules {
  return {
    timing: { kind: "every", everyMs: HOUR, anchor: T0 },
    overlap: "skip",
    catchUp: "last",
    catchUpWindowMs: null,
    jitterMs: 0,
    until: null,
    maxRuns: null,
    ...more,
  };
}

function begun(of: Rules): Progress {
  return begin("s", of, T0, { paused: false, startable: true });
}

/** Looks at a schedule at a time; the hours of what it starts, and where it stands. */
function look(of: Rules, before: Progress, at: number, busy = false) {
  const { progress, starts } = fire("s", of, before, { now: at, busy, startable: true });
  return { progress, starts: starts.map((planned) => (planned - T0) / HOUR) };
}

Deno.test("what is on time starts, and the next time is planned", () => {
  const { progress, starts } = look(rules(), begun(rules()), T0 + HOUR + 5);
  assert.deepEqual(starts, [1]);
  assert.deepEqual(progress, {
    ...begun(rules()),
    planned: T0 + 2 * HOUR,
    fireAt: T0 + 2 * HOUR,
    started: 1,
  });
});

Deno.test("what is not due changes nothing", () => {
  const before = begun(rules());
  assert.deepEqual(look(rules(), before, T0 + HOUR - 1), { progress: before, starts: [] });
});

Deno.test("missed firings are made up for as the rules say", () => {
  const down = T0 + 10 * HOUR + 30 * MINUTE;
  const cases: readonly [Partial<Rules>, starts: number[], missed: number, skipped: number][] = [
    [{ catchUp: "none" }, [], 10, 0],
    [{ catchUp: "last" }, [10], 9, 0],
    [{ catchUp: "last", catchUpWindowMs: 20 * MINUTE }, [], 10, 0],
    [{ catchUp: "last", until: T0 + 3 * HOUR }, [3], 2, 0],
    [{ catchUp: "last", until: T0 + 3 * HOUR, catchUpWindowMs: HOUR }, [], 3, 0],
    [{ catchUp: "all" }, [1], 0, 9],
    [{ catchUp: "all", overlap: "allow" }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0, 0],
    [{ catchUp: "all", overlap: "allow", catchUpWindowMs: 3 * HOUR }, [8, 9, 10], 7, 0],
    [{ catchUp: "all", overlap: "allow", maxRuns: 4 }, [1, 2, 3, 4], 0, 0],
    [{ catchUp: "all", overlap: "allow", until: T0 + 3 * HOUR }, [1, 2, 3], 0, 0],
    [{ catchUp: "all", overlap: "terminate_other" }, [10], 0, 9],
  ];
  for (const [more, expected, missed, skipped] of cases) {
    const { progress, starts } = look(rules(more), begun(rules(more)), down);
    assert.deepEqual(
      { starts, missed: progress.missed, skipped: progress.skipped },
      { starts: expected, missed, skipped },
      JSON.stringify(more),
    );
  }
});

Deno.test("without catching up, what is less than a minute late still starts", () => {
  const none = rules({ catchUp: "none" });
  assert.deepEqual(look(none, begun(none), T0 + HOUR + MINUTE).starts, [1]);
  assert.deepEqual(look(none, begun(none), T0 + HOUR + MINUTE + 1).starts, []);
});

Deno.test("while a run is running, a firing is skipped, waits, or starts, as the policy says", () => {
  const at = T0 + HOUR;
  const outcomes = (["skip", "buffer_one", "allow", "cancel_other", "terminate_other"] as Overlap[])
    .map((overlap) => {
      const { progress, starts } = look(rules({ overlap }), begun(rules({ overlap })), at, true);
      return [overlap, starts, progress.skipped, progress.held === at];
    });
  assert.deepEqual(outcomes, [
    ["skip", [], 1, false],
    ["buffer_one", [], 0, true],
    ["allow", [1], 0, false],
    ["cancel_other", [], 0, true],
    ["terminate_other", [], 0, true],
  ]);
});

Deno.test("a held firing starts when the way is free; of several the first or the newest", () => {
  for (const [overlap, held] of [["buffer_one", 1], ["cancel_other", 3]] as const) {
    const of = rules({ overlap });
    let progress = begun(of);
    for (const hour of [1, 2, 3]) progress = look(of, progress, T0 + hour * HOUR, true).progress;
    assert.equal(progress.skipped, 2);
    const freed = look(of, progress, T0 + 3.5 * HOUR);
    assert.deepEqual([freed.starts, freed.progress.held], [[held], null]);
    assert.equal(freed.progress.planned, T0 + 4 * HOUR);
  }
});

Deno.test("a schedule is done after its last planned time, and not before a held one started", () => {
  const of = rules({ overlap: "buffer_one", maxRuns: 2 });
  let { progress } = look(of, begun(of), T0 + HOUR);
  progress = look(of, progress, T0 + 2 * HOUR, true).progress;
  assert.deepEqual([progress.state, progress.planned, progress.fireAt], ["active", null, null]);
  const last = look(of, progress, T0 + 2.5 * HOUR);
  assert.deepEqual([last.starts, last.progress.state, last.progress.started], [[2], "done", 2]);
});

Deno.test("a one-shot fires once, also when it is long past", () => {
  const of = rules({ timing: { kind: "at", at: T0 - 100 * HOUR } });
  const { progress, starts } = look(of, begun(of), T0);
  assert.deepEqual([starts, progress.state], [[-100], "done"]);
});

Deno.test("without a version it is stuck, and makes up for what it missed when it is resumed", () => {
  const before = begun(rules());
  const { progress, starts } = fire("s", rules(), before, {
    now: T0 + HOUR,
    busy: false,
    startable: false,
  });
  assert.deepEqual([progress.state, progress.trouble?.code, progress.fireAt, starts], [
    "stuck",
    "VERSION_NOT_FOUND",
    null,
    [],
  ]);
  const resumed = resume("s", rules(), progress, T0 + 5.5 * HOUR);
  assert.deepEqual([resumed.state, resumed.trouble, resumed.fireAt], ["active", null, T0 + HOUR]);
  assert.deepEqual(look(rules(), resumed, T0 + 5.5 * HOUR).starts, [5]);
});

Deno.test("a failure puts it off further and further, keeps the plan, and ends in stuck", () => {
  let progress = begun(rules());
  const delays: number[] = [];
  for (let attempt = 1; attempt < 12; attempt++) {
    progress = postponed(progress, new Error("no"), T0 + HOUR, 0);
    assert.deepEqual([progress.state, progress.planned], ["active", T0 + HOUR]);
    delays.push(progress.fireAt! - T0 - HOUR);
  }
  assert.deepEqual(delays.slice(0, 8), [5, 10, 20, 40, 80, 160, 300, 300].map((s) => s * 1_000));
  progress = postponed(progress, new Error("no"), T0 + HOUR, 0);
  assert.deepEqual([progress.state, progress.trouble], ["stuck", {
    code: "FIRING_FAILED",
    message: "Cannot fire, after 12 attempts: no",
  }]);
});

Deno.test("a pause leaves planned times out, but not a one-shot's", () => {
  const paused = stop(begun(rules()), "paused");
  assert.equal(paused.fireAt, null);
  assert.equal(resume("s", rules(), paused, T0 + 5.5 * HOUR).planned, T0 + 6 * HOUR);
  const waiting = look(rules({ overlap: "buffer_one" }), begun(rules()), T0 + HOUR, true).progress;
  assert.deepEqual([stop(waiting, "paused").held, stop(waiting, "paused").skipped], [null, 1]);
  const once = rules({ timing: { kind: "at", at: T0 + HOUR } });
  const resumed = resume("s", once, stop(begun(once), "paused"), T0 + 5 * HOUR);
  assert.deepEqual(look(once, resumed, T0 + 5 * HOUR).starts, [1]);
});

Deno.test("other rules with the same timing lose nothing that is due; with another they begin anew", () => {
  const [old, now] = [rules(), T0 + 5.5 * HOUR];
  const before = { rules: old, progress: begun(old) };
  const same = revise("s", rules({ overlap: "allow" }), before, now, undefined);
  assert.deepEqual([same.state, same.planned], ["active", T0 + HOUR]);
  const other = rules({ timing: { kind: "every", everyMs: 2 * HOUR, anchor: T0 } });
  assert.equal(revise("s", other, before, now, undefined).planned, T0 + 6 * HOUR);
  const paused = { rules: old, progress: stop(begun(old), "paused") };
  assert.equal(revise("s", old, paused, now, undefined).state, "paused", "by hand stays by hand");
  assert.equal(revise("s", old, paused, now, false).state, "active");
  const once = rules({ timing: { kind: "at", at: T0 } });
  const done = { rules: once, progress: look(once, begun(once), T0).progress };
  assert.equal(revise("s", once, done, now, undefined).state, "done", "once is once");
  const cancelled = { rules: old, progress: stop(begun(old), "cancelled") };
  assert.deepEqual(revise("s", old, cancelled, now, undefined).planned, T0 + 6 * HOUR);
});

Deno.test("runs by hand have ids of their own, two in one millisecond included", () => {
  const first = trigger(begun(rules()), null, T0);
  const second = trigger(first.progress, T0, T0);
  assert.deepEqual([first.starts, second.starts], [[T0], [T0 + 1]]);
  assert.equal(second.progress.triggered, 2);
  assert.equal(firingId("s", T0, false), "s>2026-01-01T00:00:00.000Z");
  assert.equal(firingId("s", T0, true), "s>2026-01-01T00:00:00.000Z.manual");
});

Deno.test("FIRING-1: whatever the rules and whenever it is looked at, each time is accounted for once", () => {
  const overlaps = ["skip", "buffer_one", "allow", "cancel_other", "terminate_other"] as const;
  fc.assert(fc.property(
    fc.record({
      overlap: fc.constantFrom(...overlaps),
      catchUp: fc.constantFrom("none", "last", "all"),
      catchUpWindowMs: fc.option(fc.nat({ max: 20 * HOUR })),
      jitterMs: fc.nat({ max: 3 * HOUR }),
    }),
    fc.array(fc.record({ after: fc.nat({ max: 12 * HOUR }), busy: fc.boolean() }), {
      minLength: 1,
      maxLength: 30,
    }),
    (more, looks) => {
      const of = rules(more as Partial<Rules>);
      let progress = begun(of);
      let now = T0;
      const started = new Set<number>();
      for (const { after, busy } of looks) {
        now += after;
        const { progress: next, starts } = fire("s", of, progress, { now, busy, startable: true });
        for (const planned of starts) {
          assert.ok(!started.has(planned), "once");
          assert.ok(planned <= now, "not before its time");
          started.add(planned);
        }
        if (busy && of.overlap !== "allow") assert.deepEqual(starts, []);
        progress = next;
        const behind = (progress.planned! - T0) / HOUR - 1;
        const { skipped, missed, held } = progress;
        assert.equal(started.size + skipped + missed + (held === null ? 0 : 1), behind);
        assert.equal(progress.started, started.size);
        assert.ok(progress.fireAt! > now || starts.length >= 100, "looked at to the end");
      }
    },
  ));
});
