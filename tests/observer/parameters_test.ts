/**
 * What an address or a form may say: tried on every parameter of every route, so that a new one can't
 * be forgotten.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fieldsOfForm } from "../../src/observer/fields.ts";
import { Given } from "../../src/observer/parameters.ts";
import { timeParameter, ZONE } from "../../src/observer/time_parameters.ts";
import type { Route } from "../../src/observer/route.ts";
import { parametersOf } from "../../src/observer/route_parameters.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { READINGS } from "../../src/operate/readings/readings.ts";
import { readingPath } from "../../src/operate/readings/api.ts";
import { reached } from "../support/runs.ts";
import { scene } from "../support/scene.ts";
import { POSTGRES } from "../support/database.ts";
import { observe, type Observed } from "./observed.ts";

/** Parameters that take any text. */
const TEXTS = [
  ...[
    "a",
    "after",
    "as",
    "ask",
    "b",
    "before",
    "cursor",
    "delivery",
    "fingerprint",
    "group",
    "id",
    "key",
    "like",
  ],
  ...["member", "name", "open", "parent", "plan", "prefix", "reason", "run", "said", "seen"],
  ...["target", "to", "version", "with", "workflow", "job"],
];

/** What no other parameter takes. */
const NONSENSE = ["nonsense", "-1", "1.5", "0x10", " 1", "{", "2026-13-01", "2026-02-31", "1e3"];

/** What some take that is nonsense for all others. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  input: ["-1", "1.5", " 1", "1e3"],
  payload: ["-1", "1.5", " 1", "1e3"],
  delay: ["-1", "1.5", " 1", "1e3"],
  attributes: ["-1", "1.5", " 1", "1e3"],
  runs: ["-1", "1.5", " 1", "1e3"],
};

function pathOf({ path }: Route): string {
  return path.replace(":name", "input").replace(/:(?:event|position)/, "0").replaceAll(
    /:\w+/g,
    "r-1",
  );
}

/** Holds a route to refusing a query or a form, with the name of what is wrong. */
async function checkRefused(
  observed: Observed,
  path: string,
  method: string,
  given: readonly (readonly [string, string])[],
  name: string,
): Promise<void> {
  const entered = new URLSearchParams(given.map(([key, text]) => [key, text]));
  const form = Object.fromEntries([...entered.keys()].map((key) => [key, entered.getAll(key)]));
  const headers = { accept: name === "nonsense" ? "text/html" : "application/json" };
  const answer = method === "GET"
    ? await observed.ask(`${path}?${entered}`, { headers })
    : await observed.ask(path, { form, headers });
  const what = `${method} ${path}?${entered}`;
  const text = await answer.text();
  assert.equal(answer.status, 400, `${what}: ${text.slice(-600)}`);
  assert(text.includes(name), `${what} says which: ${text.slice(-600)}`);
  assert.match(text, /wanted /, what);
}

Deno.test("GIVEN-1: nothing in an address or a form is ignored or misread, on any route", async () => {
  await using set = await scene(POSTGRES);
  await reached(await set.node.start("echo", { wait: "go" }, { runId: "r-1" }), "suspended");
  const observed = observe(set.node);
  let tried = 0;
  for (const route of ROUTES.filter(({ kind }) => kind !== "data")) {
    const path = pathOf(route);
    for (const method of route.kind === "action" ? ["GET", "POST"] : ["GET"]) {
      await checkRefused(observed, path, method, [["nonsense", "1"]], "nonsense");
      for (const { name, many } of parametersOf(route)) {
        const wrong = TEXTS.includes(name)
          ? ["a\0b"]
          : ["a\0b", ...NONSENSE.filter((text) => !TAKEN[name]?.includes(text))];
        for (const text of wrong) {
          await checkRefused(observed, path, method, [[name, text]], `parameter ${name}`);
          tried++;
        }
        if (many) continue;
        await checkRefused(observed, path, method, [[name, "1"], [name, "1"]], name);
      }
    }
  }
  assert(tried > 300, `${tried} were tried`);
  assert.equal((await set.node.run("r-1").status()).state, "suspended");
});

