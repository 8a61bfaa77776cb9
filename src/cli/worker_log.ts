/**
 * Prints the log of a worker to standard error: what the engine and workflows log.
 *
 * @module
 */

import { configure, getTextFormatter, jsonLinesFormatter, type LogRecord } from "@logtape/logtape";
import type { LogLevel } from "@logtape/logtape";
import type { Output } from "./output/output.ts";

/** The levels, as LogTape has them. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/**
 * Configures the log of this process.
 *
 * @param out Where its lines go.
 * @param level The lowest level that is printed.
 */
export async function logTo(out: Output, level: LogLevel): Promise<void> {
  const format = out.format === "text"
    ? getTextFormatter({ timestamp: "rfc3339", category: "." })
    : jsonLinesFormatter;
  const print = (record: LogRecord) => out.error(format(record).trimEnd());
  await configure({
    sinks: { print },
    loggers: [
      { category: "continuum", sinks: ["print"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["print"], lowestLevel: "warning" },
    ],
  });
}
