/**
 * Where the metrics of one observer go. The global provider is looked up again and again, so that the
 * application may register one later.
 *
 * @module
 */

import { type MeterProvider, metrics } from "@opentelemetry/api";
import type { TelemetryHost } from "../ports/telemetry.ts";
import { Board } from "./board.ts";
import { Gauges } from "./gauges.ts";
import { quietly } from "./quiet.ts";

/** What one provider has; `null`: it takes no metrics. */
type Registered = { readonly board: Board; readonly gauges: Gauges } | null;

const REGISTERED = new WeakMap<MeterProvider, Registered>();

/** Where metrics go. */
export class Instruments {
  readonly #given: MeterProvider | undefined;
  readonly #reportsDatabase: boolean;
  readonly #hosts = new Set<TelemetryHost>();
  #provider: MeterProvider | undefined;
  #registered: Registered = null;

  /**
   * Creates it.
   *
   * @param provider The provider; the global one when `undefined`.
   * @param reportsDatabase Whether gauges of the whole database are reported.
   */
  constructor(provider: MeterProvider | undefined, reportsDatabase: boolean) {
    this.#given = provider;
    this.#reportsDatabase = reportsDatabase;
  }

  /** The numbers of the provider that was there at the last look; `undefined`: there was none. */
  get board(): Board | undefined {
    return this.#registered?.board;
  }

  /**
   * Looks which provider there is.
   *
   * @param now Milliseconds of a monotonic clock.
   */
  look(now: number): void {
    const provider = this.#given ?? metrics.getMeterProvider();
    if (provider !== this.#provider) this.#change(provider);
    const { board } = this;
    if (board?.pace.tick(now) === true) board.pass();
  }

  /** Passes on what was counted. */
  pass(): void {
    this.board?.pass();
  }

  /** Gauges show the numbers of a process, until the returned function is called. */
  attach(host: TelemetryHost): () => void {
    this.#hosts.add(host);
    this.#registered?.gauges.attach(host, this.#reportsDatabase);
    return () => {
      this.pass();
      this.#hosts.delete(host);
      this.#registered?.gauges.detach(host);
    };
  }

  #change(provider: MeterProvider): void {
    this.#provider = provider;
    this.pass();
    for (const host of this.#hosts) this.#registered?.gauges.detach(host);
    this.#registered = registered(provider);
    for (const host of this.#hosts) this.#registered?.gauges.attach(host, this.#reportsDatabase);
  }
}

function registered(provider: MeterProvider): Registered {
  const known = REGISTERED.get(provider);
  if (known !== undefined) return known;
  const board = quietly(() => Board.of(provider), undefined);
  const gauges = quietly(() => board && new Gauges(board), undefined);
  const made = board === undefined || gauges === undefined ? null : { board, gauges };
  REGISTERED.set(provider, made);
  return made;
}