Deno.test("GIVEN-1: every argument of every reading refuses what it can't be, by its name", async () => {
  await using set = await scene(POSTGRES);
  const observed = observe(set.node);
  const refused = async (path: string, args: unknown, name: string) => {
    const answer = await observed.ask(
      `${path}?${new URLSearchParams({ args: JSON.stringify(args) })}`,
    );
    const text = await answer.text();
    assert.equal(answer.status, 400, `${path} ${JSON.stringify(args)}: ${text}`);
    assert(text.includes(name), `${path} ${name}: ${text}`);
    assert.match(text, /wanted /, `${path} ${name}`);
  };
  for (const [name, { args }] of Object.entries(READINGS)) {
    const path = `/${readingPath(name)}`;
    await refused(path, { nonsense: 1 }, "nonsense");
    await refused(path, [], "arguments of reading");
    for (const key of Object.keys(args)) await refused(path, { [key]: [[]] }, key);
    const { status, body } = await observed.ask(`${path}?args=%7B`);
    await body?.cancel();
    assert.equal(status, 400, path);
  }
  const filter = ["states", "workflow", "version", "idPrefix", "parent", "forksOf", "attributes"]
    .concat("since", "until", "endedSince", "where", "nonsense");
  for (const key of filter) await refused("/api/runs.list", { filter: { [key]: [[]] } }, key);
});

Deno.test("a time of an address is read as it is written, and the next page keeps it", async () => {
  await using set = await scene(POSTGRES);
  const ids = Array.from(
    { length: 60 },
    (_, index) => ({ runId: `r-${index}`, input: { wait: "go" } }),
  );
  await set.node.startMany("echo", ids);
  const observed = observe(set.node);
  const count = async (query: string) => (await observed.json(`/runs?${query}`)).runs.length;
  for (
    const since of ["2h", "1d", "2026-01-31", "2026-01-31T12:00", "2026-01-31T12:00:00%2B02:00"]
  ) {
    assert.equal(await count(`since=${since}`), 50, since);
  }
  assert.equal(await count("until=2026-01-31"), 0);
  assert.equal(await count("since=9999-01-01"), 0);
  const page = await observed.page("/runs?since=2h");
  const [, older] = /href="([^"]+)" rel="next"/.exec(page)!;
  const next = older!.replaceAll("&amp;", "&").replace(/^\.\//, "/");
  const rest = await observed.json(next);
  assert.equal(rest.runs.length, 10, JSON.stringify(rest));
});

Deno.test("TIME-1: a time without a zone is in that of the address, not in the viewer's", () => {
  const at = timeParameter("since");
  const read = (since: string, zone = "") => {
    const fields = fieldsOfForm(new URLSearchParams({ since, zone }));
    const given = new Given(fields, [at, ZONE]);
    given.check();
    return given.one(at)!.toISOString();
  };
  assert.equal(read("2026-07-01 12:00"), "2026-07-01T12:00:00.000Z");
  assert.equal(read("2026-07-01 12:00:30", "Europe/Berlin"), "2026-07-01T10:00:30.000Z");
  assert.equal(read("2026-12-01", "Asia/Kathmandu"), "2026-11-30T18:15:00.000Z");
  assert.equal(read("2026-12-01 00:00:00 UTC", "Asia/Kathmandu"), "2026-12-01T00:00:00.000Z");
  assert.equal(read("2026-12-01T00:00Z", "Asia/Kathmandu"), "2026-12-01T00:00:00.000Z");
  assert.equal(read("2026-12-01T00:00-05:00", "Asia/Kathmandu"), "2026-12-01T05:00:00.000Z");
  // The clocks skip this hour, and repeat that one.
  assert.equal(read("2026-03-29T02:30", "Europe/Berlin"), "2026-03-29T01:30:00.000Z");
  assert.equal(read("2026-10-25T02:30", "Europe/Berlin"), "2026-10-25T00:30:00.000Z");
  for (const [since, zone] of [["2026-02-29", ""], ["2026-01-01T24:30", ""], ["2h", "Mars/Base"]]) {
    assert.throws(() => read(since!, zone), { code: "INVALID_ARGUMENT" });
  }
});

Deno.test("TIME-1: the form of a viewer with another zone puts it into the address", async () => {
  await using set = await scene(POSTGRES);
  const observed = observe(set.node);
  const zoned = { headers: { cookie: "continuum_zone=Europe%2FBerlin" } };
  const zoneIn = (page: string) =>
    /<input type="hidden" name="zone" value="([^"]*)">/.exec(page)?.[1];
  for (const path of ["/runs", "/audit"]) {
    assert.equal(zoneIn(await observed.page(path)), undefined, "UTC needs none");
    assert.equal(zoneIn(await observed.page(path, zoned)), "Europe/Berlin");
    const link = `${path}?since=2026-01-01&zone=Asia/Tokyo`;
    assert.equal(zoneIn(await observed.page(link, zoned)), "Asia/Tokyo", "that of the link");
  }
});
