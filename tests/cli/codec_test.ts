/**
 * What commands and the observer show of values that are encoded in the database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aesGcmCodec } from "../../src/codec/mod.ts";
import { CliWorld } from "../support/cli_world.ts";
import { openIn } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const KEY = "new Uint8Array(32).fill(1)";
const CODEC = new URL("../../src/codec/mod.ts", import.meta.url).href;

const FILES = {
  "steps.ts": source(
    `ctx.setStatus({ at: input }); await ctx.run("step", () => "step " + input);
     return await ctx.waitForSignal("go");`,
    `{ name: "steps" }`,
  ),
  "codec.ts": `import { aesGcmCodec } from ${JSON.stringify(CODEC)};
    export const codec = aesGcmCodec({ keys: { k1: ${KEY} }, current: "k1" });`,
  "none.ts": "export const key = 1;",
  "broken.ts": `throw new Error("no vault");`,
};

Deno.test("commands decode by --codec, and without it show which key would", async () => {
  await using world = await CliWorld.make(FILES);
  const codec = aesGcmCodec({ keys: { k1: new Uint8Array(32).fill(1) }, current: "k1" });
  await using node = await openIn(world.db, { workflows: [world.folder.url + "steps.ts"], codec });
  await (await node.start("steps", "S3NT1NEL", { runId: "r" })).reached("suspended");
  const module = world.folder.url + "codec.ts";
  for (const words of [["runs", "show", "r"], ["runs", "history", "r"]]) {
    for (const format of [[], ["--json"]]) {
      const plain = await world.here([...words, ...format, "--codec", module]);
      assert.equal(plain.code, 0, plain.error);
      assert(plain.out.includes("S3NT1NEL"), plain.out);
      const hidden = await world.here([...words, ...format]);
      assert.equal(hidden.code, 0, hidden.error);
      assert(!hidden.out.includes("S3NT1NEL"), hidden.out);
      assert(hidden.out.includes("encrypted (key k1)"), hidden.out);
    }
  }
  const sent = await world.here(["signal", "r", "go", '"done"', "--codec", module, "--yes"]);
  assert.equal(sent.code, 0, sent.error);
  assert.equal(await node.run("r").result(), "done");
  const blind = await world.here(["result", "r"]);
  assert.equal(blind.code, 5, blind.error);
  assert.match(blind.error, /VALUE_NOT_DECODED[^]*k1|k1[^]*VALUE_NOT_DECODED/);
  const read = await world.here(["result", "r", "--codec", module]);
  assert.match(read.out, /done/);
});

Deno.test("a module that is no codec is refused in words", async () => {
  await using world = await CliWorld.make(FILES);
  for (
    const [file, words] of [
      ["none.ts", /exports none/],
      ["broken.ts", /import failed: no vault/],
      ["absent.ts", /absent\.ts/],
    ] as const
  ) {
    const ended = await world.here(["runs", "list", "--codec", world.folder.url + file]);
    assert.notEqual(ended.code, 0);
    assert.match(ended.error, words);
  }
});
