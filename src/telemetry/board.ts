/**
 * The numbers that go to one provider of metrics. Observers of several nodes of a process share it:
 * of two instruments of one name and one provider, the last would hide the other.
 *
 * - BOARD-1: what is counted is kept in plain numbers, which are passed on to the provider once a
 *   second at most, and when a node beats or closes. So a count is exact, and costs no call of the
 *   provider. It is no observable instrument: Deno's exporter asks none when the process ends.
 * - BOARD-2: a value of a histogram is one call of the provider. Of a series that has more than
 *   {@linkcode MOST_A_SECOND} values in a second, a sample is passed on (PACE-1 of `pace.ts`).
 * - BOARD-3: attributes are bounded: {@linkcode MOST_NAMES} names of each kind, {@linkcode MOST_SERIES}
 *   combinations of each instrument. Everything beyond has the value `_other`.
 *
 * @module
 */

import {
  type Attributes,
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
} from "@opentelemetry/api";
import { RELEASE } from "../base/release.ts";
import { type InstrumentInfo, type InstrumentName, INSTRUMENTS } from "./instrument_names.ts";
import { BoundedNames, OTHER } from "./names.ts";
import { Pace, Sample } from "./pace.ts";
import { quietly, tell } from "./quiet.ts";

/** The name under which this package's spans and metrics are known. */
export const SCOPE = "continuum";

/** Of a series, about so many values a second are passed on; all, if there are no more (BOARD-2). */
export const MOST_A_SECOND = 100;

/** The most combinations of attributes of one instrument. */
export const MOST_SERIES = 10_000;

/** The attributes of metrics whose values are names. */
export type NameAttribute =
  | "continuum.workflow.name"
  | "continuum.version"
  | "continuum.name"
  | "continuum.queue"
  | "error.type";

/** What happened so often. */
export interface Count {
  /** Of what. */
  readonly attributes: Attributes;
  /** How often since that was last passed on. */
  value: number;
}

interface CountedNames {
  readonly counter: Counter;
  readonly counts: Map<string, Count>;
}

/** The values of a histogram that have the same attributes. */
export class Series extends Sample {
  readonly #histogram: Histogram;
  readonly #attributes: Attributes;

  /**
   * Creates a series.
   *
   * @param histogram Takes its values.
   * @param attributes Their attributes.
   * @param pace Tells seconds apart.
   */
  constructor(histogram: Histogram, attributes: Attributes, pace: Pace) {
    super(pace, MOST_A_SECOND);
    this.#histogram = histogram;
    this.#attributes = attributes;
  }

  /** One more value; most are left out if there are very many (BOARD-2). */
  add(value: number): void {
    if (this.isDue()) this.record(value);
  }

  /** Adds a time; below zero it is zero, since clocks differ. */
  addMs(ms: number): void {
    this.add(secondsOf(ms));
  }

  /** Passes on a value that was due. */
  record(value: number): void {
    try {
      this.#histogram.record(value, this.#attributes);
    } catch (error) {
      tell(error);
    }
  }

  /** Passes on a time that was due. */
  recordMs(ms: number): void {
    this.record(secondsOf(ms));
  }
}

function secondsOf(ms: number): number {
  return Math.max(ms, 0) / 1_000;
}

/** The numbers of one provider. */
export class Board {
  /** Tells seconds apart. */
  readonly pace: Pace = new Pace();
  /** The provider's meter. */
  readonly meter: Meter;
  /** The times of statements that write histories. */
  readonly flushDuration: Series;
  /** The shares of such statements. */
  readonly flushRows: Series;
  readonly #names = new Map<string, BoundedNames>();
  readonly #counters = new Map<InstrumentName, CountedNames>();
  readonly #histograms = new Map<InstrumentName, Histogram>();
  readonly #series = new Map<InstrumentName, Map<string, Series>>();

  /**
   * Makes the instruments.
   *
   * @param meter The provider's meter.
   */
  constructor(meter: Meter) {
    this.meter = meter;
    for (const [name, info] of entries()) {
      if (info.kind === "counter") {
        const counter = meter.createCounter(name, info);
        this.#counters.set(name, { counter, counts: new Map() });
      }
      if (info.kind === "histogram") {
        this.#histograms.set(name, meter.createHistogram(name, histogramOptions(info)));
        this.#series.set(name, new Map());
      }
    }
    this.flushDuration = this.series("continuum.flush.duration", {});
    this.flushRows = this.series("continuum.flush.rows", {});
  }

  /**
   * The board of a provider.
   *
   * @param provider The provider.
   * @returns The board; `undefined` if the provider takes no metrics.
   */
  static of(provider: MeterProvider): Board | undefined {
    const meter = provider.getMeter(SCOPE, RELEASE);
    return meter === createNoopMeter() ? undefined : new Board(meter);
  }

  /** What is counted under a name and with attributes. */
  count(name: InstrumentName, attributes: Attributes): Count {
    const { counts } = this.#counters.get(name)!;
    return kept(counts, attributes, (attributes) => ({ attributes, value: 0 }));
  }

  /** The values of a histogram that have these attributes. */
  series(name: InstrumentName, attributes: Attributes): Series {
    return kept(
      this.#series.get(name)!,
      attributes,
      (attributes) => new Series(this.#histograms.get(name)!, attributes, this.pace),
    );
  }

  /** A name as metrics show it (BOARD-3). */
  bounded(attribute: NameAttribute, name: string): string {
    let names = this.#names.get(attribute);
    if (names === undefined) this.#names.set(attribute, names = new BoundedNames());
    return names.of(name);
  }

  /** Passes on what was counted (BOARD-1). */
  pass(): void {
    for (const { counter, counts } of this.#counters.values()) {
      for (const count of counts.values()) {
        const { value, attributes } = count;
        if (value === 0) continue;
        count.value = 0;
        quietly(() => counter.add(value, attributes), undefined);
      }
    }
  }
}

/** BOARD-3 */
function kept<Thing>(
  things: Map<string, Thing>,
  attributes: Attributes,
  make: (attributes: Attributes) => Thing,
): Thing {
  const key = JSON.stringify(attributes);
  const known = things.get(key);
  if (known !== undefined) return known;
  if (things.size < MOST_SERIES) return put(things, key, make(attributes));
  const other = Object.fromEntries(Object.keys(attributes).map((name) => [name, OTHER]));
  const last = JSON.stringify(other);
  return things.get(last) ?? put(things, last, make(other));
}

function put<Thing>(things: Map<string, Thing>, key: string, thing: Thing): Thing {
  things.set(key, thing);
  return thing;
}

function entries(): [InstrumentName, InstrumentInfo][] {
  return Object.entries(INSTRUMENTS) as [InstrumentName, InstrumentInfo][];
}

function histogramOptions({ unit, description, buckets = [] }: InstrumentInfo) {
  return { unit, description, advice: { explicitBucketBoundaries: [...buckets] } };
}
