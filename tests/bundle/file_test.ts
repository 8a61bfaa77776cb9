/**
 * The file of a bundle: what it refuses, and that ordinary tools can read it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { isContinuumError } from "../../src/base/errors.ts";
import { packFile, unpackFile } from "../../src/bundle/file.ts";
import { refused } from "../support/scene.ts";

const MIB = 2 ** 20;
const TEXT = JSON.stringify({ names: ["a", "b", "ü"], more: "abc ".repeat(40) });

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(() => assert.fail("it was read"), (error) => error);
  assert(isContinuumError(error), `${error}`);
  return error.code;
}

Deno.test("a bundle's file holds its text, and gzip reads it too", async () => {
  const texts = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const file = await packFile(text);
      assert.equal(await unpackFile(file, MIB), text);
      assert.equal(gunzipSync(file).toString(), text);
    }),
    { numRuns: 25 },
  );
});

Deno.test("a bundle of which any one byte was changed is refused", async () => {
  const file = await packFile(TEXT);
  const codes = new Set<string>();
  for (let at = 0; at < file.length; at++) {
    for (const flip of [1, 0x80]) {
      const edited = file.slice();
      edited[at]! ^= flip;
      codes.add(await codeOf(unpackFile(edited, MIB)));
    }
  }
  assert.deepEqual([...codes].sort(), ["BUNDLE_CHANGED", "BUNDLE_CUT", "BUNDLE_FORMAT"]);
});

Deno.test("a bundle cut short is refused at every length, and one that is too long", async () => {
  const file = await packFile(TEXT);
  assert.equal(await codeOf(unpackFile(new Uint8Array(), MIB)), "BUNDLE_FORMAT");
  for (let length = 1; length < file.length; length++) {
    assert.equal(await codeOf(unpackFile(file.slice(0, length), MIB)), "BUNDLE_CUT");
  }
  const longer = new Uint8Array([...file, 0]);
  await refused(unpackFile(longer, MIB), "BUNDLE_CHANGED", `wanted ${file.length}`);
});

Deno.test("a file that is no bundle is refused, whatever it is", async () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  await refused(unpackFile(bytes("{}"), MIB), "BUNDLE_FORMAT", "no gzip file");
  const stream = new Blob(["{}"]).stream().pipeThrough(new CompressionStream("gzip"));
  const plain = await new Response(stream).bytes();
  await refused(unpackFile(plain, MIB), "BUNDLE_FORMAT", "another gzip file");
});

Deno.test("a bundle that inflates to more than is allowed is refused before it is inflated", async () => {
  const bomb = await packFile("0".repeat(64 * MIB));
  assert(bomb.length < MIB);
  await refused(unpackFile(bomb, 8 * MIB), "BUNDLE_LIMIT", `${8 * MIB} bytes`);
  assert.equal((await unpackFile(bomb, 64 * MIB)).length, 64 * MIB);
});
