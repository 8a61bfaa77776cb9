/**
 * What the engine requires of a store for child runs and for the generations of a run.
 *
 * @module
 */

import type { PlaceRequest } from "./limits.ts";
import type { WokenRun } from "./woken_run.ts";
import type { WaitRow } from "./rows.ts";
import type { VersionPin, VersionRef } from "./version_ref.ts";

export type { WokenRun };

/** What happens to a child when its parent ends. */
export type ParentClose = "abandon" | "cancel" | "terminate";

/** A child to be inserted. */
export interface NewChild extends VersionRef {
  /** The parent's internal key. */
  readonly parent: number;
  /** The fencing token of who holds the parent; any when omitted. */
  readonly token?: number;
  /** Its namespace, for a payload codec; unknown when omitted. */
  readonly namespace?: string;
  /** What happens to it when the parent ends. */
  readonly close: ParentClose;
  /** Its id, unique in the parent's namespace. */
  readonly runId: string;
  /** Encoded input. */
  readonly input: string;
  /** Seed of the child's `random()` and `uuid()`. */
  readonly seed: string;
  /** Its timeout and retry policy, as for any run that is started. */
  readonly policy?: string | null;
  /** Its search attributes: a JSON object; none when omitted. */
  readonly attributes?: string;
  /** Milliseconds until it is due; at once when omitted. */
  readonly delayMs?: number;
  /** The place that it waits for; none when omitted. */
  readonly place?: PlaceRequest;
  /** The trace context of its parent's request; none when omitted. */
  readonly trace?: string;
}

/**
 * The outcome of starting a child:
 *
 * - `started`: inserted, by this call or by an earlier try of it; or the parent is a fork that has
 *   adopted it, and will receive its end.
 * - `ended`: an earlier generation of the parent started it and has received its end already; this
 *   generation will receive the end, too.
 * - `taken`: the id belongs to a run that is not a child of this parent, or is of another workflow; or
 *   the parent has ended, or is held under another token.
 * - `too_deep`: the chain of parents is at its limit.
 */
export type ChildStart = "started" | "ended" | "taken" | "too_deep";

/** The end of a run's generation, and the beginning of the next. */
export interface GenerationEnd {
  /** The internal key. */
  readonly run: number;
  /** Its namespace, for a payload codec; unknown when omitted. */
  readonly namespace?: string;
  /** The fencing token that the writer holds. */
  readonly token: number;
  /** The history's length, as far as the writer knows. */
  readonly next: number;
  /** The generation that ends. */
  readonly generation: number;
  /** The seed of the next generation. */
  readonly seed: string;
  /** Signals that the code took and did not use: the store puts them back into the inbox. */
  readonly signals: readonly { readonly name: string; readonly payload: string | null }[];
}

/** A run that continues as new, and the version that its next generation is pinned to. */
export interface Continuation extends GenerationEnd, VersionPin {
  /** Encoded input of the next generation. */
  readonly input: string;
  /** Whether the run takes new versions by itself from now on; as before when omitted. */
  readonly versioning?: "auto" | "pinned" | null;
}

/** A retry of a run: the next generation has the version and the input of this one. */
export interface RunRetry extends GenerationEnd {
  /** The `wakeSeq` of the writer's last read of the inbox. */
  readonly wakeSeq: number;
  /** When the next attempt is due. */
  readonly at: number;
  /** What `status()` shows while the run waits for the next attempt. */
  readonly waits: readonly WaitRow[];
  /** What this attempt threw, encoded. */
  readonly failure: string;
  /** The run's trace from now on; it stays as it is when omitted. */
  readonly trace?: string;
}

/** What {@linkcode LineageStore.settleEnded} did. */
export interface SettledRuns {
  /** The runs that it woke. */
  readonly woken: readonly WokenRun[];
  /** Whether ended runs are left to settle: beyond the limit, or ended by this call. */
  readonly more: boolean;
  /** Whether places of limits were given up. */
  readonly freed: boolean;
}

/** Children and generations of runs. */
export interface LineageStore {
  /**
   * Inserts children, due after their delay. Repeating the call does no harm.
   *
   * @param children The children; several may request one id, in one namespace or in several.
   * @param maxDepth The longest chain of parents.
   * @returns The outcome of each, in the same order.
   */
  startChildren(children: readonly NewChild[], maxDepth: number): Promise<ChildStart[]>;
  /**
   * Whether a run has a child with that id that has not ended.
   *
   * @param parent The run.
   * @param runId The child's id.
   */
  hasChild(
    parent: { readonly id: number; readonly namespace: string },
    runId: string,
  ): Promise<boolean>;
  /**
   * Ends a run's generation and begins the next, in one statement behind the fence; the node keeps
   * the lease. Repeating the call does no harm.
   *
   * @param continuation The next generation.
   * @returns When it began; `null`: the fence did not hold.
   */
  continueAsNew(continuation: Continuation): Promise<number | null>;
  /**
   * Ends a run's generation and suspends the run until the next attempt, in one statement behind
   * the fence; the lease ends. Repeating the call does no harm.
   *
   * @param retry The next generation.
   * @returns `false`: the fence did not hold, or a message arrived after the inbox was read.
   */
  retry(retry: RunRetry): Promise<boolean>;
  /**
   * Settles ended runs: notifies their parents, and applies the close policies of their children.
   *
   * @param limit At most how many ended runs.
   * @returns What was done.
   */
  settleEnded(limit: number): Promise<SettledRuns>;
}
