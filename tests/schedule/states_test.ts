/**
 * Schedules move as the diagram of `docs/states.md` says: whatever a client or a node does to a
 * schedule, in every state that it can be in.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import type { Schedules } from "../../src/client/schedule/client.ts";
import type { ScheduleOptions } from "../../src/client/schedule/options.ts";
import { decideFiring, onFailure } from "../../src/engine/duties/schedule_runner.ts";
import type { Store } from "../../src/ports/store.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { type EmptyDatabase, emptyDatabase } from "../support/database.ts";
import { register } from "../support/node.ts";
import { drawnMoves, MoveRecorder } from "../support/states.ts";

interface Subject {
  readonly db: EmptyDatabase;
  readonly store: Store;
  readonly schedules: Schedules;
}

type Operation = (subject: Subject) => Promise<unknown>;

const EVERY: ScheduleOptions = { id: "s", workflow: "tick", every: "1h" };
const ONCE: ScheduleOptions = { id: "s", workflow: "tick", at: new Date(9e12) };

/** Makes the schedule due, and makes due schedules fire. */
async function fire({ db, store }: Subject): Promise<void> {
  await db.query(
    `update {schema}.schedules set planned_at = clock_timestamp() - interval '1 second',
       fire_at = clock_timestamp() - interval '1 second' where state = 'active'`,
  );
  await store.schedules.fire(9, decideFiring, onFailure);
}

/** As {@linkcode fire}, where something throws: so often that the schedule is given up. */
async function fireInVain(subject: Subject): Promise<void> {
  const { db, store } = subject;
  for (let attempt = 1; attempt <= 12; attempt++) {
    await db.query(
      `update {schema}.schedules set fire_at = clock_timestamp() - interval '1 second'
       where state = 'active'`,
    );
    await store.schedules.fire(9, () => {
      throw new Error("no luck");
    }, onFailure);
  }
}

function create(options: ScheduleOptions): Operation {
  return ({ schedules }) => schedules.create(options);
}

function replace(options: ScheduleOptions): Operation {
  return create({ ...options, ifExists: "replace" });
}

function both(first: Operation, then: Operation): Operation {
  return async (subject) => {
    await first(subject);
    await then(subject);
  };
}

const cancel: Operation = ({ schedules }) => schedules.cancel("s");
const BUILDS: readonly Operation[] = [
  () => Promise.resolve(),
  ...[EVERY, ONCE].flatMap((options) => [
    create(options),
    create({ ...options, paused: true }),
    create({ ...options, workflow: "unknown" }),
    both(create(options), fireInVain),
    both(create(options), cancel),
  ]),
  both(create(ONCE), fire),
  both(create({ ...EVERY, maxRuns: 1 }), fire),
];

const OPERATIONS: readonly Operation[] = [
  create(EVERY),
  create({ ...EVERY, paused: true }),
  create({ ...EVERY, workflow: "unknown" }),
  ({ schedules }) => schedules.pause("s"),
  ({ schedules }) => schedules.resume("s"),
  cancel,
  ({ schedules }) => schedules.trigger("s"),
  fire,
  fireInVain,
  ...[EVERY, { ...EVERY, every: "2h" }, ONCE].flatMap((options) => [
    replace(options as ScheduleOptions),
    replace({ ...options, paused: true } as ScheduleOptions),
    replace({ ...options, paused: false } as ScheduleOptions),
    replace({ ...options, workflow: "unknown" } as ScheduleOptions),
  ]),
  replace({ ...EVERY, maxRuns: 1 }),
  create({ ...EVERY, until: new Date(1) }),
  replace({ ...EVERY, until: new Date(1) }),
  replace({ ...EVERY, until: new Date(1), paused: true }),
  async ({ db, schedules }) => {
    await db.query(
      `update {schema}.schedules set rules = jsonb_set(rules::jsonb, '{until}', '1')::json`,
    );
    await schedules.resume("s");
  },
  async (subject) => {
    await subject.db.query("update {schema}.schedules set workflow = 'unknown'");
    await fire(subject);
  },
  async ({ db, store }) => {
    await db.query("update {schema}.schedules set workflow = 'tick'");
    await store.schedules.release();
  },
];

Deno.test({
  name: "the diagram of schedules has every move that clients and nodes make, and no other",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const database = pglite(null);
    await using db = await emptyDatabase(database);
    const store = await db.open();
    await register(store, "tick");
    await using continuum = await Continuum.connect({ database, schema: db.schema });
    const recorder = await MoveRecorder.on(db, "schedules");
    const subject = { db, store, schedules: continuum.schedules };
    for (const build of BUILDS) {
      for (const operate of OPERATIONS) {
        await recorder.clear(["schedules", "runs"]);
        await build(subject);
        // What a state does not allow is refused, and moves nothing.
        await operate(subject).catch((error: { code?: string }) => {
          assert.match(error.code ?? String(error), /^(SCHEDULE_|VERSION_NOT_FOUND)/);
        });
      }
    }
    assert.deepEqual(await recorder.moves(), await drawnMoves("Schedules"));
  },
});
