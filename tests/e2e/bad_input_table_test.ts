/**
 * The table of bad input: for every public function, options that are unknown or out of range,
 * invalid names, values that can't be kept; and calls where they have no place. Each is
 * refused by a typed error that names the value and the wanted form, and nothing is lost by it.
 * What needs more than a line is in `bad_input_test.ts`, `client/bad_input_test.ts` and
 * `client/payload_limit_test.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { refused as refusedBy, type Scene, scene, source } from "../support/scene.ts";
import { Continuum } from "../../src/continuum.ts";
import type { OpenOptions } from "../../src/options.ts";
import { testEngine, type TestEngineOptions } from "../../src/testing/mod.ts";
import { defineActivity, defineWorkflow, type WorkflowContext } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";

/** What is wanted of an error: its code, and words of its message. */
type Wanted = readonly [code: string, ...words: (string | RegExp)[]];

const LONG = "x".repeat(256);
const ODD = { odd: 1 } as never;
const ACTIVITY = defineActivity({ name: "charge" }, () => {});
const ARGUMENT = "INVALID_ARGUMENT";

const refused = (call: () => unknown, [code, ...words]: Wanted): Promise<void> =>
  refusedBy((async () => await call())(), code, ...words);

/** Names that can't be kept, or are not the caller's to give. */
const BAD_NAMES: readonly (readonly [name: unknown, word: string])[] = [
  ["", 'found ""'],
  ["x".repeat(201), "a text of 201 characters, wanted a text of 1 to 200"],
  ["a\0b", "without NUL"],
  ["\ud800", "lone surrogates"],
  ["continuum:mine", 'found "continuum:mine"'],
  [7, "found 7"],
  [undefined, "found undefined"],
];

/** Retry policies that make no sense. */
const BAD_RETRIES: readonly (readonly [retry: unknown, ...words: string[]])[] = [
  [5, "retry", "found 5", "an object"],
  [null, "retry", "found null"],
  [{ attempts: 1 }, '"attempts"', "maxAttempts"],
  [{ maxAttempts: 0 }, "retry.maxAttempts", "found 0", "from 1"],
  [{ maxAttempts: 1.5 }, "retry.maxAttempts", "found 1.5"],
  [{ maxAttempts: "5" }, "retry.maxAttempts", 'found "5"'],
  [{ backoff: "linear" }, "retry.backoff", '"linear"', '"constant"'],
  [{ initial: -1 }, "retry.initial", "found -1"],
  [{ max: "soon" }, "retry.max", '"soon"'],
  [{ initial: "1m", max: "1s" }, "retry.max", "1000 ms", "60000 ms or more"],
  [{ jitter: 2 }, "retry.jitter", "found 2", "from 0 to 1"],
  [{ jitter: "0.5" }, "retry.jitter", 'found "0.5"'],
  [{ nonRetryable: "DECLINED" }, "retry.nonRetryable", '"DECLINED"', "an array"],
  [{ nonRetryable: [1] }, "retry.nonRetryable", "an array"],
];

/** Invalid timeouts. */
const BAD_TIMEOUTS: readonly (readonly [options: object, ...words: string[]])[] = [
  [{ timeout: 0 }, "timeout of", "0 ms", "1 ms or more"],
  [{ timeout: -5 }, "timeout of", "found -5"],
  [{ timeout: "soon" }, "timeout of", '"soon"', '"30s"'],
  [{ timeout: NaN }, "timeout of", "NaN"],
  [{ timeout: "300000d" }, "timeout of", '"300000d"', "104166 days"],
];

/** What only activities take. */
const BAD_TASKS: readonly (readonly [options: object, ...words: string[]])[] = [
  [{ timeouts: 5 }, "timeouts of", "found 5"],
  [{ timeouts: { total: 1 } }, '"total"', "scheduleToClose"],
  [{ timeouts: { heartbeat: 0 } }, "timeouts.heartbeat", "0 ms"],
  [{ timeouts: { scheduleToStart: "x" } }, "timeouts.scheduleToStart", '"x"'],
  [{ timeouts: { scheduleToClose: -1 } }, "timeouts.scheduleToClose", "found -1"],
  [{ timeout: 1, timeouts: { startToClose: 1 } }, "timeouts.startToClose", "one of them"],
  [{ queue: "" }, "queue of", 'found ""', "1 to 255"],
  [{ queue: LONG }, "queue of", "256 characters"],
  [{ queue: 7 }, "queue of", "found 7"],
  [{ priority: 0.5 }, "priority of", "0.5", "a whole number"],
  [{ priority: 2 ** 31 }, "priority of", String(2 ** 31)],
  [{ onCancel: "stop" }, "onCancel of", '"stop"', '"abandon"'],
];

/** What whole runs take, wherever they are started. */
const BAD_POLICIES: readonly (readonly [options: object, ...words: string[]])[] = [
  ...BAD_TIMEOUTS,
  ...BAD_RETRIES.map(([retry, ...words]) => [{ retry }, ...words] as const),
];

