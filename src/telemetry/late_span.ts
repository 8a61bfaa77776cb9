/**
 * The span of an attempt that is one of very many: it is made only if something asks for it. A span
 * costs more than a quick step, and ten thousand of them are of no use.
 *
 * - LATE-1: it is made if the function makes a span below it or reads the active span, if the attempt
 *   fails, and if it takes {@linkcode SLOW_MS} or longer. It then has the time at which the attempt
 *   began.
 *
 * @module
 */

import { type Context, type Span, trace } from "@opentelemetry/api";
import { quietly } from "./quiet.ts";

/** An attempt that takes so many milliseconds has a span. */
export const SLOW_MS = 10;

/** The key of the span in a context: the API keeps it to itself, and asks a context for it. */
const SPAN: symbol = keyOfSpan();

/** The context of an attempt, in which its span is active as soon as something asks for it. */
export class LateSpan implements Context {
  readonly #parent: Context;
  readonly #make: (startTime: number) => Span;
  /** When the attempt began, in milliseconds of `performance.now`. */
  readonly #begunAt: number;
  /** `null`: it could not be made. */
  #span: Span | null | undefined;
  #endedAt: number | undefined;

  /**
   * Creates it.
   *
   * @param parent The context that the span's parent is in.
   * @param begunAt When the attempt began, in milliseconds of `performance.now`.
   * @param make Makes the span.
   */
  constructor(parent: Context, begunAt: number, make: (startTime: number) => Span) {
    this.#parent = parent;
    this.#begunAt = begunAt;
    this.#make = make;
  }

  getValue(key: symbol): unknown {
    return key === SPAN ? this.#made() ?? this.#parent.getValue(key) : this.#parent.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#plain().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#plain().deleteValue(key);
  }

  /**
   * The attempt has ended.
   *
   * @param now The time, in milliseconds of `performance.now`.
   * @param isFailed Whether it failed.
   * @returns The span, to be ended with the time; `undefined`: there is none.
   */
  end(
    now: number,
    isFailed: boolean,
  ): { readonly span: Span; readonly endTime: number } | undefined {
    const isWanted = isFailed || this.#span !== undefined || now - this.#begunAt >= SLOW_MS;
    const span = isWanted ? this.#made() : undefined;
    this.#endedAt = now;
    return span && { span, endTime: epoch(now) };
  }

  /** Something that outlives the attempt may ask for its span: that one has ended. */
  #made(): Span | undefined {
    if (this.#span === undefined) {
      this.#span = quietly(() => this.#make(epoch(this.#begunAt)), null);
      const endedAt = this.#endedAt;
      if (endedAt !== undefined) quietly(() => this.#span?.end(epoch(endedAt)), undefined);
    }
    return this.#span ?? undefined;
  }

  #plain(): Context {
    const span = this.#made();
    return span === undefined ? this.#parent : trace.setSpan(this.#parent, span);
  }
}

function epoch(now: number): number {
  return performance.timeOrigin + now;
}

function keyOfSpan(): symbol {
  let asked: symbol | undefined;
  const probe: Context = {
    getValue: (key) => void (asked = key),
    setValue: () => probe,
    deleteValue: () => probe,
  };
  trace.getSpan(probe);
  return asked!;
}
