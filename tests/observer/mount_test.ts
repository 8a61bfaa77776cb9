/**
 * The observer in the servers and frameworks of Deno: it stays below the path where it is mounted.
 *
 * Fresh is not on npm. In its place stands a double of the handlers that it documents: a function
 * from a context with `req` to a response, under a pattern.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Application } from "@oakserver/oak";
import { Hono } from "hono";
import { observer, type ObserverOptions, RIGHTS } from "../../src/observer/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene } from "../support/scene.ts";

type Handle = (request: Request) => Response | Promise<Response>;

/** What answers beside the observer. */
const OWN = "the application";

/** How each mounts the handler below `/ops`, in an application with a page of its own. */
const MOUNTS: Readonly<Record<string, (handle: Handle) => Handle>> = {
  "Deno.serve": (handle) => (request) =>
    new URL(request.url).pathname.startsWith("/ops") ? handle(request) : new Response(OWN),
  "a route of Hono": (handle) => {
    const app = new Hono().get("/", (context) => context.text(OWN));
    app.all("/ops/*", (context) => handle(context.req.raw));
    return (request) => app.fetch(request);
  },
  "Hono's mount, which removes the path": (handle) => {
    const app = new Hono().get("/", (context) => context.text(OWN)).mount("/ops", handle);
    return (request) => app.fetch(request);
  },
  "a handler of Fresh": (handle) => {
    const routes: readonly [string, (context: { readonly req: Request }) => ReturnType<Handle>][] =
      [
        ["/", () => new Response(OWN)],
        ["/ops{/*}?", ({ req }) => handle(req)],
      ];
    return (req) => {
      const route = routes.find(([pathname]) => new URLPattern({ pathname }).test(req.url));
      return route?.[1]({ req }) ?? new Response(null, { status: 404 });
    };
  },
  "oak": (handle) => {
    const app = new Application();
    app.use(async ({ request, response }, next) => {
      if (!request.url.pathname.startsWith("/ops")) return await next();
      const answer = await handle(request.source as unknown as Request);
      response.status = answer.status;
      response.headers = answer.headers;
      response.body = answer.body === null ? null : new Uint8Array(await answer.arrayBuffer());
    });
    app.use(({ response }) => void (response.body = OWN));
    return async (request) => {
      // oak's build for npm brings a Response that Deno.serve does not know.
      const { status, headers, body } = (await app.handle(request as never))!;
      return new Response(body as BodyInit | null, { status, headers: [...headers] });
    };
  },
};

/** Serves an application on a free port of this machine. */
function serve(handle: Handle): AsyncDisposable & { readonly origin: string } {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handle);
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const HTML = { accept: "text/html", "sec-fetch-site": "same-origin" };

/** The page at a URL, after its redirects. */
async function read(url: URL | string): Promise<string> {
  const answer = await fetch(url, { headers: HTML });
  const page = await answer.text();
  assert.equal(answer.status, 200, `${url}: ${page}`);
  return page;
}

/** Sends a form as a browser does, without following where it leads. */
async function post(url: URL, form: Readonly<Record<string, string>>): Promise<URL> {
  const headers = { ...HTML, origin: url.origin };
  const body = new URLSearchParams(form);
  const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual" });
  assert.equal(answer.status, 303, await answer.text());
  return new URL(answer.headers.get("location")!, url);
}

