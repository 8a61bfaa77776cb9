/**
 * The workloads: those of the comparison with other engines, and those that only this engine is
 * asked for. Each measures once, on an empty database.
 *
 * @module
 */

import { AsyncResource } from "node:async_hooks";
import { Continuum, type OpenOptions } from "../mod.ts";
import { median, memory, ownProcessorMs, percentile, pool, round, sleep } from "./measure.ts";
import { millionRows } from "./million.ts";
import bench, { HOOKS, type Hooks, type Work } from "./peers_workflow.ts";
import type { Place } from "./places.ts";
import { wireProxy } from "./wire_proxy.ts";

/** What a workload found. */
export type Measurement = Record<string, unknown>;

/** How large workloads are. */
export interface Sizes {
  /** Runs waiting in W4. */
  readonly parked: number;
  /** Steps of the long runs in W5, the longest last. */
  readonly long: readonly number[];
  /** Rows in the table. */
  readonly rows: number;
  /** Seconds to watch an idle node. */
  readonly idleSeconds: number;
}

/** A workload. */
export interface Workload {
  /** Its name. */
  readonly name: string;
  /** Why it is not measured, if so. */
  readonly skipped?: string;
  /** Whether it needs a server. */
  readonly server?: boolean;
  /** The most repetitions that are worth their time. */
  readonly reps?: number;
  /** Measures once. */
  measure?(place: Place, sizes: Sizes): Promise<Measurement>;
}

/** What runs report back, in this process. */
class Marks implements Hooks {
  readonly stepAt: number[] = [];
  parked = 0;
  ended = 0;
  readonly #doneAt = new Map<number, (at: number) => void>();
  #notices: (() => void)[] = [];

  constructor() {
    // The clock is the machine's only outside of the workflow.
    const outside = (name: keyof Hooks) => AsyncResource.bind(this[name].bind(this));
    const hooks = { step: outside("step"), park: outside("park"), done: outside("done") };
    (globalThis as unknown as { [HOOKS]: unknown })[HOOKS] = hooks;
  }

  step(_i: number, _k: number): void {
    this.stepAt.push(performance.now());
  }

  park(_i: number): void {
    this.parked++;
    this.#tell();
  }

  done(i: number): void {
    this.ended++;
    this.#doneAt.get(i)?.(performance.now());
    this.#doneAt.delete(i);
    this.#tell();
  }

  /** When run `i` has come to its last line. */
  end(i: number): Promise<number> {
    return new Promise((resolve) => void this.#doneAt.set(i, resolve));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void this.#notices.push(resolve));
  }

  #tell(): void {
    const notices = this.#notices;
    this.#notices = [];
    for (const notice of notices) notice();
  }
}

const WORKFLOWS = [import.meta.resolve("./peers_workflow.ts")];

function open(place: Place, options: OpenOptions = {}): Promise<Continuum> {
  return Continuum.open({ ...place.options, workflows: WORKFLOWS, ...options });
}

function connect(place: Place): Promise<Continuum> {
  return Continuum.connect({ ...place.options, workflows: WORKFLOWS });
}

function work(i: number, n: number, park = false): Work {
  return { i, n, park };
}

async function warmUp(node: Continuum, runs = 20): Promise<void> {
  await Promise.all(Array.from({ length: runs }, async (_, i) => {
    await (await node.start(bench, work(-1 - i, 10))).result();
  }));
}

