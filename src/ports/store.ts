/**
 * What the engine requires of a store: small ports, one for each table family. `src/store`
 * implements them once, in SQL, over any driver.
 *
 * @module
 */

import type { AttributesChange } from "../base/attributes.ts";
import type { AskRow, Awaited, PublishedRow, PublishedValue } from "./answers.ts";
import type { BulkStore } from "./bulk.ts";
import type { ForkStore } from "./forks.ts";
import type { HealthStore, Serves } from "./health.ts";
import type { OperationStore } from "./operations.ts";
import type { RepairStore } from "./repairs.ts";
import type { LimitStore, OpenLock } from "./limits.ts";
import type { LineageStore } from "./lineage.ts";
import type { Outcome } from "./outcome.ts";
import type { RetentionStore } from "./retention.ts";
import type { CollectionStore } from "./collection.ts";
import type { PatchStore } from "./patch_runs.ts";
import type { RunCondition, RunQuery } from "./run_query.ts";
import type {
  ClaimedRun,
  CommitEntry,
  CommitResult,
  EventRow,
  GenerationRow,
  InsertedRun,
  Lease,
  LoadedRun,
  LoadFailureRow,
  MovedTask,
  NeededVersionRow,
  NewRun,
  NewVersion,
  OpenEffects,
  RegisteredVersion,
  RunRelatives,
  RunRow,
  StuckReason,
  VersionRow,
} from "./rows.ts";
import type { DenialStore } from "./denials.ts";
import type { ScheduleStore } from "./schedules.ts";
import type { SignatureStore } from "./signatures.ts";
import type { TaskStore } from "./tasks.ts";
import type { VersionPin } from "./version_ref.ts";
import type { VersionQuery, VersionUsage } from "./version_usage.ts";

/**
 * What a process may do to a schema that is not at its release's version: `apply` the migrations
 * that are missing; `create` the tables in a schema that has none, and check any other; only `check`.
 *
 * @category Continuum
 */
export type MigrateMode = "apply" | "create" | "check";

/** Everything that a store offers. */
export interface Store extends AsyncDisposable {
  /** The database's name in messages, without secrets. */
  readonly description: string;
  /**
   * Whether no other process can have this database open (PGlite): then every other node found in
   * it has expired.
   */
  readonly exclusive: boolean;
  /** Whether it is closed, or is being closed. */
  readonly isClosed: boolean;
  /**
   * Creates or upgrades the schema; many processes may do so at once.
   *
   * @param mode `apply`, the default, applies the migrations that are missing; `create` does so in a
   * schema that has none yet, and checks any other; `check` writes nothing.
   * @param executes Whether this process executes runs, so that its role must have the rights of a
   * node. Default: `true`.
   */
  migrate(mode?: MigrateMode, executes?: boolean): Promise<void>;
  /** The database's clock, in milliseconds since the epoch. */
  now(): Promise<number>;
  /**
   * The same store for reads, each statement of which ends by a time. It lives as long as this one.
   *
   * @param patience How long each statement may take.
   */
  within(patience: Patience): Store;
  /**
   * Runs a function in a transaction: committed when the function returns, rolled back when it
   * throws.
   *
   * @param work The function; it must use the transaction that it receives, and no other
   * connection.
   */
  transact(work: (transaction: StoreTransaction) => Promise<void>): Promise<void>;
  /**
   * Says what an error means for the call that failed.
   *
   * @param error The error of this store, its database or its driver.
   * @returns The outcome; `unknown` for errors that the store does not know.
   */
  outcomeOf(error: unknown): Outcome;
  /**
   * Says whether a statement failed because the database can write nothing now: its disk is full or
   * has errors, or it is a standby.
   *
   * @param error The error of this store, its database or its driver.
   * @returns Whether it did.
   */
  isStandstill(error: unknown): boolean;
  /** Histories of runs, which only the owner of a run may write. */
  readonly journal: JournalStore;
  /** Runs as rows: what any process may do to them. */
  readonly runs: RunStore;
  /** Lineage: children and generations. */
  readonly lineage: LineageStore;
  /** Changes of many runs. */
  readonly bulk: BulkStore;
  /** Forks of runs. */
  readonly forks: ForkStore;
  /** Outstanding activities. */
  readonly tasks: TaskStore;
  /** Nodes and their leases. */
  readonly nodes: NodeStore;
  /** Registry and archive of versions. */
  readonly versions: VersionStore;
  /** Denials of versions and modules. */
  readonly denials: DenialStore;
  /** Signatures of versions. */
  readonly signatures: SignatureStore;
  /** Schedules. */
  readonly schedules: ScheduleStore;
  /** Limits of runs, and locks. */
  readonly limits: LimitStore;
  /** What histories say of patches. */
  readonly patches: PatchStore;
  /** Removal of old versions. */
  readonly collection: CollectionStore;
  /** Removal of expired data. */
  readonly retention: RetentionStore;
  /** Queries that find trouble. */
  readonly health: HealthStore;
  /** Repairs of what they find. */
  readonly repairs: RepairStore;
  /** What operators did. */
  readonly operations: OperationStore<DeedStore>;
  /** Hints between processes. */
  readonly notices: Notices;
}

