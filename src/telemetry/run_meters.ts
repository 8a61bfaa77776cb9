/**
 * The metrics of the runs of one workflow. They are looked up once a stay, since finding them by
 * their attributes would take longer than adding to them.
 *
 * @module
 */

import type { Attributes } from "@opentelemetry/api";
import { shortHash } from "../base/text.ts";
import type { AttemptTelemetry } from "../ports/telemetry.ts";
import type { Board, Count, Series } from "./board.ts";
import { errorType, isCancellation } from "./errors.ts";
import type { InstrumentName } from "./instrument_names.ts";
import { KindsAndNames } from "./kinds_and_names.ts";
import { tell } from "./quiet.ts";

/** How attempts ended. */
interface Ends {
  readonly count: Count;
  readonly duration: Series;
}

/** The metrics of attempts of one effect. */
export class AttemptMeters {
  /** An attempt that is counted, and is not timed. */
  readonly counted: AttemptTelemetry;
  readonly #board: Board;
  readonly #attributes: Attributes;
  readonly #succeeded: Ends;
  readonly #failed = new Map<string, Ends>();

  /**
   * Creates them.
   *
   * @param board Has the instruments.
   * @param attributes What all attempts of the effect have in common.
   */
  constructor(board: Board, attributes: Attributes) {
    this.#board = board;
    this.#attributes = attributes;
    this.#succeeded = this.#ends(attributes);
    this.counted = { ended: (failure) => this.ended(failure) };
  }

  /**
   * An attempt has ended.
   *
   * @param failure What it failed with.
   * @param ms How long it took, if its time is taken.
   */
  ended(failure: { readonly error: unknown } | undefined, ms?: number): void {
    try {
      const { count, duration } = failure === undefined || isCancellation(failure.error)
        ? this.#succeeded
        : this.#failedBy(errorType(failure.error));
      count.value++;
      if (ms !== undefined) duration.recordMs(ms);
    } catch (error) {
      tell(error);
    }
  }

  /** Whether the time of the attempt that begins is taken (BOARD-2). */
  isDue(): boolean {
    return this.#succeeded.duration.isDue();
  }

  #failedBy(error: string): Ends {
    const type = this.#board.bounded("error.type", error);
    let ends = this.#failed.get(type);
    if (ends === undefined) {
      ends = this.#ends({ ...this.#attributes, "error.type": type });
      this.#failed.set(type, ends);
    }
    return ends;
  }

  #ends(attributes: Attributes): Ends {
    return {
      count: this.#board.count("continuum.attempt.ended", attributes),
      duration: this.#board.series("continuum.attempt.duration", attributes),
    };
  }
}

/** The metrics of runs that have the same attributes. */
export class RunMeters {
  readonly #board: Board;
  readonly #attributes: Attributes;
  readonly #counts = new Map<string, Count>();
  readonly #series = new Map<string, Series>();
  readonly #attempts = new KindsAndNames<AttemptMeters>();

  /**
   * Creates them.
   *
   * @param board Has the instruments.
   * @param attributes The attributes.
   */
  constructor(board: Board, attributes: Attributes) {
    this.#board = board;
    this.#attributes = attributes;
  }

  /** Counts one; `more`: with further attributes, whose values are few. */
  count(name: InstrumentName, more?: Attributes): void {
    this.#known(this.#counts, name, more, (attributes) => this.#board.count(name, attributes))
      .value++;
  }

  /** The values of a histogram; `more`: with further attributes, whose values are few. */
  series(name: InstrumentName, more?: Attributes): Series {
    return this.#known(
      this.#series,
      name,
      more,
      (attributes) => this.#board.series(name, attributes),
    );
  }

  #known<Thing>(
    things: Map<string, Thing>,
    name: InstrumentName,
    more: Attributes | undefined,
    make: (attributes: Attributes) => Thing,
  ): Thing {
    const key = more === undefined ? name : name + JSON.stringify(more);
    let thing = things.get(key);
    if (thing === undefined) things.set(key, thing = make({ ...this.#attributes, ...more }));
    return thing;
  }

  /** The type of an error, as metrics show it. */
  errorType(error: unknown): string {
    return this.#board.bounded("error.type", errorType(error));
  }

  /** The metrics of attempts of an effect. */
  attempts(kind: string, name: string): AttemptMeters {
    const known = this.#attempts.get(kind, name);
    if (known !== undefined) return known;
    const bounded = this.#board.bounded("continuum.name", name);
    const shared = this.#attempts.get(kind, bounded);
    if (shared !== undefined) return shared;
    const made = new AttemptMeters(this.#board, {
      ...this.#attributes,
      "continuum.kind": kind,
      "continuum.name": bounded,
    });
    this.#attempts.set(kind, bounded, made);
    return made;
  }
}

/** Finds the metrics of a run. */
export class RunMetersFinder {
  readonly #versions: boolean;
  readonly #known = new WeakMap<Board, Map<string, RunMeters>>();

  /** @param versions Whether metrics of runs name the version. */
  constructor(versions: boolean) {
    this.#versions = versions;
  }

  /**
   * The metrics of a run.
   *
   * @param board Has the instruments.
   * @param workflow Its workflow; absent: unknown.
   * @param hash Its version.
   */
  of(board: Board, workflow: string | null | undefined, hash?: string | null): RunMeters {
    const names = board.bounded("continuum.workflow.name", workflow ?? "");
    const version = this.#versions && typeof hash === "string"
      ? board.bounded("continuum.version", shortHash(hash))
      : undefined;
    const key = version === undefined ? names : `${names}\n${version}`;
    const all = this.#all(board);
    let meters = all.get(key);
    if (meters === undefined) {
      meters = new RunMeters(board, {
        ...(typeof workflow === "string" ? { "continuum.workflow.name": names } : {}),
        ...(version === undefined ? {} : { "continuum.version": version }),
      });
      all.set(key, meters);
    }
    return meters;
  }

  #all(board: Board): Map<string, RunMeters> {
    let all = this.#known.get(board);
    if (all === undefined) this.#known.set(board, all = new Map());
    return all;
  }
}
