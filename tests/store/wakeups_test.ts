/**
 * Wake-ups: to this process first, and to others only where that is needed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOGTAPE } from "../../src/base/log.ts";
import type { LocalNotice, Notice } from "../../src/ports/store.ts";
import { type WakeupNode, Wakeups } from "../../src/store/wakeups.ts";

/** Wake-ups, what the node of this process received, and what was published in one call each. */
function world(options: { readonly takesAnyRun: boolean }): {
  readonly wakeups: Wakeups;
  readonly received: LocalNotice[];
  readonly published: (readonly Notice[])[];
} {
  const received: LocalNotice[] = [];
  const published: (readonly Notice[])[] = [];
  const wakeups = new Wakeups({
    publish: (notices) => Promise.resolve(void published.push(notices)),
    subscribe: () => Promise.reject(new Error("not used")),
  }, LOGTAPE.engine);
  const node: WakeupNode = {
    node: "here",
    takesAnyRun: options.takesAnyRun,
    receive: (notice) => void received.push(notice),
    catchUp: () => {},
  };
  wakeups.attach(node);
  return { wakeups, received, published };
}

Deno.test("WAKEUP-2: a run that the node of this process certainly takes costs no notification", () => {
  const { wakeups, received, published } = world({ takesAnyRun: true });
  wakeups.due();
  wakeups.due(1_000);
  wakeups.wakeRun(7, null);
  wakeups.wakeRun(8, "here");
  wakeups.ended("a", false);
  assert.deepEqual(published, []);
  assert.deepEqual(received, [
    { kind: "due" },
    { kind: "due", at: 1_000 },
    { kind: "due" },
    { kind: "message", node: "here", run: 8 },
    { kind: "ended", runId: "a" },
  ]);
});

Deno.test("a run that the node of this process may not take is announced to other nodes, too", () => {
  const { wakeups, received, published } = world({ takesAnyRun: false });
  wakeups.due(1_000);
  assert.deepEqual(received, [{ kind: "due", at: 1_000 }]);
  assert.deepEqual(published, [[{ kind: "due", at: 1_000 }]]);
});

Deno.test("runs that are woken together are announced to other nodes together", () => {
  const { wakeups, received, published } = world({ takesAnyRun: false });
  wakeups.wakeRuns([
    { id: 1, node: "there" },
    { id: 2, node: "here" },
    { id: 3, node: null },
    { id: 4, node: "elsewhere" },
    { id: 5, node: null },
  ]);
  assert.deepEqual(received, [{ kind: "message", node: "here", run: 2 }, { kind: "due" }]);
  assert.deepEqual(published, [
    [
      { kind: "message", node: "there", run: 1 },
      { kind: "message", node: "elsewhere", run: 4 },
    ],
    [{ kind: "due" }],
  ]);
});

Deno.test("WAKEUP-1: a notification that cannot be sent fails no caller", async () => {
  const wakeups = new Wakeups({
    publish: () => Promise.reject(new Error("no connection")),
    subscribe: () => Promise.reject(new Error("not used")),
  }, LOGTAPE.engine);
  wakeups.due();
  wakeups.broadcast({ kind: "tasks" });
  await wakeups.send([{ kind: "due" }]);
});
