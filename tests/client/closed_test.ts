/**
 * What callers get of a `Continuum` that is closed, or about to be.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { Continuum } from "../../src/continuum.ts";
import type { RepairPlan } from "../../src/client/health/repair_plan.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { formatToken } from "../../src/task/token.ts";
import { forEachDatabase } from "../support/database.ts";
import { type Scene, scene } from "../support/scene.ts";

type Calls = Readonly<Record<string, () => unknown>>;

/** A repair of a run that does not exist. */
const PLAN: RepairPlan = {
  at: "",
  repairs: [{
    ...{ code: "UNNOTIFIED_ENDS", action: "notify", message: "", more: false },
    targets: [{ id: "none", namespace: "default", seen: { run: 1 } }],
  }],
};

/** The text of a signature, with made-up bytes. */
const SIGNATURE = `continuum-signature-1 echo ${"0".repeat(64)} ${"0".repeat(32)} ${
  "A".repeat(86)
}`;

/** Every public method, by the part that has it. A new one is added here. */
function callsOf(of: Continuum, run: RunHandle): Record<string, Calls> {
  const token = formatToken({ run: 1, position: 0, token: 1 });
  const before = new Date(0);
  return {
    continuum: {
      start: () => of.start("echo", 1),
      startMany: () => of.startMany("echo", [{ input: 1 }]),
      run: () => of.run(run.id),
      readiness: () => of.readiness(),
      drain: () => of.drain(),
      close: () => of.close(),
      health: () => of.health(),
      namespaces: () => of.namespaces(),
      nodes: () => of.nodes(),
      queues: () => of.queues(),
      liveRuns: () => of.liveRuns(),
      asOperator: () => of.asOperator({ name: "ana" }),
      planRepairs: () => of.planRepairs(),
      repair: () => of.repair(PLAN),
      acknowledge: () => of.acknowledge("0".repeat(16)),
    },
    runs: {
      query: () => of.runs.query(),
      count: () => of.runs.count(),
      troubles: () => of.runs.troubles(),
      prune: () => of.runs.prune({ before }),
      delete: () => of.runs.delete("none"),
      pruneResults: () => of.runs.pruneResults({ before }),
      upgrade: () => Array.fromAsync(of.runs.upgrade({ workflow: "echo" })),
      jobs: () => of.runs.jobs(),
      cancel: () => Array.fromAsync(of.runs.cancel({ where: NONE })),
      terminate: () => Array.fromAsync(of.runs.terminate({ where: NONE })),
      pause: () => Array.fromAsync(of.runs.pause({ where: NONE })),
      resume: () => Array.fromAsync(of.runs.resume({ where: NONE })),
      signal: () => Array.fromAsync(of.runs.signal("go", 1, { where: NONE })),
      continueJob: () => of.runs.continueJob("none"),
      export: () => of.runs.export(["none"]),
      relatives: () => of.runs.relatives(["none"]),
    },
    versions: {
      list: () => of.versions.list(),
      currents: () => of.versions.currents(),
      denials: () => of.versions.denials(),
      gc: () => of.versions.gc({ dryRun: true }),
      patches: () => of.versions.patches("echo"),
      source: () => of.versions.source("0".repeat(64)),
      check: () => of.versions.check({ import: false }),
      replay: () => of.versions.replay("0".repeat(64)),
      diff: () => of.versions.diff("0".repeat(64), "1".repeat(64)),
      activate: () => of.versions.activate("echo", "0".repeat(64)),
      deny: () => of.versions.deny("0".repeat(64), { reason: "bad" }),
      allow: () => of.versions.allow("0".repeat(64)),
      addSignatures: () => of.versions.addSignatures(SIGNATURE),
    },
    activities: {
      complete: () => of.activities.complete(token, 1),
      fail: () => of.activities.fail(token, new Error("no")),
      heartbeat: () => of.activities.heartbeat(token),
    },
    schedules: {
      create: () => of.schedules.create({ id: "daily", workflow: "echo", every: "1d" }),
      get: () => of.schedules.get("there"),
      list: () => of.schedules.list(),
      pause: () => of.schedules.pause("there"),
      resume: () => of.schedules.resume("there"),
      cancel: () => of.schedules.cancel("there"),
      trigger: () => of.schedules.trigger("there"),
      delete: () => of.schedules.delete("there"),
      backfill: () => of.schedules.backfill("there", { from: before, to: new Date(1) }),
    },
    operations: {
      list: () => of.operations.list(),
      prune: () => of.operations.prune({ before }),
    },
    limits: {
      list: () => of.limits.list(),
      pause: () => of.limits.pause("none"),
      resume: () => of.limits.resume("none"),
    },
    handle: {
      result: () => run.result(),
      reached: () => run.reached("failed"),
      signal: () => run.signal("go", 1),
      ask: () => run.ask("go", 1),
      answer: () => run.answer("none"),
      published: () => run.published("none"),
      values: () => run.values(),
      query: () => run.query("none"),
      status: () => run.status(),
      history: () => run.history(),
      generations: () => run.generations(),
      trace: () => run.trace(),
      where: () => run.where(),
      cancel: () => run.cancel(),
      terminate: () => run.terminate(),
      pause: () => run.pause(),
      resume: () => run.resume(),
      retry: () => run.retry(),
      upgrade: () => run.upgrade(),
      fork: () => run.fork({ at: 0 }),
      reopen: () => run.reopen(),
      export: () => run.export(),
    },
    attributes: {
      set: () => run.attributes.set({ a: 1 }),
    },
  };
}