/** Options of `open` that no node can have, and what is said of them. */
const BAD_OPTIONS: Readonly<Record<string, readonly [options: unknown, wanted: Wanted]>> = {
  "a bigint": [10n, ["INVALID_ARGUMENT", "10", "an object"]],
  "no object": [null, ["INVALID_ARGUMENT", "null", "an object"]],
  "an unknown key": [{ workflow: [] }, ["INVALID_ARGUMENT", "workflow", "workflows"]],
  "a text for workflows": [{ workflows: "./a.ts" }, ["INVALID_ARGUMENT", "workflows", "./a.ts"]],
  "a relative specifier": [
    { workflows: ["./a.ts"] },
    ["INVALID_ARGUMENT", '"./a.ts"', "import.meta.resolve"],
  ],
  "no room": [{ maxResidentRuns: 0 }, ["INVALID_ARGUMENT", "maxResidentRuns", "0", "from 1"]],
  "no memory": [{ maxResidentBytes: 0 }, ["INVALID_ARGUMENT", "maxResidentBytes", "0", "from 1"]],
  "half a run": [{ maxResidentRuns: 1.5 }, ["INVALID_ARGUMENT", "maxResidentRuns", "1.5"]],
  "a lease too short to keep": [{ lease: 1 }, ["INVALID_ARGUMENT", "lease", "1", "300"]],
  "a lease of months": [{ lease: "3 months" }, ["INVALID_ARGUMENT", "lease", "3 months"]],
  "a negative linger": [{ linger: -1 }, ["INVALID_ARGUMENT", "linger", "-1"]],
  "a probe that is no time": [{ probe: NaN }, ["INVALID_ARGUMENT", "probe", "NaN"]],
  "a retention that is a time": [{ retention: "30d" }, ["INVALID_ARGUMENT", "retention", "30d"]],
  "a retention of something else": [
    { retention: { events: "30d" } },
    ["INVALID_ARGUMENT", "retention", "events", "runs, generations, results"],
  ],
  "a retention too short to see an end": [
    { retention: { runs: 30 } },
    ["INVALID_ARGUMENT", "retention.runs", "30", "1 minute"],
  ],
  "a retention that is no time": [
    { retention: { generations: "a while" } },
    ["INVALID_ARGUMENT", "retention.generations", "a while"],
  ],
  "a retention of no namespace": [
    { retention: { runs: "30d", namespaces: "every" } },
    ["INVALID_ARGUMENT", "retention.namespaces", "every", '"all"'],
  ],
  "an archive that is a text": [{ archive: "yes" }, ["INVALID_ARGUMENT", "archive", "yes"]],
  "an archive of odd tarballs": [
    { archive: { tarballs: "yes" } },
    ["INVALID_ARGUMENT", "archive.tarballs", "yes"],
  ],
  "another pinning": [{ pinning: "loose" }, ["INVALID_ARGUMENT", "pinning", "loose", "strict"]],
  "a fetch that is not a function": [{ fetch: 1 }, [
    "INVALID_ARGUMENT",
    "fetch",
    "1",
    "a function",
  ]],
  "an empty name": [{ name: "" }, ["INVALID_ARGUMENT", "node's name", 'found ""']],
  "a name of 256 characters": [{ name: LONG }, ["INVALID_ARGUMENT", "node's name", "256"]],
  "an array": [[], ["INVALID_ARGUMENT", "an empty array", "an object"]],
  "a namespace of 256 characters": [{ namespace: LONG }, ["INVALID_ARGUMENT", "namespace", "256"]],
  "no attempts at once": [
    { activityConcurrency: 0 },
    ["INVALID_ARGUMENT", "activityConcurrency", "found 0", "from 1"],
  ],
  "a drain that is no time": [{ drainTimeout: "x" }, ["INVALID_ARGUMENT", "drainTimeout", '"x"']],
  "queues in an array": [{ queues: [] }, ["INVALID_ARGUMENT", "queues", "by name"]],
  "a queue without a name": [{ queues: { "": {} } }, ["INVALID_ARGUMENT", "queue", 'found ""']],
  "a queue of half an attempt": [
    { queues: { mail: { concurrency: 0.5 } } },
    ["INVALID_ARGUMENT", "queues.mail.concurrency", "0.5", "from 0"],
  ],
  "a queue with an unknown key": [
    { queues: { mail: { rate: 1 } } },
    ["INVALID_ARGUMENT", "queues.mail", "rate", "rateLimit"],
  ],
  "a rate of nothing": [
    { queues: { mail: { rateLimit: { limit: 0, per: "1s" } } } },
    ["INVALID_ARGUMENT", "queues.mail.rateLimit.limit", "found 0"],
  ],
  "a rate in no time": [
    { queues: { mail: { rateLimit: { limit: 1, per: 0 } } } },
    ["INVALID_ARGUMENT", "queues.mail.rateLimit.per", "found 0"],
  ],
  "limits that are a number": [{ limits: 5 }, ["INVALID_ARGUMENT", "limits", "found 5"]],
  "an unknown limit": [{ limits: { bytes: 1 } }, ["INVALID_ARGUMENT", '"bytes"', "payloadBytes"]],
  "a payload limit below its range": [
    { limits: { payloadBytes: 1_023 } },
    ["INVALID_ARGUMENT", "limits.payloadBytes", "1023", "1024 to 268435456"],
  ],
  "a payload limit above its range": [
    { limits: { payloadBytes: 2 ** 29 } },
    ["INVALID_ARGUMENT", "limits.payloadBytes", String(2 ** 29)],
  ],
  "a config that is no path": [{ config: 7 }, ["INVALID_ARGUMENT", "config", "found 7"]],
  "live modules in a text": [{ live: "db.ts" }, ["INVALID_ARGUMENT", "live", '"db.ts"']],
  "native modules by a text": [{ native: "no" }, ["INVALID_ARGUMENT", "native", '"no"']],
  "one activity twice": [
    { activities: [ACTIVITY, ACTIVITY] },
    ["INVALID_ARGUMENT", "activities", '"charge"', "once"],
  ],
  "an activity without a list": [{ activities: ACTIVITY }, ["INVALID_ARGUMENT", "activities"]],
  "an activity that is a function": [
    { activities: [() => 1] },
    ["INVALID_ARGUMENT", "activities", "defineActivity"],
  ],
  "trust in a text": [{ trust: "all" }, ["INVALID_ARGUMENT", "trust", "all"]],
  "trust with an unknown key": [
    { trust: { module: [] } },
    ["INVALID_ARGUMENT", "trust", "module", "modules"],
  ],
  "trust in what is no pattern": [
    { trust: { modules: ["not a url"] } },
    ["INVALID_ARGUMENT", "trust.modules", "not a url"],
  ],
  "trust in what is no pattern to start": [
    { trust: { start: ["*://("] } },
    ["INVALID_ARGUMENT", "trust.start", "*://("],
  ],
  "a database of another kind": [
    { database: "mysql://user:secret@host/x" },
    ["DATABASE_OPTION", "mysql://", /^(?!.*secret)/],
  ],
  "a database that is a number": [{ database: 5 }, ["DATABASE_OPTION", "5"]],
  "an empty schema": [{ schema: "" }, ["DATABASE_OPTION", "schema"]],
  "a config that is not there": [
    { config: "/nowhere/deno.json", workflows: ["data:text/javascript,1"] },
    ["CONFIG_INVALID", "/nowhere/deno.json"],
  ],
};

