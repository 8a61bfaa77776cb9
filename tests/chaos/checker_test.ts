/**
 * The checker of chaos finds each kind of violation in tables, and nothing in sound ones.
 *
 * @module
 */

import assert from "node:assert/strict";
import { encode } from "../../src/base/values.ts";
import type { RunHistory } from "../../src/bundle/history.ts";
import { check } from "./checker/check.ts";
import { checkReplays } from "./checker/replays.ts";
import { type ChaosPromise, type Evidence, PROMISES } from "./evidence.ts";
import { soundEvidence, type Writable } from "./sound_evidence.ts";

type Tables = Writable<Evidence>;

/** A violation: what is done to sound tables, and what the checker says of it. */
const VIOLATIONS: readonly [ChaosPromise, string, (tables: Tables) => unknown][] = [
  ["every run ends as its program says", "returned another result", ({ runs }) => {
    runOf(runs, "letters-0").result = [1, 0];
  }],
  ["every run ends as its program says", "failed", ({ runs }) => {
    runOf(runs, "bookings-1").state = "failed";
  }],
  ["every run ends as its program says", "never wrote a row", ({ bookings }) => {
    bookings.shift();
  }],
  ["every run ends as its program says", "never had an effect", (tables) => {
    tables.notes = tables.notes.filter(({ place }) => place !== "post 0");
  }],
  [
    "every run ends as its program says",
    "had an effect that its code does not ask for",
    (tables) => {
      tables.notes.push({ run: "effects-4", place: "act 9", key: "k", attempt: 1 });
    },
  ],
  ["every run ends as its program says", "tried twice what may be tried once", ({ notes }) => {
    notes.push({ ...notes.find(({ place }) => place === "once")!, attempt: 2 });
  }],
  ["every run ends as its program says", "gave a caller another result", ({ heard }) => {
    heard.get("letters-0")!.result = [0];
  }],
  ["every run ends as its program says", "was refused", ({ complaints }) => {
    complaints.push("The start of letters-9 was refused");
  }],
  ["no run is lost or doubled", "was lost", ({ runs }) => {
    runs.splice(runs.indexOf(runOf(runs, "bookings-1")), 1);
  }],
  ["no run is lost or doubled", "was started twice", ({ runs }) => {
    runs.push({ ...runOf(runs, "bookings-1"), key: 99, id: "a second one", nextSeq: 0 });
  }],
  ["no run is lost or doubled", "was never acknowledged", ({ heard }) => {
    heard.delete("letters-0");
  }],
  ["histories have no gaps", "lacks an event", ({ events }) => {
    events.splice(1, 1);
  }],
  ["histories have no gaps", "lacks its last event", ({ events }) => {
    events.splice(1, 1);
    events.splice(0, 1);
  }],
  ["histories have no gaps", "has an event more", ({ events }) => {
    events.push({ ...events[0]!, run: 2, seq: 3 });
  }],
  ["histories have no gaps", "has events of no run", ({ events }) => {
    events.push({ ...events[0]!, run: 99 });
  }],
  ["histories have no gaps", "lacks a generation", ({ generations }) => {
    generations.pop();
  }],
  ["histories have no gaps", "has a gap between generations", ({ generations }) => {
    generations[0]!.nextSeq = 1;
  }],
  ["one token at a time", "was written under the token of a former owner", ({ tenures }) => {
    tenures[4]!.oldToken = 7;
  }],
  ["one token at a time", "was taken from an owner", ({ tenures }) => {
    tenures[2]!.newToken = 9;
    tenures[3]!.oldToken = 9;
  }],
  ["one token at a time", "was held under one token twice", ({ tenures }) => {
    tenures[3]!.newToken = 7;
    tenures[4]!.oldToken = 7;
  }],
  ["one token at a time", "lost events", ({ tenures }) => {
    tenures[2]!.newSeq = 0;
  }],
  ["one token at a time", "got events without an owner", ({ tenures }) => {
    tenures[3]!.newToken = null;
    tenures[3]!.newSeq = 2;
  }],
  ["exactly once", "wrote a row twice", ({ bookings }) => {
    bookings.push(bookings[0]!);
  }],
  ["at least once, under one key", "had an effect under two keys", ({ notes }) => {
    notes[0]!.key = "another";
  }],
  ["at least once, under one key", "shares a key with another effect", ({ notes }) => {
    notes[1]!.key = notes[2]!.key;
  }],
  ["at least once, under one key", "was given another shared result", ({ runs }) => {
    (runOf(runs, "effects-5").result as { token: string }).token =
      "22222222-2222-2222-2222-222222222222";
  }],
  ["no signal is lost or doubled", "lost a signal", ({ events }) => {
    events.find(({ kind }) => kind === "signal.received")!.kind = "signal.timeout";
  }],
  ["no signal is lost or doubled", "received a signal twice", ({ events }) => {
    events.push({ ...events.find(({ kind }) => kind === "signal.received")! });
  }],
  ["no signal is lost or doubled", "knows a delivery id too little", ({ deliveries }) => {
    deliveries.pop();
  }],
  ["no timer is early", "woke before its timer fired", ({ events }) => {
    events.find(({ kind }) => kind === "timer.fired")!.at += 1;
  }],
  ["every run ends as its program says", "slept too short", ({ runs, events }) => {
    const naps = runOf(runs, "naps-2").result as [number, number][];
    naps[0]![1]--;
    events.find(({ kind }) => kind === "timer.fired")!.at--;
  }],
  ["no timer is early", "was fired by a schedule before its time", ({ firings }) => {
    firings[0]!.firedAt = firings[0]!.plannedAt - 1;
  }],
  ["parents and children agree", "received another result of its child", ({ events }) => {
    events.find(({ kind }) => kind === "child.completed")!.payload = 4;
  }],
  ["parents and children agree", "received a failure of a child that completed", ({ events }) => {
    events.find(({ kind }) => kind === "child.completed")!.kind = "child.failed";
  }],
  ["parents and children agree", "received an end twice", ({ events }) => {
    events.push({ ...events.find(({ kind }) => kind === "child.completed")! });
  }],
  ["parents and children agree", "has a child that lives on", ({ runs }) => {
    runOf(runs, "family-3>0.aaaaaa").endedAt = null;
  }],
  ["parents and children agree", "has no parent", ({ runs }) => {
    runOf(runs, "family-3>0.aaaaaa").parent = 99;
  }],
  ["each planned time fires once", "was not fired", ({ firings }) => {
    firings.pop();
  }],
  ["each planned time fires once", "was missed", ({ scheduleRows }) => {
    scheduleRows[0]!.missed = 1;
  }],
  ["each planned time fires once", "belongs to a schedule that still fires", ({ scheduleRows }) => {
    scheduleRows[0]!.state = "active";
  }],
  ["each planned time fires once", "was lost with its schedule", ({ scheduleRows }) => {
    scheduleRows.pop();
  }],
  ["nothing is left over", "has not ended", ({ runs }) => {
    Object.assign(runOf(runs, "letters-0"), { endedAt: null, state: "suspended" });
  }],
  ["nothing is left over", "is parked", ({ runs }) => {
    const parked = { endedAt: null, state: "stuck_poisoned", stuck: { code: "POISONED" } };
    Object.assign(runOf(runs, "letters-0"), parked);
  }],
  ["nothing is left over", "is still held", ({ runs }) => {
    runOf(runs, "letters-0").node = "a node";
  }],
  ["nothing is left over", "has not told its parent", ({ runs }) => {
    runOf(runs, "letters-0").mustNotify = true;
  }],
  ["nothing is left over", "will wake after its end", ({ runs }) => {
    runOf(runs, "letters-0").wakeAt = 1;
  }],
  ["nothing is left over", "has an answer of an activity that it did not read", ({ inbox }) => {
    inbox.push({ run: 1, kind: "activity.completed", name: "act" });
  }],
  ["nothing is left over", "has a cancellation that it will never read", ({ inbox, runs }) => {
    runOf(runs, "letters-0").endedAt = null;
    inbox.push({ run: 1, kind: "cancel", name: "" });
  }],
  ["nothing is left over", "has a task", ({ left }) => {
    left.push({ table: "tasks", row: "{}" });
  }],
  ["no process dies by itself", "ended its worker with an error", ({ deaths }) => {
    Object.assign(deaths[1]!, { cause: null, code: 1 });
  }],
  ["no process dies by itself", "crashed its worker", ({ deaths }) => {
    Object.assign(deaths[0]!, { cause: null, signal: "SIGSEGV" });
  }],
  ["no process dies by itself", "kept its worker from ending when it was asked", ({ deaths }) => {
    Object.assign(deaths[1]!, { code: 137, signal: "SIGKILL" });
  }],
];

