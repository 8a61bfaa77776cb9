/**
 * The observer behind reverse proxies, with old clients, and over a restart of its server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { observer, type ObserverOptions, RIGHTS } from "../../src/observer/mod.ts";
import { serveObserver } from "../../src/observer/standalone.ts";
import { POSTGRES } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { type Scene, scene } from "../support/scene.ts";
import { observe } from "./observed.ts";
import { attribute, elements, fieldsOf, linksOf } from "./pages.ts";

type Handle = (request: Request) => Response | Promise<Response>;

const access = () => ({ name: "ana", may: RIGHTS });

/** A run whose id needs its path to be passed on as it is. */
const ID = "o/1 50%";

async function waiting(): Promise<Scene> {
  const set = await scene(POSTGRES);
  await reached(await set.node.start("echo", { wait: "go" }, { runId: ID }), "suspended");
  return set;
}

/** What a proxy does to the requests and answers that it passes on. */
interface Proxied {
  /** The path that browsers see, before that of the server behind. */
  readonly outer?: string;
  /** The path that it puts before what it passes on. */
  readonly inner?: string;
  /** Headers that it sets. */
  readonly sets?: Readonly<Record<string, string>>;
  /** Headers that it removes. */
  readonly drops?: readonly string[];
}

/** A reverse proxy: what a browser at `https://apps.example` gets from a handler behind it. */
function proxied(handle: Handle, { outer = "", inner = "", sets = {}, drops = [] }: Proxied) {
  return async (url: URL, init: RequestInit = {}): Promise<Response> => {
    assert.equal(url.origin, "https://apps.example", `${url} leads away from the proxy`);
    assert(`${url.pathname}/`.startsWith(`${outer}/`), `${url} leads away from ${outer}`);
    const headers = new Headers(init.headers);
    headers.set("host", "apps.example");
    if (init.method === "POST") headers.set("origin", url.origin);
    for (const name of drops) headers.delete(name);
    for (const [name, value] of Object.entries(sets)) headers.set(name, value);
    const path = `${inner}${url.pathname.slice(outer.length) || "/"}`;
    const answer = await handle(
      new Request(`http://10.0.0.7:8000${path}${url.search}`, { ...init, headers }),
    );
    // It buffers the whole answer, compresses it, and closes the connection.
    const body = new Blob([await answer.arrayBuffer()]);
    const passed = new Headers(answer.headers);
    passed.set("connection", "close");
    const tag = passed.get("etag");
    if (tag !== null) passed.set("etag", `W/${tag}`);
    const { status } = answer;
    return new Response([204, 303, 304, 308].includes(status) ? null : body, {
      status,
      headers: passed,
    });
  };
}

/** Walks through pages, and ends by cancelling the run, as a browser does. */
async function walk(pass: ReturnType<typeof proxied>, first: string, set: Scene): Promise<void> {
  const html = { accept: "text/html" };
  const open = async (url: URL) => {
    for (let redirects = 0;; redirects++) {
      const answer = await pass(url, { headers: html });
      if (answer.status < 300 || answer.status >= 400) {
        const page = await answer.text();
        assert.equal(answer.status, 200, `${url}: ${page}`);
        return { url, page, tag: answer.headers.get("etag")! };
      }
      assert(redirects < 3, `${url}: redirects without an end`);
      url = new URL(answer.headers.get("location")!, url);
    }
  };
  const overview = await open(new URL(first));
  const [script] = elements(overview.page, "<script>");
  const asset = await pass(new URL(attribute(script!, "src")!, overview.url));
  assert.match(asset.headers.get("content-type")!, /javascript/);
  await asset.body?.cancel();
  const runs = await open(new URL(linksOf(overview.page, "Runs")[0]!, overview.url));
  const run = await open(new URL(linksOf(runs.page, ID)[0]!, runs.url));
  assert.match(run.page, /o\/1 50%/);
  const same = await pass(run.url, { headers: { ...html, "if-none-match": run.tag } });
  assert.equal(same.status, 304, "a live page that has not changed is not sent again");
  const cancel = await open(new URL(linksOf(run.page, "Cancel")[0]!, run.url));
  const [form] = elements(cancel.page, "deed");
  const action = new URL(attribute(form!, "action") ?? "", cancel.url);
  const done = await pass(action, {
    method: "POST",
    headers: { ...html, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...fieldsOf(cancel.page), reason: "twice" }).toString(),
  });
  assert.equal(done.status, 303, await done.text());
  const after = await open(new URL(done.headers.get("location")!, action));
  assert.match(after.page, /asked to cancel/);
  await reached(set.node.run(ID), "cancelled");
}

/** By what a proxy does: how, and which options the observer has. */
const PROXIES: Readonly<
  Record<string, Proxied & { readonly first?: string; readonly options?: Partial<ObserverOptions> }>
> = {
  "passes everything on": {},
  "removes the path that the observer has": { outer: "/ops", options: { path: "/ops" } },
  "removes a path that the observer does not know": { outer: "/tools/ops" },
  "removes a path, and says so": {
    outer: "/team%20a",
    sets: { "x-forwarded-prefix": "/team%20a/", "x-forwarded-host": "apps.example:443, 10.0.0.7" },
    drops: ["host"],
    options: { trustProxy: true },
  },
  "removes a path before the observer's own, and says so": {
    outer: "/team",
    first: "/team/ops",
    sets: { "x-forwarded-prefix": "/team", "x-forwarded-host": "APPS.example" },
    options: { trustProxy: true, path: "/ops" },
  },
  "hides the host, where browsers say that a request is their page's own": {
    sets: { host: "10.0.0.7:8000", "sec-fetch-site": "same-origin" },
  },
  "names the usual port in the host": { sets: { host: "apps.example:443" } },
};

