/**
 * A node, or a client, in a process of its own: does what its parent writes to its standard input,
 * a JSON line for each command, and answers each with a JSON line.
 *
 * `worker.ts open|connect <options as JSON>`; option `server`, in place of `database`, is a
 * Postgres by its `url` and the options of `postgres`.
 *
 * @module
 */

import { configure } from "@logtape/logtape";
import { linesOf } from "../../examples/demo/lines.ts";
import { armFailPoint, type FailPoint } from "../../src/base/failpoint.ts";
import type { ForkOptions } from "../../src/client/run/fork.ts";
import type { ReopenOptions } from "../../src/client/run/reopen.ts";
import { Continuum } from "../../src/continuum.ts";
import { postgres } from "../../src/store/postgres/mod.ts";

const [role, given] = Deno.args as ["open" | "connect", string];

const faults: string[] = [];
await configure({
  sinks: { faults: ({ message }) => void faults.push(message.map(String).join("")) },
  loggers: [
    { category: "continuum", sinks: ["faults"], lowestLevel: "warning" },
    { category: ["logtape", "meta"], sinks: [] },
  ],
});

try {
  const { server, ...options } = JSON.parse(given);
  if (server !== undefined) options.database = postgres(server.url, server);
  const continuum = await Continuum[role](options);
  const commands: Record<string, (...args: never[]) => unknown> = {
    start: async (workflow: string, input: unknown, runId: string) =>
      (await continuum.start(workflow, input, { runId })).id,
    signal: (runId: string, name: string, payload: unknown) =>
      continuum.run(runId).signal(name, payload),
    result: (runId: string) => continuum.run(runId).result({ timeout: "5m" }),
    fork: (runId: string, options: ForkOptions) => continuum.run(runId).fork(options),
    reopen: (runId: string, options: ReopenOptions) => continuum.run(runId).reopen(options),
    readiness: () => continuum.readiness(),
    /** All that was logged as a warning or an error. */
    faults: () => faults,
    close: () => continuum.close(),
    /** From now on, code that passes that point stays there, and the parent is notified. */
    stopAt(point: FailPoint, kind?: string) {
      armFailPoint(point, (facts) => {
        const { event, runs } = facts as { event?: { kind: string }; runs?: number };
        if (kind !== undefined && event?.kind !== kind) return;
        if (runs === 0) return; // a claim that found nothing
        say({ stopped: point });
        return new Promise(() => {});
      });
    },
  };
  say({ value: Deno.pid });
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [name, ...args] = JSON.parse(line) as [string, ...never[]];
    Promise.try(() => commands[name]?.(...args)).then(
      (value) => say({ value }),
      (error) => say({ error: error.code ?? String(error) }),
    );
  }
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  say({ error: code ?? message });
}

function say(answer: unknown): void {
  // deno-lint-ignore no-console -- the parent reads these lines
  console.log(JSON.stringify(answer));
}