/** No run. */
const NONE = { workflow: "none" };

/** These ask nothing of the database: they answer as before, also after the end. */
const STILL_ANSWER = ["run", "asOperator", "readiness", "drain", "close"];

function methodsOf(part: object): string[] {
  const names = new Set<string>();
  for (let at = part; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name !== "constructor" && typeof value === "function") names.add(name);
    }
  }
  return [...names].sort();
}

/** A node, or a client, with a run and a schedule. */
async function opened(kind: string, at: Scene) {
  const { node, db: { database, schema } } = at;
  const of = kind === "node" ? node : await Continuum.connect({ database, schema });
  const run = await of.start("echo", { wait: "go" });
  await of.schedules.create({ id: "there", workflow: "echo", every: "1h" });
  return { of, run };
}

forEachDatabase("a Continuum that is closed", (database, test) => {
  test("the table of calls names every public method of every part", async () => {
    await using at = await scene(database);
    const { of, run } = await opened("node", at);
    const { runs, versions, activities, schedules, operations, limits } = of;
    const parts: Record<string, object> = {
      continuum: of,
      runs,
      versions,
      activities,
      schedules,
      operations,
      limits,
      handle: run,
      attributes: run.attributes,
    };
    const inParts = (part: object) =>
      Object.values(Object.getOwnPropertyDescriptors(part))
        .map(({ value }) => value)
        .filter((value) => typeof value === "object" && value !== null);
    const found = new Set([of, run].flatMap((part) => [part, ...inParts(part)]));
    assert.deepEqual(new Set(Object.values(parts)), found, "no part is left out");
    const table = callsOf(of, run);
    assert.deepEqual(Object.keys(table), Object.keys(parts));
    for (const [name, part] of Object.entries(parts)) {
      assert.deepEqual(Object.keys(table[name]!).sort(), methodsOf(part), name);
    }
  });

  for (const kind of ["node", "client"]) {
    test(`a call after close() of a ${kind} throws ClosedError`, async () => {
      await using at = await scene(database);
      const { of, run } = await opened(kind, at);
      const held = of.run(run.id); // not the one that knows of this process's execution
      await of.close();
      for (const handle of [run, held]) {
        for (const [part, calls] of Object.entries(callsOf(of, handle))) {
          for (const [name, call] of Object.entries(calls)) {
            const outcome = await settled(call);
            const wanted = part === "continuum" && STILL_ANSWER.includes(name)
              ? "answered"
              : "CLOSED";
            assert.equal(outcome, wanted, `${part}.${name}`);
          }
        }
      }
    });

    test(`a call under way when a ${kind} closes gets an answer, or an error of this package`, async () => {
      for (let moment = 0; moment < 4; moment++) {
        await using at = await scene(database);
        const { of, run } = await opened(kind, at);
        const calls = Object.entries(callsOf(of, run)).flatMap(([part, calls]) =>
          Object.entries(calls).filter(([name]) => !STILL_ANSWER.includes(name))
            .map(([name, call]) => [`${part}.${name}`, call] as const)
        );
        const outcomes = calls.map(async ([name, call]) => [name, await settled(call)] as const);
        for (let n = 0; n < moment; n++) await new Promise((resolve) => setImmediate(resolve));
        await of.close();
        for (const [name, outcome] of await Promise.all(outcomes)) {
          assert.doesNotMatch(outcome, /^raw/, `${name}, closed after ${moment} macrotasks`);
        }
      }
    });
  }

  test("one that shares its database with another is closed as one that has it alone", async () => {
    await using at = await scene(database);
    await using store = await at.db.open();
    const { of, run } = await opened("client", at);
    await of.close();
    assert.equal(await settled(() => run.status()), "CLOSED");
    assert.equal((await store.runs.get(run.id))?.runId, run.id);
  });
});

/** `answered`, the code of an error of this package, or what else was thrown. */
async function settled(call: () => unknown): Promise<string> {
  try {
    await call();
    return "answered";
  } catch (error) {
    return isContinuumError(error) ? error.code : `raw ${(error as Error)?.stack ?? error}`;
  }
}
