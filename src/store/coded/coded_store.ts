/**
 * A store whose database holds the values of users encoded. It stands between the engine and the
 * client on one side and the SQL on the other: they pass and receive plain texts, and the statements
 * see encoded ones only.
 *
 * - ENCODING-1, what stays plain: what statements look into or compare. That is attributes, ids, names,
 *   digests, states and times, the events `attributes.set`, `version.changed`, `patched` and
 *   `payload.refused`, and the engine's own words, such as "its parent has ended". Where a statement
 *   reads beside a value, as in failed attempts, only the text of the value is encoded.
 * - ENCODING-2, copies: statements copy values between rows (forks, generations, ends of children,
 *   results under keys). So a codec receives of a value what every copy has: its kind.
 *
 * @module
 */

import { encodedWords, isEncoded, isEncodedObject } from "../../base/encoded.ts";
import { overlay } from "../../base/overlay.ts";
import type { PayloadKind } from "../../codec/codec.ts";
import type { BulkDeed, BulkStore } from "../../ports/bulk.ts";
import type { ForkStore } from "../../ports/forks.ts";
import type { HealthStore } from "../../ports/health.ts";
import type { GenerationEnd, LineageStore } from "../../ports/lineage.ts";
import type { OperationRow } from "../../ports/operations.ts";
import type { Outcome } from "../../ports/outcome.ts";
import type {
  CommitEntry,
  EventRow,
  InboxRow,
  LoadedRun,
  NewEvent,
  NewRun,
  RunRow,
  StuckReason,
  Transition,
} from "../../ports/rows.ts";
import type { Decide, ScheduleRow, ScheduleSpec, ScheduleStore } from "../../ports/schedules.ts";
import type {
  DeedStore,
  JournalStore,
  Message,
  RunStore,
  Store,
  StoreTransaction,
} from "../../ports/store.ts";
import type { InNamespace, LeasedTask, TaskBase, TaskFence, TaskStore } from "../../ports/tasks.ts";
import { isContinuumError } from "../../base/errors.ts";
import { legibleJson } from "../../base/text.ts";
import type { RecordedAttempt } from "../../replay/activity_failure.ts";
import type { Progress } from "../../schedule/firing.ts";
import { insideTransaction } from "../inside.ts";
import type { Payloads } from "./payloads.ts";

/**
 * Puts a codec between a store and those who use it.
 *
 * @param store The store.
 * @param payloads The codec.
 * @returns The store, which encodes what it writes and decodes what it reads.
 */
export function codedStore(store: Store, payloads: Payloads): Store {
  const coded: Store = overlay(store, {
    journal: codedJournal(store.journal, payloads),
    runs: codedRuns(store.runs, payloads),
    bulk: codedBulk(store.bulk, payloads),
    lineage: codedLineage(store.lineage, payloads),
    forks: codedForks(store.forks, payloads),
    tasks: codedTasks(store.tasks, payloads),
    schedules: codedSchedules(store.schedules, payloads),
    health: codedHealth(store.health, payloads),
    operations: overlay(store.operations, {
      record: (operator, act, deed) =>
        store.operations.record(
          operator,
          act,
          (deeds) => insideTransaction(coded, () => deed(codedDeeds(deeds, payloads))),
        ),
      note: async (operator, act, outcome, facts = {}) =>
        await store.operations.note(
          operator,
          act,
          outcome,
          await codedFacts(facts, payloads, act.namespace),
        ),
      list: async (query) =>
        await Promise.all(
          (await store.operations.list(query)).map((row) => plainOperation(row, payloads)),
        ),
    }),
    within: (patience) => codedStore(store.within(patience), payloads),
    outcomeOf: (error) => outcomeOfCodec(error) ?? store.outcomeOf(error),
    transact: (work) =>
      store.transact((transaction) =>
        insideTransaction(coded, () => work(codedTransaction(transaction, payloads)))
      ),
  });
  return coded;
}

