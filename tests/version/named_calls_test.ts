/**
 * How calls that name something are found in a source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { namedCalls } from "../../src/version/imports/named_calls.ts";

const PATCHED = new Set(["patched"]);

Deno.test("calls of patched are found in every spelling, with their line and column", () => {
  const source = `// patched("comment")
const text = 'ctx.patched("text")';
if (ctx.patched("method")) {}
const { patched } = ctx;\r\n  patched('name');
ctx?.patched?.("optional"); ctx["patched"](\`template\`);
ctx.patched(\`tax-\${year}\`); ctx.patched(NAME); ctx.unpatched("no"); ctx.patched.call(ctx);
`;
  const found = namedCalls(source, "ts", PATCHED);
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
  assert.deepEqual(namedCalls(`{"patched": "x"}`, "json", PATCHED), []);
  assert.deepEqual(namedCalls(`ctx.patched("x"`, "ts", PATCHED), []);
  const tsx = `const a = <b title={ctx.patched("x") ? "1" : "2"} />;`;
  assert.deepEqual(namedCalls(tsx, "tsx", PATCHED).map(({ name }) => name), ["x"]);
});

Deno.test("the method of each call is found, with the queue that their options spell out", () => {
  const source = `await ctx.activity("charge", 1, { queue: "cards", retry: {} });
await ctx.activity<number>("ship", 1, { queue });
await ctx.activity(refund, 1); ctx.child("kid", null, { "queue": \`odd\` });
class A { #child() {} b() { this.#child("private"); } }
`;
  const found = namedCalls(source, "ts", new Set(["activity", "child"]));
  assert.deepEqual(found.map(({ method, name, queue, line }) => [method, name, queue, line]), [
    ["activity", "charge", "cards", 1],
    ["activity", "ship", null, 2],
    ["activity", null, null, 3],
    ["child", "kid", "odd", 3],
  ]);
});

Deno.test("a call on the first parameter of a function differs from one on another object", () => {
  const source = `import xml from "./xml.ts";
xml.child("item");
export default async (ctx: Context) => {
  await ctx.child("kid");
  xml.root.child("item");
};
function helper(context) { return context.child("helped"); }
`;
  const found = namedCalls(source, "ts", new Set(["child"]));
  assert.deepEqual(found.map(({ name, isOnParameter }) => [name, isOnParameter]), [
    ["item", false],
    ["kid", true],
    ["item", false],
    ["helped", true],
  ]);
});
