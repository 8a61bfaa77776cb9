/**
 * An engine for tests: the real store, executor and journal, in memory, in virtual time.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { refuse } from "../base/arguments.ts";
import { type Duration, durationMs } from "../base/duration.ts";
import type { Activities } from "../client/activities.ts";
import type { Runs } from "../client/run/queries.ts";
import { namedRun, type RunArguments, type RunOptions } from "../client/run/run_arguments.ts";
import type { Schedules } from "../client/schedule/client.ts";
import type {
  StartArguments,
  StartManyItem,
  StartManyOptions,
  StartOptions,
} from "../client/start/options.ts";
import type { Versions } from "../client/versions.ts";
import type { PayloadCodec } from "../codec/codec.ts";
import { assemble, type Continuum } from "../continuum.ts";
import { probeDrain } from "../replay/drain.ts";
import type { SqlValue } from "../store/sql/driver.ts";
import { openStore } from "../store/open.ts";
import type { UnawaitedEffect } from "../engine/run/warnings.ts";
import type { Store } from "../ports/store.ts";
import { Contracts } from "../version/contracts.ts";
import type { ActivityDefinition } from "../workflow/activity.ts";
import type { SignalSchemas } from "../workflow/signal_types.ts";
import { TestActivities } from "./activities.ts";
import { IdleTracker } from "./idle_tracker.ts";
import { POLL_MS, VirtualClock } from "./clock.ts";
import { TestCode } from "./code.ts";
import { TestDatabase } from "./database.ts";
import { TestVersions } from "./definitions.ts";
import {
  type ActivityCall,
  type ActivityDouble,
  type DoubleOf,
  Doubles,
  nameOf,
  type StepDouble,
} from "./doubles.ts";
import { readHistory } from "./history.ts";
import { dateOf, MOST_ATTEMPTS, readTestOptions, type TestEngineOptions } from "./options.ts";
import { ReplayChecker } from "./replay_checker.ts";
import { ParkedRuns } from "./parked.ts";
import { TestRun, type TestRunServices } from "./run.ts";
import { TestTime } from "./time.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";
import type { Serializable } from "../workflow/serializable.ts";
import type { InputOf, OutputOf, SignalsOf } from "../workflow/types_of.ts";

/** The outcome of one item of {@linkcode TestEngine.startMany}. */
export type TestStartedItem<Output = unknown, Signals extends SignalSchemas = SignalSchemas> =
  | {
    /** Whether this call started the run, or it existed before. */
    readonly status: "started" | "existing";
    /** Its handle. */
    readonly run: TestRun<Output, Signals>;
  }
  | {
    /** An existing run has its id or its idempotency key. */
    readonly status: "conflict";
    /** The conflict. */
    readonly error: Error;
  };

/** The parts of an engine. */
interface Parts {
  readonly continuum: Continuum;
  readonly store: Store;
  readonly database: TestDatabase;
  readonly time: TestTime;
  readonly doubles: Doubles;
  readonly replayChecker: ReplayChecker | null;
  readonly parked: ParkedRuns;
  readonly unawaited: readonly UnawaitedEffect[];
  readonly isAutomatic: boolean;
}

let make: (parts: Parts) => TestEngine;

/**
 * An engine for tests. Create it with {@linkcode testEngine}, and dispose of it with `await using`.
 */
export class TestEngine implements AsyncDisposable {
  /** The registry of versions. */
  readonly versions: Versions;
  /** Finding and removing runs. */
  readonly runs: Runs;
  /** Schedules: which runs start when. */
  readonly schedules: Schedules;
  /** Completes attempts of activities by their tokens. */
  readonly activities: Activities;
  readonly #parts: Parts;
  #disposing: Promise<void> | undefined;

  static {
    make = (parts) => new TestEngine(parts);
  }

  /** Use {@linkcode testEngine}. */
  private constructor(parts: Parts) {
    const { continuum } = parts;
    this.#parts = parts;
    this.versions = continuum.versions;
    this.runs = continuum.runs;
    this.schedules = continuum.schedules;
    this.activities = continuum.activities;
  }