/** Options of `connect`. */
const BAD_CLIENTS: readonly (readonly [options: unknown, wanted: Wanted])[] = [
  [null, [ARGUMENT, "found null"]],
  [{ lease: "1s" }, [ARGUMENT, '"lease"', "database, schema"]],
  [{ namespace: "a\0" }, [ARGUMENT, "namespace", "NUL"]],
  [{ limits: { payloadBytes: 0 } }, [ARGUMENT, "limits.payloadBytes", "found 0"]],
];

/** Definitions that make no sense. */
const BAD_DEFINITIONS: readonly (readonly [define: () => unknown, wanted: Wanted])[] = [
  ...BAD_NAMES.flatMap(([name, word]) =>
    [
      [() => defineWorkflow({ name: name as never }, () => {}), [ARGUMENT, "a workflow", word]],
      [() => defineActivity({ name: name as never }, () => {}), [ARGUMENT, "an activity", word]],
      [
        () => defineWorkflow({ name: "w", signals: { [String(name)]: 1 as never } }, () => {}),
        [ARGUMENT, "signal"],
      ],
    ] as const
  ),
  ...BAD_RETRIES.map(([retry, ...words]) =>
    [() => defineActivity({ name: "a", retry: retry as never }, () => {}), [
      ARGUMENT,
      ...words,
    ]] as const
  ),
  ...[...BAD_TIMEOUTS, ...BAD_TASKS].map(([options, ...words]) =>
    [() => defineActivity({ name: "a", ...options }, () => {}), [ARGUMENT, ...words]] as const
  ),
  ...BAD_POLICIES.map(([options, ...words]) =>
    [() => defineWorkflow({ name: "w", ...options }, () => {}), [ARGUMENT, ...words]] as const
  ),
  [() => defineActivity(null as never, () => {}), [ARGUMENT, "defineActivity", "found null"]],
  [() => defineActivity({ name: "a", odd: 1 } as never, () => {}), [ARGUMENT, '"odd"', "retry"]],
  [() => defineActivity({ name: "a" }, 5 as never), [ARGUMENT, "the function", "found 5"]],
  [
    () => defineActivity({ name: "a", idempotencyKey: "k" as never }, () => {}),
    [ARGUMENT, "idempotencyKey", '"k"', "a function"],
  ],
  [() => defineWorkflow(5 as never, () => {}), [ARGUMENT, "defineWorkflow", "found 5"]],
  [() => defineWorkflow({ name: "w", odd: 1 } as never, () => {}), [ARGUMENT, '"odd"', "signals"]],
  [() => defineWorkflow({ name: "w" }, "run" as never), [ARGUMENT, "the function", '"run"']],
  [() => defineWorkflow({ name: "jsr:@a/b" }, () => {}), [ARGUMENT, '"jsr:@a/b"', "a specifier"]],
  [() => defineWorkflow({ name: "w", version: NaN }, () => {}), [ARGUMENT, "version", "NaN"]],
  [() => defineWorkflow({ name: "w", version: "" }, () => {}), [ARGUMENT, "version", 'found ""']],
  [
    () => defineWorkflow({ name: "w", input: {} as never }, () => {}),
    [ARGUMENT, "the input", "Standard Schema"],
  ],
  [
    () => defineWorkflow({ name: "w", signals: [] as never }, () => {}),
    [ARGUMENT, "signals", "schemas by name"],
  ],
];

