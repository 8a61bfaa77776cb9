/**
 * The pages that show what a run did and on which lines: timeline, history, source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { fieldsOfForm } from "../../src/observer/fields.ts";
import { Given } from "../../src/observer/parameters.ts";
import { MOST_UNASKED, mustAsk, REPLAY } from "../../src/observer/traces.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";
import { type Scene, scene, source } from "../support/scene.ts";
import { observe } from "./observed.ts";
import { attribute, elements, linksOf, rowsOf, text } from "./pages.ts";

/** Lines of the body begin at 4. */
const ORDER = source(
  `const quote = await ctx.run("quote <b>", () => input.items * 10);
await Promise.all(Array.from({ length: 6 }, () => ctx.run("reserve", () => 1)));
await ctx.run("charge", ({ attempt }) => { if (attempt < 2) throw new Error("no card"); return quote; },
  { retry: { maxAttempts: 3, initial: 1 } });
await ctx.run("mail", () => { throw new Error("no mail"); }, { retry: { maxAttempts: 1 } }).catch(() => {});
return await ctx.waitForSignal("review", { timeout: "24h" });`,
  `{ name: "order" }`,
);

const FILES = { "order.ts": ORDER };

/** A node with a run that waits for its last signal. */
async function waiting(at: Scene, id: string): Promise<void> {
  const run = await at.node.start("order", { items: 2 }, { runId: id });
  await reached(run, "suspended");
}

