/**
 * What every store promises about the removal of old versions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { LOGTAPE } from "../../src/base/log.ts";
import { isContinuumError } from "../../src/base/errors.ts";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { collectVersions, type VersionGc } from "../../src/client/versions/gc.ts";
import type { KeptBecause, Loss } from "../../src/ports/collection.ts";
import type { ScheduleSpec } from "../../src/ports/schedules.ts";
import type { Store } from "../../src/ports/store.ts";
import type { VersionPin } from "../../src/ports/version_ref.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  COMPLETED,
  HASH,
  newFork,
  newRun,
  newWorld,
  NODE,
  register,
  share,
  suspended,
} from "../support/store_rows.ts";

const log = LOGTAPE.engine;

const DAY = 86_400_000;
const TEXTS = ["a", "b", "c", "d", "e"] as const;

/** A version, and how long ago it came. */
interface Version {
  readonly workflow: "order" | "pay";
  readonly members: readonly string[];
  readonly isOwn: boolean;
  readonly isArchived: boolean;
  readonly days: number;
}

interface Run {
  readonly version: number;
  readonly state: "pending" | "held" | "suspended" | "stuck" | "ended";
  readonly days: number;
  /** The version of an earlier generation, and of a task; `null`: there is none. */
  readonly earlier: number | null;
  readonly task: number | null;
}

interface Scene {
  readonly versions: readonly Version[];
  readonly runs: readonly Run[];
  readonly schedules: readonly { readonly version: number; readonly isOver: boolean }[];
  readonly denials: readonly (number | string)[];
  readonly target: number | null;
  readonly current: readonly number[];
  readonly youngModules: readonly string[];
  readonly keep: number;
}

/** Deleted in this order; deletes of so few rows are much faster than `truncate`. */
const TABLES = [
  ...[
    "tasks",
    "events",
    "leases",
    "generations",
    "runs",
    "schedules",
    "bulk_jobs",
    "denied",
    "nodes",
  ],
  ...["workflows", "workflow_versions", "modules"],
];

const index = fc.nat(6);

const scene: fc.Arbitrary<Scene> = fc.record({
  versions: fc.array(
    fc.record({
      workflow: fc.constantFrom("order", "pay"),
      members: fc.uniqueArray(fc.constantFrom(...TEXTS), { minLength: 1, maxLength: 4 }),
      isOwn: fc.boolean(),
      isArchived: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
      days: fc.constantFrom(1, 40, 50, 60, 70),
    }),
    { minLength: 2, maxLength: 7 },
  ),
  runs: fc.array(
    fc.record({
      version: index,
      state: fc.constantFrom("pending", "held", "suspended", "stuck", "ended", "ended", "ended"),
      days: fc.constantFrom(2, 35, 45),
      earlier: fc.option(index),
      task: fc.option(index),
    }),
    { maxLength: 4 },
  ),
  schedules: fc.array(fc.record({ version: index, isOver: fc.boolean() }), { maxLength: 2 }),
  denials: fc.array(fc.oneof(index, fc.constantFrom(...TEXTS)), { maxLength: 1 }),
  target: fc.option(index, { freq: 2 }),
  current: fc.array(index, { maxLength: 2 }),
  youngModules: fc.subarray([...TEXTS], { maxLength: 2 }),
  keep: fc.nat(2),
}) as fc.Arbitrary<Scene>;

const shaOf = (text: string) => createHash("sha256").update(text).digest("hex");
const hashOf = (index: number) => index.toString(16).repeat(64);
const specifierOf = (index: number) => `file:///${index}.ts`;

/** The scene with indices that exist. */
function bounded(given: Scene): Scene {
  const at = <Index extends number | null>(index: Index) =>
    (index === null ? null : index % given.versions.length) as Index;
  return {
    ...given,
    runs: given.runs.map((run) => ({
      ...run,
      version: at(run.version),
      earlier: at(run.earlier),
      task: run.state === "ended" ? null : at(run.task),
    })),
    schedules: given.schedules.map((schedule) => ({ ...schedule, version: at(schedule.version) })),
    denials: given.denials.map((denied) => typeof denied === "string" ? denied : at(denied)),
    target: at(given.target),
    current: given.current.map(at),
  };
}

