import assert from "node:assert/strict";
import fc from "fast-check";
import type { Command } from "../../src/replay/commands.ts";
import type { Drain } from "../../src/replay/drain.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import type { Execution } from "../../src/replay/machine.ts";
import { installGuard } from "../../src/replay/guard.ts";
import { awaitedChildId } from "../../src/replay/settle.ts";
import type { Outcome } from "../../src/replay/turn.ts";
import { follow, type Program, programs, STILL } from "../support/random_program.ts";
import { DRAINS, essence, executionFor, Journal } from "../support/executions.ts";

/** What was outstanding after a turn, by how long the journal was then. */
type Snapshots = Map<number, unknown[]>;

interface Live {
  readonly events: readonly HistoryEvent[];
  readonly snapshots: Snapshots;
  readonly outcome: Outcome;
}

function executionOfProgram(program: Program, drain: Drain): Execution {
  return executionFor((ctx) => follow(ctx, program, STILL), { drain });
}

/** Runs a program live: effects end in an order, and in batches, that `choose` makes up. */
async function runLive(
  program: Program,
  drain: Drain,
  choose: (below: number) => number,
): Promise<Live> {
  const execution = executionOfProgram(program, drain);
  const journal = new Journal();
  const snapshots: Snapshots = new Map();
  const waiting = new Map<number, Command>();
  let late: Command[] = [];
  let cancelled = false;
  let batch: HistoryEvent[] = [];
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
    for (const note of turn.notes) journal.append({ ...note, position: null, name: "" });
    if (turn.outcome !== null) {
      return { events: journal.events, snapshots, outcome: turn.outcome };
    }
    snapshots.set(journal.events.length, essence(execution.outstanding));
    assert.deepEqual(essence([...waiting.values()]), essence(execution.outstanding));
    assert.equal(turn.idle, false, "Neither ended nor waits");
    batch = [];
    if (!cancelled && choose(20) === 0) {
      cancelled = true;
      batch.push(journal.cancel());
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

// For good: promises that a program leaves rejected are reported after the test's last turn.
installGuard();

for (const [name, drain] of DRAINS) {
  Deno.test(`a random workflow replays alike from a cut at every event (${name})`, async () => {
    const seed = Math.floor(Math.random() * 0x7fffffff);
    await fc.assert(
      fc.asyncProperty(
        programs,
        fc.infiniteStream(fc.nat({ max: 1_000_003 })),
        async (program, choices) => {
          const choose = (below: number): number => (choices.next().value as number) % below;
          const live = await runLive(program, drain, choose);
          for (let cut = 0; cut <= live.events.length; cut++) {
            await checkCut(program, drain, live, cut);
          }
        },
      ),
      { seed, numRuns: drain.kind === "sync" ? 4_000 : 1_000 },
    );
  });
}

async function checkCut(
  program: Program,
  drain: Drain,
  live: Live,
  cut: number,
): Promise<void> {
  const execution = executionOfProgram(program, drain);
  const expected = live.snapshots.get(cut);
  const history = live.events.slice(0, cut);
  const patches = live.events.slice(cut).filter((event) => event.kind === "patched");
  // Within a batch, what was decided there is not journaled yet; it is put to the history's end.
  const mid = await execution.turn(expected === undefined ? [...history, ...patches] : history);
  assert.equal(mid.drift, null, mid.drift?.message);
  assert.deepEqual(mid.patches, []);
  if (expected !== undefined) assert.deepEqual(essence(mid.issued), expected);
  const end = mid.outcome === null ? await execution.turn(live.events.slice(cut)) : mid;
  assert.equal(end.drift, null, end.drift?.message);
  assert.deepEqual(end.outcome, live.outcome);
}