/** The parts of a store with which operators act, in a transaction. */
export type DeedStore = Pick<
  Store,
  "bulk" | "denials" | "forks" | "retention" | "runs" | "schedules" | "signatures" | "versions"
>;

/** A transaction of the database, in which the application writes its own tables. */
export interface StoreTransaction {
  /** Runs one statement, with placeholders `$1` and so on, and returns its rows. */
  readonly query: <Row>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  /** The driver's own transaction. */
  readonly client: unknown;
  /** Writes one run's share as part of the transaction. */
  readonly commit: (entry: CommitEntry) => Promise<CommitResult>;
}

/** The histories of runs, written behind a fence. */
export interface JournalStore {
  /**
   * Writes the shares of any number of runs in one statement, each whole or not at all. A run may
   * occur in `entries` once.
   *
   * @param entries The shares.
   * @returns The outcome of each, in the same order.
   */
  commit(entries: readonly CommitEntry[]): Promise<CommitResult[]>;
  /**
   * Reads histories and inboxes of several runs in one snapshot.
   *
   * @param runs Keys, each with the first `seq` that is wanted.
   * @returns The runs, in any order; a run that was removed is missing.
   */
  load(runs: readonly { readonly id: number; readonly from: number }[]): Promise<LoadedRun[]>;
  /**
   * Reads what is open in several runs: what stands at a position before the history has an event of
   * it. It is read before the history, or while the reader holds the run (OPENED-1).
   *
   * @param runs Their keys.
   * @returns What is open, in any order; a run that was removed is missing.
   */
  open(runs: readonly number[]): Promise<OpenEffects[]>;
}

/** Which due runs a node claims. */
export interface ClaimOptions {
  /** The claiming node. */
  readonly node: string;
  /** At most how many. */
  readonly limit: number;
  /** Versions that this node can't load. */
  readonly excluded: readonly string[];
  /** Whether runs that have not started are claimed before those that have. Default: `false`. */
  readonly startsFirst?: boolean;
}

/** A message to a run. */
export interface Message {
  /** What it is. */
  readonly kind: "signal" | "ask" | "cancel";
  /** The signal's name; empty for a cancel request. */
  readonly name: string;
  /** Encoded value. */
  readonly payload: string | null;
  /**
   * Two signals with the same delivery id and name, to the same run, are one message. So are two asks
   * with the same id, whatever their names.
   */
  readonly deliveryId?: string;
  /** The sender's trace context; none when omitted. */
  readonly trace?: string;
}

/** The outcome of a delivery. */
export type Delivery =
  | {
    readonly status: "delivered" | "duplicate";
    /** The message's key. */
    readonly message: number;
    /** The run's key. */
    readonly run: number;
    /** The node that executes the run; `null`: none does. */
    readonly node: string | null;
  }
  | { readonly status: "not_found" }
  | { readonly status: "ended"; readonly state: RunRow["state"] };

/** A failed run that continues. */
export interface Reopening {
  /** Its internal key. */
  readonly id: number;
  /** The generation that it is in. */
  readonly generation: number;
  /** How many events that generation has. */
  readonly events: number;
  /** The version that it continues on. */
  readonly pin: VersionPin;
  /** Encoded value of the event. */
  readonly payload: string;
  /** Ids of the children that it waits for: the end of those that have ended is sent once more. */
  readonly awaited: readonly string[];
  /** The locks that its history holds or waits for: the run waits until it has them again. */
  readonly locks: readonly OpenLock[];
}