const W1: Workload = {
  name: "W1",
  async measure(place) {
    new Marks();
    await using first = await open(place);
    await warmUp(first, 100);
    await first.close();
    const base = await place.server?.counters();
    await (await open(place)).close(); // what opening and closing costs by itself
    await place.server?.checkpoint();
    const before = await place.server?.counters();
    await using node = await open(place);
    const [runs, steps] = [500, 10];
    const [client, server, begun] = [ownProcessorMs(), place.serverMs(), performance.now()];
    const results: Promise<unknown>[] = [];
    await pool(runs, 50, async (i) => {
      results.push((await node.start(bench, work(i, steps))).result());
    });
    await Promise.all(results);
    const sec = (performance.now() - begun) / 1000;
    const total = runs * steps;
    const spent = {
      client_cpu_ms_step: round((ownProcessorMs() - client) / total, 4),
      server_cpu_ms_step: round((place.serverMs() - server) / total, 4),
      cpu_ms_step: round((ownProcessorMs() - client + place.serverMs() - server) / total, 4),
    };
    await node.close();
    const after = await place.server?.counters();
    const found = {
      workflows: runs,
      steps: total,
      sec: round(sec, 3),
      steps_s: round(total / sec),
    };
    if (base === undefined || before === undefined || after === undefined) {
      return { ...found, client_cpu_ms_step: spent.client_cpu_ms_step };
    }
    const updated = after.runs.updated - before.runs.updated;
    const hot = after.runs.hot - before.runs.hot;
    return {
      ...found,
      ...spent,
      pg: {
        xact_step: round(
          (after.commits - before.commits - (before.commits - base.commits)) / total,
          4,
        ),
        wal_bytes_step: round((after.wal - before.wal) / total, 0),
        ins_step: round((after.inserted - before.inserted) / total, 3),
        upd_step: round((after.updated - before.updated) / total, 3),
        hot_ratio: round(hot / updated, 3),
      },
    };
  },
};

function latency(name: string, steps: number): Workload {
  return {
    name,
    async measure(place) {
      const marks = new Marks();
      await using node = await open(place);
      await warmUp(node);
      const [code, result]: [number[], number[]] = [[], []];
      for (let i = 0; i < 50; i++) {
        const ended = marks.end(i);
        const begun = performance.now();
        const run = await node.start(bench, work(i, steps));
        code.push(await ended - begun);
        await run.result();
        result.push(performance.now() - begun);
      }
      return {
        n: 50,
        fn_p50_ms: round(median(code)),
        fn_p95_ms: round(percentile(code, 95)),
        api_p50_ms: round(median(result)),
        api_p95_ms: round(percentile(result, 95)),
      };
    },
  };
}

const W3: Workload = {
  name: "W3",
  async measure(place) {
    new Marks();
    await using client = await connect(place);
    await client.start(bench, work(0, 1));
    const n = 5_000;
    const found: Measurement = { n };
    for (const inflight of [50, 500]) {
      const [own, server, begun] = [ownProcessorMs(), place.serverMs(), performance.now()];
      await pool(n, inflight, (i) => client.start(bench, work(i, 1)));
      const rate = n * 1000 / (performance.now() - begun);
      found[`starts_s_${inflight}`] = round(rate, 0);
      found[`client_cpu_ms_start_${inflight}`] = round((ownProcessorMs() - own) / n, 4);
      found[`server_cpu_ms_start_${inflight}`] = round((place.serverMs() - server) / n, 4);
    }
    return found;
  },
};

const W4: Workload = {
  name: "W4",
  async measure(place, { parked: n }) {
    const marks = new Marks();
    await using node = await open(place);
    await warmUp(node);
    marks.ended = 0;
    // Room for histories and plans is taken once, not per run.
    const rest = async () => {
      while (node.readiness().residentRuns > 0) await sleep(20);
      return await memory();
    };
    const ids: string[] = [];
    const round1 = async (offset: number) => {
      await pool(n, 50, async (i) => {
        ids[offset + i] = (await node.start(bench, work(offset + i, 0, true))).id;
      });
    };
    await round1(0);
    const before = await rest();
    await round1(n);
    const begun = performance.now();
    const after = await rest();
    const parkedAfter = (performance.now() - begun) / 1000;
    marks.ended = 0;
    const woken = performance.now();
    await pool(n, 50, (i) => node.run(ids[n + i] as string).signal("go"));
    const sent = performance.now();
    await marks.until(() => marks.ended >= n);
    const all = performance.now();
    while (node.readiness().residentRuns > 0) await sleep(2);
    return {
      n,
      heap_bytes_per_parked: round((after.heap - before.heap) / n, 1),
      rss_kib_per_parked: round((after.rss - before.rss) / n / 1024, 2),
      rss_mib: round(after.rss / 1048576, 1),
      all_parked_s: round(parkedAfter),
      signals_s: round(n * 1000 / (sent - woken), 0),
      wake_all_s: round((performance.now() - woken) / 1000, 3),
      wake_fn_s: round((all - woken) / 1000, 3),
    };
  },
};

