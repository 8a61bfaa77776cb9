/**
 * Turns profiles of `deno run --cpu-prof` into a table by function: whose code was on the
 * processor.
 *
 *     deno run -A --cpu-prof --cpu-prof-dir=/tmp/profiles bench/main.ts W1 --database=postgres
 *     deno run -A bench/profile_summary.ts /tmp/profiles/*.cpuprofile
 *
 * Shares are of the time that the process was not idle; the idle time's own share is said apart.
 *
 * @module
 */

import { table } from "./report.ts";

/** As V8 writes it. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 15;

/** Microseconds of each function by itself. */
function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const name = names.get(id)!;
    times.set(name, (times.get(name) ?? 0) + Math.max(timeDeltas[i]!, 0));
  }
  return times;
}

function nameOf(
  { functionName, url, lineNumber }: Profile["nodes"][number]["callFrame"],
): string {
  if (functionName.startsWith("wasm")) return "(PGlite)";
  if (functionName.startsWith("(")) return functionName;
  const file = url.split("/").slice(-2).join("/");
  return `${functionName || "(anonymous)"} ${file === "" ? "" : `${file}:${lineNumber + 1}`}`;
}

function summarise(path: string): void {
  const times = selfTimes(JSON.parse(Deno.readTextFileSync(path)) as Profile);
  const idle = times.get("(idle)") ?? 0;
  times.delete("(idle)");
  const busy = [...times.values()].reduce((a, b) => a + b, 0);
  const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  // deno-lint-ignore no-console -- a tool speaks to its user
  console.log(`${path}: idle ${percent(idle / (idle + busy))} of the time`);
  table(rows.map(([name, time]) => ({ function: name, "self time": percent(time / busy) })));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

for (const path of Deno.args) summarise(path);
