/**
 * Queries for runs: a closed tree of conditions, which a store translates.
 *
 * @module
 */

/** The fields that a condition may compare, apart from attributes. */
export type RunField =
  | "id"
  | "workflow"
  | "state"
  | "version"
  | "createdAt"
  | "startedAt"
  | "endedAt";

/** How two values of one type compare. */
export type Comparison = "eq" | "ne" | "lt" | "lte" | "gt" | "gte";

/** A condition on runs. */
export type RunCondition =
  | {
    /** All of `parts`, or one of them. */
    readonly kind: "and" | "or";
    /** At least one condition. */
    readonly parts: readonly RunCondition[];
  }
  | {
    readonly kind: "field";
    /** What is compared. */
    readonly field: RunField;
    /** The comparison. */
    readonly comparison: Comparison | "in";
    /** The operands: one value, any number for `in`. Times are milliseconds. */
    readonly values: readonly (string | number)[];
  }
  | {
    /** The runs whose id begins with a text. */
    readonly kind: "prefix";
    /** The text, of at least one character. */
    readonly prefix: string;
  }
  | {
    /** The children of a run of the same namespace. */
    readonly kind: "parent";
    /** The id of that run. */
    readonly id: string;
  }
  | {
    /** The forks of a run of the same namespace. */
    readonly kind: "forksOf";
    /** The id of that run. */
    readonly id: string;
  }
  | {
    readonly kind: "current";
    /** Whether the run is pinned to the current version of its workflow. */
    readonly isCurrent: boolean;
  }
  | {
    readonly kind: "attribute";
    /** The path into the attributes, outermost key first. */
    readonly path: readonly string[];
    /** The comparison; `has`: an array that contains the value. */
    readonly comparison: Comparison | "in" | "has";
    /** The operands, as JSON texts: one, any number for `in`. */
    readonly values: readonly string[];
  };

/** A page of runs. */
export interface RunQuery {
  /** The condition; `null`: all runs of the namespace. */
  readonly where: RunCondition | null;
  /** The sort key. Rows without that time come last; by `troubleAt`, they are left out. */
  readonly by: "createdAt" | "startedAt" | "endedAt" | "troubleAt";
  /** Whether the latest come first. */
  readonly descending: boolean;
  /** The last row of the previous page. */
  readonly after: {
    /** Its time; `null`: it has none. */
    readonly at: number | null;
    /** Its internal key. */
    readonly id: number;
  } | null;
  /** At most how many. */
  readonly limit: number;
}
