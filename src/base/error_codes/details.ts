/**
 * The codes of all errors, and the facts that come with each. What a code means and what to do is
 * said beside, in the files of this folder, for every code: `explain.ts` does not compile otherwise.
 *
 * @module
 */

/**
 * What a failure to obtain a version means:
 * - `passing`: try again later; nothing is known to be wrong;
 * - `node`: this node can't, another may;
 * - `lasting`: no node can, until an operator acts.
 *
 * @category Versions
 */
export type FailureKind = "passing" | "node" | "lasting";

/**
 * Why one source could not give a version.
 *
 * @category Versions
 */
export interface SourceReason {
  /** The source: where a version, or the reason why it is unavailable, comes from. */
  readonly source: "registry" | "url" | "archive" | "import" | "policy";
  /** The specifier that was tried, for a URL. */
  readonly specifier?: string;
  /** What this reason alone means. */
  readonly kind: FailureKind;
  /** A stable, upper-case word: the code of an error, or of a policy. */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

/**
 * One reason why a graph is not exact. An error with `pinning: "strict"`.
 *
 * @category Versions
 */
export interface Diagnostic {
  /**
   * The stable code of a diagnostic:
   * - `UNPINNED_EXTERNAL`: an `npm:` or `jsr:` import without an exact version or lock integrity;
   * - `NON_LITERAL_IMPORT`: a dynamic import whose specifier or options are computed; the loader
   *   refuses it;
   * - `IMPORT_META`: a use of `import.meta` other than `import.meta.main`; the value differs between
   *   nodes and sources;
   * - `CONFIG_UNSEEN`: above the project's config may be a workspace that this process may not see.
   */
  readonly code: "UNPINNED_EXTERNAL" | "NON_LITERAL_IMPORT" | "IMPORT_META" | "CONFIG_UNSEEN";
  /** What was found, and what to write instead. */
  readonly message: string;
  /** The label of the member that holds it. */
  readonly label: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column in UTF-16 units, from 1. */
  readonly column: number;
}

/**
 * An issue that a schema found.
 *
 * @category Errors
 */
export interface Issue {
  /** For people. */
  readonly message: string;
  /** Where, with dots: `items.0.price`; empty for the whole. */
  readonly path: string;
}

/**
 * The facts in `details`, by code. `docs/errors.md` says what each code means.
 *
 * @category Errors
 */
export type ErrorDetails = {
  // What the caller passed.
  readonly INVALID_ARGUMENT: Record<string, unknown>;
  readonly INVALID_CURSOR: Record<string, unknown>;
  readonly DATABASE_OPTION: Record<string, unknown>;
  readonly UNSTORABLE_TEXT: Record<string, unknown>;
  readonly INVALID_INPUT: {
    readonly workflow: string;
    readonly hash: string;
    readonly issues: readonly Issue[];
  };
  readonly INVALID_SIGNAL_PAYLOAD: {
    readonly signal: string;
    readonly workflow: string;
    readonly hash: string;
    readonly issues: readonly Issue[];
  };
  readonly UNDECLARED_SIGNAL: {
    readonly signal: string;
    readonly workflow: string;
    readonly declared: readonly string[];
  };
  readonly INVALID_ANSWER: {
    readonly signal: string;
    readonly workflow: string;
    readonly issues: readonly Issue[];
  };
  readonly SCHEMA_FAILED: { readonly what: string; readonly vendor: string };
  readonly NOT_SERIALIZABLE: { readonly path: string; readonly found: string };
  readonly PAYLOAD_TOO_LARGE: {
    readonly what: string;
    readonly bytes: number;
    readonly limit: number;
  };
  readonly CORRUPT_VALUE: Record<never, unknown>;
  readonly VALUE_NOT_ENCODED: {
    /** Why. */
    readonly why: string;
  };
  readonly VALUE_NOT_DECODED: {
    /** The id of the key that decodes it. */
    readonly key: string;
    /** Why. */
    readonly why: string;
  };
  readonly CLOSED: Record<never, unknown>;
  // Workflow code, its steps, activities and children.
  readonly WORKFLOW_ERROR: Record<string, unknown>;
  readonly NON_RETRYABLE: Record<string, unknown>;
  readonly RETRY_AFTER: {
    /** Milliseconds until the next attempt; `null`: `at` says when it begins. */
    readonly afterMs: number | null;
    /** When the next attempt begins, in milliseconds since the epoch. */
    readonly at: number | null;
  };
  readonly ACTIVITY_FAILED: { readonly activity: string; readonly position: number };
  readonly ATTEMPT_LOST: { readonly activity: string; readonly attempt: number };
  readonly ATTEMPT_INTERRUPTED: { readonly activity: string; readonly attempt: number };
  readonly TASK_NOT_FOUND: { readonly token: string };
  readonly TIMEOUT: Record<string, unknown>;
  readonly RUN_TIMEOUT: { readonly runId: string; readonly timeout: number };
  readonly CANCELLED: { readonly reason: string | null };
  readonly COMPENSATION_FAILED: { readonly failures: readonly unknown[] };
  readonly CHILD_FAILED: { readonly childId: string; readonly state: string };
  readonly CHILD_NOT_STARTED: { readonly childId: string; readonly outcome: string };
  readonly NONDETERMINISTIC_CALL: {
    readonly call: string;
    readonly instead: string;
    readonly site: string | null;
  };
  readonly CONTEXT_MISUSED: Record<string, unknown>;
  // Runs and schedules.
  readonly RUN_NOT_FOUND: { readonly runId: string };
  readonly RUN_OF_OTHER_WORKFLOW: {
    readonly runId: string;
    readonly found: string;
    readonly wanted: string;
  };
  readonly GENERATION_NOT_FOUND: {
    readonly runId: string;
    readonly generation: number;
    readonly first: number;
    readonly last: number;
  };
  readonly RUN_EXISTS: {
    readonly runId: string;
    readonly workflow: string;
    readonly state: string;
  };
  readonly IDEMPOTENCY_CONFLICT: {
    readonly key: string;
    readonly workflow: string;
    readonly runId: string;
  };
  readonly RUN_ENDED: { readonly runId: string; readonly state: string };
  readonly RUN_STATE: { readonly runId: string; readonly state: string };
  readonly RUN_AWAITED: { readonly runId: string; readonly parent: string };
  readonly JOB_NOT_FOUND: { readonly job: string };
  readonly QUEUE_NOT_FOUND: { readonly queue: string };
  readonly JOB_HELD: {
    readonly job: string;
    readonly driver: string;
    readonly until: string | null;
  };
  readonly NO_NODE_CAN_LOAD: {
    readonly hash: string;
    readonly reasons: Readonly<Record<string, unknown>>;
  };
  readonly RUN_END_REPORTED: { readonly runId: string; readonly parent: string | null };
  readonly RUN_FAILED: { readonly runId: string };
  readonly RUN_CANCELLED: { readonly runId: string };
  readonly RUN_TERMINATED: { readonly runId: string };
  readonly ASK_FAILED: { readonly runId: string; readonly askId: string };
  readonly ASK_UNANSWERED: {
    readonly runId: string;
    readonly askId: string;
    readonly state: string;
  };
  readonly ASK_NOT_FOUND: { readonly runId: string; readonly askId: string };
  readonly NOT_PUBLISHED: {
    readonly runId: string;
    readonly name: string;
    readonly state: string;
  };
  readonly QUERY_FAILED: { readonly runId: string; readonly query: string };
  readonly UNKNOWN_QUERY: {
    readonly runId: string;
    readonly query: string;
    readonly queries: readonly string[];
  };
  readonly SCHEDULE_EXISTS: { readonly id: string };
  readonly SCHEDULE_NOT_FOUND: { readonly id: string };
  readonly SCHEDULE_STATE: { readonly id: string; readonly state: string };
  // The database.
  readonly DATABASE_UNAVAILABLE: { readonly database: string; readonly mayBeWritten: boolean };
  readonly QUERY_TIMEOUT: { readonly ms: number };
  readonly DATABASE_IN_USE: { readonly folder: string };
  readonly DATABASE_UNSUITABLE: {
    readonly setting: string;
    readonly found: string;
    readonly wanted: string;
  };
  readonly SCHEMA_TOO_NEW: {
    readonly schema: string;
    readonly found: number;
    readonly wanted: number;
  };
  readonly SCHEMA_TOO_OLD: {
    readonly schema: string;
    readonly found: number;
    readonly wanted: number;
  };
  readonly MIGRATION_CHANGED: {
    readonly schema: string;
    readonly version: number;
    readonly found: string;
    readonly wanted: string;
  };
  readonly NESTED_QUERY: Record<never, unknown>;
  readonly TRANSACTION_OVER: Record<never, unknown>;
  readonly VERSION_NOT_REGISTERED: { readonly hashes: readonly string[] };
  // Versions: finding them, reading and pinning their graphs, loading their code.
  readonly VERSION_NOT_FOUND: { readonly name: string };
  readonly VERSION_DENIED: {
    readonly hash: string;
    readonly sha256: string;
    readonly reason: string;
  };
  readonly VERSION_UNAVAILABLE: {
    readonly hash: string;
    readonly kind: FailureKind;
    readonly reasons: readonly SourceReason[];
  };
  readonly CONFIG_INVALID: {
    readonly file: string;
    readonly option?: string;
    readonly isForbidden?: boolean;
  };
  readonly GRAPH_FORBIDDEN: {
    readonly url?: string;
    readonly specifier?: string;
    readonly importer?: string | undefined;
  };
  readonly GRAPH_LIMIT: {
    readonly url: string;
    readonly limit: "members" | "bytes" | "depth" | "redirects";
    readonly value: number;
  };
  readonly GRAPH_UNPINNED: { readonly diagnostics: readonly Diagnostic[] };
  readonly MANIFEST_INVALID: { readonly line?: number };
  readonly MODULE_NOT_FOUND: {
    readonly status?: number;
    readonly url?: string;
    readonly specifier?: string;
    readonly importer?: string | undefined;
    readonly line?: number;
    readonly column?: number;
  };
  readonly MODULE_SYNTAX: {
    readonly url?: string;
    readonly specifier?: string;
    readonly importer?: string | undefined;
    readonly line?: number;
    readonly column?: number;
  };
  readonly MODULE_UNREADABLE: {
    readonly url?: string;
    readonly importer?: string | undefined;
    readonly status?: number;
  };
  readonly FETCH_FAILED: { readonly url: string; readonly kind: FailureKind };
  readonly FETCH_LIMIT: { readonly url: string; readonly kind: FailureKind };
  readonly FETCH_REDIRECTS: { readonly url: string; readonly kind: FailureKind };
  readonly FETCH_STATUS: {
    readonly url: string;
    readonly kind: FailureKind;
    readonly status: number;
  };
  readonly FETCH_TIMEOUT: { readonly url: string; readonly kind: FailureKind };
  readonly PERMISSION_DENIED: { readonly url: string; readonly kind: FailureKind };
  readonly UNTRUSTED_MODULE: { readonly url: string };
  readonly INTEGRITY_MISMATCH: { readonly found: string | null; readonly wanted: string };
  readonly NOT_ARCHIVED: { readonly label: string };
  readonly UNPINNED_IMPORT: { readonly importer: string; readonly specifier: string };
  readonly EXTERNAL_UNAVAILABLE: { readonly specifier: string };
  readonly LIVE_UNKNOWN: { readonly label: string };
  readonly LOAD_LIMIT: {
    readonly loaded: number;
    readonly wanted: number;
    readonly limit: number;
  };
  readonly IMPORT_FAILED: {
    readonly url: string;
    readonly trouble: "threw" | "hung" | "exited" | "rejected";
  };
  readonly NO_DEFAULT_EXPORT: Record<never, unknown>;
  readonly NOT_A_WORKFLOW: Record<never, unknown>;
  readonly PROTOCOL_TOO_NEW: Record<never, unknown>;
  // Replays in a subprocess.
  readonly SUBPROCESS_ENDED: { readonly what: string; readonly found: string | null };
  readonly SUBPROCESS_FAILED: { readonly what: string; readonly found: string | null };
  readonly SUBPROCESS_TIMEOUT: { readonly what: string; readonly found: string | null };
  readonly SUBPROCESS_UNAVAILABLE: { readonly what: string; readonly found: string | null };
  // Bundles.
  readonly BUNDLE_FORMAT: { readonly found: string };
  readonly BUNDLE_TOO_NEW: { readonly found: number; readonly wanted: number };
  readonly BUNDLE_CUT: { readonly bytes: number; readonly wanted: number };
  readonly BUNDLE_CHANGED: {
    readonly part: string;
    readonly found: string;
    readonly wanted: string;
  };
  readonly BUNDLE_LIMIT: { readonly limit: number };
  readonly BUNDLE_MEMBER: { readonly sha256: string; readonly trouble: "missing" | "unlisted" };
  readonly BUNDLE_NO_RUN: { readonly runId: string | null; readonly runs: readonly string[] };
  readonly BUNDLE_NO_CODE: { readonly hash: string; readonly why: string };
  readonly BUNDLE_REDACTED: { readonly runId: string };
  // The test kit.
  readonly REPLAY_FAILED: {
    readonly runId: string;
    readonly drift: unknown;
    readonly refused: unknown;
  };
  readonly HISTORY_FORMAT: { readonly found: string };
  readonly ENDLESS_WAIT: { readonly now: string; readonly jumps: number };
  readonly RUN_PARKED: {
    readonly runId: string;
    readonly state: string;
    readonly reason: unknown;
  };
};

/**
 * The stable code of an error.
 *
 * @category Errors
 */
export type ErrorCode = keyof ErrorDetails;

/**
 * The facts of an error with one of these codes. Of an error whose code is not known yet any fact
 * may be asked for.
 *
 * @category Errors
 */
export type DetailsOf<Code extends ErrorCode> =
  & ErrorDetails[Code]
  & Readonly<Record<string, unknown>>;
