/**
 * Each file of tests is executed once, in one isolate or another.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { groupTests } from "../../tools/test_groups.ts";

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory && !name.startsWith(".")) found.push(...await filesBelow(join(folder, name)));
    else if (name.endsWith("_test.ts")) found.push(join(folder, name));
  }
  return found;
}

Deno.test("each file of tests is in one group, whatever the number of files", async () => {
  const groups = await groupTests(["tests"]);
  const files = groups.flatMap((each) => each.files);
  assert.deepEqual(files.sort(), (await filesBelow("tests")).sort());
  assert.equal(new Set(groups.map(({ name }) => name)).size, groups.length);
  for (const { name } of groups) assert.ok(name.endsWith("_test.ts"), name);
});

Deno.test("a file that says so is alone, and what a killed run has left is skipped", async () => {
  const folder = await Deno.makeTempDir();
  const write = async (name: string, text: string) =>
    await Deno.writeTextFile(join(folder, name), text);
  await write("a_test.ts", "");
  await write("b_test.ts", "// alone: it sets a global\n");
  await write("c_test.ts", "// alone is no reason\n");
  await write("d.ts", "");
  await Deno.mkdir(join(folder, ".together_1"));
  await write(".together_1/e_test.ts", "");
  const groups = (await groupTests([folder])).map(({ files }) => files);
  const path = (name: string) => join(folder, name);
  assert.deepEqual(groups, [[path("b_test.ts")], [path("a_test.ts"), path("c_test.ts")]]);
  await Deno.remove(folder, { recursive: true });
});