async function build(db: EmptyDatabase, store: Store, given: Scene): Promise<void> {
  await store.nodes.open({ id: NODE, name: "one", leaseMs: 600_000 });
  for (const [index, { workflow, members, isOwn, isArchived }] of given.versions.entries()) {
    await store.versions.register({
      hash: hashOf(index),
      workflow,
      label: null,
      manifest: [`manifest ${index}`, ...members.map((text) => `member ${shaOf(text)} x`)].join(
        "\n",
      ),
      specifier: specifierOf(index),
      blobs: isArchived ? blobsOf(members) : null,
      ...(isOwn ? {} : { isPart: true }),
    });
  }
  for (const index of given.current) {
    await store.versions.activate(given.versions[index]!.workflow, hashOf(index));
  }
  for (const [index, { version, isOver }] of given.schedules.entries()) {
    const pin = { hash: hashOf(version), specifier: specifierOf(version) };
    const { workflow } = given.versions[version]!;
    await schedule(store, `s${index}`, workflow, pin);
    if (!isOver) continue;
    await db.query(
      "update {schema}.schedules set state = 'cancelled', fire_at = null, planned_at = null where schedule_id = $1",
      [`s${index}`],
    );
  }
  for (const [index, run] of given.runs.entries()) await addRun(db, store, given, index, run);
  for (const denied of given.denials) {
    await store.denials.deny(
      typeof denied === "string" ? shaOf(denied) : hashOf(denied),
      "no",
      null,
    );
  }
  if (given.target !== null) {
    const plan = JSON.stringify({ target: { hash: hashOf(given.target) } });
    const lease = { job: "j", token: 1, leaseMs: 60_000 };
    await store.bulk.create(
      { id: "j", kind: "upgrade", namespace: "default", plan, progress: "{}", driver: "d" },
      lease,
    );
  }
  await age(db, given);
}

async function schedule(
  store: Store,
  id: string,
  workflow: string,
  pin: VersionPin,
): Promise<void> {
  await store.schedules.create((now) => ({
    spec: {
      ...{ namespace: "default", id, workflow, pin, input: "1", attributes: "{}", policy: null },
      rules: {} as ScheduleSpec["rules"],
    },
    progress: { state: "active", trouble: null, planned: now, fireAt: now } as never,
  }));
}

async function addRun(
  db: EmptyDatabase,
  store: Store,
  { versions }: Scene,
  index: number,
  { version, state, earlier, task }: Run,
): Promise<void> {
  const runId = `r${index}`;
  const { workflow } = versions[version]!;
  const pin = { hash: hashOf(version), specifier: specifierOf(version) };
  await store.runs.insert([newRun(runId, { workflow, ...pin })]);
  const claimed = state === "pending" ? undefined : await claimOne(store);
  if (claimed !== undefined) {
    const transition = state === "suspended"
      ? { to: "suspended" as const, wakeAt: null, waits: [], wakeSeq: 0 }
      : state === "stuck"
      ? { to: "stuck_poisoned" as const, reason: { code: "x", message: "x" } }
      : COMPLETED;
    if (state !== "held") await commitOne(store, share(claimed, 0, { transition }));
  }
  if (state === "pending") {
    await db.query(
      "update {schema}.runs set wake_at = wake_at + interval '9 days' where run_id = $1",
      [runId],
    );
  }
  if (earlier !== null) {
    await db.query(
      `insert into {schema}.generations (
        run, generation, first_seq, next_seq, specifier_id, seed, input, started_at, ended_at
      )
      select run.id, 0, 0, 0, pin.id, 's', '1', now(), now()
      from {schema}.runs as run, {schema}.workflow_specifiers as pin
      where run.run_id = $1 and pin.hash = $2`,
      [runId, hashOf(earlier)],
    );
  }
  if (task !== null) {
    await db.query(
      `insert into {schema}.tasks (
        run, position, generation, attempt, priority, available_at, scheduled_at, state, queue, name,
        hash, definition
      )
      select id, 0, 0, 1, 0, now(), now(), 'ready', 'q', 'n', $2, 'd'
      from {schema}.runs where run_id = $1`,
      [runId, hashOf(task)],
    );
  }
}

