// alone: its observers are open before the first test and after the last
/**
 * What people do with the observer, in a browser: with its script, and without JavaScript.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, hasChromium, type OpenPage } from "../support/browser.ts";
import { POSTGRES } from "../support/database.ts";
import { openIn, reached, resultOf } from "../support/runs.ts";
import { type Scene, scene, source } from "../support/scene.ts";
import { type Served, serveObserved } from "./observed.ts";

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

/** Makes 2,000 effects. */
const LONG = source(
  `for (let tick = 0; tick < 2_000; tick++) await ctx.run("tick", () => tick);
await ctx.waitForSignal("end");`,
  `{ name: "long" }`,
);

/** A shop in which runs are parked on an old release, others wait, and one has a long history. */
async function openShop(): Promise<Scene> {
  const at = await scene(POSTGRES, { "old/rates.ts": BROKEN, "long.ts": LONG });
  await at.node.start("long", null, { runId: "long-1" });
  await reached(at.node.run("long-1"), "suspended");
  for (const { rates, echo } of CASES) {
    await at.node.start("rates", null, { runId: rates });
    await reached(at.node.run(rates), "stuck_nondeterminism");
    await at.node.start("echo", { wait: "go" }, { runId: echo });
    await reached(at.node.run(echo), "suspended");
  }
  await at.node.close();
  await at.folder.write({ "new/rates.ts": MENDED });
  const workflows = ["new/rates.ts", "echo.ts", "long.ts"].map((path) => at.folder.url + path);
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

/** Each journey, and the runs that it is about. */
const CASES: readonly {
  readonly name: string;
  readonly javaScriptEnabled: boolean;
  readonly rates: string;
  readonly echo: string;
}[] = [
  { name: "with its script", javaScriptEnabled: true, rates: "rates-1", echo: "echo-1" },
  { name: "without JavaScript", javaScriptEnabled: false, rates: "rates-2", echo: "echo-2" },
];

const opened = new AsyncDisposableStack();
let shop: Scene;
let served: Served;

if (hasChromium) {
  Deno.test.beforeAll(async () => {
    shop = opened.use(await openShop());
    served = opened.use(serveObserved(shop.node));
  });
  Deno.test.afterAll(async () => await opened.disposeAsync());
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
async function mendRun(page: Page, id: string): Promise<void> {
  await page.goto(served.url);
  await says(page, ".tile", /[12]\s*parked/);
  await press(page, id);
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
  await says(page, ".note", new RegExp(`${id} was moved: version [0-9a-f]{7}`));
}

/** What a person does to end a run. */
async function cancelRun(page: Page, id: string): Promise<void> {
  await page.goto(served.url);
  await page.getByLabel("Find a run by its id").fill(id);
  await page.getByLabel("Find a run by its id").press("Enter");
  await press(page, id);
  await says(page, ".line.here", "ctx.waitForSignal(input.wait)");
  await press(page, "Cancel");
  await page.getByLabel("Reason").fill("ordered twice");
  await press(page, "Cancel this run");
  await says(page, ".note", id);
}

browserTest("keys move among rows and pages, and never while someone types", async (open) => {
  const page = await open();
  await page.goto(served.url);
  const keys = async (...pressed: readonly string[]) => {
    for (const key of pressed) await page.keyboard.press(key);
  };
  await keys("g", "r");
  await says(page, "h1", "Runs");
  await keys("j", "j", "k", "j", "x");
  assert.equal(await page.locator("tr[data-here]").count(), 1);
  assert.equal(await page.locator("tr[data-here] th").textContent(), "rates-2");
  assert.deepEqual(await page.locator("tr:has(:checked) th").allTextContents(), ["rates-2"]);
  await keys("/", "j", "?", "g", "v");
  assert.equal(await page.getByRole("searchbox").inputValue(), "j?gv");
  await keys("Escape", "o");
  await says(page, "h1", "rates-2");
  await press(page, "Copy");
  assert.equal(await page.evaluate("String(getSelection())"), "rates-2", "also on plain HTTP");
  await keys("?");
  await says(page, "#keys", "Find a run by its id");
  await keys("Control+g", "v", "g", "v");
  await says(page, "h1", "Versions");
});

for (const { name, javaScriptEnabled, rates, echo } of CASES) {
  const pageOf = (open: OpenPage) => open({ javaScriptEnabled });

  browserTest(
    `a parked run is found, understood, moved and watched to its end, ${name}`,
    async (open) => {
      const { node } = shop;
      const page = await pageOf(open);
      await mendRun(page, rates);
      await reached(node.run(rates), "suspended");
      if (javaScriptEnabled) await page.evaluate("globalThis.same = true");
      else await page.reload();
      await says(page, ".run-state", /suspended\s*waits for signal publish/);
      await says(page, ".line.here", `ctx.waitForSignal("publish")`);
      await node.run(rates).signal("publish");
      assert.equal(await resultOf(node.run(rates)), 10);
      if (!javaScriptEnabled) await page.reload();
      await says(page, ".run-state", "completed");
      await says(page, ".value", "10");
      if (javaScriptEnabled) {
        assert(await page.evaluate("globalThis.same"), "it was not loaded anew");
      }
      await page.goto(`${served.url}audit?run=${rates}`);
      await says(page, "tbody tr", /run\.upgrade.*1\.0\.0 fetches by itself/s);
    },
  );

  browserTest(`a run is cancelled with a reason, ${name}`, async (open) => {
    const page = await pageOf(open);
    await cancelRun(page, echo);
    await reached(shop.node.run(echo), "cancelled");
    if (!javaScriptEnabled) await page.reload();
    await says(page, ".run-state", "cancelled");
    await page.goto(`${served.url}audit?run=${echo}`);
    await says(page, "tbody tr", /run\.cancel.*ordered twice/s);
  });
}

browserTest("a run of 2,000 effects is slid to any of its events", async (open) => {
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
  const page = await open({ javaScriptEnabled: false });
  await page.goto(`${served.url}runs/long-1/timeline`);
  await page.getByRole("slider").fill("12");
  await press(page, "Show");
  await says(page, ".travel-said", "After event 12 of 2,000");
  await press(page, "One event back");
  await says(page, ".travel-said", "After event 11 of 2,000");
  await press(page, "All events");
  await says(page, ".travel-said", "Now");
});

browserTest("colours follow the system, or what the viewer has chosen", async (open) => {
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
