/**
 * Pages over what is hostile in every place that people or code can write to: ids, names, labels,
 * values, errors, attributes, source, reasons, queries.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "parse5";
import { parametersOf } from "../../src/observer/route_parameters.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { observe } from "./observed.ts";
import { attribute, type Element, elements, text } from "./pages.ts";

/** Breaks out of texts, attributes, titles, raw text and comments, where nothing escapes it. */
const EVIL =
  `"'><img src=x onerror=alert(1)><script>alert(1)</script></title></textarea></pre><!--`;

const WORKFLOW = source(
  `ctx.setStatus({ [input]: input });
await ctx.run(input, () => input); // </pre><script>alert(1)</script> \u202e
await ctx.run("fails", () => { throw new Error(input); }, { retry: { maxAttempts: 2, initial: 1 } })
  .catch(() => {});
return await ctx.waitForSignal(input);`,
  `{ name: ${JSON.stringify(`w ${EVIL}`)}, version: ${JSON.stringify(`v ${EVIL}`.slice(0, 60))} }`,
);

/** What no page has, whatever it shows. */
function foreign(page: string): string[] {
  const found = [...elements(parse(page), "<script>"), ...everyElement(page)].flatMap((element) => {
    const wrong = element.attrs.filter(({ name, value }) =>
      name.startsWith("on") || name === "style" ||
      (/^(?:href|src|action|formaction)$/.test(name) && !/^(?:[#?.\/]|https:\/\/)/.test(value))
    ).map(({ name, value }) => `${element.tagName} ${name}=${value}`);
    const isForeign = /^(?:img|iframe|object|embed|style|base)$/.test(element.tagName) ||
      element.tagName === "script" && (text(element) !== "" || attribute(element, "src") === null);
    return isForeign ? [...wrong, element.tagName] : wrong;
  });
  return [...new Set(found)];
}

function everyElement(page: string): Element[] {
  const tags = new Set(
    [...page.matchAll(/<([a-zA-Z][a-zA-Z0-9]*)/g)].map(([, tag]) => tag!.toLowerCase()),
  );
  return [...tags].flatMap((tag) => elements(page, `<${tag}>`));
}

forEachDatabase("pages over hostile texts", (database, test) => {
  test("no page has an element, a handler or a link that a text has brought", async () => {
    await using at = await scene(database, { "evil '<b>.ts": WORKFLOW });
    const name = `w ${EVIL}`;
    const id = `o ${EVIL} ../..`;
    const run = await at.node.start(name, EVIL, { runId: id, attributes: { who: EVIL } });
    await reached(run, "suspended");
    const { hash } = (await run.status()).version;
    await at.node.schedules.create({ id, workflow: name, every: "365d", input: EVIL });
    const observed = observe(at.node);
    const params: Readonly<Record<string, string>> = {
      ...{ id, hash, name: "input", event: "0", position: "0" },
    };
    const queries: readonly Readonly<Record<string, string>>[] = [
      {},
      { a: hash, b: hash, effect: "0", state: "any", id: EVIL },
      { a: id, b: id, workflow: name },
      { at: "1", name: EVIL, cursor: EVIL, said: EVIL },
      { member: EVIL, group: EVIL, open: EVIL },
      { kind: EVIL, since: EVIL, code: EVIL, attribute: EVIL, page: EVIL },
    ];
    let pages = 0;
    for (const route of ROUTES) {
      const { path, kind } = route;
      const known = parametersOf(route).map((parameter) => parameter.name);
      const filled = path.replace(
        /:(\w+)/g,
        (_, param) => encodeURIComponent(params[param] ?? EVIL),
      );
      for (const all of queries) {
        const given = Object.entries(all).filter(([name]) => known.includes(name));
        const query = given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
        const answer = await observed.ask(filled + query);
        if (!answer.headers.get("content-type")?.startsWith("text/html")) {
          await answer.body?.cancel();
          continue;
        }
        const isShown = kind === "page" && query === "";
        assert(isShown ? answer.ok : answer.status < 500, `${path}${query}: ${answer.status}`);
        assert.deepEqual(foreign(await answer.text()), [], `${path}${query}`);
        pages++;
      }
    }
    assert(pages > 50, `${pages} pages were looked at`);
    const timeline = await observed.page(`/runs/${encodeURIComponent(id)}/timeline`);
    assert.equal(text(elements(timeline, "<h1>")[0]!), id);
    const code = await observed.page(`/runs/${encodeURIComponent(id)}/source`);
    const lines = elements(code, "text").map(text);
    const shown = lines.find((line) => line.startsWith("await ctx.run(input,"));
    assert.match(
      shown!,
      /<\/pre><script>alert\(1\)<\/script> \\u202e/,
      `visible, and not turned: ${lines}`,
    );
  });
});
