/**
 * Writing tasks: those of one tick go in one statement, and those whose attempts have ended
 * meanwhile are left out.
 *
 * @module
 */

import { Batcher } from "../../base/batcher.ts";
import type { Announced, NewTask, TaskStore } from "../../ports/tasks.ts";
import type { RunningAttempt } from "./running_attempt.ts";
import type { DatabaseRetry } from "../database_retry.ts";

/**
 * What came of a task that was to be written; `skipped`: its attempt has ended before; `refused`:
 * the database does not take it.
 */
export type Announcement =
  | Announced
  | { readonly status: "skipped" }
  | { readonly status: "refused"; readonly error: unknown };

interface Item {
  readonly task: NewTask;
  readonly attempt: RunningAttempt | undefined;
}

/** Writes tasks. */
export class TaskWriter {
  readonly #store: TaskStore;
  readonly #databaseRetry: DatabaseRetry;
  readonly #batcher: Batcher<Item, Announcement>;

  /**
   * @param store Where they go.
   * @param databaseRetry Waits for a database that is away.
   */
  constructor(store: TaskStore, databaseRetry: DatabaseRetry) {
    this.#store = store;
    this.#databaseRetry = databaseRetry;
    const isPermanent = (error: unknown) => !databaseRetry.isTransient(error);
    this.#batcher = new Batcher((items) => this.#write(items), undefined, undefined, isPermanent);
  }

  /**
   * Writes a task.
   *
   * @param task The task.
   * @param attempt The attempt that it belongs to, which learns what came of it; `undefined`: any
   * node can claim the task.
   * @returns What came of it.
   */
  async add(task: NewTask, attempt?: RunningAttempt): Promise<Announcement> {
    const announced = await this.#batcher.add({ task, attempt });
    if (attempt !== undefined && announced.status !== "skipped") {
      if (announced.status === "written") attempt.written();
      else attempt.unwritten();
    }
    return announced;
  }

  /** One that the database refuses takes no other down. */
  async #announce(tasks: readonly NewTask[]): Promise<readonly Announcement[]> {
    try {
      return await this.#databaseRetry.run(
        `write ${tasks.length} tasks`,
        () => this.#store.announce(tasks),
      ) ?? [];
    } catch (error) {
      if (tasks.length === 1) return [{ status: "refused", error }];
      const half = tasks.length >> 1;
      return [
        ...await this.#announce(tasks.slice(0, half)),
        ...await this.#announce(tasks.slice(half)),
      ];
    }
  }

  async #write(items: readonly Item[]): Promise<Announcement[]> {
    const wanted = items.filter(({ attempt }) => attempt?.isEnded !== true);
    for (const { attempt } of wanted) attempt?.sent();
    const tasks = wanted.map(({ task }) => task);
    const written = tasks.length === 0 ? [] : await this.#announce(tasks);
    const results = new Map(wanted.map((item, index) => [item, written[index]]));
    return items.map((item) =>
      results.has(item) ? results.get(item) ?? { status: "lost" } : { status: "skipped" }
    );
  }
}
