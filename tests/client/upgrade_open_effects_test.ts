/**
 * Moving runs in which effects are open: tasks, answers that the run has not read, children, and
 * steps that have happened and are not written.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defineActivity } from "../../src/workflow/mod.ts";
import { armFailPoint } from "../../src/base/failpoint.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import type { Continuum } from "../../src/continuum.ts";
import { type DatabaseKind, forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf, takeMarks } from "../support/runs.ts";
import { hold } from "../support/store_rows.ts";
import { type Scene, scene, source } from "../support/scene.ts";

const OTHERS = {
  before: `await ctx.run("audit", () => 0); return 0;`,
  gone: `await ctx.waitForSignal("go"); return 0;`,
  none: `return 0;`,
};

/** A step that leaves its name and its key as a mark. */
const keyed = (name: string) =>
  `(attempt) => {
    ((globalThis as any).marksForTest ??= []).push("${name} " + attempt.idempotencyKey);
    return "done";
  }`;

/** The versions of `pay`, whose activity is open, and of `parent`, whose child is. */
const BODIES = {
  pay: {
    first: `return ["first", await ctx.activity("charge", 1)];`,
    same: `return ["same", await ctx.activity("charge", 1)];`,
    name: `return await ctx.activity("refund", 1);`,
    input: `return await ctx.activity("charge", 2);`,
    patched: `if (ctx.patched("audit")) await ctx.run("audit", () => 0);
      return ["patched", await ctx.activity("charge", 1)];`,
    ...OTHERS,
  },
  parent: {
    first: `return ["first", await ctx.child("echo", { wait: "go" })];`,
    same: `return ["same", await ctx.child("echo", { wait: "go" })];`,
    handle: `const child = await ctx.startChild("echo", { wait: "go" });
      return ["handle", await child.result()];`,
    name: `return await ctx.child("other", { wait: "go" });`,
    input: `return await ctx.child("echo", { wait: "stop" });`,
    ...OTHERS,
  },
  patched: {
    first: `await ctx.activity("charge", 1); await ctx.waitForSignal("go"); return "first";`,
    next: `if (ctx.patched("audit")) await ctx.run("audit", () => 0);
      await ctx.activity("charge", 1); await ctx.waitForSignal("go"); return "next";`,
  },
  keyed: {
    first: `return ["first", await ctx.run("charge", ${keyed("charge")})];`,
    next: `await ctx.run("audit", ${keyed("audit")}); return ["next", await ctx.run("charge", ${
      keyed("charge")
    })];`,
  },
} as const;

type Workflow = keyof typeof BODIES;

/** What a version is refused for: what the code asks for instead. */
const REFUSED = {
  pay: {
    name: "activity refund",
    input: "activity charge",
    patched: "step audit",
    before: "step audit",
    gone: "signal go",
    none: null,
  },
  parent: {
    name: "child other",
    input: "child echo",
    before: "step audit",
    gone: "signal go",
    none: null,
  },
} as const;

const OPEN = { pay: "activity charge", parent: "child echo" } as const;

function shown(side: { readonly kind: string; readonly name: string } | null): string | null {
  return side && `${side.kind} ${side.name}`;
}

interface Opened extends Scene {
  readonly hash: (workflow: Workflow, file: string) => Promise<string>;
  readonly activate: (workflow: Workflow, file: string) => Promise<void>;
  /** The tokens of the activity, in order. */
  readonly tokens: string[];
}

