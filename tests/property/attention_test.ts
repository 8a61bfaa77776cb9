/**
 * No message is lost: random loops of races see every signal once, in its order of arrival, however
 * runs are executed, and replay alike from a cut at every event.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, encode } from "../../src/base/values.ts";
import { probeDrain } from "../../src/replay/drain.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import { executionOf } from "../../src/workflow/execute.ts";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";
import { hashOf, TestNode } from "../support/node.ts";
import { TICK_MS } from "../support/random_program.ts";
import { countOf } from "../support/thoroughness.ts";
import { type VirtualDatabase, virtualPglite } from "../support/virtual_database.ts";
import { COLD, CROWDED, EXPIRED, RESIDENT } from "./execution_modes.ts";
import type { ExecutionMode } from "./runs.ts";

/** Something that a round of a loop races. */
type Racer =
  | { readonly op: "wait" | "kept" | "then" | "finally" | "timed"; readonly name: string }
  | { readonly op: "sleep"; readonly ms: number }
  | { readonly op: "run" | "now" | "zero" }
  | { readonly op: "race" | "any"; readonly racers: readonly Racer[] };

/** One round of a loop. */
interface Round {
  readonly how: "race" | "any" | "abort" | "all";
  readonly racers: readonly Racer[];
}

/** Signals that are sent at once: the node finds all of them together. */
interface Sent {
  readonly at: number;
  readonly names: readonly string[];
}

interface Loop {
  readonly rounds: readonly Round[];
  readonly sent: readonly Sent[];
}

const name = fc.constantFrom("a", "b");
const at = fc.integer({ min: 0, max: 30 }).map((n) => n * TICK_MS);

const { racer } = fc.letrec<{ racer: Racer }>((tie) => ({
  racer: fc.oneof(
    { depthSize: "small" },
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constantFrom("wait", "wait", "kept", "then", "finally", "timed"),
        name,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant("sleep"),
        ms: fc.constantFrom(1, 2, 5, 8).map((n) => n * TICK_MS),
      }),
    },
    fc.record({ op: fc.constantFrom("run", "now", "zero") }),
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constantFrom("race", "any"),
        racers: fc.array(tie("racer"), { minLength: 1, maxLength: 3 }),
      }),
    },
  ) as fc.Arbitrary<Racer>,
}));

const loops: fc.Arbitrary<Loop> = fc.record({
  rounds: fc.array(
    fc.record({
      how: fc.constantFrom("race", "race", "race", "any", "abort", "all"),
      racers: fc.array(racer, { minLength: 1, maxLength: 4 }),
    }),
    { maxLength: 12 },
  ),
  sent: fc.array(
    fc.record({ at, names: fc.array(name, { minLength: 1, maxLength: 3 }) }),
    { maxLength: 6 },
  ).map((sent) => sent.sort((a, b) => a.at - b.at)),
});

/** What a message is, where a round has seen one. */
function isMessage(value: unknown): value is { readonly message: string } {
  return typeof value === "object" && value !== null && "message" in value;
}

const looping = defineWorkflow({ name: "looping" }, async (ctx, rounds: readonly Round[]) => {
  const seen: string[] = [];
  const kept = new Map<string, Promise<unknown>>();
  for (const { how, racers } of rounds) {
    const controller = new AbortController();
    const started = racers.map((racer) =>
      start(ctx, racer, kept, how === "abort" ? controller.signal : undefined)
    );
    const never = ctx.sleep("3s"); // a round without a message ends, too
    const winner = how === "any"
      ? await Promise.any([...started, never])
      : how === "all"
      ? await Promise.all([Promise.race([...started, never]), ctx.now()]).then(([first]) => first)
      : await Promise.race([...started, never]);
    controller.abort();
    if (isMessage(winner)) note(winner);
  }
  // What is left has waited in the inbox.
  for (const name of ["a", "b"]) {
    for (;;) {
      const message = await ctx.waitForSignal<unknown>(name, { timeout: "5s", otherwise: null });
      if (!isMessage(message)) break;
      note(message);
    }
  }
  return seen;

  function note({ message }: { readonly message: string }): void {
    seen.push(message);
    for (const [name] of kept) if (message.startsWith(name)) kept.delete(name);
  }
});

function start(
  ctx: WorkflowContext,
  racer: Racer,
  kept: Map<string, Promise<unknown>>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const options = signal === undefined ? {} : { signal };
  switch (racer.op) {
    case "wait":
      return ctx.waitForSignal(racer.name, options);
    case "timed":
      return ctx.waitForSignal(racer.name, { ...options, timeout: 3 * TICK_MS, otherwise: 0 });
    case "then":
      return ctx.waitForSignal(racer.name, options).then((value) => value);
    case "finally":
      return ctx.waitForSignal(racer.name, options).catch(() => 0).finally(() => {});
    case "kept": {
      const known = kept.get(racer.name) ?? ctx.waitForSignal(racer.name);
      kept.set(racer.name, known);
      return known;
    }
    case "sleep":
      return ctx.sleep(racer.ms, options);
    case "zero":
      return ctx.sleep(0, options);
    case "run":
      return ctx.run("step", () => 1, options);
    case "now":
      return Promise.resolve(0);
    case "race":
      return Promise.race(racer.racers.map((inner) => start(ctx, inner, kept, signal)));
    case "any":
      return Promise.any(racer.racers.map((inner) => start(ctx, inner, kept, signal)));
  }
}

