// alone: the engine warns once in a process
/**
 * A caller who starts a run by a definition that the process imported before its file was edited is warned,
 * and gets what the hash says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, reset } from "@logtape/logtape";
import { changedSince } from "../../src/version/load/changed_files.ts";
import { WORKFLOW_ENTRY } from "../../src/version/project/host.ts";
import { openIn, resultOf } from "../support/runs.ts";
import { emptyPostgres } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";

const ORDER = `import { defineWorkflow } from "${WORKFLOW_ENTRY}";
import { price } from "./price.ts";
export default defineWorkflow({ name: "order" }, async () => price);
`;

/** A time that is certainly later than now, however coarse the clock of files is. */
const later = () => new Date(Date.now() + 1_000);

/** What is said at level warning while something is done. */
async function warnings(body: () => Promise<void>): Promise<Record<string, unknown>[]> {
  const told: Record<string, unknown>[] = [];
  await configure({
    sinks: { kept: ({ properties }) => void told.push(properties) },
    loggers: [
      { category: ["continuum", "version"], sinks: ["kept"], lowestLevel: "warning" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
  try {
    await body();
  } finally {
    await reset();
  }
  return told;
}

Deno.test("a file that changed after the import is named once, and a start by definition runs its new bytes", async () => {
  await using folder = await makeFolder({
    "order.ts": ORDER,
    "price.ts": `export const price = "old";`,
  });
  const workflows = [`${folder.url}order.ts`];
  const { default: order } = await import(workflows[0]!);
  await using db = await emptyPostgres();
  const run = async () => {
    await using node = await openIn(db, { workflows });
    return await resultOf(await node.start(order, undefined));
  };
  const unchanged = await warnings(async () => assert.equal(await run(), "old"));
  assert.deepEqual(unchanged, []);

  await folder.write({ "price.ts": `export const price = "new";` });
  await Deno.utime(new URL("price.ts", folder.url), later(), later());
  const told = await warnings(async () => {
    for (let opens = 0; opens < 2; opens++) assert.equal(await run(), "new");
  });
  assert.deepEqual(told.map(({ workflow, files }) => [workflow, files]), [
    ["order", `${folder.url}price.ts`],
  ]);
  assert.equal(await order.run(), "old", "The process has what it imported");
});

Deno.test("a module that the application did not import causes no warning", async () => {
  await using folder = await makeFolder({
    "order.ts": ORDER,
    "price.ts": `export const price = 1;`,
  });
  await using db = await emptyPostgres();
  await Deno.utime(new URL("price.ts", folder.url), later(), later());
  const told = await warnings(async () => {
    await using node = await openIn(db, { workflows: [`${folder.url}order.ts`] });
    assert.equal(await resultOf(await node.start("order")), 1);
  });
  assert.deepEqual(told, []);
});

Deno.test("a symlink that was made later counts for all below it; old files and new neighbours don't", async () => {
  await using folder = await makeFolder({ "1/a.ts": "", "2/a.ts": "", "b.ts": "", "c.ts": "" });
  const { pathname } = new URL(folder.url);
  await Deno.symlink("1", `${pathname}current`);
  await Deno.symlink("b.ts", `${pathname}link.ts`);
  const urls = ["current/a.ts", "2/a.ts", "link.ts", "b.ts", "c.ts", "gone.ts"]
    .map((path) => folder.url + path);
  const now = Date.now();
  await folder.write({ "2/neighbour.ts": "" });
  assert.deepEqual(await changedSince(now, [...urls, "https://x.example/a.ts"]), []);
  // Times of a symlink itself are set by no call of the runtime's.
  const { success } = await new Deno.Command("touch", {
    args: ["-h", "-d", later().toISOString(), `${pathname}current`],
  }).output();
  assert(success);
  await Deno.utime(`${pathname}b.ts`, later(), later());
  assert.deepEqual(
    await changedSince(now, urls),
    ["current/a.ts", "link.ts", "b.ts"].map((path) => folder.url + path),
  );
});

Deno.test("a time in the future that was set before the import is no change", async () => {
  await using folder = await makeFolder({ "a.ts": "" });
  const url = `${folder.url}a.ts`;
  await Deno.utime(new URL(url), later(), new Date(Date.now() + 60_000));
  // A second is as near as the time of the last change tells.
  assert.deepEqual(await changedSince(Date.now() + 1_000, [url]), []);
});
