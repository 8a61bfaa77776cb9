/**
 * What the engine asks of a store. Small ports, one for each table family; `src/store` implements
 * them once, in SQL, over any driver.
 *
 * @module
 */

import type { AttributesChange } from "../base/attributes.ts";
import type { HealthStore, Serves } from "./health.ts";
import type { LineageStore } from "./lineage.ts";
import type { RetentionStore } from "./retention.ts";
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
  NewRun,
  NewVersion,
  RegisteredVersion,
  RunRow,
  StuckReason,
  VersionRow,
} from "./rows.ts";
import type { ScheduleStore } from "./schedules.ts";
import type { TaskStore } from "./tasks.ts";
import type { VersionPin } from "./version_ref.ts";

/** Everything that a store offers. */
export interface Store extends AsyncDisposable {
  /** Which database it is, for messages: without secrets. */
  readonly description: string;
  /**
   * Whether no other process can have this database open (PGlite): then every other node found in
   * it is dead.
   */
  readonly exclusive: boolean;
  /** Whether it is closed, or about to be. */
  readonly isClosed: boolean;
  /** Creates or upgrades the schema; safe from many processes at once. */
  migrate(): Promise<void>;
  /** The database's clock, in milliseconds since the epoch. */
  now(): Promise<number>;
  /**
   * Runs a function in a transaction of its own: committed when it returns, rolled back when it
   * throws.
   *
   * @param work Must use what it is given, and no other way to the database.
   */
  transact(work: (transaction: StoreTransaction) => Promise<void>): Promise<void>;
  /** Runs' histories: what only the owner of a run may write. */
  readonly journal: JournalStore;
  /** Runs: what anyone may do to them. */
  readonly runs: RunStore;
  /** Lineage: children and generations. */
  readonly lineage: LineageStore;
  /** Outstanding activities. */
  readonly tasks: TaskStore;
  /** Nodes: who is alive. */
  readonly nodes: NodeStore;
  /** Versions: the registry and the archive. */
  readonly versions: VersionStore;
  /** Schedules: what is to be started when. */
  readonly schedules: ScheduleStore;
  /** Removal of what has had its time. */
  readonly retention: RetentionStore;
  /** What shows trouble. */
  readonly health: HealthStore;
  /** Hints between processes. */
  readonly notices: Notices;
}

/** A transaction of the database, for writes of the application's own. */
export interface StoreTransaction {
  /** Runs one statement, with `$1` and so on, and gives its rows. */
  readonly query: <Row>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  /** The driver's own transaction. */
  readonly client: unknown;
  /** Writes one run's share with the transaction. */
  readonly commit: (entry: CommitEntry) => Promise<CommitResult>;
}

/** The history of runs, written under a fence. */
export interface JournalStore {
  /**
   * Writes the shares of any number of runs in one statement, each whole or not at all. A run may
   * stand in `entries` once.
   *
   * @param entries The shares.
   * @returns What became of each, in the same order.
   */
  commit(entries: readonly CommitEntry[]): Promise<CommitResult[]>;
  /**
   * Reads histories and inboxes of several runs in one snapshot.
   *
   * @param runs Keys, each with the first `seq` that is wanted.
   * @returns What was found, in any order; a run that is gone is missing.
   */
  load(runs: readonly { readonly id: number; readonly from: number }[]): Promise<LoadedRun[]>;
}

/** Which due runs a node wants. */
export interface ClaimOptions {
  /** The claiming node. */
  readonly node: string;
  /** At most how many. */
  readonly limit: number;
  /** Versions that this node can't load. */
  readonly excluded: readonly string[];
  /** Whether runs that are to be started go before those that have begun. Default: `false`. */
  readonly startsFirst?: boolean;
}

/** A message to deliver. */
export interface Message {
  /** What it is. */
  readonly kind: "signal" | "cancel";
  /** The signal's name; empty for a cancel request. */
  readonly name: string;
  /** Encoded value. */
  readonly payload: string | null;
  /** Deliveries with the same id, of the same name, to the same run, are one. */
  readonly deliveryId?: string;
}

/** What became of a message. */
export type Delivery =
  | {
    readonly status: "delivered" | "duplicate";
    /** The message. */
    readonly message: number;
    /** The run's key. */
    readonly run: number;
    /** Who executes the run. */
    readonly node: string | null;
  }
  | { readonly status: "not_found" }
  | { readonly status: "ended"; readonly state: RunRow["state"] };

