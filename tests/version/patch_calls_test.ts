/**
 * How calls of `patched` are found in a source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { patchCalls } from "../../src/version/imports/patch_calls.ts";

Deno.test("calls of patched are found in every spelling, with their line and column", () => {
  const source = `// patched("comment")
const text = 'ctx.patched("text")';
if (ctx.patched("method")) {}
const { patched } = ctx;\r\n  patched('name');
ctx?.patched?.("optional"); ctx["patched"](\`template\`);
ctx.patched(\`tax-\${year}\`); ctx.patched(NAME); ctx.unpatched("no"); ctx.patched.call(ctx);
`;
  const found = patchCalls(source, "ts");
  assert.deepEqual(
    found.map(({ name, line, column }) => [name, line, column]),
    [
      ["method", 3, 5],
      ["name", 5, 3],
      ["optional", 6, 1],
      ["template", 6, 29],
      [null, 7, 1],
      [null, 7, 29],
    ],
  );
  assert.equal(found[0]!.text, `if (ctx.patched("method")) {}`);
});

Deno.test("a source that is no code, or can't be parsed, has no calls of patched", () => {
  assert.deepEqual(patchCalls(`{"patched": "x"}`, "json"), []);
  assert.deepEqual(patchCalls(`ctx.patched("x"`, "ts"), []);
  const tsx = `const a = <b title={ctx.patched("x") ? "1" : "2"} />;`;
  assert.deepEqual(patchCalls(tsx, "tsx").map(({ name }) => name), ["x"]);
});
