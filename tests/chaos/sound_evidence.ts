/**
 * Evidence of a round in which nothing went wrong, for tests that make something wrong in it.
 *
 * @module
 */

import type { EventRow, Evidence, RunRow } from "./evidence.ts";
import type { PlannedRun } from "./plan.ts";

/** Evidence that tests may change. */
export type Writable<T> = T extends readonly (infer Item)[] ? Writable<Item>[]
  : T extends ReadonlyMap<infer Key, infer Value> ? Map<Key, Writable<Value>>
  : T extends object ? { -readonly [Key in keyof T]: Writable<T[Key]> }
  : T;

const BEGAN = Date.parse("2030-01-01T00:00:00Z");

/** One run of each of some programs, a schedule, and two workers. */
export function soundEvidence(): Writable<Evidence> {
  const runs: RunRow[] = [];
  const events: EventRow[] = [];
  const add = (id: string, workflow: string, row: Partial<RunRow>, own: Partial<EventRow>[]) => {
    const key = runs.length + 1;
    runs.push({
      key,
      id,
      workflow,
      state: "completed",
      parent: null,
      isFork: false,
      specifier: `http://127.0.0.1:1/r1/${workflow}.ts`,
      generation: 0,
      firstSeq: 0,
      nextSeq: own.length,
      node: null,
      mustNotify: false,
      wakeAt: null,
      createdAt: BEGAN,
      endedAt: BEGAN + 5_000,
      result: null,
      error: null,
      stuck: null,
      ...row,
    });
    for (const [seq, event] of own.entries()) {
      const known = { run: key, seq, position: seq, at: BEGAN + seq, name: "", payload: null };
      events.push({ ...known, kind: "step.completed", ...event });
    }
    return key;
  };
  const letters = add("letters-0", "letters", { result: [0, 1] }, [
    { kind: "signal.received", name: "letter", payload: 0 },
    { kind: "signal.received", name: "letter", payload: 1 },
  ]);
  add(
    "bookings-1",
    "bookings",
    { result: 1 },
    ["book 0", "left", "right"].map((name) => ({
      kind: "transaction.completed",
      name,
    })),
  );
  add("naps-2", "naps", { result: [[BEGAN, BEGAN + 100]] }, [
    { kind: "timer.fired", at: BEGAN + 100 },
  ]);
  const family = add("family-3", "family", {
    result: { squares: [0, "Leaf 1 falls"], read: [0, 1] },
  }, [
    { kind: "child.completed", position: 0, payload: 0 },
    { kind: "child.failed", position: 1, payload: "Leaf 1 falls" },
    { kind: "child.completed", position: 2, payload: [0, 1] },
  ]);
  add("family-3>0.aaaaaa", "leaf", { parent: family, result: 0 }, [{ kind: "timer.fired" }]);
  add("family-3>1.aaaaaa", "leaf", { parent: family, state: "failed" }, [{ kind: "timer.fired" }]);
  add("family-3>2.aaaaaa", "letters", { parent: family, result: [0, 1] }, [
    { kind: "signal.received", name: "letter", payload: 0 },
    { kind: "signal.received", name: "letter", payload: 1 },
  ]);
  const token = "11111111-1111-1111-1111-111111111111";
  for (const id of ["effects-4", "effects-5"]) {
    add(id, "effects", { result: { once: "done", token } }, [{}, {}, {}, {}]);
  }
  const generations = add(
    "generations-6",
    "generations",
    { generation: 1, firstSeq: 2, result: [0, 1] },
    [{}, { kind: "signal.received", name: "letter" }, {}, {
      kind: "signal.received",
      name: "letter",
    }],
  );
  const tick = add("schedule-0>2030", "tick", {}, [{ kind: "transaction.completed" }]);
  const planned: PlannedRun[] = runs
    .filter(({ parent, workflow }) => parent === null && workflow !== "tick")
    .map(({ id, workflow }) => ({
      name: id,
      program: workflow,
      at: 0,
      isKeyed: false,
      isAwaited: false,
      input: { count: COUNTS[workflow]!, ms: 100, topic: "topic 0" },
      acts: [],
    }));
  const signals: Record<string, Record<string, number>> = {
    "letters-0": { letter: 2 },
    "generations-6": { letter: 2 },
  };
  const delivered = (run: number) => ({ run, kind: "signal", name: "letter" });
  const note = (run: string, place: string) => ({ run, place, key: `${run}/${place}`, attempt: 1 });
  const evidence: Evidence = {
    planned,
    schedules: [{ id: "schedule-0", at: 0, runs: 1 }],
    heard: new Map(planned.map(({ name }) => [name, {
      id: name,
      signals: signals[name] ?? {},
      fork: null,
    }])),
    complaints: [],
    runs,
    events,
    generations: [{ run: generations, generation: 0, firstSeq: 0, nextSeq: 2 }],
    inbox: [],
    deliveries: [letters, letters, generations, generations].map(delivered),
    scheduleRows: [{ key: 1, id: "schedule-0", state: "done", started: 1, skipped: 0, missed: 0 }],
    firings: [{ schedule: 1, plannedAt: BEGAN, firedAt: BEGAN + 5, run: tick }],
    tenures: [
      { run: letters, oldToken: null, newToken: 7, oldSeq: 0, newSeq: 0 },
      { run: letters, oldToken: 7, newToken: 7, oldSeq: 0, newSeq: 1 },
      { run: letters, oldToken: 7, newToken: null, oldSeq: 1, newSeq: 1 },
      { run: letters, oldToken: null, newToken: 8, oldSeq: 1, newSeq: 1 },
      { run: letters, oldToken: 8, newToken: null, oldSeq: 1, newSeq: 2 },
    ],
    bookings: [
      ...["book 0", "left", "right"].map((place) => ({ run: "bookings-1", place })),
      ...["generation 0", "generation 1"].map((place) => ({ run: "generations-6", place })),
      { run: "schedule-0>2030", place: "tick" },
    ],
    notes: [
      ...["effects-4", "effects-5"].flatMap((run) =>
        ["act 0", "post 0", "once"].map((place) => note(run, place))
      ),
      { ...note("effects-4", "act 0"), attempt: 2 },
      { ...note("effects-4", "topic 0"), key: "shared topic 0" },
    ],
    left: [],
    deaths: [
      { process: "w0.0", cause: "killed", code: 137, signal: "SIGKILL", said: "" },
      { process: "w1.1", cause: "asked", code: 0, signal: null, said: "" },
    ],
  };
  return evidence as Writable<Evidence>;
}

const COUNTS: Readonly<Record<string, number>> = {
  letters: 2,
  bookings: 1,
  naps: 1,
  family: 2,
  effects: 1,
  generations: 2,
};
