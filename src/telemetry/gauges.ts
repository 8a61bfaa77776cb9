/**
 * What a process has now, and the whole database: read when metrics are collected.
 *
 * @module
 */

import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import type { FleetNumbers, TelemetryHost } from "../ports/telemetry.ts";
import type { Board } from "./board.ts";
import { type InstrumentName, INSTRUMENTS } from "./instrument_names.ts";
import { quietly, tell } from "./quiet.ts";

/** The numbers of the whole database are read at most so often, in milliseconds. */
const FLEET_MS = 15_000;

interface Fleet {
  readonly at: number;
  readonly numbers: Promise<FleetNumbers>;
}

/** The gauges of one provider. */
export class Gauges {
  readonly #board: Board;
  /** The open nodes and clients; whether they report the whole database. */
  readonly #hosts = new Map<TelemetryHost, boolean>();
  readonly #fleet = new WeakMap<TelemetryHost, Fleet>();

  /** @param board Has the provider's meter. */
  constructor(board: Board) {
    this.#board = board;
    const { meter } = board;
    observe(meter, "continuum.runs.resident", (result) => {
      if (this.#hosts.size === 0) return;
      const resident = [...this.#hosts.keys()].reduce((sum, host) => sum + host.resident, 0);
      result.observe(resident);
    });
    observe(meter, "continuum.attempts.active", (result) => {
      for (const [queue, active] of this.#active) {
        result.observe(active, { "continuum.queue": queue });
      }
    });
    const gauge = (name: InstrumentName) => meter.createObservableGauge(name, INSTRUMENTS[name]);
    const live = gauge("continuum.runs.live");
    const depth = gauge("continuum.queue.depth");
    const oldest = gauge("continuum.queue.oldest");
    const report = async (result: BatchObservableResult) => {
      // All have the same database.
      const [host] = [...this.#hosts].find(([, reportsDatabase]) => reportsDatabase) ?? [];
      if (host === undefined) return;
      try {
        const { live: states, queues } = await this.#fleetOf(host);
        for (const [state, runs] of states) {
          result.observe(live, runs, { "continuum.state": state });
        }
        for (const [queue, tasks] of queues) {
          const of = { "continuum.queue": this.#board.bounded("continuum.queue", queue) };
          result.observe(depth, tasks.depth, of);
          result.observe(oldest, tasks.oldestMs / 1_000, of);
        }
      } catch (error) {
        tell(error);
      }
    };
    meter.addBatchObservableCallback(report, [live, depth, oldest]);
  }

  /** Shows the numbers of a process; `reportsDatabase`: and those of its database. */
  attach(host: TelemetryHost, reportsDatabase: boolean): void {
    this.#hosts.set(host, reportsDatabase);
  }

  /** Shows them no more. */
  detach(host: TelemetryHost): void {
    this.#hosts.delete(host);
  }

  /** Attempts under way, by queue. */
  get #active(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const { attempts } of this.#hosts.keys()) {
      for (const [queue, active] of attempts) {
        const name = this.#board.bounded("continuum.queue", queue);
        all.set(name, (all.get(name) ?? 0) + active);
      }
    }
    return all;
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

function observe(
  meter: Meter,
  name: InstrumentName,
  observer: (result: { observe(value: number, attributes?: Record<string, string>): void }) => void,
): void {
  meter.createObservableUpDownCounter(name, INSTRUMENTS[name]).addCallback((result) =>
    quietly(() => observer(result), undefined)
  );
}
