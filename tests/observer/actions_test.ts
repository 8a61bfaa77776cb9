/**
 * Actions: nothing is done before its plan was looked at, and every deed is in the audit.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { AuditEntry } from "../../src/observer/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";
import { type Scene, scene, source } from "../support/scene.ts";
import { observe, type Observed } from "./observed.ts";

/** The tag of the plan that a page shows. */
function seenIn(page: string): string {
  const [, seen] = /name="seen" value="([^"]+)"/.exec(page) ?? [];
  assert(seen, page);
  return seen.replaceAll("&quot;", '"');
}

async function seenAt(observed: Observed, path: string): Promise<string> {
  return seenIn(await observed.page(path));
}

/** Starts runs that wait for a signal. */
async function waiting({ node }: Scene, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await node.start("echo", { wait: "go" }, { runId: id });
  for (const id of ids) await reached(node.run(id), "suspended");
}

forEachDatabase("observer's actions", (database, test) => {
  test("ACTION-1: an action shows its plan, and does it only for who has seen that plan", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1");
    const observed = observe(set.node);
    const page = await observed.page("/runs/r-1/terminate");
    assert.match(page, /no clean-up, no compensation/);
    assert.match(page, /Terminate this run/);
    const unseen = await observed.page("/runs/r-1/terminate", { form: { reason: "loops" } });
    assert.match(unseen, /Terminate this run/, "it asks");
    const wrong = { form: { seen: '"other"', reason: "loops" } };
    const answer = await observed.ask("/runs/r-1/terminate", wrong);
    assert.equal(answer.status, 409);
    assert.match(await answer.text(), /has changed since you looked/);
    const hasty = { form: { seen: seenIn(page), reason: "" } };
    assert.equal((await observed.ask("/runs/r-1/terminate", hasty)).status, 400);
    assert.equal((await set.node.run("r-1").status()).state, "suspended");
    const done = await observed.ask("/runs/r-1/terminate", {
      form: { seen: seenIn(page), reason: "loops" },
    });
    assert.equal(done.status, 303);
    assert.match(done.headers.get("location")!, /^\.\.\/\.\.\/runs\/r-1\?said=/);
    const after = await observed.page(`/runs/r-1?${done.headers.get("location")!.split("?")[1]}`);
    assert.match(after, /r-1 was terminated/);
    assert.equal((await set.node.run("r-1").status()).state, "terminated");
  });

  test("a run that another one has replaced since the plan is left alone", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1");
    const observed = observe(set.node);
    const seen = await seenAt(observed, "/runs/r-1/terminate");
    await set.node.run("r-1").terminate();
    await set.node.runs.delete("r-1");
    await waiting(set, "r-1");
    const answer = await observed.ask("/runs/r-1/terminate", { form: { seen, reason: "x" } });
    assert.equal(answer.status, 409);
    assert.equal((await set.node.run("r-1").status()).state, "suspended");
  });

  test("CSRF-1: no other site can make a browser act, and a program sends JSON", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1");
    const observed = observe(set.node);
    const form = { seen: await seenAt(observed, "/runs/r-1/cancel") };
    const none = { "sec-fetch-site": "" };
    const foreign: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { ...none, origin: "https://evil.example" },
      { ...none, origin: "null" },
    ];
    for (const headers of foreign) {
      const answer = await observed.ask("/runs/r-1/cancel", { form, headers });
      assert.equal(answer.status, 403, JSON.stringify(headers));
    }
    const text = { form, headers: { "content-type": "text/plain" } };
    assert.equal((await observed.ask("/runs/r-1/cancel", text)).status, 415);
    assert.equal((await set.node.run("r-1").status()).state, "suspended");
    const plan = await observed.json("/runs/r-1/cancel", { json: {} });
    assert.deepEqual(plan.plan.runs.map(({ id }: { id: string }) => id), ["r-1"]);
    const { outcome } = await observed.json("/runs/r-1/cancel", { json: { seen: plan.seen } });
    assert.deepEqual(outcome.runs, [{ id: "r-1", done: true, error: null }]);
    await reached(set.node.run("r-1"), "cancelled");
  });

  test("an empty field of a document is refused, and one of a form is no filter", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1", "s-1");
    const observed = observe(set.node);
    const fields = ["workflow", "version", "prefix", "id", "parent", "since", "until", "state"];
    for (const field of [...fields, "attribute", "endedSince"]) {
      const json = { all: "1", [field]: "" };
      const answer = await observed.ask("/bulk/cancel", { json });
      const text = await answer.text();
      assert.equal(answer.status, 400, `${field}: ${text}`);
      assert.match(text, new RegExp(`Cannot use parameter ${field}[^:]*: found `), field);
    }
    const { seen } = await observed.json("/start", { json: { workflow: "echo" } });
    const json = { workflow: "echo", input: null, key: "", seen };
    assert.equal((await observed.ask("/start", { json })).status, 400);
    const headers = { accept: "application/json" };
    const args = (filter: object) => encodeURIComponent(JSON.stringify({ filter }));
    for (const field of ["workflow", "version", "idPrefix", "parent", "forksOf", "since"]) {
      const path = `/api/runs.list?args=${args({ [field]: "" })}`;
      assert.equal((await observed.ask(path, { headers })).status, 400, field);
    }
    for (const filter of [{ where: {} }, { attributes: {} }]) {
      const answer = await observed.ask(`/api/runs.list?args=${args(filter)}`, { headers });
      assert.equal(answer.status, 400, JSON.stringify(filter));
    }
    const form = { all: "1", workflow: "", prefix: "r-", state: "" };
    const page = await observed.page("/bulk/cancel", { form });
    assert.match(page, /r-1/);
    assert.doesNotMatch(page, /s-1/, "a browser sends the fields that were left empty");
  });

  test("a word that a field does not know is refused, and is not taken for all or for the usual", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1");
    const observed = observe(set.node);
    const fork = "/runs/r-1/fork?at=0";
    for (
      const path of [
        ...[
          "/versions?state=unusd",
          "/schedules?state=pausd",
          "/repair?code=STUCK",
          "/runs?state=x",
        ],
        ...[`${fork}&children=adpot`, `${fork}&signals=cary`],
      ]
    ) {
      const answer = await observed.ask(path);
      assert.equal(answer.status, 400, path);
      assert.match(await answer.text(), /Cannot use parameter \w+: found /, path);
    }
    for (
      const path of ["/versions?state=", "/schedules?state=", "/repair?code=", `${fork}&children=`]
    ) {
      assert.equal((await observed.ask(path)).status, 200, path);
    }
  });

  test("a signal is sent with its payload, and a payload that is no JSON loses nothing", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1");
    const observed = observe(set.node);
    const page = await observed.page("/runs/r-1/signal");
    assert.match(page, /value="go"/, "what the run waits for is filled in");
    const seen = seenIn(page);
    const bad = await observed.ask("/runs/r-1/signal", {
      form: { seen, name: "go", payload: "{yes" },
    });
    assert.equal(bad.status, 400);
    assert.match(await bad.text(), /\{yes<\/textarea>/);
    const sent = await observed.ask("/runs/r-1/signal", {
      form: { seen, name: "go", payload: '{"ok":true}' },
    });
    assert.equal(sent.status, 303);
    assert.deepEqual(await resultOf(set.node.run("r-1")), [{ wait: "go" }, { ok: true }]);
  });

  test("a signal that is an ask leads to the history, into which its answer comes", async () => {
    const asked = source(
      `ctx.on("add", (n) => n + 1); return await ctx.waitForSignal("end");`,
      `{ name: "asked" }`,
    );
    await using set = await scene(database, { "asked.ts": asked });
    await set.node.start("asked", null, { runId: "r-1" });
    const observed = observe(set.node);
    const page = await observed.page("/runs/r-1/signal");
    assert.match(page, /Ask for an answer/);
    const [, delivery] = /name="delivery" value="([^"]+)"/.exec(page)!;
    const form = { seen: seenIn(page), name: "add", payload: "6", asks: "1", delivery: delivery! };
    const sent = await observed.ask("/runs/r-1/signal", { form });
    assert.match(sent.headers.get("location")!, /^\.\.\/\.\.\/runs\/r-1\/history\?said=/);
    assert.equal(await set.node.run("r-1").answer(delivery!), 7);
    const history = await observed.page("/runs/r-1/history");
    assert.match(history, /ask\.received[^]*ask\.answered[^]*>7</);
  });

  test("ACTION-2: every deed is in the audit, with who, why and what came of it", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1");
    const audited: AuditEntry[] = [];
    const observed = observe(set.node, { audit: (entry) => void audited.push(entry) });
    const seen = await seenAt(observed, "/runs/r-1/signal");
    await observed.page("/runs/r-1/signal", { form: { seen, name: "continuum:x", payload: "1" } });
    const form = { seen: await seenAt(observed, "/runs/r-1/cancel"), reason: "ordered twice" };
    await observed.page("/runs/r-1/cancel", { form });
    assert.deepEqual(
      audited.map(({ at: _, ...entry }) => entry),
      [
        {
          by: "ana",
          action: "signal",
          namespace: "default",
          targets: ["r-1"],
          reason: null,
          outcome: "INVALID_ARGUMENT",
        },
        {
          by: "ana",
          action: "cancel",
          namespace: "default",
          targets: ["r-1"],
          reason: "ordered twice",
          outcome: "done",
        },
      ],
    );
    const { operations: [kept, ...others] } = await set.node.operations.list();
    assert.deepEqual(others, [], "what was refused before it began begins nothing");
    const { at: _, before: __, after: ___, ...entry } = kept!;
    assert.deepEqual(entry, {
      as: "ana",
      proven: true,
      action: "run.cancel",
      namespace: "default",
      target: "r-1",
      reason: "ordered twice",
      outcome: "done",
    });
    const { operations } = await observed.json("/audit?run=r-1");
    const [cancel] = operations.filter(({ action }: { action: string }) => /cancel/.test(action));
    assert.deepEqual(
      [cancel.as, cancel.proven, cancel.target, cancel.reason, cancel.outcome],
      ["ana", true, "r-1", "ordered twice", "done"],
    );
    assert.match(await observed.page("/audit"), /ordered twice/);
    const loud = observe(set.node, {
      audit: () => {
        throw new Error("no disk");
      },
    });
    await waiting(set, "r-2");
    const other = { seen: await seenAt(loud, "/runs/r-2/cancel") };
    assert.equal((await loud.ask("/runs/r-2/cancel", { form: other })).status, 303);
  });

  test("chosen runs, and all that a filter matches, are changed by one plan", async () => {
    await using set = await scene(database);
    await waiting(set, "a-1", "a-2", "a-3", "b-1");
    const observed = observe(set.node);
    const chosen = await observed.page("/bulk/terminate", { form: { id: ["a-1", "a-2"] } });
    assert.match(chosen, /Terminate 2 runs/);
    const form = { id: ["a-1", "a-2"], seen: seenIn(chosen), reason: "test" };
    assert.equal((await observed.ask("/bulk/terminate", { form })).status, 303);
    const matching = await observed.page("/bulk/cancel", { form: { all: "1", prefix: "a-" } });
    assert.match(matching, /Cancel a-3/);
    const ended = await observed.page("/bulk/cancel", { form: { id: ["a-1"] } });
    assert.match(ended, /None of the chosen runs/);
    const none = await observed.ask("/bulk/cancel", { form: { reason: "x" } });
    assert.equal(none.status, 400);
    assert.match(await none.text(), /No run was chosen.*choose runs by the boxes/s);
    const nothing = await observed.page("/bulk/cancel", { form: { all: "1", prefix: "z-" } });
    assert.match(nothing, /No run matches the filter/);
    assert.equal((await set.node.run("b-1").status()).state, "suspended");
  });

  test("a run is started like another one, forked, exported and deleted", async () => {
    await using set = await scene(database);
    await waiting(set, "r-1");
    await set.node.run("r-1").signal("go", 7);
    await resultOf(set.node.run("r-1"));
    const observed = observe(set.node);
    const like = await observed.page("/start?like=r-1");
    assert.match(like, /&quot;wait&quot;: &quot;go&quot;/);
    const started = await observed.ask("/start", {
      form: { seen: seenIn(like), like: "r-1", workflow: "echo", input: '"again"', id: "r-2" },
    });
    assert.equal(started.status, 303);
    assert.equal(await resultOf(set.node.run("r-2")), "again");
    const forked = await observed.page("/runs/r-1/fork?at=0&id=r-3");
    assert.match(forked, /The part replays/);
    const plan = /name="plan" value="([^"]*)"/.exec(forked)![1]!.replaceAll("&quot;", '"');
    const made = await observed.ask("/runs/r-1/fork", {
      form: { seen: seenIn(forked), at: "0", id: "r-3", plan },
    });
    assert.equal(made.status, 303, await made.text());
    assert.equal((await set.node.run("r-3").status()).origin?.id, "r-1");
    const file = await observed.ask("/runs/r-1/export");
    assert.match(file.headers.get("content-disposition")!, /attachment; filename="r-1.bundle"/);
    assert.deepEqual([...new Uint8Array(await file.arrayBuffer()).slice(0, 2)], [0x1f, 0x8b]);
    const seen = await seenAt(observed, "/runs/r-2/delete");
    await observed.ask("/runs/r-2/delete", { form: { seen, reason: "done" } });
    assert.equal((await observed.ask("/runs/r-2")).status, 404);
  });

  test("an upgrade shows whether the history replays, and moves the run only then", async () => {
    const versions = (name: string) =>
      source(
        `await ctx.run("${name}", () => 1); return await ctx.waitForSignal("go");`,
        `{ name: "job" }`,
      );
    await using set = await scene(database, {
      "job.ts": versions("one"),
      "other.ts": versions("two"),
    });
    const { versions: known } = await set.node.versions.list({ workflow: "job" });
    const [first, second] = known.map(({ hash }) => hash);
    await set.node.versions.activate("job", first!);
    await set.node.start("job", undefined, { runId: "r-1" });
    await reached(set.node.run("r-1"), "suspended");
    const observed = observe(set.node);
    const page = await observed.page(`/runs/r-1/upgrade?to=${second}`);
    assert.match(page, /It can(?:'|&#39;)t be moved there/);
    assert.doesNotMatch(page, /name="seen"/);
    const { plan } = await observed.json(`/runs/r-1/upgrade?to=${second}`);
    assert.equal(plan.report.moves, false);
    assert.match(plan.report.drift.message, /one|two/);
    assert.match(page, new RegExp(`versions/diff\\?a=${first}&amp;b=${second}`));
    assert.match(page, new RegExp(`r-1/fork\\?at=0&amp;version=${second}`), "and a way on");
    assert.doesNotMatch(page, /Look at another version/, "there are two");
  });
});
