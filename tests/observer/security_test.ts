/**
 * What holds for every answer and for every action: tried on each route, so that a new one can't be
 * forgotten.
 *
 * @module
 */

import assert from "node:assert/strict";
import { observer, RIGHTS } from "../../src/observer/mod.ts";
import type { Route } from "../../src/observer/route.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { serveObserver } from "../../src/observer/standalone.ts";
import { POSTGRES } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene } from "../support/scene.ts";

const HOST = "observer.test";

const FORM = "application/x-www-form-urlencoded";

/** The policy of every answer: nothing inline, nothing from elsewhere, no frame. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
  "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Holds an answer to the headers that each has. */
function checkHeaders({ headers, status }: Response, text: string, what: string): void {
  assert.equal(headers.get("content-security-policy"), POLICY, what);
  assert.equal(headers.get("x-content-type-options"), "nosniff", what);
  assert.equal(headers.get("referrer-policy"), "no-referrer", what);
  assert.equal(headers.get("x-frame-options"), "DENY", what);
  assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", what);
  const caches = what.includes("/assets/") && status === 200
    ? "public, max-age=31536000, immutable"
    : "no-store";
  assert.equal(headers.get("cache-control"), caches, what);
  assert.equal(headers.get("access-control-allow-origin"), null, what);
  if (text === "") return;
  const type = headers.get("content-type") ?? "";
  if (/^text\/html/.test(type)) {
    assert.doesNotMatch(
      text,
      /<style|<script(?![^>]* src=)|<[a-z][^<>"]* (?:style|on[a-z]+)=/,
      what,
    );
  } else if (status === 200) {
    const isData = /^application\/json|^text\/(?:css|javascript|plain)|^image\//.test(type);
    const isKept = /^attachment; filename="[\w.-]+"$/.test(
      headers.get("content-disposition") ?? "",
    );
    assert(isData || isKept, `${what} is ${type}`);
  }
}

/** The path of a route, with a run's id in place of each parameter. */
function pathOf({ path }: Route): string {
  return path.replace(":name", "input").replaceAll(/:\w+/g, "r-1");
}

/** A node with a run that waits. */
async function waiting() {
  const set = await scene(POSTGRES);
  await set.node.start("echo", { wait: "go" }, { runId: "r-1" });
  await reached(set.node.run("r-1"), "suspended");
  return set;
}

Deno.test("HEADERS-1: every answer has them: pages, data, files, errors, redirects, assets", async () => {
  await using set = await waiting();
  const everyone = () => ({ name: "ana", may: [...RIGHTS] });
  const none = observer(set.node, { access: () => null });
  const reader = observer(set.node, { access: () => ({ name: "ben", may: ["read"] }) });
  const broken = observer(set.node, {
    access: () => {
      throw new Error("no directory");
    },
  });
  const all = observer(set.node, { access: everyone });
  const statuses = new Set<number>();
  const ask = async (
    handle: typeof all,
    path: string,
    method: string,
    headers: Record<string, string> = {},
  ) => {
    const answer = await handle(
      new Request(`http://${HOST}${path}`, { method, headers: { host: HOST, ...headers } }),
    );
    checkHeaders(answer, await answer.text(), `${answer.status} ${method} ${path}`);
    statuses.add(answer.status);
    return answer;
  };
  const own = { "content-type": FORM, "sec-fetch-site": "same-origin" };
  for (
    const path of [...ROUTES.map(pathOf), "/none", "/assets/none.js", "/%ff", "//evil.example/"]
  ) {
    for (const accept of ["text/html", "application/json"]) {
      const { headers } = await ask(all, path, "GET", { accept });
      const tag = headers.get("etag");
      if (tag !== null) await ask(all, path, "GET", { accept, "if-none-match": tag });
      await ask(none, path, "GET", { accept });
    }
    await ask(all, path, "HEAD", { accept: "text/html" });
    await ask(reader, path, "GET", { accept: "text/html" });
    await ask(reader, path, "POST", own);
    await ask(all, path, "POST", own);
    const refused = await ask(all, path, "PUT", own);
    if (refused.status === 405) {
      assert.match(
        refused.headers.get("allow")!,
        /^GET, HEAD(?:, POST)?$/,
      );
    }
  }
  await ask(all, "/runs/", "GET", { accept: "text/html" });
  await ask(all, "/runs", "OPTIONS", { origin: "https://evil.example" });
  await ask(all, "/runs", "GET", { "continuum-api": "9" });
  await ask(broken, "/", "GET", { accept: "text/html" });
  const page =
    await (await all(new Request(`http://${HOST}/`, { headers: { accept: "text/html" } })))
      .text();
  const files = [...page.matchAll(/"\.\/(assets\/[^"]+)"/g)].map(([, path]) => `/${path}`);
  assert.equal(files.length, 3);
  for (const file of files) for (const method of ["GET", "HEAD"]) await ask(none, file, method);
  assert.deepEqual(
    [200, 303, 304, 308, 401, 403, 404, 405, 406, 500].filter((status) => !statuses.has(status)),
    [],
    `${[...statuses]}`,
  );
});

Deno.test("HEADERS-1: the answers of the door of an observer of its own have them, too", async () => {
  await using set = await waiting();
  await using served = serveObserver(set.node, { hostname: "127.0.0.1", port: 0, by: "ana" });
  const ask = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(url, { redirect: "manual", headers });
    checkHeaders(answer, await answer.text(), `${answer.status} ${url}`);
    return answer.status;
  };
  assert.equal(await ask(served.link), 303);
  assert.equal(await ask(served.link), 303, "used up, which the page after it says");
  assert.equal(await ask(`http://${served.address}/`), 401);
  const away = await fetch(`http://${served.address}//evil.example/?token=x`, {
    redirect: "manual",
  });
  await away.body?.cancel();
  assert.equal(away.headers.get("location"), "/evil.example/", "it leads to this server");
  const { hostname, port } = new URL(served.link);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(
    new TextEncoder().encode("GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"),
  );
  const answer = await new Response(connection.readable).text();
  assert.match(answer, /^HTTP\/1\.1 421/);
  assert.match(answer, /content-security-policy: default-src 'none'/i);
  assert.match(answer, /cache-control: no-store/i);
});

