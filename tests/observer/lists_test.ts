/**
 * Lists: the columns and filters of runs, what the audit says has changed, what fails in queues, and
 * what nodes are executing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defineActivity } from "../../src/workflow/mod.ts";
import { POSTGRES } from "../support/database.ts";
import { eventually, reached } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { observe } from "./observed.ts";
import { attribute, carriedOut, elements, linksOf, rowsOf, text } from "./pages.ts";

/** The titles of the columns of a page's first table. */
function columnsOf(page: string): string[] {
  const [table] = elements(page, "<table>");
  const [row] = elements(table!, "<thead>");
  return elements(row!, "<th>").map(text);
}

Deno.test("a list of runs has the columns that its address says, and keeps them", async () => {
  await using set = await scene(POSTGRES);
  const { node } = set;
  for (const [runId, customer] of [["r-1", "ana"], ["r-2", "ben"], ["r-3", "ana"]]) {
    const attributes = { customer: customer!, express: runId === "r-3" };
    await reached(
      await node.start("echo", { wait: "go" }, { runId: runId!, attributes }),
      "suspended",
    );
  }
  const observed = observe(node);
  const usual = [
    "Choose",
    "Run",
    "Workflow",
    "Version",
    "State",
    "Waits for",
    "Created",
    "Changed",
  ];
  assert.deepEqual(columnsOf(await observed.page("/runs")), usual);
  const path = "/runs?state=any&attribute=customer%3Dana&column=state&column=attributes";
  const page = await observed.page(path);
  assert.deepEqual(columnsOf(page), ["Choose", "Run", "State", "Attributes"]);
  assert.deepEqual(rowsOf(page, "Runs, the newest first").map((row) => row.slice(1)), [
    ["r-3", "suspended", `customer "ana"express true`],
    ["r-1", "suspended", `customer "ana"express false`],
  ]);
  for (const link of [...linksOf(page, "live"), ...linksOf(page, "all that ended")]) {
    assert.match(link, /column=state&column=attributes/, "a state keeps the columns");
    assert.match(link, /attribute=customer%3Dana/, "and the filter");
  }
  const both = "/runs?attribute=customer%3Dana&attribute=express%3Dtrue";
  const narrow = await observed.page(both);
  assert.deepEqual(rowsOf(narrow, "Runs, the newest first").map(([, id]) => id), ["r-3"]);
  const fields = elements(narrow, "<input>")
    .filter((field) => attribute(field, "name") === "attribute")
    .map((field) => attribute(field, "value") ?? "");
  assert.deepEqual(
    fields.slice(0, 3),
    ["customer=ana", "express=true", ""],
    "each that was given, and one to add",
  );
  assert.equal((await observed.ask("/runs?column=nonsense")).status, 400);
  const { offered } = await observed.json("/runs");
  assert.deepEqual(offered, { workflows: ["echo"], attributes: ["customer", "express"] });
  const without = observe(node, { without: ["payloads"] });
  const hidden = await without.page("/runs?column=attributes");
  const found = /customer|express|&quot;ana/.exec(hidden);
  assert.equal(found?.[0], undefined, "names of attributes are values");
});

Deno.test("the audit says how a target was, and how it became", async () => {
  await using set = await scene(POSTGRES);
  await reached(await set.node.start("echo", { wait: "go" }, { runId: "r-1" }), "suspended");
  const observed = observe(set.node);
  await carriedOut(observed, "/runs/r-1/terminate", { reason: "loops" });
  const page = await observed.page("/audit?action=run.terminate");
  const [row] = rowsOf(page, "What operators did, the newest first");
  assert.match(
    row!.join(" | "),
    /run\.terminate \| r-1 \| ana \| loops \| .*state suspended → terminated/,
  );
});

Deno.test("the overview and a run's head say with what a run has failed", async () => {
  const failing = source(
    `throw new RangeError(input.why + "\\nsecond line");`,
    `{ name: "failing" }`,
  );
  await using set = await scene(POSTGRES, { "failing.ts": failing });
  const why = "Shelf 9 is full";
  await reached(await set.node.start("failing", { why }, { runId: "f-1" }), "failed");
  const observed = observe(set.node);
  const caption = "Parked and failed runs, the latest trouble first";
  const [row] = rowsOf(await observed.page("/"), caption);
  assert.equal(row![4], "RangeError: Shelf 9 is full");
  const [state] = elements(await observed.page("/runs/f-1"), "run-state");
  assert.equal(text(state!), "failed RangeError: Shelf 9 is full");
  const hidden = observe(set.node, { without: ["payloads"] });
  for (const path of ["/", "/runs/f-1"]) assert(!(await hidden.page(path)).includes(why), path);
});

