/** What the observer makes of clocks that differ, and of runs that it knows little of. */
import assert from "node:assert/strict";
import { observerOf, type Telemetry } from "../../src/ports/telemetry.ts";
import { createNoopMeter } from "@opentelemetry/api";
import { LOGTAPE } from "../../src/base/log.ts";
import { Board, MOST_SERIES } from "../../src/telemetry/board.ts";
import { OTHER } from "../../src/telemetry/names.ts";
import { ENDED, RUN } from "./ended_run.ts";
import { parentOf, Recorded } from "./recorded.ts";

function observer(recorded: Recorded): Telemetry {
  return observerOf(recorded.option())!;
}

Deno.test("a span never ends before it starts, and no time is negative, whatever the clocks say", async () => {
  await using recorded = new Recorded();
  const future = Date.now() + 3_600_000;
  const run = { ...RUN, createdAt: future, startedAt: future, dueAt: future };
  const stay = observer(recorded).arrived(run, future - 5_000);
  stay.fired(-7);
  stay.took({ id: 1, kind: "signal", name: "s", position: null, payload: null, sentAt: future }, 5);
  stay.left(ENDED, future - 4_000);
  for (const { name, startTime, endTime } of recorded.spans) {
    const length = (endTime[0] - startTime[0]) * 1e9 + endTime[1] - startTime[1];
    assert.ok(length >= 0, `${name} lasts ${length} ns`);
  }
  assert.equal(recorded.one("order").startTime[0], Math.floor(future / 1_000));
  for (
    const name of [
      "continuum.run.duration",
      "continuum.run.wait",
      "continuum.timer.lateness",
      "continuum.signal.latency",
    ]
  ) {
    const [point] = await recorded.points(name);
    assert.deepEqual(point?.value, { count: 1, sum: 0 }, name);
  }
});

Deno.test("a stay that only looks around makes no span, and writes no trace", async () => {
  await using recorded = new Recorded();
  const stay = observer(recorded).arrived({ ...RUN, began: true, dueAt: 9_000 }, 9_000);
  stay.replayed(5, 1);
  assert.equal(stay.trail(), undefined);
  stay.left({ kind: "suspended", wakeAt: null }, 9_100);
  assert.deepEqual(recorded.spans, []);
});

Deno.test("a run that was started without telemetry has traces of its own", async () => {
  await using recorded = new Recorded();
  for (const trace of [null, "", "nonsense\nmore"]) {
    const stay = observer(recorded).arrived({ ...RUN, trace }, 1_000);
    stay.left(ENDED, 2_000);
  }
  assert.equal(recorded.named("order").length, 3);
  for (const span of recorded.named("run order")) assert.equal(parentOf(span), undefined);
});

Deno.test("a lost lease is counted, and its stay ends without an error", async () => {
  await using recorded = new Recorded();
  const stay = observer(recorded).arrived(RUN, 1_000);
  stay.wrote(1);
  stay.left({ kind: "lost" }, 2_000);
  const [lost] = await recorded.points("continuum.lease.lost");
  assert.equal(lost?.value, 1);
  assert.equal(recorded.one("run order").attributes["continuum.outcome"], "lost");
});

Deno.test("a version that can't be loaded is measured with its error", async () => {
  await using recorded = new Recorded();
  observer(recorded).loaded("archive", 12);
  observer(recorded).loaded("none", 3, { error: new TypeError("no") });
  const points = await recorded.points("continuum.version.load.duration");
  assert.deepEqual(points.map(({ attributes }) => attributes), [
    { "continuum.source": "archive" },
    { "continuum.source": "none", "error.type": "TypeError" },
  ]);
});

Deno.test("two nodes of a process whose options have one provider are counted together", async () => {
  await using recorded = new Recorded();
  const host = (resident: number) => ({
    log: LOGTAPE.engine,
    resident,
    attempts: new Map([["default", resident]]),
    fleet: () => Promise.reject(new Error("not wanted")),
  });
  const detach = [observer(recorded), observer(recorded)].map((each, index) => {
    each.arrived(RUN, 1_000).left(ENDED, 2_000);
    return each.attach(host(index + 1));
  });
  const values = async (name: string) => (await recorded.points(name)).map(({ value }) => value);
  assert.deepEqual(await values("continuum.run.ended"), [2]);
  assert.deepEqual(await values("continuum.runs.resident"), [3]);
  assert.deepEqual(await values("continuum.attempts.active"), [3]);
  detach[0]!();
  assert.deepEqual(await values("continuum.runs.resident"), [2]);
  assert.deepEqual(await values("continuum.run.ended"), [2]);
  detach[1]!();
});

Deno.test("BOARD-3: combinations of attributes are bounded: what is beyond has the value _other", () => {
  const meter = createNoopMeter();
  const board = new Board(meter);
  for (let n = 0; n < MOST_SERIES; n++) board.count("continuum.attempt.ended", { "a": n });
  const first = board.count("continuum.attempt.ended", { "a": "more" });
  assert.deepEqual(first.attributes, { "a": OTHER });
  assert.equal(board.count("continuum.attempt.ended", { "a": "still more" }), first);
  assert.equal(board.count("continuum.attempt.ended", { "a": 5 }).attributes["a"], 5);
});
