/**
 * Rows that the engine and a store exchange: plain and read-only. Times are milliseconds of the
 * database's clock since the epoch; payloads are encoded value texts (see
 * `src/base/values.ts`).
 *
 * @module
 */

import type { Attributes } from "../base/attributes.ts";
import type { OpenEffect } from "../replay/open_effects.ts";
import type { LimitTerms } from "../workflow/limit.ts";
import type { PlaceRequest } from "./limits.ts";
import type { RunPolicy } from "../workflow/run_policy.ts";
import type { VersionPin, VersionRef } from "./version_ref.ts";

/**
 * A run's state; the section on states in ARCHITECTURE.md says what moves a run between them.
 *
 * @category Runs
 */
export type RunState =
  | "pending"
  | "running"
  | "suspended"
  | "paused"
  | "queued"
  | "completed"
  | "failed"
  | "cancelled"
  | "terminated"
  | "stuck_unknown_version"
  | "stuck_nondeterminism"
  | "stuck_poisoned";

/** All states. */
export const RUN_STATES: readonly RunState[] = [
  "pending",
  "running",
  "suspended",
  "paused",
  "queued",
  "completed",
  "failed",
  "cancelled",
  "terminated",
  "stuck_unknown_version",
  "stuck_nondeterminism",
  "stuck_poisoned",
];

/**
 * States in which a run has ended. It leaves none of them, except that a failed run may be reopened.
 *
 * @category Runs
 */
export type EndState = Extract<RunState, "completed" | "failed" | "cancelled" | "terminated">;

/** All end states. */
export const END_STATES: readonly EndState[] = ["completed", "failed", "cancelled", "terminated"];

/**
 * States in which a run is parked, with a reason, until an operator or a new version lets it
 * continue.
 */
export type StuckState = Extract<RunState, `stuck_${string}`>;

/** One event of a run's history. */
export interface EventRow {
  /** Place in the history, from 0, without gaps. */
  readonly seq: number;
  /** What happened; the closed union is `EventKind` of `src/replay`. */
  readonly kind: string;
  /** Position of the command that it answers; `null`: an annotation, which answers no command. */
  readonly position: number | null;
  /** The name of the command or annotation. */
  readonly name: string;
  /** The digest of the command's input; `null`: it has none. */
  readonly digest: string | null;
  /** Encoded value. */
  readonly payload: string | null;
  /** When it was written. */
  readonly at: number;
}

/** An event to be written: the store assigns its `seq` and its time. */
export type NewEvent = Omit<EventRow, "seq" | "at">;

/** A run to be inserted, and the version that it starts on. */
export interface NewRun extends VersionRef {
  /** Its namespace; the store's own when omitted. */
  readonly namespace?: string;
  /** The id that users see. */
  readonly runId: string;
  /** Encoded input. */
  readonly input: string;
  /** Seed of the run's `random()` and `uuid()`. */
  readonly seed: string;
  /** Present if the inserting node executes the run itself, at once. */
  readonly lease?: Lease;
  /** When it starts; at once when omitted. */
  readonly startAt?: number;
  /** Milliseconds of database time until it starts, instead of `startAt`. */
  readonly delayMs?: number;
  /** Search attributes, as a JSON object. */
  readonly attributes?: string;
  /**
   * Its timeout and retry policy, as `policyText` writes it; it overrides the version's policy.
   */
  readonly policy?: string;
  /**
   * Idempotency key: several starts of one workflow with the same key, in one namespace, make one
   * run.
   */
  readonly key?: {
    /** The key. */
    readonly key: string;
    /** Digest of the input, to find a start with the same key and another input. */
    readonly digest: string;
  };
  /** The place that it waits for; none when omitted. */
  readonly place?: PlaceRequest;
  /** Which run releases its id to this one: only one that has ended, or any. */
  readonly replaces?: "ended" | "any";
  /** The trace context of the start, as `src/ports/telemetry.ts` says; none when omitted. */
  readonly trace?: string;
  /** A signal that is in the inbox from the beginning. */
  readonly signal?: {
    /** Whether it is an ask; a signal that is only sent when omitted. */
    readonly kind?: "signal" | "ask";
    /** Its name. */
    readonly name: string;
    /** Its encoded payload. */
    readonly payload: string;
    /** As `deliveryId` of a message. */
    readonly deliveryId?: string;
  };
}

