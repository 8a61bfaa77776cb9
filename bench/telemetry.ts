/**
 * What telemetry costs a step: W1 in short stretches, in turns, on nodes of one process that differ in
 * their telemetry. Each stretch is compared with the one of the node without telemetry beside it.
 *
 * @module
 */

import process from "node:process";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { AlwaysOffSampler, BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import type { Continuum } from "../mod.ts";
import { telemetry, type TelemetryOptions } from "../src/telemetry/mod.ts";
import { Marks, open, warmUp, work } from "./fixtures.ts";
import { median, pool, round } from "./measure.ts";
import bench from "./peers_workflow.ts";
import type { Exit } from "../src/ports/exit.ts";
import type { ClaimedRun } from "../src/ports/rows.ts";
import { observerOf, type Sent, type Telemetry } from "../src/ports/telemetry.ts";
import type { Measurement, Workload } from "./workload.ts";

const STEPS = 10;
const RUNS = 40;
const ROUNDS = 24;
const CALLED = 2_000;
const CALLS_ROUNDS = 6;

/** Metrics that are recorded and collected, and leave the process never. */
function meters(): MeterProvider {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const exportIntervalMillis = 3_600_000;
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis });
  return new MeterProvider({ readers: [reader] });
}

/** What the nodes report, by name. `traces`: every span is made, and thrown away. */
const VARIANTS: Readonly<Record<string, () => TelemetryOptions | undefined>> = {
  off: () => undefined,
  again: () => undefined,
  idle: () => ({}),
  metrics: () => ({ spans: "none", meterProvider: meters() }),
  unsampled: () => ({
    tracerProvider: new BasicTracerProvider({ sampler: new AlwaysOffSampler() }),
  }),
  traces: () => ({ tracerProvider: new BasicTracerProvider() }),
};

async function stretch(node: Continuum): Promise<number> {
  const before = process.cpuUsage();
  const results: Promise<unknown>[] = [];
  await pool(RUNS, 20, async (i) => {
    results.push((await node.start(bench, work(i, STEPS))).result());
  });
  await Promise.all(results);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (RUNS * STEPS);
}

/** A run as a node has it. */
const RUN: ClaimedRun = {
  id: 1,
  namespace: "default",
  runId: "r",
  workflow: "bench",
  hash: "a".repeat(64),
  specifier: "file:///bench.ts",
  input: "1",
  seed: "s",
  startedAt: 1_000,
  token: 1,
  generation: 0,
  attempt: 1,
  deadline: null,
  policy: null,
  firstSeq: 0,
  claims: 1,
  began: true,
  deliveredSeq: null,
  origin: null,
  createdAt: 1_000,
  startAt: null,
  dueAt: 1_000,
  trace: null,
};
const STARTED: Sent = {
  operation: "start",
  runId: "r",
  namespace: "default",
  workflow: "bench",
  hash: RUN.hash,
};
const ENDED: Exit = {
  kind: "ended",
  state: "completed",
  result: "1",
  error: null,
  watched: false,
  mustNotify: false,
};

/** What a run of ten steps tells, without an engine: microseconds of processor time a step. */
function calls(observer: Telemetry): number {
  const before = process.cpuUsage();
  for (let i = 0; i < CALLED; i++) {
    observer.sending(STARTED).ended();
    const stay = observer.arrived(RUN, 1_000);
    for (let position = 0; position < STEPS; position++) {
      stay.wantsSite("step", "work");
      const attempt = stay.attempt({ kind: "step", name: "work", attempt: 1, stack: null });
      attempt.during(() => position);
      attempt.ended();
      stay.wrote(1);
    }
    observer.flushed(STEPS, 1);
    stay.left(ENDED, 2_000);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (CALLED * STEPS);
}

/**
 * Processor time of a step, and its share over that without telemetry. `calls`: that of the calls
 * alone, which another program on the machine disturbs less.
 */
export const TELEMETRY: Workload = {
  name: "TELEMETRY",
  async measure(db) {
    new Marks();
    await using stack = new AsyncDisposableStack();
    const nodes: [string, Continuum][] = [];
    for (const [name, options] of Object.entries(VARIANTS)) {
      const given = options();
      const node = await open(db, given === undefined ? {} : { telemetry: telemetry(given) });
      nodes.push([name, stack.use(node)]);
      await warmUp(node, 60);
    }
    const took = new Map<string, number[]>(nodes.map(([name]) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? nodes : nodes.toReversed();
      for (const [name, node] of order) took.get(name)!.push(await stretch(node));
    }
    const off = took.get("off")!;
    const found: Measurement = { steps: RUNS * STEPS * ROUNDS };
    for (const [name, options] of Object.entries(VARIANTS)) {
      const given = options();
      if (given === undefined) continue;
      const observer = observerOf(telemetry(given))!;
      const times = Array.from({ length: CALLS_ROUNDS }, () => calls(observer));
      found[`${name}_calls_us_step`] = round(median(times.slice(1)), 2);
    }
    for (const [name, times] of took) {
      found[`${name}_cpu_us_step`] = round(median(times), 1);
      if (name === "off") continue;
      const shares = times.map((time, index) => time / off[index]! - 1);
      found[`${name}_more_percent`] = round(median(shares) * 100, 1);
    }
    return found;
  },
};