async function opened(database: DatabaseKind): Promise<Opened> {
  const tokens: string[] = [];
  const charge = defineActivity({ name: "charge" }, async (_: number, attempt) => {
    tokens.push(await attempt.token());
    return attempt.completeLater();
  });
  const files = Object.entries(BODIES).flatMap(([workflow, bodies]) =>
    Object.entries(bodies).map(([file, body]) =>
      [`${workflow}_${file}.ts`, source(body, `{ name: "${workflow}" }`)] as const
    )
  );
  const at = await scene(database, Object.fromEntries(files), { linger: 0, activities: [charge] });
  const hash = async (workflow: Workflow, file: string) => {
    const version = (await at.node.versions.list({ workflow })).versions
      .find(({ specifiers }) =>
        specifiers.some((name) => name.endsWith(`/${workflow}_${file}.ts`))
      );
    return version!.hash;
  };
  const activate = async (workflow: Workflow, file: string) => {
    await at.node.versions.activate(workflow, await hash(workflow, file));
  };
  for (const workflow of Object.keys(BODIES) as Workflow[]) await activate(workflow, "first");
  return { ...at, hash, activate, tokens };
}

/** What is open in a run, how that comes about, and how the run then gets its answer. */
interface Form {
  readonly title: string;
  readonly workflow: keyof typeof OPEN;
  readonly open: (at: Opened, run: RunHandle) => Promise<void>;
  readonly answer: (at: Opened, run: RunHandle) => Promise<void>;
}

const pay = async ({ node, tokens }: Opened) => {
  const token = await eventually(() => tokens.shift(), () => "the activity");
  await node.activities.complete(token, "done");
};

const end = async ({ node, db }: Opened, { id }: RunHandle) => {
  const child = await childOf(db, id);
  await node.run(child).signal("go", "done");
};

async function childOf(db: Opened["db"], id: string): Promise<string> {
  const [row] = await db.query<{ child: string }>(
    `select child.run_id as child from {schema}.runs as child
    join {schema}.runs as parent on parent.id = child.parent where parent.run_id = $1`,
    [id],
  );
  return row!.child;
}

/** The run is paused, so that it reads no message. */
function unread(answer: Form["answer"], kind: string): Pick<Form, "open" | "answer"> {
  return {
    open: async (at, run) => {
      await run.pause();
      await answer(at, run);
      await eventually(async () => {
        const [row] = await at.db.query<{ id: number }>(
          `select message.id from {schema}.inbox as message
          join {schema}.runs as run on run.id = message.run
          where run.run_id = $1 and message.kind = $2`,
          [run.id, kind],
        );
        return row;
      }, () => "the message");
    },
    answer: async (_, run) => void await run.resume(),
  };
}

const FORMS: readonly Form[] = [
  { title: "a task", workflow: "pay", open: async () => {}, answer: pay },
  { title: "an unread answer", workflow: "pay", ...unread(pay, "activity.completed") },
  { title: "a child", workflow: "parent", open: async () => {}, answer: end },
  { title: "the unread end of a child", workflow: "parent", ...unread(end, "child") },
];

/** What a run of either workflow returns in the end. */
const RESULT = { pay: "done", parent: [{ wait: "go" }, "done"] } as const;

async function waiting(node: Continuum, workflow: Workflow, more = {}): Promise<RunHandle> {
  const run = await node.start(workflow, null, { runId: "a", ...more });
  await reached(run, "suspended");
  return run;
}

