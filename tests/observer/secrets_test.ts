/**
 * Hostile texts in every place that an observer shows, and values that must not leave the server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defineActivity } from "../../src/workflow/mod.ts";
import { parametersOf } from "../../src/observer/route_parameters.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { segmentOf } from "../../src/base/url_segment.ts";
import { POSTGRES } from "../support/database.ts";
import { eventually, reached } from "../support/runs.ts";
import { type Scene, scene, source } from "../support/scene.ts";
import { observe, type Observed } from "./observed.ts";

/** A text that becomes an element, ends an attribute, a script, a comment, or a template. */
const HOSTILE = `<img src=x onerror=alert(1)>"'\`</script><svg/onload=alert(2)>--></textarea>\${1}`;

/** What no page may hold, unless it is escaped. */
const UNESCAPED = /<img|<svg\/|onerror=alert\(1\)>|<\/textarea>\$/i;

/** Stands in each value, and in nothing else. */
const SECRET = "s3cret-4111";

/** Uses every kind of value: input, status, attribute, step, signal, activity, error. */
const WORKFLOW = source(
  `
  ctx.setStatus({ [input.key]: input.secret });
  ctx.attributes.set({ [input.key]: input.secret });
  await ctx.run(input.name, () => ({ [input.key]: input.secret }));
  await ctx.waitForSignal(input.name);
  if (input.fail) throw Object.assign(new Error(input.secret + input.name), { note: input.secret });
  return await ctx.activity("fails", input);`,
  `{ name: "hostile", version: ${JSON.stringify(HOSTILE.slice(0, 60))} }`,
);

/** Pages do not depend on the database, and these tests read all of them. */

async function hostileScene(): Promise<Scene> {
  const fails = defineActivity(
    { name: "fails", retry: { maxAttempts: 100, initial: "1h", max: "1h" } },
    (input: { secret: string; name: string }, { heartbeat }) => {
      heartbeat({ secret: input.secret });
      throw new Error(input.secret + input.name);
    },
  );
  return await scene(POSTGRES, { "hostile.ts": WORKFLOW }, { activities: [fails] });
}

/** Runs that wait, fail, and whose activity fails. */
async function runsOf({ node }: Scene): Promise<readonly string[]> {
  const ids = ["waits", "failed", "retried"].map((word) => `${word}${HOSTILE}`);
  for (const [index, id] of ids.entries()) {
    const input = { key: `k${HOSTILE}`, secret: SECRET, name: HOSTILE, fail: index === 1 };
    await node.start("hostile", input, { runId: id, attributes: { secret: SECRET } });
    await reached(node.run(id), "suspended");
    if (index > 0) await node.run(id).signal(HOSTILE, { secret: SECRET });
  }
  await reached(node.run(ids[1]!), "failed");
  await eventually(
    async () => (await node.run(ids[2]!).status()).retrying.length > 0 || undefined,
    () => "failed attempt",
  );
  await node.schedules.create({
    workflow: "hostile",
    id: `s${HOSTILE}`,
    cron: "0 0 1 1 *",
    input: { secret: SECRET, key: "k", name: "n" },
  });
  return ids;
}

/** Every address that the routes have for these runs. */
async function pathsOf({ node }: Scene, ids: readonly string[]): Promise<string[]> {
  const { versions } = await node.versions.list({ workflow: "hostile" });
  const known: Readonly<Record<string, readonly string[]>> = {
    runs: ids,
    schedules: [`s${HOSTILE}`],
    versions: versions.map(({ hash }) => hash),
  };
  const query = new URLSearchParams({
    state: "any",
    id: HOSTILE,
    workflow: HOSTILE,
    a: ids[0]!,
    b: ids[1]!,
    like: ids[0]!,
    said: HOSTILE,
    name: HOSTILE,
    payload: HOSTILE,
    reason: HOSTILE,
    before: HOSTILE,
  });
  const paths = ROUTES.flatMap((route) => {
    const { path } = route;
    const names = parametersOf(route).map(({ name }) => name);
    const own = new URLSearchParams([...query].filter(([name]) => names.includes(name)));
    const [, first = ""] = path.split("/");
    if (!path.includes(":")) {
      return [path, `${path}?${own}`, ...names.includes("state") ? [`${path}?state=any`] : []];
    }
    return (known[first] ?? ids).flatMap((id) => {
      const filled = path.replace(":name", "input").replace(/:(?:event|position)/, "0")
        .replaceAll(/:\w+/g, () => segmentOf(id));
      return [filled, `${filled}?${own}`];
    });
  });
  return [...new Set(paths)];
}

async function each(
  observed: Observed,
  paths: readonly string[],
  hold: (text: string, path: string, status: number) => void,
): Promise<void> {
  for (const path of paths) {
    for (const accept of ["text/html", "application/json"]) {
      const answer = await observed.ask(path, { headers: { accept } });
      const type = answer.headers.get("content-type"); // some answer in one type, whatever is asked
      hold(await answer.text(), `${type} ${path}`, answer.status);
    }
  }
}

Deno.test("no text of a run, schedule or query becomes markup on any page", async () => {
  await using set = await hostileScene();
  const paths = await pathsOf(set, await runsOf(set));
  let shown = 0;
  await each(observe(set.node), paths, (text, path, status) => {
    assert(status < 500, `${status} ${path}: ${text.slice(-600)}`);
    if (path.startsWith("text/html")) {
      const found = UNESCAPED.exec(text);
      assert(found === null, `${path}: ${text.slice(found?.index, (found?.index ?? 0) + 200)}`);
      if (text.includes("&lt;img src=x")) shown++;
    }
  });
  assert(shown > 20, `the texts are on ${shown} pages`);
});

Deno.test("REDACTION-1: without the right payloads, no value of a run leaves the server", async () => {
  await using set = await hostileScene();
  const paths = await pathsOf(set, await runsOf(set));
  let seen = 0;
  await each(observe(set.node), paths, (text) => void (seen += Number(text.includes(SECRET))));
  assert(seen > 10, `with the right, the values are in ${seen} answers`);
  await each(observe(set.node, { without: ["payloads"] }), paths, (text, path) => {
    assert(
      !text.includes(SECRET),
      `${path}: ${text.slice(text.indexOf(SECRET) - 300, text.indexOf(SECRET) + 60)}`,
    );
  });
});

Deno.test("REDACTION-1: redact sees every value before it leaves, and one that throws hides it", async () => {
  await using set = await hostileScene();
  const paths = await pathsOf(set, await runsOf(set));
  const kinds = new Set<string>();
  const redact = observe(set.node, {
    redact: (value, at) => {
      kinds.add(at.kind);
      return JSON.parse(JSON.stringify(value).replaceAll(SECRET, "***"));
    },
  });
  await each(redact, paths, (text, path) => assert(!text.includes(SECRET), path));
  for (const kind of ["input", "error", "event", "status", "attributes"]) {
    assert(kinds.has(kind), `${kind} of ${[...kinds]}`);
  }
  const broken = observe(set.node, {
    redact: () => {
      throw new Error("no rule");
    },
  });
  await each(broken, paths, (text, path) => assert(!text.includes(SECRET), path));
});

Deno.test("without the right source, no line of code leaves the server", async () => {
  await using set = await hostileScene();
  const ids = await runsOf(set);
  const paths = [...await pathsOf(set, ids)];
  await each(observe(set.node, { without: ["source"] }), paths, (text, path) => {
    assert(!text.includes("waitForSignal"), path);
  });
});
