/**
 * Every statement of the store may be carried out without its answer, or fail for a while:
 * whichever it is, what was under way continues by itself, and ends as it should.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import { encode } from "../../src/base/values.ts";
import { RETRY_MS } from "../../src/engine/poller.ts";
import { outcomeOf } from "../../src/store/sql/sqlstate.ts";
import { defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";
import { type Fate, Losses, PASSING_STATES } from "../support/losses.ts";
import { type AnyWorkflow, type NodeOptions, TestNode } from "../support/node.ts";
import {
  type VirtualDatabase,
  virtualPglite,
  virtualPostgres,
  type Wrap,
} from "../support/virtual_database.ts";
import { partOf } from "../support/thoroughness.ts";

const MINUTE = 60_000;
const RETRIED = { retry: { initial: MINUTE, maxAttempts: 5 } };

/** What the workload leaves behind, that no history shows. */
interface Deeds {
  readonly cleaned: Set<string>;
  readonly tried: Set<string>;
}

/** Workflows that ask for one of each. */
function workload(deeds: Deeds): { workflows: AnyWorkflow[]; options: NodeOptions } {
  let tries = 0;
  const flaky = defineActivity(
    { name: "flaky", retry: { initial: MINUTE, maxAttempts: 10 } },
    (n: number, { attempt }) => {
      if (attempt === 1) throw new Error(`Not yet: ${tries++}`);
      return n;
    },
  );
  const once = defineActivity({ name: "once", retry: { maxAttempts: 1 } }, (n: number) => n + 1);
  const child = defineWorkflow({ name: "child" }, async (ctx, n: number) => {
    await ctx.sleep(MINUTE);
    return n * 2;
  });
  const varied = defineWorkflow({ name: "varied" }, async (ctx, left: number) => {
    const seen: unknown[] = [await ctx.run("step", () => 1)];
    await ctx.transaction("noted", (transaction) => transaction.query("select 1 as one"));
    seen.push(await ctx.activity(flaky, 2));
    seen.push(await ctx.child(child, 3));
    seen.push(await ctx.waitForSignal("go", { timeout: 5 * MINUTE, otherwise: 4 }));
    if (left > 0) return ctx.continueAsNew(left - 1);
    return seen;
  });
  const queued = defineWorkflow({ name: "queued" }, async (ctx) => await ctx.activity(once, 6));
  const tidies = defineWorkflow({ name: "tidies" }, async (ctx) => {
    try {
      await ctx.run("begins", () => 0);
      await ctx.sleep(1_000 * MINUTE);
    } finally {
      await ctx.run("cleans", () => void deeds.cleaned.add(ctx.runId));
    }
  });
  const again = defineWorkflow({ name: "again" }, async (ctx) => {
    const isFirst = await ctx.run("attempt", () => !deeds.tried.has(ctx.runId));
    await ctx.run("noted", () => void deeds.tried.add(ctx.runId));
    if (isFirst) throw new Error("Not yet");
    return 2;
  });
  const stays = defineWorkflow({ name: "stays" }, (ctx) => ctx.sleep(1_000 * MINUTE));
  const leaves = defineWorkflow({ name: "leaves" }, async (ctx) => {
    await ctx.startChild(stays, undefined, { parentClose: "terminate" });
  });
  return {
    workflows: [varied, child, queued, tidies, again, leaves, stays],
    options: {
      lingerMs: 1_000,
      pinned: { "test.ts#flaky": flaky, "test.ts#once": once },
    },
  };
}

/** As callers do that get no answer: asks again. */
async function insisting<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 10 || outcomeOf(error) === "refused") throw error;
    }
  }
}

async function tell(node: TestNode, runId: string, kind: "signal" | "cancel", name: string) {
  const payload = encode(kind === "cancel" ? { reason: "enough" } : 5);
  const message = { kind, name, payload, deliveryId: "once" } as const;
  const delivery = await insisting(() => node.store.runs.deliver(runId, message));
  if (delivery.status !== "delivered" && delivery.status !== "duplicate") return;
  const { run, node: owner } = delivery;
  node.engine.receive(owner === null ? { kind: "due" } : { kind: "message", node: owner, run });
}

