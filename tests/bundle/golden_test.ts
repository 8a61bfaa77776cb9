/**
 * Bundles that earlier releases wrote. A release opens and replays all of them, for ever: the files
 * in `tests/golden` never change.
 *
 * @module
 */

import assert from "node:assert/strict";
import { contentOf } from "../../src/bundle/bundle.ts";
import { decode } from "../../src/base/values.ts";
import type { RunHistory } from "../../src/bundle/history.ts";
import { openBundle } from "../../src/bundle/read.ts";
import { redacted } from "../../src/bundle/redact.ts";
import { replayBundle } from "../../src/client/bundle/replay.ts";
import { bundleTimeline } from "../../src/client/bundle/timeline.ts";

async function golden(name: string) {
  const file = await Deno.readFile(new URL(`../golden/${name}`, import.meta.url));
  return await openBundle(file);
}

const EFFECTS: Readonly<Record<string, readonly (readonly [kind: string, name: string])[]>> = {
  "golden-order": [
    ["step", "quote"],
    ["activity", "charge"],
    ["child", "ship"],
    ["signal", "review"],
    ["sleep", ""],
  ],
  "golden-round": [["step", "round"], ["signal", "stop"]],
  "golden-ship": [["step", "pack"]],
};

Deno.test("a bundle of format 1 opens and replays: a child, generations, an upgrade, unread messages", async () => {
  const bundle = await golden("v1.bundle");
  const shown = bundle.runs.map(({ runId, state, generations }) => [runId, state, generations]);
  assert.deepEqual(shown, [
    ["golden-order", "completed", [0]],
    ["golden-round", "suspended", [0, 1, 2]],
    ["golden-ship", "completed", [0]],
  ]);
  for (const { runId, generations } of bundle.runs) {
    for (const generation of generations) {
      await using replay = await replayBundle(bundle, { runId, generation, timeout: "10m" });
      const verdict = await replay.verdict();
      assert.equal(verdict.replays, true, `${runId} ${generation}: ${JSON.stringify(verdict)}`);
      const { effects } = await replay.trace();
      const wanted = EFFECTS[runId]!.slice(0, generation < generations.length - 1 ? 1 : undefined);
      assert.deepEqual(effects.map(({ kind, name }) => [kind, name]), wanted);
      assert(effects.every(({ site }) => site?.member?.endsWith(".ts")));
    }
  }
  const [order, round] = contentOf(bundle).runs;
  assert(order!.generations[0]!.events.some(({ kind }) => kind === "version.changed"));
  assert.deepEqual(round!.inbox.map(({ name }) => name), ["other"]);
});

Deno.test("a bundle of format 1 replays: scopes, a forced cancellation, headers, attributes that were read", async () => {
  const bundle = await golden("v1_scopes.bundle");
  await using replay = await replayBundle(bundle, { runId: "golden-scopes", timeout: "10m" });
  const verdict = await replay.verdict();
  assert.equal(verdict.replays, true, JSON.stringify(verdict));
  const { effects } = await replay.trace();
  assert.deepEqual(effects.map(({ kind, name }) => [kind, name]), [
    ["sleep", "scope"],
    ["signal", "never"],
    ["call", "attributes"],
    ["step", "undo"],
    ["step", "safe"],
    ["signal", "cancelled"],
    ["signal", "hangs"],
  ]);
  const [run] = contentOf(bundle).runs;
  const [{ headers, events, result }] = run!.generations as [RunHistory];
  assert.deepEqual(headers, { tenant: "acme" });
  assert.doesNotMatch(JSON.stringify(redacted(run!, [])), /acme|c-1/);
  assert.equal(events.filter(({ kind }) => kind === "cancel.requested").length, 2);
  const why = (reason: string) => `The run was cancelled: ${reason}`;
  assert.deepEqual(decode(result!), {
    late: "TIMEOUT",
    attributes: { customer: "c-1" },
    undone: "no stock",
    safe: 7,
    cleaned: [why("first"), why("second")],
    tenant: "acme",
  });
});

Deno.test("a bundle of format 1 replays: asks that were answered, failed, and left open or unread", async () => {
  const bundle = await golden("v1_asks.bundle");
  await using replay = await replayBundle(bundle, { runId: "golden-asks", timeout: "10m" });
  const verdict = await replay.verdict();
  assert.equal(verdict.replays, true, JSON.stringify(verdict));
  const [run] = contentOf(bundle).runs;
  assert.deepEqual(run!.inbox.map(({ kind, name }) => [kind, name]), [["ask", "unread"]]);
  const { events } = run!.generations[0]!;
  const asks = events.filter(({ kind }) => kind.startsWith("ask.") || kind === "payload.refused");
  assert.deepEqual(asks.map(({ kind, name }) => `${kind} ${name}`.trim()), [
    ...["ask.received started-with", "ask.answered started-with"],
    ...["ask.received added", "ask.answered added"],
    ...["ask.received refused", "ask.failed refused"],
    ...["ask.received later", "ask.answered later"],
    ...["ask.received large", "payload.refused", "ask.failed large"],
    ...["ask.received open", "ask.received last", "ask.answered last"],
  ]);
  const { effects, waiting } = await replay.trace();
  assert.deepEqual(
    [...effects, ...waiting].filter(({ kind }) => kind === "sleep").length > 0,
    true,
    "the open one sleeps",
  );
  assert.doesNotMatch(JSON.stringify(redacted(run!, [])), /too many/);
});

Deno.test("a bundle of format 1 replays: runs that wait for what others publish, answer and return", async () => {
  const bundle = await golden("v1_awaits.bundle");
  for (const { runId } of bundle.runs) {
    await using replay = await replayBundle(bundle, { runId, timeout: "10m" });
    const verdict = await replay.verdict();
    assert.equal(verdict.replays, true, JSON.stringify(verdict));
  }
  const eventsOf = (runId: string) => {
    const run = contentOf(bundle).runs.find((run) => run.runId === runId);
    return run!.generations[0]!.events.map(({ kind, name }) => `${kind} ${name}`.trim());
  };
  assert.deepEqual(eventsOf("golden-buyer").filter((event) => event.startsWith("call.")), [
    ...["call.completed published price", "call.completed ask buy", "call.failed ask buy"],
    ...["call.completed start shop", "call.completed signal end"],
    ...["call.completed result", "call.failed published never", "call.failed result"],
  ]);
  assert.deepEqual(
    eventsOf("golden-shop").filter((event) => event.startsWith("value.")),
    ["value.published price", "value.published price", "value.published state"],
  );
});

Deno.test("a redacted bundle of format 1 opens, and shows what its runs did", async () => {
  const bundle = await golden("v1_timeline.bundle");
  assert.equal(bundle.redacted, "timeline");
  for (const { runId } of bundle.runs) {
    const trace = bundleTimeline(bundle, { runId });
    assert.deepEqual(trace?.effects.map(({ kind, name }) => [kind, name]), EFFECTS[runId]);
  }
  assert.doesNotMatch(JSON.stringify(contentOf(bundle)), /paid 20|fine/);
});
