/**
 * Runs, activities and nodes move as the diagrams of `docs/states.md` say: every operation of a store, in
 * every state that a row can be in.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ClaimedRun, NewRun, StuckState, Transition } from "../../src/ports/rows.ts";
import { FIRST_PLACE } from "../../src/ports/retention.ts";
import type { Store } from "../../src/ports/store.ts";
import type { NewTask, TaskFence } from "../../src/ports/tasks.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { type EmptyDatabase, emptyDatabase } from "../support/database.ts";
import { drawnMoves, MoveRecorder } from "../support/states.ts";
import {
  claimOne,
  COMPLETED,
  expire,
  HASH,
  makeDue,
  newEvent,
  newFork,
  newRun,
  newTask,
  NODE,
  register,
  share,
  suspended,
  UNKNOWN_VERSION,
} from "../support/store_rows.ts";

const OTHER = "b".repeat(64);
const STUCK = ["stuck_unknown_version", "stuck_nondeterminism", "stuck_poisoned"] as const;
const LEASE = { node: NODE, token: 77 };
const POLICY = JSON.stringify({ retry: { maxAttempts: 3 } });

/** What a test has of its run, or of its task. */
interface Subject {
  readonly db: EmptyDatabase;
  readonly store: Store;
  /** As it was last claimed, on the node {@linkcode NODE}; absent if it never was. */
  readonly run?: ClaimedRun;
}

type Operation = (subject: Subject) => Promise<unknown>;

function failed(to: "failed" | "cancelled"): Transition {
  return { to, result: null, error: "{}" };
}

function parked(to: StuckState): Transition {
  return { to, reason: UNKNOWN_VERSION.reason };
}

/** How the owner of a run can move it. */
const TRANSITIONS: readonly Transition[] = [
  suspended(0),
  { to: "paused", waits: [], wakeSeq: 0 },
  { to: "released", afterMs: 0 },
  COMPLETED,
  failed("failed"),
  failed("cancelled"),
  ...STUCK.map(parked),
];

/** Removes everything, and opens the node anew. */
async function clear(recorder: MoveRecorder, store: Store): Promise<void> {
  await recorder.clear(["tasks", "runs", "limits", "nodes"]);
  await store.nodes.open({ id: NODE, name: "one", leaseMs: 60_000 });
}

/** Puts the run `r` into a state: claimed, with a history of so many events, then moved. */
function claimedRun(events: number, transition?: Transition) {
  return async (store: Store): Promise<ClaimedRun> => {
    await store.runs.insert([newRun("r", { policy: POLICY })]);
    const run = await claimOne(store);
    await store.journal.commit([share(run, 0, {
      events: Array.from({ length: events }, () => newEvent("a")),
      ...(transition === undefined ? {} : { transition }),
    })]);
    return run;
  };
}

async function unclaimedRun(store: Store, more: Partial<NewRun>): Promise<undefined> {
  await store.runs.insert([newRun("r", more)]);
}

const BUILDS: readonly ((store: Store) => Promise<ClaimedRun | undefined>)[] = [
  () => Promise.resolve(undefined),
  (store) => unclaimedRun(store, {}),
  (store) => unclaimedRun(store, { delayMs: 60_000 }),
  (store) => unclaimedRun(store, { lease: LEASE }),
  claimedRun(0),
  claimedRun(1),
  ...TRANSITIONS.map((transition) => claimedRun(1, transition)),
  ...STUCK.map((state) => claimedRun(0, parked(state))),
  async (store) => {
    await unclaimedRun(store, {});
    await pause(store);
    return undefined;
  },
  queuedRun,
  async (store) => {
    await queuedRun(store);
    await pause(store);
    return undefined;
  },
  // A run with a history that waits: it failed, and was reopened.
  async (store) => {
    await store.runs.insert([newRun("r", { policy: POLICY, place: PLACE })]);
    await admit(store);
    const run = await claimOne(store);
    await store.journal.commit([
      share(run, 0, { events: [newEvent("a")], transition: failed("failed") }),
    ]);
    await admit(store);
    await store.runs.insert([newRun("other", { place: PLACE })]);
    await admit(store);
    return run;
  },
  async (store) => {
    const run = await claimedRun(1)(store);
    await pause(store);
    return run;
  },
  async (store) => {
    const run = await claimedRun(1, suspended(0))(store);
    await pause(store);
    return run;
  },
  async (store) => {
    await unclaimedRun(store, {});
    await store.runs.end("r", "terminated", "{}", { onlyStuck: false });
    return undefined;
  },
];

