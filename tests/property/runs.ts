/**
 * Executes random workflows on nodes in virtual time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { encode } from "../../src/base/values.ts";
import { encodeError } from "../../src/base/values_failure.ts";
import { RETRY_MS } from "../../src/engine/poller.ts";
import { PAUSE_MS } from "../../src/engine/database_retry.ts";
import type { AskRow } from "../../src/ports/answers.ts";
import type { Message } from "../../src/ports/store.ts";
import { askText } from "../../src/replay/asks.ts";
import { outcomeOf } from "../../src/store/sql/sqlstate.ts";
import type { Decide, Losses } from "../support/losses.ts";
import type { NodeOptions } from "../support/node.ts";
import { TestNode } from "../support/node.ts";
import { REFUSED, TICK_MS } from "../support/random_program.ts";
import type { VirtualDatabase } from "../support/virtual_database.ts";
import { type EndedRun, readRuns, Witness } from "./ended_runs.ts";
import { forkRuns, type Taken } from "./forks.ts";
import { reopenRuns } from "./reopened.ts";
import { type Deed, runIdOf, type Scenario } from "./scenarios.ts";
import { type MadeAttempt, RandomWorld } from "./world.ts";

/** However often the database has failed, nodes ask it again within so many milliseconds. */
const RETRIED_MS = Math.max(PAUSE_MS.most, RETRY_MS);

/** How scenarios are executed. */
export interface ExecutionMode {
  /** In words. */
  readonly name: string;
  /** How long runs linger, and how many may be resident. */
  readonly node: NodeOptions;
  /** How many nodes there are; 1 when omitted. */
  readonly nodes?: number;
  /** When all nodes expire, in milliseconds after the beginning. */
  readonly expiries?: readonly number[];
  /** When all live runs are paused, and resumed, in milliseconds after the beginning. */
  readonly pauses?: readonly { readonly from: number; readonly to: number }[];
  /** Whether runs that failed by their code are reopened on mended code. */
  readonly reopens?: boolean;
  /** When runs are forked for the first time, in milliseconds after the beginning. */
  readonly forksAt?: number;
  /** Makes what decides the fates of statements. */
  readonly fates?: () => Decide;
}

/** The results of scenarios. */
export interface Results {
  /** All runs, children too. */
  readonly runs: readonly EndedRun[];
  /** All attempts. */
  readonly made: readonly MadeAttempt[];
  /** All asks that runs have received. */
  readonly asks: readonly (SentAsk & { readonly row: AskRow | null })[];
  /** What transactions wrote. */
  readonly ledger: readonly { readonly run: string; readonly key: string }[];
  /** The world, to replay in. */
  readonly world: RandomWorld;
}

/** An ask that was sent to a run. */
interface SentAsk {
  readonly runId: string;
  /** Its id. */
  readonly ask: string;
  /** What was asked with. */
  readonly payload: string;
}

/** Executes scenarios to their end. */
export async function execute(
  db: VirtualDatabase,
  scenarios: readonly Scenario[],
  mode: ExecutionMode,
  losses: Losses,
): Promise<Results> {
  const witness = new Witness();
  const taken: Taken = new Map();
  const ledger = `"${db.schema}".ledger`;
  const world = new RandomWorld(db.clock, ledger);
  const sent: SentAsk[] = [];
  let asks: Results["asks"] = [];
  const nodes = await Promise.all(
    Array.from({ length: mode.nodes ?? 1 }, () =>
      TestNode.open(db, [world.workflow], {
        ...db.node,
        activities: world.named,
        pinned: world.pinned,
        onExecution: (start, execution) => witness.watch(start, execution),
        ...mode.node,
      })),
  );
  try {
    await db.query(`create table ${ledger} (run text, key text)`);
    losses.begin();
    await live(db, nodes, scenarios, mode, sent, {
      fork: () => forkRuns(db, nodes[0]!, world, taken),
      reopen: () => reopenRuns(db, nodes[0]!, world),
    });
    losses.end();
    asks = await Promise.all(sent.map(async (one) => {
      return { ...one, row: await nodes[0]!.store.runs.answer(one.runId, one.ask) };
    }));
    if (mode.fates !== undefined) await db.time.moveTo(db.clock.monotonic() + RETRIED_MS);
  } finally {
    losses.end();
    for (const node of nodes) await node.engine.close(0); // time does not pass by itself
  }
  const runs = await readRuns(db, witness, taken);
  const written = await db.query<{ run: string; key: string }>(`select * from ${ledger}`);
  return { runs, made: world.made, asks, ledger: written, world };
}