  /**
   * Effects that runs had requested and not awaited when they returned, which the engine also logs.
   * Their attempts end with the run, and their failures are lost, so most tests should
   * `assert.deepEqual(engine.unawaited, [])`.
   */
  get unawaited(): readonly UnawaitedEffect[] {
    return [...this.#parts.unawaited];
  }

  /** The virtual time. */
  get now(): Date {
    return new Date(this.#parts.time.now);
  }

  /**
   * Starts a run, as `Continuum.start` does.
   *
   * @param workflow One of the engine's definitions.
   * @param input The workflow's input.
   * @param options The run's id, its start time, its first signal and others.
   * @returns The run.
   */
  async start<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    ...inputAndOptions: StartArguments<Input, StartOptions<Signals>>
  ): Promise<TestRun<Awaited<Output>, Signals>>;
  /**
   * Starts a run by the workflow's name, as `Continuum.start` does.
   *
   * @typeParam Type The workflow's type, or the type of its result.
   */
  async start<Type = unknown>(
    workflow: string,
    ...inputAndOptions: StartArguments<InputOf<Type>, StartOptions<SignalsOf<Type>>>
  ): Promise<TestRun<OutputOf<Type>, SignalsOf<Type>>>;
  async start(
    workflow: WorkflowDefinition<never, unknown> | string,
    input?: unknown,
    options?: StartOptions,
  ): Promise<TestRun> {
    const { continuum } = this.#parts;
    const handle = await continuum.start(workflow as string, input, options);
    return new TestRun(handle, this.#services(options?.namespace));
  }

  /**
   * Starts many runs, as `Continuum.startMany` does.
   *
   * @param workflow One of the engine's definitions, or a workflow's name.
   * @param items One for each run.
   * @param options Options of all runs.
   * @returns The outcome of each, in the same order.
   */
  async startMany<Input, Output, Signals extends SignalSchemas = SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals> | string,
    items: readonly StartManyItem<Serializable<Input>, Signals>[],
    options?: StartManyOptions,
  ): Promise<TestStartedItem<Awaited<Output>, Signals>[]> {
    const { continuum } = this.#parts;
    const started = await continuum.startMany(
      workflow as WorkflowDefinition<Input, Output, Signals>,
      items,
      options,
    );
    const services = this.#services(options?.namespace);
    return started.map((item) =>
      item.status === "conflict"
        ? item
        : { status: item.status, run: new TestRun(item.run, services) }
    );
  }

  /**
   * Returns the handle of a run that was started before.
   *
   * @typeParam Type The workflow's type, or the type of its result.
   * @param id The run's id.
   * @param options Its namespace, if not `default`.
   * @returns The run.
   */
  run<Type = unknown>(
    id: string,
    options?: RunOptions,
  ): TestRun<OutputOf<Type>, SignalsOf<Type>>;
  /** Returns the handle of a run of a workflow, as `Continuum.run` does. */
  run<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    id: string,
    options?: RunOptions,
  ): TestRun<Awaited<Output>, Signals>;
  run(...given: unknown[]): unknown {
    const handle = this.#parts.continuum.run(...given as [string, RunOptions?]);
    const { options } = namedRun(given as RunArguments);
    return new TestRun(handle, this.#services(options.namespace));
  }

  /**
   * Lets virtual time pass, and resolves when everything that is due by then has happened. At every
   * stop it waits for activities and steps, but not for doubles that have not answered.
   *
   * @param duration How long.
   * @throws {InvalidArgumentError} If it is not a duration.
   */
  async advance(duration: Duration): Promise<void> {
    const { time } = this.#parts;
    await time.moveTo(time.now + durationMs(duration));
  }

  /**
   * Lets virtual time pass until a date, as {@linkcode TestEngine.advance} does.
   *
   * @param date The date.
   * @throws {InvalidArgumentError} If it is not a date, or is in the virtual past.
   */
  async skipTo(date: Date | string): Promise<void> {
    const { time } = this.#parts;
    const at = dateOf(date, "the date of skipTo()");
    if (at < time.now) {
      refuse(
        "the date of skipTo()",
        new Date(at),
        `one from ${this.now.toISOString()}, the virtual time`,
      );
    }
    await time.moveTo(at);
  }

  /** Resolves when nothing more happens unless time passes or a caller requests something. */
  async settled(): Promise<void> {
    await this.#parts.time.settled();
  }

  /**
   * Replaces an activity by a double, from its next attempt on.
   *
   * @param activity The activity, or its name.
   * @param double The double.
   */
  double<Input, Output>(
    activity: ActivityDefinition<Input, Output>,
    double: DoubleOf<Input, Output>,
  ): void;
  /** Replaces the activity with a name by a double. */
  double(activity: string, double: ActivityDouble): void;
  double(activity: string | ActivityDefinition<never, unknown>, double: ActivityDouble): void {
    this.#parts.doubles.set(activity, double);
  }

  /**
   * Replaces the steps and transactions with a name by a double, from their next attempt on.
   *
   * @param step The name that `ctx.run` or `ctx.transaction` gives it.
   * @param double The double.
   * @throws {InvalidArgumentError} If it is not a double.
   */
  doubleStep(step: string, double: StepDouble): void {
    this.#parts.doubles.setStep(step, double);
  }

  /**
   * Returns the attempts of activities so far, in the order of their beginning.
   *
   * @param activity The activity; all when omitted.
   */
  calls(activity?: string | ActivityDefinition<never, unknown>): ActivityCall[] {
    const { calls } = this.#parts.doubles;
    if (activity === undefined) return [...calls];
    const name = nameOf(activity);
    return calls.filter((call) => call.activity === name);
  }

  /**
   * Queries the engine's database directly: to create tables for `ctx.transaction`, and to read
   * what it wrote.
   *
   * @param text One SQL statement, with `$1` and so on.
   * @param values Its parameters.
   * @returns Its rows.
   */
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]> {
    return this.#parts.database.query<Row>(text, values);
  }