/** Calls of an instance and of its handles; the run `r` waits for a signal. */
const BAD_CALLS: readonly (readonly [call: (at: Scene) => unknown, wanted: Wanted])[] = [
  ...BAD_NAMES.map(([name, word]) =>
    [({ node }: Scene) => node.run("r").signal(name as never), [
      ARGUMENT,
      "a signal",
      word,
    ]] as const
  ),
  ...BAD_POLICIES.flatMap(([options, ...words]) =>
    [
      [({ node }: Scene) => node.start("echo", 1, options), [ARGUMENT, ...words]],
      [
        ({ node }: Scene) => node.startMany("echo", [{ input: 1 }], options),
        [ARGUMENT, ...words],
      ],
      [
        ({ node }: Scene) =>
          node.schedules.create({ id: "s", workflow: "echo", every: "1h", ...options }),
        [ARGUMENT, ...words],
      ],
    ] as const
  ),
  [({ node }) => node.start("echo", 1, ODD), [ARGUMENT, '"odd"', "runId"]],
  [
    ({ node }) => node.start("echo", 1, { startAt: new Date(-8.64e15) }),
    [ARGUMENT, "startAt", "-271821-04-20T00:00:00.000Z", "1970 to 9999"],
  ],
  [({ node }) => node.start(7 as never), [ARGUMENT, "found 7"]],
  [({ node }) => node.start("nobody"), ["VERSION_NOT_FOUND", '"nobody"']],
  [({ node }) => node.startMany("echo", [{ input: 1, odd: 1 } as never]), [ARGUMENT, '"odd"']],
  [({ node }) => node.startMany("echo", [], ODD), [ARGUMENT, '"odd"', "ifExists"]],
  [({ node }) => node.run("r", ODD), [ARGUMENT, '"odd"', "namespace"]],
  [({ node }) => node.run("a\0"), [ARGUMENT, "run id", "NUL"]],
  [({ node }) => node.run("r").signal("go", 1, ODD), [ARGUMENT, '"odd"', "deliveryId"]],
  [({ node }) => node.run("r").signal("go", 1, { deliveryId: LONG }), [
    ARGUMENT,
    "deliveryId",
    "256",
  ]],
  [({ node }) => node.run("r").signal("go", 1, { deliveryId: "a\0" }), [
    ARGUMENT,
    "deliveryId",
    "NUL",
  ]],
  [({ node }) => node.run("r").signal("go", () => 1), ["NOT_SERIALIZABLE", "payload"]],
  [({ node }) => node.run("strict").signal("other"), ["UNDECLARED_SIGNAL", '"other"', '"go"']],
  [({ node }) => node.run("r").result(ODD), [ARGUMENT, '"odd"', "timeout, signal"]],
  [({ node }) => node.run("r").result({ timeout: -1 }), [ARGUMENT, "timeout", "found -1"]],
  [({ node }) => node.run("r").result({ signal: 5 as never }), [
    ARGUMENT,
    "found 5",
    "an AbortSignal",
  ]],
  [({ node }) => node.run("r").status(ODD), [ARGUMENT, '"odd"', "trace"]],
  [({ node }) => node.run("r").status({ trace: 1 as never }), [ARGUMENT, "trace", "found 1"]],
  [({ node }) => node.run("r").history(ODD), [ARGUMENT, '"odd"', "from, limit"]],
  [({ node }) => node.run("r").history({ from: -1 }), [ARGUMENT, "from", "found -1"]],
  [({ node }) => node.run("r").history({ limit: 0 }), [ARGUMENT, "limit", "found 0", "from 1"]],
  [({ node }) => node.run("r").cancel(ODD), [ARGUMENT, '"odd"', "reason"]],
  [({ node }) => node.run("r").cancel({ reason: 5 as never }), [ARGUMENT, "reason", "found 5"]],
  [
    ({ node }) => node.run("r").cancel({ reason: "x".repeat(1_001) }),
    [ARGUMENT, "reason", "1001 characters", "1 to 1000"],
  ],
  [({ node }) => node.run("r").terminate(ODD), [ARGUMENT, '"odd"', "reason"]],
  [({ node }) => node.run("r").terminate({ reason: "" }), [ARGUMENT, "reason", 'found ""']],
  [({ node }) => node.run("r").upgrade(ODD), [ARGUMENT, '"odd"', "to, dryRun"]],
  [({ node }) => node.run("r").upgrade({ to: 5 as never }), [ARGUMENT, "to", "found 5"]],
  [({ node }) => node.run("r").upgrade({ dryRun: 1 as never }), [ARGUMENT, "dryRun", "found 1"]],
  [({ node }) => node.run("r").attributes.set(5 as never), [ARGUMENT, "attributes", "found 5"]],
  [({ node }) => node.runs.query(null as never), [ARGUMENT, "runs.query()", "found null"]],
  [({ node }) => node.runs.query(ODD), [ARGUMENT, '"odd"', "where"]],
  [({ node }) => node.runs.query({ limit: 0 }), [ARGUMENT, "limit", "found 0", "1 to 1000"]],
  [({ node }) => node.runs.query({ limit: 1_001 }), [ARGUMENT, "limit", "1001"]],
  [({ node }) => node.runs.query({ namespace: "" }), [ARGUMENT, "namespace", 'found ""']],
  [({ node }) => node.runs.query({ payloads: 1 as never }), [ARGUMENT, "payloads", "found 1"]],
  [({ node }) => node.runs.query({ cursor: "x" }), ["INVALID_CURSOR", '"x"']],
  [({ node }) => node.runs.query({ orderBy: ODD }), [ARGUMENT, '"odd"', "direction"]],
  [({ node }) => node.runs.query({ orderBy: { by: "id" as never } }), [
    ARGUMENT,
    "orderBy.by",
    '"id"',
  ]],
  [({ node }) => node.runs.query({ where: { odd: 1 } as never }), [ARGUMENT, "odd", "workflow"]],
  [
    ({ node }) => node.runs.count({ where: { createdAt: { lt: new Date(-8.64e15) } } }),
    [ARGUMENT, "where.createdAt.lt", "1970 to 9999"],
  ],
  [({ node }) => node.runs.count(ODD), [ARGUMENT, '"odd"', "namespace"]],
  [({ node }) => node.run("r").history({ generation: -1 }), [ARGUMENT, "generation", "found -1"]],
  [({ node }) => node.run("r").generations(ODD), [ARGUMENT, '"odd"', "payloads"]],
  [({ node }) => node.run("r").generations({ limit: 0 }), [ARGUMENT, "limit", "found 0"]],
  [({ node }) => node.run("r").generations({ payloads: 1 as never }), [ARGUMENT, "payloads"]],
  ...([
    [{}, "olderThan and before", "found neither", "exactly one"],
    [{ olderThan: "1d", before: new Date() }, "olderThan and before", "found both"],
    [{ olderThan: "soon" }, "olderThan", '"soon"'],
    [{ before: new Date(NaN) }, "before", "an invalid Date"],
    [{ before: new Date(-8.64e15) }, "before", "-271821-04-20T00:00:00.000Z", "1970 to 9999"],
    [{ olderThan: "1d", odd: 1 }, '"odd"', "dryRun"],
    [{ olderThan: "1d", limit: 0 }, "limit", "found 0"],
    [{ olderThan: "1d", dryRun: 1 }, "dryRun", "found 1"],
    [{ olderThan: "1d", namespace: "" }, "namespace", 'found ""'],
  ] as const).flatMap(([options, ...words]) =>
    (["prune", "pruneResults"] as const).map((method) =>
      [({ node }: Scene) => node.runs[method](options as never), [ARGUMENT, ...words]] as const
    )
  ),
  [
    ({ node }) => node.runs.prune({ olderThan: "1d", states: ["running" as never] }),
    [ARGUMENT, "states"],
  ],
  [({ node }) => node.runs.delete(7 as never), [ARGUMENT, "the id of a run", "found 7"]],
  [({ node }) => node.runs.delete(""), [ARGUMENT, "the id of a run", 'found ""']],
  [({ node }) => node.runs.delete("r", { name: "n" } as never), [ARGUMENT, '"name"']],
  [({ node }) => node.runs.delete("none"), ["RUN_NOT_FOUND", '"none"']],
  [({ node }) => node.versions.list(7 as never), [ARGUMENT, "versions.list()", "found 7"]],
  [({ node }) => node.versions.list({ workflow: 7 as never }), [ARGUMENT, "a workflow", "found 7"]],
  [({ node }) => node.versions.list({ state: "old" as never }), [ARGUMENT, "state", "draining"]],
  [({ node }) => node.versions.list({ state: ["x"] as never }), [ARGUMENT, "state[0]", '"x"']],
  [({ node }) => node.versions.list({ hash: "XYZ" }), [ARGUMENT, "hash", "hexadecimal"]],
  [({ node }) => node.versions.list({ limit: 0 }), [ARGUMENT, "limit", "1 to 1000"]],
  [({ node }) => node.versions.list({ cursor: "x" }), ["INVALID_CURSOR", "versions.list()"]],
  [({ node }) => node.versions.activate("", "a"), [ARGUMENT, "a workflow", 'found ""']],
  [({ node }) => node.versions.activate("echo", 7 as never), [ARGUMENT, "hash", "found 7"]],
  [({ node }) => node.activities.complete(7 as never), ["TASK_NOT_FOUND", "found the token 7"]],
  [
    ({ node }) => node.activities.complete(Object.create(null)),
    ["TASK_NOT_FOUND", "found the token an object"],
  ],
  [({ node }) => node.activities.fail("a", 1), [
    "TASK_NOT_FOUND",
    "a text of 1 characters, which is no token",
  ]],
  [({ node }) => node.activities.heartbeat("1.1.1"), ["TASK_NOT_FOUND", '"1.1.***"']],
  [({ node }) => node.activities.heartbeat("1.1.1", "x".repeat(20_000)), [
    ARGUMENT,
    "heartbeat",
    "16384",
  ]],
  [({ node }) => node.schedules.create(null as never), [
    ARGUMENT,
    "schedules.create",
    "found null",
  ]],
  ...([
    [{ odd: 1 }, '"odd"', "overlap"],
    [{ id: "" }, "id", 'found ""', "1 to 255"],
    [{ id: "x".repeat(256) }, "id", "1 to 255"],
    [{ workflow: 7 }, "workflow", "found 7"],
    [{ every: 999 }, "every", "999", "1 second"],
    [{ every: undefined }, "at, every or cron", "exactly one"],
    [{ cron: "* * * * *" }, "at, every or cron", "every and cron"],
    [{ every: undefined, cron: "61 * * * *" }, "61"],
    [{ every: undefined, cron: "* * * * *", timeZone: "Mars/Base" }, "Mars/Base"],
    [{ every: undefined, at: new Date(NaN) }, "at", "an invalid Date"],
    [{ anchor: 5 }, "anchor", "found 5"],
    [{ overlap: "queue" }, "overlap", '"queue"', "buffer_one"],
    [{ catchUp: "some" }, "catchUp", '"some"', "last"],
    [{ catchUp: "none", catchUpWindow: 1 }, "catchUpWindow"],
    [{ jitter: "x" }, "jitter", '"x"'],
    [{ until: "tomorrow" }, "until", '"tomorrow"'],
    [{ maxRuns: 0 }, "maxRuns", "found 0"],
    [{ paused: 1 }, "paused", "found 1"],
    [{ pin: "yes" }, "pin", '"yes"'],
    [{ attributes: 5 }, "attributes", "found 5"],
    [{ namespace: "" }, "namespace", 'found ""'],
    [{ ifExists: "ignore" }, "ifExists", '"ignore"'],
  ] as const).map(([options, ...words]) =>
    [
      ({ node }: Scene) =>
        node.schedules.create({ id: "s", workflow: "echo", every: "1h", ...options } as never),
      [ARGUMENT, ...words],
    ] as const
  ),
  [({ node }) => node.schedules.list(ODD), [ARGUMENT, '"odd"', "states"]],
  [({ node }) => node.schedules.list({ limit: 0 }), [ARGUMENT, "limit", "found 0"]],
  [({ node }) => node.schedules.list({ states: ["x" as never] }), [ARGUMENT, "states", "active"]],
  ...(["get", "pause", "resume", "cancel", "trigger"] as const).flatMap((method) =>
    [
      [({ node }: Scene) => node.schedules[method](""), [ARGUMENT, "id of a schedule", 'found ""']],
      [({ node }: Scene) => node.schedules[method](7 as never), [ARGUMENT, "id of a", "found 7"]],
      [({ node }: Scene) => node.schedules[method]("s", ODD), [ARGUMENT, '"odd"', "namespace"]],
      [({ node }: Scene) => node.schedules[method]("s"), ["SCHEDULE_NOT_FOUND", '"s"']],
    ] as const
  ),
];

