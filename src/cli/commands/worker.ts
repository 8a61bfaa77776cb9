/**
 * `worker`: a node that executes runs, without a main program.
 *
 * @module
 */

import type { LogLevel } from "@logtape/logtape";
import type { HealthAddress } from "../../operate/health_port.ts";
import { Worker, type WorkerReport } from "../../operate/worker.ts";
import { serveObserver, type Standalone } from "../../observer/standalone.ts";
import { given } from "../../operate/client.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { counted } from "../output/words.ts";
import { duration, oneOf, refuse, whole } from "../readers.ts";
import { LOG_LEVELS, logTo } from "../worker_log.ts";

interface Options {
  readonly activities?: readonly string[];
  readonly queue?: readonly (readonly [name: string, concurrency: number | undefined])[];
  readonly concurrency?: number;
  readonly runs?: number;
  readonly drain?: number;
  readonly lease?: number;
  readonly healthPort?: HealthAddress;
  readonly observer?: number;
  readonly name?: string;
  readonly trust?: readonly string[];
  readonly signatures?: readonly string[];
  readonly live?: readonly string[];
  readonly config?: string;
  readonly log?: LogLevel;
}

/** How long attempts under way may take once the worker is asked to stop, in milliseconds. */
const DRAIN = 20_000;

/** Executes runs until it is asked to stop. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "Execute the runs of two workflows",
      line: "worker workflows/order.ts workflows/pay.ts",
    },
    {
      text: "With a queue of activities, and a port for probes",
      line:
        `worker "workflows/*.ts" --activities activities.ts --queue email=10 --health-port 8080`,
    },
  ],
  arguments: [["<module...>", "workflow modules: paths, URLs, patterns such as 'workflows/*.ts'"]],
  options: [
    {
      flags: "--activities <module>",
      text: "a module whose exported activities workflows may call by name",
      repeat: true,
    },
    {
      flags: "--queue <name=concurrency>",
      text: "serve this queue of activities too; default=0 leaves out the default queue",
      repeat: true,
      read: queueOf,
    },
    {
      flags: "--concurrency <n>",
      text: "the most attempts of activities at once; 200 if omitted",
      read: whole(1),
    },
    {
      flags: "--runs <n>",
      text: "the most runs in memory at once; 1000 if omitted",
      read: whole(1),
    },
    {
      flags: "--drain <duration>",
      text: "how long attempts may take when it stops; 20s if omitted",
      read: duration,
    },
    {
      flags: "--lease <duration>",
      text: "how long it may miss heartbeats before other nodes take its runs; 20s if omitted",
      read: duration,
    },
    {
      flags: "--health-port <[host:]port>",
      text: "answer GET /live and /ready there",
      read: addressOf,
    },
    {
      flags: "--observer <port>",
      text: "serve the observer of this node on 127.0.0.1, by a link that works once; 0: any port",
      read: portOf,
    },
    { flags: "--name <name>", text: "its name, shown to people; host and process if omitted" },
    { flags: "--trust <pattern>", text: "modules that may run besides its own", repeat: true },
    {
      flags: "--signatures <file>",
      text: "signatures that this deployment brings along, of `versions sign`",
      repeat: true,
    },
    { flags: "--live <module>", text: "a module that versions share and don't pin", repeat: true },
    { flags: "--config <file>", text: "the deno.json of the workflow modules" },
    {
      flags: "--log <level>",
      text: `the lowest level that is logged: ${LOG_LEVELS.join(", ")}; info if omitted`,
      read: oneOf(LOG_LEVELS),
    },
  ],
  fields: ["workflows", "activities", "queues", "health", "observer"],
  graceful: "serves",
  async run({ args: modules, options, globals, database, out, signal }) {
    const { activities, queue = [], healthPort, log = "info", drain = DRAIN } = options;
    const { concurrency, runs, lease, name, trust, signatures, live, config } = options;
    let opened: Worker | undefined;
    using _ = await logTo(out, log, () => opened !== undefined && opened.trouble !== null);
    const worker = opened = await Worker.open({
      ...database(),
      modules,
      ...given({ activities, trust, signatures }),
      queues: Object.fromEntries(
        queue.map(([name, concurrency]) => [name, given({ concurrency })]),
      ),
      health: healthPort,
      node: {
        ...given({ lease, name, live, config }),
        ...(concurrency === undefined ? {} : { activityConcurrency: concurrency }),
        ...(runs === undefined ? {} : { maxResidentRuns: runs }),
        drainTimeout: drain,
      },
    });
    await using pages = observed(worker, options.observer, globals.as);
    printReport(out, worker.report, pages?.link ?? null);
    await aborted(signal);
    out.note("stopping: it takes no more work; a second signal stops it at once");
    const closing = pages?.[Symbol.asyncDispose]();
    const { released, forced } = await worker.stop();
    await closing;
    const givenUp = forced === 0 ? "" : `; ${forced} did not finish in time, and were given up`;
    out.note(
      `stopped: ${counted(released, "run was", "runs were")} released for other nodes${givenUp}`,
    );
  },
});

/** The node's own observer; the worker stops if it can't be served. */
function observed(worker: Worker, port: number | undefined, by: string): Standalone | null {
  if (port === undefined) return null;
  return serveObserver(worker.client, { hostname: "127.0.0.1", port, by });
}

function printReport(
  out: CommandContext["out"],
  report: WorkerReport,
  observer: string | null,
): void {
  const { workflows, activities, queues, health } = report;
  out.document({ ...report, observer }, () => [
    `serving ${
      workflows.map(({ workflow, version }) => `${workflow} ${version.slice(0, 12)}`).join(", ")
    }; ${activities.length === 0 ? "" : `activities ${activities.join(", ")}; `}queues ${
      queues.join(", ")
    }${health === null ? "" : `; health on ${health}`}`,
    ...observer === null ? [] : [`observer at ${observer}`],
  ]);
  if (observer !== null) out.note("the link works once");
  for (const { workflow, version, current } of workflows) {
    if (current) continue;
    const hash = version.slice(0, 12);
    out.note(
      `${workflow} ${hash} is not current: starts by name take another version until ` +
        `\`continuum versions activate ${workflow} ${hash}\``,
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

function queueOf(text: string, flag: string): readonly [string, number | undefined] {
  const [, name, concurrency] = /^([^=]+)(?:=(\d{1,6}))?$/.exec(text) ?? [];
  if (name === undefined) return refuse(flag, text, "a queue's name, or name=concurrency");
  return [name, concurrency === undefined ? undefined : Number(concurrency)];
}

function portOf(text: string, flag: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  return port <= 65_535 ? port : refuse(flag, text, "a port, or 0 for any");
}

function addressOf(text: string, flag: string): HealthAddress {
  const [, hostname, digits] = /^(?:\[?([^\]]+)\]?:)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits ?? NaN);
  if (!(port <= 65_535)) return refuse(flag, text, "a port, or host:port");
  return { hostname, port };
}
