// alone: its observers are open before the first test and after the last
/**
 * The observer by the keyboard alone, in a browser: no mouse is needed for anything.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, hasChromium } from "../support/browser.ts";
import { POSTGRES } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { type Scene, scene } from "../support/scene.ts";
import { type Served, serveObserved } from "./observed.ts";

const opened = new AsyncDisposableStack();
let set: Scene;
let served: Served;

if (hasChromium) {
  Deno.test.beforeAll(async () => {
    set = opened.use(await scene(POSTGRES));
    for (const runId of ["r-1", "r-2"]) {
      await reached(await set.node.start("echo", { wait: "go" }, { runId }), "suspended");
    }
    served = opened.use(serveObserved(set.node));
  });
  Deno.test.afterAll(async () => await opened.disposeAsync());
}

/** What has the focus: its text, or what it is called. */
async function focused(page: Page): Promise<string> {
  return await page.evaluate(`(() => {
    const { activeElement: at } = document;
    const text = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
    return text.replace(/\\s+/g, " ").trim();
  })()`);
}

/** Moves the focus on until something has it; every place on the way has to show that it has it. */
async function tabTo(page: Page, wanted: string): Promise<void> {
  const passed: string[] = [];
  // "Keys" is the last place of every page; beyond it is the browser's own window.
  while (passed.at(-1) !== "Keys") {
    await page.keyboard.press("Tab");
    const isSeen = await page.evaluate(
      "getComputedStyle(document.activeElement).outlineStyle !== 'none'",
    );
    assert(isSeen, `the focus is seen on ${await focused(page)}`);
    passed.push(await focused(page));
    if (passed.at(-1) === wanted) return;
  }
  assert.fail(`the focus never reaches ${wanted}: ${passed.join(", ")}`);
}

async function says(page: Page, part: string, text: string | RegExp): Promise<void> {
  await page.locator(part).filter({ hasText: text }).first().waitFor();
}

browserTest("a run is found, signalled and looked at by the keyboard alone", async (open) => {
  const page = await open();
  await page.goto(served.url);
  await tabTo(page, "Skip to the content");
  await page.keyboard.press("Enter");
  assert.match(page.url(), /#main$/);
  await tabTo(page, "2 suspended");
  await page.keyboard.press("Enter");
  await says(page, "h1", "Runs");
  await tabTo(page, "r-1");
  await page.keyboard.press("Enter");
  await says(page, ".run-state", "waits for signal");
  await tabTo(page, "Signal");
  await page.keyboard.press("Enter");
  await says(page, "h1", "Signal r-1");
  await tabTo(page, "Payload, as JSON (optional)");
  await page.keyboard.type("7");
  await tabTo(page, "Send the signal");
  await page.keyboard.press("Enter");
  await says(page, ".note", "The signal was delivered");
  await says(page, ".run-state", "completed");
  for (const tab of ["Timeline", "History", "Source", "Tree"]) {
    await tabTo(page, tab);
    await page.keyboard.press("Enter");
    await page.locator(".tabs [aria-current]").filter({ hasText: tab }).waitFor();
  }
});

browserTest("a menu opens and closes by keys, and gives the focus back", async (open) => {
  const page = await open();
  await page.goto(`${served.url}runs/r-2`);
  const menu = page.locator(".menu");
  await tabTo(page, "More");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await menu.getAttribute("open"), "");
  await page.keyboard.press("Escape");
  assert.equal(await menu.getAttribute("open"), null);
  assert.equal(await focused(page), "More");
  await page.keyboard.press("Enter");
  await tabTo(page, "Overview"); // the first tab of the run
  assert.equal(await menu.getAttribute("open"), null, "it closes when the focus leaves it");
});

browserTest("times are shown in the zone of the browser after two presses", async (open) => {
  const page = await open({ timezoneId: "Asia/Tokyo" });
  await page.goto(`${served.url}preferences`);
  await tabTo(page, "Use the zone of this browser: Asia/Tokyo");
  await page.keyboard.press("Enter");
  await tabTo(page, "Keep");
  await page.keyboard.press("Enter");
  await page.locator(".foot").filter({ hasText: "Asia/Tokyo" }).waitFor();
  await page.goto(`${served.url}runs/r-2`);
  assert.match((await page.locator("time").first().getAttribute("title"))!, /GMT\+9$/);
});
