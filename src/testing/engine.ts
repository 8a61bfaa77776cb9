/**
 * An engine for tests: the real store, executor and journal, in memory, in virtual time.
 *
 * @module
 */

import { type Duration, durationMs } from "../base/duration.ts";
import { InvalidArgumentError } from "../base/errors.ts";
import type { RunsApi } from "../client/runs_api.ts";
import type { Schedules } from "../client/schedules.ts";
import type { StartManyItem, StartManyOptions, StartOptions } from "../client/start_options.ts";
import { assemble, type Continuum, type VersionsApi } from "../continuum.ts";
import { probeDrain } from "../replay/drain.ts";
import type { SqlValue } from "../store/driver.ts";
import { openStore } from "../store/open.ts";
import type { Store } from "../ports/store.ts";
import type { ActivityDefinition } from "../workflow/activity.ts";
import { checkOptions, describe } from "../workflow/options.ts";
import { isWorkflow, type WorkflowDefinition } from "../workflow/workflow.ts";
import { Busy } from "./busy.ts";
import { POLL_MS, VirtualClock } from "./clock.ts";
import { TestCode } from "./code.ts";
import { TestDatabase } from "./database.ts";
import { type AnyWorkflow, TestVersions } from "./definitions.ts";
import {
  type ActivityCall,
  type ActivityDouble,
  type ActivityDoublePair,
  Doubles,
  nameOf,
} from "./doubles.ts";
import { readHistory } from "./history.ts";
import { Paranoia } from "./paranoia.ts";
import { ParkedRuns } from "./parked.ts";
import { TestRun, type TestRunServices } from "./run.ts";
import { TestTime } from "./time.ts";

/** Options of {@linkcode testEngine}. */
export interface TestEngineOptions {
  /**
   * Workflows: definitions, or specifiers of their modules, which are then read, pinned and loaded
   * as in production.
   */
  readonly workflows?: readonly (AnyWorkflow | string)[];
  /** What stands in place of activities: by name, or beside the activity that it replaces. */
  readonly activities?: Readonly<Record<string, ActivityDouble>> | readonly ActivityDoublePair[];
  /**
   * The virtual time at the beginning.
   *
   * @default {"2030-01-01T00:00:00Z"}
   */
  readonly now?: Date | string;
  /**
   * Whether time passes by itself while a result is awaited, or only by `advance` and `skipTo`.
   *
   * @default {"auto"}
   */
  readonly time?: "auto" | "manual";
  /**
   * Whether every run that has ended is replayed from its history when the engine is disposed of, as
   * if the process had died at several of its events.
   *
   * @default {true}
   */
  readonly paranoid?: boolean;
  /** The `deno.json` that applies to workflow modules; the application's own when omitted. */
  readonly config?: string;
  /** Modules that are bound to this process instead of being pinned. */
  readonly live?: readonly string[];
}

/** What became of one run of {@linkcode TestEngine.startMany}. */
export type TestStartedItem<Output = unknown> =
  | {
    /** Whether this call started it, or it was there before. */
    readonly status: "started" | "existing";
    /** Its handle. */
    readonly run: TestRun<Output>;
  }
  | {
    /** Its id or its idempotency key stands in the way. */
    readonly status: "conflict";
    /** What stands in the way. */
    readonly error: Error;
  };

/** What an engine is put together from. */
interface Parts {
  readonly continuum: Continuum;
  readonly store: Store;
  readonly database: TestDatabase;
  readonly time: TestTime;
  readonly doubles: Doubles;
  readonly paranoia: Paranoia | null;
  readonly parked: ParkedRuns;
  readonly isAutomatic: boolean;
}

let make: (parts: Parts) => TestEngine;