/** The right to write a run's history: the node, and the token that each claim draws anew. */
export interface Lease {
  /** The node's id. */
  readonly node: string;
  /** The fencing token, a random integer under 2^53. */
  readonly token: number;
}

/** A run to be inserted under the lease of the node that then executes it. */
export type LeasedNewRun = NewRun & { readonly namespace: string; readonly lease: Lease };

/** The outcome of an insert. */
export interface InsertedRun {
  /** The internal key. */
  readonly id: number;
  /** Whether this call, or an earlier try of it, inserted it; `false`: the id was taken. */
  readonly created: boolean;
  /** When the leased run started, or when the pending one was created. */
  readonly at: number;
  /** When the inserted run may be claimed; `null`: it is leased or queued, or was there before. */
  readonly due: number | null;
  /** From when on it waits for its place; absent: it waits for none. */
  readonly queued?: number;
  /** When it times out; `null`: never, or it was there before. */
  readonly deadline: number | null;
  /** Its timeout and retry policy, as `policyText` writes it. */
  readonly policy: string | null;
  /** Set if another run has its id. */
  readonly taken?: {
    /** The other's workflow. */
    readonly workflow: string;
    /** The other's state. */
    readonly state: RunState;
    /** Whether it has ended. */
    readonly isEnded: boolean;
  };
  /**
   * Runs that were ended to release their ids to the runs of this call, and the nodes that execute
   * them.
   */
  readonly ended?: readonly { readonly id: number; readonly node: string | null }[];
  /**
   * Set if its key was used before; `id` and `at` are 0 then, since the run may have been removed.
   */
  readonly key?: {
    /** The id of the run that the key started. */
    readonly runId: string;
    /** Whether that start had the same input. */
    readonly sameInput: boolean;
  };
}

/** A run, as its executor needs it, pinned to its version. */
export interface ClaimedRun extends VersionRef {
  /** The internal key. */
  readonly id: number;
  /** Its namespace. */
  readonly namespace: string;
  /** The id that users see. */
  readonly runId: string;
  /** Encoded input. */
  readonly input: string;
  /** Seed of `random()` and `uuid()`. */
  readonly seed: string;
  /** When a node first claimed it. */
  readonly startedAt: number;
  /** The fencing token of this claim. */
  readonly token: number;
  /** Its generation, from 0. */
  readonly generation: number;
  /** The attempt that the generation belongs to, from 1. */
  readonly attempt: number;
  /** When it times out; `null`: never. */
  readonly deadline: number | null;
  /** Its timeout and retry policy, as `policyText` writes it. */
  readonly policy: string | null;
  /** The `seq` at which the present generation's history begins. */
  readonly firstSeq: number;
  /** Number of consecutive claims without a write, this one included. */
  readonly claims: number;
  /** Whether a node claimed its present attempt before: its code may have run. */
  readonly began: boolean;
  /**
   * How far the run's log lines had been written when this was last recorded; `null`: it had none.
   */
  readonly deliveredSeq: number | null;
  /** Where a fork comes from, as `originText` of `src/replay` writes it; `null`: it is no fork. */
  readonly origin: string | null;
  /** When it was created; absent if the code in between does not need it. */
  readonly createdAt?: number;
  /** The earliest time at which it could begin; `null`: from its creation on. */
  readonly startAt?: number | null;
  /** Since when it was due, before this claim; `null` or absent: it was not claimed when due. */
  readonly dueAt?: number | null;
  /** Its trace, as `src/ports/telemetry.ts` says; `null` or absent: none. */
  readonly trace?: string | null;
}

/**
 * How many relatives a run has. At the limit of the count there may be more.
 *
 * @category Runs
 */
export interface RunRelatives {
  /** The run's id. */
  readonly id: string;
  /** How many runs it has started as children. */
  readonly children: number;
  /** How many forks of it there are. */
  readonly forks: number;
}