Deno.test("the checker finds nothing in the tables of a sound round", () => {
  assert.deepEqual(check(soundEvidence()), []);
});

Deno.test("the checker lets a run without an owner be moved to another version", () => {
  const tables = soundEvidence();
  tables.tenures.splice(3, 0, { ...tables.tenures[2]!, oldToken: null, newSeq: 2 });
  Object.assign(tables.tenures[4]!, { oldSeq: 2, newSeq: 2 });
  tables.tenures.splice(5);
  const promises = () => check(tables).map(({ promise }) => promise);
  assert.ok(promises().includes("one token at a time"));
  tables.events[1]!.kind = "version.changed";
  assert.ok(!promises().includes("one token at a time"));
});

Deno.test("the checker finds each kind of violation, and says which promise it breaks", () => {
  for (const [promise, what, violate] of VIOLATIONS) {
    const tables = soundEvidence();
    violate(tables);
    const found = check(tables);
    const promises = found.map((finding) => finding.promise);
    assert.ok(promises.includes(promise), `a run that ${what}: ${JSON.stringify(found)}`);
  }
});

Deno.test("the checker finds a history that does not replay on the code of its release", async () => {
  const [letters] = soundEvidence().runs;
  const history = (second: number): RunHistory => ({
    format: "continuum.history",
    formatVersion: 1,
    runId: letters!.id,
    workflow: "letters",
    version: "0".repeat(64),
    generation: 0,
    startedAt: 0,
    seed: "seed",
    input: encode({ count: 2 }),
    state: "completed",
    result: encode([0, 1]),
    error: null,
    events: [0, second].map((payload, seq) => ({
      seq,
      kind: "signal.received",
      position: seq,
      name: "letter",
      digest: null,
      payload: encode(payload),
      at: seq,
    })),
  });
  const findingsOf = async (second: number) =>
    (await checkReplays(() => Promise.resolve({ history: () => history(second) }), [letters!], []))
      .findings.map(({ promise }) => promise);
  assert.deepEqual(await findingsOf(1), []);
  assert.deepEqual(await findingsOf(7), ["histories replay"]);
});

Deno.test("each promise of the checker is broken by a violation of these tests", () => {
  const broken = new Set<string>(VIOLATIONS.map(([promise]) => promise)).add("histories replay");
  assert.deepEqual(PROMISES.filter((promise) => !broken.has(promise)), []);
});

function runOf(runs: Tables["runs"], id: string): Tables["runs"][number] {
  return runs.find((run) => run.id === id) ?? assert.fail(id);
}
