/**
 * The observer as a handler of requests: who is let in, what is refused, and what every answer has.
 *
 * @module
 */

import assert from "node:assert/strict";
import { observer, type Right, RIGHTS } from "../../src/observer/mod.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene } from "../support/scene.ts";
import { observe } from "./observed.ts";

/** A path of a route, with an id in place of each parameter. */
function pathOf(path: string): string {
  return path.replaceAll(/:\w+/g, "r-1");
}

forEachDatabase("observer", (database, test) => {
  test("access has no default, and no one gets in whom it does not know", async () => {
    await using set = await scene(database);
    assert.throws(() => observer(set.node, {} as never), /option access of observer/);
    const closed = observe(set.node, { access: () => null });
    for (const { path } of ROUTES) {
      const answer = await closed.ask(pathOf(path));
      assert.equal(answer.status, 401, path);
      assert.doesNotMatch(await answer.text(), /echo/);
    }
    const away = new Response(null, { status: 302, headers: { location: "/login" } });
    assert.equal((await observe(set.node, { access: () => away }).ask("/")).status, 302);
    const wrong = observe(set.node, { access: () => ({ name: "ana", may: ["reed" as Right] }) });
    assert.equal((await wrong.ask("/")).status, 400, "a misspelt right opens nothing");
  });

  test("RIGHT-1: every route refuses a viewer who lacks one of its rights", async () => {
    await using set = await scene(database);
    await set.node.start("echo", { wait: "go" }, { runId: "r-1" });
    await reached(set.node.run("r-1"), "suspended");
    for (const { path, rights, kind } of ROUTES) {
      assert.equal(rights[0], "read", path);
      const methods = kind === "action" ? ["GET", "POST"] : ["GET"];
      for (const right of rights) {
        const observed = observe(set.node, { without: [right] });
        for (const method of methods) {
          const form = method === "POST" ? { form: { seen: "x", reason: "y" } } : {};
          const answer = await observed.ask(pathOf(path), { method, ...form });
          assert.equal(answer.status, 403, `${method} ${path} without ${right}`);
          await answer.body?.cancel();
        }
      }
    }
    assert.equal((await set.node.run("r-1").status()).state, "suspended");
  });

  test("rights in one namespace open nothing of the whole database", async () => {
    await using set = await scene(database);
    const limited = observe(set.node, {
      access: () => ({ name: "ana", may: [], namespaces: { default: [...RIGHTS] } }),
    });
    assert.equal((await limited.json("/")).fleet, null);
    assert.equal((await limited.ask("/runs")).status, 200);
    for (const { path, everywhere } of ROUTES) {
      if (everywhere) assert.equal((await limited.ask(pathOf(path))).status, 403, path);
    }
    const elsewhere = observe(set.node, {
      access: () => ({ name: "ana", may: [...RIGHTS], namespaces: { default: [] } }),
    });
    assert.equal((await elsewhere.ask("/runs")).status, 403);
  });

  test("HEADERS-1: every page forbids code in its text, frames, sniffing and caches", async () => {
    await using set = await scene(database);
    const observed = observe(set.node);
    for (const path of ["/", "/runs", "/runs/none", "/none"]) {
      const { headers } = await observed.ask(path);
      const policy = headers.get("content-security-policy")!;
      assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("cache-control"), "no-store");
    }
    const page = await observed.page("/");
    assert.doesNotMatch(page, / style=| on\w+=|<style|<script>/);
    const files = [...page.matchAll(/"\.\/(assets\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    assert.equal(files.length, 3);
    for (const file of files) {
      const answer = await observe(set.node, { access: () => null }).ask(file);
      assert.equal(answer.status, 200, file);
      assert.match(answer.headers.get("cache-control")!, /immutable/);
    }
  });

  test("the JSON of a path is what its page shows, and errors are as the command line's", async () => {
    await using set = await scene(database);
    const observed = observe(set.node);
    await set.node.start("echo", { wait: "go" }, { runId: "r/1?%" });
    await reached(set.node.run("r/1?%"), "suspended");
    const { runs } = await observed.json("/runs");
    assert.deepEqual(runs.map(({ id }: { id: string }) => id), ["r/1?%"]);
    const { run, waits } = await observed.json(`/runs/${encodeURIComponent("r/1?%")}`);
    assert.deepEqual([run.id, run.input], ["r/1?%", { wait: "go" }]);
    assert.equal(waits.waiting[0].name, "go");
    const any = await observed.ask("/runs", { headers: { accept: "*/*" } });
    assert.match(any.headers.get("content-type")!, /json/);
    assert.equal(any.headers.get("continuum-api"), "1");
    const none = await observed.ask("/runs/none", { headers: { accept: "application/json" } });
    assert.equal(none.status, 404);
    const { error } = await none.json();
    assert.deepEqual([error.code, typeof error.message], ["RUN_NOT_FOUND", "string"]);
    const other = await observed.ask("/runs", { headers: { "continuum-api": "9" } });
    assert.equal(other.status, 406);
  });

  test("an answer that is the same is 304, and another viewer's rights make another", async () => {
    await using set = await scene(database);
    await set.node.start("echo", { wait: "go" }, { runId: "r-1" });
    await reached(set.node.run("r-1"), "suspended");
    const observed = observe(set.node);
    const tag = (await observed.ask("/runs/r-1")).headers.get("etag")!;
    const same = await observed.ask("/runs/r-1", { headers: { "if-none-match": tag } });
    assert.deepEqual([same.status, await same.text()], [304, ""]);
    const other = observe(set.node, { without: ["payloads"] });
    const answer = await other.ask("/runs/r-1", { headers: { "if-none-match": tag } });
    assert.equal(answer.status, 200);
    await set.node.run("r-1").signal("go", 1);
    await reached(set.node.run("r-1"), "completed");
    // One of its own: an observer answers equal looks of the same moment alike.
    const later = observe(set.node);
    const changed = await later.ask("/runs/r-1", { headers: { "if-none-match": tag } });
    assert.equal(changed.status, 200);
  });

  test("only GET and HEAD of pages are answered, and HEAD has no body", async () => {
    await using set = await scene(database);
    const observed = observe(set.node);
    const head = await observed.ask("/runs", { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await observed.ask("/runs", { method });
      assert.equal(answer.status, 405, method);
    }
  });

  test("links lead to the observer wherever it is mounted", async () => {
    await using set = await scene(database);
    await set.node.start("echo", { wait: "go" }, { runId: "r-1" });
    const linksOf = (page: string) =>
      [...page.matchAll(/ (?:href|src|action)="([^"#]+)"/g)].map(([, url]) => url!);
    const relative = linksOf(await observe(set.node).page("/runs/r-1"));
    assert(relative.length > 5 && relative.every((url) => url.startsWith("../")), `${relative}`);
    const mounted = observe(set.node, { path: "/ops" });
    for (const path of ["/ops/runs", "/runs"]) {
      const links = linksOf(await mounted.page(path));
      assert(links.every((url) => url.startsWith("/ops/")), `${path}: ${links}`);
    }
    const headers = { "x-forwarded-prefix": "/team" };
    const proxied = observe(set.node, { path: "/ops", trustProxy: true });
    assert(
      linksOf(await proxied.page("/runs", { headers })).every((u) => u.startsWith("/team/ops/")),
    );
    assert(linksOf(await mounted.page("/runs", { headers })).every((u) => u.startsWith("/ops/")));
    const evil = { "x-forwarded-prefix": "//evil.example" };
    assert(
      linksOf(await proxied.page("/runs", { headers: evil })).every((u) => u.startsWith("/ops/")),
    );
  });

  test("colours and the time zone are kept in cookies, by forms of the observer's own", async () => {
    await using set = await scene(database);
    const observed = observe(set.node);
    const form = { theme: "dark", zone: "Europe/Berlin", back: "runs?state=any" };
    const answer = await observed.ask("/preferences", { form });
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, "./runs?state=any"]);
    const cookies = answer.headers.getSetCookie();
    assert.match(cookies[0]!, /^continuum_theme=dark; .*HttpOnly; SameSite=Strict/);
    const cookie = cookies.map((text) => text.split(";")[0]).join("; ");
    const page = await observed.page("/", { headers: { cookie } });
    assert.match(page, /data-theme="dark"/);
    assert.match(page, /Europe\/Berlin/);
    for (
      const back of ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"]
    ) {
      const { headers } = await observed.ask("/preferences", { form: { back } });
      assert.equal(headers.get("location"), "./", back);
    }
    const foreign = { "sec-fetch-site": "cross-site" };
    assert.equal((await observed.ask("/preferences", { form, headers: foreign })).status, 403);
  });
});