/**
 * The codec may work the next time. What could not be read is not written however often it is tried
 * (CODED-1): the node gives its run back, so that another node can read it.
 */
function outcomeOfCodec(error: unknown): Outcome | undefined {
  if (isContinuumError(error, "VALUE_NOT_ENCODED")) return "undone";
  return isContinuumError(error, "VALUE_NOT_DECODED") ? "refused" : undefined;
}

function codedDeeds(deeds: DeedStore, payloads: Payloads): DeedStore {
  return overlay(deeds, {
    get runs() {
      return codedRuns(deeds.runs, payloads);
    },
    get bulk() {
      return codedBulk(deeds.bulk, payloads);
    },
    get forks() {
      return codedForks(deeds.forks, payloads);
    },
    get schedules() {
      return codedSchedules(deeds.schedules, payloads);
    },
  });
}

function codedTransaction(transaction: StoreTransaction, payloads: Payloads): StoreTransaction {
  return {
    query: transaction.query,
    client: transaction.client,
    commit: async (entry) => await transaction.commit(await codedEntry(entry, payloads)),
  };
}

// ---- journal ------------------------------------------------------------------------------------

function codedJournal(journal: JournalStore, payloads: Payloads): JournalStore {
  return overlay(journal, {
    commit: async (entries) =>
      await journal.commit(
        await Promise.all(entries.map((entry) => codedEntry(entry, payloads))),
      ),
    load: async (runs) =>
      await Promise.all((await journal.load(runs)).map((run) => plainRun(run, payloads))),
  });
}

async function codedEntry(entry: CommitEntry, payloads: Payloads): Promise<CommitEntry> {
  const { events, transition, namespace } = entry;
  const coded = await Promise.all(events.map((event) => codedEvent(event, payloads, namespace)));
  if (transition === undefined) return { ...entry, events: coded };
  return {
    ...entry,
    events: coded,
    transition: await codedTransition(transition, payloads, namespace),
  };
}

async function codedTransition(
  transition: Transition,
  payloads: Payloads,
  namespace: string | undefined,
): Promise<Transition> {
  if ("reason" in transition) {
    return { ...transition, reason: await codedReason(transition.reason, payloads, namespace) };
  }
  if (!("result" in transition)) return transition;
  const { result, error } = transition;
  return {
    ...transition,
    result: result === null ? null : await payloads.encode(result, "result", namespace),
    error: error === null ? null : await payloads.encode(error, "error", namespace),
  };
}

/** What an event's payload is; `null`: it stays plain (ENCODING-1). */
function kindOf(event: string): PayloadKind | null {
  switch (event) {
    case "attributes.set":
    case "version.changed":
    case "patched":
    case "payload.refused":
      return null;
    case "signal.received":
    case "ask.received":
      return "signal";
    case "cancel.requested":
      return "cancellation";
    case "status.set":
      return "status";
    default:
      return event.endsWith(".failed") ? "error" : "result";
  }
}

async function codedEvent(
  event: NewEvent,
  payloads: Payloads,
  namespace: string | undefined,
): Promise<NewEvent> {
  const { kind, payload } = event;
  const what = kindOf(kind);
  if (payload === null || what === null) return event;
  if (kind === "attempt.failed") {
    return { ...event, payload: await within(payload, ["error"], (text) => encode(text, "error")) };
  }
  return { ...event, payload: await encode(payload, what) };

  function encode(text: string, kind: PayloadKind): Promise<string> {
    return payloads.encode(text, kind, namespace);
  }
}

async function plainEvent<Row extends Pick<EventRow, "kind" | "payload">>(
  event: Row,
  payloads: Payloads,
): Promise<Row> {
  const { kind, payload } = event;
  if (payload === null) return event;
  if (kind === "attempt.failed") {
    const error = (text: string) => payloads.decode(text, "error");
    return { ...event, payload: await within(payload, ["error"], error) };
  }
  const what = kindOf(kind);
  if (what === null || !isEncoded(payload)) return event;
  return { ...event, payload: await payloads.decode(payload, what) };
}