/** Calls of workflow code. */
const BAD_EFFECTS: readonly (readonly [call: (ctx: WorkflowContext) => unknown, wanted: Wanted])[] =
  [
    ...BAD_NAMES.flatMap(([given, word]) => {
      const name = given as never;
      return [
        [(ctx: WorkflowContext) => ctx.run(name, () => 1), [ARGUMENT, "a step", word]],
        [(ctx: WorkflowContext) => ctx.transaction(name, () => 1), [
          ARGUMENT,
          "a transaction",
          word,
        ]],
        [(ctx: WorkflowContext) => ctx.waitForSignal(name), [ARGUMENT, "a signal", word]],
        [(ctx: WorkflowContext) => ctx.signals(name), [ARGUMENT, "a signal", word]],
        [(ctx: WorkflowContext) => ctx.waitForSignal([name]), [ARGUMENT, "a signal", word]],
        [(ctx: WorkflowContext) => ctx.on(name, () => {}), [ARGUMENT, "a signal", word]],
        [(ctx: WorkflowContext) => ctx.patched(name), [ARGUMENT, "a patch", word]],
        ...(typeof given !== "string" ? [] : [
          [(ctx: WorkflowContext) => ctx.activity(name), [ARGUMENT, "an activity", word]],
          [(ctx: WorkflowContext) => ctx.child(name), [ARGUMENT, "a workflow", word]],
          [(ctx: WorkflowContext) => ctx.startChild(name), [ARGUMENT, "a workflow", word]],
          [
            (ctx: WorkflowContext) => ctx.saga((saga) => saga.undo(name)),
            [ARGUMENT, "an activity", word],
          ],
        ] as const),
      ] as const;
    }),
    ...BAD_RETRIES.flatMap(([given, ...words]) => {
      const retry = given as never;
      return [
        [(ctx: WorkflowContext) => ctx.run("a", () => 1, { retry }), [ARGUMENT, ...words]],
        [(ctx: WorkflowContext) => ctx.transaction("a", () => 1, { retry }), [ARGUMENT, ...words]],
        [(ctx: WorkflowContext) => ctx.activity("a", 1, { retry }), [ARGUMENT, ...words]],
      ] as const;
    }),
    ...BAD_TIMEOUTS.flatMap(([options, ...words]) =>
      [
        [(ctx: WorkflowContext) => ctx.run("a", () => 1, options), [ARGUMENT, ...words]],
        [(ctx: WorkflowContext) => ctx.transaction("a", () => 1, options), [ARGUMENT, ...words]],
        [(ctx: WorkflowContext) => ctx.activity("a", 1, options), [ARGUMENT, ...words]],
      ] as const
    ),
    ...BAD_TASKS.map(([options, ...words]) =>
      [(ctx: WorkflowContext) => ctx.activity("a", 1, options), [ARGUMENT, ...words]] as const
    ),
    ...BAD_POLICIES.flatMap(([options, ...words]) =>
      [
        [(ctx: WorkflowContext) => ctx.child("a", 1, options), [ARGUMENT, ...words]],
        [(ctx: WorkflowContext) => ctx.startChild("a", 1, options), [ARGUMENT, ...words]],
      ] as const
    ),
    [(ctx) => ctx.run("a", 5 as never), [ARGUMENT, 'step "a"', "found 5", "a function"]],
    [(ctx) => ctx.run("a", () => 1, ODD), [ARGUMENT, 'step "a"', '"odd"', "retry"]],
    [(ctx) => ctx.run("a", () => 1, { signal: 5 as never }), [
      ARGUMENT,
      "signal",
      "an AbortSignal",
    ]],
    [(ctx) => ctx.transaction("a", "b" as never), [ARGUMENT, '"b"', "a function"]],
    [(ctx) => ctx.transaction("a", () => 1, ODD), [ARGUMENT, '"odd"']],
    [(ctx) => ctx.activity(5 as never), [ARGUMENT, "found 5", "defineActivity"]],
    [(ctx) => ctx.activity({ name: "a" } as never), [ARGUMENT, "an object", "defineActivity"]],
    [(ctx) => ctx.activity("a", () => 1), ["NOT_SERIALIZABLE", "input"]],
    [(ctx) => ctx.activity("a", 1, ODD), [ARGUMENT, '"odd"', "queue"]],
    [(ctx) => ctx.activity("a", 1, { idempotencyKey: "" }), [
      ARGUMENT,
      "idempotencyKey",
      'found ""',
    ]],
    [(ctx) => ctx.activity("a", 1, { idempotencyKey: LONG }), [ARGUMENT, "256 characters"]],
    [(ctx) => ctx.sleep(-1), [ARGUMENT, "ctx.sleep", "found -1"]],
    [(ctx) => ctx.sleep("soon"), [ARGUMENT, "ctx.sleep", '"soon"', '"30s"']],
    [(ctx) => ctx.sleep(new Date(NaN)), [ARGUMENT, "an invalid Date"]],
    [(ctx) => ctx.sleep(1, ODD), [ARGUMENT, "ctx.sleep", '"odd"', "signal"]],
    [(ctx) => ctx.sleep(1, { signal: {} as never }), [ARGUMENT, "signal", "an AbortSignal"]],
    [(ctx) => ctx.waitForSignal("other"), ["UNDECLARED_SIGNAL", '"other"', '"go"']],
    [(ctx) => ctx.waitForSignal("go", ODD), [ARGUMENT, '"odd"', "timeout"]],
    [(ctx) => ctx.waitForSignal("go", { timeout: -1 }), [ARGUMENT, "timeout", "found -1"]],
    [(ctx) => ctx.waitForSignal([]), [ARGUMENT, "names of ctx.waitForSignal", "1 to 50 names"]],
    [(ctx) => ctx.waitForSignal(["go", "go"]), [ARGUMENT, "names of", '"go"', "once"]],
    [(ctx) => ctx.waitForSignal(["go", "other"]), ["UNDECLARED_SIGNAL", '"other"', '"go"']],
    [(ctx) => ctx.signals("other"), ["UNDECLARED_SIGNAL", '"other"', '"go"']],
    [(ctx) => ctx.signals("go", ODD), [ARGUMENT, "ctx.signals", '"odd"', "signal"]],
    [(ctx) => ctx.on("other", () => {}), ["UNDECLARED_SIGNAL", '"other"', '"go"']],
    [(ctx) => ctx.on("go", 5 as never), [ARGUMENT, 'handler of signal "go"', "found 5"]],
    [(ctx) => ctx.on("go", () => {}, ODD), [ARGUMENT, "ctx.on", '"odd"', "oneAtATime"]],
    [(ctx) => ctx.on("go", () => {}, { oneAtATime: 1 as never }), [ARGUMENT, "oneAtATime"]],
    [(ctx) => ctx.handle(""), [ARGUMENT, "a run id", 'found ""']],
    [(ctx) => ctx.handle(5 as never), [ARGUMENT, "workflow of ctx.handle", "found 5"]],
    [(ctx) => ctx.handle("waits" as never, 5 as never), [ARGUMENT, "a run id", "found 5"]],
    [(ctx) => ctx.handle("r").signal(""), [ARGUMENT, "a signal"]],
    [(ctx) => ctx.handle("r").signal("go", 1, ODD), [ARGUMENT, "handle.signal", '"odd"']],
    [(ctx) => ctx.handle("r").cancel(ODD), [ARGUMENT, "handle.cancel", '"odd"']],
    [(ctx) => ctx.until(5 as never), [ARGUMENT, "condition of ctx.until", "found 5"]],
    [(ctx) => ctx.until(() => true, ODD), [ARGUMENT, "ctx.until", '"odd"', "timeout"]],
    [(ctx) => ctx.until(() => false, { timeout: -1 }), [ARGUMENT, "timeout", "found -1"]],
    [(ctx) => ctx.until(() => false, { signal: {} as never }), [ARGUMENT, "an AbortSignal"]],
    [(ctx) => ctx.child(5 as never), [ARGUMENT, "found 5", "defineWorkflow"]],
    [(ctx) => ctx.child("a", 1, ODD), [ARGUMENT, '"odd"', "parentClose"]],
    [(ctx) => ctx.child("a", 1, { id: "" }), [ARGUMENT, "id of a child", 'found ""']],
    [(ctx) => ctx.child("a", 1, { id: LONG }), [ARGUMENT, "id of a child", "256 characters"]],
    [(ctx) => ctx.child("a", 1, { id: "a\0" }), [ARGUMENT, "id of a child", "NUL"]],
    [(ctx) => ctx.child("a", 1, { parentClose: "stop" as never }), [
      ARGUMENT,
      "parentClose",
      '"stop"',
    ]],
    [(ctx) => ctx.startChild("a", 1, ODD), [ARGUMENT, '"odd"', "parentClose"]],
    [(ctx) => ctx.startChild("a", Symbol()), ["NOT_SERIALIZABLE", "input"]],
    [(ctx) => ctx.saga("a" as never), [ARGUMENT, "ctx.saga", '"a"']],
    [(ctx) => ctx.saga((saga) => saga.undo(5 as never)), [ARGUMENT, "found 5", "defineActivity"]],
    [(ctx) => ctx.saga((saga) => saga.undo("a", Symbol())), ["NOT_SERIALIZABLE", "input"]],
    [(ctx) => ctx.saga((saga) => saga.compensate(ODD)), [ARGUMENT, '"odd"', "parallel"]],
    [(ctx) => ctx.saga((saga) => saga.compensate({ parallel: 1 as never })), [
      ARGUMENT,
      "parallel",
    ]],
    [(ctx) => ctx.continueAsNew(1, ODD), [ARGUMENT, "ctx.continueAsNew", '"odd"', "version"]],
    [(ctx) => ctx.continueAsNew(1, { version: "old" as never }), [ARGUMENT, '"old"', '"pinned"']],
    [(ctx) => ctx.continueAsNew(() => 1), ["NOT_SERIALIZABLE", "input"]],
    [(ctx) => ctx.setStatus(() => 1), ["NOT_SERIALIZABLE", "status"]],
    [(ctx) => ctx.attributes.set(5 as never), [ARGUMENT, "attributes", "found 5"]],
    [(ctx) => ctx.run("a", () => ctx.sleep(1)), [
      "CONTEXT_MISUSED",
      "ctx.sleep",
      "a step or activity",
    ]],
    [(ctx) => ctx.run("a", () => ctx.now()), ["CONTEXT_MISUSED", "ctx.now", "a step or activity"]],
    [
      (ctx) => ctx.transaction("a", () => ctx.activity("a")),
      ["CONTEXT_MISUSED", "ctx.activity", "a step or activity"],
    ],
    [(ctx) => borrowed(ctx), ["ACTIVITY_FAILED", "ctx.run", "a step or activity"]],
  ];

