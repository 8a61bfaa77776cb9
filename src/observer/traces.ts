/**
 * Traces of runs, as pages need them. A page that shows all of a run replays it once for each event
 * that the run gets, and a long run only when the viewer asks for it.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import {
  type RunDetails,
  runGenerations,
  showRun,
  type TraceOfRun,
  traceOfRun,
} from "../operate/runs.ts";
import { ObserverError } from "./errors.ts";
import { switchParameter, wholeParameter } from "./parameters.ts";
import type { Look } from "./route.ts";

/** An effect of a trace. */
export type Effect = TraceOfRun["effects"][number];

/** A generation of a run. */
export type Generation = Awaited<ReturnType<typeof runGenerations>>[number];

/** The generation of a run that a page shows. */
export interface ShownGeneration {
  /** The run. */
  readonly run: RunDetails;
  /** The generation that the query names, or the present one. */
  readonly generation: Generation;
}

/** Which generation of a run. */
export const GENERATION = wholeParameter("generation", 0);

/** After how many events. */
export const AT = wholeParameter("at", 0);

/** That a long run is to be replayed. */
export const REPLAY = switchParameter("replay");

/** A generation with more events is replayed only if the query says `replay=1`. */
export const MOST_UNASKED = 20_000;

/** Of more effects, the lines are not read: each costs about 0.2 ms. */
export const MOST_PLACED = 3_000;

/** The trace of a generation with more events is not kept. */
const MOST_KEPT = 10_000;

/** A trace of so many events weighs as much as another result that is kept. */
const EVENTS_PER_WEIGHT = 100;

/** How many effects one replay tells. */
const PAGE = 10_000;

/** How many characters of a value a list shows. */
const VALUE_CHARS = 200;

/**
 * Reads a run, and which of its generations is meant.
 *
 * @param look The run's id, and the query with `generation`.
 */
export async function shownGeneration({ client, params, given }: Look): Promise<ShownGeneration> {
  const run = await showRun(client, params["id"]!);
  const number = given.one(GENERATION) ?? run.generation;
  const [generation] = await runGenerations(client, run.id, { from: number, limit: 1 });
  if (generation?.number !== number) {
    throw new ObserverError(
      "NOT_FOUND",
      `Cannot show generation ${number} of the run: there is none, or retention has removed it`,
    );
  }
  return { run, generation };
}

/**
 * Whether a replay is to be asked for first.
 *
 * @param look The query.
 * @param generation The generation.
 */
export function mustAsk({ given }: Pick<Look, "given">, { events }: Generation): boolean {
  return events > MOST_UNASKED && given.one(REPLAY) === null;
}

/**
 * Traces all of a generation.
 *
 * @param look What to read from.
 * @param shown The run and the generation.
 */
export async function traceOf(look: Look, shown: ShownGeneration): Promise<TraceOfRun> {
  const { run, generation } = shown;
  const trace = () => replayed(look, shown, { sites: generation.events <= MOST_PLACED });
  if (generation.events > MOST_KEPT) return await trace();
  const { namespace, id, createdAt, state, retrying, version } = run;
  const { number, events } = generation;
  const key = ["trace", namespace, id, createdAt, number, events, version.hash, state];
  const weight = Math.ceil(generation.events / EVENTS_PER_WEIGHT) || 1;
  return await look.kept([...key, JSON.stringify(retrying)], trace, weight);
}

/**
 * Traces a generation as it was after some of its events.
 *
 * @param look What to read from.
 * @param shown The run and the generation.
 * @param at After how many events.
 * @param whole The trace of all of it.
 */
export async function traceAt(
  look: Look,
  shown: ShownGeneration,
  at: number,
  whole: TraceOfRun,
): Promise<TraceOfRun> {
  const trace = await replayed(look, shown, { at, sites: false });
  // The same code asks for the same effects on the same lines, and reading a line is dear.
  const known = new Map(whole.effects.map((effect) => [effect.position, effect]));
  const placed = (effect: Effect): Effect => {
    const { site = null, calls = [] } = known.get(effect.position) ?? {};
    return { ...effect, site, calls };
  };
  return { ...trace, effects: trace.effects.map(placed), waiting: trace.waiting.map(placed) };
}

async function replayed(
  { client, heavy }: Look,
  { run, generation }: ShownGeneration,
  part: { readonly at?: number; readonly sites: boolean },
): Promise<TraceOfRun> {
  const options = {
    generation: generation.number,
    limit: PAGE,
    payloadChars: VALUE_CHARS,
    ...part,
  };
  return await heavy(async () => {
    const first = await traceOfRun(client, run.id, options);
    const effects = [...first.effects];
    while (effects.length < first.total) {
      const more = await traceOfRun(client, run.id, { ...options, from: effects.length });
      if (more.effects.length === 0) break;
      effects.push(...more.effects);
    }
    return { ...first, effects };
  });
}

/**
 * After how many events a page shows a generation: all of them, unless the address says otherwise.
 *
 * @param look The query with `at`.
 * @param generation The generation.
 * @throws {InvalidArgumentError} If it has not so many.
 */
export function atOf({ given }: Pick<Look, "given">, { events }: Generation): number {
  const at = given.one(AT) ?? events;
  return at <= events ? at : refuse("parameter at", at, `0 to ${events}, the number of its events`);
}