/** Runs as rows. A method that takes a run's id sees the runs of one namespace only. */
export interface RunStore {
  /** The namespace. */
  readonly namespace: string;
  /** The runs of another namespace. */
  in(namespace: string): RunStore;
  /**
   * Inserts runs; a run whose `runId` is taken is left as it is. Their versions must be registered.
   *
   * @param runs The runs.
   * @returns The outcome of each, in the same order.
   */
  insert(runs: readonly NewRun[]): Promise<InsertedRun[]>;
  /**
   * As {@linkcode RunStore.insert}, in a transaction that the caller has opened on their own
   * connection: the runs exist when that transaction commits.
   *
   * @param transaction A transaction of postgres.js or PGlite, or an object whose
   * `query(text, values)` returns rows or `{ rows }`.
   */
  insertInto(transaction: unknown, runs: readonly NewRun[]): Promise<InsertedRun[]>;
  /** The version that a run is pinned to. */
  version(runId: string): Promise<string | null>;
  /**
   * Merges search attributes into those of a run.
   *
   * @returns `false`: there is no such run.
   */
  setAttributes(runId: string, change: AttributesChange): Promise<boolean>;
  /**
   * How many unconsumed signals a run has, by name.
   *
   * @param run Its internal key.
   * @param kinds Which are counted: also asks when omitted.
   */
  untaken(
    run: number,
    kinds?: readonly ("signal" | "ask")[],
  ): Promise<ReadonlyMap<string, number>>;
  /** A page of runs. */
  query(query: RunQuery, patience?: Patience): Promise<RunRow[]>;
  /**
   * How many children and forks each of some runs has, counted to a limit. A run that does not exist
   * is left out.
   */
  relatives(runIds: readonly string[], limit: number): Promise<RunRelatives[]>;
  /** How many runs meet a condition; with a limit, at most that many are counted. */
  count(where: RunCondition | null, limit?: number, patience?: Patience): Promise<number>;
  /**
   * Claims due runs: pending or suspended, not leased, `wake_at` past. Runs that have started come
   * first, then those that have not; among each, the longest due first.
   */
  claim(options: ClaimOptions): Promise<ClaimedRun[]>;
  /** The runs among these that a node holds, as their rows are now. */
  held(node: string, ids: readonly number[]): Promise<ClaimedRun[]>;
  /**
   * Releases runs whose lease a node holds without executing them. Each is due now, or at its start
   * time, and the claim does not count against it.
   *
   * @returns How many runs were held under these tokens.
   */
  giveBack(node: string, held: readonly HeldRun[]): Promise<number>;
  /** When the next unclaimed run is due; `null`: no run waits for a time. */
  nextWake(excluded: readonly string[]): Promise<number | null>;
  /** The runs of a node that have an unread message. */
  woken(node: string): Promise<number[]>;
  /** Puts a message into a run's inbox and wakes the run. */
  deliver(runId: string, message: Message): Promise<Delivery>;
  /**
   * As {@linkcode RunStore.deliver}, if the run is pinned to that version; `moved`: it is pinned to
   * another, `hash`.
   */
  deliverTo(
    version: string,
    runId: string,
    message: Message,
  ): Promise<Delivery | { readonly status: "moved"; readonly hash: string }>;
  /**
   * What is known of an ask.
   *
   * @param runId The run's id.
   * @param ask The id of the ask.
   * @returns `null`: there is no such run.
   */
  answer(runId: string, ask: string): Promise<AskRow | null>;
  /**
   * What is known of a value that a run publishes.
   *
   * @returns `null`: there is no such run.
   */
  published(runId: string, name: string): Promise<PublishedRow | null>;
  /** The latest of all values that a run has published, by name. */
  values(runId: string): Promise<PublishedValue[]>;
  /**
   * Notes that a run waits for something of another one, and receives a message when that is there.
   * What is there already is not announced: read it after this.
   *
   * @param runId The other run.
   * @param awaited What is awaited, and by which run.
   * @returns `false`: there is no such run that has not ended.
   */
  await(runId: string, awaited: Awaited): Promise<boolean>;
  /** Removes the note that the command of a run waits for another run. */
  forget(run: number, position: number): Promise<void>;
  /** One run; `watch` marks it, so that other processes are notified of its end. */
  get(runId: string, options?: { watch?: boolean }): Promise<RunRow | null>;
  /**
   * The history of one generation of a run: at most `limit` events, the first with the `seq`
   * `from`.
   *
   * @param generation The generation's number; the present one when omitted.
   */
  history(runId: string, from: number, limit: number, generation?: number): Promise<EventRow[]>;
  /**
   * Generations of a run that retention has kept, and the present one, beginning with number
   * `from`.
   */
  generations(runId: string, from: number, limit: number): Promise<GenerationRow[]>;
  /**
   * Removes the end of a failed run, pins it to a version, and records a `version.changed` event.
   * The run is due now.
   *
   * @param reopening The run as it was read, and what it continues on.
   * @returns `false`: it is not as it was read, or another run has received its end.
   */
  reopen(reopening: Reopening): Promise<boolean>;
  /** Runs, newest first; the filter may select a workflow, a version and states. */
  list(filter: RunFilter): Promise<RunRow[]>;
  /**
   * Lets a parked run continue: it is due now, and its count of claims is zero. `false`: not
   * parked.
   */
  unpark(runId: string): Promise<boolean>;
  /**
   * Pauses a run that has not ended. If a node holds it, that node pauses it when the attempts under
   * way are over.
   *
   * @param id The run's internal key.
   * @param request Why, encoded.
   * @returns The run; `null`: it was to be paused already, or has ended.
   */
  pause(id: number, request: string): Promise<PausedRun | null>;
  /**
   * Lets a run continue that is paused, or is to be paused: it is due now, or at its start time.
   *
   * @param id The run's internal key.
   * @returns The run; `null`: it is not paused, or has ended.
   */
  resume(id: number): Promise<PausedRun | null>;
  /** The request to pause a run, encoded, and when it was made; `null`: it is not to be paused. */
  pauseOf(id: number): Promise<{ readonly request: string; readonly at: number } | null>;
  /** Holds the tasks of a run that has been paused: no node claims them until it is resumed. */
  holdTasks(id: number): Promise<void>;
  /**
   * Ends a run from outside, even if a node holds it: the node's token becomes void.
   *
   * @returns The row as it is now; `null`: no such run.
   */
  end(
    runId: string,
    state: "cancelled" | "terminated",
    error: string,
    options: { onlyStuck: boolean },
  ): Promise<RunRow | null>;
  /**
   * Claims a run for an operation such as an upgrade, if no node holds it or it is parked. `null`:
   * a node holds it, or it has ended.
   */
  seize(
    runId: string,
    lease: Lease,
  ): Promise<(ClaimedRun & { readonly state: RunRow["state"] }) | null>;
  /**
   * Ends {@linkcode RunStore.seize}: pins the run to `pin` (when given), records a
   * `version.changed` event and updates its tasks, or restores its state. The run is due now.
   */
  settle(
    id: number,
    lease: Lease,
    outcome:
      | VersionChange
      | { readonly back: RunRow["state"]; readonly reason: StuckReason | null },
  ): Promise<boolean>;
  /**
   * Pins a run that a node holds to another version, and records a `version.changed` event; the node
   * keeps the lease.
   *
   * @param held The run.
   * @param node The node.
   * @param next The length of the history that replays on that version.
   * @param change The version.
   * @returns `false`: the node does not hold the run, or its history is longer.
   */
  repin(held: HeldRun, node: string, next: number, change: VersionChange): Promise<boolean>;
}