async function live(
  db: VirtualDatabase,
  nodes: readonly TestNode[],
  scenarios: readonly Scenario[],
  { expiries = [], pauses = [], forksAt, reopens = false }: ExecutionMode,
  asks: SentAsk[],
  { fork, reopen }: { readonly fork: () => Promise<void>; readonly reopen: () => Promise<void> },
): Promise<void> {
  const begin = db.clock.monotonic();
  for (const [index, { generations, ...scenario }] of scenarios.entries()) {
    const start = () => nodeOf(nodes, index).start("random", { generations }, runIdOf(scenario));
    await insisting(start);
  }
  const deeds = scenarios.flatMap((scenario, index) =>
    scenario.deeds.map((deed) => ({
      at: deed.at,
      act: () => act(nodeOf(nodes, index), runIdOf(scenario), deed, asks),
    }))
  );
  const deaths = expiries.map((at) => ({
    at,
    act: () => insisting(() => nodeOf(nodes, 0).store.nodes.expire("another node", true)),
  }));
  const forks = forksAt === undefined ? [] : [{ at: forksAt, act: fork }];
  const switches = pauses.flatMap(({ from, to }) => [
    { at: from, act: () => switchAll(db, nodeOf(nodes, 0), "pause") },
    { at: to, act: () => switchAll(db, nodeOf(nodes, 0), "resume") },
  ]);
  for (
    const { at, act } of [...deeds, ...deaths, ...forks, ...switches].sort((a, b) => a.at - b.at)
  ) {
    await db.time.moveTo(begin + at);
    await act();
  }
  await helpToEnd(db, nodeOf(nodes, 0), asks);
  if (reopens) {
    await reopen();
    await helpToEnd(db, nodeOf(nodes, 0), asks);
  }
  if (forksAt === undefined) return;
  await fork();
  await helpToEnd(db, nodeOf(nodes, 0), asks);
}

function nodeOf(nodes: readonly TestNode[], index: number): TestNode {
  return nodes[index % nodes.length] as TestNode;
}

/** As callers do that get no answer: asks again. */
async function insisting<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 20 || outcomeOf(error) === "refused") throw error;
    }
  }
}

async function act(
  node: TestNode,
  runId: string,
  { kind, name }: Pick<Deed, "kind" | "name">,
  asks: SentAsk[],
): Promise<void> {
  if (kind === "terminate") {
    const error = encodeError(new Error("Terminated"));
    await insisting(() => node.store.runs.end(runId, "terminated", error, { onlyStuck: false }));
    return await insisting(() => node.engine.catchUp());
  }
  const payload = encode(kind === "cancel" ? { reason: "at random" } : `${name} from outside`);
  const message = kind === "ask" ? askOf(runId, name, asks) : { kind, name, payload };
  const delivery = await insisting(() => node.store.runs.deliver(runId, message));
  if (delivery.status !== "delivered") return;
  const { run, node: owner } = delivery;
  node.engine.receive(owner === null ? { kind: "due" } : { kind: "message", node: owner, run });
}

/** Pauses or resumes all runs that live. */
async function switchAll(
  db: VirtualDatabase,
  node: TestNode,
  deed: "pause" | "resume",
): Promise<void> {
  const left = await db.query<{ id: number }>(
    "select id::integer as id from {schema}.runs where ended_at is null order by id",
  );
  for (const { id } of left) {
    const { runs } = node.store;
    const switched = await insisting(() =>
      deed === "pause" ? runs.pause(id, encode({ reason: null })) : runs.resume(id)
    );
    if (switched === null) continue;
    const { node: owner } = switched;
    node.engine.receive(
      owner === null ? { kind: "due" } : { kind: "message", node: owner, run: id },
    );
  }
}

/** An ask of its own id; each third is refused by its handler. */
function askOf(runId: string, name: string, asks: SentAsk[]): Message {
  const ask = `ask ${asks.length}`;
  const payload = encode(asks.length % 3 === 2 ? REFUSED : `${name} from outside`);
  asks.push({ runId, ask, payload });
  return { kind: "ask", name, payload: askText(ask, name, payload), deliveryId: ask };
}

/** Sends every signal to every run, again and again, until all have ended or some are stuck. */
async function helpToEnd(db: VirtualDatabase, node: TestNode, asks: SentAsk[]): Promise<void> {
  for (let rounds = 0; rounds < 200; rounds++) {
    await db.time.moveTo(db.clock.monotonic() + 50.5 * TICK_MS);
    const left = await db.query<{ run_id: string; state: string }>(
      `select run_id, state from {schema}.runs where ended_at is null`,
    );
    if (left.length === 0 || left.some(({ state }) => state.startsWith("stuck_"))) return;
    for (const { run_id } of left) {
      for (const name of ["a", "b", "c"]) {
        await act(node, run_id, { kind: rounds % 3 === 1 ? "ask" : "signal", name }, asks);
      }
    }
  }
  const left = await db.query(
    `select run_id, state, node, waits::text, wake_at from {schema}.runs where ended_at is null`,
  );
  assert.fail(`Runs do not end: ${JSON.stringify(left)}`);
}
