/** Deno's own exporter, with a collector that decodes what arrives. */
import assert from "node:assert/strict";
import { deno } from "../support/processes.ts";
import { PROJECT } from "../support/project.ts";
import { collector, type ReceivedSpan } from "./collector.ts";

const PRELOAD = ["--preload", new URL("tests/support/primed_pglite.ts", PROJECT).href];
const APP = new URL("tests/telemetry/fixtures/exported.ts", PROJECT).href;

Deno.test("with OTEL_DENO alone, spans and metrics of a run arrive at a collector", async () => {
  await using receiver = collector();
  const env = {
    OTEL_DENO: "true",
    OTEL_SERVICE_NAME: "orders",
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  };
  const { code, errors, output } = await deno(["run", "-A", "--quiet", ...PRELOAD, APP], { env });
  assert.equal(code, 0, errors);
  const ours = receiver.spans.filter(({ scope }) => scope === "continuum");
  const one = (name: string): ReceivedSpan => {
    const found = ours.filter((span) => span.name === name);
    assert.equal(found.length, 1, `one ${name} in ${ours.map((span) => span.name)}`);
    return found[0]!;
  };
  const start = one("start order");
  const [first, second] = ours.filter(({ name }) => name === "run order")
    .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
  const [failed, quote] = ours.filter(({ name }) => name === "step quote")
    .sort((a, b) =>
      Number(a.attributes["continuum.attempt"]) - Number(b.attributes["continuum.attempt"])
    );
  const whole = one("order");
  assert.equal(start.service, "orders");
  assert.deepEqual([start.kind, first!.kind, quote!.kind, whole.kind], [4, 5, 1, 1]);
  assert.deepEqual(
    [first, second, whole].map((span) => span!.parentSpanId),
    [start, start, start].map(({ spanId }) => spanId),
  );
  assert.equal(quote!.parentSpanId, first!.spanId);
  assert.deepEqual(second!.links.map(({ spanId }) => spanId), [one("signal order").spanId]);
  assert.deepEqual(whole.links.map(({ spanId }) => spanId), [first!.spanId, second!.spanId]);
  assert.equal(
    new Set(ours.map(({ traceId }) => traceId)).size,
    1,
  );
  assert.equal(first!.attributes["continuum.run.id"], "o-1");
  assert.equal(first!.attributes["continuum.resume.reason"], "start");
  assert.equal(quote!.attributes["code.file.path"], "order.ts");
  assert.equal(quote!.attributes["code.line.number"], 8);
  const request = receiver.spans.find(({ name }) => name === "request");
  assert.equal(start.parentSpanId, request?.spanId);
  assert.deepEqual(
    JSON.parse(output),
    { before: null, inside: quote!.spanId, after: null, last: null },
    "no span is active in workflow code",
  );
  assert.equal(failed!.statusCode, 2);
  assert.equal(failed!.events[0]!.attributes["exception.type"], "TypeError");
  assert.equal(whole.statusCode, 0);
  for (const { name, startTimeUnixNano, endTimeUnixNano } of ours) {
    assert.ok(
      BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano),
      `${name} ends before it starts`,
    );
  }
  const fetched = receiver.spans.find(({ name, scope }) => name === "GET" && scope !== "continuum");
  assert.equal(fetched?.traceId, quote!.traceId, "what a step fetches is in the run's trace");

  const names = new Set(receiver.points.map(({ name }) => name));
  for (const name of ["continuum.run.started", "continuum.run.ended", "continuum.flush.duration"]) {
    assert.ok(names.has(name), `${name} in ${[...names]}`);
  }
  const duration = receiver.points.find(({ name }) => name === "continuum.run.duration");
  assert.equal(duration?.unit, "s");
  assert.deepEqual(duration?.attributes, {
    "continuum.workflow.name": "order",
    "continuum.outcome": "completed",
  });
  assert.equal(duration?.buckets?.at(0), 0.005);
  assert.equal(duration?.buckets?.at(-1), 30 * 86_400);
});

Deno.test("a collector that is not there touches no run", async () => {
  const env = { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
  const { code, errors } = await deno(["run", "-A", "--quiet", ...PRELOAD, APP], { env });
  assert.equal(code, 0, errors);
});
