/**
 * Passes lines to a logger that the application passes, such as `console`.
 *
 * - LOGGER-1: no logger affects a run. What it throws, and what a promise that it returns rejects
 *   with, is reported once on standard error, and no more.
 *
 * @module
 */

import type { AuthoredLog, LogSink } from "./authored.ts";
import { inBackground } from "./background.ts";

/**
 * A logger: `console`, or one of `@std/log`, winston, LogTape or your own. Each method gets the line
 * as text, with its values in place, and an object of these values, to which `logger` is added:
 * `continuum.engine`, `continuum.workflow`, `continuum.version` or `continuum.observer`.
 *
 * What a method throws, and a promise that it returns and that rejects, affects no run.
 *
 * @category Continuum
 */
export interface Logger {
  /** Takes a detail for debugging. */
  debug(message: string, properties: Record<string, unknown>): unknown;
  /** Takes a line about normal operation. */
  info(message: string, properties: Record<string, unknown>): unknown;
  /** Takes what an operator should look at. */
  warn(message: string, properties: Record<string, unknown>): unknown;
  /** Takes what an operator must look at. */
  error(message: string, properties: Record<string, unknown>): unknown;
}

/** `{{`, `}}`, or a placeholder. */
const PLACEHOLDER = /\{\{|\}\}|\{([^{}]+)\}/g;

const reported = new WeakSet<Logger>();

/**
 * Makes what lines are written to.
 *
 * @param logger The application's logger. It is asked for its methods with each line.
 * @param name The value of the property `logger`.
 * @returns Writes lines, and never throws (LOGGER-1).
 */
export function plainSink(logger: Logger, name: string): LogSink {
  const say =
    (level: keyof AuthoredLog) => (message: string, properties: Record<string, unknown> = {}) => {
      try {
        const returned = logger[level](filled(message, properties), {
          ...properties,
          logger: name,
        });
        if (isPromise(returned)) inBackground(returned, (error) => report(logger, error));
      } catch (error) {
        report(logger, error);
      }
    };
  return {
    isEnabledFor: () => true, // the logger has its own threshold
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
  };
}

/**
 * Fills the placeholders of a message, as LogTape does.
 *
 * @param message The message; `{{` and `}}` stand for braces.
 * @param properties Values by name; `{user.name}` is a field of one. A placeholder without a value
 * stays as it is.
 * @returns The text.
 */
export function filled(message: string, properties: Readonly<Record<string, unknown>>): string {
  return message.replace(PLACEHOLDER, (whole, key: string | undefined) => {
    if (key === undefined) return whole === "{{" ? "{" : "}";
    const name = key.trim();
    if (Object.hasOwn(properties, name)) return shown(properties[name]);
    const [first = "", ...path] = name.split(".");
    let value: unknown = Object.hasOwn(properties, first) ? properties[first] : undefined;
    for (const part of path) value = (value as Record<string, unknown> | null | undefined)?.[part];
    return value === undefined ? whole : shown(value);
  });
}

function shown(value: unknown): string {
  try {
    if (typeof value !== "object" || value === null || value instanceof Error) return String(value);
    return JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part);
  } catch {
    return Object.prototype.toString.call(value); // a cycle, or a getter that throws
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === "function";
}

/** LOGGER-1: the console may be the logger that has failed. */
function report(logger: Logger, error: unknown): void {
  if (reported.has(logger)) return;
  reported.add(logger);
  try {
    // deno-lint-ignore no-console -- there is no other log
    console.warn("The logger of option log failed; runs are not affected:", error);
  } catch {
    // It has nowhere to go.
  }
}
