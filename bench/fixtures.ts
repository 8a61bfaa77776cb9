/**
 * What the workloads on runs share: nodes and clients on a database, and what runs report back.
 *
 * @module
 */

import { Continuum, type OpenOptions } from "../mod.ts";
import { outside } from "../src/replay/scope.ts";
import bench, { HOOKS, type Hooks, type Work } from "./peers_workflow.ts";
import type { BenchDatabase } from "./databases.ts";

/**
 * Calls back when the turn is over: inside a turn, code is the workflow's, for which clock, timers
 * and I/O are not the machine's.
 *
 * @param call The function to call.
 */
export function afterTurn(call: () => void): void {
  outside(() => void setImmediate(call));
}

/** What runs report back, in this process. */
export class Marks implements Hooks {
  readonly stepAt: number[] = [];
  parked = 0;
  ended = 0;
  readonly #doneAt = new Map<number, (at: number) => void>();
  #notices: (() => void)[] = [];

  constructor() {
    const hooks: Hooks = {
      step: (i, k) => this.step(i, k),
      park: (i) => afterTurn(() => this.park(i)),
      done: (i) => afterTurn(() => this.done(i)),
    };
    (globalThis as unknown as { [HOOKS]: unknown })[HOOKS] = hooks;
  }

  step(_i: number, _k: number): void {
    this.stepAt.push(performance.now());
  }

  park(_i: number): void {
    this.parked++;
    this.#tell();
  }

  done(i: number): void {
    this.ended++;
    this.#doneAt.get(i)?.(performance.now());
    this.#doneAt.delete(i);
    this.#tell();
  }

  /** When run `i` has come to its last line. */
  end(i: number): Promise<number> {
    return new Promise((resolve) => void this.#doneAt.set(i, resolve));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void this.#notices.push(resolve));
  }

  #tell(): void {
    const notices = this.#notices;
    this.#notices = [];
    for (const notice of notices) notice();
  }
}

const WORKFLOWS = [
  import.meta.resolve("./peers_workflow.ts"),
  import.meta.resolve("./activities_workflow.ts"),
];

/** Opens a node. */
export function open(db: BenchDatabase, options: OpenOptions = {}): Promise<Continuum> {
  return Continuum.open({ ...db.options, workflows: WORKFLOWS, ...options });
}

/** Connects a client, which executes nothing. */
export function connect(db: BenchDatabase): Promise<Continuum> {
  return Continuum.connect({ ...db.options, workflows: WORKFLOWS });
}

/** What run `i` does. */
export function work(i: number, n: number, park = false): Work {
  return { i, n, park };
}

/** Executes some runs, so that what is compiled and prepared once does not count. */
export async function warmUp(node: Continuum, runs = 20): Promise<void> {
  await Promise.all(Array.from({ length: runs }, async (_, i) => {
    await (await node.start(bench, work(-1 - i, 10))).result();
  }));
}
