/**
 * What a trace of a run consists of.
 *
 * @module
 */

import type { Duration } from "../../base/duration.ts";
import type { CommandKind } from "../../replay/commands.ts";
import type { CallSite, DriftReport, Refusal } from "../../replay/turn.ts";

/**
 * Options of {@linkcode RunHandle.trace}.
 *
 * @category Runs
 */
export interface TraceOptions {
  /**
   * The generation, from 0. An earlier one can be traced until retention removes it.
   *
   * @default {the present generation}
   */
  readonly generation?: number;
  /**
   * How many events the code receives, at most those that the history has: the trace shows the run as
   * it was after them.
   *
   * @default {all events}
   */
  readonly at?: number;
  /**
   * The first effect, by its place in program order.
   *
   * @default {0}
   */
  readonly from?: number;
  /**
   * The most effects, from 1 to 10,000.
   *
   * @default {200}
   */
  readonly limit?: number;
  /**
   * Whether the trace includes the places in the code: each costs about 0.2 ms.
   *
   * @default {true}
   */
  readonly sites?: boolean;
  /**
   * The most characters of JSON of an input or an answer; a larger one is left out. From 0;
   * `Infinity`: all are included.
   *
   * @default {65536}
   */
  readonly payloadChars?: number;
  /**
   * How long a subprocess may take to import the code, and again to replay it.
   *
   * @default {"10s"}
   */
  readonly timeout?: Duration;
}

/**
 * A place in a run's code.
 *
 * @category Runs
 */
export interface TraceSite extends CallSite {
  /** The module of the version that holds it, by its label in the manifest; `null`: unknown. */
  readonly member: string | null;
}

/**
 * A failed attempt of an effect.
 *
 * @category Runs
 */
export interface TraceAttempt {
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** What it threw. */
  readonly error: unknown;
  /** When it failed. */
  readonly failedAt: Date;
  /** When the attempt after it was due; `null`: none followed, or the time is not known any more. */
  readonly nextTry: Date | null;
}

/**
 * Where the activity is that an effect waits for, as the database knows it.
 *
 * @category Runs
 */
export interface TraceTask {
  /** The number of the attempt that is under way or comes next, from 1. */
  readonly attempt: number;
  /**
   * `queued`: a node may claim it from `availableAt` on. `held`: its run is paused. `running`: a node
   * executes it. `external`: the attempt waits to be completed by its token.
   */
  readonly state: "queued" | "held" | "running" | "external";
  /** Its queue. */
  readonly queue: string;
  /** The node that executes it; `null`: none does. */
  readonly node: string | null;
  /** When the attempt became available to nodes, or will. */
  readonly availableAt: Date;
  /** Details of the last heartbeat of any attempt; `undefined`: there were none. */
  readonly heartbeat: unknown;
}

/**
 * One effect of a run.
 *
 * @category Runs
 */
export interface TraceEntry {
  /** Its place in program order, from 0. */
  readonly position: number;
  /** The kind of effect. */
  readonly kind: CommandKind;
  /** Its name; "" for a sleep. */
  readonly name: string;
  /** Its input; `undefined`: effects of its kind have none. */
  readonly input: unknown;
  /** When the wait ends by itself; `null`: never. */
  readonly until: Date | null;
  /** The id of the child run that it concerns; `null`: none. */
  readonly child: string | null;
  /** When the code requested it, by the run's clock; `null`: unknown, as `unavailable` is set. */
  readonly requestedAt: Date | null;
  /**
   * Its state. `withdrawn`: the code aborted it by an `AbortSignal`, or was cancelled; or it is a wait
   * for a signal that has lost a race, and that nothing awaits.
   */
  readonly state: "waiting" | "completed" | "failed" | "timed_out" | "withdrawn";
  /** When the event that answered it was written; `null`: none has. */
  readonly answeredAt: Date | null;
  /** The position of that event in the history of this generation, from 0; `null`: none has. */
  readonly event: number | null;
  /** The answer: a result, an error, a signal's payload. */
  readonly value: unknown;
  /** Which of `input` and `value` were left out because they are larger than `payloadChars`. */
  readonly omitted: readonly ("input" | "value")[];
  /**
   * Its failed attempts, oldest first; of an activity, the last 20 while it is retried or once it has
   * failed. A completed activity has none: they are removed with its task.
   */
  readonly attempts: readonly TraceAttempt[];
  /**
   * The activity, if the effect waits for one; `null`: the database has no row of it, because it has
   * ended, or its first attempt has just begun where the run is.
   */
  readonly task: TraceTask | null;
  /** Where the code requested it; `null`: unknown. */
  readonly site: TraceSite | null;
  /** The call stack of the request, the innermost call first, `site` included. */
  readonly calls: readonly TraceSite[];
}

/**
 * Why the code of a run could not be replayed.
 *
 * @category Runs
 */
export interface TraceUnavailable {
  /** The code of the error: `VERSION_UNAVAILABLE`, `SUBPROCESS_TIMEOUT`, ... */
  readonly code: string;
  /** Its message. */
  readonly message: string;
}

/**
 * What a run has done and waits for.
 *
 * @category Runs
 */
export interface RunTrace {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version that the generation is pinned to, or was last pinned to. */
  readonly version: { readonly hash: string; readonly label: string | null };
  /** The generation that was traced. */
  readonly generation: number;
  /** The attempt of the run that the generation belongs to, from 1. */
  readonly attempt: number;
  /** How many events its history has. */
  readonly events: number;
  /** How many of them the code received. */
  readonly at: number;
  /** When the generation began; `null`: no node has claimed it yet. */
  readonly startedAt: Date | null;
  /** The selected effects, in program order. */
  readonly effects: readonly TraceEntry[];
  /** The total number of effects. */
  readonly total: number;
  /**
   * What the code waits for after the last event that it received, in program order; the first 200.
   */
  readonly waiting: readonly TraceEntry[];
  /** How the code ended; `null`: it has not. */
  readonly outcome: "completed" | "failed" | "cancelled" | "continued" | null;
  /** Where code and history diverge; `null`: they match. */
  readonly drift: DriftReport | null;
  /** The call that a replay can't repeat; `null`: there is none. */
  readonly refused: Refusal | null;
  /**
   * Where the code was replayed: in this process, or in a subprocess without permissions; `null`: it
   * was not, as `unavailable` is set.
   */
  readonly replayed: "here" | "subprocess" | null;
  /**
   * Why the code could not be replayed; `null`: it was. Then `effects` are those that the history has
   * events of, without inputs, request times and places, and `waiting` is empty.
   */
  readonly unavailable: TraceUnavailable | null;
}
