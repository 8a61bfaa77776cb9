/**
 * How long the machine takes to replay a history of 12,500 events: mixed effects one after the
 * other, and 100 outstanding at a time. Prints one JSON line for each case, then a table.
 *
 * @module
 */

import { decode, encode } from "../src/base/values.ts";
import { digestText } from "../src/base/digest.ts";
import { asyncDrain, type Drain, probeDrain } from "../src/replay/drain.ts";
import { installGuard } from "../src/replay/guard.ts";
import type { EventKind, HistoryEvent } from "../src/replay/history.ts";
import type { WorkflowContext } from "../src/workflow/context_types.ts";
import { executionOf } from "../src/workflow/execute.ts";
import { defineWorkflow, type WorkflowDefinition } from "../src/workflow/workflow.ts";

const EVENTS = 12_500;
const ROUNDS = 15;
const AT = 1_769_817_600_000;

type Ask = (ctx: WorkflowContext, i: number) => Promise<unknown>;

const ASKS: readonly Ask[] = [
  (ctx, i) => ctx.run("reserve stock", () => i),
  (ctx, i) => ctx.activity("charge", { id: `order-${i}`, amount: 12.5, lines: [1, 2, 3] }),
  (ctx) => ctx.sleep("30s"),
  (ctx) => ctx.waitForSignal("review", { timeout: "24h", otherwise: "approved" }),
];

const sequential = defineWorkflow({ name: "sequential" }, async (ctx) => {
  for (let i = 0; i < EVENTS; i++) await (ASKS[i % 4] as Ask)(ctx, i);
  return "done";
});

const wide = defineWorkflow({ name: "wide" }, async (ctx) => {
  for (let i = 0; i < EVENTS; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, k) => (ASKS[k % 4] as Ask)(ctx, i + k)));
  }
  return "done";
});

const KINDS: readonly (readonly [EventKind, string, string | null])[] = [
  ["run.completed", "reserve stock", null],
  ["activity.completed", "charge", null],
  ["timer.fired", "", "30000ms"],
  ["signal.received", "review", "86400000ms"],
];

function history(): HistoryEvent[] {
  return Array.from({ length: EVENTS }, (_, i) => {
    const [kind, name, digest] = KINDS[i % 4] as (typeof KINDS)[number];
    const input = encode({ id: `order-${i}`, amount: 12.5, lines: [1, 2, 3] });
    return {
      seq: i,
      kind,
      position: i,
      name,
      digest: kind === "activity.completed" ? digestText(input) : digest,
      payload: kind === "timer.fired" ? null : encode({ ok: true, receipt: `r-${i}` }),
      at: AT + i,
    };
  });
}

async function once(
  workflow: WorkflowDefinition<void, string>,
  drain: Drain,
  events: readonly HistoryEvent[],
): Promise<number> {
  const start = {
    runId: "run-1",
    workflow: workflow.name,
    version: "v1",
    input: encode(undefined),
    seed: "seed",
    startedAt: AT,
  };
  const execution = executionOf(workflow, start, { drain });
  const begun = performance.now();
  const turn = await execution.turn(events);
  const took = performance.now() - begun;
  if (turn.outcome?.kind !== "completed" || decode(turn.outcome.result) !== "done") {
    throw new Error(turn.drift?.message ?? "The replay did not end");
  }
  return took * 1_000 / events.length;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] as number;
}

installGuard();
const events = history();
const drains: readonly (readonly [string, Drain])[] = [
  ["runMicrotasks", await probeDrain()],
  ["setImmediate", asyncDrain],
];
const rows: { case: string; drain: string; events: number; "us/event": number; best: number }[] =
  [];
for (const workflow of [sequential, wide]) {
  for (const [name, drain] of drains) {
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) took.push(await once(workflow, drain, events));
    const row = {
      case: `replay ${workflow.name}`,
      drain: name,
      events: EVENTS,
      "us/event": Number(median(took).toFixed(3)),
      best: Number(Math.min(...took).toFixed(3)),
    };
    rows.push(row);
    // deno-lint-ignore no-console -- what a benchmark is for
    console.log(JSON.stringify(row));
  }
}
// deno-lint-ignore no-console -- what a benchmark is for
console.table(rows);
