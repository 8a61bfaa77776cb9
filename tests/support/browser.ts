/**
 * Chromium for tests, where the machine has one. All tests of a file share one browser; each has
 * pages of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { CHROMIUM, findChromium, startChromium } from "./chromium.ts";

/** Whether the machine has a Chromium; a test without one says how to get it. */
export const hasChromium: boolean = await findChromium();
if (!hasChromium) {
  // deno-lint-ignore no-console -- who runs the tests has to know
  console.warn(`Skipping tests in a browser: found no ${CHROMIUM}; apt-get install chromium`);
}

/** How long a page may take to say something, in milliseconds. */
const DEADLINE_MS = 60_000;

/** Opens a page in a profile of its own. */
export type OpenPage = (options?: BrowserContextOptions) => Promise<Page>;

let shared: Browser | null = null;

if (hasChromium) {
  Deno.test.beforeAll(async () => {
    shared = await startChromium();
  });
  Deno.test.afterAll(async () => await shared?.close());
}

/**
 * Registers a test in a browser. It fails, too, if a page reports an error of its script, or something
 * that its security policy has forbidden.
 *
 * @param name Its name.
 * @param test The test.
 */
export function browserTest(name: string, test: (open: OpenPage) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasChromium,
    // What tests of a file share outlives each of them.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using stack = new AsyncDisposableStack();
      const faults: string[] = [];
      await test(async (options = {}) => {
        const context = await shared!.newContext({ reducedMotion: "reduce", ...options });
        stack.defer(() => context.close());
        context.setDefaultTimeout(DEADLINE_MS);
        const page = await context.newPage();
        page.on("pageerror", (error) => faults.push(String(error)));
        page.on("console", (message) => {
          const isFault = message.type() === "error" && !/Failed to load/.test(message.text());
          if (isFault) faults.push(message.text());
        });
        return page;
      });
      assert.deepEqual(faults, []);
    },
  });
}