/** Changes texts that stand in the fields of a JSON object. */
async function within(
  payload: string,
  fields: readonly string[],
  change: (text: string, field: string) => Promise<string>,
): Promise<string> {
  const tree = JSON.parse(payload) as Record<string, unknown>;
  for (const field of fields) {
    const text = tree[field];
    if (typeof text === "string") tree[field] = await change(text, field);
  }
  return JSON.stringify(tree);
}

async function plainRun(run: LoadedRun, payloads: Payloads): Promise<LoadedRun> {
  const [events, inbox] = await Promise.all([
    Promise.all(run.events.map((event) => plainEvent(event, payloads))),
    Promise.all(run.inbox.map((message) => plainMessage(message, payloads))),
  ]);
  return { ...run, events, inbox };
}

async function plainMessage(message: InboxRow, payloads: Payloads): Promise<InboxRow> {
  const { kind, payload } = message;
  if (payload === null) return message;
  switch (kind) {
    case "child": {
      const end = (text: string, field: string) =>
        payloads.decode(text, field === "result" ? "result" : "error");
      return { ...message, payload: await within(payload, ["result", "error"], end) };
    }
    case "activity.completed":
    case "activity.failed":
      return { ...message, payload: await payloads.decode(payload, kindOf(kind) ?? "result") };
    case "signal":
    case "ask":
      return { ...message, payload: await payloads.decode(payload, "signal") };
    case "cancel":
    case "pause":
      return { ...message, payload: await payloads.decode(payload, "cancellation") };
    case "awaited":
      return message;
  }
}

// ---- runs ---------------------------------------------------------------------------------------

function codedRuns(runs: RunStore, payloads: Payloads): RunStore {
  const { namespace } = runs;
  const all = <Row, R>(rows: readonly Row[], change: (row: Row) => Promise<R>) =>
    Promise.all(rows.map(change));
  const claimed = <Row extends { readonly input: string; readonly namespace: string }>(row: Row) =>
    plainFields(row, { input: "input" }, payloads, row.namespace);
  const plain = (row: RunRow) => plainRow(row, payloads);
  const message = async (message: Message): Promise<Message> => {
    const { kind, payload } = message;
    if (payload === null) return message;
    const what = kind === "cancel" ? "cancellation" : "signal";
    return { ...message, payload: await payloads.encode(payload, what, namespace) };
  };
  const start = async (run: NewRun): Promise<NewRun> => {
    const { input, signal, namespace: place = namespace } = run;
    return {
      ...run,
      input: await payloads.encode(input, "input", place),
      ...(signal === undefined ? {} : {
        signal: { ...signal, payload: await payloads.encode(signal.payload, "signal", place) },
      }),
    };
  };
  return overlay(runs, {
    in: (other) => codedRuns(runs.in(other), payloads),
    insert: async (given) => await runs.insert(await all(given, start)),
    insertInto: async (transaction, given) =>
      await runs.insertInto(transaction, await all(given, start)),
    query: async (...asked) => await all(await runs.query(...asked), plain),
    list: async (filter) => await all(await runs.list(filter), plain),
    get: async (...asked) => {
      const row = await runs.get(...asked);
      return row === null ? null : await plain(row);
    },
    claim: async (options) => await all(await runs.claim(options), claimed),
    held: async (...asked) => await all(await runs.held(...asked), claimed),
    deliver: async (runId, sent) => await runs.deliver(runId, await message(sent)),
    deliverTo: async (version, runId, sent) =>
      await runs.deliverTo(version, runId, await message(sent)),
    answer: async (...asked) => {
      const row = await runs.answer(...asked);
      const payload = row?.status === "failed" ? "error" : "result";
      return row && await plainFields(row, { payload }, payloads, namespace);
    },
    published: async (...asked) => {
      const row = await runs.published(...asked);
      return row && await plainFields(row, { payload: "result" }, payloads, namespace);
    },
    values: async (runId) =>
      await all(
        await runs.values(runId),
        (row) => plainFields(row, { payload: "result" }, payloads, namespace),
      ),
    history: async (...asked) =>
      await all(await runs.history(...asked), (event) => plainEvent(event, payloads)),
    generations: async (...asked) =>
      await all(
        await runs.generations(...asked),
        (row) => plainFields(row, { input: "input" }, payloads, namespace),
      ),
    pause: async (id, request) =>
      await runs.pause(id, await payloads.encode(request, "cancellation", namespace)),
    pauseOf: async (id) => {
      const asked = await runs.pauseOf(id);
      if (asked === null) return null;
      return { ...asked, request: await payloads.decode(asked.request, "cancellation") };
    },
    end: async (runId, state, error, options) => {
      const encoded = await payloads.encode(error, "error", namespace);
      const row = await runs.end(runId, state, encoded, options);
      return row === null ? null : await plain(row);
    },
    seize: async (...asked) => {
      const row = await runs.seize(...asked);
      return row === null ? null : await claimed(row);
    },
    settle: async (id, lease, outcome) => {
      if (!("back" in outcome) || outcome.reason === null) {
        return await runs.settle(id, lease, outcome);
      }
      const reason = await codedReason(outcome.reason, payloads, namespace);
      return await runs.settle(id, lease, { ...outcome, reason });
    },
  });
}

