/**
 * What the engine and a store say to each other: plain, read-only rows. Times are milliseconds of
 * the database's clock since the epoch; payloads are encoded value texts (see
 * `src/base/values.ts`).
 *
 * @module
 */

import type { Attributes } from "../base/attributes.ts";
import type { RunPolicy } from "../workflow/run_policy.ts";
import type { VersionPin, VersionRef } from "./version_ref.ts";

/**
 * A run's state; the page on states in ARCHITECTURE.md tells what moves between them.
 *
 * @category Runs
 */
export type RunState =
  | "pending"
  | "running"
  | "suspended"
  | "completed"
  | "failed"
  | "cancelled"
  | "terminated"
  | "stuck_unknown_version"
  | "stuck_nondeterminism"
  | "stuck_poisoned";

/** All of them. */
export const RUN_STATES: readonly RunState[] = [
  "pending",
  "running",
  "suspended",
  "completed",
  "failed",
  "cancelled",
  "terminated",
  "stuck_unknown_version",
  "stuck_nondeterminism",
  "stuck_poisoned",
];

/**
 * States that nothing leaves.
 *
 * @category Runs
 */
export type EndState = Extract<RunState, "completed" | "failed" | "cancelled" | "terminated">;

/** All of them. */
export const END_STATES: readonly EndState[] = ["completed", "failed", "cancelled", "terminated"];

/** States in which a run is parked, with its reason, until somebody or something lets it out. */
export type StuckState = Extract<RunState, `stuck_${string}`>;

/** One fact of a run's history. */
export interface EventRow {
  /** Place in the history, from 0, without gaps. */
  readonly seq: number;
  /** What happened; the closed union is `EventKind` of `src/replay`. */
  readonly kind: string;
  /** The command that it answers; `null` for facts that answer none. */
  readonly position: number | null;
  /** The command's or the fact's name. */
  readonly name: string;
  /** The digest of the command's input; `null` where there is none. */
  readonly digest: string | null;
  /** Encoded value. */
  readonly payload: string | null;
  /** When it was written. */
  readonly at: number;
}

/** An event that is to be written: the store gives it its place and its time. */
export type NewEvent = Omit<EventRow, "seq" | "at">;

/** A run to be inserted, and the version that it starts on. */
export interface NewRun extends VersionRef {
  /** Its namespace; the store's own when omitted. */
  readonly namespace?: string;
  /** The id that users see. */
  readonly runId: string;
  /** Encoded input. */
  readonly input: string;
  /** What `random()` and `uuid()` of the run come from. */
  readonly seed: string;
  /** Present where the inserting node executes the run itself, at once. */
  readonly lease?: Lease;
  /** When it starts, where that is later. */
  readonly startAt?: number;
  /** Milliseconds of database time until it starts, in place of `startAt`. */
  readonly delayMs?: number;
  /** Search attributes, as a JSON object. */
  readonly attributes?: string;
  /**
   * How long it may take, and whether it is tried again, as `policyText` writes it; it goes before
   * what the version says.
   */
  readonly policy?: string;
  /** Starts with the same key, of one workflow in one namespace, are one. */
  readonly key?: {
    /** The key. */
    readonly key: string;
    /** Tells inputs apart. */
    readonly digest: string;
  };
  /** Which run gives its id up for this one: one that has ended, or any. */
  readonly replaces?: "ended" | "any";
  /** A signal that is there from the beginning. */
  readonly signal?: {
    /** Its name. */
    readonly name: string;
    /** Its encoded payload. */
    readonly payload: string;
    /** As of a message. */
    readonly deliveryId?: string;
  };
}

/** Who may write a run's history: the node, and a token that each claim draws anew. */
export interface Lease {
  /** The node's id. */
  readonly node: string;
  /** The fencing token, a random integer under 2^53. */
  readonly token: number;
}

/** A run to be inserted under the lease of the node that then executes it. */
export type LeasedNewRun = NewRun & { readonly namespace: string; readonly lease: Lease };

/** What an insert did. */
export interface InsertedRun {
  /** The internal key. */
  readonly id: number;
  /** Whether this call, or an earlier try of it, inserted it; `false`: the id was taken. */
  readonly created: boolean;
  /** When the leased run started, or when the pending one was created. */
  readonly at: number;
  /** When the inserted run may be claimed; `null`: it is leased, or was there before. */
  readonly due: number | null;
  /** When it times out; `null`: never, or it was there before. */
  readonly deadline: number | null;
  /** What was decided for its life, as `policyText` writes it. */
  readonly policy: string | null;
  /** Set where another run has its id. */
  readonly taken?: {
    /** The other's workflow. */
    readonly workflow: string;
    /** Where the other stands. */
    readonly state: RunState;
    /** Whether it has ended. */
    readonly isEnded: boolean;
  };
  /** Runs that were ended so that those of this call might have their ids, and who executes them. */
  readonly ended?: readonly { readonly id: number; readonly node: string | null }[];
  /** Set where its key was used before; `id` and `at` are 0 then: the run may be gone. */
  readonly key?: {
    /** The id of the run that the key started. */
    readonly runId: string;
    /** Whether that start had the same input. */
    readonly sameInput: boolean;
  };
}

