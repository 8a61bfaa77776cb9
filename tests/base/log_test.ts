// deno-lint-ignore-file no-console -- what is written there is the subject
/**
 * Where lines go: to LogTape, or to whichever logger the application passes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, getLogger, type LogRecord, reset } from "@logtape/logtape";
import { logsTo, LOGTAPE } from "../../src/base/log.ts";
import { filled, type Logger } from "../../src/base/plain_log.ts";

type Line = readonly [level: keyof Logger, message: unknown, ...rest: unknown[]];

/** A logger that keeps what it gets. */
function recorder(lines: Line[]): Logger {
  const take = (level: keyof Logger) => (...said: [unknown, ...unknown[]]) =>
    void lines.push([level, ...said]);
  return { debug: take("debug"), info: take("info"), warn: take("warn"), error: take("error") };
}

/** Takes what is written to standard error by the console meanwhile. */
async function warned(test: () => unknown): Promise<string[]> {
  const texts: string[] = [];
  const { warn } = console;
  console.warn = (...said: unknown[]) => void texts.push(said.map(String).join(" "));
  try {
    await test();
  } finally {
    console.warn = warn;
  }
  return texts;
}

Deno.test("a message is filled as LogTape fills it", () => {
  const user = { name: "Ana", tags: ["a"] };
  for (
    const [message, expected] of [
      ["Run {run} of {user.name}", "Run o-1 of Ana"],
      ["{ run }: {n}", "o-1: 3"],
      ["{{run}} {user.tags}", '{run} ["a"]'],
      ["{absent} {user.age} {}", "{absent} {user.age} {}"],
      ["failed: {error}", "failed: TypeError: no"],
      ["{toString}", "{toString}"],
    ] as const
  ) {
    const facts = { run: "o-1", n: 3, user, error: new TypeError("no") };
    assert.equal(filled(message, facts), expected);
  }
});

Deno.test("a value that can't be shown costs its text, not the line", () => {
  const cycle: Record<string, unknown> = { big: 1n };
  cycle["self"] = cycle;
  const hostile = {
    toJSON() {
      throw new Error("no");
    },
  };
  assert.equal(
    filled("{a} {b} {c}", { a: cycle, b: hostile, c: { big: 1n } }),
    [
      "[object Object]",
      "[object Object]",
      '{"big":"1"}',
    ].join(" "),
  );
});

Deno.test("a logger gets the text with its values in place, and the values by name", () => {
  const lines: Line[] = [];
  const { engine, workflow } = logsTo(recorder(lines));
  engine.warn("Run {run} waits", { run: "o-1" });
  workflow.debug("paid");
  assert.deepEqual(lines, [
    ["warn", "Run o-1 waits", { run: "o-1", logger: "continuum.engine" }],
    ["debug", "paid", { logger: "continuum.workflow" }],
  ]);
});

Deno.test("a logger whose methods need `this`, as pino's and a class's do, is called on itself", () => {
  class Own {
    readonly lines: string[] = [];
    debug = (message: string) => this.info(message);
    info(message: string): void {
      this.lines.push(message);
    }
    warn(message: string): void {
      this.info(message);
    }
    error(message: string): void {
      this.info(message);
    }
  }
  const own = new Own();
  const { engine } = logsTo(own);
  engine.error("a");
  engine.debug("b");
  assert.deepEqual(own.lines, ["a", "b"]);
});

/** The methods of `@std/log`'s Logger, by their signatures. */
interface StdLogger {
  debug<T>(msg: () => T, ...args: unknown[]): T | undefined;
  debug<T>(msg: T extends (() => unknown) ? never : T, ...args: unknown[]): T;
  info<T>(msg: () => T, ...args: unknown[]): T | undefined;
  info<T>(msg: T extends (() => unknown) ? never : T, ...args: unknown[]): T;
  warn<T>(msg: () => T, ...args: unknown[]): T | undefined;
  warn<T>(msg: T extends (() => unknown) ? never : T, ...args: unknown[]): T;
  error<T>(msg: () => T, ...args: unknown[]): T | undefined;
  error<T>(msg: T extends (() => unknown) ? never : T, ...args: unknown[]): T;
}

Deno.test("the console and a logger of @std/log are loggers, without a cast", () => {
  const lines: Line[] = [];
  const std = recorder(lines) as unknown as StdLogger;
  for (const logger of [console, std] satisfies Logger[]) assert.ok(logsTo(logger));
  logsTo(std).engine.info("Run {run}", { run: "o-1" });
  assert.deepEqual(lines, [["info", "Run o-1", { run: "o-1", logger: "continuum.engine" }]]);
});

Deno.test("LogTape's own logger gets messages with their placeholders, below its category", async () => {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { records: (record) => records.push(record) },
    loggers: [
      { category: "shop", sinks: ["records"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
  try {
    const { engine } = logsTo(getLogger("shop"));
    engine.info("Run {run}", { run: "{o-1}" });
    engine.debug("Run {run}", { run: "too low" });
  } finally {
    await reset();
  }
  assert.deepEqual(
    records.map(({ category, message }) => [category, message.join("")]),
    [[["shop", "engine"], "Run {o-1}"]],
  );
});

Deno.test("LOGGER-1: a logger that throws is reported once, and no more", async () => {
  const throwing = (): never => {
    throw new Error("disk full");
  };
  const logger = { debug: throwing, info: throwing, warn: throwing, error: throwing };
  const texts = await warned(() => {
    for (const log of Object.values(logsTo(logger))) log.error("a {b}", { b: 1 });
    logsTo(logger).engine.info("again");
  });
  assert.deepEqual(texts, [
    "The logger of option log failed; runs are not affected: Error: disk full",
  ]);
});

Deno.test("LOGGER-1: a logger whose promise rejects is reported once, and no more", async () => {
  const rejecting = () => Promise.reject(new Error("collector is down"));
  const logger = { debug: rejecting, info: rejecting, warn: rejecting, error: rejecting };
  const texts = await warned(async () => {
    const { engine } = logsTo(logger);
    engine.warn("a");
    engine.warn("b");
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  });
  assert.deepEqual(texts, [
    "The logger of option log failed; runs are not affected: Error: collector is down",
  ]);
});

Deno.test("LOGGER-1: a console that throws, as the logger, affects nothing", () => {
  const { warn } = console;
  console.warn = () => {
    throw new Error("closed");
  };
  try {
    logsTo({ ...console, error: console.warn }).engine.error("a");
  } finally {
    console.warn = warn;
  }
});

Deno.test("one logger has one set of logs, and none means LogTape's", () => {
  const logger = recorder([]);
  assert.equal(logsTo(logger), logsTo(logger));
  assert.equal(logsTo(undefined), LOGTAPE);
});