/** How a browser marks requests that another site makes it send. */
const FOREIGN: readonly Readonly<Record<string, string>>[] = [
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "cross-site", origin: `http://${HOST}` },
  { "sec-fetch-site": "same-site", origin: `http://${HOST}` },
  { "sec-fetch-site": "none" },
  { "sec-fetch-site": "" },
  { origin: "https://evil.example" },
  { origin: `http://${HOST}.evil.example` },
  { origin: `http://${HOST}@evil.example` },
  { origin: `http://${HOST}:81` },
  { origin: `http://sub.${HOST}` },
  { origin: "null" },
  { origin: "" },
];

Deno.test("CSRF-1: no action is done, and none is planned, for a request of another site", async () => {
  await using set = await waiting();
  const handle = observer(set.node, { access: () => ({ name: "ana", may: [...RIGHTS] }) });
  const post = async (path: string, type: string, headers: Readonly<Record<string, string>>) => {
    const { status, body } = await handle(
      new Request(`http://${HOST}${path}`, {
        method: "POST",
        headers: { host: HOST, "content-type": type, ...headers },
        body: type === "application/json" ? "{}" : "reason=x",
      }),
    );
    await body?.cancel();
    return status;
  };
  const actions = ROUTES.filter(({ kind }) => kind === "action").map(pathOf);
  assert(actions.length >= 20, `${actions}`);
  for (const path of [...actions, "/preferences"]) {
    for (const headers of FOREIGN) {
      for (const type of [FORM, "application/json"]) {
        assert.equal(await post(path, type, headers), 403, `${path} ${JSON.stringify(headers)}`);
      }
    }
    assert.equal(await post(path, FORM, {}), 403, `${path}: a form says where it comes from`);
    for (
      const type of ["text/plain", "multipart/form-data; boundary=x", "text/plain;application/json"]
    ) {
      const own = { "sec-fetch-site": "same-origin" };
      assert.equal(await post(path, type, own), 415, `${path} ${type}`);
    }
    const passes: Record<string, string>[] = [
      { "sec-fetch-site": "same-origin" },
      { origin: `http://${HOST}` },
    ];
    for (const headers of passes) {
      const status = await post(path, FORM, headers);
      assert(![401, 403, 415].includes(status), `${path} ${JSON.stringify(headers)}: ${status}`);
    }
  }
  const { operations } = await set.node.operations.list();
  assert.deepEqual(operations, [], "nothing was done");
  assert.equal((await set.node.run("r-1").status()).state, "suspended");
});