/** Runs as rows. What takes a run's id sees the runs of one namespace only. */
export interface RunStore {
  /** The namespace. */
  readonly namespace: string;
  /** The runs of another namespace. */
  in(namespace: string): RunStore;
  /**
   * Inserts runs; a taken `runId` is left as it is. Their versions must be registered.
   *
   * @param runs The runs.
   * @returns What became of each, in the same order.
   */
  insert(runs: readonly NewRun[]): Promise<InsertedRun[]>;
  /**
   * As {@linkcode RunStore.insert}, in a transaction that the caller has open on his own
   * connection: the runs are there when he commits.
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
   * @returns Whether there is such a run.
   */
  setAttributes(runId: string, change: AttributesChange): Promise<boolean>;
  /** How many signals a run has that nobody has taken, by name; by its internal key. */
  untaken(run: number): Promise<ReadonlyMap<string, number>>;
  /** A page of runs. */
  query(query: RunQuery): Promise<RunRow[]>;
  /** How many runs there are that meet a condition. */
  count(where: RunCondition | null): Promise<number>;
  /**
   * Claims due runs: pending or suspended, nobody's, `wake_at` past; those that have begun before
   * those that are to be started, and the longest due first of each.
   */
  claim(options: ClaimOptions): Promise<ClaimedRun[]>;
  /** The runs among these that a node holds, as they were given to it, and now stand. */
  held(node: string, ids: readonly number[]): Promise<ClaimedRun[]>;
  /**
   * Frees runs that a node holds and knows nothing of: each is due now, or when it is to start, and
   * no claim is counted against it.
   *
   * @returns How many were held under these tokens.
   */
  giveBack(node: string, held: readonly HeldRun[]): Promise<number>;
  /** When the next unclaimed run is due; `null`: none is waiting for a time. */
  nextWake(excluded: readonly string[]): Promise<number | null>;
  /** Of this node's runs, those that have an unread message. */
  woken(node: string): Promise<number[]>;
  /** Puts a message into a run's inbox and wakes the run. */
  deliver(runId: string, message: Message): Promise<Delivery>;
  /**
   * As {@linkcode RunStore.deliver}, if the run is pinned to a version: `moved` tells to which it
   * is pinned in its place.
   */
  deliverTo(
    version: string,
    runId: string,
    message: Message,
  ): Promise<Delivery | { readonly status: "moved"; readonly hash: string }>;
  /** One run; `watch` marks it, so that its end is told to other processes. */
  get(runId: string, options?: { watch?: boolean }): Promise<RunRow | null>;
  /**
   * The history of one generation of a run, from `from` on, at most `limit` events.
   *
   * @param generation Which; the present one when omitted.
   */
  history(runId: string, from: number, limit: number, generation?: number): Promise<EventRow[]>;
  /** Generations of a run that are kept, the present one included, from number `from` on. */
  generations(runId: string, from: number, limit: number): Promise<GenerationRow[]>;
  /** Runs, newest first: of one workflow, version or state where given. */
  list(filter: RunFilter): Promise<RunRow[]>;
  /** Lets a parked run out: it is due now, with its count of claims at zero. `false`: not parked. */
  unpark(runId: string): Promise<boolean>;
  /**
   * Ends a run from outside, whoever holds it: the token is taken away.
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
   * Takes a run that nobody holds, or that is parked, for a moment's work by hand (an upgrade).
   * `null`: somebody holds it, or it has ended.
   */
  seize(
    runId: string,
    lease: Lease,
  ): Promise<(ClaimedRun & { readonly state: RunRow["state"] }) | null>;
  /**
   * Ends {@linkcode RunStore.seize}: pins the run to `pin` (when given) with an event of the kind
   * `version.changed`, with the code of its tasks, or puts it back as it was; it is due now.
   */
  settle(
    id: number,
    lease: Lease,
    outcome:
      | {
        readonly pin: VersionPin;
        readonly payload: string;
        readonly tasks?: readonly MovedTask[];
      }
      | { readonly back: RunRow["state"]; readonly reason: StuckReason | null },
  ): Promise<boolean>;
}

/** Where an activity's code is in the version that its run is moved to. */
export interface MovedTask {
  /** Its place in program order. */
  readonly position: number;
  /** Where the version has it. */
  readonly definition: string;
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
  /** Logical name. */
  readonly workflow?: string;
  /** Version. */
  readonly hash?: string;
  /** States. */
  readonly states?: readonly RunRow["state"][];
  /** Of all namespaces. */
  readonly everywhere?: boolean;
  /** At most how many. */
  readonly limit: number;
}

