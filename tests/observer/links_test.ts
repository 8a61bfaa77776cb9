/**
 * Every link and every form of every kind of page leads to a page that is there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type DefaultTreeAdapterTypes, parse } from "parse5";
import { ROUTES } from "../../src/observer/routes.ts";
import { POSTGRES } from "../support/database.ts";
import { observe } from "./observed.ts";
import { attribute, type Element, elements } from "./pages.ts";
import { FORMS, NOWHERE, openWorld, pagesOf } from "./world.ts";

type Document = DefaultTreeAdapterTypes.Document;

const PATTERNS = ROUTES.map(({ path }) => ({ path, pattern: new URLPattern({ pathname: path }) }));

/** What is new about an address: its route, and each of its parameters there. */
function factsOf({ pathname, searchParams }: URL): string[] {
  const [, elsewhere, path = pathname] = /^(\/namespaces\/[^/]+)(\/.*)$/.exec(pathname) ?? [];
  const route = PATTERNS.find(({ pattern }) => pattern.test({ pathname: path }))?.path ?? pathname;
  const where = elsewhere === undefined ? route : `elsewhere ${route}`;
  return [where, ...[...searchParams.keys()].map((name) => `${where}?${name}`)];
}

/** Where a form leads that is sent as it is shown. */
function sent(form: Element, base: string): URL {
  const url = new URL(attribute(form, "action")!, base);
  const isChosen = (field: Element) =>
    !["checkbox", "radio"].includes(attribute(field, "type") ?? "") ||
    attribute(field, "checked") !== null;
  for (const field of elements(form, "<input>").filter(isChosen)) {
    const name = attribute(field, "name");
    if (name !== null) url.searchParams.append(name, attribute(field, "value") ?? "");
  }
  for (const field of elements(form, "<select>")) {
    const options = elements(field, "<option>");
    const chosen = options.find((each) => attribute(each, "selected") !== null) ?? options[0];
    url.searchParams.append(attribute(field, "name")!, attribute(chosen!, "value") ?? "");
  }
  return url;
}

/** All that a page leads to by GET. */
function leadsTo(page: Document, base: string): URL[] {
  const hrefs = [...elements(page, "<a>"), ...elements(page, "<link>")]
    .map((each) => attribute(each, "href"));
  const sources = elements(page, "<script>").map((each) => attribute(each, "src"));
  const forms = elements(page, "<form>").filter((form) => attribute(form, "method") === "get");
  return [
    ...[...hrefs, ...sources].filter((to) => to !== null).map((to) => new URL(to, base)),
    ...forms.map((form) => sent(form, base)),
  ];
}

/** All that a page leads to by POST. */
function postsTo(page: Document, base: string): string[] {
  const forms = elements(page, "<form>").filter((form) => attribute(form, "method") === "post");
  return forms.flatMap((form) => [
    attribute(form, "action")!,
    ...elements(form, "<button>").map((button) => attribute(button, "formaction"))
      .filter((to) => to !== null),
  ]).map((to) => new URL(to, base).pathname);
}

Deno.test("every link, form and place on a page leads to what is there", async () => {
  await using db = await POSTGRES.fresh();
  await using world = await openWorld(db.database, db.schema);
  const observed = observe(world.node);
  const root = "http://observer.test";
  const queue = [...Object.values(pagesOf(world)), ...FORMS]
    .filter((path) => path !== NOWHERE)
    .map((path) => ({ url: new URL(path, root), from: "the test" }));
  const seen = new Set<string>();
  const posted = new Set<string>();
  const wrong: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { url, from } = next;
    const facts = factsOf(url);
    if (facts.every((fact) => seen.has(fact))) continue;
    for (const fact of facts) seen.add(fact);
    if (url.origin !== root) {
      wrong.push(`${from}: ${url} is elsewhere`);
      continue;
    }
    const answer = await observed.ask(url.pathname + url.search);
    const body = await answer.text();
    if (answer.status === 308) {
      queue.unshift({ url: new URL(answer.headers.get("location")!, url), from });
      continue;
    }
    if (answer.status !== 200) {
      wrong.push(`${from}: ${url.pathname}${url.search} is ${answer.status}`);
      continue;
    }
    if (!answer.headers.get("content-type")!.startsWith("text/html")) continue;
    const page = parse(body);
    const place = decodeURIComponent(url.hash.slice(1));
    const isThere = place === "" || idsOf(page).has(place);
    if (!isThere) wrong.push(`${from}: ${url.pathname}${url.search} has no place ${url.hash}`);
    const here = url.pathname + url.search;
    for (const to of leadsTo(page, url.href)) queue.push({ url: to, from: here });
    for (const path of postsTo(page, url.href)) posted.add(path);
  }
  for (const path of posted) {
    const { status, body } = await observed.ask(path, { form: {} });
    await body?.cancel();
    // Of a form without its fields: it says what is missing, or shows the plan again.
    if (![200, 303, 400, 422].includes(status)) wrong.push(`a form of ${path} is ${status}`);
  }
  assert.deepEqual(wrong, []);
  assert(seen.size > 100, `${seen.size} routes and parameters`);
});

function idsOf(page: Document): Set<string> {
  const ids = new Set<string>();
  const visit = (node: DefaultTreeAdapterTypes.Node) => {
    const id = "attrs" in node ? attribute(node, "id") : null;
    if (id !== null) ids.add(id);
    if ("childNodes" in node) node.childNodes.forEach(visit);
  };
  visit(page);
  return ids;
}