/** Calls from inside an activity: its double gets the context that the workflow left. */
let left: WorkflowContext | undefined;
function borrowed(ctx: WorkflowContext): Promise<unknown> {
  left = ctx;
  return ctx.activity("borrows", null, { retry: { maxAttempts: 1 } });
}

/** Options of `testEngine`. */
const BAD_ENGINES: readonly (readonly [options: unknown, wanted: Wanted])[] = [
  [null, [ARGUMENT, "testEngine()", "found null"]],
  [ODD, [ARGUMENT, '"odd"', "workflows"]],
  [{ workflows: 5 }, [ARGUMENT, "workflows", "found 5"]],
  [{ workflows: [5] }, [ARGUMENT, "workflows", "found 5"]],
  [{ activities: 5 }, [ARGUMENT, "activities", "found 5"]],
  [{ now: "x" }, [ARGUMENT, "now", '"x"']],
  [{ time: "slow" }, [ARGUMENT, "time", '"slow"', '"manual"']],
  [{ paranoid: 1 }, [ARGUMENT, "paranoid", "found 1"]],
  [{ limits: { payloadBytes: 1 } }, [ARGUMENT, "limits.payloadBytes", "found 1"]],
];

Deno.test("a definition that makes no sense is refused, by name", async () => {
  for (const [define, wanted] of BAD_DEFINITIONS) await refused(define, wanted);
});