// ---- changes of many runs -----------------------------------------------------------------------

/** A plan may hold the payload of a signal. */
function codedBulk(bulk: BulkStore, payloads: Payloads): BulkStore {
  return overlay(bulk, {
    create: async ({ plan, ...job }, lease) => {
      const encode = (text: string) => payloads.encode(text, "signal", job.namespace);
      await bulk.create({ ...job, plan: await within(plan, ["payload"], encode) }, lease);
    },
    take: async (...asked) => {
      const row = await bulk.take(...asked);
      if (row === null) return null;
      const decode = (text: string) => payloads.decode(text, "signal");
      return { ...row, plan: await within(row.plan, ["payload"], decode) };
    },
    act: async (parts, job, namespace) => {
      const coded = parts.map(async ({ deed, ids }) => ({
        deed: await codedDeed(deed, payloads, namespace),
        ids,
      }));
      return await bulk.act(await Promise.all(coded), job, namespace);
    },
  });
}

async function codedDeed(
  deed: BulkDeed,
  payloads: Payloads,
  namespace: string,
): Promise<BulkDeed> {
  const encode = (text: string, kind: PayloadKind) => payloads.encode(text, kind, namespace);
  switch (deed.kind) {
    case "cancel": {
      const request = await encode(deed.request, "cancellation");
      return { ...deed, request, error: await encode(deed.error, "error") };
    }
    case "terminate":
      return { ...deed, error: await encode(deed.error, "error") };
    case "signal":
      return { ...deed, payload: await encode(deed.payload, "signal") };
    case "pause":
      return { ...deed, request: await encode(deed.request, "cancellation") };
    case "resume":
      return deed;
  }
}

async function plainRow(row: RunRow, payloads: Payloads): Promise<RunRow> {
  const kinds = {
    input: "input",
    result: "result",
    error: "error",
    failure: "error",
    customStatus: "status",
  } as const;
  const plain = await plainFields(row, kinds, payloads, row.namespace);
  if (row.stuckReason === null) return plain;
  return { ...plain, stuckReason: await plainReason(row.stuckReason, payloads, row.namespace) };
}

