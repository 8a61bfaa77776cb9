import assert from "node:assert/strict";
import { sha256Hex } from "../../src/base/encoding.ts";
import { formatManifest, parseManifest } from "../../src/version/manifest/format.ts";
import { readVector, vectorNames, VECTORS } from "./vector.ts";

for (const name of vectorNames()) {
  Deno.test(`vector ${name} gives its manifest and hash`, async () => {
    const manifest = await Deno.readTextFile(new URL(`${name}/manifest.txt`, VECTORS));
    const hash = await Deno.readTextFile(new URL(`${name}/hash.txt`, VECTORS));
    const graph = await readVector(name);
    assert.equal(graph.manifest.text, manifest);
    assert.equal(`${graph.manifest.hash}\n`, hash);
    assert.equal(sha256Hex(manifest), graph.manifest.hash);
    assert.equal(formatManifest(parseManifest(manifest)), manifest);
    for (const { sha256 } of graph.manifest.content.members) {
      assert.equal(sha256Hex(graph.bytes.get(sha256)!), sha256);
    }
  });
}

Deno.test("every vector is in the table of the README", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", VECTORS));
  for (const name of vectorNames()) assert.ok(readme.includes(`| \`${name}\` |`), name);
});
