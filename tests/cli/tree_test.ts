/**
 * `runs tree`: what it shows of a run's relatives, and where it stops.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached } from "../support/runs.ts";
import { source } from "../support/scene.ts";

/** Starts its children by their ids, and waits for a signal. */
const FAMILY = source(
  `for (const id of input.children) await ctx.startChild("leaf", null, { id });
    await ctx.waitForSignal("go");`,
  `{ name: "family" }`,
);

const LEAF = source(`return "leaf";`, `{ name: "leaf" }`);

/** A run "o" with two children, two forks, and a child of a fork; and nodes for none of them. */
async function scene() {
  const world = await CliWorld.make({ "family.ts": FAMILY, "leaf.ts": LEAF });
  const node = await world.node("family.ts", "leaf.ts");
  const input = { children: ["kid-1", "kid-2"] };
  const run = await node.start("family", input, { runId: "o" });
  await reached(run, "suspended");
  for (const id of ["kid-1", "kid-2"]) await node.run(id).result();
  await run.fork({ at: 2, id: "o-b", children: "adopt" });
  await reached(node.run("o-b"), "suspended");
  await node.run("o-b").fork({ at: 2, id: "o-c", children: "adopt" });
  await reached(node.run("o-c"), "suspended");
  await node.close();
  return world;
}

Deno.test("a tree shows the parents, the children and the forks of a run, and forks of forks", async () => {
  await using world = await scene();
  const tree = await world.run(["runs", "tree", "o"]);
  assert.equal(tree.code, 0, tree.error);
  const rows = tree.out.trimEnd().split("\n").map((line) => line.split("\t"));
  assert.deepEqual(
    rows.map(([depth, relation, id, workflow, , state, generation]) =>
      [depth, relation, id, workflow, state, generation].join(" ")
    ),
    [
      "0 run o family suspended 0",
      "1 child kid-1 leaf completed 0",
      "1 child kid-2 leaf completed 0",
      "1 fork o-b family suspended 0",
      "2 fork o-c family suspended 0",
    ],
  );
  assert.match(rows[0]![4]!, /^[0-9a-f]{64}$/);
  const shown = await world.here(["runs", "tree", "o", "--no-color"], {
    isTerminal: true,
    columns: 120,
  });
  const drawn = shown.out.split("\n").map((line) => line.split(/ {2,}(?=\w)/)[0]);
  assert.deepEqual(drawn, ["RUN", "o", "├─ kid-1", "├─ kid-2", "└┄ o-b", "   └┄ o-c", ""]);
  const child = await world.here(["runs", "tree", "kid-2", "--json", "--fields", "above"]);
  assert.deepEqual(JSON.parse(child.out).above.map(({ id }: { id: string }) => id), ["o"]);
  const fork = await world.here(["runs", "tree", "o-c", "--json"]);
  assert.deepEqual(JSON.parse(fork.out).run.origin, { id: "o-b", generation: 0, events: 2 });
  const list = ["runs", "list", "--forks-of", "o", "--fields", "id"];
  assert.equal((await world.here(list)).out, "o-b\n");
  const none = await world.here(["runs", "tree", "none"]);
  assert.equal(none.code, 4);
});

Deno.test("a tree is cut after 64 levels, 50 relatives a run and 1,000 runs, and counts the rest", async () => {
  await using world = await CliWorld.make({ "leaf.ts": LEAF });
  const node = await world.node("leaf.ts");
  await (await node.start("leaf", null, { runId: "r-0" })).result();
  await node.close();
  const chain = "r-' || n, 'r-' || n - 1 from generate_series(1, 150) as n";
  await insert(world, `select '${chain}`);
  await insert(world, "select 'wide-' || n, 'r-150' from generate_series(1, 362) as n");
  await insert(world, "select 'bush-' || n, 'r-0' from generate_series(1, 20) as n");
  const leaves = "generate_series(1, 20) as n cross join generate_series(1, 60) as m";
  await insert(world, `select 'leaf-' || n || '-' || m, 'bush-' || n from ${leaves}`);
  const tree = async (line: string) => await world.here(["runs", "tree", ...line.split(" ")]);
  const wide = await tree("r-150");
  const rows = wide.out.trimEnd().split("\n");
  assert.equal(rows.filter((row) => row.includes("\tabove\t")).length, 64);
  assert.match(rows[0]!, /^-64\tabove\tr-86\t/);
  assert.equal(rows.filter((row) => row.startsWith("1\tchild\twide-")).length, 50);
  assert.equal(wide.error, "312 more children of r-150\n");
  const deep = await tree("r-1");
  assert.match(deep.out, /\n64\tchild\tr-65\t[^\n]*\n$/);
  assert.equal(deep.error, "1 more child of r-65\n");
  const bushy = await tree("r-0 --depth 2 --limit 60");
  assert.equal(bushy.out.trimEnd().split("\n").length, 1_001);
  assert.match(
    bushy.error,
    /^1 more child of r-2\n42 more children of bush-17\n60 more children of bush-18\n/,
  );
  const few = await tree("r-150 --limit 400");
  assert.deepEqual([few.out.trimEnd().split("\n").length, few.error], [64 + 1 + 362, ""]);
});

/** Adds runs that have ended, as children of others. */
async function insert({ db }: CliWorld, pairs: string): Promise<void> {
  await db.query(`with pair (id, parent) as (${pairs}),
    added as (
      insert into {schema}.runs (specifier_id, run_id, workflow, seed, input, state, ended_at, result)
      select like_it.specifier_id, pair.id, like_it.workflow, '', '{}', 'completed', now(), 'null'
      from pair cross join {schema}.runs as like_it where like_it.run_id = 'r-0'
      order by length(pair.id), pair.id
    )
    select`);
  await db.query(`with pair (id, parent) as (${pairs})
    update {schema}.runs as run set parent = over.id, parent_close = 'abandon'
    from pair join {schema}.runs as over on over.run_id = pair.parent where run.run_id = pair.id`);
}