/** A run as its executor needs it, pinned to its version. */
export interface ClaimedRun extends VersionRef {
  /** The internal key. */
  readonly id: number;
  /** Its namespace. */
  readonly namespace: string;
  /** The id that users see. */
  readonly runId: string;
  /** Encoded input. */
  readonly input: string;
  /** What `random()` and `uuid()` come from. */
  readonly seed: string;
  /** When a node first took it. */
  readonly startedAt: number;
  /** The fencing token of this claim. */
  readonly token: number;
  /** How often it has begun anew. */
  readonly generation: number;
  /** Which attempt the generation belongs to, from 1. */
  readonly attempt: number;
  /** When it times out; `null`: never. */
  readonly deadline: number | null;
  /** What was decided for its life, as `policyText` writes it. */
  readonly policy: string | null;
  /** Where the present generation's history begins. */
  readonly firstSeq: number;
  /** Claims in a row that wrote nothing, this one included. */
  readonly claims: number;
  /** Whether a node had its present attempt before: its code may have run. */
  readonly began: boolean;
  /** How far its code's lines had been logged when that was last written; `null`: it had none. */
  readonly deliveredSeq: number | null;
}

/** A message for a run that its owner has not consumed. */
export interface InboxRow {
  /** Key, rising in order of arrival per run. */
  readonly id: number;
  /** What it is. */
  readonly kind: "signal" | "cancel" | "child" | "activity";
  /** The signal's name, the child's id, or the kind of event that an activity's answer becomes. */
  readonly name: string;
  /** The activity that is answered, by its position; `null` for other messages. */
  readonly position: number | null;
  /** Encoded value. */
  readonly payload: string | null;
}

/** A run's history and mailbox, read in one snapshot. */
export interface LoadedRun {
  /** The internal key. */
  readonly id: number;
  /** The token that the row holds now; `null`: nobody's. */
  readonly token: number | null;
  /** Rises with every message; the fence of suspending (JOURNAL-5 in `src/store/journal/append.ts`). */
  readonly wakeSeq: number;
  /** Which generation the row is in. */
  readonly generation: number;
  /** Where that generation's history begins. */
  readonly firstSeq: number;
  /** Where its next event goes. */
  readonly nextSeq: number;
  /** Events from the asked place on, in order. */
  readonly events: readonly EventRow[];
  /** Unconsumed messages, in order of arrival. */
  readonly inbox: readonly InboxRow[];
  /** Positions of activities that have a task. */
  readonly tasks: readonly number[];
}

/** What a suspended run waits for, as `status()` shows it. */
export interface WaitRow {
  /** The kind of effect. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** Its position in program order. */
  readonly position: number;
  /** When it ends by itself; `null`: never. */
  readonly until: number | null;
}

/** How a commit moves the run. */
export type Transition =
  | {
    /** Memory and lease go together; the row says what it waits for. */
    readonly to: "suspended";
    /** When to wake it by itself; `null`: only by a message. */
    readonly wakeAt: number | null;
    /** What it waits for. */
    readonly waits: readonly WaitRow[];
    /** The `wakeSeq` read with the last look into the inbox. */
    readonly wakeSeq: number;
  }
  | {
    /** Given back unharmed, to be claimed `afterMs` from now; no claim is counted against it. */
    readonly to: "released";
    /** Milliseconds until a claimer may take it. */
    readonly afterMs: number;
  }
  | {
    /** The end. */
    readonly to: EndState;
    /** Encoded result, when completed. */
    readonly result: string | null;
    /** Encoded error, otherwise. */
    readonly error: string | null;
  }
  | {
    /** Parked. */
    readonly to: StuckState;
    /** Why, as JSON-able facts. */
    readonly reason: StuckReason;
  };

/**
 * Why a run is parked.
 *
 * @category Runs
 */
export interface StuckReason {
  /** A stable word. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** Facts: sources tried, drift found, and so on. */
  readonly details?: unknown;
}

/** One run's share of a flush. All of it is written, or nothing. */
export interface CommitEntry {
  /** The internal key. */
  readonly run: number;
  /** The token that the writer holds. */
  readonly token: number;
  /** The `seq` of the first event: the history's length as the writer knows it. */
  readonly first: number;
  /** Events to append. */
  readonly events: readonly NewEvent[];
  /** Messages that these events consume. */
  readonly consumed: readonly number[];
  /** Positions of activities that these events answer: their tasks are removed. */
  readonly answered?: readonly number[];
  /** How far the code's lines have been logged: the seq after the delivery before the last line. */
  readonly deliveredSeq?: number;
  /** How the run moves with them; stays leased when omitted. */
  readonly transition?: Transition;
}

