/**
 * What people do with the observer, in a browser: with its script, and without JavaScript.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, type OpenPage } from "../support/browser.ts";
import { POSTGRES } from "../support/database.ts";
import { openIn, reached, resultOf } from "../support/runs.ts";
import { type Scene, scene, source } from "../support/scene.ts";
import { serveObserved } from "./observed.ts";

/** Calls what a replay can't repeat. */
const BROKEN = source(
  `const day = await ctx.run("day", () => "2026-11-30");
const rate = Number(await (await fetch("https://rates.example/" + day)).text());
await ctx.waitForSignal("publish");
return rate;`,
  `{ name: "rates", version: "1.0.0" }`,
);
const MENDED = source(
  `const day = await ctx.run("day", () => "2026-11-30");
const rate = await ctx.run("fetch", () => day.length);
await ctx.waitForSignal("publish");
return rate;`,
  `{ name: "rates", version: "1.1.0" }`,
);

/** A shop in which one run is parked on an old release, and another waits. */
async function shop(): Promise<Scene> {
  const at = await scene(POSTGRES, { "old/rates.ts": BROKEN });
  await at.node.start("rates", null, { runId: "rates-1" });
  await reached(at.node.run("rates-1"), "stuck_nondeterminism");
  await at.node.start("echo", { wait: "go" }, { runId: "echo-1" });
  await reached(at.node.run("echo-1"), "suspended");
  await at.node.close();
  await at.folder.write({ "new/rates.ts": MENDED });
  const workflows = ["new/rates.ts", "echo.ts"].map((path) => at.folder.url + path);
  const node = await openIn(at.db, { workflows });
  return {
    ...at,
    node,
    async [Symbol.asyncDispose]() {
      await node.close();
      await at[Symbol.asyncDispose]();
    },
  };
}

/** Waits until a part of the page says something. */
async function says(page: Page, part: string, text: string | RegExp): Promise<void> {
  await page.locator(part).filter({ hasText: text }).first().waitFor();
}

/** Follows a link or presses a button, by what it says. */
async function press(page: Page, text: string | RegExp): Promise<void> {
  const named = { name: text, ...(typeof text === "string" ? { exact: true } : {}) };
  await page.getByRole("link", named).or(page.getByRole("button", named)).first().click();
}

