/**
 * Engines for tests: real stores, real executors; workflows are given as definitions, in place of
 * modules that would have to be loaded.
 *
 * @module
 */

import { LOGTAPE } from "../../src/base/log.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { encode } from "../../src/base/values.ts";
import { fencingToken } from "../../src/base/ids.ts";
import { Activities } from "../../src/client/activities.ts";
import type { CodeSource } from "../../src/engine/code/source.ts";
import { Engine, type EngineOptions } from "../../src/engine/engine.ts";
import type { Exit } from "../../src/ports/exit.ts";
import type { CodeFailure } from "../../src/engine/code/run_code.ts";
import type { ClaimedRun } from "../../src/ports/rows.ts";
import type { Store } from "../../src/ports/store.ts";
import { Wakeups } from "../../src/store/wakeups.ts";
import { installGuard } from "../../src/replay/guard.ts";
import { probeDrain } from "../../src/replay/drain.ts";
import type { ActivityLike } from "../../src/replay/commands.ts";
import type { Execution } from "../../src/replay/machine.ts";
import type { LogLine, RunStart } from "../../src/replay/turn.ts";
import { executionOf } from "../../src/workflow/execute.ts";
import { policyText, readRunPolicy, type RunPolicyOptions } from "../../src/workflow/run_policy.ts";
import type { EmptyDatabase } from "./database.ts";
import type { WorkflowDefinition } from "../../src/workflow/context_types.ts";

/** Any workflow. */
// deno-lint-ignore no-explicit-any -- inputs differ from test to test
export type AnyWorkflow = WorkflowDefinition<any, any>;

/** A hash that names a version in tests. */
export function hashOf(workflow: string): string {
  return Array.from(workflow, (char) => char.charCodeAt(0).toString(16)).join("")
    .padEnd(64, "0").slice(0, 64);
}

/** A node of one test. */
export class TestNode implements AsyncDisposable {
  /** Its store. */
  readonly store: Store;
  /** Its engine. */
  readonly engine: Engine;
  /** Completes attempts from outside. */
  readonly activities: Activities;
  /** How runs left its memory, in order. */
  readonly exits: { readonly run: ClaimedRun; readonly exit: Exit }[] = [];
  /** Activities that modules of its versions would export. */
  readonly pinned: Map<string, ActivityLike>;
  /** Answers in place of the code, by hash. */
  readonly failures = new Map<string, CodeFailure>();
  /** What the next checks of inputs throw, in turn. */
  readonly inputErrors: Error[] = [];
  readonly #watchers = new Set<() => void>();

