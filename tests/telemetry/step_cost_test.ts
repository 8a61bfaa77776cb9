/**
 * What a step costs with telemetry on, in calls and objects instead of time: an observer may see 20,000 steps a second.
 */
import assert from "node:assert/strict";
import { type Attributes, type Context, context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { AlwaysOffSampler } from "@opentelemetry/sdk-trace-base";
import type { ClaimedRun } from "../../src/ports/rows.ts";
import type { AttemptFacts, StayTelemetry, Telemetry } from "../../src/ports/telemetry.ts";
import { makeObserver } from "../../src/telemetry/observer.ts";
import { ENDED, RUN } from "./ended_run.ts";
import { parentOf, Recorded, withContexts } from "./recorded.ts";

const STEPS = 10_000;

/** An observer with a clock that a test moves. */
class Told {
  readonly observer: Telemetry;
  at = 5_000;

  constructor(
    { tracerProvider, meterProvider }: Partial<Pick<Recorded, "tracerProvider" | "meterProvider">>,
  ) {
    const makes = { spans: tracerProvider !== undefined, versions: false, database: false };
    this.observer = makeObserver({ ...makes, tracerProvider, meterProvider }, () => this.at);
  }

  arrive(run: ClaimedRun = RUN): StayTelemetry {
    return this.observer.arrived(run, 1_000);
  }
}

const STEP: AttemptFacts = { kind: "step", name: "work", attempt: 1, stack: null };

/** Many steps of one stay, as the engine tells of them; what their attempts were. */
function steps(stay: StayTelemetry, count = STEPS): Set<unknown> {
  const seen = new Set<unknown>();
  for (let n = 0; n < count; n++) {
    stay.wantsSite("step", "work");
    const attempt = stay.attempt(STEP);
    seen.add(attempt);
    attempt?.during?.(() => n);
    attempt?.ended();
    stay.wrote(1);
  }
  return seen;
}

/** Counts how often a context is entered. */
function countContexts(): { entered: number } & Disposable {
  const counted = {
    entered: 0,
    [Symbol.dispose]: () => context.disable(),
  };
  const manager = {
    active: () => ROOT_CONTEXT,
    with(_context: Context, body: (...args: unknown[]) => unknown, self?: unknown) {
      counted.entered++;
      return body.call(self);
    },
    bind: (_context: Context, target: unknown) => target,
    enable: () => manager,
    disable: () => manager,
  };
  assert.ok(context.setGlobalContextManager(manager as never));
  return counted;
}

Deno.test("without a provider, a step makes no object and enters no context", () => {
  using contexts = countContexts();
  const stay = new Told({}).arrive();
  assert.equal(stay.wantsSite("step", "work"), false, "no stack is taken");
  assert.deepEqual([...steps(stay)], [undefined]);
  stay.left(ENDED, 2_000);
  assert.equal(contexts.entered, 0);
});

Deno.test("TIMED-1: metrics count each step, and time some of very many", async () => {
  using contexts = countContexts();
  await using recorded = new Recorded();
  const told = new Told({ meterProvider: recorded.meterProvider });
  const stay = told.arrive();
  const seen = steps(stay);
  assert.ok(seen.size < 700, `${seen.size} objects for ${STEPS} steps in one second`);
  told.at += 1_000;
  told.observer.flushed(1, 1);
  const next = steps(stay);
  assert.ok(next.size < 200, `${next.size} objects for ${STEPS} steps in the next second`);
  assert.equal(contexts.entered, 0);
  const of: Attributes = {
    "continuum.workflow.name": "order",
    "continuum.kind": "step",
    "continuum.name": "work",
  };
  told.observer.beat();
  const ended = await recorded.points("continuum.attempt.ended");
  assert.deepEqual(ended, [{ attributes: of, value: 2 * STEPS }], "counts are exact");
  const [timed] = await recorded.points("continuum.attempt.duration");
  assert.deepEqual(timed?.attributes, of);
  const { count } = timed?.value as { count: number };
  assert.equal(count, seen.size + next.size - 2, "a call of the provider for each that is timed");
});

Deno.test("unsampled spans: a step enters the context of its stay, and makes no span", async () => {
  using contexts = countContexts();
  let asked = 0;
  const sampler = new AlwaysOffSampler();
  await using recorded = new Recorded({
    shouldSample() {
      asked++;
      return sampler.shouldSample();
    },
    toString: () => "counts",
  });
  steps(new Told({ tracerProvider: recorded.tracerProvider }).arrive());
  assert.equal(contexts.entered, STEPS, "so that what a step calls is unsampled, too");
  assert.equal(asked, 1, "for the stay");
});

Deno.test("LATE-1: of very many quick steps that make no spans, some have a span", async () => {
  await using recorded = new Recorded();
  const told = new Told({ tracerProvider: recorded.tracerProvider });
  const stay = told.arrive();
  steps(stay, 20);
  assert.equal(recorded.named("step work").length, 20, "each of few has one");
  steps(stay);
  const first = recorded.named("step work").length;
  assert.ok(first < 200, `${first} spans of ${STEPS} steps in one second`);
  told.at += 1_000;
  told.observer.flushed(1, 1);
  steps(stay);
  const next = recorded.named("step work").length - first;
  assert.ok(next > 5 && next < 50, `${next} spans in the next second`);
  stay.left(ENDED, 2_000);
  const [whole] = recorded.named("run order");
  assert.equal(whole?.attributes["continuum.attempts"], 2 * STEPS + 20);
});

Deno.test("LATE-1: of very many steps, each that fails, is slow or makes a span has one", async () => {
  using _contexts = withContexts();
  await using recorded = new Recorded();
  const told = new Told({ tracerProvider: recorded.tracerProvider });
  const stay = told.arrive();
  steps(stay);
  const others = recorded.named("step work").length;
  const tracer = recorded.tracerProvider.getTracer("application");
  const attempts = 50;
  for (let n = 0; n < attempts; n++) {
    stay.attempt({ ...STEP, name: "work" })!.ended({ error: new TypeError(`${n}`) });
    const slow = stay.attempt(STEP)!;
    told.at += 10;
    slow.ended();
    const calling = stay.attempt(STEP)!;
    calling.during!(() => tracer.startSpan(`call ${n}`).end());
    calling.ended();
  }
  const spans = recorded.named("step work").slice(others);
  const failed = spans.filter(({ attributes }) => attributes["error.type"] === "TypeError");
  assert.equal(failed.length, attempts);
  const slow = spans.filter(({ duration: [s, ns] }) => Math.abs(s * 1e3 + ns / 1e6 - 10) < 0.01);
  assert.equal(slow.length, attempts, "its times are those of the attempt");
  for (let n = 0; n < attempts; n++) {
    const parent = parentOf(recorded.one(`call ${n}`));
    assert.ok(spans.some((span) => span.spanContext().spanId === parent), `call ${n}`);
  }
});

Deno.test("LATE-1: the active span of one of very many steps is there when it is read, also late", async () => {
  using _contexts = withContexts();
  await using recorded = new Recorded();
  const told = new Told({ tracerProvider: recorded.tracerProvider });
  const stay = told.arrive();
  steps(stay, 1_000);
  const seen: unknown[] = [];
  const waiting: (() => void)[] = [];
  for (let n = 0; n < 50; n++) {
    const attempt = stay.attempt(STEP)!;
    attempt.during!(() => {
      if (n % 2 === 0) seen.push(trace.getActiveSpan());
      else waiting.push(context.bind(context.active(), () => seen.push(trace.getActiveSpan())));
    });
    attempt.ended();
  }
  for (const look of waiting) look();
  const ids = seen.map((span) => (span as ReturnType<typeof trace.getActiveSpan>)!.spanContext());
  const ended = recorded.named("step work").map((span) => span.spanContext().spanId);
  for (const { spanId } of ids) assert.ok(ended.includes(spanId), "it has ended and is exported");
  const key = Symbol("baggage");
  stay.attempt(STEP)!.during!(() => {
    const more = context.active().setValue(key, 1);
    assert.equal(more.getValue(key), 1);
    assert.ok(trace.getSpan(more));
    assert.equal(trace.getSpan(trace.deleteSpan(more)), undefined);
  });
});