forEachDatabase("pages of a run's code", (database, test) => {
  test("the timeline has a row for each effect, and one for those that are alike", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o/1?");
    const page = await observe(at.node).page("/runs/o%2F1%3F/timeline");
    const rows = rowsOf(page, "Effects");
    assert.deepEqual(rows.map(([position, effect]) => [position, effect]), [
      ["0", "step quote <b>"],
      ["1", "step reserve ×6 show each"],
      ["7", "step charge"],
      ["8", "step mail"],
      ["9", "signal review"],
    ]);
    assert.deepEqual(rows.map(([, , outcome, line]) => [outcome, line]), [
      ["completed", "order.ts:4"],
      ["6 done", "order.ts:5"],
      ["completed1 attempt failed", "order.ts:6"],
      ["failed", "order.ts:8"],
      ["waits", "order.ts:9"],
    ]);
    const bars = elements(page, "timeline-bars").flatMap((svg) => elements(svg, "bar"));
    assert.deepEqual(
      bars.map((bar) => attribute(bar, "class")),
      ["bar completed", "bar completed", "bar retried", "bar failed", "bar waiting idle"],
    );
    for (const bar of bars) {
      const [x, width] = ["x", "width"].map((name) => parseFloat(attribute(bar, name)!));
      assert(x! >= 0 && width! >= 0.2 && x! + width! <= 100.001, `${x} ${width}`);
    }
    assert(!page.includes("style="), "no inline styles");
    const open = linksOf(page, "show each")[0]!.replace("../../", "/");
    const opened = rowsOf(await observe(at.node).page(open), "Effects");
    assert.equal(opened.length, 10);
  });

  test("the timeline after any event shows what had happened then, and what the code waited for", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o-1");
    const observed = observe(at.node);
    const whole = await observed.json("/runs/o-1/timeline");
    assert.equal(whole.trace.unavailable, null);
    for (let event = 0; event <= whole.at; event++) {
      const page = await observed.page(`/runs/o-1/timeline?at=${event}`);
      const trace = await at.node.run("o-1").trace({ at: event });
      const { trace: shown } = await observed.json(`/runs/o-1/timeline?at=${event}`);
      assert.deepEqual(
        // deno-lint-ignore no-explicit-any -- of JSON
        shown.effects.map(({ name, state, site }: any) => [name, state, site.line]),
        trace.effects.map(({ name, state, site }) => [name, state, site!.line]),
      );
      const [slider] = elements(page, "<input>").filter((input) =>
        attribute(input, "data-slider") !== null
      );
      assert.equal(attribute(slider!, "value"), String(event));
      assert.equal(attribute(slider!, "max"), String(whole.at));
      const cursors = elements(page, "cursor").length;
      assert.equal(cursors, event === whole.at ? 0 : 1);
    }
    const middle = await observed.page("/runs/o-1/timeline?at=3");
    assert.match(linksOf(middle, "fork here")[0]!, /runs\/o-1\/fork\?at=3$/);
    assert.deepEqual(["‹", "›"].map((step) => linksOf(middle, step)[0]!.match(/at=\d/)![0]), [
      "at=2",
      "at=4",
    ]);
    const [first] = rowsOf(await observed.page("/runs/o-1/timeline?at=0"), "Effects");
    assert.deepEqual(first!.slice(0, 3), ["0", "step quote <b>", "waits"]);
  });

  test("an effect is shown with its attempts, its answer and its line", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o-1");
    const observed = observe(at.node);
    const page = await observed.page("/runs/o-1/timeline?effect=7");
    const [panel] = elements(page, "panel");
    assert.match(text(panel!), /step “charge”.*order\.ts:6.*Answer ?20/);
    assert.deepEqual(
      rowsOf(page, "Failed attempts").map(([attempt, , , error]) => [attempt, error]),
      [
        ["1", "no card"],
      ],
    );
    const without = observe(at.node, { without: ["payloads"] });
    const hidden = await without.page("/runs/o-1/timeline?effect=7");
    assert(!hidden.includes("no card") && !/Answer ?20/.test(text(elements(hidden, "panel")[0]!)));
    assert.equal((await observed.ask("/runs/o-1/timeline?effect=99")).status, 400);
  });

  test("a long run is replayed only if the viewer asks, and a bad number is refused", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o-1");
    const observed = observe(at.node);
    const { generation } = await observed.json("/runs/o-1/timeline");
    const asked = (query: string, events: number) =>
      mustAsk(
        { given: new Given(fieldsOfForm(new URLSearchParams(query)), [REPLAY]) },
        { ...generation, events },
      );
    assert.equal(asked("", MOST_UNASKED), false);
    assert.equal(asked("", MOST_UNASKED + 1), true);
    assert.equal(asked("replay=1", MOST_UNASKED + 1), false);
    for (const query of ["at=-1", "at=x", "effect=1.5", "generation=7", "page=0", "at=999"]) {
      const { status } = await observed.ask(`/runs/o-1/timeline?${query}`);
      assert(status === 400 || status === 404, `${query}: ${status}`);
    }
    assert.equal((await observed.ask("/runs/o-2/timeline")).status, 404);
  });

  test("the source marks the line at which a run waits, and how often each line asked", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o-1");
    const observed = observe(at.node);
    const page = await observed.page("/runs/o-1/source");
    const lines = elements(page, "line").filter((line) => attribute(line, "id") !== null);
    assert.deepEqual(
      lines.map((line) => text(elements(line, "text")[0]!)),
      ORDER.split("\n").map((line) => line.replace(/\s+/g, " ").trim()),
    );
    const here = elements(page, "here");
    assert.deepEqual(here.map((line) => attribute(line, "id")), ["order.ts:9"]);
    assert.match(text(elements(page, "line-note")[0]!), /^▴ waits here for signal review since/);
    const asked = lines.map((line) => text(elements(line, "asked")[0]!));
    assert.deepEqual(asked.slice(3, 9), ["●", "×6", "●", "", "●", "●"]);
    assert.match(page, new RegExp((await at.node.run("o-1").status()).version.hash.slice(0, 12)));
    const before = await observed.page("/runs/o-1/source?at=0");
    assert.deepEqual(elements(before, "here").map((line) => attribute(line, "id")), ["order.ts:4"]);
    const without = observe(at.node, { without: ["source"] });
    assert.equal((await without.ask("/runs/o-1/source")).status, 403);
  });

  test("the page of a run shows the coloured lines around the one at which it waits", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o-1");
    const page = await observe(at.node).page("/runs/o-1");
    const [code] = elements(page, "code").filter((each) => attribute(each, "role") === "region");
    const lines = elements(code!, "line").filter((line) => attribute(line, "id") !== null);
    assert.deepEqual(
      lines.map((line) => text(line).replace(/^(\d+) /, "$1")),
      ORDER.split("\n").slice(3).map((line, index) => `${index + 4}${line.trim()}`),
    );
    assert.deepEqual(elements(code!, "here").map((line) => attribute(line, "id")), ["order.ts:9"]);
    assert(elements(code!, "hl-keyword").length > 3);
    const without = await observe(at.node, { without: ["source"] }).page("/runs/o-1");
    assert(!without.includes("waitForSignal"));
  });

  test("of a run whose code is gone, the pages show the history and say why", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o-1");
    const { hash } = (await at.node.run("o-1").status()).version;
    await at.node.close();
    await at.folder.write({ "order.ts": "// something else by now\n" });
    await at.db.query("delete from {schema}.version_modules");
    await at.db.query("delete from {schema}.modules");
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const observed = observe(client);
    const page = await observed.page("/runs/o-1/timeline");
    assert.match(text(elements(page, "note")[0]!), /Not replayed.*VERSION_UNAVAILABLE/);
    assert.deepEqual(
      rowsOf(page, "Effects").map(([, effect, , line]) => [effect, line]),
      [["step quote <b>", ""], ["step reserve ×6 show each", ""], ["step charge", ""], [
        "step mail",
        "",
      ]],
    );
    const source = await observed.page("/runs/o-1/source");
    assert.match(source, /No source has this code now/);
    assert(source.includes(hash));
    assert.match(await observed.page(`/versions/${hash}`), /No source has this code now/);
  });

  test("the history is paged and filtered, and each event leads to its bar", async () => {
    await using at = await scene(database, FILES);
    await waiting(at, "o-1");
    const observed = observe(at.node);
    const all = rowsOf(await observed.page("/runs/o-1/history"), "Events");
    assert.deepEqual(all.map(([event, what]) => [event, what]), [
      ["0", "step.completed quote <b>"],
      ...[1, 2, 3, 4, 5, 6].map((event) => [String(event), "step.completed reserve"]),
      ["7", "attempt.failed charge"],
      ["8", "step.completed charge"],
      ["9", "step.failed mail"],
    ]);
    const events = async (query: string) =>
      rowsOf(await observed.page(`/runs/o-1/history?${query}`), "Events").map(([event]) => event);
    assert.deepEqual(await events("failures=1"), ["7", "9"]);
    assert.deepEqual(await events("name=CHAR"), ["7", "8"]);
    assert.deepEqual(await events("kind=attempt"), ["7"]);
    const none = await observed.page("/runs/o-1/history?kind=step&name=r&failures=1&from=8");
    assert.match(text(elements(none, "empty")[0]!), /No event matches All 2 events from here/);
    assert.deepEqual(await events("from=8"), ["8", "9"]);
    const page = await observed.page("/runs/o-1/history");
    const [bar] = linksOf(page, "step.failed");
    assert.match(bar!, /timeline\?effect=8#effect$/);
    const { entries } = await observed.json("/runs/o-1/history?failures=1");
    assert.deepEqual(entries[0].value.error.message, "no card");
  });

  test("an earlier generation has pages of its own", async () => {
    await using at = await scene(database, {
      "count.ts": source(
        `await ctx.run("count", () => input);
return input < 2 ? ctx.continueAsNew(input + 1) : "done";`,
        `{ name: "count" }`,
      ),
    });
    await resultOf(await at.node.start("count", 0, { runId: "c-1" }));
    const observed = observe(at.node);
    for (const generation of [0, 1, 2]) {
      const path = `/runs/c-1/timeline?generation=${generation}`;
      const { trace } = await observed.json(path);
      assert.deepEqual([trace.generation, trace.effects[0].value], [generation, generation]);
      const page = await observed.page(path);
      assert.match(
        text(elements(page, "note")[0]!),
        new RegExp(`Generation ${generation} of 0 to 2`),
      );
    }
    const history = await observed.json("/runs/c-1/history?generation=1");
    assert.equal(history.entries[0].value, 1);
  });

  test("the tree has the runs above, the children, the forks and the generations", async () => {
    await using at = await scene(database, {
      "child.ts": source(`return await ctx.waitForSignal("end");`, `{ name: "child" }`),
      "parent.ts": source(
        `const child = await ctx.startChild("child", 1, { id: "kid" });
await ctx.run("step", () => 1);
return await child.result();`,
        `{ name: "parent" }`,
      ),
    });
    const run = await at.node.start("parent", null, { runId: "p-1" });
    await reached(run, "suspended");
    await reached(at.node.run("kid"), "suspended");
    await run.fork({ at: 1, id: "p-2", children: "adopt" });
    const observed = observe(at.node);
    const runsOf = async (id: string) =>
      elements(await observed.page(`/runs/${id}/tree`), "tree-run").map((each) => [
        ...elements(each, "id").slice(0, 1).map(text),
        attribute(each, "class")!.includes("here"),
      ]);
    assert.deepEqual(await runsOf("p-1"), [["p-1", true], ["kid", false], ["p-2", false]]);
    assert.deepEqual(await runsOf("kid"), [["p-1", false], ["kid", true]]);
    const { tree } = await observed.json("/runs/p-1/tree");
    assert.deepEqual([tree.run.childCount, tree.run.forkCount], [1, 1]);
    assert.match(await observed.page("/runs/p-2/tree"), /fork of p-1 after 1 event/);
  });

  test("two runs are compared where their histories part, with the lines of both", async () => {
    await using at = await scene(database, {
      "pay.ts": source(
        `const way = await ctx.run("choose", () => input);
if (way === "card") await ctx.run("card", () => 1);
else await ctx.run("cash", () => 2);
return way;`,
        `{ name: "pay" }`,
      ),
    });
    await resultOf(await at.node.start("pay", "card", { runId: "a" }));
    await resultOf(await at.node.start("pay", "cash", { runId: "b" }));
    const observed = observe(at.node);
    const page = await observed.page("/compare?a=a&b=b");
    const sides = elements(page, "compared").map(text);
    assert.match(sides[2]!, /^step\.completed card ?pay\.ts:5 ?if \(way === "card"\)/);
    assert.match(sides[3]!, /^step\.completed cash ?pay\.ts:6 ?else await/);
    assert.match(text(elements(page, "note")[0]!), /Both are on one version/);
    const hidden = await observe(at.node, { without: ["source"] }).page("/compare?a=a&b=b");
    assert(!hidden.includes("else await"));
    assert.equal((await observed.ask("/compare")).status, 200);
    assert.equal((await observed.ask("/compare?a=a&b=nobody")).status, 404);
  });
});