for (const [what, { first, options = {}, ...does }] of Object.entries(PROXIES)) {
  Deno.test(`behind a proxy that ${what}: pages, files, updates and forms work`, async () => {
    await using set = await waiting();
    const pass = proxied(observer(set.node, { access, ...options }), does);
    await walk(pass, `https://apps.example${first ?? `${does.outer ?? ""}/`}`, set);
  });
}

Deno.test("behind a proxy that adds a path, which the application removes again", async () => {
  await using set = await waiting();
  const handle = observer(set.node, { access });
  const mounted = (request: Request) => {
    const url = new URL(request.url);
    url.pathname = url.pathname.slice("/internal".length);
    return handle(new Request(url, request));
  };
  await walk(proxied(mounted, { inner: "/internal" }), "https://apps.example/", set);
});

Deno.test("a form behind a proxy that hides the host is refused, and the page says what to pass on", async () => {
  await using set = await waiting();
  const pass = proxied(observer(set.node, { access }), { sets: { host: "10.0.0.7:8000" } });
  const answer = await pass(new URL(`https://apps.example/runs/${encodeURIComponent(ID)}/cancel`), {
    method: "POST",
    headers: { accept: "text/html", "content-type": "application/x-www-form-urlencoded" },
    body: "reason=x",
  });
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /pass the header Host on, or to set X-Forwarded-Host/);
  assert.equal((await set.node.run(ID).status()).state, "suspended");
});

Deno.test("tags are known again in the forms that proxies give them", async () => {
  await using set = await waiting();
  const observed = observe(set.node);
  const tag = (await observed.ask("/runs")).headers.get("etag")!;
  const compressed = tag.replace(/"$/, '-gzip"');
  for (const known of [tag, `W/${tag}`, compressed, `W/${compressed}`, `"other", W/${tag}`]) {
    const answer = await observed.ask("/runs", { headers: { "if-none-match": known } });
    assert.equal(answer.status, 304, known);
  }
  for (const other of ['"other"', "W/", "", `${tag.slice(0, -2)}"`]) {
    const answer = await observed.ask("/runs", { headers: { "if-none-match": other } });
    assert.equal(answer.status, 200, other);
    await answer.body?.cancel();
  }
});

/** Sends bytes to a server, and reads all that it answers until it closes the connection. */
async function raw(address: string, request: string): Promise<string> {
  const { hostname, port } = new URL(`http://${address}`);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

Deno.test("a client of HTTP/1.0 gets whole pages, and is let in by a host that it names", async () => {
  await using set = await waiting();
  const handle = observer(set.node, { access });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handle);
  const address = `127.0.0.1:${server.addr.port}`;
  const page = await raw(address, "GET /runs HTTP/1.0\r\nAccept: text/html\r\n\r\n");
  assert.match(page, /^HTTP\/1\.[01] 200 /);
  assert.doesNotMatch(page, /transfer-encoding/i, "it does not know parts");
  assert.match(page, /<\/html>\s*$/);
  const json = await raw(address, "GET /runs HTTP/1.0\r\n\r\n");
  assert.match(json, /content-type: application\/json/i);
  const post = `POST /runs/${encodeURIComponent(ID)}/cancel HTTP/1.0\r\n` +
    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  assert.match(await raw(address, post), /^HTTP\/1\.[01] 200 [^]*"seen":/, "a plan");
  const foreign = post.replace("Content-Type", "Origin: http://evil.example\r\nContent-Type");
  assert.match(await raw(address, foreign), /^HTTP\/1\.[01] 403 /);

  await using own = serveObserver(set.node, { hostname: "127.0.0.1", port: 0, by: "ana" });
  const nameless = await raw(own.address, "GET / HTTP/1.0\r\n\r\n");
  assert.match(nameless, /^HTTP\/1\.[01] 421 [^]*is not reached by that name/);
  const named = await raw(own.address, `GET / HTTP/1.0\r\nHost: ${own.address}\r\n\r\n`);
  assert.match(named, /^HTTP\/1\.[01] 401 /);
});

Deno.test("a form that was open over a restart of the server does its deed", async () => {
  await using set = await waiting();
  const path = `/runs/${encodeURIComponent(ID)}/signal`;
  const form = { ...fieldsOf(await observe(set.node).page(path)), name: "go", payload: "1" };
  const restarted = observe(set.node);
  assert.equal((await restarted.ask(path, { form })).status, 303);
  await reached(set.node.run(ID), "completed");
});

Deno.test("ASSET-1: a page of another release gets the files of this one, for this time only", async () => {
  await using set = await scene(POSTGRES);
  const observed = observe(set.node);
  for (const [name, type] of [["observer.css", /css/], ["observer.js", /javascript/]] as const) {
    const other = await observed.ask(`/assets/${name.replace(".", ".0123456789ab.")}`);
    assert.equal(other.status, 200, name);
    assert.match(other.headers.get("content-type")!, type);
    assert.equal(other.headers.get("cache-control"), "no-store");
    await other.body?.cancel();
  }
  for (const name of ["observer.css", "other.0123456789ab.css", "observer.x.css"]) {
    const none = await observed.ask(`/assets/${name}`);
    assert.equal(none.status, 404, name);
    await none.body?.cancel();
  }
});
