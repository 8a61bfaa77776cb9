/** Exporters that throw, are slow, sample, or are not there; and what is stored. */
import assert from "node:assert/strict";
import { type SpanContext, trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import { telemetry } from "../../src/telemetry/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { parentOf, Recorded, withContexts } from "./recorded.ts";

const ORDER = source(
  `ctx.log.info("begins");
   const price = await ctx.run("quote", () => 7);
   await ctx.waitForSignal("paid");
   return price;`,
  `{ name: "order" }`,
);
const FILES = { "order.ts": ORDER };

function bang(): never {
  throw new Error("exporter is broken");
}

/** A span of which every method throws. */
const BROKEN_SPAN = new Proxy({}, { get: () => bang });

forEachDatabase("telemetry: exporters", (database, test) => {
  const broken = {
    "a provider that throws": { getTracer: bang, getMeter: bang },
    "a tracer that throws": {
      getTracer: () => ({ startSpan: bang }),
      getMeter: () => new Proxy({}, { get: () => bang }),
    },
    "a span that throws": {
      getTracer: () => ({ startSpan: () => BROKEN_SPAN }),
      getMeter: () => ({
        createCounter: () => ({ add: bang }),
        createHistogram: () => ({ record: bang }),
        createObservableUpDownCounter: () => ({ addCallback: bang }),
        createObservableGauge: () => ({ addCallback: bang }),
        addBatchObservableCallback: bang,
      }),
    },
  };
  for (const [name, provider] of Object.entries(broken)) {
    test(`${name} touches no run`, async () => {
      const option = telemetry({ tracerProvider: provider, meterProvider: provider });
      await using world = await scene(database, FILES, { telemetry: option });
      const run = await world.node.start("order", null);
      await reached(run, "suspended");
      await run.signal("paid", null);
      assert.equal(await resultOf(run), 7);
    });
  }

  test("an exporter that never answers delays no run", async () => {
    const waiting: (() => void)[] = [];
    const processor = new BatchSpanProcessor({
      export: (_spans, done) => void waiting.push(() => done({ code: 0 })),
      shutdown: () => Promise.resolve(),
    }, { maxExportBatchSize: 1, scheduledDelayMillis: 1, exportTimeoutMillis: 60_000 });
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [processor] });
    {
      const option = telemetry({ tracerProvider });
      await using world = await scene(database, FILES, { telemetry: option });
      const run = await world.node.start("order", null);
      await reached(run, "suspended");
      await run.signal("paid", null);
      assert.equal(await resultOf(run), 7);
      await eventually(() => waiting.length > 0 || undefined, () => "export");
    }
    const answering = setInterval(() => waiting.splice(0).forEach((done) => done()), 1);
    await tracerProvider.shutdown();
    clearInterval(answering);
  });

  test("without a provider nothing is stored, and without telemetry neither", async () => {
    for (const options of [{ telemetry: telemetry() }, {}]) {
      await using world = await scene(database, FILES, options);
      const run = await world.node.start("order", null);
      await reached(run, "suspended");
      await run.signal("paid", null);
      await resultOf(run);
      const rows = await world.db.query<{ trace: string | null }>(
        `select trace from {schema}.runs union all select trace from {schema}.inbox
         union all select trace from {schema}.tasks`,
      );
      assert.deepEqual(rows.filter(({ trace }) => trace !== null), []);
    }
  });

  test("what an unsampled caller starts stays unsampled, through every wait and for ever", async () => {
    using _contexts = withContexts();
    await using recorded = new Recorded(
      new ParentBasedSampler({
        root: { shouldSample: () => ({ decision: 2 }), toString: () => "all roots" },
        localParentNotSampled: new AlwaysOffSampler(),
      }),
    );
    const files = {
      "active.ts": source(
        `const flags = () => (globalThis as any).activeFlagsForTest();
         const first = await ctx.run("look", flags);
         await ctx.waitForSignal("go");
         return [first, await ctx.run("look again", flags)];`,
        `{ name: "active" }`,
      ),
    };
    const seen = globalThis as { activeFlagsForTest?: () => SpanContext["traceFlags"] | null };
    seen.activeFlagsForTest = () => trace.getActiveSpan()?.spanContext().traceFlags ?? null;
    await using world = await scene(database, files, { telemetry: recorded.option() });
    const unsampled = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 0 };
    const { context, ROOT_CONTEXT } = await import("@opentelemetry/api");
    const run = await context.with(
      trace.setSpanContext(ROOT_CONTEXT, unsampled),
      () => world.node.start("active", null),
    );
    await reached(run, "suspended");
    const [{ trace: stored }] = await world.db.query<{ trace: string }>(
      "select trace from {schema}.runs",
    ) as [{ trace: string }];
    assert.match(stored, /^00-1{32}-[0-9a-f]{16}-00$/);
    await world.db.query(`update {schema}.runs set created_at = created_at - interval '2 minutes'`);
    await run.signal("go", null);
    assert.deepEqual(await resultOf(run), [0, 0], "what steps call is unsampled, too");
    const names = recorded.spans.map(({ name }) => name);
    assert.deepEqual(names.filter((name) => name !== "signal active"), []);
  });

  test("with spans: none there are metrics and no spans, and nothing is stored", async () => {
    await using recorded = new Recorded();
    await using world = await scene(database, FILES, {
      telemetry: recorded.option({ spans: "none" }),
    });
    const run = await world.node.start("order", null);
    await reached(run, "suspended");
    assert.deepEqual(recorded.spans, []);
    assert.equal((await recorded.points("continuum.run.started")).length, 1);
    const [row] = await world.db.query<{ trace: string | null }>("select trace from {schema}.runs");
    assert.equal(row!.trace, null);
  });

  test("an activity that another node executes is a trace of its own, linked to the run's", async () => {
    const { defineActivity } = await import("../../src/workflow/activity.ts");
    const { openIn } = await import("../support/runs.ts");
    await using here = new Recorded();
    await using there = new Recorded();
    const files = {
      "remote.ts": source(
        `return await ctx.activity("work", 1, { queue: "gpu" });`,
        `{ name: "remote" }`,
      ),
    };
    await using world = await scene(database, files, { telemetry: here.option() });
    const work = defineActivity({ name: "work" }, () => "worked");
    await using _worker = await openIn(world.db, {
      telemetry: there.option(),
      activities: [work],
      queues: { gpu: {}, default: { concurrency: 0 } },
    });
    const run = await world.node.start("remote", null);
    assert.equal(await resultOf(run), "worked");
    const attempt: ReadableSpan = there.one("activity work");
    assert.equal(parentOf(attempt), undefined);
    assert.equal(attempt.attributes["continuum.run.id"], run.id);
    const stays = await eventually(
      () => here.named("remote")[0] && here.named("run remote"),
      () => "span of the run",
    );
    assert.equal(attempt.links[0]!.context.spanId, stays[0]!.spanContext().spanId);
  });
});