/** A change of a run's version. */
export interface VersionChange {
  /** The version. */
  readonly pin: VersionPin;
  /** The payload of the `version.changed` event. */
  readonly payload: string;
  /** Its tasks whose code that version has. */
  readonly tasks?: readonly MovedTask[];
}

/** A run that was paused, is going to be, or continues. */
export interface PausedRun {
  /** The internal key. */
  readonly id: number;
  /** The node that executes it; `null`: none does. */
  readonly node: string | null;
  /** When it is due; `null`: it is not. */
  readonly wakeAt: number | null;
}

/** A run that a node holds. */
export interface HeldRun {
  /** The internal key. */
  readonly id: number;
  /** The fencing token. */
  readonly token: number;
}

/** Which runs to list. */
export interface RunFilter {
  /** The workflow. */
  readonly workflow?: string;
  /** The version. */
  readonly hash?: string;
  /** The states. */
  readonly states?: readonly RunRow["state"][];
  /** Whether to list runs of all namespaces. */
  readonly everywhere?: boolean;
  /** At most how many. */
  readonly limit: number;
}

/** What a heartbeat returns: everything that hints could have reported. */
export interface Beat {
  /** `false`: another node has expired this one, and it owns nothing any more. */
  readonly alive: boolean;
  /** The database's time in milliseconds. */
  readonly now: number;
  /** Whether the lease of another node is over, so that this node can expire it. */
  readonly anyExpired: boolean;
  /** Whether runs are parked because a version is missing. */
  readonly stuck: boolean;
  /** Whether ended runs have not been settled ({@linkcode LineageStore.settleEnded}). */
  readonly mustNotify: boolean;
  /** Whether there are tasks, waiting or being executed. */
  readonly tasks: boolean;
  /** When the next run is due; `null`: none will be. */
  readonly nextWake: number | null;
  /** When limits must be looked at next; `null`: no place waits for a time. */
  readonly nextLimit: number | null;
  /** When schedules must be examined next; `null`: no schedule waits for a time. */
  readonly nextFire: number | null;
  /** Runs of this node that have messages. */
  readonly woken: readonly number[];
  /** Runs that this node holds and did not list: some, if there are many. */
  readonly unknown: readonly HeldRun[];
  /** Runs that this node listed and does not hold: some, if there are many. */
  readonly gone: readonly number[];
  /** Whether this node has leased tasks. */
  readonly leased: boolean;
  /** The `stamp` of the denials. */
  readonly denials: string;
}

