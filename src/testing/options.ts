/**
 * Options of engines for tests. They are checked when the engine is opened; an error names the
 * invalid option.
 *
 * @module
 */

import {
  checkArray,
  checkBoolean,
  checkChoice,
  checkOptions,
  refuseUnless,
} from "../base/arguments.ts";
import { type LimitOptions, readLimits } from "../client/limits.ts";
import { isCodec, type PayloadCodec } from "../codec/codec.ts";
import type { ActivityDefinition } from "../workflow/activity.ts";
import type { QueueSettings } from "../engine/activity/task_queue.ts";
import { type NodeQueueOptions, readQueues } from "../options.ts";
import { isWorkflow } from "../workflow/workflow.ts";
import type { AnyWorkflow } from "./definitions.ts";
import type { ActivityDouble, ActivityDoublePair, StepDouble } from "./doubles.ts";

/** Options of {@linkcode testEngine}. */
export interface TestEngineOptions {
  /**
   * Workflows: definitions, or specifiers of modules, which are read, pinned and loaded as in
   * production.
   */
  readonly workflows?: readonly (AnyWorkflow | string)[];
  /** The doubles of activities: by name, or as pairs of an activity and its double. */
  readonly activities?: Readonly<Record<string, ActivityDouble>> | readonly ActivityDoublePair[];
  /** The doubles of steps and transactions, by the names that the code gives them. */
  readonly steps?: Readonly<Record<string, StepDouble>>;
  /**
   * The queues of activities that the engine serves in addition to `default`, as in
   * `Continuum.open`. A queue without its own limit has at most 1,000 attempts at once. An activity
   * of another queue fails with an error that names the queue.
   */
  readonly queues?: Readonly<Record<string, NodeQueueOptions>>;
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
   * Whether every run that has ended is replayed from its history when the engine is disposed of,
   * as if the process had died at several of its events.
   *
   * @default {true}
   */
  readonly paranoid?: boolean;
  /** The largest sizes of values, as in `Continuum.open`. */
  readonly limits?: LimitOptions;
  /**
   * Encodes and decodes values, as in `Continuum.open`. What `query` reads is encoded.
   *
   * @default {none}
   */
  readonly codec?: PayloadCodec;
  /** The `deno.json` that applies to workflow modules; the application's own when omitted. */
  readonly config?: string;
  /** Modules that are not pinned: versions import this process's own copy. */
  readonly live?: readonly string[];
}

/** The checked options, with defaults filled in. */
export interface ReadTestOptions {
  /** Workflows that are definitions of the test. */
  readonly definitions: readonly AnyWorkflow[];
  /** Workflows that are modules. */
  readonly specifiers: readonly string[];
  /** Doubles, with the activity that each stands for. */
  readonly doubles: readonly (readonly [
    string | ActivityDefinition<never, unknown>,
    ActivityDouble,
  ])[];
  /** Doubles of steps and transactions, by name. */
  readonly steps: readonly (readonly [string, StepDouble])[];
  /** The queues that it serves. */
  readonly queues: ReadonlyMap<string, QueueSettings>;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether time passes while a result is awaited. */
  readonly isAutomatic: boolean;
  /** Whether ended runs are replayed. */
  readonly isParanoid: boolean;
  /** Encodes and decodes values; `undefined`: they are stored as JSON. */
  readonly codec: PayloadCodec | undefined;
  /** How modules are read. */
  readonly graph: Pick<TestEngineOptions, "config" | "live">;
}

const OPTIONS = [
  "workflows",
  "activities",
  "steps",
  "queues",
  "now",
  "time",
  "paranoid",
  "limits",
  "codec",
  "config",
  "live",
];

/** The most attempts at once. */
export const MOST_ATTEMPTS = 1_000;

const START = "2030-01-01T00:00:00Z";

/**
 * Checks the options of {@linkcode testEngine}.
 *
 * @throws {InvalidArgumentError} If an option is unknown or invalid.
 */
export function readTestOptions(options: TestEngineOptions): ReadTestOptions {
  checkOptions(options, OPTIONS, "testEngine()");
  const { workflows = [], activities = {}, now = START, time = "auto", paranoid = true } = options;
  const { codec, config, live } = options;
  checkChoice(time, "option time of testEngine()", ["auto", "manual"]);
  checkBoolean(paranoid, "option paranoid of testEngine()");
  const isGood = codec === undefined || isCodec(codec);
  const wanted = "an object with the functions encode and decode";
  refuseUnless(isGood, "option codec of testEngine()", codec, wanted);
  return {
    ...readWorkflows(workflows),
    doubles: pairsOf(activities),
    steps: stepsOf(options.steps ?? {}),
    queues: readQueues(options.queues ?? {}, MOST_ATTEMPTS),
    ...readLimits(options.limits),
    now: dateOf(now, "option now of testEngine()"),
    isAutomatic: time === "auto",
    isParanoid: paranoid,
    codec,
    graph: {
      ...(config === undefined ? {} : { config }),
      ...(live === undefined ? {} : { live }),
    },
  };
}

function readWorkflows(workflows: readonly (AnyWorkflow | string)[]): {
  readonly definitions: readonly AnyWorkflow[];
  readonly specifiers: readonly string[];
} {
  const wanted = "an array of definitions and specifiers";
  const isGood = (entry: unknown) => typeof entry === "string" || isWorkflow(entry);
  checkArray(workflows, "option workflows of testEngine()", wanted, isGood);
  const definitions: AnyWorkflow[] = [];
  const specifiers: string[] = [];
  for (const workflow of workflows) {
    if (typeof workflow === "string") specifiers.push(workflow);
    else definitions.push(workflow);
  }
  return { definitions, specifiers };
}

function pairsOf(
  activities: NonNullable<TestEngineOptions["activities"]>,
): readonly (readonly [string | ActivityDefinition<never, unknown>, ActivityDouble])[] {
  if (Array.isArray(activities)) return activities as readonly ActivityDoublePair[];
  refuseUnless(
    typeof activities === "object" && activities !== null,
    "option activities of testEngine()",
    activities,
    "doubles by name, or pairs of an activity and its double",
  );
  return Object.entries(activities as Readonly<Record<string, ActivityDouble>>);
}

function stepsOf(steps: Readonly<Record<string, StepDouble>>): readonly [string, StepDouble][] {
  refuseUnless(
    typeof steps === "object" && steps !== null && !Array.isArray(steps),
    "option steps of testEngine()",
    steps,
    "doubles by the names of steps",
  );
  return Object.entries(steps);
}

/** Converts a date to milliseconds since the epoch. */
export function dateOf(date: Date | string, argument: string): number {
  const at = typeof date === "string" ? new Date(date) : date;
  const isDate = at instanceof Date && Number.isFinite(at.getTime());
  refuseUnless(isDate, argument, date, "a Date, or a text that Date reads");
  return at.getTime();
}
