/**
 * What pages say that have nothing to list: what there is none of, and what a person can do next.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../mod.ts";
import type { Right } from "../../src/observer/mod.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { observe, type Observed } from "./observed.ts";
import { attribute, elements, text } from "./pages.ts";

/** What one empty list says. */
interface Empty {
  readonly says: string;
  /** Where its links lead, and the commands that it names. */
  readonly next: readonly string[];
}

/** What the empty lists of a page say (EMPTY-1). */
async function emptiesOf(observed: Observed, path: string): Promise<Empty[]> {
  const answer = await observed.ask(path);
  const page = await answer.text();
  assert.equal(answer.status, 200, `${path}: ${page}`);
  const found = elements(page, "empty").map((block) => ({
    says: text(block),
    next: [
      ...elements(block, "<a>").map((link) => attribute(link, "href")!),
      ...elements(block, "<code>").map(text),
    ],
  }));
  for (const { says, next } of found) assert(next.length > 0, `${path} says no more than: ${says}`);
  return found;
}

const WORKER = "continuum worker ./workflows/*.ts";

/** By path: what is said where nothing was ever done, and what is next. */
const UNTOUCHED: Readonly<Record<string, readonly [says: RegExp, next: readonly string[]]>> = {
  "/": [/^Nothing runs yet Open a worker .* Start a run/, [
    "./start",
    WORKER,
    "continuum start NAME",
  ]],
  "/runs": [/^No live run/, ["./runs?state=any"]],
  "/runs?state=parked": [/^No parked run/, ["./runs?state=any"]],
  "/runs?state=any": [/^There is no run yet/, ["./start", WORKER, "continuum start NAME"]],
  "/runs?id=x": [/^No run matches Only live runs/, [
    "./runs?id=x&state=any",
    "./runs?state=any",
  ]],
  "/runs?state=any&id=x": [/^No run matches/, ["./runs?state=any"]],
  "/versions": [/^No version is registered yet/, [WORKER]],
  "/versions?state=drained": [/^No version matches/, ["./versions"]],
  "/schedules": [/^There is no schedule yet/, [
    "continuum.schedules.create({ id, workflow, cron })",
  ]],
  "/schedules?state=paused": [/^No schedule matches/, ["./schedules"]],
  "/schedules?after=x": [/^No schedule matches/, ["./schedules"]],
  "/queues": [/^No queue holds a task/, [WORKER]],
  "/nodes": [/^No node is alive/, [WORKER]],
  "/audit": [/^No one has acted yet/, ["./runs", "continuum"]],
  "/audit?as=ana": [/^No act matches/, ["./audit"]],
  "/namespaces?after=zzz": [/^No namespace follows/, ["./namespaces"]],
  "/upgrade": [/^No workflow has a current version yet/, [WORKER]],
  "/start": [/^No workflow has a current version yet/, [WORKER]],
};

/** Pages that always have something: why they have no empty state. */
const NEVER_EMPTY: Readonly<Record<string, string>> = {
  "/compare": "a form, and what it is for",
  "/versions/diff": "a form, and what it is for",
  "/health": "advice, until someone has acknowledged it",
  "/preferences": "choices",
  "/repair": "a form that says that there is nothing",
};

/** Workflows whose runs have little to show. */
const FILES = {
  "brief.ts": source("return input;", `{ name: "brief" }`),
};

forEachDatabase("observer, where there is nothing", (database, test) => {
  test("EMPTY-1: every page of an untouched database says what is missing and what its viewer can do next", async () => {
    await using db = await database.fresh();
    await using client = await Continuum.connect({ database: db.database, schema: db.schema });
    const observed = observe(client);
    for (const [path, [says, next]] of Object.entries(UNTOUCHED)) {
      const [first] = await emptiesOf(observed, path);
      assert(first !== undefined, `${path} has no empty state`);
      assert.match(first.says, says, path);
      assert.deepEqual(first.next, next, path);
    }
    for (const path of Object.keys(NEVER_EMPTY)) await emptiesOf(observed, path);
    const { findings } = await client.health(); // that versions need no signature
    for (const { fingerprint } of findings) await client.acknowledge(fingerprint);
    const later = observe(client); // an observer shares what it has just read
    const [health] = await emptiesOf(later, "/health");
    assert.match(health!.says, /^Nothing needs a look/);
    const known = [...Object.keys(UNTOUCHED), ...Object.keys(NEVER_EMPTY)]
      .map((path) => path.split("?")[0]!);
    const pages = ROUTES.filter(({ kind, path }) => kind === "page" && !path.includes(":"));
    const missed = pages.map(({ path }) => path).filter((path) => !known.includes(path));
    assert.deepEqual(missed, [], "pages that are not looked at here");
    const reader = observe(client, { access: () => ({ name: "ben", may: ["read" as Right] }) });
    for (const path of ["/", "/runs?state=any"]) {
      const [first] = await emptiesOf(reader, path);
      assert.deepEqual(first!.next, [WORKER, "continuum start NAME"], path);
    }
  });

  test("EMPTY-1: the pages of a run, a version and a schedule with little to show say so", async () => {
    await using set = await scene(database, FILES);
    const { node } = set;
    await reached(await node.start("echo", { wait: "go" }, { runId: "waits" }), "suspended");
    await resultOf(await node.start("brief", 1, { runId: "brief" }));
    const { version } = await node.run("brief").status();
    await node.schedules.create({ id: "daily", workflow: "brief", cron: "0 6 * * *" });
    const observed = observe(node);
    const wanted: Readonly<Record<string, readonly [says: RegExp, next: string]>> = {
      "/": [/^No run is parked or has failed/, "./runs"],
      "/runs?state=failed": [/^No failed run/, "./runs?state=any"],
      "/runs/waits/history": [/^No event yet .* no answer so far/, "../../runs/waits"],
      "/runs/brief/history": [/^No event The code asked for nothing/, "../../runs/brief"],
      "/runs/waits/history?name=x&failures=1": [/^No event yet/, "../../runs/waits"],
      "/runs/brief/timeline": [/^No effect/, "../../runs/brief"],
      "/runs/waits/tree": [/^No relatives/, "../../runs/waits/fork"],
      [`/versions/${version.hash}/patches`]: [/^No patch/, "ctx.patched"],
      [`/versions/diff?a=${version.hash}&b=${version.hash}`]: [/^The same version/, "../versions"],
      "/upgrade?workflow=echo": [/^No run to examine/, "./runs"],
      "/schedules/daily": [/^It has started no run yet It fires/, "../schedules/daily/trigger"],
    };
    for (const [path, [says, next]] of Object.entries(wanted)) {
      const found = await emptiesOf(observed, path);
      const [first] = found.filter((empty) => says.test(empty.says));
      assert(first !== undefined, `${path} says ${JSON.stringify(found)}`);
      assert(first.next.includes(next), `${path}: ${first.next}`);
    }
    await node.schedules.delete("daily");
    const unused = await emptiesOf(observed, `/versions/${version.hash}`);
    assert.match(unused[0]!.says, /^Nothing needs it now/);
  });
});