/** Decodes some fields of a row; returns the row itself if none is encoded. */
async function plainFields<Row extends object>(
  row: Row,
  kinds: { readonly [key in keyof Row]?: PayloadKind },
  payloads: Payloads,
  namespace?: string,
): Promise<Row> {
  const changed: Partial<Row> = {};
  for (const [key, kind] of Object.entries(kinds) as [keyof Row, PayloadKind][]) {
    const text = row[key] as unknown;
    if (typeof text !== "string" || !isEncoded(text)) continue;
    changed[key] = await payloads.decode(text, kind, namespace) as Row[typeof key];
  }
  return Object.keys(changed).length === 0 ? row : { ...row, ...changed };
}

// ---- reports ------------------------------------------------------------------------------------

/** What is said to people, and facts that may quote values. */
interface Report {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

/** Encodes a report: its code stays, since people and programs look for it. */
async function codedReason<R extends Report>(
  reason: R,
  payloads: Payloads,
  namespace?: string,
): Promise<R> {
  if (isEncodedObject(reason.details)) return reason; // it could not be decoded
  const { message, details } = reason;
  const text = legibleJson({ message, details });
  const encoded = await payloads.encode(text, "report", namespace);
  if (!isEncoded(encoded)) return reason;
  const parts = JSON.parse(encoded);
  return { ...reason, message: encodedWords(parts.key), details: parts };
}

async function plainReason<R extends Report>(
  reason: R,
  payloads: Payloads,
  namespace?: string,
): Promise<R> {
  if (!isEncodedObject(reason.details)) return reason;
  const text = await payloads.decode(JSON.stringify(reason.details), "report", namespace);
  if (isEncoded(text)) return reason;
  const { details: _, ...rest } = reason;
  return { ...rest, ...JSON.parse(text) };
}

// ---- lineage and forks --------------------------------------------------------------------------

function codedLineage(lineage: LineageStore, payloads: Payloads): LineageStore {
  const end = async <End extends GenerationEnd>(end: End): Promise<End> => ({
    ...end,
    signals: await Promise.all(end.signals.map(async ({ name, payload }) => ({
      name,
      payload: payload === null ? null : await payloads.encode(payload, "signal", end.namespace),
    }))),
  });
  return overlay(lineage, {
    startChildren: async (children, maxDepth) =>
      await lineage.startChildren(
        await Promise.all(children.map(async (child) => {
          const input = await payloads.encode(child.input, "input", child.namespace);
          return { ...child, input };
        })),
        maxDepth,
      ),
    continueAsNew: async (next) =>
      await lineage.continueAsNew({
        ...await end(next),
        input: await payloads.encode(next.input, "input", next.namespace),
      }),
    retry: async (next) =>
      await lineage.retry({
        ...await end(next),
        failure: await payloads.encode(next.failure, "error", next.namespace),
      }),
  });
}

function codedForks(forks: ForkStore, payloads: Payloads): ForkStore {
  return overlay(forks, {
    fork: async (fork) =>
      await forks.fork({
        ...fork,
        input: await payloads.encode(fork.input, "input", fork.namespace),
        isInput: async (stored) =>
          await payloads.decode(stored, "input", fork.namespace) === fork.input, // FORK-3
      }),
  });
}

// ---- tasks --------------------------------------------------------------------------------------

function codedTasks(tasks: TaskStore, payloads: Payloads): TaskStore {
  const leased = (task: LeasedTask) => plainTask(task, payloads);
  const heartbeat = async (text: string | null, namespace: string | undefined) =>
    text === null ? null : await payloads.encode(text, "heartbeat", namespace);
  return overlay(tasks, {
    announce: async (given) => {
      const coded = await Promise.all(given.map(async (task) => {
        const { namespace, input } = task;
        return {
          ...task,
          input: input === null ? null : await payloads.encode(input, "input", namespace),
          failures: await codedFailures(task.failures, payloads, namespace),
          heartbeat: await heartbeat(task.heartbeat, namespace),
        };
      }));
      return await Promise.all(
        (await tasks.announce(coded)).map(async (announced, index) =>
          announced.status === "known"
            ? { ...announced, result: await decoded(announced.result, given[index]!.namespace) }
            : announced
        ),
      );
    },
    claim: async (claim) => await Promise.all((await tasks.claim(claim)).map(leased)),
    claimExpired: async (node, limit) =>
      await Promise.all((await tasks.claimExpired(node, limit)).map(leased)),
    get: async (fence) => {
      const task = await tasks.get(fence);
      return task === null ? null : await leased(task);
    },
    answer: async (answers) =>
      await tasks.answer(
        await Promise.all(answers.map(async (answer) => {
          const kind = kindOf(answer.kind) ?? "result";
          const namespace = await namespaceOf(answer);
          return { ...answer, payload: await payloads.encode(answer.payload, kind, namespace) };
        })),
      ),
    retry: async (retry) => {
      const namespace = await namespaceOf(retry);
      return await tasks.retry({
        ...retry,
        failures: await codedFailures(retry.failures, payloads, namespace),
        heartbeat: await heartbeat(retry.heartbeat, namespace),
      });
    },
    decide: async (fence, terms) => {
      const known = await tasks.decide(fence, terms);
      return typeof known === "string" ? await decoded(known) : known;
    },
    beat: async (beats) =>
      await tasks.beat(
        await Promise.all(beats.map(async (beat) => {
          const { details } = beat;
          if (details === null) return beat;
          return { ...beat, details: await heartbeat(details, await namespaceOf(beat)) };
        })),
      ),
    retried: async (run) =>
      await Promise.all(
        (await tasks.retried(run)).map((row) => plainFields(row, { error: "error" }, payloads)),
      ),
    progress: async (run, positions) =>
      await Promise.all(
        (await tasks.progress(run, positions)).map(async (row) => ({
          ...await plainFields(row, { heartbeat: "heartbeat" }, payloads),
          failures: await plainFailures(row.failures, payloads),
        })),
      ),
  });

  function decoded(result: string, namespace?: string): Promise<string> {
    return payloads.decode(result, "result", namespace);
  }

  /** Who has the attempt's token alone does not know its namespace: the row does. */
  async function namespaceOf(task: TaskFence & InNamespace): Promise<string | undefined> {
    return task.namespace ?? (await tasks.get(task))?.namespace;
  }
}

async function plainTask(task: LeasedTask, payloads: Payloads): Promise<LeasedTask> {
  const kinds = { input: "input", heartbeat: "heartbeat", known: "result" } as const;
  const plain = await plainFields(task, kinds, payloads, task.namespace);
  if (task.failures.length === 0) return plain;
  return { ...plain, failures: await plainFailures(task.failures, payloads, task.namespace) };
}

async function withErrors(
  failures: TaskBase["failures"],
  change: (text: string) => Promise<string>,
): Promise<RecordedAttempt[]> {
  return await Promise.all(
    failures.map(async (one) => ({ ...one, error: await change(one.error) })),
  );
}

function codedFailures(
  failures: TaskBase["failures"],
  payloads: Payloads,
  namespace: string | undefined,
): Promise<RecordedAttempt[]> {
  return withErrors(failures, (text) => payloads.encode(text, "error", namespace));
}

function plainFailures(
  failures: TaskBase["failures"],
  payloads: Payloads,
  namespace?: string,
): Promise<RecordedAttempt[]> {
  return withErrors(failures, (text) => payloads.decode(text, "error", namespace));
}

// ---- schedules ----------------------------------------------------------------------------------

function codedSchedules(schedules: ScheduleStore, payloads: Payloads): ScheduleStore {
  const plain = async (row: ScheduleRow): Promise<ScheduleRow> => ({
    ...await plainFields(row, { input: "input" }, payloads, row.namespace),
    progress: await withTrouble(row.progress, plainReason, payloads, row.namespace),
  });
  const spec = async (spec: ScheduleSpec): Promise<ScheduleSpec> => ({
    ...spec,
    input: await payloads.encode(spec.input, "input", spec.namespace),
  });
  const coded = (decide: Decide): Decide => async (row, now) => {
    const { namespace } = row;
    const { spec: changed, input, progress, ...decision } = await decide(await plain(row), now);
    return {
      ...decision,
      progress: await withTrouble(progress, codedReason, payloads, namespace),
      ...(changed === undefined ? {} : { spec: await spec(changed) }),
      ...(input === undefined ? {} : { input: await payloads.encode(input, "input", namespace) }),
    };
  };
  return overlay(schedules, {
    create: (make) =>
      schedules.create(async (now) => {
        const made = await make(now);
        const { namespace } = made.spec;
        return {
          spec: await spec(made.spec),
          progress: await withTrouble(made.progress, codedReason, payloads, namespace),
        };
      }),
    get: async (key) => {
      const row = await schedules.get(key);
      return row === null ? null : await plain(row);
    },
    list: async (filter) => await Promise.all((await schedules.list(filter)).map(plain)),
    change: (key, decide) => schedules.change(key, coded(decide)),
    fire: (limit, decide, onFailure) =>
      schedules.fire(limit, coded(decide), async (row, error, now) => {
        const progress = await onFailure(await plain(row), error, now);
        return await withTrouble(progress, codedReason, payloads, row.namespace).catch(() =>
          progress
        );
      }),
    stuck: async () =>
      await Promise.all(
        (await schedules.stuck()).map(async ({ namespace, id, reason: message, details }) => {
          const report = { code: "", message, details };
          const { message: reason } = await plainReason(report, payloads, namespace);
          return { namespace, id, reason };
        }),
      ),
  });
}

/** Changes the report of what troubles a schedule. */
async function withTrouble(
  progress: Progress,
  change: typeof codedReason | typeof plainReason,
  payloads: Payloads,
  namespace: string,
): Promise<Progress> {
  const { trouble } = progress;
  if (trouble === null) return progress;
  return { ...progress, trouble: await change(trouble, payloads, namespace) };
}

// ---- health and operations ----------------------------------------------------------------------

function codedHealth(health: HealthStore, payloads: Payloads): HealthStore {
  return overlay(health, {
    failing: async (most) =>
      await Promise.all(
        (await health.failing(most)).map((row) => plainFields(row, { error: "error" }, payloads)),
      ),
  });
}

/** The message of an error may quote a value. */
async function codedFacts<Facts extends { readonly after?: Readonly<Record<string, unknown>> }>(
  facts: Facts,
  payloads: Payloads,
  namespace: string | null,
): Promise<Facts> {
  const { after } = facts;
  if (typeof after?.error !== "string") return facts;
  const text = legibleJson(after.error);
  const encoded = await payloads.encode(text, "report", namespace ?? undefined);
  return { ...facts, after: { ...after, error: JSON.parse(encoded) } };
}

async function plainOperation(row: OperationRow, payloads: Payloads): Promise<OperationRow> {
  const { before, after } = row;
  return {
    ...row,
    before: before === null ? null : await plainTexts(before, payloads),
    after: after === null ? null : await plainTexts(after, payloads),
  };
}

/** Decodes the reports in the facts of an entry; those of parked runs were copied there. */
async function plainTexts(facts: string, payloads: Payloads): Promise<string> {
  if (!facts.includes('"$continuum"')) return facts;
  const tree = JSON.parse(facts) as Record<string, unknown>;
  for (const [field, value] of Object.entries(tree)) {
    if (isEncodedObject(value)) {
      const text = await payloads.decode(JSON.stringify(value), "report");
      tree[field] = isEncoded(text) ? encodedWords(value.key) : JSON.parse(text);
    } else if (isReport(value)) tree[field] = await plainReason(value, payloads);
  }
  return JSON.stringify(tree);
}

function isReport(value: unknown): value is StuckReason {
  return typeof value === "object" && value !== null && "code" in value && "details" in value;
}
