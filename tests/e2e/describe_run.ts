/**
 * Tells of a run in a process that knows it from the database alone: `describe_run.ts <options>
 * <run id>`.
 *
 * @module
 */

import { Continuum } from "../../src/continuum.ts";

const [options, runId] = Deno.args as [string, string];
await using continuum = await Continuum.connect(JSON.parse(options));
const run = continuum.run(runId);
const { error, stuck } = await run.status();
const stackOf = (thrown: unknown) => thrown instanceof Error ? thrown.stack : undefined;
const thrown = stuck === null
  ? await run.result().catch((error) => error) as Error | undefined
  : undefined;
const report = { error: stackOf(error), cause: stackOf(thrown?.cause), stuck };
// deno-lint-ignore no-console -- the parent reads this line
console.log(JSON.stringify(report));
