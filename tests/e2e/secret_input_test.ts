/**
 * A secret in any argument of any public call appears in no error (DESCRIBE-1 of
 * `base/describe.ts`): neither in its message, nor in its details, nor where it is inspected.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { testEngine } from "../../src/testing/mod.ts";
import { defineActivity, defineWorkflow, type WorkflowContext } from "../../src/workflow/mod.ts";
import { type Scene, scene } from "../support/scene.ts";
import { forEachDatabase } from "../support/database.ts";

const SECRETS = [
  "postgres://app:S3CRET@h/d",
  "https://u:S3CRET@h/x?token=S3CRET",
  "host=h password=S3CRET",
];

/** What takes the place of one argument, or of one part of it. */
const POISONS = SECRETS.flatMap((
  secret,
): unknown[] => [secret, [secret], { [secret]: 1 }, { a: secret }, Symbol(secret)]);

/** Arguments with one part replaced, or with one key more: by each poison at each place. */
function* poisoned(value: unknown): Generator<unknown> {
  yield* POISONS;
  if (Array.isArray(value)) {
    for (const [index, part] of value.entries()) {
      for (const bad of poisoned(part)) yield value.with(index, bad);
    }
  } else if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    for (const secret of SECRETS) yield { ...value, [secret]: secret };
    for (const [key, part] of Object.entries(value)) {
      for (const bad of poisoned(part)) yield { ...value, [key]: bad };
    }
  }
}

/** Lists of arguments, each with one thing wrong. */
function* wrongLists(list: readonly unknown[]): Generator<unknown[]> {
  for (const [index, argument] of list.entries()) {
    for (const bad of poisoned(argument)) yield list.with(index, bad);
  }
}

/** All that a log or a caller sees of an error. */
function shownOf(error: unknown): string {
  const { message, details } = error as { message: string; details: unknown };
  return [message, JSON.stringify(details), Deno.inspect(error, { depth: 9 })].join("\n");
}

type Call = (...list: never[]) => unknown;

/** Holds a call to the promise; it may also take what it is given. */
async function holds(name: string, call: Call, list: readonly unknown[]): Promise<void> {
  for (const wrong of wrongLists(list)) {
    let thrown: unknown;
    try {
      const value = await call(...wrong as never[]);
      await (value as Partial<AsyncDisposable> | undefined)?.[Symbol.asyncDispose]?.();
      continue;
    } catch (error) {
      thrown = error;
    }
    assert(thrown instanceof Error, name);
    const shown = shownOf(thrown);
    assert(!shown.includes("S3CRET"), `${name}(${Deno.inspect(wrong, { depth: 9 })}): ${shown}`);
  }
}

const RETRY = { maxAttempts: 2, backoff: "constant", initial: 1, max: "1s", jitter: 0 };
const POLICY = { timeout: "1h", retry: { ...RETRY, nonRetryable: ["A"] } };
const TERMS = { ...POLICY, queue: "q", priority: 1, onCancel: "abandon", idempotencyKey: "k" };
const TIMES = { timeouts: { scheduleToStart: 1, scheduleToClose: 9, heartbeat: 1 } };

/** Definitions, and what opens an engine. */
const DEFINITIONS: Readonly<Record<string, readonly [call: Call, list: unknown[]]>> = {
  defineWorkflow: [defineWorkflow as Call, [
    { name: "w", version: "1", signals: {}, ...POLICY },
    () => {},
  ]],
  defineActivity: [defineActivity as Call, [
    { name: "a", ...TERMS, ...TIMES, idempotencyKey: undefined },
    () => {},
  ]],
  testEngine: [testEngine as Call, [
    { workflows: [], activities: {}, now: new Date(0), time: "manual", paranoid: false },
  ]],
};

