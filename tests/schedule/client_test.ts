/**
 * Schedules, as their callers see them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import type { ScheduleOptions } from "../../src/client/schedule/options.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { hashOf, register } from "../support/node.ts";

const HOUR = 3_600_000;

async function connected(db: EmptyDatabase, namespace?: string): Promise<Continuum> {
  const { database, schema } = db;
  return await Continuum.connect({
    database,
    schema,
    ...(namespace === undefined ? {} : { namespace }),
  });
}

/** A database in which the workflow `tick` is registered, and a client. */
async function world(
  fresh: Promise<EmptyDatabase>,
): Promise<{ db: EmptyDatabase; continuum: Continuum } & AsyncDisposable> {
  const db = await fresh;
  const continuum = await connected(db);
  await register(await db.open(), "tick");
  return {
    db,
    continuum,
    async [Symbol.asyncDispose]() {
      await continuum.close();
      await db[Symbol.asyncDispose]();
    },
  };
}

forEachDatabase("schedules of a client", (database, test) => {
  test("a schedule says all that there is to know about it", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    const until = new Date(Date.now() + 1_000 * HOUR);
    const created = await schedules.create({
      id: "nightly",
      workflow: "tick",
      input: { at: new Date(5), tags: new Set(["a"]) },
      cron: "30 2 * * *",
      timeZone: "Europe/Berlin",
      overlap: "buffer_one",
      catchUp: "all",
      catchUpWindow: "2h",
      jitter: "10m",
      until,
      maxRuns: 5,
      attributes: { kind: "report" },
      timeout: "1h",
      retry: { maxAttempts: 2, jitter: 0 },
    });
    const { next, createdAt, ...rest } = created;
    assert.deepEqual(rest, {
      id: "nightly",
      namespace: "default",
      workflow: "tick",
      version: null,
      input: { at: new Date(5), tags: new Set(["a"]) },
      timing: { cron: "30 2 * * *", timeZone: "Europe/Berlin" },
      overlap: "buffer_one",
      catchUp: "all",
      catchUpWindow: 2 * HOUR,
      jitter: HOUR / 6,
      until,
      maxRuns: 5,
      timeout: HOUR,
      retry: {
        maxAttempts: 2,
        backoff: "exponential",
        factor: 2,
        initial: 1_000,
        max: 60_000,
        jitter: 0,
        nonRetryable: [],
      },
      state: "active",
      reason: null,
      held: null,
      last: null,
      recent: [],
      ...{ started: 0, triggered: 0, skipped: 0, missed: 0 },
    });
    const delay = next!.fire.getTime() - next!.planned.getTime();
    assert.ok(next!.planned > createdAt && delay >= 0 && delay <= HOUR / 6);
    assert.deepEqual(await schedules.get("nightly"), created);
  });

  test("what is left out is decided: skip, the latest, a day, for ever for a one-shot", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    const every = await schedules.create({ id: "every", workflow: "tick", every: "1h" });
    assert.deepEqual([every.overlap, every.catchUp, every.catchUpWindow, every.jitter], [
      "skip",
      "last",
      24 * HOUR,
      0,
    ]);
    const { anchor } = every.timing as { anchor: Date };
    assert.equal(every.next!.planned.getTime(), anchor.getTime() + HOUR);
    const at = await schedules.create({ id: "at", workflow: "tick", at: new Date(9e12) });
    assert.deepEqual([at.catchUpWindow, at.next!.planned, at.input], [
      null,
      new Date(9e12),
      undefined,
    ]);
    const cron = await schedules.create({ id: "cron", workflow: "tick", cron: " @hourly " });
    assert.deepEqual(cron.timing, { cron: "@hourly", timeZone: "UTC" });
  });

  test("the same id twice is an error, the same schedule, or new settings", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    const options: ScheduleOptions = { id: "s", workflow: "tick", every: "1h" };
    const first = await schedules.create(options);
    await assert.rejects(schedules.create(options), {
      code: "SCHEDULE_EXISTS",
      details: { id: "s" },
    });
    assert.deepEqual(await schedules.create({ ...options, every: "2h", ifExists: "use" }), first);
    const same = { ...options, overlap: "allow", ifExists: "replace" } as const;
    const replaced = await schedules.create(same);
    assert.deepEqual(replaced, { ...first, overlap: "allow" }, "the interval continues");
    const other = await schedules.create({ ...options, every: "2h", ifExists: "replace" });
    assert.ok(other.next!.planned > first.next!.planned);
    assert.equal(other.createdAt.getTime(), first.createdAt.getTime());
  });

  test("pause, resume and cancel follow the states, and repeating them changes nothing", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    await schedules.create({ id: "s", workflow: "tick", every: "1h", paused: true });
    assert.deepEqual([(await schedules.get("s")).state, (await schedules.get("s")).next], [
      "paused",
      null,
    ]);
    for (let i = 0; i < 2; i++) assert.equal((await schedules.resume("s")).state, "active");
    for (let i = 0; i < 2; i++) assert.equal((await schedules.pause("s")).state, "paused");
    for (let i = 0; i < 2; i++) assert.equal((await schedules.cancel("s")).state, "cancelled");
    for (const action of ["pause", "resume", "trigger"] as const) {
      await assert.rejects(schedules[action]("s"), {
        code: "SCHEDULE_STATE",
        details: { id: "s", state: "cancelled" },
      });
    }
    for (const action of ["get", "pause", "resume", "cancel", "trigger"] as const) {
      await assert.rejects(schedules[action]("none"), {
        code: "SCHEDULE_NOT_FOUND",
        details: { id: "none" },
      });
    }
  });

  test("a backfill starts the runs of a past period once, and changes nothing of the schedule", async () => {
    await using made = await world(database.fresh());
    const { schedules, runs } = made.continuum;
    const day = (n: number) => new Date(Date.UTC(2026, 0, n));
    const created = await schedules.create({
      id: "daily",
      workflow: "tick",
      cron: "0 0 * * *",
      until: day(5),
      paused: true,
    });
    const ids = (days: readonly number[]) => days.map((n) => `daily>${day(n).toISOString()}`);
    assert.deepEqual(await schedules.backfill("daily", { from: day(2), to: day(4) }), ids([2, 3]));
    assert.deepEqual(
      await schedules.backfill("daily", { from: day(1), to: day(9) }),
      ids([1, 2, 3, 4, 5]),
      "none after its end",
    );
    assert.deepEqual(await schedules.backfill("daily", { from: day(6) }), []);
    const started = (await runs.query()).runs.map((run) => run.id).sort();
    assert.deepEqual(started, ids([1, 2, 3, 4, 5]));
    const now = await schedules.get("daily");
    assert.deepEqual(now.recent.map(({ planned }) => planned.getTime()).sort(), [
      ...[1, 2, 3, 4, 5].map((n) => day(n).getTime()),
    ]);
    assert.deepEqual({ ...now, recent: [], last: null }, { ...created, recent: [], last: null });
    await schedules.create({
      id: "every",
      workflow: "tick",
      every: "1h",
      anchor: new Date(HOUR / 2),
    });
    const before = await schedules.backfill("every", { from: new Date(0), to: new Date(2 * HOUR) });
    assert.deepEqual(before, [
      "every>1970-01-01T00:30:00.000Z",
      "every>1970-01-01T01:30:00.000Z",
    ]);
    await schedules.create({ id: "second", workflow: "tick", every: "1s", anchor: new Date(0) });
    const many = await schedules.backfill("second", { from: new Date(0), to: new Date(250_000) });
    assert.equal(many.length, 250, "in several transactions");
  });

  test("a backfill is refused with the period, and of a schedule that has no version or is cancelled", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    await schedules.create({ id: "s", workflow: "tick", every: "1s" });
    const hour = { from: new Date(0), to: new Date(HOUR) };
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ from: "yesterday" }, /option from of schedules\.backfill: found "yesterday"/],
      [
        { ...hour, to: new Date(8e12) },
        /found 1970-01-01T00:00:00.000Z to 2223-.*wanted one that has/,
      ],
      [{ from: new Date(5), to: new Date(5) }, /the period of schedules\.backfill/],
      [{ from: new Date(0), to: new Date(4 * HOUR) }, /found more than 10000 planned times/],
      [{ ...hour, overlap: "skip" }, /found the key "overlap"/],
    ];
    for (const [options, message] of wrong) {
      await assert.rejects(schedules.backfill("s", options as never), {
        code: "INVALID_ARGUMENT",
        message,
      });
    }
    await assert.rejects(schedules.backfill("none", hour), { code: "SCHEDULE_NOT_FOUND" });
    await schedules.create({ id: "lacking", workflow: "nobody", every: "1h" });
    await assert.rejects(schedules.backfill("lacking", hour), { code: "VERSION_NOT_FOUND" });
    await schedules.cancel("s");
    await assert.rejects(schedules.backfill("s", hour), { code: "SCHEDULE_STATE" });
  });

  test("a schedule that is deleted is gone, its id is free, and its runs stay", async () => {
    await using made = await world(database.fresh());
    const { schedules, runs } = made.continuum;
    await schedules.create({ id: "s", workflow: "tick", every: "1h" });
    const { id } = await schedules.trigger("s");
    await schedules.delete("s");
    for (const action of ["get", "delete"] as const) {
      await assert.rejects(schedules[action]("s"), { code: "SCHEDULE_NOT_FOUND" });
    }
    assert.deepEqual((await runs.query()).runs.map((run) => run.id), [id]);
    const again = await schedules.create({ id: "s", workflow: "tick", every: "2h" });
    assert.deepEqual([again.last, again.triggered], [null, 0]);
    await assert.rejects(schedules.delete("s", { namespace: "other" }), {
      code: "SCHEDULE_NOT_FOUND",
    });
  });

  test("a trigger starts a run beside the plan, also of a paused schedule", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    const { next } = await schedules.create({ id: "s", workflow: "tick", input: 7, every: "1h" });
    const [first, second] = [await schedules.trigger("s"), await schedules.trigger("s")];
    assert.match(first.id, /^s>\d{4}-\d\d-\d\dT.*Z\.manual$/);
    assert.equal((await first.status()).state, "pending");
    await schedules.pause("s");
    await schedules.trigger("s");
    const found = await schedules.resume("s");
    assert.deepEqual([found.started, found.triggered, found.recent.length], [0, 3, 3]);
    assert.deepEqual(found.next, next);
    assert.equal(found.recent[2]!.runId, first.id);
    assert.equal(found.recent[1]!.runId, second.id);
    assert.deepEqual(found.last, found.recent[0]);
    assert.ok(found.recent.every(({ manual, state }) => manual && state === "pending"));
  });

  test("an unregistered name parks the schedule, any other failure is an error", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    const unknown = { id: "s", every: "1h" } as const;
    const stuck = await schedules.create({ ...unknown, workflow: "later" });
    assert.deepEqual([stuck.state, stuck.reason?.code, stuck.next], [
      "stuck",
      "VERSION_NOT_FOUND",
      null,
    ]);
    await assert.rejects(schedules.trigger("s"), { code: "VERSION_NOT_FOUND" });
    const finding = (await made.continuum.health()).findings.find(({ code }) =>
      code === "STUCK_SCHEDULE"
    );
    assert.deepEqual(finding?.details, {
      namespace: "default",
      id: "s",
      reason: stuck.reason!.message,
    });
    const foreign = defineWorkflow({ name: "foreign" }, () => 1);
    for (
      const options of [
        { ...unknown, workflow: "later", pin: true },
        { ...unknown, workflow: "https://nowhere.example/later.ts" },
        { ...unknown, workflow: foreign },
      ]
    ) {
      await assert.rejects(schedules.create({ ...options, id: "t" } as ScheduleOptions), {
        code: "VERSION_NOT_FOUND",
      });
    }
    assert.equal((await schedules.list()).length, 1);
  });

  test("a pin is the version that a start would take at creation", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    const { version } = await schedules.create({
      id: "s",
      workflow: "tick",
      every: "1h",
      pin: true,
    });
    assert.equal(version, hashOf("tick"));
  });

  test("a namespace hides its schedules from others, and its runs are in it", async () => {
    await using made = await world(database.fresh());
    await using other = await connected(made.db, "other");
    await other.schedules.create({ id: "s", workflow: "tick", every: "1h" });
    await assert.rejects(made.continuum.schedules.get("s"), { code: "SCHEDULE_NOT_FOUND" });
    assert.deepEqual(await made.continuum.schedules.list(), []);
    const scope = { namespace: "other" };
    assert.equal((await made.continuum.schedules.get("s", scope)).namespace, "other");
    const run = await made.continuum.schedules.trigger("s", scope);
    assert.equal((await run.status()).state, "pending");
    assert.equal((await other.run(run.id).status()).state, "pending");
    await assert.rejects(made.continuum.run(run.id).status(), { code: "RUN_NOT_FOUND" });
  });

  test("lists show a page of what was asked for", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    for (const id of ["a", "b", "c"]) await schedules.create({ id, workflow: "tick", every: "1h" });
    await schedules.pause("b");
    const ids = async (options: Parameters<typeof schedules.list>[0]) =>
      (await schedules.list(options)).map(({ id }) => id);
    assert.deepEqual(await ids({}), ["a", "b", "c"]);
    assert.deepEqual(await ids({ after: "a", limit: 1 }), ["b"]);
    assert.deepEqual(await ids({ states: ["paused"] }), ["b"]);
    assert.deepEqual(await ids({ workflow: "none" }), []);
    for (
      const [options, option] of [
        [{ limit: 0 }, "limit"],
        [{ states: ["gone"] }, "states"],
        [{ after: "" }, "after"],
        [{ namespace: "" }, "namespace"],
      ] as [object, string][]
    ) {
      await assert.rejects(schedules.list(options), {
        code: "INVALID_ARGUMENT",
        message: new RegExp(`option ${option} of [^:]+: found `),
      });
    }
    await assert.rejects(schedules.list({ staets: [] } as object), { code: "INVALID_ARGUMENT" });
  });

  test("whatever makes no sense is refused with its option and value, and nothing is written", async () => {
    await using made = await world(database.fresh());
    const { schedules } = made.continuum;
    const base = { id: "s", workflow: "tick", every: "1h" };
    const none = { every: undefined };
    const cases: readonly [object, RegExp][] = [
      [{ id: "" }, /option id of a schedule: found "", wanted a text of 1 to 255/],
      [{ id: "x".repeat(256) }, /option id of a schedule: /],
      [{ id: "nul\0" }, /option id of a schedule: /],
      [{ id: 5 }, /option id of a schedule: found 5/],
      [{ workflow: 5 }, /option workflow of a schedule: found 5/],
      [{ workflow: "" }, /option workflow of a schedule: found ""/],
      [none, /at, every or cron of a schedule: found none of them/],
      [{ cron: "* * * * *" }, /at, every or cron of a schedule: found every and cron/],
      [{ every: "0s" }, /option every of a schedule: found "0s", wanted 1 second or more/],
      [{ every: 999 }, /option every of a schedule: found 999/],
      [{ every: "soon" }, /Cannot use option every of a schedule: found "soon"/],
      [
        { timeZone: "UTC" },
        /option timeZone of a schedule: found "UTC", wanted no time zone, or the option cron/,
      ],
      [{ ...none, at: new Date(0), anchor: new Date(0) }, /option anchor of a schedule: /],
      [{ anchor: new Date(NaN) }, /option anchor of a schedule: found an invalid Date/],
      [{ ...none, at: "tomorrow" }, /option at of a schedule: found "tomorrow", wanted a Date/],
      [{ ...none, at: new Date(NaN) }, /option at of a schedule: found an invalid Date/],
      [{ ...none, at: new Date(8e15) }, /option at of a schedule: found "?\+\d{6}-/],
      [
        { ...none, cron: "61 * * * *" },
        /option cron of a schedule: found "61 \* \* \* \*", wanted five fields/,
      ],
      [
        { ...none, cron: "0 0 31 2 *" },
        /option cron of a schedule: found "0 0 31 2 \*", .* it never comes true/,
      ],
      [{ ...none, cron: 5 }, /option cron of a schedule: found 5/],
      [
        { ...none, cron: "@daily", timeZone: "Mars" },
        /option timeZone of a schedule: found "Mars"/,
      ],
      [{ ...none, cron: "@daily", timeZone: 5 }, /option timeZone of a schedule: found 5/],
      [
        { overlap: "queue" },
        /option overlap of a schedule: found "queue", wanted "skip", "buffer_one"/,
      ],
      [
        { catchUp: "some" },
        /option catchUp of a schedule: found "some", wanted "none", "last" or "all"/,
      ],
      [{ catchUp: "none", catchUpWindow: "1h" }, /option catchUpWindow of a schedule: found "1h"/],
      [{ catchUpWindow: -1 }, /Cannot use option catchUpWindow of a schedule: found -1/],
      [{ jitter: "-1s" }, /Cannot use option jitter of a schedule: found "-1s"/],
      [{ until: "never" }, /option until of a schedule: found "never"/],
      [{ maxRuns: 0 }, /option maxRuns of a schedule: found 0, wanted a whole number from 1/],
      [{ maxRuns: 1.5 }, /option maxRuns of a schedule: found 1.5/],
      [{ paused: "yes" }, /option paused of a schedule: found "yes", wanted true or false/],
      [{ pin: 1 }, /option pin of a schedule: found 1/],
      [{ ifExists: "ignore" }, /option ifExists of a schedule: found "ignore"/],
      [{ namespace: "" }, /option namespace of a schedule: found ""/],
      [{ attributes: { a: () => 1 } }, /a function/],
      [{ timeout: 0 }, /timeout of schedules.create: found 0 ms, wanted 1 ms or more/],
      [{ retry: { maxAttempts: 0 } }, /retry.maxAttempts of schedules.create: found 0/],
      [{ colour: "red" }, /found the key "colour"/],
    ];
    for (const [more, message] of cases) {
      await assert.rejects(
        schedules.create({ ...base, ...more } as unknown as ScheduleOptions),
        { code: "INVALID_ARGUMENT", message },
        JSON.stringify(more),
      );
    }
    await assert.rejects(
      schedules.create({ ...base, input: { callback() {} } } as unknown as ScheduleOptions),
      { code: "NOT_SERIALIZABLE", path: "input.callback" },
    );
    assert.deepEqual(await schedules.list(), []);
  });
});
