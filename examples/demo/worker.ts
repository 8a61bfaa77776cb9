/**
 * A worker of the demo: a process of its own that opens Continuum and does what its parent writes
 * to its standard input, a JSON line for each command; it answers each with a JSON line.
 *
 * `worker.ts <database> <schema> <workflow URL>...`
 *
 * @module
 */

import { Continuum, type RunState } from "@continuum/continuum";
import { linesOf } from "./lines.ts";
import { tamper } from "./tamper.ts";

const [database, schema, ...workflows] = Deno.args as [string, string, ...string[]];
const archive = tamper(database, schema);

await using continuum = await Continuum.open({
  database: archive.database,
  schema,
  workflows,
  trust: { modules: ["http://127.0.0.1:*/*"] }, // the demo's own server
  lease: "2s",
  linger: 0,
  probe: "500ms",
});

const commands: Record<string, (...args: never[]) => unknown> = {
  start: async (workflow: string, input: unknown, runId: string) =>
    (await continuum.start(workflow, input, { runId })).id,
  signal: (runId: string, name: string, payload: unknown) =>
    continuum.run(runId).signal(name, payload),
  status: (runId: string) => continuum.run(runId).status(),
  result: (runId: string) => continuum.run(runId).result({ timeout: "10s" }),
  /** Waits until the run's row is in that state. */
  reached: (runId: string, state: RunState) =>
    continuum.run(runId).reached(state, { timeout: "10s" }),
  async source(hash: string) {
    return (await continuum.health()).code.find((version) => version.hash === hash)?.source;
  },
  versions: async () => (await continuum.versions.list()).versions,
  damageArchive: () => archive.damage(),
  restoreArchive: () => archive.restore(),
};

say({ ready: Deno.pid });
for await (const line of linesOf(Deno.stdin.readable)) {
  const [name, ...args] = JSON.parse(line) as [string, ...never[]];
  try {
    say({ value: await commands[name]?.(...args) });
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
  }
}

function say(answer: unknown): void {
  // deno-lint-ignore no-console -- the parent reads these lines
  console.log(JSON.stringify(answer));
}
