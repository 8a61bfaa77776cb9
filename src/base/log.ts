/**
 * The logs of an instance, and where their lines go: to LogTape, which is silent until the application
 * configures it, or to a logger that the application passes. Every line of this package goes through
 * here, or through `console.warn` where no log can be expected to show it.
 *
 * - LOG-1: an instance logs to its own logger; nothing below `Continuum` asks for a global one.
 *
 * @module
 */

import { getConfig, getLogger } from "@logtape/logtape";
import { type AuthoredLog, authoredLog, type LogSink } from "./authored.ts";
import { type Logger, plainSink } from "./plain_log.ts";

/** The logs of an instance. */
export interface Logs {
  /** What the engine, the client and the database adapter log. */
  readonly engine: AuthoredLog;
  /** What workflow code logs by `ctx.log`. */
  readonly workflow: AuthoredLog;
  /** What is noteworthy about code that is loaded. */
  readonly version: AuthoredLog;
  /** What the observer logs. */
  readonly observer: AuthoredLog;
}

/** The categories below `continuum`. */
const CATEGORIES = ["engine", "workflow", "version", "observer"] as const;

/** The methods that a logger must have. */
const METHODS = ["debug", "info", "warn", "error"] as const;

/** Logs to LogTape, in categories below `continuum`. */
export const LOGTAPE: Logs = logsOf((category) => getLogger(["continuum", category]));

/** LogTape's own loggers get messages with placeholders, which they fill. */
interface LogTapeLogger extends LogSink {
  readonly category: readonly string[];
  getChild(category: string): LogSink;
}

/** A logger has one set of logs, however many instances use it. */
const known = new WeakMap<Logger, Logs>();

/**
 * The logs of an instance.
 *
 * @param logger The option `log`; LogTape when omitted.
 * @returns The logs.
 */
export function logsTo(logger: Logger | undefined): Logs {
  if (logger === undefined) return LOGTAPE;
  let logs = known.get(logger);
  if (logs === undefined) {
    const sinkOf = isLogTape(logger)
      ? (category: string) => logger.getChild(category)
      : (category: string) => plainSink(logger, `continuum.${category}`);
    known.set(logger, logs = logsOf(sinkOf));
  }
  return logs;
}

/**
 * Whether a value can be the option `log`.
 *
 * @param value Any value.
 */
export function isLogger(value: unknown): value is Logger {
  if (typeof value !== "object" && typeof value !== "function" || value === null) return false;
  return METHODS.every((method) => typeof (value as Partial<Logger>)[method] === "function");
}

/** Whether the application has configured LogTape: its lines go nowhere before that. */
export function isLogTapeConfigured(): boolean {
  return getConfig() !== null;
}

/** A failed attempt, for the log. */
export interface AttemptFailure {
  /** The run's id. */
  readonly run: string;
  /** The kind of effect: `activity`, `step`, `transaction`. */
  readonly kind: string;
  /** The effect's name. */
  readonly name: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The error that it threw. */
  readonly error: unknown;
  /** When the next attempt is due, in milliseconds of database time; `null` if there is none. */
  readonly nextAt: number | null;
}

/** Logs a failed attempt, in one line. */
export function logFailure(log: AuthoredLog, { nextAt, ...failure }: AttemptFailure): void {
  const next = nextAt === null
    ? "there is no other"
    : `the next is due at ${new Date(Math.ceil(nextAt)).toISOString()}`;
  log.warn(
    "Attempt {attempt} of {kind} {name} of run {run} failed: {error}; {next}",
    { ...failure, next },
  );
}

function logsOf(sinkOf: (category: string) => LogSink): Logs {
  const logs = CATEGORIES.map((category) => [category, authoredLog(sinkOf(category))] as const);
  return Object.fromEntries(logs) as unknown as Logs;
}

function isLogTape(logger: object): logger is LogTapeLogger {
  const { category, getChild, isEnabledFor } = logger as Partial<LogTapeLogger>;
  return Array.isArray(category) && typeof getChild === "function" &&
    typeof isEnabledFor === "function";
}
