/**
 * What user-side tests play on: databases, served modules, and looking until something is
 * so.
 *
 * @module
 */

import assert from "node:assert/strict";
import "./primed_hooks.ts";
import { Continuum } from "../../src/continuum.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import type { RunStatus } from "../../src/client/run/status.ts";
import type { OpenOptions } from "../../src/options.ts";
import type { EmptyDatabase } from "./database.ts";
import { type Answers, serve, type Server } from "./modules.ts";

/** A server of modules whose files come and go. */
export interface Site extends Server {
  /** What it answers, by path. */
  readonly files: { [path: string]: Answers[string] };
  /** The URL of a file. */
  at(path: string): string;
}

/** Serves files that may be changed. */
export function makeSite(files: Answers): Site {
  const shown = { ...files };
  const server = serve(shown);
  return { ...server, files: shown, at: (path) => server.url + path };
}

/** How tests run nodes: runs that wait leave memory at once. */
export const BRISK: OpenOptions = { linger: 0, lease: "3s" };

/** Opens a node on a database. */
export function openIn(db: EmptyDatabase, options: OpenOptions = {}): Promise<Continuum> {
  const { database, schema } = db;
  return Continuum.open({ ...BRISK, database, schema, ...options });
}

/** How long something may take that should happen at once, in milliseconds. */
const DEADLINE_MS = 20_000;
const LOOK_EVERY = 10;

/**
 * Polls until a condition holds; for events without a promise, since another process causes them.
 *
 * @param look Looks once; `undefined` if it is not there yet.
 * @param describe What was looked for, for the message.
 */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  describe: () => string,
): Promise<T> {
  // Looks are counted, in place of time: a machine that stood still has not looked.
  for (let looks = 0; looks < DEADLINE_MS / LOOK_EVERY; looks++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
  assert.fail(`in ${DEADLINE_MS} ms there was no ${describe()}`);
}

/**
 * A deadline that only work which never ends misses, however busy this machine is.
 *
 * @param work Similar work that ends.
 * @returns Three times what it took, and three seconds at least, in whole milliseconds.
 */
export async function generousDeadline(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.max(3_000, Math.ceil(3 * (performance.now() - began)));
}

/** Waits until a run is in a state that it rests in. */
export async function reached(
  run: RunHandle,
  state: RunStatus["state"],
): Promise<RunStatus> {
  let last: RunStatus | undefined;
  return await eventually(
    async () => (last = await run.status()).state === state ? last : undefined,
    () => `run that is ${state}, but ${JSON.stringify(last)}`,
  );
}

/** A run's result, within a time that is long for it. */
export async function resultOf<T>(run: RunHandle<T>): Promise<T> {
  const deadline = new AbortController();
  let isOver = false;
  const watching = eventually(() => isOver || undefined, () => `end of run ${run.id}`)
    .catch((error) => deadline.abort(error));
  try {
    return await run.result({ signal: deadline.signal }); // at once: the error shows this line
  } finally {
    isOver = true;
    await watching;
  }
}

/** What modules under test leave behind when they run. */
export const marks = globalThis as unknown as { marksForTest?: string[] };

/** The source of a statement that leaves a mark. */
export function mark(word: string): string {
  return `((globalThis as any).marksForTest ??= []).push(${JSON.stringify(word)});\n`;
}

/** The marks so far, and forgets them. */
export function takeMarks(): string[] {
  const taken = marks.marksForTest ?? [];
  marks.marksForTest = [];
  return taken;
}
