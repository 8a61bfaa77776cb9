/**
 * Hooks of the application around starts, signals and attempts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { Continuum } from "../../src/continuum.ts";
import { defineActivity } from "../../src/workflow/mod.ts";
import { makeFolder } from "../support/modules.ts";
import { source } from "../support/scene.ts";

const TELLS = source(
  `const step = await ctx.run("step", (step) => input.tenant());
const row = await ctx.transaction("transaction", () => input.tenant());
return [ctx.headers, step, row, await ctx.activity("named"), await ctx.waitForSignal("go")];`,
  `{ name: "tells" }`,
);

Deno.test("hooks add headers to starts, and give attempts an async context; a hook that throws is the error", async () => {
  const tenants = new AsyncLocalStorage<string>();
  const calls: string[] = [];
  const named = defineActivity({ name: "named" }, () => tenants.getStore() ?? "nobody");
  await using folder = await makeFolder({
    "tells.ts": TELLS.replaceAll("input.tenant()", `globalThis[Symbol.for("tenant")]()`),
  });
  const key = Symbol.for("tenant");
  Object.assign(globalThis, { [key]: () => tenants.getStore() ?? "nobody" });
  await using continuum = await Continuum.open({
    database: "memory:",
    workflows: [folder.url + "tells.ts"],
    activities: [named],
    around: {
      async start({ workflow, runId, headers }, next) {
        calls.push(`start ${workflow} ${runId}`);
        if (runId === "refused") throw new Error("not here");
        return await next({ ...headers, tenant: tenants.getStore() ?? "none" });
      },
      async signal({ runId, name }, next) {
        calls.push(`signal ${runId} ${name}`);
        return await next();
      },
      async attempt({ kind, name, attempt, headers }, next) {
        calls.push(`${kind} ${name} ${attempt}`);
        return await tenants.run(headers["tenant"]!, next);
      },
    },
  });
  const run = await tenants.run(
    "acme",
    () => continuum.start("tells", undefined, { runId: "r", headers: { user: "mia" } }),
  );
  await run.signal("go", 1);
  const headers = { user: "mia", tenant: "acme" };
  assert.deepEqual(await run.result(), [headers, "acme", "acme", "acme", 1]);
  assert.deepEqual(
    calls,
    [
      "start tells r",
      "signal r go",
      "step step 1",
      "transaction transaction 1",
      "activity named 1",
    ].sort((a, b) => calls.indexOf(a) - calls.indexOf(b)),
  );
  await assert.rejects(continuum.start("tells", undefined, { runId: "refused" }), /not here/);
  await assert.rejects(continuum.run("refused").status(), { code: "RUN_NOT_FOUND" });
  const [many] = await continuum.startMany("tells", [{ input: undefined }]);
  assert(many?.status === "started");
  await many.run.signal("go", 2);
  assert.deepEqual((await many.run.result() as unknown[])[0], { tenant: "none" });
  delete (globalThis as Record<symbol, unknown>)[key];
});

Deno.test("a hook that is unknown, or is no function, is refused by name", async () => {
  const wrong: [unknown, RegExp][] = [
    [
      { starts: () => {} },
      /option around of Continuum\.connect.*key "starts" \(did you mean start/,
    ],
    [{ attempt: 1 }, /option around\.attempt of Continuum\.connect: found 1, wanted a function/],
    [5, /option around of Continuum\.connect: found 5/],
  ];
  for (const [around, message] of wrong) {
    const options = { database: "memory:", around } as never;
    await assert.rejects(Continuum.connect(options), { code: "INVALID_ARGUMENT", message });
  }
});
