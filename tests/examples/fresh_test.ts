/**
 * The route for Fresh, called as Fresh calls it: by the method's name, with a context.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { handler } from "../../examples/fresh/orders.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import "../support/primed_hooks.ts";
import { PROJECT } from "../support/project.ts";

Deno.test("a route of Fresh starts a run once, answers while it waits, and passes a webhook on once", async () => {
  const database = pglite(null);
  await using _node = await Continuum.open({
    database,
    workflows: [new URL("examples/workflows/25_web.ts", PROJECT).href],
  });
  await using continuum = await Continuum.connect({ database });
  const ask = async (method: keyof typeof handler, query = "", body?: object, id = "o-1") => {
    const req = new Request(`http://shop.test/orders/${id}${query}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await handler[method]({ req, params: { id }, state: { continuum } });
    return [answer.status, await answer.json()];
  };
  const payment = { event: "evt-1", amount: 30 };
  for (const _ of ["once", "repeated"]) {
    assert.deepEqual(await ask("PUT", "", { sku: "A-7" }), [202, { id: "o-1" }]);
  }
  assert.deepEqual(await ask("GET", "?wait=0"), [202, { state: "open" }]);
  assert.deepEqual(await ask("POST", "", payment), [200, { signal: "delivered" }]);
  assert.deepEqual(await ask("GET", "?wait=60000"), [200, { sku: "A-7", paid: 30 }]);
  assert.deepEqual(await ask("PUT", "", { sku: "A-7" }), [202, { id: "o-1" }], "it has ended");
  assert.deepEqual(await ask("GET", "", undefined, "o-2"), [404, { error: "RUN_NOT_FOUND" }]);
});
