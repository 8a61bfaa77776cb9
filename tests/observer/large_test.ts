/**
 * Pages of what is large: 1,000 schedules, a run of 10,000 events, a version of 500 modules. Each is
 * whole, in parts that a person can read and a browser can show.
 *
 * @module
 */

import assert from "node:assert/strict";
import { POSTGRES } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { openIn, reached } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { observe, type Observed } from "./observed.ts";
import { attribute, elements, linksOf, rowsOf, text } from "./pages.ts";

/** The largest page that a phone shows without a wait, in characters. */
const MOST_CHARS = 300_000;

/** Reads a page that is not too large. */
async function read(observed: Observed, path: string): Promise<string> {
  const answer = await observed.ask(path);
  const page = await answer.text();
  assert.equal(answer.status, 200, `${path}: ${page.slice(0, 2_000)}`);
  assert(page.length < MOST_CHARS, `${path} has ${page.length} characters`);
  return page;
}

/** Follows the link to the next page as often as there is one. */
async function* pages(observed: Observed, first: string, next: string): AsyncGenerator<string> {
  const base = "http://observer.test";
  for (let url: URL | null = new URL(first, base); url !== null;) {
    const page = await read(observed, url.pathname + url.search);
    yield page;
    const [link]: string[] = linksOf(page, next);
    url = link === undefined ? null : new URL(link, url);
  }
}

Deno.test("1,000 schedules are listed page by page, and a version names the first of its own", async () => {
  await using set = await scene(POSTGRES);
  const ids = Array.from(
    { length: 1_000 },
    (_, index) => `daily/${String(index).padStart(4, "0")}`,
  );
  await Promise.all(
    ids.map((id) => set.node.schedules.create({ id, workflow: "echo", every: "1d", pin: true })),
  );
  const observed = observe(set.node);
  const found: string[] = [];
  for await (const page of pages(observed, "/schedules", "More")) {
    found.push(...rowsOf(page, "Schedules, by id").map(([id]) => id!));
  }
  assert.deepEqual(found, ids);
  const { versions: [version] } = await set.node.versions.list({ workflow: "echo" });
  const page = await read(observed, `/versions/${version!.hash}`);
  assert.equal(linksOf(page, "daily/").length, 50);
  assert.deepEqual(linksOf(page, "and 950 more"), ["../schedules?workflow=echo"]);
});

/** 100 lanes of 100 steps; the line of the steps is 5. */
const LONG = source(
  `await Promise.all(Array.from({ length: 100 }, async (_, lane) => {
  for (let at = 0; at < 100; at++) await ctx.run(\`step \${lane % 7}\`, () => at);
}));
return await ctx.waitForSignal("go");`,
  `{ name: "long" }`,
);

Deno.test("a run of 10,000 events has its history, its timeline after any of them, and its source", async () => {
  await using set = await scene(POSTGRES, { "long.ts": LONG });
  await reached(await set.node.start("long", null, { runId: "r" }), "suspended");
  const observed = observe(set.node);
  const first = await read(observed, "/runs/r/history");
  assert.match(text(elements(first, "pager")[0]!), /^100 events of those from 0 to .*10,000/);
  const [end] = linksOf(first, "Last");
  const last = await read(observed, end!.replace("../../", "/"));
  assert.equal(rowsOf(last, "Events").at(-1)![0], "9999");
  const seen: string[] = [];
  for await (const page of pages(observed, "/runs/r/history?name=step%206", "After")) {
    const rows = rowsOf(page, "Events");
    assert(rows.length <= 100);
    seen.push(...rows.map(([event]) => event!));
  }
  assert.deepEqual([seen.length, new Set(seen).size], [1_400, 1_400], "each of that name once");

  const whole = await read(observed, "/runs/r/timeline");
  const slider = elements(whole, "<input>").find((input) =>
    attribute(input, "data-slider") !== null
  );
  assert.deepEqual(["max", "value"].map((name) => attribute(slider!, name)), ["10000", "10000"]);
  const groups = rowsOf(whole, "Effects");
  assert.equal(groups.length, 8, "seven names, and the signal");
  for (const at of [0, 1, 5_000, 9_999]) {
    const page = await read(observed, `/runs/r/timeline?at=${at}`);
    const { trace } = await observed.json(`/runs/r/timeline?at=${at}`);
    const answered = trace.effects.filter(({ state }: { state: string }) => state === "completed");
    assert.equal(answered.length, at);
    assert.match(page, new RegExp(`value="${at}"`));
  }
  const effect = await read(observed, "/runs/r/timeline?effect=5000");
  assert.match(text(elements(effect, "panel")[0]!), /step .*long\.ts:5/);
  const code = await read(observed, "/runs/r/source");
  assert.match(code, /long\.ts/);
});

Deno.test("a version of 500 modules is listed, read, compared and denied module by module", async () => {
  const numbers = Array.from({ length: 499 }, (_, index) => index);
  const part = (index: number) => `parts/${index % 10}/m${index}.ts`;
  const main = (folder: string) =>
    source(
      `await ctx.waitForSignal("go"); return [${numbers.map((index) => `m${index}`)}];`,
      `{ name: "many" }`,
      numbers.map((index) => `import { m${index} } from "../${folder}/${part(index)}";`).join("\n"),
    );
  const release = (folder: string, changed: number) =>
    Object.fromEntries([
      [`${folder}/many.ts`, main(folder).replaceAll(`../${folder}/`, "./")],
      ...numbers.map((index) => [
        `${folder}/${part(index)}`,
        `export const m${index}: number = ${index === changed ? -index : index};\n`,
      ]),
    ]);
  await using folder = await makeFolder({ ...release("old", 499), ...release("new", 77) });
  await using db = await POSTGRES.fresh();
  const workflows = ["old/many.ts", "new/many.ts"].map((path) => folder.url + path);
  await using node = await openIn(db, { workflows });
  await reached(await node.start("many", null, { runId: "r" }), "suspended");
  const { versions } = await node.versions.list({ workflow: "many" });
  const [a, b] = versions.map(({ hash }) => hash);
  const observed = observe(node);
  const page = await read(observed, `/versions/${a}`);
  assert.equal(rowsOf(page, "Modules").length, 500);
  for (const path of [`/versions/${a}/source`, "/runs/r/source"]) {
    const member = `${path}?member=./${part(77)}`;
    const code = await read(observed, member);
    assert.match(text(elements(code, "<main>")[0]!), /export const m77: number = -?77;/, member);
    assert.equal(linksOf(code, "m498.ts").length, 1, "every module is one link away");
  }
  const diff = await read(observed, `/versions/diff?a=${a}&b=${b}`);
  assert.match(text(elements(diff, "<main>")[0]!), /m77\.ts/);
  assert.doesNotMatch(diff, /m78\.ts/, "what is the same is counted, and not listed");
  const deny = await read(observed, `/versions/${a}/deny`);
  assert.equal(linksOf(deny, "m77.ts").length, 1);
});