async function age(db: EmptyDatabase, { versions, runs, youngModules }: Scene): Promise<void> {
  const ago = "clock_timestamp() - $2::float8 * interval '1 day'";
  for (const [index, { days }] of versions.entries()) {
    const values = [hashOf(index), days];
    await db.query(
      `update {schema}.workflow_versions set registered_at = ${ago} where hash = $1`,
      values,
    );
    await db.query(
      `update {schema}.workflow_specifiers set last_seen = ${ago}
       where hash = $1 and last_seen > '-infinity'`,
      values,
    );
  }
  for (const [index, { days }] of runs.entries()) {
    await db.query(`update {schema}.runs set created_at = ${ago} where run_id = $1`, [
      `r${index}`,
      days,
    ]);
  }
  await db.query("update {schema}.modules set stored_at = stored_at - interval '2 days'");
  for (const text of youngModules) {
    await db.query("update {schema}.modules set stored_at = clock_timestamp() where sha256 = $1", [
      shaOf(text),
    ]);
  }
}

function blobsOf(texts: readonly string[]): Map<string, Uint8Array> {
  return new Map(texts.map((text) => [shaOf(text), new TextEncoder().encode(text)]));
}

/** What becomes of each version, by a model that knows no SQL. */
function verdictsOf(given: Scene): (Loss | KeptBecause)[] {
  const { versions, runs, schedules, denials, keep, target } = given;
  const currents = currentOf(given);
  const rest = versions.map((version, index): Loss | KeptBecause => {
    const { workflow, members, days } = version;
    const own = runs.filter((run) => run.version === index);
    const isLive = own.some(({ state }) => state !== "ended");
    const planned = schedules.filter((schedule) => schedule.version === index);
    const lastStart = Math.min(...own.map((run) => run.days));
    const newer = versions.filter((other, at) =>
      other.workflow === workflow &&
      (other.days < days || other.days === days && hashOf(at) > hashOf(index))
    );
    if (currents.get(workflow) === index) return "current";
    if (isLive || runs.some(({ task }) => task === index) || target === index) return "needed";
    if (planned.some(({ isOver }) => !isOver)) return "scheduled";
    if (denials.some((denied) => denied === index || members.includes(denied as string))) {
      return "denied";
    }
    if (Math.min(days, lastStart) < 30) return "recent";
    if (newer.length < keep) return "newest";
    const isHeld = own.length > 0 || planned.length > 0 ||
      runs.some(({ earlier }) => earlier === index);
    if (!isHeld) return "row";
    return version.isArchived ? "bytes" : "held";
  });
  return rest.map((verdict, index) => {
    const { members, isArchived } = versions[index]!;
    const vouches = versions.some((other, at) =>
      at !== index && !other.isOwn && other.members.every((text) => members.includes(text))
    );
    return verdict === "row" && vouches ? isArchived ? "bytes" : "contains" : verdict;
  });
}

/** CATALOG-3 */
function currentOf({ versions, current }: Scene): Map<string, number> {
  const found = new Map<string, number>();
  for (const [index, { workflow, isOwn }] of versions.entries()) {
    if (isOwn || !found.has(workflow)) found.set(workflow, index);
  }
  for (const index of current) found.set(versions[index]!.workflow, index);
  return found;
}

async function gc(store: Store, keep: number, dryRun = false): Promise<VersionGc> {
  return await collectVersions({ olderThan: "30d", keep, dryRun }, { store, log });
}

const lossesOf = ({ versions }: VersionGc) => versions.map(({ hash, loses }) => [hash, loses]);

/** Whether a run may start on a version. */
async function isStartable(store: Store, index: number, { workflow }: Version): Promise<boolean> {
  const pin = { hash: hashOf(index), specifier: specifierOf(index) };
  try {
    await store.runs.insert([newRun(`start ${index}`, { workflow, ...pin })]);
    return true;
  } catch (error) {
    assert.ok(isContinuumError(error, "VERSION_NOT_REGISTERED"), String(error));
    return false;
  }
}

