/**
 * Runs of random workflows, as the database and their executions' witnesses tell of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defaultIdempotencyKey } from "../../src/task/idempotency_key.ts";
import type { RunState } from "../../src/ports/rows.ts";
import type { Command } from "../../src/replay/commands.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import type { Execution } from "../../src/replay/machine.ts";
import type { RunStart, Turn } from "../../src/replay/turn.ts";
import { essence } from "../support/executions.ts";
import type { VirtualDatabase } from "../support/virtual_database.ts";

/** A run, or one that its code started, after its end. */
export interface EndedRun {
  readonly id: number;
  readonly runId: string;
  readonly state: RunState;
  /** The `id` of the run that started it. */
  readonly parent: number | null;
  readonly parentClose: string | null;
  readonly endedAt: number | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly customStatus: string | null;
  readonly attributes: string;
  readonly stuckReason: string | null;
  /** Its generations, oldest first. */
  readonly generations: readonly Generation[];
}

/** What a run was between two `continueAsNew`. */
export interface Generation {
  /** What its executions started from. */
  readonly start: RunStart;
  /** What happened in it. */
  readonly events: readonly HistoryEvent[];
  /** How many of the events a fork took over from its original. */
  readonly taken: number;
  /** What was outstanding after turns, by how many events the code had seen then. */
  readonly outstanding: ReadonlyMap<number, string>;
}

/** The events that happened in a generation itself, and not in the original of a fork. */
export function ownEventsOf({ events, taken }: Generation): readonly HistoryEvent[] {
  return events.slice(taken);
}

/** What an effect of a generation is known by outside, where it has no key of its own. */
export function keyOf(generation: Generation, position: number): string {
  const { start } = generation;
  const effect = effectsOf(generation).get(position);
  assert(effect !== undefined, `Effect ${position} of ${start.runId} was never outstanding`);
  return defaultIdempotencyKey(start.seed, effect);
}

const effects = new WeakMap<Generation, ReadonlyMap<number, Command>>();

function effectsOf(generation: Generation): ReadonlyMap<number, Command> {
  const known = effects.get(generation);
  if (known !== undefined) return known;
  const found = new Map(
    [...generation.outstanding.values()].flatMap((text) => JSON.parse(text) as Command[])
      .map((command) => [command.position, command]),
  );
  effects.set(generation, found);
  return found;
}

/** What was outstanding after each turn of each execution; all executions have to agree. */
export class Witness {
  readonly #of = new Map<string, Map<number, string>>();

  /** What it saw of a generation. */
  of({ runId, generation = 0 }: RunStart): Map<number, string> {
    const key = `${runId}~${generation}`;
    const known = this.#of.get(key) ?? new Map<number, string>();
    this.#of.set(key, known);
    return known;
  }

  /** Watches an execution that has not taken a turn. */
  watch(start: RunStart, execution: Execution): void {
    const known = this.of(start);
    const take = execution.turn.bind(execution);
    let seen = 0;
    execution.turn = async (events, options): Promise<Turn> => {
      const turn = await take(events, options);
      seen += events.length;
      if (turn.outcome !== null || turn.drift !== null) return turn;
      const text = outstandingOf(execution);
      const decided = turn.patches.length + turn.notes.length;
      const before = known.get(seen + decided);
      if (before !== undefined) {
        assert.equal(text, before, `Two executions of ${start.runId} ask for different effects`);
      }
      known.set(seen + decided, text);
      seen += decided;
      return turn;
    };
  }
}

/** All that the journal and timers know of what an execution waits for. */
export function outstandingOf(execution: Execution): string {
  return JSON.stringify(essence(execution.outstanding));
}

interface RunRecord {
  readonly id: number;
  readonly run_id: string;
  readonly state: RunState;
  readonly parent: number | null;
  readonly parent_close: string | null;
  readonly ended_at: number | null;
  readonly started_at: number | null;
  readonly generation: number;
  readonly first_seq: number;
  readonly next_seq: number;
  readonly seed: string;
  readonly input: string;
  readonly result: string | null;
  readonly error: string | null;
  readonly custom_status: string | null;
  readonly attributes: string;
  readonly stuck_reason: string | null;
  readonly fork_of: string | null;
}

type GenerationRecord =
  & Pick<
    RunRecord,
    "generation" | "first_seq" | "next_seq" | "seed" | "input" | "started_at"
  >
  & { readonly run: number };

const MS = (column: string) => `extract(epoch from ${column})::float8 * 1000 as ${column}`;

/** Reads all runs of a database; `taken`: how many events each fork took over. */
export async function readRuns(
  db: VirtualDatabase,
  witness: Witness,
  taken: ReadonlyMap<string, number>,
): Promise<EndedRun[]> {
  const rows = await db.query<RunRecord>(
    `select id, run_id, state, parent, parent_close, ${MS("ended_at")}, ${MS("started_at")},
       generation, first_seq, next_seq, seed, input::text as input, result::text as result,
       error::text as error, custom_status::text as custom_status, attributes::text as attributes,
       stuck_reason::text as stuck_reason, fork_of::text as fork_of
     from {schema}.runs order by id`,
  );
  const earlier = await db.query<GenerationRecord>(
    `select run, generation, first_seq, next_seq, seed, input::text as input, ${MS("started_at")}
     from {schema}.generations order by run, generation`,
  );
  const events = await db.query<HistoryEvent & { run: number }>(
    `select run, seq, position, kind, name, digest, payload::text as payload, ${MS("at")}
     from {schema}.events order by run, seq`,
  );
  const eventsOf = Map.groupBy(events, ({ run }) => run);
  const generationsOf = Map.groupBy(earlier, ({ run }) => run);
  return rows.map((row) => {
    const own = (eventsOf.get(row.id) ?? []).map(({ run: _, ...event }) => event);
    const generations = [...generationsOf.get(row.id) ?? [], { ...row, run: row.id }];
    return {
      id: row.id,
      runId: row.run_id,
      state: row.state,
      parent: row.parent,
      parentClose: row.parent_close,
      endedAt: row.ended_at,
      result: row.result,
      error: row.error,
      customStatus: row.custom_status,
      attributes: row.attributes,
      stuckReason: row.stuck_reason,
      generations: generations.map((one) => {
        const start: RunStart = {
          runId: row.run_id,
          workflow: "random",
          version: "v1",
          input: one.input,
          seed: one.seed,
          startedAt: one.started_at ?? 0,
          generation: one.generation,
          origin: one.generation === 0 ? row.fork_of : null,
        };
        return {
          start,
          events: own.filter(({ seq }) => seq >= one.first_seq && seq < one.next_seq),
          taken: one.generation === 0 ? taken.get(row.run_id) ?? 0 : 0,
          outstanding: witness.of(start),
        };
      }),
    };
  });
}
