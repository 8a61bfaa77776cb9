/**
 * Traces by OpenTelemetry. With `OTEL_DENO=true`, `telemetry()` is all that an application needs;
 * here a provider is passed, which keeps the spans, so that they can be shown.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { Continuum } from "@continuum/continuum";
import { telemetry } from "@continuum/continuum/telemetry";
import order from "./workflows/23_telemetry.ts";

const exporter = new InMemorySpanExporter();
const spanProcessors = [new SimpleSpanProcessor(exporter)];
const tracerProvider = new BasicTracerProvider({ spanProcessors });

{
  await using continuum = await Continuum.open({
    database: "memory:",
    workflows: [import.meta.resolve("./workflows/23_telemetry.ts")],
    telemetry: telemetry({ tracerProvider }),
    linger: 0,
  });
  const run = await continuum.start(order, "a lamp");
  await run.reached("suspended");
  await run.signal("paid", null); // it may come in a month, to another node
  console.log(await run.result());
}

const spans = exporter.getFinishedSpans();
const show = (parent: string | undefined, indent: string): void => {
  for (const span of spans.filter(({ parentSpanContext: of }) => of?.spanId === parent)) {
    const { attributes, links } = span;
    const line = attributes["code.line.number"];
    const place = line === undefined ? "" : ` at ${attributes["code.file.path"]}:${line}`;
    const error = attributes["error.type"] === undefined ? "" : ` ${attributes["error.type"]}`;
    const linked = links.length === 0 ? "" : ` with ${links.length} links`;
    console.log(`${indent}${span.name}${place}${error}${linked}`);
    show(span.spanContext().spanId, `${indent}  `);
  }
};
show(undefined, "");

// Prints:
// a lamp for 6
// start order
//   run order
//     step quote at 23_telemetry.ts:6 TypeError
//     step quote at 23_telemetry.ts:6
//   run order with 1 links
//     step ship at 23_telemetry.ts:11
//   order with 2 links
// signal order
