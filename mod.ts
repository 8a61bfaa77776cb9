/**
 * Durable workflows for Deno on Postgres. A workflow is an ES module; a run remembers which code it
 * started on and resumes on exactly that code, on any node, for as long as it lives.
 *
 * ```ts ignore
 * import { Continuum } from "@continuum/continuum";
 * import greet from "./workflows/greet.ts";
 *
 * await using continuum = await Continuum.open({
 *   workflows: [import.meta.resolve("./workflows/greet.ts")],
 * });
 * const run = await continuum.start(greet, "World");
 * console.log(await run.result());
 * ```
 *
 * Workflow modules import `@continuum/continuum/workflow`, and nothing else of this package.
 *
 * @module
 */

export {
  Continuum,
  type Readiness,
  type StartOptions,
  type VersionInfo,
  type VersionsApi,
} from "./src/continuum.ts";