forEachDatabase("moving a run in which effects are open", (database, test) => {
  for (const { title, workflow, open, answer } of FORMS) {
    test(`${title} is held against what the target asks for there: one run, and many`, async () => {
      await using at = await opened(database);
      const run = await waiting(at.node, workflow);
      await open(at, run);
      const { state } = await run.status();
      for (const [file, found] of Object.entries(REFUSED[workflow])) {
        const to = await at.hash(workflow, file);
        for (const dryRun of [true, false]) {
          const { upgraded, drift } = await run.upgrade({ to, dryRun });
          assert(!upgraded && drift !== null, file);
          const { seq, position, expected } = drift;
          assert.deepEqual(
            [seq, position, shown(expected), shown(drift.found)],
            [null, 0, OPEN[workflow], found],
          );
          assert.match(drift.message, new RegExp(`${OPEN[workflow].split(" ")[1]}`), file);
          const [verdict] = await Array.fromAsync(
            at.node.runs.upgrade({ to, dryRun, patience: "1m" }),
          );
          const { event, ...cause } = verdict!.cause!;
          assert.deepEqual(
            [verdict!.verdict, event, cause.position, shown(cause.expected), shown(cause.found)],
            ["drifts", null, 0, OPEN[workflow], found],
          );
          assert.equal(cause.recordedAt?.member, `./${workflow}_first.ts`);
        }
        assert.equal((await run.status()).state, state);
      }
      assert((await run.upgrade({ to: await at.hash(workflow, "same") })).upgraded);
      await answer(at, run);
      assert.deepEqual(await resultOf(run), ["same", RESULT[workflow]]);
    });

    test(`${title} moves with its run, in an upgrade of many`, async () => {
      await using at = await opened(database);
      const run = await waiting(at.node, workflow);
      await open(at, run);
      const to = await at.hash(workflow, "same");
      const [verdict] = await Array.fromAsync(at.node.runs.upgrade({ to, patience: 0 }));
      assert.equal(verdict!.verdict, "moved");
      await answer(at, run);
      assert.deepEqual(await resultOf(run), ["same", RESULT[workflow]]);
    });

    test(`${title} keeps a run that takes new versions on its version, unless the target asks for it`, async () => {
      for (const [file, ends] of [["before", "first"], ["same", "same"]] as const) {
        await using at = await opened(database);
        const run = await waiting(at.node, workflow, { versioning: "auto" });
        await open(at, run);
        await at.activate(workflow, file);
        await answer(at, run);
        assert.deepEqual(await resultOf(run), [ends, RESULT[workflow]]);
      }
    });
  }

  test("a child that is open is the same if the target takes a handle of it", async () => {
    await using at = await opened(database);
    const run = await waiting(at.node, "parent");
    assert((await run.upgrade({ to: await at.hash("parent", "handle") })).upgraded);
    await end(at, run);
    assert.deepEqual(await resultOf(run), ["handle", RESULT.parent]);
  });

  test("BULK-1: a run in which something else was opened during the check is not moved", async () => {
    await using at = await opened(database);
    const run = await waiting(at.node, "pay");
    const to = await at.hash("pay", "same");
    let proofs = 0;
    using _point = armFailPoint("bulk.proven", async () => {
      proofs++;
      await at.db.query("update {schema}.tasks set name = 'refund'");
    });
    const [verdict] = await Array.fromAsync(at.node.runs.upgrade({ to, patience: 0 }));
    assert.deepEqual([verdict!.verdict, proofs], ["drifts", 2]);
    assert.equal(shown(verdict!.cause!.expected), "activity refund");
    assert.equal((await run.status()).version.hash, await at.hash("pay", "first"));
  });

  test("OFFER-2: a version that would ask for something else first is taken once the effect is open no more", async () => {
    await using at = await opened(database);
    const run = await waiting(at.node, "patched", { versioning: "auto" });
    await at.activate("patched", "next");
    await run.signal("other", 0);
    await pay(at);
    await eventually(
      async () => (await run.status()).waits[0]?.name === "go" || undefined,
      () => "go",
    );
    assert.equal((await run.status()).version.hash, await at.hash("patched", "first"));
    await run.signal("go");
    assert.equal(await resultOf(run), "next");
  });

  test("KEY-2: a step that happened and was not written keeps its key on code that asks for others before it", async () => {
    await using at = await opened(database);
    const to = await at.hash("keyed", "next");
    takeMarks();
    let isLost = false;
    using _point = armFailPoint("effect.done", async ({ run }) => {
      if (isLost) return;
      isLost = true;
      await hold(at.db, run as string, null);
      assert((await at.node.run(run as string).upgrade({ to })).upgraded);
    });
    const run = await at.node.start("keyed", null, { runId: "a" });
    assert.deepEqual(await resultOf(run), ["next", "done"]);
    const keys = takeMarks().map((word) => word.split(" "));
    assert.deepEqual(keys.map(([name]) => name), ["charge", "audit", "charge"]);
    const [first, audit, second] = keys.map(([, key]) => key);
    assert.equal(first, second);
    assert.notEqual(first, audit);
  });
});
