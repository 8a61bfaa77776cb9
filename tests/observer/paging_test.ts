/**
 * A list of runs is read page by page, in a browser: of 120 runs, or of 1,000,000 by `deno task plans`,
 * which also says how long pages take.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type BenchDatabase, postgresDatabases } from "../../bench/databases.ts";
import { millionRows } from "../../bench/million.ts";
import { Continuum } from "../../mod.ts";
import { browserTest } from "../support/browser.ts";
import { postgresUrl } from "../support/database.ts";
import { observe, serveObserved } from "./observed.ts";

const ROWS = Number(Deno.env.get("CONTINUUM_TEST_ROWS") ?? 120);

/** How many runs a page lists. */
const PAGE = 50;

/** How many pages a person turns, from the newest run and to the oldest one. */
const TURNED = Math.min(40, Math.ceil(ROWS / PAGE));

/** How long pages took, in milliseconds. */
class Times {
  readonly #ms: number[] = [];

  async of<Result>(work: () => Promise<Result>): Promise<Result> {
    const begun = performance.now();
    const result = await work();
    this.#ms.push(performance.now() - begun);
    return result;
  }

  tell(what: string): void {
    if (ROWS < 1_000_000) return;
    const sorted = this.#ms.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!.toFixed(1);
    // deno-lint-ignore no-console -- it is what the task is for
    console.log(`${what}: ${sorted.length} pages, median ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  }
}

/** Turns pages until there are no older ones, or as many as are said; the ids in their order. */
async function turned(page: Page, pages: number, times: Times): Promise<string[]> {
  const found: string[] = [];
  for (let turned = 1;; turned++) {
    found.push(...await page.locator("tbody th a").allTextContents());
    const older = page.getByRole("link", { name: "Older" });
    if (turned === pages || await older.count() === 0) return found;
    const last = found.at(-1)!;
    await times.of(async () => {
      await older.click();
      await page.locator("tbody").filter({ hasNotText: last }).waitFor();
      await page.locator(".foot").waitFor(); // the links to other pages stand before it
    });
  }
}

async function oldestFirst(db: BenchDatabase, count: number) {
  const sql = db.server!.session();
  const rows = await sql<{ id: string; at: Date }[]>`
    select run_id as id, created_at as at from continuum.runs
    order by created_at, id limit ${count}`;
  await sql.end();
  return rows;
}

browserTest(
  `${ROWS.toLocaleString("en")} runs are read page by page, each once, to the last`,
  async (open) => {
    await using databases = await postgresDatabases(postgresUrl());
    await using db = await databases.fresh();
    const workflows = [import.meta.resolve("../../bench/peers_workflow.ts")];
    await (await Continuum.open({ ...db.options, workflows })).close();
    await millionRows(db, ROWS);
    await using client = await Continuum.connect(db.options);
    await using served = serveObserved(client);
    const clicks = new Times();
    for (const javaScriptEnabled of [true, false]) {
      const page = await open({ javaScriptEnabled });
      await page.goto(`${served.url}runs?state=suspended`);
      const newest = await turned(page, TURNED, clicks);
      assert.equal(newest.length, Math.min(ROWS, TURNED * PAGE));
      assert.equal(new Set(newest).size, newest.length, "each run once");
      assert.match(page.url(), /state=suspended&cursor=/, "the filter stays");
      await page.getByRole("link", { name: "Newest" }).click();
      await page.locator("tbody").filter({ hasText: newest[0]! }).waitFor();
      const oldest = await oldestFirst(db, Math.min(ROWS, TURNED * PAGE));
      // The database keeps microseconds, which a Date has not: the millisecond after it.
      const until = new Date(oldest.at(-1)!.at.getTime() + 1).toISOString();
      await page.goto(`${served.url}runs?state=suspended&until=${encodeURIComponent(until)}`);
      const last = await turned(page, Infinity, clicks);
      assert(last.length >= oldest.length, "to the first run that there was");
      assert.equal(last.at(-1), oldest[0]!.id);
    }
    clicks.tell("Turned in a browser");

    const reads = new Times();
    const observed = observe(client);
    const seen = new Set<string>();
    for (let cursor: string | null = ""; cursor !== null;) {
      const path: string = `/runs?${new URLSearchParams({ state: "suspended", cursor })}`;
      const found = await reads.of(() => observed.json(path));
      for (const { id } of found.runs) seen.add(id);
      cursor = found.cursor;
    }
    assert.equal(seen.size, ROWS, "the pages have all runs");
    reads.tell("Answered as JSON");
  },
);
