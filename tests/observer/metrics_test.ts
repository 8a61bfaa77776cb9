/**
 * `/metrics` of the observer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene } from "../support/scene.ts";
import { observe } from "./observed.ts";

forEachDatabase("metrics", (database, test) => {
  test("Prometheus gets the numbers of the whole database with the right read alone", async () => {
    await using set = await scene(database);
    await set.node.start("echo", { wait: "go" }, { runId: "r-1" });
    await reached(set.node.run("r-1"), "suspended");
    const access = ({ headers }: Request) =>
      headers.get("authorization") === "Bearer scrape"
        ? { name: "prometheus", may: ["read"] as const }
        : null;
    const observed = observe(set.node, { access, path: "/ops" });
    const headers = { accept: "text/plain", authorization: "Bearer scrape" };
    const answer = await observed.ask("/ops/metrics", { headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.match(await answer.text(), /^continuum_runs_live\{continuum_state="suspended"\} 1$/m);
    assert.equal((await observed.ask("/ops/metrics")).status, 401);
    assert.equal((await observed.ask("/ops/metrics", { method: "POST", headers })).status, 405);
  });
});