/** A node that opens. */
export interface NewNode {
  /** Its id, which no other node has had. */
  readonly id: string;
  /** Its name for people. */
  readonly name: string;
  /** Its lease: how long it stays alive without a heartbeat, in milliseconds. */
  readonly leaseMs: number;
  /** What it takes from queues; unknown when omitted. */
  readonly serves?: Serves;
}

/** How long a question may take. */
export interface Patience {
  /** Milliseconds for each statement. */
  readonly ms: number;
  /** What is asked, for the error: "list runs". */
  readonly action: string;
  /** What makes the question narrower, for the error. */
  readonly narrow: string;
}

/** Nodes and their heartbeats. */
export interface NodeStore {
  /**
   * Opens a node under a fresh id.
   *
   * @param node The node.
   */
  open(node: NewNode): Promise<void>;
  /**
   * Renews a node's lease, and reads everything that hints report, in case one was lost. An idle
   * node costs no other statement.
   *
   * @param id The node.
   * @param leaseMs Its lease from now, in milliseconds.
   * @param excluded Versions whose runs it does not claim.
   * @param known The runs that it executes.
   * @param loaded The hashes of the versions in its memory, if they are others than it said last;
   * `null`: they are the same.
   */
  heartbeat(
    id: string,
    leaseMs: number,
    excluded?: readonly string[],
    known?: readonly HeldRun[],
    loaded?: readonly string[] | null,
  ): Promise<Beat>;
  /**
   * Expires the nodes whose lease is over (with `everyOther`: all but `self`) and frees their runs.
   * If such a node was loading a version, that counts as a crash of the version.
   *
   * @returns How many nodes were expired and how many runs were freed.
   */
  expire(self: string, everyOther: boolean): Promise<{ nodes: number; runs: number }>;
  /** Closes a node: frees the runs and tasks that it still holds, and deletes its row. */
  close(id: string): Promise<void>;
  /** The ids of all nodes that are alive. */
  alive(): Promise<string[]>;
}

