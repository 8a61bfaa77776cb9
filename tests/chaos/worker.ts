/**
 * A worker in a process of its own. It ends in good order at SIGTERM, writes a line of JSON for all
 * that its harness should know, and injects faults of the database that its harness asks for.
 *
 * @module
 */

import "./shifted_clock.ts";
import { configure } from "@logtape/logtape";
import { linesOf } from "../../examples/demo/lines.ts";
import { isContinuumError } from "../../src/base/errors.ts";
import { Continuum } from "../../src/continuum.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import type { DatabaseAdapter } from "../../src/store/sql/driver.ts";
import { Losses, PASSING_STATES } from "../support/losses.ts";
import { drawFrom } from "./plan.ts";

/** How a worker is opened. */
export interface WorkerOptions {
  readonly name: string;
  readonly url: string;
  /** Where it listens; with it, faults can be injected. Without it, it has a watchdog. */
  readonly listenUrl?: string;
  readonly schema: string;
  readonly workflows: readonly string[];
  readonly leaseMs: number;
}

/** What a worker says. */
export type Said =
  | { readonly said: "open" }
  | { readonly said: "log"; readonly level: string; readonly text: string }
  | { readonly said: "injected"; readonly count: number };

/** What a worker is asked: to fail a share of its statements for a while. */
export interface Injection {
  readonly share: number;
  readonly ms: number;
  readonly seed: number;
}

async function work(options: WorkerOptions): Promise<void> {
  const { name, url, listenUrl, schema, workflows, leaseMs } = options;
  await configure({
    sinks: {
      harness: ({ level, message }) => {
        say({ said: "log", level, text: message.map((part) => textOf(part)).join("") });
      },
    },
    loggers: [
      { category: ["continuum", "engine"], sinks: ["harness"], lowestLevel: "warning" },
      { category: ["continuum", "version"], sinks: ["harness"], lowestLevel: "warning" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  let continuum: Continuum | undefined;
  let isEnding = false;
  const end = async () => {
    await continuum?.close();
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGTERM", () => {
    isEnding = true;
    if (continuum !== undefined) void end(); // otherwise once it is open: its node has a row already
  });
  const injected = listenUrl === undefined ? undefined : new InjectedFaults(url, listenUrl, schema);
  while (continuum === undefined) {
    try {
      continuum = await Continuum.open({
        database: injected?.adapter ?? url,
        schema,
        name,
        workflows,
        lease: leaseMs,
        linger: 200,
        probe: "1s",
        drainTimeout: "2s",
        queues: { mail: { concurrency: 3, rateLimit: { limit: 20, per: "1s" } } },
      });
    } catch (error) {
      // As an orchestrator does, which starts such a process again.
      if (!isContinuumError(error, "DATABASE_UNAVAILABLE")) throw error;
      if (isEnding) await end();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  if (isEnding) await end();
  say({ said: "open" });
  for await (const line of linesOf(Deno.stdin.readable)) {
    injected?.begin(JSON.parse(line) as Injection);
  }
  Deno.exit(1); // its harness was killed
}

/** A database of which some statements fail, or are carried out and not answered. */
class InjectedFaults {
  readonly adapter: DatabaseAdapter;
  #count = 0;
  #fate: (name: string) => "answered" | "lost" | { state: string } = () => "answered";

  constructor(url: string, listenUrl: string, schema: string) {
    const inner = postgres(url, { listenUrl });
    const losses = new Losses((name) => this.#fate(name));
    losses.begin();
    this.adapter = {
      description: inner.description,
      open: async (host) => losses.wrap(await inner.open(host), schema),
    };
  }

  begin({ share, ms, seed }: Injection): void {
    const draw = drawFrom(seed);
    this.#fate = () => {
      if (!draw.chance(share)) return "answered";
      this.#count++;
      return draw.chance(0.5) ? "lost" : { state: draw.of(PASSING_STATES) };
    };
    setTimeout(() => {
      this.#fate = () => "answered";
      say({ said: "injected", count: this.#count });
      this.#count = 0;
    }, ms);
  }
}

function textOf(part: unknown): string {
  if (part instanceof Error) {
    const cause = part.cause === undefined ? "" : ` <- ${textOf(part.cause)}`;
    return `${part.name}: ${part.message}${cause}`;
  }
  return typeof part === "string" ? part : Deno.inspect(part);
}

function say(said: Said): void {
  // deno-lint-ignore no-console -- the harness reads these lines
  console.log(JSON.stringify(said));
}

if (import.meta.main) await work(JSON.parse(Deno.args[0]!));
