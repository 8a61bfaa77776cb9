/**
 * Options of everything that opens a database: a node, a client, and a client without an engine.
 *
 * @module
 */

import { checkChoice, checkText, refuseUnless } from "../base/arguments.ts";
import { isLogger } from "../base/log.ts";
import type { Logger } from "../base/plain_log.ts";
import { isCodec, type PayloadCodec } from "../codec/codec.ts";
import type { MigrateMode } from "../ports/store.ts";
import { observerOf, type TelemetryOption } from "../ports/telemetry.ts";
import { type LimitOptions, readLimits } from "./limits.ts";

/**
 * Options of everything that opens a database: `Continuum.open`, `Continuum.connect`, and
 * `Client.connect` of `@continuum/continuum/client`.
 *
 * @category Continuum
 */
export interface DatabaseOptions {
  /**
   * The database schema; instances with different schemas don't see each other.
   *
   * @default {"continuum"}
   */
  readonly schema?: string;
  /**
   * What this process may do to a schema that is not at its release's version. A node applies
   * migrations when it opens, so that a deployment needs no further step; nodes of older releases
   * work on until they are restarted, and then refuse a schema that is newer than they are. A client
   * creates the tables in an empty database, and never changes a schema that others use.
   *
   * @default {"apply" for a node, "create" for a client}
   */
  readonly migrate?: MigrateMode;
  /**
   * The namespace of the calls, which see no runs of other namespaces. A node executes the runs of
   * all namespaces.
   *
   * @default {"default"}
   */
  readonly namespace?: string;
  /**
   * Takes the lines of the engine and of workflows: `console`, or any other logger with `debug`,
   * `info`, `warn` and `error`.
   *
   * @default {LogTape, which is silent until the application configures it}
   */
  readonly log?: Logger | undefined;
  /** The largest sizes of values. */
  readonly limits?: LimitOptions;
  /**
   * Encodes values before they enter the database, and decodes them as they leave it: for encryption
   * and compression. Give every process of a database the same one.
   *
   * @default {none: values are stored as JSON}
   */
  readonly codec?: PayloadCodec | undefined;
  /**
   * Traces and metrics, by OpenTelemetry: what `telemetry()` of `@continuum/continuum/telemetry`
   * returns.
   *
   * @default {none}
   */
  readonly telemetry?: TelemetryOption | undefined;
}

/** The names of {@linkcode DatabaseOptions}, and `database`. */
export const DATABASE_KEYS = [
  "database",
  "schema",
  "migrate",
  "namespace",
  "limits",
  "codec",
  "telemetry",
  "log",
] as const;

/**
 * Checks their values. The schema's name is checked when the store is opened.
 *
 * @throws {InvalidArgumentError} If a value has a wrong type or is out of range.
 */
export function checkDatabaseOptions(
  { namespace, migrate, limits, log, telemetry, codec }: DatabaseOptions,
): void {
  if (namespace !== undefined) checkText(namespace, "option namespace");
  if (migrate !== undefined) checkChoice(migrate, "option migrate", ["apply", "create", "check"]);
  readLimits(limits);
  refuseUnless(
    log === undefined || isLogger(log),
    "option log",
    log,
    "a logger with the methods debug, info, warn and error, such as console",
  );
  refuseUnless(
    telemetry === undefined || observerOf(telemetry) !== undefined,
    "option telemetry",
    telemetry,
    "what telemetry() of @continuum/continuum/telemetry returns",
  );
  refuseUnless(
    codec === undefined || isCodec(codec),
    "option codec",
    codec,
    "an object with the functions encode and decode",
  );
}
