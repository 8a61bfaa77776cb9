/**
 * What the command line knows of its commands before it imports them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/catalogue.gen.ts";
import { IN_GRAPH } from "../../src/cli/in_graph.ts";
import { LATER } from "../../src/cli/modules.ts";
import { makeCatalogue } from "../../tools/gen_cli.ts";

Deno.test("the catalogue says what the commands say, and each command is found by its words", async () => {
  const catalogue = new URL("../../src/cli/catalogue.gen.ts", import.meta.url);
  assert.equal(await makeCatalogue(), await Deno.readTextFile(catalogue), "run tools/gen_cli.ts");
  for (const { path } of COMMANDS) {
    assert.equal(await LATER.command(path), await IN_GRAPH.command(path), path);
  }
});