/** An engine for tests; made by {@linkcode testEngine}, and to be disposed of: `await using`. */
export class TestEngine implements AsyncDisposable {
  /** The registry of versions. */
  readonly versions: VersionsApi;
  /** Questions about runs. */
  readonly runs: RunsApi;
  /** Schedules: what is to be started when. */
  readonly schedules: Schedules;
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
   * @param options The run's id, and when and with what it starts.
   * @returns The run.
   */
  async start<Input, Output>(
    workflow: WorkflowDefinition<Input, Output>,
    input: Input,
    options?: StartOptions,
  ): Promise<TestRun<Awaited<Output>>>;
  /** Starts a run by the workflow's name, as `Continuum.start` does. */
  async start<Output = unknown>(
    workflow: string,
    input?: unknown,
    options?: StartOptions,
  ): Promise<TestRun<Output>>;
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
   * @param options What all have in common.
   * @returns What became of each, in the same order.
   */
  async startMany<Input, Output>(
    workflow: WorkflowDefinition<Input, Output> | string,
    items: readonly StartManyItem<Input>[],
    options?: StartManyOptions,
  ): Promise<TestStartedItem<Awaited<Output>>[]> {
    const { continuum } = this.#parts;
    const started = await continuum.startMany<Input, Output>(
      workflow as WorkflowDefinition<Input, Output>,
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
   * A run that was started before.
   *
   * @param id The run's id.
   * @param options Its namespace, if not `default`.
   * @returns The run.
   */
  run<Output = unknown>(
    id: string,
    options: { readonly namespace?: string } = {},
  ): TestRun<Output> {
    const handle = this.#parts.continuum.run<Output>(id, options);
    return new TestRun(handle, this.#services(options.namespace));
  }

  /**
   * Lets time pass, and resolves when all that falls due by then has happened. Activities and steps
   * are waited for at every stop; doubles that have not answered are not.
   *
   * @param duration How long.
   * @throws {InvalidArgumentError} If it is no duration.
   */
  async advance(duration: Duration): Promise<void> {
    const { time } = this.#parts;
    await time.moveTo(time.now + durationMs(duration));
  }

  /**
   * Lets time pass until a date, as {@linkcode TestEngine.advance} does.
   *
   * @param date The date.
   * @throws {InvalidArgumentError} If it is none, or past.
   */
  async skipTo(date: Date | string): Promise<void> {
    const { time } = this.#parts;
    const at = dateOf(date, "skipTo()");
    if (at < time.now) {
      throw new InvalidArgumentError(
        `Cannot skip to ${new Date(at).toISOString()}: it is past, wanted one from ` +
          this.now.toISOString(),
      );
    }
    await time.moveTo(at);
  }

  /** Resolves when nothing more happens unless time passes or somebody asks for something. */
  async settled(): Promise<void> {
    await this.#parts.time.settled();
  }

  /**
   * Puts a double in an activity's place, from its next attempt on.
   *
   * @param activity The activity, or its name.
   * @param double What stands in its place.
   */
  double(activity: string | ActivityDefinition<never, unknown>, double: ActivityDouble): void {
    this.#parts.doubles.set(activity, double);
  }

  /**
   * The attempts of activities so far, in the order of their beginning.
   *
   * @param activity Of one activity; of all when omitted.
   */
  calls(activity?: string | ActivityDefinition<never, unknown>): ActivityCall[] {
    const { calls } = this.#parts.doubles;
    if (activity === undefined) return [...calls];
    const name = nameOf(activity);
    return calls.filter((call) => call.activity === name);
  }

  /**
   * Asks the engine's database, past the engine: to make tables for `ctx.transaction`, and to see
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
   * Replays what has ended, unless `paranoid` is false, and closes everything.
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
      passUntil: async (end, runId) => {
        const awaited = parked.orEnd(runId, runs, end);
        if (!isAutomatic) return await awaited;
        return await time.passUntil(awaited, `the result of run ${JSON.stringify(runId)}`);
      },
      dump: (runId) => readHistory(runId, runs),
    };
  }

  async #dispose(): Promise<void> {
    const { continuum, paranoia, time } = this.#parts;
    await time.stopped();
    try {
      await continuum.drain();
      await paranoia?.verify();
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
 * @param options The workflows, and what stands in place of activities.
 * @returns The engine.
 * @throws {InvalidArgumentError} If an option is unknown or makes no sense. Errors of reading
 * workflow modules as they are.
 */
export async function testEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  checkOptions(options, OPTIONS, "testEngine()");
  const { now = START, time: mode = "auto", paranoid = true, config, live } = options;
  const { definitions, specifiers } = readWorkflows(options.workflows ?? []);
  const clock = new VirtualClock(dateOf(now, "now"));
  refuseUnless(mode === "auto" || mode === "manual", "time", mode, '"auto" or "manual"');
  refuseUnless(typeof paranoid === "boolean", "paranoid", paranoid, "true or false");
  const busy = new Busy();
  const doubles = new Doubles(busy, () => clock.monotonic());
  const { activities = {} } = options;
  for (const [activity, double] of pairsOf(activities)) doubles.set(activity, double);

  await using opened = new AsyncDisposableStack();
  const database = opened.use(await TestDatabase.open(clock.monotonic(), busy));
  const store = await openStore({ database: database.adapter });
  await store.migrate();
  const drain = await probeDrain();
  const versions = new TestVersions({
    store: store.versions,
    workflows: specifiers,
    ...(config === undefined ? {} : { config }),
    ...(live === undefined ? {} : { live }),
  });
  for (const definition of definitions) await versions.registerDefinition(definition);
  const parked = new ParkedRuns();
  const paranoia = paranoid ? new Paranoia(store, versions, drain) : null;
  const continuum = await assemble({
    store,
    versions,
    drain,
    namespace: "default",
    clock,
    resultPollMs: POLL_MS,
    code: new TestCode(versions, drain, { busy, doubles }),
    settings: SETTINGS,
    onDeparture: (run, departure) => {
      paranoia?.note(run, departure);
      parked.note(run, departure);
    },
  }, specifiers);
  const time = new TestTime(clock, busy, (at) => database.setTime(at));
  opened.move();
  const isAutomatic = mode === "auto";
  return make({ continuum, store, database, time, doubles, paranoia, parked, isAutomatic });
}

const OPTIONS = ["workflows", "activities", "now", "time", "paranoid", "config", "live"];

const START = "2030-01-01T00:00:00Z";

/** A run that waits is a row at once; the node beats, and looks at everything, when time moves. */
const SETTINGS = {
  activities: new Map(),
  name: "test",
  leaseMs: 3 * POLL_MS,
  lingerMs: 0,
  maxResidentRuns: 1_000,
  activityConcurrency: 1_000,
  queues: new Map([["default", { concurrency: 1_000, rate: null }]]),
  probeMs: POLL_MS,
  drainTimeoutMs: 0,
};

function readWorkflows(workflows: readonly (AnyWorkflow | string)[]): {
  readonly definitions: readonly AnyWorkflow[];
  readonly specifiers: readonly string[];
} {
  refuseUnless(Array.isArray(workflows), "workflows", workflows, "an array");
  const definitions: AnyWorkflow[] = [];
  const specifiers: string[] = [];
  for (const workflow of workflows) {
    if (typeof workflow === "string") specifiers.push(workflow);
    else {
      refuseUnless(isWorkflow(workflow), "workflows", workflow, "definitions and specifiers");
      definitions.push(workflow);
    }
  }
  return { definitions, specifiers };
}

function pairsOf(
  activities: NonNullable<TestEngineOptions["activities"]>,
): readonly (readonly [string | ActivityDefinition<never, unknown>, ActivityDouble])[] {
  if (Array.isArray(activities)) return activities as readonly ActivityDoublePair[];
  refuseUnless(
    typeof activities === "object" && activities !== null,
    "activities",
    activities,
    "doubles by name, or pairs of an activity and its double",
  );
  return Object.entries(activities as Readonly<Record<string, ActivityDouble>>);
}

function dateOf(date: Date | string, option: string): number {
  const at = new Date(date).getTime();
  refuseUnless(Number.isFinite(at), option, date, "a date");
  return at;
}

function refuseUnless(good: boolean, option: string, found: unknown, wanted: string): void {
  if (good) return;
  throw new InvalidArgumentError(
    `Cannot use option ${option}: found ${describe(found)}, wanted ${wanted}`,
    { option },
  );
}
