/**
 * Traces and metrics by OpenTelemetry. With `OTEL_DENO=true`, Deno exports them; any other provider
 * can be registered, or passed.
 *
 * A run has one span for each stay in a node's memory, one for each attempt of an effect, and one for
 * the whole run, made at its end. Nothing is made on replay. The trace context is stored with the
 * run, so it survives every wait.
 *
 * @example Deno's own exporter
 * ```ts ignore
 * // OTEL_DENO=true OTEL_SERVICE_NAME=orders deno run -A main.ts
 * import { Continuum } from "@continuum/continuum";
 * import { telemetry } from "@continuum/continuum/telemetry";
 *
 * await using continuum = await Continuum.open({ telemetry: telemetry() });
 * ```
 *
 * @module
 */

import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import { checkBoolean, checkChoice, checkOptions, refuseUnless } from "../base/arguments.ts";
import { type TelemetryOption, telemetryOption } from "../ports/telemetry.ts";
import { makeObserver } from "./observer.ts";

/**
 * A tracer provider, as of `@opentelemetry/sdk-trace-base`.
 *
 * @category Telemetry
 */
export interface TracerProviderLike {
  /** Returns a tracer of `@opentelemetry/api`. */
  getTracer(name: string, version?: string): unknown;
}

/**
 * A meter provider, as of `@opentelemetry/sdk-metrics`.
 *
 * @category Telemetry
 */
export interface MeterProviderLike {
  /** Returns a meter of `@opentelemetry/api`. */
  getMeter(name: string, version?: string): unknown;
}

/**
 * Options of {@linkcode telemetry}.
 *
 * @category Telemetry
 */
export interface TelemetryOptions {
  /**
   * Which spans are made: `linked`, as above, or `none`. Metrics are recorded in any case.
   *
   * @default {"linked"}
   */
  readonly spans?: "linked" | "none";
  /**
   * Whether metrics of runs and attempts name the version. Each deployment then adds time series.
   *
   * @default {false}
   */
  readonly versions?: boolean;
  /**
   * Whether gauges of the whole database are reported: `continuum.runs.live`,
   * `continuum.queue.depth` and `continuum.queue.oldest`. Set it in one process only: sums over
   * several would be too large.
   *
   * @default {false}
   */
  readonly database?: boolean;
  /**
   * Where spans go.
   *
   * @default {the global provider, asked for at each use}
   */
  readonly tracerProvider?: TracerProviderLike | undefined;
  /**
   * Where metrics go.
   *
   * @default {the global provider, asked for at each use}
   */
  readonly meterProvider?: MeterProviderLike | undefined;
}

/**
 * Makes the option `telemetry` of `Continuum.open` and `Continuum.connect`. An exporter that throws
 * or is slow affects no run.
 *
 * @param options What is made, and where it goes.
 * @returns The option.
 * @throws {InvalidArgumentError} If an option is unknown or invalid.
 *
 * @category Telemetry
 */
export function telemetry(options: TelemetryOptions = {}): TelemetryOption {
  const known = ["spans", "versions", "database", "tracerProvider", "meterProvider"];
  checkOptions(options, known, "telemetry()");
  const { spans = "linked", versions = false, database = false } = options;
  checkChoice(spans, "option spans of telemetry()", ["linked", "none"]);
  checkBoolean(versions, "option versions of telemetry()");
  checkBoolean(database, "option database of telemetry()");
  const { tracerProvider, meterProvider } = options;
  checkProvider(tracerProvider, "tracerProvider", "getTracer");
  checkProvider(meterProvider, "meterProvider", "getMeter");
  return telemetryOption(
    makeObserver({
      spans: spans === "linked",
      versions,
      database,
      tracerProvider: tracerProvider as TracerProvider | undefined,
      meterProvider: meterProvider as MeterProvider | undefined,
    }),
  );
}

function checkProvider(provider: unknown, option: string, method: string): void {
  refuseUnless(
    provider === undefined ||
      typeof (provider as Record<string, unknown> | null)?.[method] === "function",
    `option ${option} of telemetry()`,
    provider,
    `an object with ${method}()`,
  );
}
