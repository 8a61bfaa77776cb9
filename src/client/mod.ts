/**
 * A client without an engine. It runs on Node, Bun and Deno, where the workflows run on Deno: a web
 * server, a webhook or a script starts runs, signals them and awaits their results over the database
 * that the nodes use.
 *
 * ```ts ignore
import { Client } from "@continuum/continuum/client";
 * import type order from "./workflows/order.ts";
 *
 * await using client = await Client.connect({ database: "postgres://localhost/app" });
 * const run = await client.start<typeof order>("order", { id: "o-1", items: 3 }, { runId: "o-1" });
 * await client.run<typeof order>("o-1").signal("review", "approved");
 * console.log(await run.result());
 * ```
 *
 * On Deno, `Continuum.connect` of `@continuum/continuum` does the same and more: it also replays,
 * upgrades and forks runs, for which it loads their code.
 *
 * @module
 */

export { Client, type ClientOptions, type ClientRun, type ClientRuns } from "./client.ts";

// Errors: docs/errors.md lists their codes
export {
  CancelledError,
  ContinuumError,
  InvalidArgumentError,
  InvalidInputError,
  isContinuumError,
  NotSerializableError,
  PayloadTooLargeError,
  TimeoutError,
} from "../base/errors.ts";
export {
  AskError,
  NotPublishedError,
  QueryError,
  RunFailedError,
  RunNotFoundError,
  RunStateError,
  RunStoppedError,
} from "../base/run_errors.ts";
export { RunExistsError } from "./errors.ts";
export { ScheduleError } from "./schedule/errors.ts";
export {
  ClosedError,
  DatabaseError,
  DatabaseUnavailableError,
  QueryTimeoutError,
} from "../store/errors.ts";
export {
  VersionDeniedError,
  VersionNotFoundError,
  VersionUnavailableError,
} from "../version/load_errors.ts";