/** Pauses the run `r`, as a client does. */
async function pause(store: Store): Promise<void> {
  const row = await store.runs.get("r");
  if (row !== null) await store.runs.pause(row.id, "{}");
}

/** A place in a queue that admits one run. */
const PLACE = { limit: { name: "q", atOnce: 1 }, key: "", priority: 0 };

/** Makes the run `r` wait: the only place is another's. */
async function queuedRun(store: Store): Promise<undefined> {
  await store.runs.insert([newRun("first", { place: PLACE })]);
  await store.limits.work();
  await store.runs.end("first", "terminated", "{}", { onlyStuck: false });
  await store.runs.insert([newRun("r", { place: PLACE })]);
}

async function admit(store: Store): Promise<void> {
  await store.lineage.settleEnded(10);
  await store.limits.work();
}

async function resume(store: Store): Promise<void> {
  const row = await store.runs.get("r");
  if (row !== null) await store.runs.resume(row.id);
}

/** Writes as the run's owner, behind the token that it had. */
function commit(transition?: Transition, events = 0): Operation {
  return async ({ store, run }) => {
    if (run === undefined) return;
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    await store.journal.commit([share(run, loaded?.events.length ?? 0, {
      events: Array.from({ length: events }, () => newEvent("b")),
      ...(transition === undefined ? {} : { transition }),
    })]);
  };
}

/** Ends the parent of `r`, which it is made a child of. */
function endParent(close: "abandon" | "cancel" | "terminate"): Operation {
  return async ({ db, store }) => {
    await store.runs.insert([newRun("parent", { lease: { node: NODE, token: 5 } })]);
    await db.query(
      `update {schema}.runs set parent_close = $1,
         parent = (select id from {schema}.runs where run_id = 'parent') where run_id = 'r'`,
      [close],
    );
    await db.query("update {schema}.runs set has_children = true where run_id = 'parent'");
    const parent = await store.runs.get("parent");
    await store.journal.commit([share(
      { id: parent!.id, token: 5 } as ClaimedRun,
      0,
      { transition: COMPLETED },
    )]);
    await store.lineage.settleEnded(10);
  };
}

function seize(then: "back" | "pin"): Operation {
  return async ({ store }) => {
    const run = await store.runs.seize("r", LEASE);
    if (run === null) return;
    const reason = STUCK.some((state) => state === run.state) ? UNKNOWN_VERSION.reason : null;
    await store.runs.settle(
      run.id,
      LEASE,
      then === "back" ? { back: run.state, reason } : {
        pin: { hash: OTHER, specifier: "file:///other.ts" },
        payload: "{}",
      },
    );
  };
}

/** Reopens `r` on another version. */
async function reopen({ store }: Subject): Promise<void> {
  const row = await store.runs.get("r");
  if (row === null) return;
  const { id, generation, events } = row;
  const pin = { hash: OTHER, specifier: "file:///other.ts" };
  await store.runs.reopen({ id, generation, events, pin, payload: "{}", awaited: [], locks: [] });
}

/** Forks `r` after so many events. */
function fork(events: number): Operation {
  return async ({ store }) => {
    const row = await store.runs.get("r");
    if (row !== null) await store.forks.fork(newFork(row.id, "f", events));
  };
}

async function nextGeneration(
  { store, run }: Subject,
): Promise<{ run: number; token: number; next: number; generation: number; seed: string }> {
  const [loaded] = await store.journal.load([{ id: run!.id, from: 0 }]);
  const next = loaded?.events.length ?? 0;
  return { run: run!.id, token: run!.token, next, generation: 0, seed: crypto.randomUUID() };
}

