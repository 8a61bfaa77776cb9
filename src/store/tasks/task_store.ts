/**
 * Tasks: the outstanding activities of runs.
 *
 * - TASK-1, who asks: a task is written only by who holds its run, on a node that is alive.
 * - TASK-2, who answers: whatever an attempt writes is fenced by the token that was drawn for it, and
 *   by nothing else. A run that moved, or waits as a row, gets its answers all the same; they are
 *   lost only once another attempt has begun. An attempt that is completed from outside is over
 *   when its time is: its token is refused from then on, whether or not a node has noticed.
 * - TASK-3, one fact: removing a task, committing its result under its key, and telling and waking its
 *   run are one statement. The first committed result of a key is everybody's.
 * - TASK-4, an attempt whose node died counts: its task is ready again, for the next attempt, or
 *   expires where there is none.
 * - TASK-5, a rate is one for all nodes.
 *
 * @module
 */

import { legibleJson } from "../../base/text.ts";
import type {
  Announced,
  Answered,
  LeasedTask,
  NewTask,
  RetriedEffect,
  TaskAnswer,
  TaskBase,
  TaskBeat,
  TaskClaim,
  TaskFailure,
  TaskFence,
  TaskLease,
  TaskPolicy,
  TaskRetry,
  TaskStore,
} from "../../ports/tasks.ts";
import type { SqlDriver, SqlValue } from "../sql/driver.ts";
import type { SchemaName } from "../schema/name.ts";
import { arrayLiteral, storable } from "../sql/fragments.ts";
import { isContention } from "../sql/sqlstate.ts";
import { taskStatements } from "./statements.ts";

/** A task as the database gives it: JSON columns are text. */
type RawTask = Omit<LeasedTask, "policy" | "failures"> & {
  readonly policy: string | null;
  readonly failures: string | null;
};

interface AnnouncedRow {
  run: number;
  position: number;
  result: string | null;
  at: number;
}

interface KeyRow {
  run: number;
  position: number;
}

/** {@linkcode TaskStore} in SQL. */
export class Tasks implements TaskStore {
  readonly #driver: SqlDriver;
  readonly #sql: ReturnType<typeof taskStatements>;
  readonly #rated = new Set<string>();

