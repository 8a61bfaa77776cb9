/**
 * How long the machine takes to replay a history of 12,500 events: mixed effects one after the
 * other, and 100 outstanding at a time.
 *
 * @module
 */

import { decode, encode } from "../src/base/values.ts";
import { digestText } from "../src/base/digest.ts";
import { asyncDrain, type Drain, probeDrain } from "../src/replay/drain.ts";
import { installGuard } from "../src/replay/guard.ts";
import type { EventKind, HistoryEvent } from "../src/replay/history.ts";
import type { WorkflowContext, WorkflowDefinition } from "../src/workflow/context_types.ts";
import { executionOf } from "../src/workflow/execute.ts";
import { defineWorkflow } from "../src/workflow/workflow.ts";
import { median, round } from "./measure.ts";
import type { Measurement, Workload } from "./workload.ts";

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
  ["step.completed", "reserve stock", null],
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
    origin: null,
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

/** Microseconds of an event, by how tasks are drained after it. */
export const REPLAY: Workload = {
  name: "REPLAY",
  on: ["memory"],
  async measure() {
    installGuard();
    const events = history();
    const found: Measurement = { events: EVENTS };
    const drains = [["", await probeDrain()], ["_slow_drain", asyncDrain]] as const;
    for (const workflow of [sequential, wide]) {
      for (const [suffix, drain] of drains) {
        const took: number[] = [];
        for (let i = 0; i < ROUNDS; i++) took.push(await once(workflow, drain, events));
        found[`${workflow.name}_us_event${suffix}`] = round(median(took), 3);
      }
    }
    return found;
  },
};