const OPERATIONS: readonly Operation[] = [
  () => Promise.resolve(),
  async ({ db, store }) => {
    await makeDue(db, "r");
    await store.runs.claim({ node: NODE, limit: 9, excluded: [] });
  },
  commit(),
  commit(undefined, 1),
  ...TRANSITIONS.map((transition) => commit(transition)),
  ({ store }) => store.runs.deliver("r", { kind: "signal", name: "s", payload: "1" }),
  ({ store }) => store.runs.deliver("r", { kind: "cancel", name: "", payload: null }),
  ({ store }) => store.runs.unpark("r"),
  ({ store }) => pause(store),
  ({ store }) => resume(store),
  ({ store }) => admit(store),
  async (subject) => {
    await reopen(subject);
    await subject.store.runs.end("other", "terminated", "{}", { onlyStuck: false });
    await admit(subject.store);
  },
  ({ store }) => store.runs.end("r", "cancelled", "{}", { onlyStuck: true }),
  ({ store }) => store.runs.end("r", "terminated", "{}", { onlyStuck: false }),
  seize("back"),
  seize("pin"),
  ({ store, run }) => run === undefined ? Promise.resolve() : store.runs.giveBack(NODE, [run]),
  ({ store }) => store.versions.revive(HASH),
  ({ store }) => register(store),
  async ({ db, store }) => {
    await expire(db, NODE);
    await store.nodes.expire("other", false);
  },
  ({ store }) => store.nodes.close(NODE),
  ({ store }) => store.nodes.heartbeat(NODE, 60_000),
  ...(["abandon", "cancel", "terminate"] as const).map(endParent),
  async (subject) => {
    if (subject.run === undefined) return;
    const end = { ...await nextGeneration(subject), signals: [] };
    const pin = { hash: HASH, specifier: "file:///order.ts", input: "{}" };
    await subject.store.lineage.continueAsNew({ ...end, ...pin });
  },
  async (subject) => {
    if (subject.run === undefined) return;
    const end = { ...await nextGeneration(subject), signals: [] };
    await subject.store.lineage.retry({ ...end, wakeSeq: 0, at: 0, waits: [], failure: "{}" });
  },
  reopen,
  fork(0),
  fork(1),
  ({ store }) => store.runs.insert([newRun("r", { replaces: "ended" })]),
  ({ store }) => store.runs.insert([newRun("r", { replaces: "any" })]),
  ({ store }) => store.runs.insert([newRun("r", { replaces: "any", lease: LEASE })]),
  ({ store }) =>
    store.retention.step({
      namespace: "default",
      workflow: null,
      runsBefore: 9e12,
      states: ["completed", "failed", "cancelled", "terminated"],
      generationsBefore: null,
    }, FIRST_PLACE),
];

async function newPlace(): Promise<{ db: EmptyDatabase; store: Store }> {
  const db = await emptyDatabase(pglite(null));
  const store = await db.open();
  await register(store);
  await register(store, OTHER);
  return { db, store };
}

Deno.test({
  name: "the diagram of runs has every move that a store makes, and no other",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { db, store } = await newPlace();
    await using _ = db;
    const recorder = await MoveRecorder.on(db, "runs");
    for (const build of BUILDS) {
      for (const operate of OPERATIONS) {
        await clear(recorder, store);
        const run = await build(store);
        await operate({ db, store, ...(run === undefined ? {} : { run }) });
      }
    }
    assert.deepEqual(await recorder.moves(), await drawnMoves("Runs"));
  },
});

interface TaskSubject extends Subject {
  readonly run: ClaimedRun;
  /** The attempt's token, or one that no attempt has. */
  readonly fence: TaskFence;
}

function announce(store: Store, run: ClaimedRun, more: Partial<NewTask> = {}): Promise<unknown> {
  return store.tasks.announce([newTask(run, more)]);
}

function claimTasks(store: Store): Promise<unknown> {
  const { node } = LEASE;
  const names = ["charge"];
  return store.tasks.claim({ node, queue: "default", limit: 9, names, excluded: [], rate: null });
}

/** Lets the time of every task be over. */
function letTasksExpire(db: EmptyDatabase): Promise<unknown> {
  return db.query(
    `update {schema}.tasks set expires_at = clock_timestamp() - interval '1 second'
     where state <> 'held'`,
  );
}

const TASK_BUILDS: readonly ((store: Store, run: ClaimedRun) => Promise<unknown>)[] = [
  () => Promise.resolve(),
  announce,
  (store, run) => announce(store, run, { delayMs: 60_000 }),
  (store, run) => announce(store, run, { token: 9 }),
  async (store, run) => {
    await announce(store, run);
    await claimTasks(store);
  },
  async (store, run) => {
    await announce(store, run, { token: 9 });
    await store.tasks.defer({ run: run.id, position: 0, token: 9 }, null);
  },
  async (store, run) => {
    await announce(store, run, { token: 9 });
    await store.tasks.cancel(run.id, run.token, [0]);
  },
  async (store, run) => {
    await announce(store, run);
    await pause(store);
  },
  async (store, run) => {
    await announce(store, run, { token: 9 });
    await pause(store);
  },
  async (store, run) => {
    await announce(store, run, { token: 9 });
    await store.tasks.defer({ run: run.id, position: 0, token: 9 }, null);
    await pause(store);
  },
  async (store, run) => {
    await announce(store, run, { token: 9 });
    await store.tasks.defer({ run: run.id, position: 0, token: 9 }, null);
    await store.tasks.cancel(run.id, run.token, [0]);
  },
];

