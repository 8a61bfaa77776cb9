/**
 * An observer whose database is away: what it says, and what it does not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../mod.ts";
import { observer, RIGHTS } from "../../src/observer/mod.ts";
import { parametersOf } from "../../src/observer/route_parameters.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { Proxy } from "../support/proxy.ts";

Deno.test("ERROR-1: nothing of the connection leaves the server, on any route, when the database is away", async () => {
  await using db = await emptyPostgres();
  const url = new URL(postgresUrl());
  await using wire = new Proxy({ hostname: url.hostname, port: Number(url.port) });
  url.port = String(wire.port);
  const { schema } = db;
  await using client = await Continuum.connect({ database: url.href, schema });
  const handle = observer(client, { access: () => ({ name: "ana", may: [...RIGHTS] }) });
  const ask = async (path: string, accept: string, method = "GET") => {
    const own = {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
    };
    const headers = { accept, host: "observer.test", ...(method === "POST" ? own : {}) };
    const answer = await handle(new Request(`http://observer.test${path}`, { method, headers }));
    return { status: answer.status, text: await answer.text() };
  };
  const before = await ask("/", "text/html");
  assert.equal(before.status, 200, before.text);
  wire.cut();
  const secret = [schema, url.port, url.hostname, url.pathname.slice(1), url.username];
  let seen = 0;
  const known: Record<string, string> = {
    workflow: "w",
    a: "aaaa",
    b: "bbbb",
    id: "r-1",
    job: "1",
    like: "r-1",
  };
  for (const route of ROUTES.filter(({ kind }) => kind !== "data")) {
    const names = parametersOf(route).map(({ name }) => name);
    const query = new URLSearchParams(
      Object.entries(known).filter(([name]) => names.includes(name)),
    );
    const path = route.path.replace(":name", "input").replace(/:(?:event|position)/, "0")
      .replaceAll(/:\w+/g, "r-1");
    for (const accept of ["text/html", "application/json"]) {
      for (const method of route.kind === "action" ? ["GET", "POST"] : ["GET"]) {
        const { status, text } = await ask(
          method === "GET" ? `${path}?${query}` : path,
          accept,
          method,
        );
        if (status !== 503) continue;
        seen++;
        const found = secret.find((part) => new RegExp(`\\b${RegExp.escape(part)}\\b`).test(text));
        assert.equal(found, undefined, `${method} ${path}: ${text}`);
        assert.doesNotMatch(text, /postgres:|ECONN|connect|socket|^\s+at /im, `${method} ${path}`);
      }
    }
  }
  assert(seen > 60, `${seen} answers were 503`);
  const shown = await ask("/", "text/html");
  assert.equal(shown.status, 503);
  assert.match(shown.text, /The database has not answered since/);
  assert.match(shown.text, /This is what was known/);
  assert.match(shown.text, /data-live="5"/, "it is tried again");
  const json = JSON.parse((await ask("/", "application/json")).text);
  assert.equal(json.error.code, "DATABASE_UNAVAILABLE", "a program gets no old numbers");
  wire.restore();
  for (let tries = 0;; tries++) {
    const { status, text } = await ask("/", "text/html");
    if (status === 200) {
      assert.doesNotMatch(text, /has not answered/);
      break;
    }
    assert(tries < 100, "it answers again");
  }
});
