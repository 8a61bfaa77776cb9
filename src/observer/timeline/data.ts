/**
 * What the timeline of a run shows, as plain JSON.
 *
 * @module
 */

import { type FoundEntry, landmarksOf, searchHistory } from "../../operate/history.ts";
import { type TraceOfRun, traceOfRun } from "../../operate/runs.ts";
import type { Look } from "../route.ts";
import {
  mustAsk,
  type ShownGeneration,
  shownGeneration,
  traceAt,
  traceOf,
  wholeOf,
} from "../traces.ts";
import type { Effect } from "./rows.ts";

/** What the timeline of a run shows. */
export interface TimelineData extends ShownGeneration {
  /** The run as it was after `at` events; `null`: it is long, and its replay is to be asked for. */
  readonly trace: TraceOfRun | null;
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
  const { run, generation } = shown;
  const { number, events } = generation;
  const at = Math.min(wholeOf(look.query, "at", 0) ?? events, events);
  const nothing = { trace: null, event: null, whole: null, landmarks: [], effect: null };
  if (mustAsk(look, generation)) return { ...shown, ...nothing, at };
  const position = wholeOf(look.query, "effect", 0);
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
  const trace = isPart ? await traceAt(look, shown, at, all) : all;
  return {
    ...shown,
    trace,
    at,
    event: last?.entries[0] ?? null,
    whole: isPart ? all : null,
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
