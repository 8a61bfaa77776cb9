/**
 * What the engine asks of a store about runs that start others, and runs that go on as new.
 *
 * @module
 */

/** What follows for a child when its parent ends. */
export type ParentClose = "abandon" | "cancel" | "terminate";

/** A child to be inserted. */
export interface NewChild {
  /** The parent's internal key. */
  readonly parent: number;
  /** What follows for it when the parent ends. */
  readonly close: ParentClose;
  /** Its id, unique in the parent's namespace. */
  readonly runId: string;
  /** The workflow's logical name. */
  readonly workflow: string;
  /** The version that it is pinned to. */
  readonly hash: string;
  /** The specifier that the version is known under. */
  readonly specifier: string;
  /** Encoded input. */
  readonly input: string;
  /** What `random()` and `uuid()` of the child come from. */
  readonly seed: string;
}

/**
 * What became of a child: `started`, also by an earlier try; `taken`: the id is somebody else's;
 * `too_deep`: the chain of parents is at its limit.
 */
export type ChildStart = "started" | "taken" | "too_deep";

/** A run that continues as new. */
export interface Continuation {
  /** The internal key. */
  readonly run: number;
  /** The token that the writer holds. */
  readonly token: number;
  /** The history's length as the writer knows it. */
  readonly next: number;
  /** The generation that ends. */
  readonly generation: number;
  /** The version that the next generation is pinned to. */
  readonly hash: string;
  /** The specifier that the version is known under. */
  readonly specifier: string;
  /** Encoded input of the next generation. */
  readonly input: string;
  /** The seed of the next generation. */
  readonly seed: string;
  /** Signals that the code took and did not use: they go back into the inbox. */
  readonly signals: readonly { readonly name: string; readonly payload: string | null }[];
}

/** A run that was woken by another's end, and the node that has it, if one does. */
export interface WokenRun {
  /** The internal key. */
  readonly id: number;
  /** The node that executes it. */
  readonly node: string | null;
}

/** Lineage of runs. */
export interface LineageStore {
  /**
   * Inserts children, due now. Trying again does no harm.
   *
   * @param children The children; at most one of an id.
   * @param maxDepth The longest chain of parents.
   * @returns What became of each, in the same order.
   */
  startChildren(children: readonly NewChild[], maxDepth: number): Promise<ChildStart[]>;
  /**
   * Ends a run's generation and begins the next, in one statement behind the fence; the lease stays.
   * Trying again does no harm.
   *
   * @param continuation The next generation.
   * @returns When it began; `null`: the fence did not hold.
   */
  continueAsNew(continuation: Continuation): Promise<number | null>;
  /**
   * Does what ended runs have left to do: tells parents, applies policies to children.
   *
   * @param limit At most how many ended runs.
   * @returns How many there were, and the runs that it woke.
   */
  settleEnded(limit: number): Promise<{ readonly settled: number; readonly woken: WokenRun[] }>;
}