Deno.test("an engine for tests names what is wrong with its options", async () => {
  for (const [options, wanted] of BAD_ENGINES) {
    await refused(() => testEngine(options as TestEngineOptions), wanted);
  }
});

Deno.test("an invalid effect is refused at its call, and the run continues", async () => {
  const schema = {
    "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
  };
  const tries = defineWorkflow({ name: "tries", signals: { go: schema as never } }, async (ctx) => {
    const errors: unknown[] = [];
    for (const [call] of BAD_EFFECTS) {
      try {
        await call(ctx as unknown as WorkflowContext);
        errors.push(null);
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        errors.push([code, message]);
      }
    }
    await ctx.waitForSignal("go");
    return errors;
  });
  await using engine = await testEngine({
    workflows: [tries],
    activities: { borrows: () => left!.run("a", () => 1) },
  });
  const run = await engine.start(tries, undefined);
  await run.signal("go");
  const errors = await run.result();
  for (const [index, [call, [code, ...words]]] of BAD_EFFECTS.entries()) {
    const [found, message] = errors[index] as [string, string] ?? ["nothing", ""];
    assert.equal(found, code, `${call}: ${message}`);
    for (const word of words) assert(message.includes(word as string), `${word} in: ${message}`);
  }
  await refused(() => left!.sleep(1), [
    "CONTEXT_MISUSED",
    "ctx.sleep",
    "outside of the run's code",
  ]);
});

