/**
 * Strict checks: whatever the code of a run does otherwise than its history says, the run is parked
 * with what was expected and found, and where; on code that fits, it continues.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOGTAPE } from "../../src/base/log.ts";
import { Replayer } from "../../src/client/run/replayer.ts";
import { upgradeRun } from "../../src/client/run/upgrade.ts";
import { decode } from "../../src/base/values.ts";
import type { Store } from "../../src/ports/store.ts";
import { probeDrain } from "../../src/replay/drain.ts";
import type { DriftReport } from "../../src/replay/turn.ts";
import { defineWorkflow, type WorkflowContext } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { hashOf, TestNode } from "../support/node.ts";

type Body = (ctx: WorkflowContext) => unknown;

interface Change {
  /** What was changed, in words. */
  readonly name: string;
  readonly before: Body;
  /** The line that is to be named ends with "// found"; none is where nothing was found. */
  readonly after: Body;
  /** Kind and name of the event. */
  readonly expected: readonly [kind: string, name: string];
  /** Kind and name of the command. */
  readonly found: readonly [kind: string, name: string] | null;
  readonly position: number | null;
}

const step = (ctx: WorkflowContext, name: string) => ctx.run(name, () => name);
const go = (ctx: WorkflowContext) => ctx.waitForSignal("go");

const CHANGES: readonly Change[] = [
  {
    name: "an activity's input",
    before: async (ctx) => [await ctx.activity("charge", { cents: 1 }), await go(ctx)],
    after: async (ctx) => {
      await ctx.activity("charge", { cents: 2 }); // found
      await go(ctx);
    },
    expected: ["activity.completed", "charge"],
    found: ["activity", "charge"],
    position: 0,
  },
  {
    name: "a sleep's duration",
    before: async (ctx) => [await ctx.sleep(1), await go(ctx)],
    after: async (ctx) => {
      await ctx.sleep("1h"); // found
      await go(ctx);
    },
    expected: ["timer.fired", ""],
    found: ["sleep", ""],
    position: 0,
  },
  {
    name: "a wait's timeout",
    before: async (ctx) => [
      await ctx.waitForSignal("soon", { timeout: 1, otherwise: "never" }),
      await go(ctx),
    ],
    after: async (ctx) => {
      await ctx.waitForSignal("soon", { timeout: 2, otherwise: "never" }); // found
      await go(ctx);
    },
    expected: ["signal.timeout", "soon"],
    found: ["signal", "soon"],
    position: 0,
  },
  {
    name: "a child's input",
    before: async (ctx) => [await ctx.child("echo", 1), await go(ctx)],
    after: async (ctx) => {
      await ctx.child("echo", 2); // found
      await go(ctx);
    },
    expected: ["child.completed", "echo"],
    found: ["child", "echo"],
    position: 0,
  },
  {
    name: "a name",
    before: async (ctx) => [await step(ctx, "old"), await go(ctx)],
    after: async (ctx) => {
      await ctx.run("new", () => 1); // found
      await go(ctx);
    },
    expected: ["step.completed", "old"],
    found: ["step", "new"],
    position: 0,
  },
  {
    name: "a kind of effect",
    before: async (ctx) => [await step(ctx, "charge"), await go(ctx)],
    after: async (ctx) => {
      await ctx.activity("charge", 1); // found
      await go(ctx);
    },
    expected: ["step.completed", "charge"],
    found: ["activity", "charge"],
    position: 0,
  },
  {
    name: "the order of two effects",
    before: async (ctx) => [await step(ctx, "one"), await step(ctx, "two"), await go(ctx)],
    after: async (ctx) => {
      await ctx.run("two", () => 1); // found
      await step(ctx, "one");
      await go(ctx);
    },
    expected: ["step.completed", "one"],
    found: ["step", "two"],
    position: 0,
  },
  {
    name: "one effect less",
    before: async (ctx) => [await step(ctx, "one"), await step(ctx, "two"), await go(ctx)],
    after: async (ctx) => {
      await step(ctx, "one");
      await ctx.waitForSignal("go"); // found
    },
    expected: ["step.completed", "two"],
    found: ["signal", "go"],
    position: 1,
  },
  {
    name: "one effect more",
    before: async (ctx) => [await step(ctx, "one"), await go(ctx)],
    after: async (ctx) => {
      await ctx.run("zero", () => 1); // found
      await step(ctx, "one");
      await go(ctx);
    },
    expected: ["step.completed", "one"],
    found: ["step", "zero"],
    position: 0,
  },
  {
    name: "an end before the history's",
    before: async (ctx) => [await step(ctx, "one"), await step(ctx, "two"), await go(ctx)],
    after: (ctx) => step(ctx, "one"),
    expected: ["step.completed", "two"],
    found: null,
    position: 1,
  },
  {
    name: "a status",
    before: async (ctx) => {
      ctx.setStatus("old");
      await go(ctx);
    },
    after: async (ctx) => {
      ctx.setStatus("new"); // found
      await go(ctx);
    },
    expected: ["status.set", ""],
    found: ["status.set", ""],
    position: null,
  },
];