Deno.test("a finding says what to do next, and is marked as known with a reason", async () => {
  await using set = await scene(POSTGRES);
  const observed = observe(set.node);
  const [finding] = elements(await observed.page("/"), "note");
  assert.match(
    text(finding!),
    /^Versions need no signature.* Require signatures by .*UNSIGNED_CODE · continuum nodes/,
  );
  assert.deepEqual(
    elements(finding!, "<a>").map((link) => attribute(link, "href")!.split("?")[0]),
    [
      "./nodes",
      "./health/acknowledge",
    ],
  );
  const page = await observed.page("/health");
  const [link] = linksOf(page, "Mark as known");
  const reader = await observe(set.node, { without: ["repair"] }).page("/health");
  assert.deepEqual(linksOf(reader, "Mark as known"), []);
  const path = new URL(link!, "http://observer.test/health");
  const done = await carriedOut(observed, path.pathname + path.search, { reason: "one tenant" });
  assert.equal(done.status, 303, await done.text());
  const after = await observed.page("/health");
  assert.match(text(elements(after, "empty")[0]!), /^Nothing needs a look/);
  assert.match(text(elements(after, "note")[0]!), /known to ana, .*: one tenant/);
  const audit = rowsOf(await observed.page("/audit"), "What operators did, the newest first");
  assert.match(audit[0]!.join(" | "), /acknowledge.* \| ana \| one tenant/);
  const again = await carriedOut(observed, path.pathname + path.search).catch(String);
  assert.match(`${again}`, /no form/, "it is known already");
  const gone = await observed.ask("/health/acknowledge?fingerprint=0000");
  assert.equal(gone.status, 404);
});

Deno.test("nodes say which versions they have loaded, from their next heartbeat on", async () => {
  await using set = await scene(POSTGRES);
  await reached(await set.node.start("echo", { wait: "go" }, { runId: "r-1" }), "suspended");
  const { version: { hash } } = await set.node.run("r-1").status();
  const observed = observe(set.node);
  const caption = "Nodes that are alive, the oldest first";
  await eventually(async () => {
    const [row] = rowsOf(await observed.page("/nodes"), caption);
    return row!.at(-2) === hash.slice(0, 7) ? row : undefined;
  }, () => "node that says what it has loaded");
  const [node] = await set.node.nodes();
  assert.deepEqual(node!.loaded, [hash]);
  assert.deepEqual(
    linksOf(await observed.page("/nodes"), hash.slice(0, 7)),
    [`./versions/${hash}`],
  );
});

Deno.test("queues name the activities that keep failing, and nodes how much they execute", async () => {
  const ship = defineActivity(
    { name: "ship", retry: { maxAttempts: 1e6, initial: "20ms", factor: 1 } },
    (_: unknown, { attempt }: { attempt: number }) => {
      throw new RangeError(`The carrier is down, the ${attempt}th time`);
    },
  );
  const order = source(`return await ctx.activity("ship", 1);`, `{ name: "order" }`);
  await using set = await scene(POSTGRES, { "order.ts": order }, {
    activities: [ship],
    queues: { default: { concurrency: 3 }, mail: { concurrency: 4 } },
  });
  await set.node.start("order", null, { runId: "o-1" });
  const observed = observe(set.node);
  const caption = "Activities that failed more than three times and are tried again";
  const failing = await eventually(async () => {
    const page = await observed.page("/queues");
    return page.includes(caption) ? rowsOf(page, caption)[0] : undefined;
  }, () => "activity that keeps failing");
  assert.deepEqual(failing.slice(0, 3), ["ship", "default", "1"]);
  assert.match(failing[4]!, /^RangeError: The carrier is down, the \d+th time$/);
  const hidden = await observe(set.node, { without: ["payloads"] }).page("/queues");
  assert.doesNotMatch(hidden, /carrier/, "an error is a value");
  const [row] = rowsOf(await observed.page("/nodes"), "Nodes that are alive, the oldest first");
  assert.match(row!.join(" | "), /\| [01] of 7 \|/);
});
