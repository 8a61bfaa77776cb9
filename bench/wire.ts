/**
 * Workloads through a proxy that counts what passes between a node and its server.
 *
 * @module
 */

import { ownProcessorMs, round, sleep } from "./measure.ts";
import bench from "./peers_workflow.ts";
import { Marks, open, warmUp, work } from "./fixtures.ts";
import { type WireCounts, wireProxy } from "./wire_proxy.ts";
import type { Measurement, Workload } from "./workload.ts";

/** 50 runs of ten steps at once; then many runs started in one call. */
export const WIRE: Workload = {
  name: "WIRE",
  on: ["postgres"],
  async measure(db, { many }) {
    new Marks();
    const proxy = wireProxy(db.server?.url as string);
    await using _proxy = proxy;
    await using node = await open(db, { database: proxy.url });
    await warmUp(node, 50);
    const passed = since(proxy.counts);
    const steps = 500;
    await Promise.all(Array.from({ length: steps / 10 }, async (_, i) => {
      await (await node.start(bench, work(i, 10))).result();
    }));
    const wire = passed();
    const started = since(proxy.counts);
    const later = { delay: "1d" };
    await node.startMany(
      bench,
      Array.from({ length: many }, (_, i) => ({ input: work(i, 1) })),
      later,
    );
    const { roundTrips, statements } = started();
    return {
      steps,
      round_trips_step: round(wire.roundTrips / steps, 4),
      statements_step: round(wire.statements / steps, 4),
      parses_step: round(wire.parsed / steps, 4),
      up_bytes_step: round(wire.up / steps, 0),
      down_bytes_step: round(wire.down / steps, 0),
      many,
      many_round_trips: roundTrips,
      many_statements: statements,
    };
  },
};

/** Nodes with nothing to do, each in a schema and behind a proxy of its own, for the same time. */
export const IDLE: Workload = {
  name: "IDLE",
  on: ["postgres"],
  async measure(db, { idleSeconds }, reps) {
    new Marks();
    await using stack = new AsyncDisposableStack();
    const counts: WireCounts[] = [];
    for (let i = 0; i < reps; i++) {
      const proxy = stack.use(wireProxy(db.server?.url as string));
      const node = stack.use(await open(db, { database: proxy.url, schema: `idle_${i}` }));
      await warmUp(node);
      counts.push(proxy.counts);
    }
    await sleep(1_500);
    const passed = counts.map(since);
    const [client, server] = [ownProcessorMs(), db.serverMs()];
    await sleep(idleSeconds * 1000);
    const cpu = {
      client_cpu_pct: round((ownProcessorMs() - client) / idleSeconds / 10 / reps),
      server_cpu_pct: round((db.serverMs() - server) / idleSeconds / 10 / reps),
    };
    return passed.map((count): Measurement => {
      const { statements, roundTrips } = count();
      return {
        seconds: idleSeconds,
        nodes: reps,
        statements_minute: round(statements * 60 / idleSeconds, 1),
        round_trips_minute: round(roundTrips * 60 / idleSeconds, 1),
        ...cpu,
      };
    });
  },
};

/** Records what has passed; the returned function returns what has passed since. */
function since(counts: WireCounts): () => WireCounts {
  const before = { ...counts };
  return () => ({
    roundTrips: counts.roundTrips - before.roundTrips,
    statements: counts.statements - before.statements,
    parsed: counts.parsed - before.parsed,
    up: counts.up - before.up,
    down: counts.down - before.down,
  });
}