  /**
   * Replays the ended runs, unless `paranoid` is false, and closes the engine.
   *
   * @throws {ReplayError} If a run does not replay.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposing ??= this.#dispose();
  }

  #services(namespace = "default"): TestRunServices {
    const { store, time, parked, isAutomatic } = this.#parts;
    const runs = store.runs.in(namespace);
    return {
      passUntil: async (awaited, runId, states) => {
        const parking = parked.unless(runId, runs, awaited, states);
        if (!isAutomatic) return await parking;
        return await time.passUntil(parking, `run ${quoteId(runId)}`);
      },
      dump: (runId) => readHistory(runId, runs),
    };
  }

  async #dispose(): Promise<void> {
    const { continuum, replayChecker, time } = this.#parts;
    await time.stopped();
    try {
      await continuum.drain();
      await replayChecker?.verify();
    } finally {
      await continuum.close();
    }
  }
}

/**
 * Opens an engine for one test.
 *
 * ```ts
 * import { defineWorkflow } from "@continuum/continuum/workflow";
 * import { testEngine } from "@continuum/continuum/testing";
 *
 * const greet = defineWorkflow({ name: "greet" }, async (ctx, name: string) => {
 *   await ctx.sleep("30d");
 *   return await ctx.activity<string>("greeting", name);
 * });
 *
 * Deno.test("greets a month later", async () => {
 *   await using engine = await testEngine({
 *     workflows: [greet],
 *     activities: { greeting: (name: string) => `Hello, ${name}` },
 *   });
 *   const run = await engine.start(greet, "World");
 *   console.assert(await run.result() === "Hello, World");
 * });
 * ```
 *
 * @param options The workflows, the doubles of activities and others.
 * @returns The engine.
 * @throws {InvalidArgumentError} If an option is unknown or invalid. Errors of reading workflow
 * modules are passed on.
 */
export async function testEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const { definitions, specifiers, doubles: given, steps, payloadBytes, queues, ...rest } =
    readTestOptions(options);
  const { now, isAutomatic, isParanoid, codec, graph } = rest;
  const clock = new VirtualClock(now);
  const idleTracker = new IdleTracker();
  const doubles = new Doubles(idleTracker, () => clock.monotonic());
  for (const [activity, double] of given) doubles.set(activity, double);
  for (const [step, double] of steps) doubles.setStep(step, double);

  await using opened = new AsyncDisposableStack();
  const database = opened.use(await TestDatabase.open(clock.monotonic(), idleTracker));
  const store = await openStore({
    database: database.adapter,
    codec: codec && trackedCodec(codec, idleTracker),
  });
  await store.migrate();
  const drain = await probeDrain();
  const versions = new TestVersions({
    store: store.versions,
    denials: store.denials,
    workflows: specifiers,
    ...graph,
  });
  for (const definition of definitions) await versions.registerDefinition(definition);
  const activities = new TestActivities(doubles, queues.keys());
  const parked = new ParkedRuns();
  const unawaited: UnawaitedEffect[] = [];
  const replayChecker = isParanoid
    ? new ReplayChecker(store, versions, { drain, payloadBytes })
    : null;
  const continuum = await assemble({
    store,
    versions,
    drain,
    namespace: "default",
    payloadBytes,
    clock,
    polls: { announced: POLL_MS, transient: POLL_MS },
    code: new TestCode(versions, new Contracts(versions, store.versions), drain, {
      idleTracker,
      activities,
      doubles,
    }),
    settings: { ...SETTINGS, queues },
    onExit: (run, exit) => {
      replayChecker?.note(run, exit);
      parked.note(run, exit);
    },
    onUnawaited: (effect) => unawaited.push(effect),
  }, specifiers);
  const time = new TestTime(clock, idleTracker, (at) => database.setTime(at));
  opened.move();
  return make({
    continuum,
    store,
    database,
    time,
    doubles,
    replayChecker,
    parked,
    unawaited,
    isAutomatic,
  });
}

/** A codec whose calls count as work, so that no time passes meanwhile. */
function trackedCodec(codec: PayloadCodec, idleTracker: IdleTracker): PayloadCodec {
  return {
    encode: (bytes, info) =>
      idleTracker.during("work", async () => await codec.encode(bytes, info)),
    decode: (bytes, info) =>
      idleTracker.during("work", async () => await codec.decode(bytes, info)),
  };
}

/**
 * Waiting runs leave memory at once. The node sends heartbeats, and polls for everything, when time
 * moves.
 */
const SETTINGS = {
  activities: new Map(),
  name: "test",
  leaseMs: 3 * POLL_MS,
  lingerMs: 0,
  maxResidentRuns: 1_000,
  maxResidentBytes: Infinity,
  activityConcurrency: MOST_ATTEMPTS,
  probeMs: POLL_MS,
  retention: undefined,
  drainTimeoutMs: 0,
};