  private constructor(store: Store, code: (node: TestNode) => CodeSource, options: NodeOptions) {
    this.store = store;
    this.pinned = new Map(Object.entries(options.pinned ?? {}));
    const wakeups = new Wakeups(store.notices, LOGTAPE.engine);
    this.activities = new Activities({
      log: LOGTAPE.engine,
      store,
      payloadBytes: Infinity,
      wakeups,
    });
    this.engine = new Engine({
      store,
      log: LOGTAPE.engine,
      name: "test",
      code: code(this),
      wakeups,
      activities: new Map(),
      clock: systemClock,
      leaseMs: 60_000,
      lingerMs: 0,
      maxResidentRuns: 100,
      maxResidentBytes: Infinity,
      payloadBytes: Infinity,
      probeMs: 60_000,
      ...options,
      onExit: (run, exit) => {
        this.exits.push({ run, exit });
        for (const watcher of this.#watchers) watcher();
      },
    });
  }

  /** Opens a node on a database, with its own store. */
  static async open(
    db: EmptyDatabase,
    workflows: readonly AnyWorkflow[],
    options: NodeOptions = {},
  ): Promise<TestNode> {
    installGuard();
    const store = await db.open();
    const drain = await probeDrain();
    const byHash = new Map(workflows.map((workflow) => [hashOf(workflow.name), workflow]));
    const node = new TestNode(store, (node) => ({
      find(run) {
        const failure = node.failures.get(run.hash);
        if (failure !== undefined) return Promise.resolve(failure);
        const workflow = byHash.get(run.hash);
        if (workflow === undefined) return Promise.resolve({ kind: "node" });
        return Promise.resolve({
          retryIf: workflow.retry?.retryIf,
          activityCode: (activity) => node.codeOf(activity),
          execute: (start, given) => {
            const from = { ...start, version: start.hash };
            const log = (line: LogLine) => options.onLine?.(line);
            const execution = executionOf(workflow, from, { drain, log, ...given });
            options.onExecution?.(from, execution);
            return execution;
          },
        });
      },
      current: (workflow) =>
        Promise.resolve({ workflow, hash: hashOf(workflow), specifier: `test:${workflow}` }),
      childOf: (_run, workflow) => {
        const name = typeof workflow === "string" ? workflow : workflow.name;
        return Promise.resolve({ workflow: name, hash: hashOf(name), specifier: `test:${name}` });
      },
      checkInput: (_hash, input) => {
        const error = node.inputErrors.shift();
        return error === undefined ? Promise.resolve(input) : Promise.reject(error);
      },
      checkSignal: (_hash, _name, payload) => Promise.resolve(payload),
      activity: (_hash, code) =>
        Promise.resolve(node.pinned.get(code) ?? { kind: "node" } as const),
      probe: (hash) => Promise.resolve(!node.failures.has(hash) && byHash.has(hash)),
    }), options);
    for (const { name } of workflows) await register(store, name);
    await node.engine.open();
    return node;
  }

  /** Starts a run, on this node if it has room. */
  async start(
    workflow: string,
    input?: unknown,
    runId?: string,
    policy?: RunPolicyOptions,
  ): Promise<string> {
    const run = { ...newRun(workflow, input, runId), ...policyField(policy) };
    const lease = { node: this.engine.node, token: fencingToken() };
    const settled = this.engine.expect(lease.token);
    const [inserted] = await this.store.runs.insert([{ ...run, lease }])
      .catch((error) => {
        settled("unknown");
        throw error;
      });
    if (!inserted!.created) { // by an earlier try, whose answer was lost
      settled("settled");
      return run.runId;
    }
    this.engine.take({ ...run, lease }, inserted!);
    settled("settled");
    return run.runId;
  }

  /** Sends a signal as a client in this process does. */
  async signal(runId: string, name: string, payload?: unknown): Promise<void> {
    const message = { kind: "signal", name, payload: encode(payload) } as const;
    const delivery = await this.store.runs.deliver(runId, message);
    if (delivery.status !== "delivered") throw new Error(`not delivered: ${delivery.status}`);
    const { run, node } = delivery;
    this.engine.receive(node === null ? { kind: "due" } : { kind: "message", node, run });
  }

  /** Resolves when a run has left this node's memory in that way. */
  async left(runId: string, kind: Exit["kind"]): Promise<Exit> {
    while (true) {
      const found = this.exits.findLast(({ run, exit }) =>
        run.runId === runId && exit.kind === kind
      );
      if (found !== undefined) return found.exit;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }

  /** Where an activity stands, if a module exports it. */
  codeOf(activity: ActivityLike): string | null {
    for (const [code, pinned] of this.pinned) if (pinned === activity) return code;
    return null;
  }

  /** Forgets how runs left so far. */
  forget(): void {
    this.exits.length = 0;
  }

  /** Closes the engine in good order; the database closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close(1_000);
  }
}

/** What a test may say about its node. */
export type NodeOptions = Partial<Omit<EngineOptions, "store" | "code" | "onExit">> & {
  readonly clock?: Clock;
  /** Activities that modules of its versions would export, by where they stand. */
  readonly pinned?: Readonly<Record<string, ActivityLike>>;
  /** Told of every execution before its first turn. */
  readonly onExecution?: (start: RunStart, execution: Execution) => void;
  /** Told of every line that workflow code logs. */
  readonly onLine?: (line: LogLine) => void;
};

/** A run as a client makes it. */
export function newRun(
  workflow: string,
  input?: unknown,
  runId: string = crypto.randomUUID(),
): Pick<
  ClaimedRun,
  "namespace" | "runId" | "workflow" | "hash" | "specifier" | "input" | "seed"
> {
  return {
    namespace: "default",
    runId,
    workflow,
    hash: hashOf(workflow),
    specifier: `test:${workflow}`,
    input: encode(input),
    seed: "seed",
  };
}

/** What a start says of a run's policies, as a field of it. */
export function policyField(policy: RunPolicyOptions = {}): { readonly policy?: string } {
  const text = policyText(readRunPolicy(policy, "a test"));
  return text === null ? {} : { policy: text };
}

/** Registers a version for tests. */
export async function register(store: Store, workflow: string): Promise<void> {
  await store.versions.register({
    hash: hashOf(workflow),
    workflow,
    label: null,
    manifest: `test ${workflow}`,
    specifier: `test:${workflow}`,
    blobs: null,
  });
}

/**
 * Expires every other node, whatever its lease is. The store passes over a node whose row is locked
 * in this moment, by its heartbeat or by a claim of its own, so this asks until one has expired.
 *
 * @returns How many runs they held.
 */
export async function expireOthers(store: Store, self: string): Promise<number> {
  for (;;) {
    const { nodes, runs } = await store.nodes.expire(self, true);
    if (nodes > 0) return runs;
  }
}

/**
 * Expires a node, as another does once its lease ran out, and lets that one take over. A node that
 * is alive may renew its lease at any moment, so this is repeated until it is expired.
 *
 * @param db Where they are.
 * @param expired The node that is taken for dead.
 * @param by The node that takes over.
 */
export async function expireNode(
  db: EmptyDatabase,
  expired: TestNode,
  by: TestNode,
): Promise<void> {
  const { node } = expired.engine;
  for (let isThere = true; isThere;) {
    await db.query(
      "update {schema}.nodes set expires_at = clock_timestamp() - interval '1 second' where id = $1",
      [node],
    );
    await by.store.nodes.expire(by.engine.node, false);
    isThere = (await db.query("select from {schema}.nodes where id = $1", [node])).length > 0;
  }
  await by.engine.catchUp();
}