/** Options of `open` that have everything but a config file, so that no node comes to be. */
const OPEN = {
  config: "/nowhere/deno.json",
  workflows: ["data:text/javascript,1"],
  namespace: "n",
  name: "node",
  lease: "30s",
  linger: 1,
  probe: 1,
  drainTimeout: 1,
  maxResidentRuns: 1,
  maxResidentBytes: 1,
  activityConcurrency: 1,
  archive: true,
  pinning: "strict",
  native: false,
  retention: { runs: "30d", generations: "30d", results: "30d", namespaces: "all" },
  limits: { payloadBytes: 2_048 },
  queues: { mail: { concurrency: 1, rateLimit: { limit: 1, per: "1s" } } },
  trust: { start: [], modules: [] },
  live: [],
  activities: [],
};

const OPENED: readonly (readonly [method: "open" | "connect", options: object])[] = [
  ["open", OPEN],
  ["open", {
    workflows: ["data:text/javascript,1"],
    fetch: () => Promise.reject(new Error("there is no network")),
  }],
  ["open", { database: 5, schema: "s" }],
  ["connect", { namespace: "n", limits: { payloadBytes: 0 } }],
];

/** Calls of an instance and of its handles; no run has the id `r`. */
const CALLS: Readonly<Record<string, readonly [call: (at: Scene) => Call, list: unknown[]]>> = {
  start: [({ node }) => node.start.bind(node) as Call, ["none", 1, {
    runId: "r",
    namespace: "n",
    idempotencyKey: "k",
    startAt: new Date(0),
    ifExists: "use",
    attributes: { a: 1 },
    signal: { name: "go", payload: 1, deliveryId: "d" },
    ...POLICY,
  }]],
  startMany: [({ node }) => node.startMany.bind(node) as Call, [
    "none",
    [{ input: 1, runId: "r", idempotencyKey: "k", attributes: { a: 1 } }],
    { namespace: "n", ifExists: "use", ...POLICY },
  ]],
  "runs.query": [({ node }) => node.runs.query.bind(node.runs) as Call, [{
    where: {
      workflow: "a",
      state: ["failed"],
      version: "v",
      createdAt: { lt: new Date(0) },
      attributes: { a: { gt: 1 } },
    },
    orderBy: { by: "createdAt", direction: "asc" },
    limit: 1,
    cursor: "c",
    namespace: "n",
    payloads: true,
  }]],
  "runs.count": [({ node }) => node.runs.count.bind(node.runs) as Call, [
    { where: { workflow: "a", attributes: { a: 1 } }, namespace: "n" },
  ]],
  "runs.prune": [({ node }) => node.runs.prune.bind(node.runs) as Call, [
    { olderThan: "1d", states: ["failed"], namespace: "n", limit: 1, dryRun: true },
  ]],
  "runs.delete": [({ node }) => node.runs.delete.bind(node.runs) as Call, [
    "none",
    { namespace: "n" },
  ]],
  "versions.list": [({ node }) => node.versions.list.bind(node.versions) as Call, ["none"]],
  "versions.source": [({ node }) => node.versions.source.bind(node.versions) as Call, ["a", "b"]],
  "versions.activate": [({ node }) => node.versions.activate.bind(node.versions) as Call, [
    "none",
    "a",
  ]],
  "activities.complete": [({ node }) => node.activities.complete.bind(node.activities) as Call, [
    "1.1.1",
    1,
  ]],
  "activities.fail": [({ node }) => node.activities.fail.bind(node.activities) as Call, [
    "1.1.1",
    "why",
  ]],
  "activities.heartbeat": [({ node }) => node.activities.heartbeat.bind(node.activities) as Call, [
    "1.1.1",
    1,
  ]],
  "schedules.create": [({ node }) => node.schedules.create.bind(node.schedules) as Call, [{
    id: "s",
    workflow: "none",
    every: "1h",
    anchor: new Date(0),
    overlap: "skip",
    catchUp: "last",
    catchUpWindow: "1h",
    jitter: 1,
    until: new Date(0),
    maxRuns: 1,
    paused: true,
    pin: true,
    attributes: { a: 1 },
    namespace: "n",
    ifExists: "use",
    input: 1,
    ...POLICY,
  }]],
  "schedules.create, cron": [({ node }) => node.schedules.create.bind(node.schedules) as Call, [
    { id: "s", workflow: "none", cron: "* * * * *", timeZone: "UTC" },
  ]],
  "schedules.list": [({ node }) => node.schedules.list.bind(node.schedules) as Call, [
    { states: ["active"], limit: 1, namespace: "n", cursor: "c" },
  ]],
  ...Object.fromEntries((["get", "pause", "resume", "cancel", "trigger"] as const).map((method) => [
    `schedules.${method}`,
    [({ node }: Scene) => node.schedules[method].bind(node.schedules) as Call, [
      "s",
      { namespace: "n" },
    ]],
  ])),
  ...Object.fromEntries(
    ([
      ["signal", "go", 1, { deliveryId: "d" }],
      ["result", { timeout: 1 }],
      ["status", { trace: true }],
      ["history", { from: 0, limit: 1, generation: 0 }],
      ["generations", { limit: 1, payloads: true }],
      ["trace", { at: 1 }],
      ["cancel", { reason: "a" }],
      ["terminate", { reason: "a" }],
      ["upgrade", { to: "v", dryRun: true }],
      ["retry"],
    ] as const).map(([method, ...list]) => [
      `run.${method}`,
      [
        ({ node }: Scene) => (id: never, ...rest: never[]) =>
          ((run) => (run[method] as Call).call(run, ...rest))(node.run(id)),
        ["r", ...list],
      ],
    ]),
  ),
  "run.attributes.set": [
    ({ node }) => (id: never, patch: never) => node.run(id).attributes.set(patch),
    ["r", { a: 1 }],
  ],
};