const LINES = (await Deno.readTextFile(new URL(import.meta.url))).split("\n");
const drain = await probeDrain();

forEachDatabase("code that is changed under its runs", (database, test) => {
  for (const { name, before, after, expected, found, position } of CHANGES) {
    test(`a change parks the run, which continues with code that matches: ${name}`, async () => {
      await using db = await database.fresh();
      let body = before;
      const changed = defineWorkflow({ name: "changed" }, async (ctx) => {
        await body(ctx);
        return "done";
      });
      const fits = defineWorkflow({ name: "fits" }, async (ctx) => {
        await before(ctx);
        return "done";
      });
      const echo = defineWorkflow({ name: "echo" }, (_ctx, input: number) => input);
      const charge = { name: "charge", execute: () => "charged" };
      const activities = new Map([["charge", charge]]);
      await using node = await TestNode.open(db, [changed, fits, echo], { activities });
      const id = await node.start("changed");
      await waiting(node, id);

      body = after;
      await node.signal(id, "go");
      await node.left(id, "stuck");
      const row = await node.store.runs.get(id);
      assert.equal(row?.state, "stuck_nondeterminism");
      assert.equal(row.stuckReason?.code, "DRIFT");
      const drift = row.stuckReason.details as DriftReport;
      assert.deepEqual([drift.expected.kind, drift.expected.name], expected);
      assert.deepEqual(drift.found && [drift.found.kind, drift.found.name], found);
      assert.equal(drift.position, position);
      assert.match(row.stuckReason.message, /^Cannot replay run .* upgrade the run to a version/);
      if (found === null) assert.equal(drift.site, null);
      else {
        const { file, line } = drift.site!;
        assert.equal(file, import.meta.url);
        const text = LINES[line - 1] ?? "";
        assert.ok(text.endsWith("// found"), text);
        assert.ok(row.stuckReason.message.includes(`${file}:${line}:`), row.stuckReason.message);
      }

      const target = { hash: hashOf("fits"), workflow: row.workflow, specifiers: ["test:fits"] };
      const report = await upgradeRun(id, { to: target.hash }, {
        log: LOGTAPE.engine,
        runs: node.store.runs,
        store: {
          denials: node.store.denials,
          journal: node.store.journal,
          nodes: node.store.nodes,
          versions: { get: () => Promise.resolve(target) },
        } as unknown as Store,
        versions: { record: (specifier) => specifier, pinning: (pin) => pin() },
        node: node.engine,
        replayer: new Replayer({
          obtain: () => Promise.resolve({ modules: new Map(), definition: fits }),
        }, drain),
      });
      assert.equal(report.upgraded, true, report.drift?.message);
      node.engine.receive({ kind: "due" });
      const end = await node.left(id, "ended");
      assert(end.kind === "ended" && end.state === "completed");
      assert.equal(decode(end.result!), "done");
    });
  }
});

/** The run is a row that waits for its signal. */
async function waiting(node: TestNode, id: string): Promise<void> {
  while (true) {
    await node.left(id, "suspended");
    node.forget();
    const row = await node.store.runs.get(id);
    if (row?.state === "suspended" && row.waits?.some(({ name }) => name === "go")) return;
  }
}
