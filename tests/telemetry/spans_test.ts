/** Spans: what there is one of, where it hangs, and what it says. */
import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { forEachDatabase } from "../support/database.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { idOf, linksOf, parentOf, Recorded, withContexts } from "./recorded.ts";

const ORDER = source(
  `const price = await ctx.run("quote", () => 7);
   await ctx.waitForSignal("paid");
   await ctx.run("ship", () => "sent");
   return price;`,
  `{ name: "order" }`,
);

const RETRIED = source(
  `return await ctx.run("flaky", ({ attempt }) => {
     if (attempt < 3) throw new TypeError("not yet");
     return attempt;
   }, { retry: { maxAttempts: 5, initial: 1, jitter: 0 } });`,
  `{ name: "retried" }`,
);

const WRONG = source(`throw new RangeError("no good");`, `{ name: "wrong" }`);

const ROUNDS = source(
  `await ctx.run("round", () => input.left);
   return input.left > 0 ? ctx.continueAsNew({ left: input.left - 1 }) : "done";`,
  `{ name: "rounds" }`,
);

const PARENT = source(
  `return await ctx.child("order_child", null);`,
  `{ name: "parent" }`,
);
const CHILD = source(`return await ctx.run("inner", () => 1);`, `{ name: "order_child" }`);

const FILES = {
  "order.ts": ORDER,
  "retried.ts": RETRIED,
  "wrong.ts": WRONG,
  "rounds.ts": ROUNDS,
  "parent.ts": PARENT,
  "child.ts": CHILD,
};