const W5: Workload = {
  name: "W5",
  async measure(place, { long }) {
    const found: Measurement[] = [];
    let ratio = NaN;
    for (const n of long) {
      const marks = new Marks();
      await using node = await open(place);
      await warmUp(node);
      await (await node.start(bench, work(-1, 200))).result(); // one alone, warm
      marks.stepAt.length = 0;
      const begun = performance.now();
      await (await node.start(bench, work(n, n))).result();
      const sec = (performance.now() - begun) / 1000;
      const at = marks.stepAt;
      const times = at.slice(1).map((time, i) => time - (at[i] as number));
      const eighth = Math.floor(n / 8);
      const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
      found.push({
        steps: n,
        sec: round(sec, 3),
        ms_step: round(sec * 1000 / n, 3),
        first8th_ms_step: round(mean(times.slice(0, eighth)), 3),
        last8th_ms_step: round(mean(times.slice(-eighth)), 3),
      });
      // Medians of 500 steps each: one slow commit says nothing about the history's length.
      ratio = median(times.slice(-500)) / median(times.slice(100, 600));
    }
    return { runs: found, last_over_100: round(ratio, 3) };
  },
};

const W6: Workload = {
  name: "W6",
  async measure(place) {
    const marks = new Marks();
    await using node = await open(place, { linger: 1 });
    await warmUp(node);
    const runs: Measurement[] = [];
    const found: Measurement = { runs };
    for (const n of [0, 100, 1000]) {
      const times: number[] = [];
      for (let i = 0; i < 7; i++) {
        marks.parked = 0;
        const run = await node.start(bench, work(i, n, true));
        await marks.until(() => marks.parked > 0);
        while (node.readiness().residentRuns > 0) await sleep(5);
        const ended = marks.end(i);
        const begun = performance.now();
        await run.signal("go");
        times.push(await ended - begun);
        await run.result();
      }
      runs.push({ steps: n, resume_ms: round(median(times.slice(2))) });
      found[`resume_ms_${n}`] = round(median(times.slice(2)));
    }
    return found;
  },
};

/** From a client's signal to the code after the wait: on this node, and through another process's. */
const SIGNAL: Workload = {
  name: "SIGNAL",
  async measure(place) {
    const found: Measurement = {};
    for (const [name, linger] of [["resident", 60_000], ["parked", 1]] as const) {
      const marks = new Marks();
      await using node = await open(place, { linger });
      await using client = place.kind === "postgres" ? await connect(place) : undefined;
      await warmUp(node);
      for (const [sender, from] of [["own", node], ["other", client]] as const) {
        if (from === undefined) continue;
        const times: number[] = [];
        for (let i = 0; i < 30; i++) {
          marks.parked = 0;
          const { id } = await node.start(bench, work(i, 0, true));
          await marks.until(() => marks.parked > 0);
          if (linger === 1) { while (node.readiness().residentRuns > 0) await sleep(2); }
          else await sleep(5);
          const ended = marks.end(i);
          const begun = performance.now();
          await from.run(id).signal("go");
          times.push(await ended - begun);
          await node.run(id).result();
        }
        found[`${name}_${sender}_p50_ms`] = round(median(times));
        found[`${name}_${sender}_p95_ms`] = round(percentile(times, 95));
      }
    }
    return found;
  },
};

/** All at once: what a start's caller sees when 500 of them come together. */
const CROWD: Workload = {
  name: "CROWD",
  async measure(place) {
    new Marks();
    await using node = await open(place);
    await warmUp(node, 100);
    const times: number[] = [];
    const begun = performance.now();
    await Promise.all(Array.from({ length: 500 }, async (_, i) => {
      await (await node.start(bench, work(i, 10))).result();
      times.push(performance.now() - begun);
    }));
    const ms = performance.now() - begun;
    return {
      runs: 500,
      ms: round(ms, 1),
      steps_s: round(5_000_000 / ms, 0),
      result_p50_ms: round(median(times), 1),
    };
  },
};