/** What became of one entry. */
export type CommitResult =
  /**
   * Written, all events at this time. `watched`: somebody elsewhere waits for the run's end;
   * `mustNotify`: the run has ended, and its parent or children have still to be told.
   */
  | {
    readonly status: "written";
    readonly at: number;
    readonly watched: boolean;
    readonly mustNotify: boolean;
  }
  /** Another node holds it, or nobody: drop the execution. */
  | { readonly status: "lost" }
  /** The token is right and the history is longer than thought: reload, keep the lease. */
  | { readonly status: "stale" }
  /** A message came since the inbox was read: read it again (only for `suspended`). */
  | { readonly status: "woken" }
  /** The run has ended. */
  | { readonly status: "ended" }
  /** Somebody holds the row; nothing is known to be wrong: put it into the next flush. */
  | { readonly status: "busy" }
  /** The database will not have this share's data, now or ever; nothing of it was written. */
  | { readonly status: "refused"; readonly error: string };

/** A run as people see it, pinned to its version. */
export interface RunRow extends VersionRef {
  /** The internal key. */
  readonly id: number;
  /** Its namespace. */
  readonly namespace: string;
  /** The id that users see. */
  readonly runId: string;
  /** That version's label for people, if its definition has one. */
  readonly versionLabel: string | null;
  /** Where it stands. */
  readonly state: RunState;
  /** Encoded input. */
  readonly input: string;
  /** What `random()` and `uuid()` come from. */
  readonly seed: string;
  /** Encoded result, when completed. */
  readonly result: string | null;
  /** Encoded error, when it ended otherwise. */
  readonly error: string | null;
  /** Why it is parked. */
  readonly stuckReason: StuckReason | null;
  /** What it waits for, when suspended. */
  readonly waits: readonly WaitRow[];
  /** Its search attributes. */
  readonly attributes: Attributes;
  /** What the workflow says of itself, encoded. */
  readonly customStatus: string | null;
  /** The node that executes it. */
  readonly node: string | null;
  /** When it will be looked at next, if known. */
  readonly wakeAt: number | null;
  /** How often it has begun anew. */
  readonly generation: number;
  /** Which attempt the generation belongs to, from 1. */
  readonly attempt: number;
  /** What the attempt before threw, encoded; `null`: this is the first. */
  readonly failure: string | null;
  /** When it times out; `null`: never. */
  readonly deadline: number | null;
  /** What was decided for its life, as `policyText` writes it. */
  readonly policy: string | null;
  /** Number of events of the present generation. */
  readonly events: number;
  /** When it was created. */
  readonly createdAt: number;
  /** When a node first took its present generation; `null`: none has. */
  readonly startedAt: number | null;
  /** When it last suspended or was parked. */
  readonly since: number | null;
  /** When it ended. */
  readonly endedAt: number | null;
}

/** One generation of a run, and the version that it was last pinned to. */
export interface GenerationRow extends VersionPin {
  /** Its number, from 0. */
  readonly number: number;
  /** Whether it is over: the run continued as new, or was tried again. */
  readonly over: boolean;
  /** That version's label. */
  readonly versionLabel: string | null;
  /** Encoded input. */
  readonly input: string;
  /** Number of its events. */
  readonly events: number;
  /** When it began; `null`: no node has taken it yet. */
  readonly startedAt: number | null;
  /** When it was over, or the run ended. */
  readonly endedAt: number | null;
}

/** What those who start and signal runs of a version have to know of it. */
export interface Contract {
  /** Whether its input has a schema. */
  readonly input: boolean;
  /** The signals that it takes; `null`: any. */
  readonly signals: readonly string[] | null;
  /** What its runs start with, unless their start says otherwise. */
  readonly policy?: RunPolicy;
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
  /** What it demands of its input and signals; `null`: nothing. */
  readonly contract: Contract | null;
  /** Whether the archive holds its members. */
  readonly archived: boolean;
  /** Every specifier that it is known under, the newest first. */
  readonly specifiers: readonly string[];
  /**
   * Whether a node registered it as a workflow of its own: what came by a start, or as part of
   * another version alone, calls itself what it likes.
   */
  readonly isOwnRight: boolean;
  /** How many nodes died while they loaded it. */
  readonly loadCrashes: number;
  /** When it was registered. */
  readonly registeredAt: number;
}

/** A version to be registered. */
export interface NewVersion extends VersionRef {
  /** Label for people. */
  readonly label: string | null;
  /** The manifest's text. */
  readonly manifest: string;
  /** What it demands of its input and signals; nothing when omitted. */
  readonly contract?: Contract | null;
  /** Members' bytes by SHA-256 (hex); `null`: not to be archived. */
  readonly blobs: ReadonlyMap<string, Uint8Array> | null;
  /** Whether it comes as part of another version, and not in its own right. Default false. */
  readonly isPart?: boolean;
  /** Whether a start brings it, and not its own right: it is made current nowhere. Default false. */
  readonly isStart?: boolean;
}

/** What a registration changed. */
export interface RegisteredVersion {
  /** Whether the version was new. */
  readonly created: boolean;
  /** Runs that left `stuck_unknown_version` by it. */
  readonly revived: number;
}

/** A node's trouble with a version. */
export interface LoadFailureRow {
  /** The node's id. */
  readonly node: string;
  /** The version. */
  readonly hash: string;
  /** Why that node can't load it. */
  readonly reason: StuckReason;
}