  /**
   * Prepares the statements on tasks.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = taskStatements(schema);
  }

  /** See {@linkcode TaskStore.announce}. */
  async announce(tasks: readonly NewTask[]): Promise<Announced[]> {
    const column = (read: (task: NewTask) => string | number | null) =>
      arrayLiteral(tasks.map(read));
    const rows = await this.#query<AnnouncedRow>("announce", [
      column(({ run }) => run),
      column(({ node }) => node),
      column(({ runToken }) => runToken),
      column(({ position }) => position),
      column(({ token }) => token),
      column(({ attempt }) => attempt),
      column(({ maxAttempts }) => maxAttempts),
      column(({ priority }) => priority),
      column(({ delayMs }) => delayMs),
      column(({ ageMs }) => ageMs),
      column(({ policy }) => policy.scheduleToStart ?? null),
      column(({ policy }) => policy.scheduleToClose ?? null),
      column(({ queue }) => storable("a queue's name", queue)),
      column(({ name }) => storable("an activity's name", name)),
      column(({ hash }) => hash),
      column(({ definition }) => definition),
      column(({ key }) => key === null ? null : storable("an idempotency key", key)),
      column(({ policy }) => policyText(policy)),
      column(({ input }) => input),
      column(({ failures }) => failures.length === 0 ? null : legibleJson(failures)),
      column(({ heartbeat }) => heartbeat),
    ]);
    const found = new Map(rows.map((row) => [placeOf(row), row]));
    return tasks.map((task) => {
      const row = found.get(placeOf(task));
      if (row === undefined) return { status: "lost" };
      if (row.result !== null) return { status: "known", result: row.result };
      return { status: "written", at: row.at };
    });
  }

  /** See {@linkcode TaskStore.claim}. */
  async claim(claim: TaskClaim): Promise<LeasedTask[]> {
    const { node, queue, limit, names, excluded, rate } = claim;
    const values = [node, queue, limit, arrayLiteral(names), arrayLiteral(excluded)];
    if (rate === null) return await this.#leased("claim", values);
    if (!this.#rated.has(queue)) {
      await this.#query("openRate", [queue, rate.limit]);
      this.#rated.add(queue);
    }
    return await this.#leased("claimRated", [...values, rate.limit, rate.perMs]);
  }

  /** See {@linkcode TaskStore.waiting}. */
  async waiting(
    { queue, names, excluded }: Pick<TaskClaim, "queue" | "names" | "excluded">,
  ): Promise<boolean> {
    const values = [queue, arrayLiteral(names), arrayLiteral(excluded)];
    const [row] = await this.#query<{ waiting: boolean }>("waiting", values);
    return row!.waiting;
  }

  /** See {@linkcode TaskStore.claimExpired}. */
  claimExpired(node: string, limit: number): Promise<LeasedTask[]> {
    return this.#leased("claimExpired", [node, limit]);
  }

  /** See {@linkcode TaskStore.next}. */
  async next(queues: readonly string[], since: number): Promise<number | null> {
    const [row] = await this.#query<{ at: number | null }>("next", [arrayLiteral(queues), since]);
    return row?.at ?? null;
  }

  /** See {@linkcode TaskStore.answer}. */
  async answer(answers: readonly TaskAnswer[]): Promise<Answered[]> {
    const fences = [
      arrayLiteral(answers.map(({ run }) => run)),
      arrayLiteral(answers.map(({ position }) => position)),
      arrayLiteral(answers.map(({ token }) => token)),
    ];
    let rows: (KeyRow & { node: string | null })[] = [];
    try {
      rows = await this.#driver.impatient.query(this.#sql.answer, [
        ...fences,
        arrayLiteral(answers.map(({ kind }) => kind)),
        arrayLiteral(answers.map(({ payload }) => payload)),
      ]);
    } catch (error) {
      if (!isContention(error)) throw error;
    }
    const written = new Map(rows.map((row) => [placeOf(row), row.node]));
    const busy = new Set<string>();
    if (written.size < answers.length) {
      for (const row of await this.#query<KeyRow>("heldBy", fences)) busy.add(placeOf(row));
    }
    return answers.map((answer) => {
      const place = placeOf(answer);
      const node = written.get(place);
      if (node !== undefined) return { status: "written", node };
      return { status: busy.has(place) ? "busy" : "lost" };
    });
  }

  /** See {@linkcode TaskStore.retry}. */
  async retry(retry: TaskRetry): Promise<"written" | "cancelled" | "lost"> {
    const [row] = await this.#query<{ cancelled: boolean }>("retry", [
      ...fenceOf(retry),
      retry.delayMs,
      legibleJson(retry.failures),
      retry.heartbeat,
    ]);
    if (row === undefined) return "lost";
    return row.cancelled ? "cancelled" : "written";
  }

  /** See {@linkcode TaskStore.decide}. */
  async decide(
    fence: TaskFence,
    { policy, maxAttempts, key }: Pick<TaskBase, "policy" | "maxAttempts" | "key">,
  ): Promise<string | null | undefined> {
    const [row] = await this.#query<{ known: string | null }>("decide", [
      ...fenceOf(fence),
      maxAttempts,
      policyText(policy),
      key === null ? null : storable("an idempotency key", key),
    ]);
    return row?.known;
  }

  /** See {@linkcode TaskStore.release}. */
  async release(fence: TaskFence): Promise<void> {
    await this.#query("release", fenceOf(fence));
  }

  /** See {@linkcode TaskStore.defer}. */
  async defer(fence: TaskFence, timeoutMs: number | null): Promise<number | null | undefined> {
    const values = [...fenceOf(fence), timeoutMs];
    const [row] = await this.#query<{ expiresAt: number | null }>("defer", values);
    return row?.expiresAt;
  }

  /** See {@linkcode TaskStore.beat}. */
  beat(beats: readonly TaskBeat[]): Promise<TaskLease[]> {
    return this.#query("beat", [
      arrayLiteral(beats.map(({ run }) => run)),
      arrayLiteral(beats.map(({ position }) => position)),
      arrayLiteral(beats.map(({ token }) => token)),
      arrayLiteral(beats.map(({ details }) => details)),
    ]);
  }

  /** See {@linkcode TaskStore.leases}. */
  leases(node: string): Promise<TaskLease[]> {
    return this.#query("leases", [node]);
  }

  /** See {@linkcode TaskStore.retried}. */
  retried(run: number): Promise<RetriedEffect[]> {
    return this.#query("retried", [run]);
  }

  /** See {@linkcode TaskStore.get}. */
  async get(fence: TaskFence): Promise<LeasedTask | null> {
    const [task] = await this.#leased("get", fenceOf(fence));
    return task ?? null;
  }

  /** See {@linkcode TaskStore.cancel}. */
  async cancel(run: number, runToken: number, positions: readonly number[]): Promise<number[]> {
    const values = [run, runToken, arrayLiteral(positions)];
    return (await this.#query<{ position: number }>("cancel", values))
      .map(({ position }) => position);
  }

  async #leased(
    statement: keyof ReturnType<typeof taskStatements>,
    values: readonly SqlValue[],
  ): Promise<LeasedTask[]> {
    const rows = await this.#query<RawTask>(statement, values);
    return rows.map((row) => ({
      ...row,
      policy: row.policy === null ? {} : JSON.parse(row.policy) as TaskPolicy,
      failures: row.failures === null ? [] : JSON.parse(row.failures) as TaskFailure[],
    }));
  }

  #query<Row>(
    statement: keyof ReturnType<typeof taskStatements>,
    values: readonly SqlValue[],
  ): Promise<Row[]> {
    return this.#driver.query(this.#sql[statement], values);
  }
}

function placeOf({ run, position }: KeyRow): string {
  return `${run}/${position}`;
}

function fenceOf({ run, position, token }: TaskFence): SqlValue[] {
  return [run, position, token];
}

function policyText(policy: TaskPolicy): string | null {
  const text = legibleJson(policy);
  return text === "{}" ? null : text;
}