Deno.test("a context is refused once its run has ended", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const ends = defineWorkflow({ name: "ends" }, (ctx) => {
    void Promise.resolve().then(() => Promise.resolve()).then(() => {
      try {
        ctx.now();
      } catch (error) {
        resolve(error);
      }
    });
  });
  await using engine = await testEngine({ workflows: [ends] });
  await (await engine.start(ends, undefined)).result();
  const error = await promise;
  assert(isContinuumError(error, "CONTEXT_MISUSED"));
  assert.match(error.message, /ctx\.now of run .* the run has ended/);
});

Deno.test("no message and no detail of open() and connect() has a secret of a URL", async () => {
  const url = "postgres://app:s3cret@host.invalid/db?password=s3cret";
  const given: unknown[] = [url, [url], new URL(url), { database: [url] }, {
    database: new URL(url),
  }];
  given.push({ database: url.replace("host", "%zz") }, {
    database: url.replace("postgres", "mysql"),
  });
  for (
    const key of ["workflows", "live", "config", "pinning", "archive", "lease", "queues", "odd"]
  ) {
    given.push({ database: "memory:", [key]: [url] }, { database: "memory:", [key]: url });
  }
  for (const open of [Continuum.open, Continuum.connect]) {
    for (const options of given) {
      const opened = open.call(Continuum, options as never);
      await opened.then((continuum) => continuum.close(), (error) => {
        const { message, details } = error as { message: string; details: unknown };
        const told = `${message} ${JSON.stringify(details)}`;
        assert(!told.includes("s3cret"), told);
        assert(message.length < 1_000, message);
      });
    }
  }
});

Deno.test("a URL in the place of the options leads to the right call, in a short message", async () => {
  await refused(() => Continuum.open("postgres://app@host/db" as never), [
    ARGUMENT,
    "call Continuum.open({ database })",
  ]);
  const long = Array.from({ length: 2_000 }, (_, n) => n);
  await assert.rejects(Continuum.open({ workflows: long as never }), ({ message }: Error) => {
    return message.length < 500 && message.includes("workflows");
  });
});

forEachDatabase("the table of bad input", (database, test) => {
  test("open() and connect() name what is wrong with their options, and leave nothing open", async () => {
    await using db = await database.fresh();
    const { schema, database: adapter } = db;
    for (const [options, wanted] of Object.values(BAD_OPTIONS)) {
      const isObject = typeof options === "object" && options !== null && !Array.isArray(options);
      const given = isObject ? { database: adapter, schema, ...options } : options;
      await refused(() => Continuum.open(given as OpenOptions), wanted);
    }
    for (const [options, wanted] of BAD_CLIENTS) {
      const given = options === null ? null : { database: adapter, schema, ...options as object };
      await refused(() => Continuum.connect(given as OpenOptions), wanted);
    }
  });

  test("calls name what is wrong with them, and nothing is written or lost", async () => {
    const go = `{ "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } }`;
    await using at = await scene(database, {
      "strict.ts": source(
        `return await ctx.waitForSignal("go");`,
        `{ name: "strict", signals: { go: ${go} as any } }`,
      ),
    });
    const { node } = at;
    const run = await node.start("echo", { wait: "go" }, { runId: "r" });
    const strict = await node.start("strict", undefined, { runId: "strict" });
    for (const each of [run, strict]) await reached(each, "suspended");
    for (const [call, wanted] of BAD_CALLS) await refused(() => call(at), wanted);
    assert.equal(await node.runs.count(), 2);
    assert.deepEqual(await node.schedules.list(), []);
    assert.deepEqual(await run.history(), []);
    await run.signal("go", 1);
    await strict.signal("go", 2);
    assert.deepEqual(await resultOf(run), [{ wait: "go" }, 1]);
    assert.equal(await resultOf(strict), 2);
  });

  test("a heartbeat is refused once the attempt is lost", async () => {
    const beat = `async (_: void, activity: any) => {
      const { begun, lost } = (globalThis as any).heartForTest;
      await activity.heartbeat(1);
      begun.resolve();
      await new Promise((resolve) => activity.signal.addEventListener("abort", resolve));
      await activity.heartbeat(2).then(() => lost.resolve("taken"), lost.resolve);
    }`;
    for (const word of ["export const", "const"]) {
      await using at = await scene(database, {
        "beats.ts": source(
          `return await ctx.activity(beats);`,
          `{ name: "beats" }`,
          `import { defineActivity } from "@continuum/continuum/workflow";
           ${word} beats = defineActivity({ name: "beats" }, ${beat});`,
        ),
      });
      const heart = {
        begun: Promise.withResolvers<void>(),
        lost: Promise.withResolvers<unknown>(),
      };
      (globalThis as Record<string, unknown>)["heartForTest"] = heart;
      const run = await at.node.start("beats");
      await heart.begun.promise;
      await run.terminate();
      const error = await heart.lost.promise;
      assert(isContinuumError(error, "ATTEMPT_LOST"), `${word}: ${error}`);
      assert.match(error.message, /Attempt 1 of activity "beats" has lost its task/);
    }
  });
});
