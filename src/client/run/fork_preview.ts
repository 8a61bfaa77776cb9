/**
 * What happens once more if a run is forked, and which signals came too late for the fork.
 *
 * @module
 */

import { authoredFacts } from "../../base/authored.ts";
import type { RunRow } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import { ANSWERS } from "../../replay/settle.ts";
import type { TracedCommand } from "../../replay/traced_execution.ts";
import type { CallSite, RunStart } from "../../replay/turn.ts";
import { defaultIdempotencyKey, type KeyedEffect } from "../../task/idempotency_key.ts";
import type { ForkedChild } from "./fork_children.ts";
import type { Prefix } from "./fork_point.ts";
import { asClaimed, type Replayer } from "./replayer.ts";

/**
 * An effect of the original that its fork executes once more.
 *
 * @category Runs
 */
export interface ForkedEffect {
  /** The kind of effect. */
  readonly kind: "step" | "activity" | "transaction" | "child" | "call";
  /** Its name. */
  readonly name: string;
  /** Its place in program order, from 0. */
  readonly position: number;
  /** When the original received its answer; `null`: it has none. */
  readonly answeredAt: Date | null;
  /** The idempotency key of the original's attempts; `null`: the kind has none. */
  readonly key: string | null;
  /** That of the fork's attempts; equal to `key` if the code gives the key. */
  readonly newKey: string | null;
  /** Where the fork's code requests it; `null`: unknown. */
  readonly site: CallSite | null;
}

/**
 * Signals of one name that the original received after the point of a fork, or has not consumed.
 *
 * @category Runs
 */
export interface LaterSignal {
  /** The name. */
  readonly name: string;
  /** How many there are. */
  readonly count: number;
}

/** What a fork takes over, and from what. */
interface Forking {
  readonly row: RunRow;
  readonly start: RunStart;
  readonly history: readonly HistoryEvent[];
  readonly prefix: Prefix;
}

/** The most effects that are shown: reading a place in the code takes 0.2 ms. */
const MOST_SHOWN = 1_000;

const REPEATED: ReadonlySet<string> = new Set([
  "step",
  "activity",
  "transaction",
  "child",
  "call",
]);
const KEYED: ReadonlySet<string> = new Set(["step", "activity", "transaction"]);

/**
 * Lists the effects that happen once more. The history knows those that have an answer; the whole
 * history, replayed on the fork's code as far as that goes, adds the others, and the places.
 *
 * @param forking What is forked.
 * @param children What becomes of the children: the fork does not start those that it adopts.
 * @param replayer Replays the history.
 */
export async function effectsAgain(
  { row, start, history, prefix }: Forking,
  children: readonly ForkedChild[],
  { replayer }: { readonly replayer: Pick<Replayer, "trace"> },
): Promise<ForkedEffect[]> {
  const original = { ...asClaimed(row), version: start.version, input: start.input };
  const { execution } = await replayer.trace(original, history);
  const adopted = new Set(children.filter(({ action }) => action === "adopt").map(({ id }) => id));
  const requested = new Map(
    execution.requested.filter(({ child }) => child === null || !adopted.has(child))
      .map((command) => [command.position, command]),
  );
  const adoptedAt = new Set(
    execution.requested.filter(({ child }) => child !== null && adopted.has(child))
      .map(({ position }) => position),
  );
  const before = new Set<number | null>(
    history.slice(0, prefix.events).filter(({ kind }) => ANSWERS[kind] !== null)
      .map(({ position }) => position),
  );
  const effects = new Map<number, Omit<ForkedEffect, "key" | "newKey" | "site">>();
  for (const { kind, name, position, at } of history.slice(prefix.events)) {
    const answers = ANSWERS[kind];
    if (answers === null || position === null || adoptedAt.has(position)) continue;
    if (!REPEATED.has(answers)) continue;
    const answered = answers as ForkedEffect["kind"];
    effects.set(position, { kind: answered, name, position, answeredAt: new Date(at) });
  }
  for (const { kind, name, position, input } of requested.values()) {
    const awaits = kind === "child" && input === null; // by a handle: it starts nothing
    if (!REPEATED.has(kind) || awaits || before.has(position) || effects.has(position)) continue;
    effects.set(position, {
      kind: kind as ForkedEffect["kind"],
      name,
      position,
      answeredAt: null,
    });
  }
  const keyed = keyedEffects(history, requested);
  return [...effects.values()].sort((a, b) => a.position - b.position).slice(0, MOST_SHOWN)
    .map((effect) => {
      const { kind, position } = effect;
      const command = requested.get(position);
      const isKnown = command?.kind === kind && command.name === effect.name;
      const given = isKnown ? command.key : undefined;
      const key = (seed: string) =>
        !KEYED.has(kind)
          ? null
          : given === undefined
          ? defaultIdempotencyKey(seed, keyed.get(position)!)
          : given;
      return {
        ...effect,
        key: key(row.seed),
        newKey: key(start.seed),
        site: isKnown ? authoredFacts(command.stack.site, { ...row, hash: start.version }) : null,
      };
    });
}

/** What tells effects from each other, by their positions (KEY-1). */
function keyedEffects(
  history: readonly HistoryEvent[],
  requested: ReadonlyMap<number, TracedCommand>,
): ReadonlyMap<number, KeyedEffect> {
  const known = new Map<number, Omit<KeyedEffect, "nth">>();
  for (const { kind, name, digest, position } of history) {
    const answers = ANSWERS[kind];
    if (answers !== null && position !== null) known.set(position, { kind: answers, name, digest });
  }
  for (const [position, { kind, name, digest }] of requested) {
    known.set(position, { kind, name, digest });
  }
  const counts = new Map<string, number>();
  return new Map(
    [...known].sort(([one], [other]) => one - other).map(([position, effect]) => {
      const what = JSON.stringify([effect.kind, effect.name, effect.digest]);
      const nth = counts.get(what) ?? 0;
      counts.set(what, nth + 1);
      return [position, { ...effect, nth }];
    }),
  );
}

/**
 * Counts the signals that the original received after the point or has not consumed.
 *
 * @param row The original.
 * @param history Its events.
 * @param prefix What the fork takes over.
 * @param store Reads the inbox.
 */
export async function laterSignals(
  row: RunRow,
  history: readonly HistoryEvent[],
  { events }: Prefix,
  store: Pick<Store, "runs">,
): Promise<LaterSignal[]> {
  const counts = new Map<string, number>();
  const add = (name: string, count: number) => counts.set(name, (counts.get(name) ?? 0) + count);
  for (const { kind, name } of history.slice(events)) {
    if (kind === "signal.received") add(name, 1);
  }
  for (const [name, count] of await store.runs.untaken(row.id, ["signal"])) add(name, count);
  return [...counts].map(([name, count]) => ({ name, count }));
}
