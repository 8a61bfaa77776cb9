/**
 * A receiver of OTLP over http/json, as a collector has one: it decodes what arrives.
 *
 * @module
 */

import assert from "node:assert/strict";

type Attributes = Readonly<Record<string, unknown>>;

/** A span that has arrived. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly scope: string;
  readonly service: unknown;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly statusCode: number;
}

/** A metric that has arrived: one of its points. */
export interface ReceivedPoint {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  readonly buckets: readonly number[] | undefined;
}

/** What has arrived. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  readonly points: ReceivedPoint[];
}

/** Begins to listen. */
export function collector(): Collector {
  const spans: ReceivedSpan[] = [];
  const points: ReceivedPoint[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const type = request.headers.get("content-type");
    assert.equal(type, "application/json", "the test decodes http/json");
    const body = await request.json();
    if (pathname === "/v1/traces") spans.push(...spansOf(body));
    if (pathname === "/v1/metrics") points.push(...pointsOf(body));
    return Response.json({});
  });
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    points,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

// deno-lint-ignore no-explicit-any -- JSON as it is received
function spansOf(body: any): ReceivedSpan[] {
  // deno-lint-ignore no-explicit-any -- JSON as it is received
  return body.resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
    // deno-lint-ignore no-explicit-any -- JSON as it is received
    scopeSpans.flatMap(({ scope, spans }: any) =>
      // deno-lint-ignore no-explicit-any -- JSON as it is received
      spans.map((span: any) => ({
        ...span,
        parentSpanId: span.parentSpanId ?? "",
        scope: scope.name,
        service: attributesOf(resource.attributes)["service.name"],
        attributes: attributesOf(span.attributes),
        links: span.links ?? [],
        // deno-lint-ignore no-explicit-any -- JSON as it is received
        events: (span.events ?? []).map((event: any) => ({
          name: event.name,
          attributes: attributesOf(event.attributes),
        })),
        statusCode: span.status?.code ?? 0,
      }))
    )
  );
}

// deno-lint-ignore no-explicit-any -- JSON as it is received
function pointsOf(body: any): ReceivedPoint[] {
  // deno-lint-ignore no-explicit-any -- JSON as it is received
  return body.resourceMetrics.flatMap(({ scopeMetrics }: any) =>
    // deno-lint-ignore no-explicit-any -- JSON as it is received
    scopeMetrics.flatMap(({ metrics }: any) =>
      // deno-lint-ignore no-explicit-any -- JSON as it is received
      metrics.flatMap(({ name, unit, sum, gauge, histogram }: any) =>
        // deno-lint-ignore no-explicit-any -- JSON as it is received
        (sum ?? gauge ?? histogram).dataPoints.map((point: any) => ({
          name,
          unit,
          attributes: attributesOf(point.attributes),
          buckets: point.explicitBounds,
        }))
      )
    )
  );
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function attributesOf(list: readonly KeyValue[] = []): Attributes {
  return Object.fromEntries(list.map(({ key, value }) => {
    const [kind, content] = Object.entries(value)[0] ?? [];
    return [key, kind === "intValue" ? Number(content) : content];
  }));
}
