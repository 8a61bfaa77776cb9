/**
 * Prints the log of a worker to standard error: what the engine and workflows log.
 *
 * @module
 */

import {
  configure,
  getLogger,
  getTextFormatter,
  jsonLinesFormatter,
  type LogRecord,
} from "@logtape/logtape";
import type { LogLevel } from "@logtape/logtape";
import { isContinuumError } from "../base/errors.ts";
import { Outage } from "./outage.ts";
import type { Output } from "./output/output.ts";

/** The levels, as LogTape has them. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/**
 * Configures the log of this process. What fails because the database does not answer is reported as an
 * outage.
 *
 * @param out Where its lines go.
 * @param level The lowest level that is printed.
 * @param hasTrouble Whether the worker can't work now.
 * @returns The log; disposing of it ends its timer.
 */
export async function logTo(
  out: Output,
  level: LogLevel,
  hasTrouble: () => boolean,
): Promise<Disposable> {
  const format = out.format === "text"
    ? getTextFormatter({ timestamp: "rfc3339", category: "." })
    : jsonLinesFormatter;
  const log = getLogger(["continuum", "worker"]);
  const outage = new Outage({
    isOver: () => !hasTrouble(),
    print: (text) => log.warn("{text}", { text }),
  });
  const print = (record: LogRecord) => {
    const error = Object.values(record.properties).find((value) =>
      isContinuumError(value, "DATABASE_UNAVAILABLE")
    );
    if (error instanceof Error) outage.noted(error.message);
    else for (const line of format(record).trimEnd().split("\n")) out.error(line);
  };
  await configure({
    sinks: { print },
    loggers: [
      { category: "continuum", sinks: ["print"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["print"], lowestLevel: "warning" },
    ],
  });
  return outage;
}
