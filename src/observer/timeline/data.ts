/**
 * What the timeline of a run shows, as plain JSON.
 *
 * @module
 */

import { type FoundEntry, landmarksOf, searchHistory } from "../../operate/history.ts";
import { refuse } from "../../base/arguments.ts";
import { wholeParameter } from "../parameters.ts";
import { type TraceOfRun, traceOfRun } from "../../operate/runs.ts";
import type { Look } from "../route.ts";
import {
  atOf,
  mustAsk,
  type ShownGeneration,
  shownGeneration,
  traceAt,
  traceOf,
} from "../traces.ts";
import { isLate, type Missing, missingFor } from "../parts_read.ts";
import type { Effect } from "./rows.ts";

/** Which effect is looked at, by its position. */
export const EFFECT = wholeParameter("effect", 0);

/** What the timeline of a run shows. */
export interface TimelineData extends ShownGeneration {
  /**
   * The run as it was after `at` events; `null`: it was not replayed in time, or it is long, and its
   * replay is to be asked for.
   */
  readonly trace: TraceOfRun | null;
  /** Why it was not replayed in time; `null`: it was, or is to be asked for. */
  readonly late: Missing | null;
  /** After how many events it is shown. */
  readonly at: number;
  /** The last of them; `null`: there is none, or all events are shown. */
  readonly event: FoundEntry | null;
  /** All of the run, which the axis is made for; `null`: `trace` is all of it. */
  readonly whole: TraceOfRun | null;
  /** Events that concern all of the run. */
  readonly landmarks: readonly FoundEntry[];
  /** The effect that is looked at, with its values; `null`: none is. */
  readonly effect: Effect | null;
}

/**
 * Reads it.
 *
 * @param look The run's id, and the query with `generation`, `at` and `effect`.
 */
export async function timelineData(look: Look): Promise<TimelineData> {
  const shown = await shownGeneration(look);
  const { generation } = shown;
  const at = atOf(look, generation);
  const nothing = {
    trace: null,
    late: null,
    event: null,
    whole: null,
    landmarks: [],
    effect: null,
  };
  if (mustAsk(look, generation)) return { ...shown, ...nothing, at };
  try {
    return await tracedData(look, shown, at);
  } catch (error) {
    if (!isLate(error)) throw error;
    return { ...shown, ...nothing, at, late: missingFor(error) }; // PART-1
  }
}

async function tracedData(look: Look, shown: ShownGeneration, at: number): Promise<TimelineData> {
  const { run, generation } = shown;
  const { number, events } = generation;
  const position = look.given.one(EFFECT);
  const isPart = at < events;
  const { client, kept } = look;
  const key = ["landmarks", run.namespace, run.id, run.createdAt, number, events];
  const [all, landmarks, last] = await Promise.all([
    traceOf(look, shown),
    kept(key, () => landmarksOf(client, run.id, number)),
    isPart && at > 0
      ? searchHistory(client, run.id, { generation: number, from: at - 1, limit: 1 })
      : null,
  ]);
  if (position !== null && !all.effects.some((effect) => effect.position === position)) {
    refuse("parameter effect", position, "the position of an effect of the run");
  }
  const trace = isPart ? await traceAt(look, shown, at, all) : all;
  return {
    ...shown,
    trace,
    at,
    event: last?.entries[0] ?? null,
    whole: isPart ? all : null,
    late: null,
    landmarks,
    effect: position === null ? null : await effectAt(look, shown, { trace, at, position }),
  };
}

/** One effect with its values and its line. */
async function effectAt(
  { client, heavy }: Look,
  { run, generation }: ShownGeneration,
  { trace, at, position }: {
    readonly trace: TraceOfRun;
    readonly at: number;
    readonly position: number;
  },
): Promise<Effect | null> {
  const index = trace.effects.findIndex((effect) => effect.position === position);
  if (index < 0) return null;
  const options = { generation: generation.number, at, from: index, limit: 1 };
  const { effects } = await heavy(() => traceOfRun(client, run.id, options));
  return effects.find((effect) => effect.position === position) ?? trace.effects[index]!;
}
