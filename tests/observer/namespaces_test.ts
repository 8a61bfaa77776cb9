/**
 * Several namespaces in one observer: each has the same pages at an address of its own, and the rights
 * in each are held by the server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { type Right, RIGHTS } from "../../src/observer/mod.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { POSTGRES } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { type Scene, scene } from "../support/scene.ts";
import { readFromServer } from "../../src/operate/readings/server.ts";
import { observe, serveObserved } from "./observed.ts";
import { linksOf } from "./pages.ts";

/** A name that needs each kind of encoding. */
const ODD = "team/b ?'%(x)!";

const ODD_PATH = `/namespaces/${encodeURIComponent(ODD)}`;

/** A run in the client's own namespace, and one in each of two others. */
async function threeNamespaces(): Promise<Scene & { readonly other: Continuum }> {
  const set = await scene(POSTGRES);
  const { database, schema } = set.db;
  const stack = new AsyncDisposableStack();
  stack.use(set);
  const clients: Continuum[] = [];
  for (const namespace of [ODD, "team-c"]) {
    const client = stack.use(await Continuum.connect({ database, schema, namespace }));
    await client.start("echo", { wait: "go" }, { runId: `r-${clients.length}` });
    await reached(client.run(`r-${clients.length}`), "suspended");
    clients.push(client);
  }
  await reached(await set.node.start("echo", { wait: "go" }, { runId: "r-own" }), "suspended");
  return { ...set, other: clients[0]!, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("NAMESPACE-1: below its path a namespace has the same pages, and their links stay there", async () => {
  await using set = await threeNamespaces();
  const observed = observe(set.node);
  const ids = async (path: string) =>
    (await observed.json(path)).runs.map(({ id }: { readonly id: string }) => id);
  assert.deepEqual(await ids("/runs"), ["r-own"]);
  assert.deepEqual(await ids(`${ODD_PATH}/runs`), ["r-0"]);
  assert.deepEqual(await ids("/namespaces/default/runs"), ["r-own"]);
  assert.deepEqual(await ids("/namespaces/none/runs"), []);
  assert.equal((await observed.ask(`${ODD_PATH}/runs/r-own`)).status, 404);
  assert.equal((await observed.ask("/namespaces/%ff/runs")).status, 404);
  assert.equal((await observed.ask("/namespaces/a%00b/runs")).status, 400);
  const bare = await observed.ask(`${ODD_PATH}?said=x`);
  assert.deepEqual([bare.status, bare.headers.get("location")], [
    308,
    `${encodeURIComponent(ODD)}/?said=x`,
  ]);
  const from = new URL(`http://observer.test${ODD_PATH}/runs/r-0`);
  for (const mount of [undefined, "/ops"]) {
    const mounted = observe(set.node, mount === undefined ? {} : { path: mount });
    const start = `${mount ?? ""}${ODD_PATH}/`;
    const page = await mounted.page(`${start}runs/r-0`);
    const urls = [...page.matchAll(/ (?:href|src|action)="([^"#][^"]*)"/g)].map(([, url]) =>
      new URL(
        url!.replaceAll("&#39;", "'").replaceAll("&amp;", "&"),
        new URL(`${mount ?? ""}${from.pathname}`, from),
      )
    );
    assert(urls.length > 20);
    for (const { pathname } of urls) {
      assert(pathname.startsWith(start), `${pathname} below ${start}`);
    }
    const asset = urls.find(({ pathname }) => pathname.includes("/assets/"))!;
    assert.equal((await mounted.ask(asset.pathname)).status, 200);
  }
});

Deno.test("NAMESPACE-1: a deed is done in the namespace of its page, and is in its audit", async () => {
  await using set = await threeNamespaces();
  const entries: unknown[] = [];
  const observed = observe(set.node, { audit: ({ namespace }) => void entries.push(namespace) });
  const json = {
    ...await observed.json(`${ODD_PATH}/runs/r-0/terminate`),
    reason: "ordered twice",
  };
  const answer = await observed.json(`${ODD_PATH}/runs/r-0/terminate`, {
    json: { seen: json.seen, reason: json.reason },
  });
  assert.equal(answer.namespace, ODD);
  assert.equal((await set.other.run("r-0").status()).state, "terminated");
  const { operations } = await set.other.operations.list();
  assert.deepEqual(operations.map(({ action, namespace }) => [action, namespace]), [
    ["run.terminate", ODD],
  ]);
  assert.deepEqual(entries, [ODD]);
  const started = await observed.json(`${ODD_PATH}/start`, {
    json: {
      seen: (await observed.json(`${ODD_PATH}/start`)).seen,
      workflow: "echo",
      input: 1,
      id: "new",
    },
  });
  assert.equal(started.outcome.id, "new");
  await reached(set.other.run("new"), "completed");
});

Deno.test("the command line reads from an observer the namespace that is named", async () => {
  await using set = await threeNamespaces();
  await using served = serveObserved(set.node);
  const read = (namespace: string | undefined, url = served.url) =>
    readFromServer({
      url: new URL(url),
      token: undefined,
      namespace,
      signal: new AbortController().signal,
    })("runs.list", { filter: {} });
  const ids = async (...given: Parameters<typeof read>) =>
    (await read(...given)).runs.map(({ id }) => id);
  assert.deepEqual(await ids(undefined), ["r-own"]);
  assert.deepEqual(await ids(ODD), ["r-0"]);
  assert.deepEqual(await ids("team-c"), ["r-1"]);
  assert.deepEqual(await ids(undefined, `${served.url}namespaces/team-c`), ["r-1"]);
});

Deno.test("RIGHT-1: rights in single namespaces are held on every route of every other one", async () => {
  await using set = await threeNamespaces();
  const own: readonly Right[] = [...RIGHTS];
  const observed = observe(set.node, {
    access: () => ({ name: "ana", may: [], namespaces: { [ODD]: own, "team-c": ["read"] } }),
  });
  assert.equal((await observed.ask(`${ODD_PATH}/runs/r-0`)).status, 200);
  for (const { path, rights, kind, everywhere, anywhere } of ROUTES) {
    const filled = path.replaceAll(/:\w+/g, "r-1");
    for (
      const prefix of [
        "",
        "/namespaces/default",
        "/namespaces/none",
        "/namespaces/team-c",
        ODD_PATH,
      ]
    ) {
      const isRead = prefix === ODD_PATH || prefix === "/namespaces/team-c" && rights.length === 1;
      if (anywhere || isRead && !everywhere) continue;
      for (const method of kind === "action" ? ["GET", "POST"] : ["GET"]) {
        const form = method === "POST" ? { form: { seen: "x" } } : {};
        const headers = { accept: "application/json" };
        const answer = await observed.ask(prefix + filled, { method, headers, ...form });
        await answer.body?.cancel();
        assert.equal(answer.status, 403, `${method} ${prefix}${filled}`);
      }
    }
  }
  const { status, headers } = await observed.ask("/");
  assert.deepEqual([status, headers.get("location")], [303, "./namespaces"]);
  assert.match(await observed.page("/namespaces"), /team-c/);
  const { namespaces } = await observed.json("/namespaces");
  const named = namespaces.map(({ name }: { readonly name: string }) => name);
  assert.deepEqual(named, [ODD, "team-c"].sort(), "and no other name");
});

Deno.test("a page lists the namespaces that its viewer may look at, with the latest trouble of each", async () => {
  await using set = await threeNamespaces();
  await set.other.run("r-0").signal("go", "x");
  const fails = observe(set.node);
  const page = await fails.page("/namespaces");
  assert.deepEqual(linksOf(page, "team-c"), ["./namespaces/team-c"]);
  assert.equal(linksOf(page, ODD).length, 1);
  assert.deepEqual(linksOf(page, "default").at(-1), "./");
  const limited = observe(set.node, {
    access: () => ({ name: "ana", may: [...RIGHTS], namespaces: { "team-c": [] } }),
  });
  assert.doesNotMatch(await limited.page("/namespaces"), /team-c/);
  const single = observe(set.node, {
    access: () => ({ name: "ana", may: [], namespaces: { default: ["read"] } }),
  });
  const frame = await single.page("/runs");
  assert.match(frame, /<p class="namespace">/, "nothing to choose from");
});
