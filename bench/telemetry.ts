/**
 * What telemetry costs a step: W1 in short stretches, in turns, on two nodes of one process, one of
 * which observes. Each stretch is compared with the one of the other node beside it. An observer's
 * clock goes as if W1 had the processor to itself, at 20,000 steps a second, however busy the
 * machine is: how many attempts are timed depends on it.
 *
 * @module
 */

import process from "node:process";
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { AlwaysOffSampler, BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import type { Continuum } from "../mod.ts";
import { telemetryOption } from "../src/ports/telemetry.ts";
import { makeObserver, type Observer, type ObserverOptions } from "../src/telemetry/observer.ts";
import { ENDED, RUN } from "../tests/telemetry/ended_run.ts";
import { Marks, open, warmUp, work } from "./fixtures.ts";
import { median, pool, round } from "./measure.ts";
import bench from "./peers_workflow.ts";
import type { Sent } from "../src/ports/telemetry.ts";
import type { Measurement, Workload } from "./workload.ts";

const STEPS = 10;
const RUNS = 20;
/** What W1 reaches on a quiet machine. */
const STEPS_A_MS = 20;
/** More than a second of it: an observer takes a sample from the second one on. */
const WARM = 2_200;
const ROUNDS = 200;
const CALLED = 2_000;
const CALLS_ROUNDS = 12;

/** Metrics that are recorded and collected, and leave the process never. */
function meters(): MeterProvider {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const exportIntervalMillis = 3_600_000;
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis });
  return new MeterProvider({ readers: [reader] });
}

/** Contexts of spans, as an application has them that sets an SDK up. */
function contexts(): Disposable {
  const manager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(manager);
  return {
    [Symbol.dispose]() {
      context.disable();
      manager.disable();
    },
  };
}

/** What a node reports, by name; `undefined`: it has no telemetry either. */
const VARIANTS: Readonly<Record<string, () => Partial<ObserverOptions> | undefined>> = {
  again: () => undefined,
  idle: () => ({}),
  metrics: () => ({ spans: false, meterProvider: meters() }),
  unsampled: () => ({
    tracerProvider: new BasicTracerProvider({ sampler: new AlwaysOffSampler() }),
  }),
  /** Every span that is made is thrown away. */
  traces: () => ({ tracerProvider: new BasicTracerProvider() }),
};

/** An observer, and how many steps it has seen. */
class Observed {
  readonly observer: Observer;
  steps = 0;

  constructor(options: Partial<ObserverOptions>) {
    const makes = { spans: true, versions: false, database: false, ...options };
    this.observer = makeObserver(makes, () => this.steps / STEPS_A_MS);
  }
}

/** Counts the steps of the node whose stretch it is. */
class Steps extends Marks {
  of: Observed | undefined;

  override step(): void {
    if (this.of !== undefined) this.of.steps++;
  }
}

/** Microseconds of processor time of the main thread so far; those of the process elsewhere. */
function mainThreadUs(): number {
  try {
    const text = Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/schedstat`);
    return Number(text.split(" ")[0]) / 1_000;
  } catch {
    const { user, system } = process.cpuUsage();
    return user + system;
  }
}

async function stretch(node: Continuum): Promise<number> {
  const before = mainThreadUs();
  const results: Promise<unknown>[] = [];
  await pool(RUNS, RUNS, async (i) => {
    results.push((await node.start(bench, work(i, STEPS))).result());
  });
  await Promise.all(results);
  return (mainThreadUs() - before) / (RUNS * STEPS);
}

const STARTED: Sent = {
  operation: "start",
  runId: RUN.runId,
  namespace: RUN.namespace,
  workflow: RUN.workflow,
  hash: RUN.hash,
};

/** What runs of ten steps tell, without an engine: microseconds of processor time a step. */
function calls(observed: Observed): number {
  const { observer } = observed;
  const before = mainThreadUs();
  for (let i = 0; i < CALLED; i++) {
    observer.sending(STARTED)?.ended();
    const stay = observer.arrived(RUN, 1_000);
    for (let position = 0; position < STEPS; position++) {
      observed.steps++;
      const name = `s${position}`;
      stay.wantsSite("step", name);
      const attempt = stay.attempt({ kind: "step", name, attempt: 1, stack: null });
      attempt?.during?.(() => position);
      attempt?.ended();
      stay.wrote(1);
    }
    observer.flushed(STEPS, 1);
    stay.left(ENDED, 2_000);
  }
  return (mainThreadUs() - before) / (CALLED * STEPS);
}

/**
 * Processor time of a step, and its share over that without telemetry. `calls`: that of the calls
 * alone, which other programs on the machine disturb less.
 */
export const TELEMETRY: Workload = {
  name: "TELEMETRY",
  async measure(db) {
    const marks = new Steps();
    using _contexts = contexts();
    await using off = await open(db);
    await warmUp(off, WARM);
    const plain: number[] = [];
    const found: Measurement = { steps: RUNS * STEPS * ROUNDS };
    for (const [name, make] of Object.entries(VARIANTS)) {
      const options = make();
      const observed = options && new Observed(options);
      const option = observed && { telemetry: telemetryOption(observed.observer) };
      await using node = await open(db, option);
      const take = async (of: Continuum) => {
        marks.of = of === node ? observed : undefined;
        return await stretch(of);
      };
      marks.of = observed;
      await warmUp(node, WARM);
      const told = options && new Observed(options);
      const shares: number[] = [];
      const called: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const isFirst = round % 2 === 0;
        const first = await take(isFirst ? off : node);
        if (told !== undefined && round < CALLS_ROUNDS) called.push(calls(told));
        const second = await take(isFirst ? node : off);
        const [without, observing] = isFirst ? [first, second] : [second, first];
        plain.push(without);
        shares.push(observing / without - 1);
      }
      found[`${name}_more_percent`] = round(median(shares) * 100, 1);
      if (called.length === 0) continue;
      const own = median(called.slice(2));
      found[`${name}_calls_us_step`] = round(own, 2);
      found[`${name}_calls_percent`] = round(own / median(plain.slice(-ROUNDS)) * 100, 1);
    }
    found["off_cpu_us_step"] = round(median(plain), 1);
    return found;
  },
};
