/**
 * The instruments of one observer. They are made anew when the application registers another
 * provider: the global one is asked for at each use.
 *
 * @module
 */

import {
  type Attributes,
  type BatchObservableResult,
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type ObservableResult,
} from "@opentelemetry/api";
import { RELEASE } from "../base/release.ts";
import type { FleetNumbers, TelemetryHost } from "../ports/telemetry.ts";
import { type InstrumentInfo, type InstrumentName, INSTRUMENTS } from "./instrument_names.ts";
import { BoundedNames } from "./names.ts";
import { quietly, tell } from "./quiet.ts";

/** The name under which this package's spans and metrics are known. */
export const SCOPE = "continuum";

/** The numbers of the whole database are read at most so often, in milliseconds. */
const FLEET_MS = 15_000;

/** The attributes of metrics whose values are names. */
type NameAttribute =
  | "continuum.workflow.name"
  | "continuum.version"
  | "continuum.name"
  | "continuum.queue"
  | "error.type";

/** Records metrics. */
export class Instruments {
  readonly #given: MeterProvider | undefined;
  readonly #reportsDatabase: boolean;
  readonly #hosts = new Set<TelemetryHost>();
  readonly #names = new Map<string, BoundedNames>();
  readonly #fleet = new WeakMap<TelemetryHost, Fleet>();
  #provider: MeterProvider | undefined;
  #isOn = false;
  #counters = new Map<InstrumentName, Counter>();
  #histograms = new Map<InstrumentName, Histogram>();

  /**
   * Makes the instruments of a provider.
   *
   * @param provider The provider; the global one when `undefined`.
   * @param reportsDatabase Whether gauges of the whole database are reported.
   */
  constructor(provider: MeterProvider | undefined, reportsDatabase: boolean) {
    this.#given = provider;
    this.#reportsDatabase = reportsDatabase;
  }

  /** Gauges show the numbers of a process, until the returned function is called. */
  attach(host: TelemetryHost): () => void {
    this.#hosts.add(host);
    this.#look();
    return () => this.#hosts.delete(host);
  }

  /** Whether there is a provider: without one, nothing needs to be recorded. */
  get isOn(): boolean {
    this.#look();
    return this.#isOn;
  }

  /** Adds 1 to a counter. */
  count(name: InstrumentName, attributes: Attributes): void {
    if (this.isOn) this.#counters.get(name)?.add(1, attributes);
  }

  /** Records a number. */
  record(name: InstrumentName, value: number, attributes?: Attributes): void {
    if (this.isOn) this.#histograms.get(name)?.record(value, attributes);
  }

  /** Records a time; below zero it is zero, since clocks differ. */
  time(name: InstrumentName, ms: number, attributes?: Attributes): void {
    this.record(name, Math.max(ms, 0) / 1_000, attributes);
  }

  /** A name as metrics show it. */
  bounded(attribute: NameAttribute, name: string): string {
    let names = this.#names.get(attribute);
    if (names === undefined) this.#names.set(attribute, names = new BoundedNames());
    return names.of(name);
  }

  /** Makes the instruments if there is another provider than before. */
  #look(): void {
    const provider = this.#given ?? metrics.getMeterProvider();
    if (provider === this.#provider) return;
    this.#provider = provider;
    this.#counters = new Map();
    this.#histograms = new Map();
    const meter = provider.getMeter(SCOPE, RELEASE);
    this.#isOn = meter !== createNoopMeter();
    for (const [name, info] of entries()) {
      if (info.kind === "counter") this.#counters.set(name, meter.createCounter(name, info));
      if (info.kind === "histogram") {
        this.#histograms.set(name, meter.createHistogram(name, histogramOptions(info)));
      }
    }
    this.#observe(meter);
  }

  #observe(meter: Meter): void {
    const updown = (name: InstrumentName) =>
      meter.createObservableUpDownCounter(name, INSTRUMENTS[name]);
    const observe = (
      name: InstrumentName,
      observer: (host: TelemetryHost, result: ObservableResult) => void,
    ) =>
      updown(name).addCallback((result) =>
        quietly(() => {
          for (const host of this.#hosts) observer(host, result);
        }, undefined)
      );
    observe("continuum.runs.resident", ({ resident }, result) => result.observe(resident));
    observe("continuum.attempts.active", ({ attempts }, result) => {
      for (const [queue, active] of attempts) {
        result.observe(active, { "continuum.queue": this.bounded("continuum.queue", queue) });
      }
    });
    if (!this.#reportsDatabase) return;
    const gauge = (name: InstrumentName) => meter.createObservableGauge(name, INSTRUMENTS[name]);
    const live = gauge("continuum.runs.live");
    const depth = gauge("continuum.queue.depth");
    const oldest = gauge("continuum.queue.oldest");
    const report = async (result: BatchObservableResult) => {
      const [host] = this.#hosts; // all have the same database
      if (host === undefined) return;
      try {
        const { live: states, queues } = await this.#fleetOf(host);
        for (const [state, runs] of states) {
          result.observe(live, runs, { "continuum.state": state });
        }
        for (const [queue, tasks] of queues) {
          const of = { "continuum.queue": this.bounded("continuum.queue", queue) };
          result.observe(depth, tasks.depth, of);
          result.observe(oldest, tasks.oldestMs / 1_000, of);
        }
      } catch (error) {
        tell(error);
      }
    };
    meter.addBatchObservableCallback(report, [live, depth, oldest]);
  }

  async #fleetOf(host: TelemetryHost): Promise<FleetNumbers> {
    const known = this.#fleet.get(host);
    const now = performance.now();
    if (known !== undefined && now - known.at < FLEET_MS) return await known.numbers;
    const numbers = host.fleet();
    this.#fleet.set(host, { at: now, numbers });
    try {
      return await numbers;
    } catch (error) {
      this.#fleet.delete(host);
      throw error;
    }
  }
}

interface Fleet {
  readonly at: number;
  readonly numbers: Promise<FleetNumbers>;
}

function entries(): [InstrumentName, InstrumentInfo][] {
  return Object.entries(INSTRUMENTS) as [InstrumentName, InstrumentInfo][];
}

function histogramOptions({ unit, description, buckets = [] }: InstrumentInfo) {
  return { unit, description, advice: { explicitBucketBoundaries: [...buckets] } };
}