/** A message for a run that the run's owner has not consumed. */
export interface InboxRow {
  /** Key, which rises in order of arrival for each run. */
  readonly id: number;
  /** What it is. */
  readonly kind:
    | "signal"
    | "ask"
    | "cancel"
    | "child"
    | "activity.completed"
    | "activity.failed"
    | "awaited"
    | "pause";
  /** The name of a signal, also of an ask; the activity's name; or the child's id. */
  readonly name: string;
  /**
   * The position of the activity that has ended, or of the command that waits for another run;
   * `null`: another kind of message.
   */
  readonly position: number | null;
  /** The digest of that activity's input; `null` or absent: another kind of message. */
  readonly digest?: string | null;
  /** Encoded value. */
  readonly payload: string | null;
  /** When it was sent; absent if it was never in the database. */
  readonly sentAt?: number;
  /** The sender's trace context; `null` or absent: none. */
  readonly trace?: string | null;
}

/** A run's history and inbox, read in one snapshot. */
export interface LoadedRun {
  /** The internal key. */
  readonly id: number;
  /** The token that the row holds now; `null`: no node holds the run. */
  readonly token: number | null;
  /** Rises with every message; fences suspending (JOURNAL-5 in `src/store/journal/append.ts`). */
  readonly wakeSeq: number;
  /** The generation that the row is in. */
  readonly generation: number;
  /** The `seq` at which that generation's history begins. */
  readonly firstSeq: number;
  /** The `seq` of its next event. */
  readonly nextSeq: number;
  /** Events from the requested `seq`, in order. */
  readonly events: readonly EventRow[];
  /** Unconsumed messages, in order of arrival. */
  readonly inbox: readonly InboxRow[];
  /** Positions of activities that have a task. */
  readonly tasks: readonly number[];
}

/** What is open in a run. */
export interface OpenEffects {
  /** The internal key. */
  readonly id: number;
  /** The generation that the row is in. */
  readonly generation: number;
  /** The effects, in any order; some may have an answer in the history. */
  readonly effects: readonly OpenEffect[];
}

/** What a suspended or paused run waits for, as `status()` shows it. */
export interface WaitRow {
  /** The kind of effect. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** Its position in program order. */
  readonly position: number;
  /** When the wait ends without a message; `null`: never. */
  readonly until: number | null;
}

/** The change of state that a commit makes. */
export type Transition =
  | {
    /** Waits without a lease; the row says for what. */
    readonly to: "suspended";
    /** When the wait ends without a message; `null`: never. */
    readonly wakeAt: number | null;
    /** What it waits for. */
    readonly waits: readonly WaitRow[];
    /** The `wakeSeq` of the writer's last read of the inbox. */
    readonly wakeSeq: number;
  }
  | {
    /** Waits without a lease, until it is resumed. */
    readonly to: "paused";
    /** What it waits for. */
    readonly waits: readonly WaitRow[];
    /** The `wakeSeq` of the writer's last read of the inbox: it may have been resumed since. */
    readonly wakeSeq: number;
  }
  | {
    /** Given back, to be claimed `afterMs` from now; the claim does not count against the run. */
    readonly to: "released";
    /** Milliseconds until a node may claim it. */
    readonly afterMs: number;
  }
  | {
    /** The end. */
    readonly to: EndState;
    /** Encoded result, if completed. */
    readonly result: string | null;
    /** Encoded error, otherwise. */
    readonly error: string | null;
  }
  | {
    /** Parked. */
    readonly to: StuckState;
    /** Why, as facts that JSON can hold. */
    readonly reason: StuckReason;
    /**
     * The `wakeSeq` of the writer's last read of the inbox: a run with a later message, which may be
     * a cancellation, is not parked. Without it, the run is parked in any case.
     */
    readonly wakeSeq?: number;
  };

/**
 * Why a run is parked.
 *
 * @category Runs
 */
export interface StuckReason {
  /** A stable identifier. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** Facts: sources tried, drift found, and so on. */
  readonly details?: unknown;
}

/** The share of one run in a commit of many runs. The store writes all of it, or nothing. */
export interface CommitEntry {
  /** The internal key. */
  readonly run: number;
  /** Its namespace, for a payload codec; unknown when omitted. */
  readonly namespace?: string;
  /** The fencing token that the writer holds. */
  readonly token: number;
  /** The `seq` of the first event: the history's length, as far as the writer knows. */
  readonly first: number;
  /** Events to append. */
  readonly events: readonly NewEvent[];
  /** Keys of the messages that these events consume. */
  readonly consumed: readonly number[];
  /** Positions of activities that these events answer: the store removes their tasks. */
  readonly answered?: readonly number[];
  /** How far log lines have been written: the `seq` after the delivery before the last line. */
  readonly deliveredSeq?: number;
  /** The run's trace from now on; it stays as it is when omitted. */
  readonly trace?: string;
  /** The change of state; the node keeps the lease when omitted. */
  readonly transition?: Transition;
}