forEachDatabase("removal of old versions", (database, test) => {
  test("removes exactly what a naive model says, and no live run loses its code", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await fc.assert(
      fc.asyncProperty(scene, async (drawn) => {
        const given = bounded(drawn);
        for (const table of TABLES) await db.query(`delete from {schema}.${table}`);
        await build(db, store, given);
        const wanted = verdictsOf(given);
        const plan = await gc(store, given.keep, true);
        const done = await gc(store, given.keep);
        assert.deepEqual(lossesOf(done), lossesOf(plan), "the plan is what is done");
        assert.deepEqual([done.modules, done.bytes], [plan.modules, plan.bytes]);
        const losing = wanted.flatMap((verdict, index) =>
          verdict === "bytes" || verdict === "row" ? [[hashOf(index), verdict]] : []
        );
        assert.deepEqual(lossesOf(done).sort(), losing.sort());
        const kept = Object.entries(done.kept).filter(([, versions]) => versions > 0);
        const keptWanted = Object.entries(Object.groupBy(wanted, (verdict) => verdict))
          .filter(([verdict]) => verdict !== "bytes" && verdict !== "row")
          .map(([verdict, versions]) => [verdict, versions!.length]);
        assert.deepEqual(kept.sort(), keptWanted.sort());

        const stays = (index: number) => wanted[index] !== "row";
        const hasBytes = (index: number) =>
          given.versions[index]!.isArchived && stays(index) && wanted[index] !== "bytes";
        const needed = given.versions.flatMap(({ members }, index) =>
          hasBytes(index) ? members : []
        );
        const stored = given.versions.flatMap(({ members, isArchived }) =>
          isArchived ? members : []
        );
        for (const text of TEXTS) {
          const { size } = await store.versions.blobs([shaOf(text)]);
          const isKept = needed.includes(text) || given.youngModules.includes(text);
          assert.equal(size === 1, stored.includes(text) && isKept, `module ${text}`);
        }
        for (const [index, version] of given.versions.entries()) {
          const row = await store.versions.get(hashOf(index));
          assert.equal(row !== null, stays(index), `row of ${index}`);
          if (row !== null) assert.equal(row.archived, hasBytes(index));
          const startable = await isStartable(store, index, version);
          assert.equal(startable, stays(index) && wanted[index] !== "bytes", `starts on ${index}`);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("PIN-1: nothing is pinned to a version whose bytes were removed, in whatever way", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const old = { hash: "b".repeat(64), specifier: "file:///old.ts" };
    const version = {
      ...old,
      workflow: "order",
      label: null,
      manifest: "m",
      blobs: blobsOf(["a"]),
    };
    await store.versions.register(version);
    await store.versions.activate("order", HASH);
    await store.runs.insert([newRun("first", old)]);
    await commitOne(store, share(await claimOne(store), 0, { transition: COMPLETED }));
    const failing = await claimed(store, "failed");
    const transition = { to: "failed" as const, result: null, error: "{}" };
    await commitOne(store, share(failing, 0, { transition }));
    const asleep = await claimed(store, "asleep");
    await commitOne(store, share(asleep, 0, { transition: suspended(0) }));
    const held = await claimed(store, "held");
    const future = { before: await store.now() + DAY, keep: 0 };
    const [lost] = await store.collection.remove(future, [old.hash]);
    assert.equal(lost?.verdict, "bytes");

    const change = { pin: old, payload: "{}" };
    const move = {
      id: asleep.id,
      generation: 0,
      open: [],
      next: 0,
      payload: "{}",
      wakes: true,
      tasks: [],
    };
    const child = { ...newRun("child", old), parent: held.id, close: "abandon" as const };
    const next = {
      run: held.id,
      token: held.token,
      next: 0,
      generation: 0,
      seed: "s",
      signals: [],
    };
    const seized = async () => {
      const lease = { node: NODE, token: 9 };
      const run = await store.runs.seize("asleep", lease);
      try {
        return await store.runs.settle(run!.id, lease, change);
      } finally {
        await store.runs.settle(run!.id, lease, { back: "suspended", reason: null });
      }
    };
    const pins: Readonly<Record<string, () => Promise<unknown>>> = {
      start: () => store.runs.insert([newRun("r", old)]),
      "start with a signal": () =>
        store.runs.insert([newRun("r", { ...old, signal: { name: "s", payload: "1" } })]),
      "start under another specifier": () =>
        store.runs.insert([newRun("r", { ...old, specifier: "file:///new.ts" })]),
      replace: () => store.runs.insert([newRun("first", { ...old, replaces: "ended" })]),
      child: () => store.lineage.startChildren([child], 50),
      "continue as new": () => store.lineage.continueAsNew({ ...next, ...old, input: "1" }),
      fork: () => store.forks.fork(newFork(failing.id, "fork", 0, old)),
      reopen: () =>
        store.runs.reopen({
          ...{
            id: failing.id,
            generation: 0,
            events: 0,
            pin: old,
            payload: "{}",
            awaited: [],
            locks: [],
          },
        }),
      upgrade: seized,
      "upgrade of many": () => store.bulk.move(old, [move]),
      "offered version": () => store.runs.repin(held, NODE, 0, change),
      schedule: () => schedule(store, "s", "order", old),
      current: () => store.versions.activate("order", old.hash),
    };
    const before = await pinsIn(db);
    for (const [name, pin] of Object.entries(pins)) {
      await assert.rejects(pin(), { code: "VERSION_NOT_REGISTERED" }, name);
    }
    assert.deepEqual(await pinsIn(db), before, "and nothing is changed");
    await store.versions.register(version);
    for (const name of ["start", "child", "fork", "upgrade", "schedule", "current"]) {
      await pins[name]!();
    }
  });

  test("a version of which no bytes were archived is neither emptied nor barred", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, "b".repeat(64));
    await store.runs.insert([newRun("r")]);
    await commitOne(store, share(await claimOne(store), 0, { transition: COMPLETED }));
    const done = await collectVersions(
      { before: new Date(await store.now() + DAY), keep: 0 },
      { store, log },
    );
    assert.deepEqual([done.versions, done.archived, done.kept.held], [[], 0, 1]);
    await store.runs.insert([newRun("again")]);
  });

  test("a version whose runs were removed loses its row, and with it all that is its own", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await register(store, "b".repeat(64));
    await store.versions.loaded(NODE, HASH, { code: "x", message: "x" });
    const future = new Date(await store.now() + DAY);
    await collectVersions({ before: future, keep: 0 }, { store, log });
    assert.equal(await store.versions.get(HASH), null);
    assert.deepEqual(await db.query("select hash from {schema}.version_loads"), []);
    assert.deepEqual(await db.query("select hash from {schema}.workflow_specifiers"), [
      { hash: "b".repeat(64) },
    ]);
    await register(store);
    assert.equal(await store.versions.current("order"), HASH, "it is as new");
  });

  test("each batch is whole: a collection that stops anywhere is continued by the next", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const many = Array.from({ length: 230 }, (_, index) => index.toString(16).padStart(64, "0"));
    for (const hash of many) await register(store, hash);
    const options = { before: new Date(await store.now() + DAY), keep: 0 };
    const planned = await collectVersions({ ...options, dryRun: true }, { store, log });
    assert.equal(planned.versions.length, 230, "the first, and all but the last");
    const stop = new AbortController();
    const batches: number[] = [];
    const onBatch = (removed: number) => {
      batches.push(removed);
      if (batches.length === 2) stop.abort();
    };
    const first = await collectVersions({ ...options, onBatch, signal: stop.signal }, {
      store,
      log,
    });
    assert.deepEqual([batches, first.versions.length, first.done], [[100, 200], 200, false]);
    {
      using _ = armFailPoint("collect.removed", () => Promise.reject(new Error("killed")));
      await assert.rejects(collectVersions(options, { store, log }), /killed/);
    }
    const last = await collectVersions(options, { store, log });
    assert.deepEqual([last.versions.length, last.done], [0, true]);
    assert.equal((await store.versions.list()).length, 1);
  });
});

/** Everything that is pinned, and to what. */
async function pinsIn(db: EmptyDatabase): Promise<unknown> {
  return await db.query(
    `select 'run' as what, run_id as name, specifier_id::text as pin from {schema}.runs
     union all select 'generation', run::text, specifier_id::text from {schema}.generations
     union all select 'schedule', schedule_id, hash from {schema}.schedules
     union all select 'current', name, current_hash from {schema}.workflows
     union all select 'specifier', hash, specifier from {schema}.workflow_specifiers
     order by 1, 2, 3`,
  );
}
