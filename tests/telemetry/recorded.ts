/**
 * Providers that keep what they are given, and how tests read it.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { context, propagation, trace } from "@opentelemetry/api";
import { observerOf, type Telemetry } from "../../src/ports/telemetry.ts";
import { telemetry, type TelemetryOptions } from "../../src/telemetry/mod.ts";

/** One point of a metric. */
export interface Point {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** A sum, or the count and the sum of a histogram. */
  readonly value: number | { readonly count: number; readonly sum: number };
}

/** Keeps spans and metrics. */
export class Recorded implements AsyncDisposable {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #reader = new PeriodicExportingMetricReader({
    exporter: this.#metrics,
    exportIntervalMillis: 3_600_000,
  });
  /** What reports here: it passes on what it counted before points are read. */
  readonly observers = new Set<Telemetry>();
  /** Records spans. */
  readonly tracerProvider: BasicTracerProvider;
  /** Records metrics. */
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] });

  constructor(sampler?: Sampler) {
    this.tracerProvider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(this.#spans)],
      ...(sampler === undefined ? {} : { sampler }),
    });
  }

  /** The option of a node that reports here. */
  option(options: TelemetryOptions = {}): ReturnType<typeof telemetry> {
    const { tracerProvider, meterProvider } = this;
    const option = telemetry({ tracerProvider, meterProvider, ...options });
    this.observers.add(observerOf(option)!);
    return option;
  }

  /** The spans that have ended, in the order of their ends. */
  get spans(): readonly ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** The spans of a name. */
  named(name: string): readonly ReadableSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** The only span of a name. */
  one(name: string): ReadableSpan {
    const found = this.named(name);
    assert.equal(found.length, 1, `one span ${name} in: ${this.spans.map((s) => s.name)}`);
    return found[0]!;
  }

  /** The points of a metric, as of now. */
  async points(name: string): Promise<Point[]> {
    await this.#collect();
    return this.#metrics.getMetrics().flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }) => metrics)
    ).filter(({ descriptor }) => descriptor.name === name).flatMap(({ dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({
        attributes,
        value: typeof value === "number"
          ? value
          : { count: value.count, sum: (value as { sum?: number }).sum ?? 0 },
      }))
    );
  }

  /** The names of all metrics that have a point, as of now. */
  async metricNames(): Promise<string[]> {
    await this.#collect();
    return this.#metrics.getMetrics().flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }) =>
        metrics.filter(({ dataPoints }) => dataPoints.length > 0).map((m) => m.descriptor.name)
      )
    );
  }

  async #collect(): Promise<void> {
    for (const observer of this.observers) observer.beat();
    this.#metrics.reset();
    await this.#reader.forceFlush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tracerProvider.forceFlush(); // its exporter answers by timers
    await this.tracerProvider.shutdown();
    await this.meterProvider.shutdown();
  }
}

/** While it lives, spans are active as in an application that has set a context manager. */
export function withContexts(): Disposable {
  const manager = new AsyncLocalStorageContextManager();
  manager.enable();
  assert.ok(context.setGlobalContextManager(manager));
  return {
    [Symbol.dispose]() {
      manager.disable();
      context.disable();
      trace.disable();
      propagation.disable();
    },
  };
}

/** The id of a span's parent; `undefined`: it is a root. */
export function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}

/** A span's own id. */
export function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}

/** The ids of the spans that a span is linked to. */
export function linksOf(span: ReadableSpan): string[] {
  return span.links.map(({ context }) => context.spanId);
}