/** The outcome of one entry. */
export type CommitResult =
  /**
   * Written, all events at this time. `watched`: another process waits for the run's end;
   * `mustNotify`: other runs have not been notified yet, of its end or of what they await.
   */
  | {
    readonly status: "written";
    readonly at: number;
    readonly watched: boolean;
    readonly mustNotify: boolean;
  }
  /** Another node holds the run, or no node does: drop the execution. */
  | { readonly status: "lost" }
  /**
   * The token is right, but the history is longer than the writer knows: reload, keep the lease.
   */
  | { readonly status: "stale" }
  /** A message arrived after the inbox was read: read it again (only for `suspended`). */
  | { readonly status: "woken" }
  /** The run has ended. */
  | { readonly status: "ended" }
  /**
   * Another transaction has locked the row, which need not mean trouble: put it into the next
   * commit.
   */
  | { readonly status: "busy" }
  /** The database can never store this share's data; nothing of it was written. */
  | { readonly status: "refused"; readonly error: string };

/** A run, as the API shows it, pinned to its version. */
export interface RunRow extends VersionRef {
  /** The internal key. */
  readonly id: number;
  /** Its namespace. */
  readonly namespace: string;
  /** The id that users see. */
  readonly runId: string;
  /** That version's label for people, if its definition has one. */
  readonly versionLabel: string | null;
  /** Its state. */
  readonly state: RunState;
  /** Encoded input. */
  readonly input: string;
  /** Seed of `random()` and `uuid()`. */
  readonly seed: string;
  /** Encoded result, if completed. */
  readonly result: string | null;
  /** Encoded error, if it ended in another state. */
  readonly error: string | null;
  /** Why it is parked, if it is. */
  readonly stuckReason: StuckReason | null;
  /** What it waits for, if suspended. */
  readonly waits: readonly WaitRow[];
  /** Its search attributes. */
  readonly attributes: Attributes;
  /** The status that the workflow has set, encoded. */
  readonly customStatus: string | null;
  /** The node that executes it. */
  readonly node: string | null;
  /** When it is due next; `null`: unknown. */
  readonly wakeAt: number | null;
  /** Its generation, from 0. */
  readonly generation: number;
  /** The attempt that the generation belongs to, from 1. */
  readonly attempt: number;
  /** The error of the previous attempt, encoded; `null`: this is the first attempt. */
  readonly failure: string | null;
  /** When it times out; `null`: never. */
  readonly deadline: number | null;
  /** Its timeout and retry policy, as `policyText` writes it. */
  readonly policy: string | null;
  /** The `seq` at which the present generation's history begins. */
  readonly firstSeq: number;
  /** Number of events of the present generation. */
  readonly events: number;
  /** When it was created. */
  readonly createdAt: number;
  /** When a node first claimed its present generation; `null`: none has. */
  readonly startedAt: number | null;
  /** When it last suspended or was parked. */
  readonly since: number | null;
  /** When it ended. */
  readonly endedAt: number | null;
  /** Since when it is parked, or when it failed; `null`: it is neither parked nor failed. */
  readonly troubleAt: number | null;
  /** The internal key of the run that started it as a child; `null`: none did. */
  readonly parent: number | null;
  /** That run's id; `null`: there is none, or it was removed. */
  readonly parentId: string | null;
  /** Where a fork comes from, as `originText` of `src/replay` writes it; `null`: it is no fork. */
  readonly origin: string | null;
}

/** One generation of a run, and the version that it was last pinned to. */
export interface GenerationRow extends VersionPin {
  /** Its number, from 0. */
  readonly number: number;
  /** Whether it has ended: the run continued as new, or was retried. */
  readonly over: boolean;
  /** That version's label. */
  readonly versionLabel: string | null;
  /** Encoded input. */
  readonly input: string;
  /** Seed of `random()` and `uuid()`. */
  readonly seed: string;
  /** The attempt of the run that it belongs to, from 1. */
  readonly attempt: number;
  /** The `seq` at which its history begins. */
  readonly firstSeq: number;
  /** Number of its events. */
  readonly events: number;
  /** When it began; `null`: no node has claimed it yet. */
  readonly startedAt: number | null;
  /** When it ended, by itself or with the run. */
  readonly endedAt: number | null;
}