/** Lets the workload run to its end under a fate, and holds it to what it should come to. */
async function run(
  db: VirtualDatabase,
  nodes: readonly TestNode[],
  deeds: Deeds,
  round: string,
): Promise<void> {
  const now = () => db.clock.monotonic();
  const pass = (ms: number) => db.time.moveTo(now() + ms);
  const [first, last] = [nodes[0]!, nodes.at(-1)!];
  const id = (name: string) => `${name} ${round}`;
  await insisting(() => first.start("varied", 1, id("varied")));
  await insisting(() => last.start("varied", 0, id("second")));
  await insisting(() => first.start("tidies", undefined, id("tidies")));
  await insisting(() => last.start("queued", undefined, id("queued")));
  await insisting(() => first.start("again", undefined, id("again"), RETRIED));
  await insisting(() => last.start("leaves", undefined, id("leaves")));
  await pass(2_500);
  await tell(first, id("tidies"), "cancel", "");
  await tell(first, id("second"), "signal", "go");
  for (let rounds = 0; rounds < 60 && (await left(db)).length > 0; rounds++) await pass(MINUTE);
  assert.deepEqual(await left(db), [], "runs stand still");
  const result = async (name: string) => {
    const row = await insisting(() => first.store.runs.get(id(name)));
    return [row?.state, row?.result && decode(row.result)];
  };
  assert.deepEqual(await result("varied"), ["completed", [1, 2, 6, 4]]);
  assert.deepEqual(await result("second"), ["completed", [1, 2, 6, 5]]);
  assert.deepEqual(await result("queued"), ["completed", 7]);
  assert.deepEqual(await result("again"), ["completed", 2]);
  assert.equal((await result("tidies"))[0], "cancelled");
  assert.ok(deeds.cleaned.has(id("tidies")), "a cancelled run has cleaned up");
  const outlived = await db.query<{ state: string; late: number }>(
    `select child.state, extract(epoch from child.ended_at - parent.ended_at)::float8 * 1000 as late
     from {schema}.runs as child join {schema}.runs as parent on parent.id = child.parent
     where parent.run_id = $1`,
    [id("leaves")],
  );
  assert.equal(outlived.length, 1, "a child was started once");
  assert.equal(outlived[0]!.state, "terminated");
  assert.ok(outlived[0]!.late <= RETRY_MS, `a child was ended ${outlived[0]!.late} ms late`);
  const held = await db.query(
    `select run_id from {schema}.runs where must_notify or node is not null or wake_at is not null
     union all select run::text from {schema}.tasks`,
  );
  assert.deepEqual(held, [], "nothing is held, and nothing is due");
}

function left(db: VirtualDatabase) {
  return db.query(
    `select run_id, state, node is not null as held, waits::text, stuck_reason::text
     from {schema}.runs where ended_at is null`,
  );
}

/** Which statements a node must survive once it is open; others are for callers alone. */
function isOfNodes(name: string): boolean {
  return !name.startsWith("nodes.open") && !name.startsWith("commit of nodes.open");
}