async function execute(
  db: VirtualDatabase,
  given: readonly Loop[],
  mode: ExecutionMode,
): Promise<void> {
  const node = await TestNode.open(db, [looping], { ...db.node, ...mode.node });
  const begin = db.clock.monotonic();
  try {
    for (const [index, { rounds }] of given.entries()) {
      await node.start("looping", rounds, `l${index}`);
    }
    const deeds = [
      ...given.flatMap(({ sent }, index) =>
        sent.map((each, n) => ({ at: each.at, act: () => send(node, `l${index}`, each.names, n) }))
      ),
      ...(mode.expiries ?? []).map((at) => ({
        at,
        act: () => node.store.nodes.expire("another node", true),
      })),
    ];
    for (const { at, act } of deeds.sort((a, b) => a.at - b.at)) {
      await db.time.moveTo(begin + at);
      await act();
    }
    for (let moves = 0; moves < 40 && (await left(db)) > 0; moves++) {
      await db.time.moveTo(db.clock.monotonic() + 5_000);
    }
    assert.equal(await left(db), 0, "all runs end");
  } finally {
    await node.engine.close(0);
  }
}

async function left(db: VirtualDatabase): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    "select count(*)::integer as n from {schema}.runs where ended_at is null",
  );
  return row!.n;
}

async function send(
  node: TestNode,
  runId: string,
  names: readonly string[],
  burst: number,
): Promise<void> {
  for (const [n, name] of names.entries()) {
    const payload = encode({ message: messageOf(name, burst, n) });
    const delivery = await node.store.runs.deliver(runId, { kind: "signal", name, payload });
    if (delivery.status !== "delivered") return;
    const { run, node: owner } = delivery;
    if (n < names.length - 1) continue;
    node.engine.receive(owner === null ? { kind: "due" } : { kind: "message", node: owner, run });
  }
}

function messageOf(name: string, burst: number, n: number): string {
  return `${name} ${burst}.${n}`;
}

/** Every message was seen once, those of a name in order; a replay from each cut comes to it, too. */
async function check(db: VirtualDatabase, given: readonly Loop[]): Promise<void> {
  const drain = await probeDrain();
  const runs = await db.query<
    { id: number; run_id: string; state: string; result: string; input: string; started: number }
  >(
    `select id, run_id, state, result::text as result, input::text as input,
      (extract(epoch from started_at) * 1000)::float8 as started from {schema}.runs`,
  );
  assert.equal(runs.length, given.length);
  for (const { id, run_id: runId, state, result, input, started } of runs) {
    const { sent, rounds } = given[Number(runId.slice(1))]!;
    const show = () => `${runId}: ${JSON.stringify({ rounds, sent })}`;
    assert.equal(state, "completed", show());
    const seen = decode(result) as string[];
    const all = sent.flatMap(({ names }, burst) =>
      names.map((name, n) => messageOf(name, burst, n))
    );
    for (const name of ["a", "b"]) {
      const ofName = (messages: readonly string[]) =>
        messages.filter((message) => message.startsWith(name));
      assert.deepEqual(ofName(seen), ofName(all), show());
    }
    const events = await db.query<HistoryEvent>(
      `select seq, kind::text as kind, position, name, digest, payload::text as payload,
        (extract(epoch from at) * 1000)::float8 as at
      from {schema}.events where run = $1 order by seq`,
      [id],
    );
    const start = {
      ...{ runId, workflow: "looping", version: hashOf("looping"), input, seed: "seed" },
      ...{ startedAt: started, origin: null },
    };
    for (let cut = 0; cut <= events.length; cut++) {
      const execution = executionOf(looping, start, { drain });
      const turn = await execution.turn(events.slice(0, cut));
      assert.equal(turn.drift, null, turn.drift?.message);
      const { outcome } = turn.outcome === null ? await execution.turn(events.slice(cut)) : turn;
      assert.deepEqual(outcome, { kind: "completed", result }, show());
    }
  }
}

for (const mode of [RESIDENT, COLD, CROWDED, EXPIRED]) {
  Deno.test(`random loops of races see every signal once, in order: ${mode.name}`, async () => {
    const seed = Math.floor(Math.random() * 0x7fffffff);
    await fc.assert(
      fc.asyncProperty(fc.array(loops, { minLength: 40, maxLength: 40 }), async (given) => {
        await using db = await virtualPglite();
        await execute(db, given, mode);
        await check(db, given);
      }),
      { seed, numRuns: countOf(4), endOnFailure: true },
    );
  });
}