/** What those who start and signal runs of a version have to know about it. */
export interface Contract {
  /** Whether its input has a schema. */
  readonly input: boolean;
  /** The signals that it accepts; `null`: any. */
  readonly signals: readonly string[] | null;
  /** The policy of its runs, unless their start overrides it. */
  readonly policy?: RunPolicy;
  /** The limit of its runs; absent: there is none. */
  readonly limit?: {
    /** The queue. */
    readonly terms: LimitTerms;
    /** Whether its code says the key of a run. */
    readonly keyed: boolean;
    /** Whether its code says the priority of a run. */
    readonly ranked: boolean;
  };
}

/** Where the code of an activity is in the version that its run is moved to. */
export interface MovedTask {
  /** Its place in program order. */
  readonly position: number;
  /** The definition's place in that version. */
  readonly definition: string;
}

/** A version as the registry holds it. */
export interface VersionRow {
  /** SHA-256 of the manifest, lower-case hex. */
  readonly hash: string;
  /** The workflow's logical name. */
  readonly workflow: string;
  /** Label for people. */
  readonly label: string | null;
  /** The manifest's text. */
  readonly manifest: string;
  /** What it requires of its input and signals; `null`: nothing. */
  readonly contract: Contract | null;
  /** Whether the archive holds its members. */
  readonly archived: boolean;
  /**
   * When its bytes were removed from the archive, since no run needed them: no run starts on it until
   * it is registered again. `null`: they were not.
   */
  readonly collectedAt: number | null;
  /** The specifiers under which it was registered, the newest first. */
  readonly specifiers: readonly string[];
  /**
   * Whether a node registered it as a workflow of its own. A version that came only by a start, or
   * only as part of another version, chooses its name freely.
   */
  readonly isOwnRight: boolean;
  /** How many nodes expired while they loaded it. */
  readonly loadCrashes: number;
  /** When it was registered. */
  readonly registeredAt: number;
}

/** The npm packages of a version, to be archived. */
export interface NewPackages {
  /** Which they are, and which the archive does not get: see `version/packages/package_list.ts`. */
  readonly list: string;
  /** Their packed files by SHA-256 (hex). */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** A version to be registered. */
export interface NewVersion extends VersionRef {
  /** Label for people. */
  readonly label: string | null;
  /** The manifest's text. */
  readonly manifest: string;
  /** What it requires of its input and signals; nothing when omitted. */
  readonly contract?: Contract | null;
  /** Members' bytes by SHA-256 (hex); `null`: not to be archived. */
  readonly blobs: ReadonlyMap<string, Uint8Array> | null;
  /** Its npm packages to be archived; what is archived stays when it is `null` or omitted. */
  readonly packages?: NewPackages | null;
  /** Whether it is registered only as part of another version. Default false. */
  readonly isPart?: boolean;
  /** Whether a start registers it, which never makes it current. Default false. */
  readonly isStart?: boolean;
  /**
   * Whether it was registered in its own right before its row was removed, and does not become current
   * by coming back. Default false.
   */
  readonly isAgain?: boolean;
}

/** The outcome of a registration. */
export interface RegisteredVersion {
  /** Whether the version was new. */
  readonly created: boolean;
  /** How many runs left `stuck_unknown_version` because of it. */
  readonly revived: number;
}

/** A version that runs or schedules need. */
export interface NeededVersionRow {
  /** The version. */
  readonly hash: string;
  /** Its workflow. */
  readonly workflow: string;
  /** Its label for people. */
  readonly label: string | null;
  /** How many runs that have not ended are pinned to it. */
  readonly live: number;
  /** When the oldest of these runs was created; `null`: there is none. */
  readonly oldest: number | null;
  /** How many schedules that are not over start runs on it, as of now. */
  readonly schedules: number;
  /** Whether it is current, and its workflow has runs that may continue on the current version. */
  readonly succeeds: boolean;
}

/** A node's failure to load a version. */
export interface LoadFailureRow {
  /** The node's id. */
  readonly node: string;
  /** The version. */
  readonly hash: string;
  /** Why that node can't load it. */
  readonly reason: StuckReason;
}
