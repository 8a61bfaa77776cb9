/**
 * Runs random workflows live on the machine, with a journal in memory.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Command } from "../../src/replay/commands.ts";
import type { Drain } from "../../src/replay/drain.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import type { Execution } from "../../src/replay/machine.ts";
import { awaitedChildId } from "../../src/replay/settle.ts";
import type { Outcome } from "../../src/replay/turn.ts";
import { essence, executionFor, Journal } from "./executions.ts";
import { follow, type Program, STILL } from "./random_program.ts";

/** What was outstanding after a turn, by how long the journal was then. */
export type Snapshots = Map<number, unknown[]>;

/** A run that has ended. */
export interface Live {
  readonly events: readonly HistoryEvent[];
  readonly snapshots: Snapshots;
  readonly outcome: Outcome;
}

/** An execution of a random workflow, which has not taken a turn. */
export function executionOfProgram(program: Program, drain: Drain): Execution {
  return executionFor((ctx) => follow(ctx, program, STILL), { drain });
}

/**
 * Runs a program live: effects end in an order, and in batches, that `choose` makes up.
 *
 * @param program The program.
 * @param drain How the execution drains its microtasks.
 * @param choose Chooses a number that is less than its argument.
 * @param mayCancel Whether the run may be cancelled.
 */
export async function runLive(
  program: Program,
  drain: Drain,
  choose: (below: number) => number,
  mayCancel = true,
): Promise<Live> {
  return await continueLive(executionOfProgram(program, drain), [], choose, mayCancel);
}

/** As {@linkcode runLive}, for an execution whose history has begun. */
export async function continueLive(
  execution: Execution,
  begun: readonly HistoryEvent[],
  choose: (below: number) => number,
  mayCancel = true,
): Promise<Live> {
  const journal = new Journal();
  journal.events.push(...begun);
  const snapshots: Snapshots = new Map();
  const waiting = new Map<number, Command>();
  let late: Command[] = [];
  let cancelled = begun.some(({ kind }) => kind === "cancel.requested");
  let batch: HistoryEvent[] = [...begun];
  for (let turns = 0; turns < 500; turns++) {
    const turn = await execution.turn(batch);
    assert.equal(turn.drift, null, turn.drift?.message);
    assert.equal(turn.refused, null, turn.refused?.message);
    for (const command of turn.issued) waiting.set(command.position, command);
    for (const position of turn.withdrawn) {
      const command = waiting.get(position);
      if (command === undefined) continue; // It had ended in the same batch.
      waiting.delete(position);
      // It ends although the code no longer waits for it.
      if (choose(2) === 0) late.push(command);
    }
    for (const name of turn.patches) journal.patch(name);
    for (const note of turn.notes) journal.append({ ...note, position: null });
    if (turn.outcome !== null) {
      return { events: journal.events, snapshots, outcome: turn.outcome };
    }
    snapshots.set(journal.events.length, essence(execution.outstanding));
    assert.deepEqual(essence([...waiting.values()]), essence(execution.outstanding));
    assert.equal(turn.idle, false, "Neither ended nor waits");
    batch = [];
    if (mayCancel && choose(20) === 0) {
      batch.push(journal.cancel(cancelled ? { force: true } : {}));
      cancelled = true;
    }
    for (let size = 1 + choose(3); size > 0 && waiting.size + late.length > 0; size--) {
      const commands = [...waiting.values(), ...late];
      const command = commands[choose(commands.length)] as Command;
      batch.push(...finish(journal, command, choose));
      const isTold = (other: Command) =>
        other === command || awaitedChildId(other) === (command.options.child?.id ?? null); // REPLAY-7
      for (const other of commands.filter(isTold)) waiting.delete(other.position);
      late = late.filter((other) => !isTold(other));
    }
    batch = journal.commit(batch);
  }
  throw new Error("The program does not end");
}

function finish(
  journal: Journal,
  command: Command,
  choose: (below: number) => number,
): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  const attempts = !["sleep", "signal"].includes(command.kind);
  if (attempts && choose(4) === 0) events.push(journal.add("attempt.failed", command));
  const fails = attempts ? choose(4) === 0 : command.deadline !== null && choose(2) === 0;
  events.push(
    fails && command.kind !== "sleep"
      ? journal.fail(command)
      : journal.succeed(command, { at: journal.events.length }),
  );
  return events;
}