/** Where the links, assets and forms of a page lead. */
function targetsIn(page: string, url: URL | string): URL[] {
  return [...page.matchAll(/ (?:href|src|action|formaction)="([^"#]+)"/g)]
    .map(([, target]) => new URL(target!.replaceAll("&amp;", "&"), url));
}

function assertBelow(target: URL, mount: string): void {
  assert(`${target}`.startsWith(`${mount}/`), `${target} leads away from ${mount}`);
}

const access = () => ({ name: "ana", may: RIGHTS });

forEachDatabase("observer, mounted", (database, test) => {
  for (const [name, mounted] of Object.entries(MOUNTS)) {
    test(`${name}: links, assets, redirects and forms stay below the path`, async () => {
      await using set = await scene(database);
      await set.node.start("echo", { wait: "go" }, { runId: "r/1" });
      await reached(set.node.run("r/1"), "suspended");
      await using server = serve(mounted(observer(set.node, { path: "/ops", access })));
      const mount = `${server.origin}/ops`;
      assert.equal(await (await fetch(server.origin)).text(), OWN);

      const seen = new Set([mount, `${mount}/runs/r%2F1`]);
      for (const url of seen) { // a set gives what is added while it is walked
        const page = await read(url);
        for (const target of targetsIn(page, url)) {
          assertBelow(target, mount);
          const leads = !/\/(?:assets|bulk)\/|\/(?:export|preferences)$/.test(target.pathname);
          if (leads && seen.size < 6) seen.add(`${target}`);
        }
      }
      assert(seen.size === 6, [...seen].join(" "));

      const assets = targetsIn(await read(mount), mount)
        .filter(({ pathname }) => pathname.includes("/assets/"));
      assert(assets.length >= 3);
      for (const asset of assets) {
        const { status, body, headers } = await fetch(asset);
        await body?.cancel();
        assert.equal(status, 200, `${asset}`);
        assert.match(headers.get("content-type")!, /css|javascript|svg/);
      }

      const slash = await fetch(`${mount}/runs/?state=any`, { headers: HTML, redirect: "manual" });
      await slash.body?.cancel();
      assert.equal(slash.status, 308);
      const location = new URL(slash.headers.get("location")!, `${mount}/runs/?state=any`);
      assert.equal(`${location}`, `${mount}/runs?state=any`);

      const runs = `${mount}/runs?state=any`;
      const [, here] = /name="back" value="([^"]+)"/.exec(await read(runs))!;
      const back = await post(new URL(`${mount}/preferences`), { theme: "dark", back: here! });
      assert.equal(`${back}`, runs, "colours change on the page where they are chosen");

      const action = new URL(`${mount}/runs/r%2F1/cancel`);
      const [, tag] = /name="seen" value="([^"]+)"/.exec(await read(action))!;
      const form = { seen: tag!.replaceAll("&quot;", '"'), reason: "ordered twice" };
      const done = await post(action, form);
      assertBelow(done, mount);
      assert.match(await read(done), /ordered twice|cancel/i);
      await reached(set.node.run("r/1"), "cancelled");

      const foreign = await fetch(action, {
        method: "POST",
        headers: { ...HTML, "sec-fetch-site": "cross-site" },
        body: new URLSearchParams(form),
      });
      await foreign.body?.cancel();
      assert.equal(foreign.status, 403);
      assert.match(foreign.headers.get("content-security-policy")!, /default-src 'none'/);
    });
  }

  test("a path before the mount counts only if a trusted proxy says so", async () => {
    await using set = await scene(database);
    const behind = (options: Partial<ObserverOptions>) =>
      serve(observer(set.node, { path: "/ops", access, ...options }));
    await using trusting = behind({ trustProxy: true });
    await using wary = behind({});
    const headers = {
      accept: "text/html",
      "x-forwarded-prefix": "/team",
      "x-forwarded-host": "apps.example",
    };
    const own = { ...headers, origin: "https://apps.example" };
    for (
      const [{ origin }, prefix, status] of [
        [trusting, "/team", 303],
        [wary, "", 403],
      ] as const
    ) {
      const answer = await fetch(`${origin}/ops/runs`, { headers });
      const mount = `${origin}${prefix}/ops`;
      const targets = targetsIn(await answer.text(), `${mount}/runs`);
      assert(targets.length > 5);
      for (const target of targets) assertBelow(target, mount);
      const chosen = await fetch(`${origin}/ops/preferences`, {
        method: "POST",
        headers: own,
        body: new URLSearchParams({ theme: "dark", back: "runs" }),
        redirect: "manual",
      });
      await chosen.body?.cancel();
      assert.equal(chosen.status, status, "whether its Origin is the host that the browser sees");
      if (status !== 303) continue;
      assert.equal(chosen.headers.get("location"), `${prefix}/ops/runs`);
      const [cookie] = chosen.headers.getSetCookie();
      assert.match(cookie!, new RegExp(`Path=${prefix}/ops/(?:;|$)`, "i"));
    }
  });
});