const WIRE: Workload = {
  name: "WIRE",
  server: true,
  reps: 1,
  async measure(place) {
    new Marks();
    const proxy = wireProxy(place.server?.url as string);
    await using _proxy = proxy;
    await using node = await open(place, { database: proxy.url });
    await warmUp(node, 50);
    const before = { ...proxy.counts };
    const steps = 500;
    await Promise.all(Array.from({ length: steps / 10 }, async (_, i) => {
      await (await node.start(bench, work(i, 10))).result();
    }));
    const { counts } = proxy;
    return {
      steps,
      round_trips_step: round((counts.roundTrips - before.roundTrips) / steps, 4),
      statements_step: round((counts.statements - before.statements) / steps, 4),
      parses_step: round((counts.parsed - before.parsed) / steps, 4),
      up_bytes_step: round((counts.up - before.up) / steps, 0),
      down_bytes_step: round((counts.down - before.down) / steps, 0),
    };
  },
};

const IDLE: Workload = {
  name: "IDLE",
  server: true,
  reps: 1,
  async measure(place, { idleSeconds }) {
    new Marks();
    const proxy = wireProxy(place.server?.url as string);
    await using _proxy = proxy;
    await using node = await open(place, { database: proxy.url });
    await warmUp(node);
    await sleep(1_500);
    const before = { ...proxy.counts };
    const [client, server] = [ownProcessorMs(), place.serverMs()];
    await sleep(idleSeconds * 1000);
    const perMinute = 60 / idleSeconds;
    return {
      seconds: idleSeconds,
      statements_minute: round((proxy.counts.statements - before.statements) * perMinute, 1),
      round_trips_minute: round((proxy.counts.roundTrips - before.roundTrips) * perMinute, 1),
      client_cpu_pct: round((ownProcessorMs() - client) / idleSeconds / 10),
      server_cpu_pct: round((place.serverMs() - server) / idleSeconds / 10),
    };
  },
};

const ROWS: Workload = {
  name: "ROWS",
  server: true,
  reps: 1,
  async measure(place, { rows }) {
    const marks = new Marks();
    const probe = async () => {
      await using node = await open(place, { linger: 1 });
      await using client = await connect(place);
      await warmUp(node, 100);
      const [start, claim, signal]: [number[], number[], number[]] = [[], [], []];
      for (let i = 0; i < 200; i++) {
        marks.parked = 0;
        const begun = performance.now();
        const run = await client.start(bench, work(i, 0, true));
        const started = performance.now();
        await marks.until(() => marks.parked > 0);
        start.push(started - begun);
        claim.push(performance.now() - started);
        while (node.readiness().residentRuns > 0) await sleep(2);
        const ended = marks.end(i);
        const sent = performance.now();
        await run.signal("go");
        signal.push(await ended - sent);
        while (node.readiness().residentRuns > 0) await sleep(1);
      }
      return { start: median(start), claim: median(claim), signal: median(signal) };
    };
    const empty = await probe();
    const fill = await millionRows(place, rows);
    const full = await probe();
    const over = (key: keyof typeof empty) => round(full[key] / empty[key], 3);
    return {
      rows,
      fill_s: fill,
      start_ms: [round(empty.start, 3), round(full.start, 3)],
      claim_ms: [round(empty.claim, 3), round(full.claim, 3)],
      signal_ms: [round(empty.signal, 3), round(full.signal, 3)],
      start_ratio: over("start"),
      claim_ratio: over("claim"),
      signal_ratio: over("signal"),
    };
  },
};

/** All workloads, in the order in which they are measured. */
export const WORKLOADS: readonly Workload[] = [
  W1,
  { name: "W1D", skipped: "no job queue: a run is the unit of work" },
  latency("W2", 10),
  latency("W2_0", 0),
  W3,
  W4,
  W5,
  W6,
  SIGNAL,
  CROWD,
  WIRE,
  IDLE,
  ROWS,
];
