// alone: its observers are open before the first test and after the last
/**
 * Live updates in a browser, on a clock that the test moves: how often a page looks, when it does not,
 * and what an update leaves as it is.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { observer, RIGHTS } from "../../src/observer/mod.ts";
import { browserTest, hasChromium, type OpenPage } from "../support/browser.ts";
import { POSTGRES } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";
import { type Scene, scene } from "../support/scene.ts";
import { type Served, serveObserved } from "./observed.ts";

const opened = new AsyncDisposableStack();
let set: Scene;
let served: Served;

if (hasChromium) {
  Deno.test.beforeAll(async () => {
    set = opened.use(await scene(POSTGRES));
    served = opened.use(serveObserved(set.node));
  });
  Deno.test.afterAll(async () => await opened.disposeAsync());
}

/** How finely the clock is moved, in milliseconds. */
const STEP = 500;

/** A page whose clock stands still until the test moves it. */
class Watched {
  readonly page: Page;
  #looks = 0;

  constructor(page: Page) {
    this.page = page;
    page.on("request", (request) => {
      const isLook = request.resourceType() === "fetch";
      if (isLook) this.#looks++;
    });
  }

  async open(path: string, url: string = served.url): Promise<void> {
    await this.page.clock.install({ time: Date.now() });
    await this.page.goto(url + path.slice(1));
    await this.page.clock.pauseAt(Date.now() + 3_600_000);
    await this.page.reload();
    this.#looks = 0;
  }

  /**
   * Moves the clock until the page looks, and waits until it has seen the answer.
   *
   * @returns After how many milliseconds it looked; `null`: not within a time.
   */
  async nextLook(within = 60_000): Promise<number | null> {
    const looks = this.#looks;
    for (let at = STEP; at <= within; at += STEP) {
      await this.page.clock.runFor(STEP);
      await this.page.evaluate("0"); // what was sent before it is known now
      if (this.#looks === looks) continue;
      await this.says(/looked 0ms ago|^held/);
      return at;
    }
    return null;
  }

  async says(text: string | RegExp): Promise<void> {
    await this.page.locator("[data-status]").filter({ hasText: text }).waitFor();
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  /** What the script sees when a person goes to another tab, or comes back. */
  async hide(isHidden: boolean): Promise<void> {
    await this.page.evaluate(`
      Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));`);
  }
}

/** A run that waits, and its page. */
async function waiting(open: OpenPage, runId: string): Promise<Watched> {
  await reached(await set.node.start("echo", { wait: "go" }, { runId }), "suspended");
  const watched = new Watched(await open());
  await watched.open(`/runs/${runId}`);
  return watched;
}

browserTest(
  "a page looks more seldom while nothing changes, and soon again once it does",
  async (open) => {
    const watched = await waiting(open, "still");
    const waits: (number | null)[] = [];
    for (let look = 0; look < 10; look++) waits.push(await watched.nextLook());
    assert.deepEqual(waits, [2000, 2000, 3000, 4500, 7000, 10_500, 15_500, 23_000, 30_000, 30_000]);
    await set.node.run("still").signal("other");
    await watched.nextLook();
    await watched.page.getByText("other × 1").waitFor();
    assert.equal(await watched.nextLook(), 2000);
  },
);

browserTest("a paused page looks no more, and at once when it is resumed", async (open) => {
  const watched = await waiting(open, "paused");
  await watched.nextLook();
  await watched.press("pause");
  await watched.says(/^paused/);
  await set.node.run("paused").signal("go", 1);
  await resultOf(set.node.run("paused"));
  assert.equal(await watched.nextLook(120_000), null, "it does not look");
  await watched.page.locator(".run-state").filter({ hasText: "suspended" }).waitFor();
  await watched.hide(true);
  await watched.hide(false);
  assert.equal(await watched.nextLook(120_000), null, "nor when its tab is shown again");
  await watched.press("resume");
  await watched.page.locator(".run-state").filter({ hasText: "completed" }).waitFor();
  assert.equal(await watched.page.locator("[data-status]").isVisible(), false, "it has ended");
  assert.equal(await watched.nextLook(120_000), null);
});

browserTest("a hidden page looks no more, and at once when it is shown", async (open) => {
  const watched = await waiting(open, "hidden");
  await watched.nextLook();
  await watched.hide(true);
  assert.equal(await watched.nextLook(120_000), null);
  await set.node.run("hidden").signal("other");
  await watched.hide(false);
  await watched.page.getByText("other × 1").waitFor();
});

browserTest(
  "a page that gets no answer says so, keeps what it shows, and looks on",
  async (open) => {
    const watched = await waiting(open, "cut");
    await watched.nextLook();
    await watched.page.context().setOffline(true);
    for (let at = 0; at < 10_000; at += STEP) await watched.page.clock.runFor(STEP);
    await watched.says(/no answer · last looked \d+s ago/);
    await watched.page.locator(".run-state").filter({ hasText: "suspended" }).waitFor();
    await watched.page.context().setOffline(false);
    await watched.nextLook();
    await watched.says(/^looked 0ms ago/);
  },
);

browserTest(
  "a page left open over a restart catches up, and loads the script of another release",
  async (open) => {
    await reached(await set.node.start("echo", { wait: "go" }, { runId: "kept" }), "suspended");
    const handler = observer(set.node, { access: () => ({ name: "ana", may: RIGHTS }) });
    let isOther = false;
    const serve = (port: number) =>
      Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
        if (isOther) { // tags of one release are unknown to another
          request = new Request(request.url, {
            headers: { accept: request.headers.get("accept")! },
          });
        }
        const answer = await handler(request);
        const isPage = answer.headers.get("content-type")?.startsWith("text/html");
        if (!isOther || !isPage) return answer;
        const page = (await answer.text()).replace(/observer\.\w+\.js/, "observer.0123456789ab.js");
        const { status, headers } = answer;
        headers.set("etag", `"other"`);
        return new Response(page, { status, headers });
      });
    let server = serve(0);
    const { port } = server.addr;
    const watched = new Watched(await open());
    const { page } = watched;
    await watched.open("/runs/kept", `http://127.0.0.1:${port}/`);
    await watched.nextLook();
    await server.shutdown();
    for (let at = 0; at < 10_000; at += STEP) await page.clock.runFor(STEP);
    await watched.says(/no answer · last looked \d+s ago/);
    await set.node.run("kept").signal("other");
    server = serve(port);
    await watched.nextLook();
    await page.getByText("other × 1").waitFor();
    await server.shutdown();
    isOther = true;
    server = serve(port);
    const reloaded = page.waitForEvent("load");
    for (let at = 0; at < 60_000; at += STEP) await page.clock.runFor(STEP);
    await reloaded;
    const script = page.locator("script[src$='observer.0123456789ab.js']");
    assert.equal(await script.count(), 1);
    await page.getByText("other × 1").waitFor();
    await server.shutdown();
  },
);

