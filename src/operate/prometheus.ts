/**
 * The numbers of a database as Prometheus reads them: for `/metrics` of the observer.
 *
 * - PROMETHEUS-1: the numbers are read at most every 15 seconds, however many servers ask, and what is
 *   read is bounded.
 *
 * @module
 */

import type { Continuum } from "../continuum.ts";

/** The content type of the text. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** For how long the same text is returned, in milliseconds. */
const KEPT_MS = 15_000;

/** The most queues that are named; the others are `_other` together. */
const MOST_QUEUES = 1_000;

interface Kept {
  readonly at: number;
  readonly text: Promise<string>;
}

const kept = new WeakMap<Continuum, Kept>();

/** One line's labels and number. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/**
 * Writes the numbers of a database in Prometheus's text format. They are those of the whole
 * database, so ask one process only.
 *
 * @param continuum Reads them.
 * @param now Milliseconds since any time; for tests.
 * @returns The text; its content type is {@linkcode PROMETHEUS_TYPE}.
 * @throws {DatabaseUnavailableError} If the database can't answer now.
 */
export async function prometheus(
  continuum: Continuum,
  now: number = performance.now(),
): Promise<string> {
  const known = kept.get(continuum);
  if (known !== undefined && now - known.at < KEPT_MS) return await known.text; // PROMETHEUS-1
  const text = write(continuum);
  kept.set(continuum, { at: now, text });
  try {
    return await text;
  } catch (error) {
    kept.delete(continuum);
    throw error;
  }
}

async function write(continuum: Continuum): Promise<string> {
  const [live, queues, nodes] = await Promise.all([
    continuum.liveRuns(),
    continuum.queues(),
    continuum.nodes(),
  ]);
  const now = Date.now();
  const depth = new Map<string, number>();
  const oldest = new Map<string, number>();
  const executing = new Map<string, number>();
  for (const [index, queue] of queues.entries()) {
    const name = index < MOST_QUEUES ? queue.name : "_other";
    const age = queue.oldest === null ? 0 : Math.max(now - queue.oldest.getTime(), 0) / 1_000;
    depth.set(name, (depth.get(name) ?? 0) + queue.ready - queue.delayed);
    oldest.set(name, Math.max(oldest.get(name) ?? 0, age));
    executing.set(name, (executing.get(name) ?? 0) + queue.executing);
  }
  const byQueue = (values: ReadonlyMap<string, number>): Sample[] =>
    Array.from(values, ([queue, value]) => [{ continuum_queue: queue }, value]);
  return [
    ...gauge(
      "continuum_runs_live",
      "Runs of the whole database that have not ended; counting stops at 10,000",
      live.map(({ state, runs }) => [{ continuum_state: state }, runs]),
    ),
    ...gauge(
      "continuum_queue_depth",
      "Tasks of the whole database that wait for a node; counting stops at 1,000",
      byQueue(depth),
    ),
    ...gauge(
      "continuum_queue_oldest_seconds",
      "For how long the oldest of these tasks has waited",
      byQueue(oldest),
    ),
    ...gauge("continuum_queue_executing", "Tasks that nodes execute", byQueue(executing)),
    ...gauge("continuum_nodes", "Nodes that are alive", [[{}, nodes.length]]),
    "",
  ].join("\n");
}

function gauge(name: string, help: string, samples: readonly Sample[]): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(([labels, value]) => `${name}${shown(labels)} ${value}`),
  ];
}

function shown(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