async function walk(
  open: (wrap: Wrap) => Promise<VirtualDatabase>,
  count: number,
): Promise<void> {
  let doomed = "";
  let fate: Fate = "answered";
  let hits = 0;
  const losses = new Losses((name) => {
    if (name !== doomed || fate === "answered") return "answered";
    const now = fate;
    fate = "answered";
    hits++;
    return now;
  });
  await using db = await open((driver, schema) => losses.wrap(driver, schema));
  const deeds = { cleaned: new Set<string>(), tried: new Set<string>() };
  const { workflows, options } = workload(deeds);
  await using stack = new AsyncDisposableStack();
  const nodes: TestNode[] = [];
  for (let n = 0; n < count; n++) {
    nodes.push(stack.use(await TestNode.open(db, workflows, { ...db.node, ...options })));
  }
  stack.defer(() => losses.end());
  losses.begin();
  await run(db, nodes, deeds, "undisturbed");
  const names = [...losses.asked.keys()].filter(isOfNodes).sort();
  for (const wanted of ["runs.claim", "journal.append", "tasks.claim", "nodes.heartbeat"]) {
    assert.ok(names.includes(wanted), `${wanted} is asked for`);
  }
  const doomedNames = partOf(names);
  for (const name of doomedNames) {
    const state = PASSING_STATES[names.indexOf(name) % PASSING_STATES.length]!;
    for (const given of ["lost", { state }] as const) {
      const told = `With ${JSON.stringify(given)} for ${name}`;
      [doomed, fate] = [name, given];
      try {
        await run(db, nodes, deeds, told);
      } catch (error) {
        throw new Error(told, { cause: error });
      }
    }
  }
  const most = doomedNames.length * 2;
  assert.ok(hits > most / 2, `${hits} of ${most} statements met their fate`);
}

const DATABASES = [["one node on PGlite", virtualPglite, 1], [
  "two nodes on Postgres",
  virtualPostgres,
  2,
]] as const;

for (const [where, open, count] of DATABASES) {
  Deno.test(`whichever answer is lost, and whichever statement fails once, every run continues: ${where}`, async () => {
    await walk(open, count);
  });
}

for (const [where, open, count] of DATABASES) {
  Deno.test(`a child that ends with its parent continues only while no node can notify it: ${where}`, async () => {
    let isAway = true;
    const losses = new Losses((name) =>
      isAway && name === "lineage.stop" ? { state: "57014" } : "answered"
    );
    await using db = await open((driver, schema) => losses.wrap(driver, schema));
    const { workflows, options } = workload({ cleaned: new Set(), tried: new Set() });
    await using stack = new AsyncDisposableStack();
    const nodes: TestNode[] = [];
    for (let n = 0; n < count; n++) {
      nodes.push(stack.use(await TestNode.open(db, workflows, { ...db.node, ...options })));
    }
    losses.begin();
    await nodes[0]!.start("leaves", undefined, "leaves");
    await db.time.moveTo(db.clock.monotonic() + 5 * MINUTE);
    assert.equal((await nodes[0]!.store.runs.get("leaves"))?.state, "completed");
    assert.equal((await left(db)).length, 1, "the child continues");
    const tries = losses.asked.get("lineage.stop")!;
    assert.ok(tries >= 5 * MINUTE / RETRY_MS, `its end was tried ${tries} times`);
    isAway = false;
    await db.time.moveTo(db.clock.monotonic() + RETRY_MS);
    assert.deepEqual(await left(db), [], "the child has ended");
  });
}

Deno.test("a patch that is asked for among events whose answer was lost has one answer, and one way is taken", async () => {
  const ways: string[] = [];
  const patched = defineWorkflow({ name: "patched" }, async (ctx) => {
    await Promise.race([ctx.run("one", () => 1), ctx.run("two", () => 2)]);
    const way = ctx.patched("new way") ? "new" : "old";
    return await ctx.run(way, () => (ways.push(`${ctx.runId} ${way}`), way));
  });
  let isLost = false;
  const losses = new Losses((name) => {
    const fate = isLost && name === "journal.append" ? "lost" : "answered";
    if (fate === "lost") isLost = false;
    return fate;
  });
  await using db = await virtualPglite((driver, schema) => losses.wrap(driver, schema));
  await using node = await TestNode.open(db, [patched], db.node);
  losses.begin();
  await node.start("patched", undefined, "answered");
  await db.time.settled();
  isLost = true;
  await node.start("patched", undefined, "lost");
  await db.time.moveTo(db.clock.monotonic() + MINUTE);
  const resultOf = async (id: string) => decode((await node.store.runs.get(id))!.result!);
  assert.deepEqual([await resultOf("answered"), await resultOf("lost")], ["new", "old"]);
  assert.deepEqual(ways, ["answered new", "lost old"]);
});
