/**
 * `deno task pictures`: makes `docs/images/` of a small shop: a picture of each page of the observer,
 * light and dark, on a screen and on a phone. It needs Chromium, and no server. Arguments name the
 * pictures to make; all when there are none.
 *
 * @module
 */

import { observer, RIGHTS } from "../src/observer/mod.ts";
import { openWorld, pagesOf } from "../tests/observer/world.ts";
import type { Page } from "playwright-core";
import { CHROMIUM, findChromium, startChromium } from "../tests/support/chromium.ts";

const FOLDER = new URL("../docs/images/", import.meta.url);

/** Pages that look like another one. */
const LEFT_OUT = ["runs_none", "run_retrying", "version_source", "version_patches", "upgrade_apply"]
  .concat("schedule", "repair", "start", "signal", "run_upgrade", "fork", "not_found");

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];

/** How often a page is asked for. */
const MOST_TRIES = 20;

if (!await findChromium()) throw new Error(`Cannot make pictures: found no ${CHROMIUM}`);
await using disposed = new AsyncDisposableStack();
const database = await Deno.makeTempDir({ prefix: "continuum_pictures_" });
disposed.defer(() => Deno.remove(database, { recursive: true }));
const world = disposed.use(await openWorld(`pglite:${database}`, "shop"));
const handle = observer(world.node, { access: () => ({ name: "ana", may: [...RIGHTS] }) });
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handle);
const browser = await startChromium();
try {
  const wanted = Object.entries(pagesOf(world)).filter(([name]) =>
    Deno.args.length === 0 ? !LEFT_OUT.includes(name) : Deno.args.includes(name)
  );
  await Deno.mkdir(FOLDER, { recursive: true });
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const page = await context.newPage();
  for (const [name, path] of wanted) {
    await open(
      page,
      `http://127.0.0.1:${server.addr.port}${path}`,
      name === "not_found" ? 404 : 200,
    );
    for (const viewport of SIZES) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const picture = await page.screenshot();
        await Deno.writeFile(
          new URL(`${name}_${viewport.width}_${colorScheme}.png`, FOLDER),
          picture,
        );
      }
    }
  }
} finally {
  await browser.close();
  await server.shutdown();
}

/** Opens a page; on a busy machine a reading may be late, and no picture shows that. */
async function open(page: Page, url: string, wanted: number): Promise<void> {
  for (let tries = 1;; tries++) {
    const status = (await page.goto(url))?.status();
    if (status === wanted && await page.getByText("could not be read in time").count() === 0) {
      return;
    }
    if (tries === MOST_TRIES) {
      throw new Error(`Cannot make a picture of ${url}: it answers ${status}`);
    }
  }
}