/** What a node hears with its heartbeat: all that it would otherwise have to ask for. */
export interface Beat {
  /** `false`: it has been buried, and owns nothing any more. */
  readonly alive: boolean;
  /** Milliseconds of database time. */
  readonly now: number;
  /** Whether there is a node to bury. */
  readonly dead: boolean;
  /** Whether runs are parked for want of a version. */
  readonly stuck: boolean;
  /** Whether ended runs have something left to do. */
  readonly mustNotify: boolean;
  /** Whether there are activities that wait, or are executed by somebody. */
  readonly tasks: boolean;
  /** When the next run falls due; `null`: none will. */
  readonly nextWake: number | null;
  /** When schedules are to be looked at next; `null`: not for the sake of time. */
  readonly nextFire: number | null;
  /** Its runs that have messages. */
  readonly woken: readonly number[];
  /** Runs that it holds, and did not name: some of many. */
  readonly unknown: readonly HeldRun[];
  /** Runs that it named, and does not hold: some of many. */
  readonly gone: readonly number[];
  /** Whether tasks are leased to it. */
  readonly leased: boolean;
}

/** A node that opens. */
export interface NewNode {
  /** Its id, which no other had. */
  readonly id: string;
  /** A name for people. */
  readonly name: string;
  /** How long it lives without a heartbeat. */
  readonly leaseMs: number;
  /** What it takes from queues; when omitted, nobody knows. */
  readonly serves?: Serves;
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
   * Lives on, and looks at everything that hints tell of, in case one was lost: one statement is
   * all that an idle node costs.
   *
   * @param id The node.
   * @param leaseMs How long it lives from now on.
   * @param excluded Versions that it leaves alone.
   * @param known The runs that it knows to be its own.
   */
  heartbeat(
    id: string,
    leaseMs: number,
    excluded?: readonly string[],
    known?: readonly HeldRun[],
  ): Promise<Beat>;
  /**
   * Buries nodes whose heartbeat expired (all but `self`, with `everyOther`) and frees their runs;
   * a version that one of them was loading counts a crash.
   *
   * @returns How many nodes were buried and runs freed.
   */
  expire(self: string, everyOther: boolean): Promise<{ nodes: number; runs: number }>;
  /** Closes a node: frees what it still holds, and forgets it. */
  close(id: string): Promise<void>;
  /** The ids of all nodes that are alive. */
  alive(): Promise<string[]>;
}

/** The registry and the archive of versions. */
export interface VersionStore {
  /**
   * Registers a version, its members and a specifier in one transaction; makes it current where its
   * workflow has none, or where it comes in its own right for the first time (never by merely
   * coming up again, nor by a start); lets runs that were parked for want of it out.
   */
  register(version: NewVersion): Promise<RegisteredVersion>;
  /** One version. */
  get(hash: string): Promise<VersionRow | null>;
  /** All versions of a workflow, newest first. */
  list(workflow?: string): Promise<VersionRow[]>;
  /** The version last registered under a specifier; one that is part of another comes last. */
  bySpecifier(specifier: string): Promise<VersionRow | null>;
  /** Members' bytes by SHA-256, as far as the archive has them; the caller checks them. */
  blobs(sha256: readonly string[]): Promise<Map<string, Uint8Array>>;
  /** The current version of a workflow. */
  current(workflow: string): Promise<string | null>;
  /** Makes a version current. `false`: not registered under that name. */
  activate(workflow: string, hash: string): Promise<boolean>;
  /** Lets runs out that were parked for want of a version. */
  revive(hash: string): Promise<number>;
  /** Versions that runs are parked for, as `stuck_unknown_version`. */
  stuck(): Promise<string[]>;
  /** Notes that a node is about to import a version. */
  loading(node: string, hash: string): Promise<{ crashes: number }>;
  /** Ends that note: loaded (`null`), or why this node can't. */
  loaded(node: string, hash: string, failure: StuckReason | null): Promise<void>;
  /** Live nodes' troubles with versions. */
  failures(hash?: string): Promise<LoadFailureRow[]>;
  /** Forgets the crashes counted against a version. */
  clearFailures(hash: string): Promise<void>;
}

/** A hint from one process to another. Losing one costs time, never a fact. */
export type Notice =
  /** Some run is due that nobody holds: now, or at that time of the database. */
  | { readonly kind: "due"; readonly at?: number }
  /** A schedule may be due sooner than was known. */
  | { readonly kind: "scheduled" }
  /** A run of that node has a message. */
  | { readonly kind: "message"; readonly node: string; readonly run: number }
  /** A queue has tasks. */
  | { readonly kind: "tasks" }
  /** A watched run has ended (or parked). */
  | { readonly kind: "ended"; readonly runId: string };

/** Hints between processes. */
export interface Notices {
  /** Sends hints to other processes, in a statement of their own, never in a data transaction. */
  publish(notices: readonly Notice[]): Promise<void>;
  /**
   * Hears hints of other processes.
   *
   * @param onNotice Called for each.
   * @param onGap Called when hints may have been missed (each time the channel was lost and is
   * back).
   * @returns Ends the subscription.
   */
  subscribe(onNotice: (notice: Notice) => void, onGap: () => void): Promise<AsyncDisposable>;
}
