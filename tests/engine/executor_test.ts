/**
 * What an engine promises about one run, on every kind of database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { decode } from "../../src/base/values.ts";
import type { Exit } from "../../src/ports/exit.ts";
import { defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { HandClock } from "../support/hand_clock.ts";
import { expireNode, expireOthers, hashOf, newRun, register, TestNode } from "../support/node.ts";

function resultOf(exit: Exit): unknown {
  assert(exit.kind === "ended" && exit.result !== null, JSON.stringify(exit));
  return decode(exit.result);
}

forEachDatabase("executing a run", (database, test) => {
  test("a workflow without effects ends with what it returned", async () => {
    await using db = await database.fresh();
    const hello = defineWorkflow({ name: "hello" }, (_ctx, name: string) => `Hello, ${name}`);
    await using node = await TestNode.open(db, [hello]);
    const id = await node.start("hello", "World");
    assert.equal(resultOf(await node.left(id, "ended")), "Hello, World");
    const row = await node.store.runs.get(id);
    assert.equal(row?.state, "completed");
    assert.equal(row?.node, null);
  });

  test("steps run once each, in order, and their results are in the history", async () => {
    await using db = await database.fresh();
    const calls: string[] = [];
    const steps = defineWorkflow({ name: "steps" }, async (ctx) => {
      const a = await ctx.run("a", () => calls.push("a"));
      const b = await ctx.run("b", () => calls.push("b"));
      return [a, b];
    });
    await using node = await TestNode.open(db, [steps]);
    const id = await node.start("steps");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [1, 2]);
    assert.deepEqual(calls, ["a", "b"]);
    const events = await node.store.runs.history(id, 0, 10);
    assert.deepEqual(events.map(({ seq, kind, position, name }) => [seq, kind, position, name]), [
      [0, "step.completed", 0, "a"],
      [1, "step.completed", 1, "b"],
    ]);
  });

  test("a signal that comes early is kept until the workflow waits for it", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<void>();
    const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
      await ctx.run("gate", () => gate.promise);
      return [await ctx.waitForSignal("go"), await ctx.waitForSignal("go")];
    });
    await using node = await TestNode.open(db, [waits]);
    const id = await node.start("waits");
    await node.signal(id, "go", 1);
    await node.signal(id, "go", 2);
    gate.resolve();
    assert.deepEqual(resultOf(await node.left(id, "ended")), [1, 2]);
  });

  test("a waiting run leaves memory and lease together, and a signal wakes it", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
      const first = await ctx.run("first", () => "kept");
      return [first, await ctx.waitForSignal("go")];
    });
    await using node = await TestNode.open(db, [waits]);
    const id = await node.start("waits");
    await node.left(id, "suspended");
    const row = await node.store.runs.get(id);
    assert.equal(row?.state, "suspended");
    assert.equal(row?.node, null);
    assert.deepEqual(row?.waits, [{ kind: "signal", name: "go", position: 1, until: null }]);
    assert.equal(node.engine.resident, 0);
    await node.signal(id, "go", { approved: true });
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["kept", { approved: true }]);
  });

  test("a signal that comes while the run is being suspended is not slept over", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow(
      { name: "waits" },
      async (ctx) => [await ctx.run("step", () => 1), await ctx.waitForSignal("go")],
    );
    await using node = await TestNode.open(db, [waits]);
    let sent = false;
    using _point = armFailPoint("commit.written", async ({ run }) => {
      if (sent) return;
      sent = true; // past the engine: only the row knows
      await node.store.runs.deliver(run as string, { kind: "signal", name: "go", payload: "7" });
    });
    const id = await node.start("waits");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [1, 7]);
  });

  test("a sleep ends at its time, and its run is woken by the database's clock", async () => {
    await using db = await database.fresh();
    const sleeps = defineWorkflow({ name: "sleeps" }, async (ctx) => {
      const before = ctx.now();
      await ctx.sleep(30);
      return ctx.now().getTime() - before.getTime() >= 30;
    });
    await using node = await TestNode.open(db, [sleeps]);
    const id = await node.start("sleeps");
    assert.equal(resultOf(await node.left(id, "ended")), true);
  });

  test("a sleep of a billion milliseconds survives as a row", async () => {
    await using db = await database.fresh();
    const sleeps = defineWorkflow({ name: "sleeps" }, async (ctx) => {
      await ctx.sleep(1e12);
      return "rested";
    });
    await using node = await TestNode.open(db, [sleeps]);
    const id = await node.start("sleeps");
    await node.left(id, "suspended");
    const row = await node.store.runs.get(id);
    assert((row?.wakeAt ?? 0) > Date.now() + 9e11);
  });

  test("a wait that times out answers with `otherwise`, or throws", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
      const answer = await ctx.waitForSignal("go", { timeout: 10, otherwise: "no answer" });
      try {
        await ctx.waitForSignal("go", { timeout: 10 });
      } catch (error) {
        return [answer, (error as { code: string }).code];
      }
    });
    await using node = await TestNode.open(db, [waits]);
    const id = await node.start("waits");
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["no answer", "TIMEOUT"]);
  });

  test("an activity is tried again until it succeeds, and failed attempts are journaled", async () => {
    await using db = await database.fresh();
    const attempts: number[] = [];
    const flaky = defineActivity(
      { name: "flaky", retry: { initial: 1, jitter: 0 } },
      (input: string, { attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error(`not yet ${attempt}`);
        return input.toUpperCase();
      },
    );
    const tries = defineWorkflow({ name: "tries" }, (ctx) => ctx.activity(flaky, "done"));
    await using node = await TestNode.open(db, [tries]);
    const id = await node.start("tries");
    assert.equal(resultOf(await node.left(id, "ended")), "DONE");
    assert.deepEqual(attempts, [1, 2, 3]);
    const events = await node.store.runs.history(id, 0, 10);
    assert.deepEqual(events.map(({ kind }) => kind), [
      "attempt.failed",
      "attempt.failed",
      "activity.completed",
    ]);
  });

  test("an activity that fails permanently throws into the workflow, which may continue", async () => {
    await using db = await database.fresh();
    const broken = defineActivity({ name: "broken", retry: { maxAttempts: 1 } }, () => {
      throw new TypeError("no");
    });
    const handles = defineWorkflow({ name: "handles" }, async (ctx) => {
      try {
        await ctx.activity(broken);
      } catch (error) {
        const { code, cause } = error as Error & { code: string };
        return [code, (cause as Error).name, (cause as Error).message];
      }
    });
    await using node = await TestNode.open(db, [handles]);
    const id = await node.start("handles");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [
      "ACTIVITY_FAILED",
      "TypeError",
      "no",
    ]);
  });

  test("an attempt that takes too long is aborted and counts as failed", async () => {
    await using db = await database.fresh();
    const slow = defineActivity(
      { name: "slow", timeout: 5, retry: { maxAttempts: 1 } },
      (_input: void, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.activity(slow));
    await using node = await TestNode.open(db, [waits]);
    const id = await node.start("waits");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "failed");
    assert.match(end.error!, /took longer than 5 ms/);
  });

  test("a result that can't be written fails its run, readably, and never again", async () => {
    await using db = await database.fresh();
    const odd = defineWorkflow({ name: "odd" }, () => ({ items: [{ callback: () => 1 }] }));
    await using node = await TestNode.open(db, [odd]);
    const id = await node.start("odd");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "failed");
    assert.match(end.error!, /result\.items\[0\]\.callback/);
    assert.equal(node.exits.length, 1);
  });

  test("an effect that fails while another is unawaited ends neither run nor process", async () => {
    await using db = await database.fresh();
    const unawaited = defineWorkflow({ name: "unawaited" }, async (ctx) => {
      const failing = ctx.run("failing", () => Promise.reject(new Error("boom")), {
        retry: { maxAttempts: 1 },
      });
      await ctx.run("other", () => 1);
      await ctx.run("another", () => 2);
      return await failing.catch((error) => `caught ${error.message}`);
    });
    await using node = await TestNode.open(db, [unawaited]);
    const id = await node.start("unawaited");
    assert.equal(resultOf(await node.left(id, "ended")), "caught boom");
  });

  test("the loser of a race is left behind, and a replay agrees", async () => {
    await using db = await database.fresh();
    const race = defineWorkflow({ name: "race" }, async (ctx) => {
      const [a, b] = [ctx.run("a", () => "a"), ctx.run("b", () => "b")];
      const winner = await Promise.race([a, b]);
      await ctx.waitForSignal("go");
      return winner;
    });
    await using node = await TestNode.open(db, [race]);
    const id = await node.start("race");
    await node.left(id, "suspended");
    await node.signal(id, "go");
    assert.equal(resultOf(await node.left(id, "ended")), "a");
  });

  test("a race that ends its run leaves no drift behind", async () => {
    await using db = await database.fresh();
    const race = defineWorkflow(
      { name: "race" },
      (ctx) => Promise.race([ctx.run("a", () => "a"), ctx.run("b", () => "b")]),
    );
    await using node = await TestNode.open(db, [race]);
    const id = await node.start("race");
    assert.equal(resultOf(await node.left(id, "ended")), "a");
  });

  test("a run whose node dies between commit and the code after it continues on another node", async () => {
    await using db = await database.fresh();
    const calls: string[] = [];
    const steps = defineWorkflow({ name: "steps" }, async (ctx) => {
      await ctx.run("first", () => void calls.push("first"));
      await ctx.run("second", () => void calls.push("second"));
      return "done";
    });
    const dead = await TestNode.open(db, [steps]);
    const stopped = Promise.withResolvers<void>();
    const point = armFailPoint("commit.written", () => {
      stopped.resolve();
      return new Promise(() => {}); // this node does nothing more
    });
    const id = await dead.start("steps");
    await stopped.promise;
    point[Symbol.dispose]();
    await using alive = await TestNode.open(db, [steps]);
    await expireNode(db, dead, alive);
    assert.equal(resultOf(await alive.left(id, "ended")), "done");
    assert.deepEqual(calls, ["first", "second"]);
    await dead.engine.close(0);
  });

  test("an expired node starts nothing more and writes nothing more", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<void>();
    const calls: string[] = [];
    const steps = defineWorkflow({ name: "steps" }, async (ctx) => {
      await ctx.run("slow", () => gate.promise);
      return await ctx.run("after", () => void calls.push("after"));
    });
    const zombie = await TestNode.open(db, [steps]);
    const id = await zombie.start("steps");
    assert.equal(await expireOthers(zombie.store, "heir"), 1);
    gate.resolve();
    assert.equal((await zombie.left(id, "lost")).kind, "lost");
    assert.deepEqual(calls, []);
    await zombie.engine.close(0);
  });

  test("five claims without progress park a run as poisoned, and a retry lets it out", async () => {
    await using db = await database.fresh();
    const fine = defineWorkflow({ name: "fine" }, () => "fine");
    await using node = await TestNode.open(db, [fine]);
    const run = newRun("fine");
    await node.store.runs.insert([run]);
    await db.query(`update {schema}.runs set claims_since_progress = 5`);
    node.engine.receive({ kind: "due" });
    await node.left(run.runId, "stuck");
    const row = await node.store.runs.get(run.runId);
    assert.equal(row?.state, "stuck_poisoned");
    assert.match(row?.stuckReason?.message ?? "", /claimed 5 times/);
    assert.equal(await node.store.runs.unpark(run.runId), true);
    node.engine.receive({ kind: "due" });
    assert.equal(resultOf(await node.left(run.runId, "ended")), "fine");
  });

  test("a run whose code this node can't load is left to others", async () => {
    await using db = await database.fresh();
    const fine = defineWorkflow({ name: "fine" }, () => "fine");
    await using poor = await TestNode.open(db, []);
    await using rich = await TestNode.open(db, [fine]);
    const run = newRun("fine");
    await poor.store.runs.insert([run]);
    poor.engine.receive({ kind: "due" });
    await poor.left(run.runId, "excluded");
    rich.engine.receive({ kind: "due" });
    assert.equal(resultOf(await rich.left(run.runId, "ended")), "fine");
  });

  test("a node leaves a version alone before it gives back a run that it can't load", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, []);
    const { journal, runs } = node.store;
    const [commit, claim] = [journal.commit.bind(journal), runs.claim.bind(runs)];
    const claims: Promise<unknown[]>[] = [];
    runs.claim = (options) => {
      const claimed = claim(options);
      claims.push(claimed);
      return claimed;
    };
    journal.commit = async (entries) => {
      const written = await commit(entries);
      // The run is free, and its node has not heard so: it looks for due runs now.
      const before = claims.length;
      node.engine.receive({ kind: "due" });
      while (claims.length === before) await new Promise((resolve) => setTimeout(resolve));
      await claims.at(-1);
      return written;
    };
    await register(node.store, "strange");
    const run = newRun("strange");
    await runs.insert([run]);
    node.engine.receive({ kind: "due" });
    await node.left(run.runId, "excluded");
    const taken = await Promise.all(claims);
    assert.deepEqual(taken.map(({ length }) => length).filter((n) => n > 0), [1]);
  });

  test("a run whose code no node has is parked with the reason, and released when the code is back", async () => {
    await using db = await database.fresh();
    const fine = defineWorkflow({ name: "fine" }, () => "fine");
    await using node = await TestNode.open(db, [fine]);
    const run = newRun("fine");
    node.failures.set(run.hash, { kind: "lasting", reason: { code: "GONE", message: "404" } });
    await node.store.runs.insert([run]);
    node.engine.receive({ kind: "due" });
    await node.left(run.runId, "stuck");
    const row = await node.store.runs.get(run.runId);
    assert.equal(row?.state, "stuck_unknown_version");
    assert.deepEqual(row?.stuckReason, { code: "GONE", message: "404" });
    node.failures.clear();
    await node.store.versions.revive(run.hash);
    node.engine.receive({ kind: "due" });
    assert.equal(resultOf(await node.left(run.runId, "ended")), "fine");
  });

  test("a node looks with its first heartbeat whether the code of parked runs is back", async () => {
    await using db = await database.fresh();
    const fine = defineWorkflow({ name: "fine" }, () => "fine");
    const clock = new HandClock();
    const often = { clock, leaseMs: 3_000, probeMs: 60_000 };
    await using node = await TestNode.open(db, [fine], often);
    const run = newRun("fine");
    node.failures.set(run.hash, { kind: "lasting", reason: { code: "GONE", message: "404" } });
    await node.store.runs.insert([run]);
    node.engine.receive({ kind: "due" });
    await node.left(run.runId, "stuck");
    node.failures.clear();
    await clock.advance(1_000, () => Promise.resolve());
    assert.equal(resultOf(await node.left(run.runId, "ended")), "fine");
  });

  test("EXECUTOR-4: what one node would park and another one has revived is the other's", async () => {
    await using db = await database.fresh();
    const fine = defineWorkflow({ name: "fine" }, () => "fine");
    const clock = new HandClock();
    const often = { clock, leaseMs: 3_600_000, probeMs: 60_000 };
    await using keyed = await TestNode.open(db, [fine]);
    const reason = { code: "UNSIGNED_VERSION", message: "it is not signed" };
    const insert = async () => {
      const run = newRun("fine");
      keyed.failures.set(run.hash, { kind: "lasting", reason });
      await keyed.store.runs.insert([run]);
      keyed.engine.receive({ kind: "due" });
      return run;
    };
    {
      await using lax = await TestNode.open(db, [fine], often);
      const first = await insert();
      await keyed.left(first.runId, "stuck");
      await clock.advance(1_200_000, () => Promise.resolve()); // it probes, and revives the run
      assert.equal(resultOf(await lax.left(first.runId, "ended")), "fine");
      const second = await insert();
      await keyed.left(second.runId, "excluded");
      assert.equal((await keyed.store.runs.get(second.runId))?.stuckReason, null);
      lax.engine.receive({ kind: "due" });
      assert.equal(resultOf(await lax.left(second.runId, "ended")), "fine");
    }
    keyed.engine.receive({ kind: "available", hash: hashOf("fine") }); // it tries the version anew
    const third = await insert();
    await keyed.left(third.runId, "stuck");
    assert.deepEqual((await keyed.store.runs.get(third.runId))?.stuckReason, reason);
  });

  test("code that drifts from its history is parked with event, position, file and line", async () => {
    await using db = await database.fresh();
    let renamed = false;
    const drifts = defineWorkflow({ name: "drifts" }, async (ctx) => {
      await ctx.run(renamed ? "new name" : "old name", () => 1);
      await ctx.waitForSignal("go");
    });
    await using node = await TestNode.open(db, [drifts]);
    const id = await node.start("drifts");
    await node.left(id, "suspended");
    renamed = true;
    await node.signal(id, "go");
    await node.left(id, "stuck");
    const row = await node.store.runs.get(id);
    assert.equal(row?.state, "stuck_nondeterminism");
    assert.equal(row?.stuckReason?.code, "DRIFT");
    assert.match(row?.stuckReason?.message ?? "", /old name/);
    assert.match(row?.stuckReason?.message ?? "", /new name/);
    assert.match(JSON.stringify(row?.stuckReason?.details), /executor_test\.ts/);
  });

  test("a foreign wait parks the run, and says what to do", async () => {
    await using db = await database.fresh();
    const foreign = defineWorkflow({ name: "foreign" }, () => new Promise<never>(() => {}));
    await using node = await TestNode.open(db, [foreign]);
    const id = await node.start("foreign");
    await node.left(id, "stuck");
    const row = await node.store.runs.get(id);
    assert.equal(row?.state, "stuck_nondeterminism");
    assert.equal(row?.stuckReason?.code, "FOREIGN_WAIT");
  });

  test("a clean close gives runs back, and another node carries on at once", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go"));
    const first = await TestNode.open(db, [waits], { lingerMs: 60_000 });
    const id = await first.start("waits");
    await first.engine.close(1_000);
    const row = await first.store.runs.get(id);
    assert.equal(row?.state, "suspended");
    assert.deepEqual(await first.store.nodes.alive(), []);
    await using second = await TestNode.open(db, [waits]);
    await second.signal(id, "go", 3);
    assert.equal(resultOf(await second.left(id, "ended")), 3);
  });

  test("F26: drains and closes at the same time give one summary", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go"));
    await using node = await TestNode.open(db, [waits], { lingerMs: 60_000 });
    await node.start("waits");
    const { engine } = node;
    const ends = [engine.drain(1_000), engine.close(1_000), engine.drain(1_000)];
    const [first, ...others] = await Promise.all(ends);
    for (const other of others) assert.deepEqual(other, first);
    assert.equal(first!.released + first!.forced, 1);
  });

  test("a close lets the attempt under way finish and keeps its result", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const calls: string[] = [];
    const steps = defineWorkflow({ name: "steps" }, async (ctx) => {
      const value = await ctx.run("slow", () => {
        begun.resolve();
        return gate.promise;
      });
      return await ctx.run("next", () => calls.push(value));
    });
    const first = await TestNode.open(db, [steps]);
    const id = await first.start("steps");
    await begun.promise;
    const closing = first.engine.close(10_000);
    gate.resolve("slow result");
    assert.deepEqual(await closing, { released: 1, forced: 0 });
    assert.deepEqual(calls, []);
    await using second = await TestNode.open(db, [steps]);
    assert.equal(resultOf(await second.left(id, "ended")), 1);
    assert.deepEqual(calls, ["slow result"]);
  });

  test("a close stops runs at once, also while the node still waits for a claim", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const calls: string[] = [];
    const steps = defineWorkflow({ name: "steps" }, async (ctx) => {
      await ctx.run("slow", () => {
        begun.resolve();
        return gate.promise;
      });
      await ctx.run("next", () => void calls.push("next"));
    });
    const node = await TestNode.open(db, [steps]);
    const id = await node.start("steps");
    await begun.promise;
    const asked = Promise.withResolvers<void>();
    const claim = Promise.withResolvers<void>();
    using _point = armFailPoint("claim.claimed", () => {
      asked.resolve();
      return claim.promise;
    });
    node.engine.receive({ kind: "due" });
    await asked.promise;
    const closing = node.engine.close(10_000);
    gate.resolve();
    const exit = await Promise.race([node.left(id, "released"), node.left(id, "ended")]);
    claim.resolve();
    assert.equal(exit.kind, "released");
    assert.deepEqual(await closing, { released: 1, forced: 0 });
    assert.deepEqual(calls, []);
  });
});
