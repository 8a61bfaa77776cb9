import assert from "node:assert/strict";
import type { DriftReport } from "../../src/replay/turn.ts";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";
import { DRAINS, executionFor, inputDigest, Journal, recorded } from "../support/executions.ts";

type Body = (ctx: WorkflowContext) => unknown;

async function drift(
  body: Body,
  write: (journal: Journal) => void,
  trace = false,
): Promise<DriftReport> {
  const journal = new Journal();
  write(journal);
  for (const [, drain] of DRAINS) {
    const turn = await executionFor(body, { drain, trace }).turn(journal.events);
    assert.ok(turn.drift, "No drift was found");
    if (drain.kind === "async") return turn.drift;
  }
  throw new Error("Unreachable");
}

const twoSteps: Body = async (ctx) => {
  await ctx.run("first", () => {});
  await ctx.activity("second", { n: 1 });
};

Deno.test("another kind of effect at a position is drift", async () => {
  const report = await drift(
    twoSteps,
    (journal) => journal.succeed(recorded("activity", 0, "first", inputDigest(1))),
  );
  assert.deepEqual(report.expected, {
    kind: "activity.completed",
    name: "first",
    digest: inputDigest(1),
  });
  assert.deepEqual(report.found, { kind: "step", name: "first", digest: null });
});

Deno.test("another name at a position is drift", async () => {
  const report = await drift(
    twoSteps,
    (journal) => journal.succeed(recorded("step", 0, "renamed")),
  );
  assert.equal(report.expected.name, "renamed");
  assert.equal(report.found?.name, "first");
  assert.equal(report.seq, 0);
  assert.equal(report.version, "v1");
});

Deno.test("another input at a position is drift", async () => {
  const report = await drift(twoSteps, (journal) => {
    journal.succeed(recorded("step", 0, "first"));
    journal.succeed(recorded("activity", 1, "second", inputDigest({ n: 2 })));
  });
  assert.equal(report.position, 1);
  assert.equal(report.found?.digest, inputDigest({ n: 1 }));
});

Deno.test("another duration or timeout is drift", async () => {
  const slept = await drift(
    (ctx) => ctx.sleep("1h"),
    (journal) => journal.succeed(recorded("sleep", 0, "", "60000ms")),
  );
  assert.equal(slept.found?.digest, "3600000ms");
  const waited = await drift(
    (ctx) => ctx.waitForSignal("s", { timeout: "1h" }),
    (journal) => journal.succeed(recorded("signal", 0, "s", null)),
  );
  assert.equal(waited.found?.digest, "3600000ms");
});

Deno.test("an event for a position that the code has not reached is drift", async () => {
  const report = await drift(twoSteps, (journal) => journal.succeed(recorded("step", 1, "x")));
  assert.equal(report.found, null);
  assert.match(report.message, /the code has asked for 1 effects by then, and for none there/);
});

Deno.test("a second answer for one position is drift", async () => {
  const report = await drift(twoSteps, (journal) => {
    journal.succeed(recorded("step", 0, "first"));
    journal.succeed(recorded("step", 0, "first"));
  });
  assert.equal(report.seq, 1);
});

Deno.test("a failed attempt of another effect is drift", async () => {
  const report = await drift(
    twoSteps,
    (journal) => journal.add("attempt.failed", recorded("step", 0, "other")),
  );
  assert.equal(report.expected.kind, "attempt.failed");
});

Deno.test("history that is left over when the code ends is drift", async () => {
  const report = await drift((ctx) => ctx.run("first", () => {}), (journal) => {
    journal.succeed(recorded("step", 0, "first"));
    journal.succeed(recorded("step", 1, "removed"));
  });
  assert.equal(report.position, 1);
  assert.match(report.message, /the code has ended without asking for it/);
});

Deno.test("the answer of a race's loser, journaled with the winner's, is no drift", async () => {
  const journal = new Journal();
  journal.succeed(recorded("step", 0, "winner"));
  journal.succeed(recorded("step", 1, "loser"));
  const turn = await executionFor((ctx) =>
    Promise.race([ctx.run("winner", () => {}), ctx.run("loser", () => {})])
  ).turn(journal.events);
  assert.equal(turn.drift, null);
  assert.equal(turn.outcome?.kind, "completed");
});

Deno.test("after drift nothing more is delivered", async () => {
  let reached = false;
  await drift(async (ctx) => {
    await Promise.all([ctx.run("a", () => {}), ctx.run("b", () => {}).then(() => reached = true)]);
  }, (journal) => {
    journal.succeed(recorded("step", 0, "other"));
    journal.succeed(recorded("step", 1, "b"));
  });
  assert.equal(reached, false);
});

Deno.test("with tracing, drift names file and line", async () => {
  const body: Body = async (ctx) => {
    await ctx.run("here", () => {}); // The line that is named.
  };
  const report = await drift(
    body,
    (journal) => journal.succeed(recorded("step", 0, "there")),
    true,
  );
  assert.equal(report.site?.file, import.meta.url);
  const lines = (await Deno.readTextFile(new URL(import.meta.url))).split("\n");
  const line = lines[(report.site?.line ?? 0) - 1] ?? "";
  assert.ok(line.endsWith("// The line that is named."), line);
  assert.equal(report.site?.column, line.indexOf("run(") + 1);
  assert.ok(report.message.includes(`${import.meta.url}:${report.site?.line}:`));
  assert.match(report.message, /^Cannot replay run "run-1" on version v1 of workflow "tested"/);
  assert.match(report.message, /upgrade the run/);
});