/** What a person does to get a parked run going again; both ways of the page end at the run. */
async function mendRun(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await says(page, ".tile", /1\s*parked/);
  await press(page, "rates-1");
  await says(page, ".run-state", "parked: drift");
  await says(page, ".note", /Cannot call fetch in workflow code/);
  await says(page, ".line.here", /fetch\("https:\/\/rates\.example/);
  await press(page, "compare with current");
  await says(page, ".diff .removed", "await fetch(");
  await says(page, ".diff .added", `ctx.run("fetch"`);
  await page.goBack();
  await press(page, "Upgrade");
  await says(page, ".note", "Its history replays there");
  await page.getByLabel("Reason").fill("1.0.0 fetches by itself");
  await press(page, /^Upgrade on [0-9a-f]{7}$/);
  await says(page, ".note", /rates-1 was moved: version [0-9a-f]{7}/);
}

/** What a person does to end a run. */
async function cancelRun(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Find a run by its id").fill("echo-1");
  await page.getByLabel("Find a run by its id").press("Enter");
  await press(page, "echo-1");
  await says(page, ".line.here", "ctx.waitForSignal(input.wait)");
  await press(page, "Cancel");
  await page.getByLabel("Reason").fill("ordered twice");
  await press(page, "Cancel this run");
  await says(page, ".note", "echo-1");
}

/** Reads a list of runs to its end. */
async function readAll(page: Page, url: string): Promise<string[]> {
  await page.goto(`${url}runs?attribute=batch%3Dnight`);
  const found: string[] = [];
  for (let pages = 1;; pages++) {
    found.push(...await page.locator("tbody th a").allTextContents());
    const older = page.getByRole("link", { name: "Older" });
    if (await older.count() === 0) {
      assert.equal(pages, 3);
      await press(page, "Newest");
      await says(page, "tbody th", found[0]!);
      return found;
    }
    await older.click();
    await page.locator("tbody").filter({ hasNotText: found.at(-1)! }).waitFor();
  }
}

const CASES: readonly (readonly [name: string, javaScriptEnabled: boolean])[] = [
  ["with its script", true],
  ["without JavaScript", false],
];

for (const [name, javaScriptEnabled] of CASES) {
  const pageOf = (open: OpenPage) => open({ javaScriptEnabled });

  browserTest(
    `a parked run is found, understood, moved and watched to its end, ${name}`,
    async (open) => {
      await using at = await shop();
      await using served = serveObserved(at.node);
      const page = await pageOf(open);
      await mendRun(page, served.url);
      await reached(at.node.run("rates-1"), "suspended");
      if (javaScriptEnabled) await page.evaluate("globalThis.same = true");
      else await page.reload();
      await says(page, ".run-state", /suspended\s*waits for signal publish/);
      await says(page, ".line.here", `ctx.waitForSignal("publish")`);
      await at.node.run("rates-1").signal("publish");
      assert.equal(await resultOf(at.node.run("rates-1")), 10);
      if (!javaScriptEnabled) await page.reload();
      await says(page, ".run-state", "completed");
      await says(page, ".value", "10");
      if (javaScriptEnabled) {
        assert(await page.evaluate("globalThis.same"), "it was not loaded anew");
      }
      await page.goto(`${served.url}audit`);
      await says(page, "tbody tr", /run\.upgrade.*rates-1.*1\.0\.0 fetches by itself/s);
    },
  );

  browserTest(`a run is cancelled with a reason, ${name}`, async (open) => {
    await using at = await shop();
    await using served = serveObserved(at.node);
    const page = await pageOf(open);
    await cancelRun(page, served.url);
    await reached(at.node.run("echo-1"), "cancelled");
    if (!javaScriptEnabled) {
      await page.reload();
    }
    await says(page, ".run-state", "cancelled");
    await page.goto(`${served.url}audit`);
    await says(page, "tbody tr", /run\.cancel.*echo-1.*ordered twice/s);
  });

  browserTest(`a list is read page by page, and its filter stays, ${name}`, async (open) => {
    await using at = await scene(POSTGRES);
    const ids = Array.from(
      { length: 120 },
      (_, index) => `night-${String(index).padStart(3, "0")}`,
    );
    await at.node.startMany(
      "echo",
      ids.map((runId) => ({
        input: { wait: "go" },
        runId,
        attributes: { batch: "night" },
      })),
    );
    await at.node.start("echo", { wait: "go" }, { runId: "day-1" });
    await using served = serveObserved(at.node);
    const found = await readAll(await pageOf(open), served.url);
    assert.deepEqual(found.toSorted(), ids);
  });
}

/** Lines of the body begin at 4. */
const LONG = source(
  `for (let tick = 0; tick < 2_000; tick++) await ctx.run("tick", () => tick);
await ctx.waitForSignal("end");`,
  `{ name: "long" }`,
);

async function longRun(at: Scene): Promise<void> {
  await at.node.start("long", null, { runId: "long-1" });
  await reached(at.node.run("long-1"), "suspended");
}

browserTest("a run of 2,000 effects is slid to any of its events", async (open) => {
  await using at = await scene(POSTGRES, { "long.ts": LONG });
  await longRun(at);
  await using served = serveObserved(at.node);
  const page = await open();
  await page.goto(`${served.url}runs/long-1/timeline`);
  const said = page.locator(".travel-said");
  const shown = page.locator(".slides tbody tr");
  await said.filter({ hasText: "Now, after all 2,000 events" }).waitFor();
  await shown.filter({ hasText: /tick\s+×2,000.*2,000 done/s }).waitFor();
  await page.evaluate("globalThis.same = true");
  await page.getByRole("slider").fill("1200");
  await said.filter({ hasText: "After event 1,200 of 2,000: step.completed tick" }).waitFor();
  await shown.filter({ hasText: /tick\s+×1,201.*1 wait, 1,200 done/s }).waitFor();
  assert.match(page.url(), /at=1200$/);
  assert(await page.evaluate("globalThis.same"), "the slider stays where it is");
  await page.keyboard.press("]");
  await said.filter({ hasText: "After event 1,201" }).waitFor();
  await page.keyboard.press("[");
  await said.filter({ hasText: "After event 1,200" }).waitFor();
  await page.getByRole("slider").fill("2000");
  await said.filter({ hasText: "Now" }).waitFor();
});

browserTest("a run is shown after any of its events without JavaScript", async (open) => {
  await using at = await scene(POSTGRES, { "long.ts": LONG.replace("2_000", "40") });
  await longRun(at);
  await using served = serveObserved(at.node);
  const page = await open({ javaScriptEnabled: false });
  await page.goto(`${served.url}runs/long-1/timeline`);
  await page.getByRole("slider").fill("12");
  await press(page, "Show");
  await says(page, ".travel-said", "After event 12 of 40");
  await press(page, "One event back");
  await says(page, ".travel-said", "After event 11 of 40");
  await press(page, "All events");
  await says(page, ".travel-said", "Now");
});

browserTest("keys move among rows and pages, and never while someone types", async (open) => {
  await using at = await shop();
  await using served = serveObserved(at.node);
  const page = await open();
  await page.goto(served.url);
  const keys = async (...pressed: readonly string[]) => {
    for (const key of pressed) await page.keyboard.press(key);
  };
  await keys("g", "r");
  await says(page, "h1", "Runs");
  await keys("j", "j", "k", "j", "x");
  assert.equal(await page.locator("tr[data-here]").count(), 1);
  assert.equal(await page.locator("tr[data-here] th").textContent(), "rates-1");
  assert.deepEqual(await page.locator("tr:has(:checked) th").allTextContents(), ["rates-1"]);
  await keys("/", "j", "?", "g", "v");
  assert.equal(await page.getByRole("searchbox").inputValue(), "j?gv");
  await keys("Escape", "o");
  await says(page, "h1", "rates-1");
  await keys("?");
  await says(page, "#keys", "Find a run by its id");
  await keys("Control+g", "v", "g", "v");
  await says(page, "h1", "Versions");
});

browserTest("colours follow the system, or what the viewer has chosen", async (open) => {
  await using at = await scene(POSTGRES);
  await using served = serveObserved(at.node);
  const page = await open({ colorScheme: "dark" });
  await page.goto(`${served.url}runs?state=any`);
  const ground = () => page.evaluate("getComputedStyle(document.querySelector('main')).color");
  const [dark] = [await ground()];
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  assert.notEqual(light, dark);
  await press(page, "Dark");
  await page.locator("html[data-theme=dark]").waitFor();
  assert.equal(await ground(), dark);
  assert.match(page.url(), /runs\?state=any$/, "the page stays");
  await press(page, "Versions");
  assert.equal(await ground(), dark);
  await press(page, "Auto");
  await page.locator("html:not([data-theme=dark])").waitFor();
  assert.equal(await ground(), light);
});
