/**
 * Every kind of page in a browser: axe finds nothing in light and dark, and a phone scrolls no page
 * sideways.
 *
 * @module
 */

import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import type { Route } from "../../src/observer/route.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { browserTest } from "../support/browser.ts";
import { POSTGRES } from "../support/database.ts";
import { partOf } from "../support/thoroughness.ts";
import { serveObserved } from "./observed.ts";
import { FORMS, NOWHERE, openWorld, pagesOf, type World } from "./world.ts";

interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe finds, in words. */
async function findings(page: Page, rules: readonly string[] | null): Promise<string[]> {
  const options = {
    resultTypes: ["violations"],
    ...(rules === null ? {} : { runOnly: { type: "rule", values: rules } }),
  };
  const violations = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`,
  ) as Finding[];
  return violations.map(({ id, help, nodes }) =>
    [id, help, ...nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`)]
      .join("\n  ")
  );
}

/** An upgrade that no process drives any more: it was left after its first verdict. */
async function stoppedUpgrade({ node, current }: World): Promise<string> {
  const upgrade = node.runs.upgrade({ to: current, where: { id: "order-2204" } });
  for await (const _ of upgrade) break;
  const [job] = await node.runs.jobs();
  assert.equal(job!.state, "paused");
  return job!.id;
}

/** The page of a version that no node executes. */
async function deniedVersion({ node }: World): Promise<string> {
  const { versions: [rates] } = await node.versions.list({ workflow: "rates" });
  await node.versions.deny(rates!.hash, { reason: "it calls fetch" });
  return `/versions/${rates!.hash}`;
}

/** Puts another page in place of the one that is shown: axe and the styles are loaded only once. */
const SHOW = `async (url) => {
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = next.title;
  document.body.replaceWith(document.adoptNode(next.body));
  return answer.status;
}`;

/** How wide a page is, and how wide the window. */
const WIDTHS = "[document.documentElement.scrollWidth, innerWidth]";

browserTest(
  "axe finds nothing on any kind of page, and none scrolls sideways on a phone",
  async (open) => {
    await using db = await POSTGRES.fresh();
    await using world = await openWorld(db.database, db.schema);
    await using served = serveObserved(world.node);
    const resume = `/upgrade/resume?job=${await stoppedUpgrade(world)}`;
    const begin = `/upgrade/begin?to=${world.current}`;
    const version = `/versions/${world.old}`;
    const acts = [`${version}/activate`, `${version}/deny`, `${await deniedVersion(world)}/allow`];
    const { findings: [finding] } = await world.node.health();
    acts.push(`/health/acknowledge?fingerprint=${finding!.fingerprint}`);
    const paths = [...Object.values(pagesOf(world)), ...FORMS, resume, begin, ...acts];
    const page = await open();
    await page.goto(served.url);
    await page.evaluate(axe.source);
    const found: string[] = [];
    for (const path of partOf(paths)) {
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 1280, height: 800 });
      const status = await page.evaluate(
        `(${SHOW})(${JSON.stringify(served.url + path.slice(1))})`,
      );
      assert.equal(status, path === NOWHERE ? 404 : 200, path);
      for (const finding of await findings(page, null)) found.push(`${path} light: ${finding}`);
      await page.emulateMedia({ colorScheme: "dark" });
      for (const finding of await findings(page, ["color-contrast"])) {
        found.push(`${path} dark: ${finding}`);
      }
      await page.setViewportSize({ width: 390, height: 844 });
      const [width, room] = await page.evaluate(WIDTHS) as number[];
      if (width! > room!) found.push(`${path} is ${width} wide on a phone`);
    }
    assert.equal(found.length, 0, found.join("\n\n"));
    const isPage = ({ kind }: Route) => kind === "page" || kind === "action";
    const patterns = ROUTES.filter(isPage)
      .map(({ path }) => ({ path, pattern: new URLPattern({ pathname: path }) }));
    const visited = paths.map((path) => path.split("?")[0]!);
    const missed = patterns.filter(({ pattern }) =>
      !visited.some((pathname) => pattern.test({ pathname }))
    );
    assert.deepEqual(missed.map(({ path }) => path), [], "every kind of page was looked at");
  },
);