/** The registry and the archive of versions. */
export interface VersionStore {
  /**
   * Registers a version, its members and a specifier in one transaction. It becomes current if its
   * workflow has no current version, or if it is registered in its own right for the first time;
   * never by a repeated registration or by a start. Runs that are parked for it continue.
   */
  register(version: NewVersion): Promise<RegisteredVersion>;
  /** One version. */
  get(hash: string): Promise<VersionRow | null>;
  /**
   * All versions of a workflow with their manifests, newest first: for a node that looks for one that
   * contains another.
   */
  list(workflow?: string): Promise<VersionRow[]>;
  /** A page of versions, and how each is used. */
  page(query: VersionQuery, patience?: Patience): Promise<VersionUsage[]>;
  /**
   * The version last registered under a specifier; one that is only part of another is the last
   * choice.
   */
  bySpecifier(specifier: string): Promise<VersionRow | null>;
  /** Members' bytes by SHA-256, as far as the archive has them; the caller verifies them. */
  blobs(sha256: readonly string[]): Promise<Map<string, Uint8Array>>;
  /** The list of a version's packages in the archive; `null`: it has none. */
  packages(hash: string): Promise<string | null>;
  /** Those of some digests whose bytes the archive has undamaged. */
  sound(sha256: readonly string[]): Promise<ReadonlySet<string>>;
  /** The current version of a workflow. */
  current(workflow: string): Promise<string | null>;
  /**
   * The current versions by workflow: of some, or of all.
   *
   * @param workflows The workflows' names; all when omitted.
   */
  currents(workflows?: readonly string[]): Promise<Map<string, string>>;
  /** Makes a version current. `false`: it is not registered for that workflow. */
  activate(workflow: string, hash: string): Promise<boolean>;
  /**
   * Lets runs continue that are parked because a version was missing.
   *
   * @param hash The version.
   * @param node The node that has found its code: until it closes, it offers to execute them.
   */
  revive(hash: string, node?: string): Promise<number>;
  /** Whether a node that is alive, and another than that one, offers to execute a version. */
  isOffered(hash: string, node: string): Promise<boolean>;
  /** Versions that runs are parked for, as `stuck_unknown_version`. */
  stuck(): Promise<string[]>;
  /** Records that a node is about to import a version. */
  loading(node: string, hash: string): Promise<{ crashes: number }>;
  /** Records how that import ended: loaded (`null`), or why this node can't load it. */
  loaded(node: string, hash: string, failure: StuckReason | null): Promise<void>;
  /**
   * The versions that runs which have not ended, their next generations or schedules need: those
   * with the most runs first. It reads an index entry for each run that has not ended.
   */
  needed(): Promise<NeededVersionRow[]>;
  /** The versions that live nodes can't load. */
  failures(hash?: string): Promise<LoadFailureRow[]>;
  /** Deletes the crashes that are counted against a version. */
  clearFailures(hash: string): Promise<void>;
}

/** A wake-up from one process to another. Losing one costs time, never a fact. */
export type Notice =
  /** A run is due that no node holds: now, or at that time of the database. */
  | { readonly kind: "due"; readonly at?: number }
  /** A schedule may be due sooner than other nodes know. */
  | { readonly kind: "scheduled" }
  /** A run of that node has a message. */
  | { readonly kind: "message"; readonly node: string; readonly run: number }
  /** A queue has tasks. */
  | { readonly kind: "tasks" }
  /** Runs wait for places of limits, or have given places up. */
  | { readonly kind: "limits" }
  /** A version or a module was denied or allowed. */
  | { readonly kind: "denials" }
  /**
   * A run has answered the ask with that id, or published the value with that name; inside the
   * process that wrote an answer, with it.
   */
  | {
    readonly kind: "said";
    readonly runId: string;
    readonly name: string;
    readonly answer?: { readonly namespace: string; readonly row: AskRow };
  }
  /** A watched run has ended (or parked). */
  | { readonly kind: "ended"; readonly runId: string };

/** A wake-up inside one process. */
export type LocalNotice =
  | Notice
  /** A run has come into this process's memory, or has left it to wait. */
  | { readonly kind: "moved"; readonly runId: string }
  /** A version that could not be loaded may be available again. */
  | { readonly kind: "available"; readonly hash: string };

/** Wake-ups between processes. */
export interface Notices {
  /** Sends notices to other processes, in a statement of its own, never in a data transaction. */
  publish(notices: readonly Notice[]): Promise<void>;
  /**
   * Receives notices of other processes.
   *
   * @param onNotice Called for each.
   * @param onGap Called when notices may have been lost: each time the channel was lost and is
   * back.
   * @returns Ends the subscription.
   */
  subscribe(onNotice: (notice: Notice) => void, onGap: () => void): Promise<AsyncDisposable>;
}
