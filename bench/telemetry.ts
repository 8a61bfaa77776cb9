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
import type { Measurement, Workload } from "./workload.ts";

const STEPS = 10;
const RUNS = 40;
const ROUNDS = 24;

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

/** Processor time of a step, and its share over that without telemetry. */
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
    for (const [name, times] of took) {
      found[`${name}_cpu_us_step`] = round(median(times), 1);
      if (name === "off") continue;
      const shares = times.map((time, index) => time / off[index]! - 1);
      found[`${name}_more_percent`] = round(median(shares) * 100, 1);
    }
    return found;
  },
};