browserTest("a page whose session has ended says so, and keeps what it shows", async (open) => {
  await reached(await set.node.start("echo", { wait: "go" }, { runId: "out" }), "suspended");
  const login = Response.redirect("http://127.0.0.1:9/login", 303);
  const page200 = new Response("<!doctype html><title>Log in</title>", {
    headers: { "content-type": "text/html" },
  });
  for (const answer of [login, page200, new Response(null, { status: 401 })]) {
    let isIn = true;
    await using own = serveObserved(set.node, {
      access: () => isIn ? { name: "ana", may: [...RIGHTS] } : answer.clone(),
    });
    const watched = new Watched(await open());
    await watched.open("/runs/out", own.url);
    await watched.nextLook();
    isIn = false;
    for (let at = 0; at < 10_000; at += STEP) await watched.page.clock.runFor(STEP);
    await watched.says(/^signed out · last looked/);
    await watched.page.locator(".run-state").filter({ hasText: "suspended" }).waitFor();
    isIn = true;
    for (let at = 0; at < 30_000; at += STEP) await watched.page.clock.runFor(STEP);
    await watched.says(/^looked/);
    await watched.page.close();
  }
});

browserTest(
  "an update leaves what a person has opened, chosen, selected or is typing",
  async (open) => {
    const watched = await waiting(open, "typed");
    const { page } = watched;
    const more = page.locator(".menu");
    await more.locator("summary").click();
    await set.node.run("typed").signal("first");
    await watched.nextLook();
    await page.getByText("first × 1").waitFor();
    assert.equal(await more.getAttribute("open"), "", "the menu stays open");
    assert.equal(
      await page.evaluate("document.activeElement.tagName"),
      "SUMMARY",
      "and has the focus",
    );
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('.run-state'))");
    await set.node.run("typed").signal("second");
    await watched.nextLook();
    await watched.says("held while something is chosen or selected");
    assert.equal(await page.getByText("second × 1").count(), 0, "a selection is not taken away");
    await page.evaluate("getSelection().removeAllRanges()");
    await watched.nextLook();
    await page.getByText("second × 1").waitFor();
    await watched.open("/runs");
    await page.getByText("Narrow by workflow").click();
    await page.getByLabel("Id begins with").fill("ty");
    await page.getByRole("form", { name: "Filters" }).getByLabel("Workflow").focus();
    await page.getByLabel("Choose typed").check();
    await reached(await set.node.start("echo", { wait: "go" }, { runId: "newer" }), "suspended");
    await watched.nextLook();
    assert.equal(await page.getByRole("link", { name: "newer" }).count(), 0, "nor are chosen rows");
    await page.getByLabel("Choose typed").uncheck();
    await page.keyboard.press("j");
    const here = await page.locator("tr[data-here] th").textContent();
    await watched.nextLook();
    await page.getByRole("link", { name: "newer" }).waitFor();
    assert.equal(await page.getByLabel("Id begins with").inputValue(), "ty");
    assert.equal(
      await page.locator("tr[data-here] th").textContent(),
      here,
      "the row, not its place",
    );
    assert.equal(await page.locator("tbody tr:first-child th").textContent(), "newer");
  },
);
