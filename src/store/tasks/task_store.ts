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
  TaskFence,
  TaskLease,
  TaskPolicy,
  TaskProgress,
  TaskRetry,
  TaskStore,
} from "../../ports/tasks.ts";
import type { RecordedAttempt } from "../../replay/activity_failure.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { storable } from "../sql/fragments.ts";
import { isContention } from "../sql/sqlstate.ts";
import type { Prepared } from "../sql/statement.ts";
import { ATTEMPT_STATEMENTS, type KeyRow } from "./attempt_statements.ts";
import { CLAIM_STATEMENTS } from "./claim_statements.ts";
import type { RawTask } from "./fragments.ts";
import { RUN_TASK_STATEMENTS } from "./run_task_statements.ts";

const STATEMENTS = { ...CLAIM_STATEMENTS, ...ATTEMPT_STATEMENTS, ...RUN_TASK_STATEMENTS };

/** {@linkcode TaskStore} in SQL. */
export class Tasks implements TaskStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;
  readonly #rated = new Set<string>();

  /**
   * Prepares the statements on tasks.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode TaskStore.announce}. */
  async announce(tasks: readonly NewTask[]): Promise<Announced[]> {
    const rows = await this.#sql.announce.query(this.#driver, {
      run: tasks.map(({ run }) => run),
      node: tasks.map(({ node }) => node),
      runToken: tasks.map(({ runToken }) => runToken),
      position: tasks.map(({ position }) => position),
      token: tasks.map(({ token }) => token),
      attempt: tasks.map(({ attempt }) => attempt),
      maxAttempts: tasks.map(({ maxAttempts }) => maxAttempts),
      priority: tasks.map(({ priority }) => priority),
      delayMs: tasks.map(({ delayMs }) => delayMs),
      ageMs: tasks.map(({ ageMs }) => ageMs),
      waitMs: tasks.map(({ policy }) => policy.scheduleToStart ?? null),
      closeMs: tasks.map(({ policy }) => policy.scheduleToClose ?? null),
      queue: tasks.map(({ queue }) => storable("a queue's name", queue)),
      name: tasks.map(({ name }) => storable("an activity's name", name)),
      hash: tasks.map(({ hash }) => hash),
      definition: tasks.map(({ definition }) => definition),
      key: tasks.map(({ key }) => key === null ? null : storable("an idempotency key", key)),
      policy: tasks.map(({ policy }) => policyText(policy)),
      input: tasks.map(({ input }) => input),
      failures: tasks.map(({ failures }) => failures.length === 0 ? null : legibleJson(failures)),
      heartbeat: tasks.map(({ heartbeat }) => heartbeat),
      digest: tasks.map(({ digest }) => digest),
      nth: tasks.map(({ nth }) => nth),
      trace: tasks.map(({ trace }) => trace ?? null),
    });
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
    const asked = { node, queue, limit, names, excluded };
    if (rate === null) return (await this.#sql.claim.query(this.#driver, asked)).map(leased);
    const { limit: permits, perMs } = rate;
    if (!this.#rated.has(queue)) {
      await this.#sql.openRate.query(this.#driver, { queue, permits });
      this.#rated.add(queue);
    }
    const rows = await this.#sql.claimRated.query(this.#driver, { ...asked, permits, perMs });
    return rows.map(leased);
  }

  /** See {@linkcode TaskStore.waiting}. */
  async waiting(
    { queue, names, excluded }: Pick<TaskClaim, "queue" | "names" | "excluded">,
  ): Promise<boolean> {
    const [row] = await this.#sql.waiting.query(this.#driver, { queue, names, excluded });
    return row!.waiting;
  }

  /** See {@linkcode TaskStore.claimExpired}. */
  async claimExpired(node: string, limit: number): Promise<LeasedTask[]> {
    return (await this.#sql.claimExpired.query(this.#driver, { node, limit })).map(leased);
  }

  /** See {@linkcode TaskStore.next}. */
  async next(queues: readonly string[], since: number): Promise<number | null> {
    const [row] = await this.#sql.next.query(this.#driver, { queues, since });
    return row?.at ?? null;
  }

  /** See {@linkcode TaskStore.answer}. */
  async answer(answers: readonly TaskAnswer[]): Promise<Answered[]> {
    const fences = fencesOf(answers);
    let rows: (KeyRow & { readonly node: string | null })[] = [];
    try {
      rows = await this.#sql.answer.query(this.#driver.impatient, {
        ...fences,
        kind: answers.map(({ kind }) => kind),
        payload: answers.map(({ payload }) => payload),
      });
    } catch (error) {
      if (!isContention(error)) throw error;
    }
    const written = new Map(rows.map((row) => [placeOf(row), row.node]));
    const busy = new Set<string>();
    if (written.size < answers.length) {
      const held = await this.#sql.heldBy.query(this.#driver, fences);
      for (const row of held) busy.add(placeOf(row));
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
    const [row] = await this.#sql.retry.query(this.#driver, {
      ...fenceOf(retry),
      delayMs: retry.delayMs,
      failures: legibleJson(retry.failures),
      heartbeat: retry.heartbeat,
    });
    if (row === undefined) return "lost";
    return row.cancelled ? "cancelled" : "written";
  }

  /** See {@linkcode TaskStore.decide}. */
  async decide(
    fence: TaskFence,
    { policy, maxAttempts, key }: Pick<TaskBase, "policy" | "maxAttempts" | "key">,
  ): Promise<string | null | undefined> {
    const [row] = await this.#sql.decide.query(this.#driver, {
      ...fenceOf(fence),
      maxAttempts,
      policy: policyText(policy),
      key: key === null ? null : storable("an idempotency key", key),
    });
    return row?.known;
  }

  /** See {@linkcode TaskStore.release}. */
  async release(fence: TaskFence, delayMs?: number): Promise<void> {
    if (delayMs === undefined) await this.#sql.release.query(this.#driver, fenceOf(fence));
    else await this.#sql.postpone.query(this.#driver, { ...fenceOf(fence), delayMs });
  }

  /** See {@linkcode TaskStore.defer}. */
  async defer(fence: TaskFence, timeoutMs: number | null): Promise<number | null | undefined> {
    const [row] = await this.#sql.defer.query(this.#driver, { ...fenceOf(fence), timeoutMs });
    return row?.expiresAt;
  }

  /** See {@linkcode TaskStore.beat}. */
  beat(beats: readonly TaskBeat[]): Promise<TaskLease[]> {
    return this.#sql.beat.query(this.#driver, {
      ...fencesOf(beats),
      details: beats.map(({ details }) => details),
    });
  }

  /** See {@linkcode TaskStore.leases}. */
  leases(node: string): Promise<TaskLease[]> {
    return this.#sql.leases.query(this.#driver, { node });
  }

  /** See {@linkcode TaskStore.retried}. */
  retried(run: number): Promise<RetriedEffect[]> {
    return this.#sql.retried.query(this.#driver, { run });
  }

  /** See {@linkcode TaskStore.progress}. */
  async progress(run: number, positions: readonly number[]): Promise<TaskProgress[]> {
    const rows = await this.#sql.progress.query(this.#driver, { run, positions });
    return rows.map((row) => ({ ...row, failures: recorded(row.failures) }));
  }

  /** See {@linkcode TaskStore.get}. */
  async get(fence: TaskFence): Promise<LeasedTask | null> {
    const [row] = await this.#sql.get.query(this.#driver, fenceOf(fence));
    return row === undefined ? null : leased(row);
  }

  /** See {@linkcode TaskStore.cancel}. */
  async cancel(run: number, runToken: number, positions: readonly number[]): Promise<number[]> {
    const cancelled = await this.#sql.cancel.query(this.#driver, { run, runToken, positions });
    return cancelled.map(({ position }) => position);
  }
}

function leased(row: RawTask): LeasedTask {
  return {
    ...row,
    policy: row.policy === null ? {} : JSON.parse(row.policy) as TaskPolicy,
    failures: recorded(row.failures),
  };
}

function recorded(failures: string | null): RecordedAttempt[] {
  return failures === null ? [] : JSON.parse(failures);
}

function placeOf({ run, position }: KeyRow): string {
  return `${run}/${position}`;
}

function fenceOf({ run, position, token }: TaskFence): TaskFence {
  return { run, position, token };
}

function fencesOf(fences: readonly TaskFence[]) {
  return {
    run: fences.map(({ run }) => run),
    position: fences.map(({ position }) => position),
    token: fences.map(({ token }) => token),
  };
}

function policyText(policy: TaskPolicy): string | null {
  const text = legibleJson(policy);
  return text === "{}" ? null : text;
}