forEachDatabase("telemetry: spans", (database, test) => {
  test("a run has a span for its start, one a stay, one an attempt, and one for the whole", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    const run = await world.node.start("order", null);
    await reached(run, "suspended");
    await run.signal("paid", null);
    assert.equal(await resultOf(run), 7);
    await eventually(() => recorded.named("order")[0], () => "span of the whole run");

    const start = recorded.one("start order");
    const [first, second] = recorded.named("run order");
    const [quote, ship, whole] = ["step quote", "step ship", "order"].map((n) => recorded.one(n));
    const signal = recorded.one("signal order");
    assert.equal(recorded.spans.length, 7);
    assert.equal(start.kind, SpanKind.PRODUCER);
    assert.equal(signal.kind, SpanKind.PRODUCER);
    assert.equal(first!.kind, SpanKind.CONSUMER);
    assert.equal(parentOf(start), undefined);
    assert.deepEqual([first!, second!, whole!].map(parentOf), [
      idOf(start),
      idOf(start),
      idOf(start),
    ]);
    assert.equal(parentOf(quote!), idOf(first!));
    assert.equal(parentOf(ship!), idOf(second!));
    assert.deepEqual(linksOf(second!), [idOf(signal)], "the stay is linked to the signal");
    assert.deepEqual(linksOf(whole!), [idOf(first!), idOf(second!)]);
    assert.equal(first!.attributes["continuum.resume.reason"], "start");
    assert.equal(second!.attributes["continuum.resume.reason"], "signal");
    assert.equal(second!.attributes["continuum.replayed_events"], 1);
    assert.equal(whole!.attributes["continuum.outcome"], "completed");
    for (const span of recorded.spans) {
      assert.equal(span.attributes["continuum.run.id"], run.id, span.name);
      assert.equal(span.attributes["continuum.workflow.name"], "order", span.name);
      assert.equal(span.attributes["continuum.namespace"], "default", span.name);
      assert.match(String(span.attributes["continuum.version"]), /^[0-9a-f]{64}$/, span.name);
      assert.equal(span.status.code, SpanStatusCode.UNSET, span.name);
    }
  });

  test("an attempt says its number, and its line in the pinned source", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    const run = await world.node.start("retried", null);
    assert.equal(await resultOf(run), 3);
    await eventually(() => recorded.named("retried")[0], () => "span of the whole run");
    const attempts = recorded.named("step flaky");
    const numbers = attempts.map(({ attributes }) => attributes["continuum.attempt"]);
    assert.deepEqual(numbers, [1, 2, 3]);
    const line = RETRIED.split("\n").findIndex((text) => text.includes("ctx.run")) + 1;
    for (const { attributes } of attempts) {
      assert.equal(attributes["code.file.path"], "retried.ts");
      assert.equal(attributes["code.line.number"], line);
    }
  });

  test("an attempt that fails and is tried again is no error of its run", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    await resultOf(await world.node.start("retried", null));
    await eventually(() => recorded.named("retried")[0], () => "span of the whole run");
    const [first, , last] = recorded.named("step flaky");
    assert.equal(first!.attributes["error.type"], "TypeError");
    assert.equal(first!.status.code, SpanStatusCode.ERROR);
    assert.equal(first!.events[0]!.name, "exception");
    assert.match(String(first!.events[0]!.attributes!["exception.message"]), /not yet/);
    assert.equal(last!.status.code, SpanStatusCode.UNSET);
    for (const span of [...recorded.named("run retried"), recorded.one("retried")]) {
      assert.equal(span.status.code, SpanStatusCode.UNSET, span.name);
      assert.equal(span.attributes["error.type"], undefined);
    }
  });

  test("a run that fails is an error, with its type", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    const run = await world.node.start("wrong", null);
    await assert.rejects(resultOf(run));
    const whole = await eventually(() => recorded.named("wrong")[0], () => "span of the run");
    for (const span of [recorded.one("run wrong"), whole]) {
      assert.equal(span.status.code, SpanStatusCode.ERROR);
      assert.equal(span.attributes["error.type"], "RangeError");
    }
  });

  test("a cancellation is no error", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    const run = await world.node.start("order", null);
    await reached(run, "suspended");
    await run.cancel();
    await reached(run, "cancelled");
    const whole = await eventually(() => recorded.named("order")[0], () => "span of the run");
    assert.equal(whole.attributes["continuum.outcome"], "cancelled");
    assert.equal(recorded.one("cancel order").kind, SpanKind.PRODUCER);
    for (const span of recorded.spans) assert.notEqual(span.status.code, SpanStatusCode.ERROR);
  });

  test("a run that continues as new has one span for the whole, with its generations", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    assert.equal(await resultOf(await world.node.start("rounds", { left: 2 })), "done");
    const whole = await eventually(() => recorded.named("rounds")[0], () => "span of the run");
    assert.equal(whole.attributes["continuum.run.generations"], 3);
    assert.equal(recorded.named("step round").length, 3);
  });

  test("a run that the engine tries again is no error, and its second attempt says why it is there", async () => {
    await using recorded = new Recorded();
    const files = {
      "again.ts": source(
        `if (ctx.attempt === 1) throw new TypeError("once");
         return ctx.attempt;`,
        `{ name: "again", retry: { maxAttempts: 2, initial: 1 } }`,
      ),
    };
    await using world = await scene(database, files, { telemetry: recorded.option() });
    assert.equal(await resultOf(await world.node.start("again", null)), 2);
    const whole = await eventually(() => recorded.named("again")[0], () => "span of the run");
    assert.equal(whole.attributes["continuum.run.attempt"], 2);
    assert.equal(whole.status.code, SpanStatusCode.UNSET);
    const stays = recorded.named("run again");
    const reasons = stays.map(({ attributes }) => attributes["continuum.resume.reason"]);
    assert.deepEqual(reasons, ["start", "retry"]);
    assert.deepEqual(linksOf(whole), stays.map(idOf));
  });

  test("a child's stays hang on its parent's", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    assert.equal(await resultOf(await world.node.start("parent", null)), 1);
    const child = await eventually(
      () => recorded.named("run order_child")[0],
      () => "stay of the child",
    );
    const parents = recorded.named("run parent").map(idOf);
    assert.ok(parents.includes(parentOf(child)!), "the child's parent is a stay of its parent");
  });

  test("a run replayed five times has each attempt's span once", async () => {
    await using recorded = new Recorded();
    const files = {
      "many.ts": source(
        `for (let n = 0; n < 5; n++) {
           await ctx.run("step", () => n);
           await ctx.waitForSignal("next");
         }
         return "done";`,
        `{ name: "many" }`,
      ),
    };
    await using world = await scene(database, files, { telemetry: recorded.option() });
    const run = await world.node.start("many", null);
    for (let n = 0; n < 5; n++) {
      await eventually(
        async () =>
          recorded.named("step step").length > n &&
            (await run.status()).state === "suspended" || undefined,
        () => `suspended run after step ${n}`,
      );
      if (n === 2) {
        await run.trace();
        await run.upgrade({ dryRun: true });
      }
      await run.signal("next", null);
    }
    assert.equal(await resultOf(run), "done");
    const whole = await eventually(() => recorded.named("many")[0], () => "span of the run");
    assert.equal(recorded.named("step step").length, 5);
    assert.equal(recorded.named("run many").length, 6);
    assert.deepEqual(linksOf(whole), recorded.named("run many").map(idOf));
    const replayed = recorded.named("run many").map((s) =>
      s.attributes["continuum.replayed_events"]
    );
    assert.deepEqual(replayed, [0, 1, 3, 5, 7, 9]);
    await run.trace();
    assert.equal(recorded.spans.length, 18, "dark replays make no spans");
  });

  test("a run that moves to another node keeps its trace", async () => {
    await using first = new Recorded();
    await using second = new Recorded();
    await using world = await scene(database, FILES, { telemetry: first.option() });
    const run = await world.node.start("order", null);
    await reached(run, "suspended");
    await world.node.close();
    const workflows = Object.keys(FILES).map((path) => world.folder.url + path);
    await using other = await openIn(world.db, { workflows, telemetry: second.option() });
    const again = other.run(run.id);
    await again.signal("paid", null);
    await resultOf(again);
    const whole = await eventually(() => second.named("order")[0], () => "span of the run");
    assert.equal(parentOf(second.one("run order")), idOf(first.one("start order")));
    assert.deepEqual(linksOf(whole), [
      idOf(first.one("run order")),
      idOf(second.one("run order")),
    ]);
  });

  test("long after its start, a stay is a trace of its own, linked to the start", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, { telemetry: recorded.option() });
    const run = await world.node.start("order", null);
    await reached(run, "suspended");
    await world.db.query(`update {schema}.runs set created_at = created_at - interval '2 minutes'`);
    await run.signal("paid", null);
    await resultOf(run);
    const whole = await eventually(() => recorded.named("order")[0], () => "span of the run");
    const start = recorded.one("start order");
    const [, second] = recorded.named("run order");
    for (const span of [second!, whole]) {
      assert.equal(parentOf(span), undefined);
      assert.equal(linksOf(span)[0], idOf(start));
      assert.notEqual(span.spanContext().traceId, start.spanContext().traceId);
    }
    const length = whole.endTime[0] - whole.startTime[0];
    assert.ok(length >= 119, `the span of the run lasts ${length} s`);
  });

  test("the caller's span is the start's parent, and is active in no workflow code", async () => {
    using _contexts = withContexts();
    await using recorded = new Recorded();
    const files = {
      "seen.ts": source(
        `const active = () => (globalThis as any).activeSpanForTest();
         const inCode = active();
         const inStep = await ctx.run("look", () => active());
         return { inCode, inStep, after: active() };`,
        `{ name: "seen" }`,
      ),
    };
    const seen = globalThis as { activeSpanForTest?: () => string | null };
    seen.activeSpanForTest = () => trace.getActiveSpan()?.spanContext().spanId ?? null;
    await using world = await scene(database, files, { telemetry: recorded.option() });
    const tracer = recorded.tracerProvider.getTracer("application");
    const found = await tracer.startActiveSpan("request", async (span) => {
      const run = await world.node.start("seen", null);
      const result = await resultOf(run) as Record<string, string | null>;
      span.end();
      return result;
    });
    await eventually(() => recorded.named("seen")[0], () => "span of the run");
    assert.equal(parentOf(recorded.one("start seen")), idOf(recorded.one("request")));
    assert.deepEqual(found, { inCode: null, inStep: idOf(recorded.one("step look")), after: null });
  });

  test("lines of workflow code have the trace and the span of their stay", async () => {
    await using recorded = new Recorded();
    const files = {
      "says.ts": source(
        `ctx.log.info("first");
         await ctx.waitForSignal("go");
         ctx.log.info("second");`,
        `{ name: "says" }`,
      ),
    };
    const lines: LogRecord[] = [];
    await configure({
      reset: true,
      sinks: { lines: (line) => void lines.push(line) },
      loggers: [
        { category: ["continuum", "workflow"], sinks: ["lines"] },
        { category: ["logtape"], lowestLevel: "error" },
      ],
    });
    try {
      await using world = await scene(database, files, { telemetry: recorded.option() });
      const run = await world.node.start("says", null);
      await reached(run, "suspended");
      await run.signal("go", null);
      await resultOf(run);
      await eventually(() => recorded.named("says")[0], () => "span of the run");
    } finally {
      await reset();
    }
    const stays = recorded.named("run says").map((span) => {
      const { traceId, spanId } = span.spanContext();
      return [traceId, spanId];
    });
    assert.deepEqual(
      lines.map(({ properties }) => [properties["trace_id"], properties["span_id"]]),
      stays,
    );
    for (const { properties } of lines) {
      assert.equal(properties["workflow"], "says");
      assert.match(String(properties["version"]), /^[0-9a-f]{12}$/);
      assert.equal(properties["attempt"], 1);
    }
  });
});