/** Calls of workflow code. */
const EFFECTS: readonly (readonly [method: string, ...list: unknown[]])[] = [
  ["run", "a", null, POLICY],
  ["transaction", "a", null, POLICY],
  ["activity", 5, 1, { ...TERMS, ...TIMES }],
  ["sleep", "soon", { signal: 5 }],
  ["waitForSignal", "", { timeout: 1 }],
  ["child", 5, 1, { id: "c", parentClose: "cancel", ...POLICY }],
  ["startChild", 5, 1, { id: "c", parentClose: "cancel", ...POLICY }],
  ["continueAsNew", () => {}, { version: "pinned" }],
  ["patched", ""],
];

Deno.test("a definition that is refused shows no secret that it holds", async () => {
  for (const [name, [call, list]] of Object.entries(DEFINITIONS)) await holds(name, call, list);
});

Deno.test("an effect that is refused shows no secret of its arguments", async () => {
  const shown: string[] = [];
  const tries = defineWorkflow({ name: "tries" }, async (ctx: WorkflowContext) => {
    for (const [method, ...list] of EFFECTS) {
      for (const wrong of wrongLists(list)) {
        try {
          await (ctx as unknown as Record<string, Call>)[method]!(...wrong as never[]);
        } catch (error) {
          shown.push(`${method}: ${shownOf(error)}`);
        }
      }
    }
  });
  await using engine = await testEngine({ workflows: [tries] });
  await (await engine.start(tries, undefined)).result();
  assert(shown.length > 1_000, `${shown.length}`);
  for (const each of shown) assert(!each.includes("S3CRET"), each);
});

forEachDatabase("secrets in arguments", (database, test) => {
  test("open() and connect() show no secret of their options", async () => {
    await using db = await database.fresh();
    const adapter = { database: db.database, schema: db.schema };
    for (const [method, options] of OPENED) {
      const call = (given: object) => {
        const isPlain = Object.getPrototypeOf(given) === Object.prototype;
        return Continuum[method]((isPlain ? { ...adapter, ...given } : given) as never);
      };
      await holds(method, call as Call, [options]);
    }
  });

  test("no call shows a secret of its arguments", async () => {
    await using at = await scene(database);
    for (const [name, [call, list]] of Object.entries(CALLS)) await holds(name, call(at), list);
  });
});