const TASK_OPERATIONS: readonly ((subject: TaskSubject) => Promise<unknown>)[] = [
  ({ store, run }) => announce(store, run),
  ({ store, run }) => announce(store, run, { token: 10 }),
  ({ store }) => claimTasks(store),
  async ({ db, store }) => {
    await letTasksExpire(db);
    await store.tasks.claimExpired(NODE, 9);
  },
  ({ store, fence }) =>
    store.tasks.answer([{ ...fence, kind: "activity.completed", payload: "1" }]),
  ({ store, fence }) => store.tasks.answer([{ ...fence, kind: "activity.failed", payload: "1" }]),
  ({ store, fence }) => store.tasks.retry({ ...fence, delayMs: 0, failures: [], heartbeat: null }),
  ({ store, fence }) => store.tasks.decide(fence, { policy: {}, maxAttempts: 1, key: "k" }),
  ({ store, fence }) => store.tasks.release(fence),
  ({ store, fence }) => store.tasks.defer(fence, 60_000),
  ({ store, fence }) => store.tasks.beat([{ ...fence, details: "1" }]),
  ({ store, run }) => store.tasks.cancel(run.id, run.token, [0]),
  ({ store, run }) => store.journal.commit([share(run, 0, { transition: suspended(0) })]),
  ({ store }) => pause(store),
  ({ store }) => resume(store),
  ({ store, run }) => store.journal.commit([share(run, 0, { transition: COMPLETED })]),
  ({ store, run }) =>
    store.journal.commit([share(run, 0, { events: [newEvent("a")], answered: [0] })]),
  ({ store }) => store.runs.end("r", "terminated", "{}", { onlyStuck: false }),
  async ({ db, store }) => {
    await expire(db, NODE);
    await store.nodes.expire("other", false);
  },
  async ({ db, store, run }) => {
    await store.journal.commit([share(run, 0, { transition: COMPLETED })]);
    await expire(db, NODE);
    await store.nodes.expire("other", false);
  },
  ({ store }) => store.nodes.close(NODE),
];

Deno.test({
  name: "the diagram of activities has every move that a store makes, and no other",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { db, store } = await newPlace();
    await using _ = db;
    const recorder = await MoveRecorder.on(db, "tasks");
    for (const build of TASK_BUILDS) {
      for (const operate of TASK_OPERATIONS) {
        await clear(recorder, store);
        const run = await claimedRun(0)(store);
        await build(store, run);
        const [task] = await db.query<{ token: string | null }>(
          "select token::text as token from {schema}.tasks",
        );
        const fence = { run: run.id, position: 0, token: Number(task?.token ?? 8) };
        await operate({ db, store, run, fence });
      }
    }
    assert.deepEqual(await recorder.moves(), await drawnMoves("Activities"));
  },
});

/** Where the node stands, as its row says. */
async function nodeState(db: EmptyDatabase): Promise<string> {
  const [node] = await db.query<{ expired: boolean }>(
    "select expires_at < clock_timestamp() as expired from {schema}.nodes where id = $1",
    [NODE],
  );
  if (node === undefined) return "[*]";
  return node.expired ? "expired" : "alive";
}

Deno.test({
  name: "the diagram of nodes has every move that a store and time make, and no other",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { db, store } = await newPlace();
    await using _ = db;
    const remove = () => db.query("delete from {schema}.nodes");
    const open = () => store.nodes.open({ id: NODE, name: "one", leaseMs: 60_000 });
    const wait = () => expire(db, NODE);
    const seen = new Set<string>();
    for (const build of [[remove], [remove, open], [remove, open, wait]]) {
      for (
        const operate of [
          () => store.nodes.heartbeat(NODE, 60_000),
          () => store.nodes.expire("other", false),
          () => store.nodes.close(NODE),
          wait,
          open,
        ]
      ) {
        for (const step of build) await step();
        const before = await nodeState(db);
        if (operate === open && before !== "[*]") continue; // an id is never used twice
        await operate();
        const after = await nodeState(db);
        if (after !== before) seen.add(`${before} --> ${after}`);
      }
    }
    assert.deepEqual([...seen].sort(), [...new Set(await drawnMoves("Nodes"))].sort());
  },
});
