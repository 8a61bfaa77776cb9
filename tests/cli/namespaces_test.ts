/**
 * Lists and counts of what all namespaces hold.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { source } from "../support/scene.ts";

Deno.test("--all-namespaces lists and counts the runs of each namespace, page by page", async () => {
  await using world = await CliWorld.make({ "one.ts": source("return 1;", `{ name: "one" }`) });
  const node = await world.node("one.ts");
  for (const namespace of ["default", "a", "z:%"]) {
    for (const runId of ["r-1", "r-2"]) {
      await (await node.start("one", null, { runId, namespace })).result();
    }
  }
  const list = async (...args: readonly string[]) => {
    const line = ["runs", "list", "--state", "any", "--all-namespaces", ...args];
    const { code, out, error } = await world.here([...line, "--fields", "namespace,id"]);
    assert.equal(code, 0, error);
    const [, cursor] = /^next: the same options and --after (\S+)$/m.exec(error) ?? [];
    return { rows: out.split("\n").filter((row) => row !== ""), cursor };
  };
  const all = ["a\tr-2", "a\tr-1", "default\tr-2", "default\tr-1", "z:%\tr-2", "z:%\tr-1"];
  assert.deepEqual(await list(), { rows: all, cursor: undefined });
  const seen: string[] = [];
  for (const size of ["1", "2", "3"]) {
    let cursor: string | undefined;
    do {
      const page = await list("--limit", size, ...cursor === undefined ? [] : ["--after", cursor]);
      seen.push(...page.rows);
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(seen.splice(0), all, `pages of ${size}`);
  }
  assert.deepEqual((await list("--all")).rows, all);
  const count = ["runs", "count", "--state", "any", "--all-namespaces"];
  assert.equal((await world.run(count)).out, "6\n");
  assert.equal((await world.here([...count, "--limit", "3"])).out, "3+\n");
  const wrong = await world.here(["runs", "list", "--all-namespaces", "--after", "%zz:"]);
  assert.deepEqual([wrong.code, wrong.error.split(":")[0]], [2, "INVALID_CURSOR"]);
});

Deno.test("--all-namespaces lists schedules and upgrades, also of namespaces without a run", async () => {
  await using world = await CliWorld.make({
    "one.ts": source("return 1;", `{ name: "one" }`),
  });
  const node = await world.node("one.ts");
  for (const namespace of ["default", "a", "z:%"]) {
    for (const id of ["s-1", "s-2"]) {
      await node.schedules.create({ id, workflow: "one", every: "1d", namespace });
    }
  }
  const line = ["schedules", "list", "--all-namespaces"];
  const rows = async (args: readonly string[]) => {
    const { code, out, error } = await world.here(args);
    assert.equal(code, 0, error);
    return out.trim().split("\n");
  };
  assert.deepEqual(await rows([...line, "--fields", "namespace,id"]), [
    ...["a\ts-1", "a\ts-2", "default\ts-1", "default\ts-2", "z:%\ts-1", "z:%\ts-2"],
  ]);
  assert.deepEqual(await node.namespaces(), ["a", "default", "z:%"]);
  const table = await world.here(line, { isTerminal: true, columns: 200 });
  assert.match(table.out, /NAMESPACE +ID +WORKFLOW[^]*\nz:% +s-2 +one/);

  for (const namespace of ["a", "z:%"]) {
    for await (const _ of node.runs.upgrade({ workflow: "one", namespace }));
  }
  const jobs = ["runs", "jobs", "--fields", "namespace,workflow,state,examined,again"];
  assert.deepEqual((await rows([...jobs, "--all-namespaces"])).sort(), [
    "a\tone\tdone\t0\t0",
    "z:%\tone\tdone\t0\t0",
  ]);
  assert.deepEqual(await rows(jobs), [""]);
  assert.deepEqual(await rows([...jobs, "--namespace", "a"]), ["a\tone\tdone\t0\t0"]);
  const all = await world.here(["runs", "jobs", "--all-namespaces"], {
    isTerminal: true,
    columns: 200,
  });
  assert.match(all.out, /NAMESPACE +JOB +KIND +WORKFLOW/);
});
