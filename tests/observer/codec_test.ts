/**
 * What the observer shows of values that are encoded in the database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aesGcmCodec } from "../../src/codec/mod.ts";
import { Continuum } from "../../src/continuum.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { observe } from "./observed.ts";
import { forEachDatabase } from "../support/database.ts";
import { scene, source } from "../support/scene.ts";

const SECRET = "S3NT1NEL";

forEachDatabase("the observer under a payload codec", (database, test) => {
  test("it decodes by its client's codec; without one, no page breaks and none shows a value", async () => {
    const codec = aesGcmCodec({ keys: { k1: new Uint8Array(32) }, current: "k1" });
    const body = `await ctx.run("step", () => input); return await ctx.waitForSignal("go");`;
    const files = { "steps.ts": source(body, `{ name: "steps" }`) };
    await using at = await scene(database, files, { codec });
    await (await at.node.start("steps", SECRET, { runId: "r-1" })).reached("suspended");
    const done = await at.node.start("echo", SECRET, { runId: "r-2" });
    assert.equal(await done.result(), SECRET);
    const seeing = observe(at.node, {});
    assert.match(await (await seeing.ask("/runs/r-2")).text(), new RegExp(SECRET));

    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const blind = observe(client, {});
    for (const id of ["r-1", "r-2"]) {
      for (const { path } of ROUTES) {
        if (!path.includes(":id") || !path.startsWith("/runs/")) continue;
        const answer = await blind.ask(path.replace(":id", id).replaceAll(/:\w+/g, "0"));
        const text = await answer.text();
        assert(answer.status < 500, `${answer.status} ${path} ${id}: ${text.slice(0, 2_000)}`);
        assert(!text.includes(SECRET), `${path} ${id}`);
      }
    }
    for (const id of ["r-1", "r-2"]) {
      const page = await (await blind.ask(`/runs/${id}`)).text();
      assert(page.includes("encrypted (key k1)"), page);
    }
  });
});
