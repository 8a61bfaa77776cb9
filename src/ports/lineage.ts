/**
 * What the engine asks of a store about runs that start others, and runs that go on as new.
 *
 * @module
 */

import type { WaitRow } from "./rows.ts";
import type { VersionPin, VersionRef } from "./version_ref.ts";

/** What follows for a child when its parent ends. */
export type ParentClose = "abandon" | "cancel" | "terminate";

/** A child to be inserted. */
export interface NewChild extends VersionRef {
  /** The parent's internal key. */
  readonly parent: number;
  /** What follows for it when the parent ends. */
  readonly close: ParentClose;
  /** Its id, unique in the parent's namespace. */
  readonly runId: string;
  /** Encoded input. */
  readonly input: string;
  /** What `random()` and `uuid()` of the child come from. */
  readonly seed: string;
  /** How long it may take, and whether it is tried again, as of a run that is started. */
  readonly policy?: string | null;
}

/**
 * What became of a child: `started`, also by an earlier try; `ended`: by an earlier generation,
 * which was told of its end, and this one will be; `taken`: the id is that of a run which is no
 * child of this parent, or is of another workflow;
 * `too_deep`: the chain of parents is at its limit.
 */
export type ChildStart = "started" | "ended" | "taken" | "too_deep";

/** A run whose generation ends, and the next begins. */
export interface GenerationEnd {
  /** The internal key. */
  readonly run: number;
  /** The token that the writer holds. */
  readonly token: number;
  /** The history's length as the writer knows it. */
  readonly next: number;
  /** The generation that ends. */
  readonly generation: number;
  /** The seed of the next generation. */
  readonly seed: string;
  /** Signals that the code took and did not use: they go back into the inbox. */
  readonly signals: readonly { readonly name: string; readonly payload: string | null }[];
}

/** A run that continues as new, and the version that its next generation is pinned to. */
export interface Continuation extends GenerationEnd, VersionPin {
  /** Encoded input of the next generation. */
  readonly input: string;
}

/** A run that is tried again: the next generation has the version and the input of this one. */
export interface RunRetry extends GenerationEnd {
  /** The `wakeSeq` read with the last look into the inbox. */
  readonly wakeSeq: number;
  /** When the next attempt is due. */
  readonly at: number;
  /** What the row says of its rest. */
  readonly waits: readonly WaitRow[];
  /** What this attempt threw, encoded. */
  readonly failure: string;
}

/** A run that was woken by another's end, and the node that has it, if one does. */
export interface WokenRun {
  /** The internal key. */
  readonly id: number;
  /** The node that executes it. */
  readonly node: string | null;
}

/** What was done for runs that had ended. */
export interface SettledRuns {
  /** The runs that it woke. */
  readonly woken: readonly WokenRun[];
  /** Whether more runs have something left to do: others had ended, or have been ended by this. */
  readonly more: boolean;
}

/** Lineage of runs. */
export interface LineageStore {
  /**
   * Inserts children, due now. Trying again does no harm.
   *
   * @param children The children; several may ask for one id, in one namespace or in several.
   * @param maxDepth The longest chain of parents.
   * @returns What became of each, in the same order.
   */
  startChildren(children: readonly NewChild[], maxDepth: number): Promise<ChildStart[]>;
  /**
   * Whether a run has a child of that id that has not ended.
   *
   * @param parent The run.
   * @param runId The child's id.
   */
  hasChild(
    parent: { readonly id: number; readonly namespace: string },
    runId: string,
  ): Promise<boolean>;
  /**
   * Ends a run's generation and begins the next, in one statement behind the fence; the lease
   * stays. Trying again does no harm.
   *
   * @param continuation The next generation.
   * @returns When it began; `null`: the fence did not hold.
   */
  continueAsNew(continuation: Continuation): Promise<number | null>;
  /**
   * Ends a run's generation and lets it rest until the next, in one statement behind the fence; the
   * lease ends. Trying again does no harm.
   *
   * @param retry The next generation.
   * @returns `false`: the fence did not hold, or a message came since the inbox was read.
   */
  retry(retry: RunRetry): Promise<boolean>;
  /**
   * Does what ended runs have left to do: tells parents, applies policies to children.
   *
   * @param limit At most how many ended runs.
   * @returns What was done.
   */
  settleEnded(limit: number): Promise<SettledRuns>;
}
