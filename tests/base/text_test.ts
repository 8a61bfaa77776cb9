/**
 * Texts that people and libraries write, on their way to Postgres.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isStorable, legibleJson } from "../../src/base/text.ts";

Deno.test("facts for people stay what they are, but for what Postgres can't read", () => {
  const replaced = [
    ["\0", "\ufffd"],
    ["a\ud800b", "a\ufffdb"],
    ["\udc00\ud800", "\ufffd\ufffd"],
    ["\\u0000 as text", "\\u0000 as text"],
    ["\\\0", "\\\ufffd"],
    ["\u{1f600}\u202e\ufffe\u0007", "\u{1f600}\u202e\ufffe\u0007"],
  ];
  for (const [text, wanted] of replaced) {
    assert.deepEqual(JSON.parse(legibleJson({ [text!]: [text] })), { [wanted!]: [wanted] });
  }
});

Deno.test("whatever facts there are, each text and key of theirs can be stored", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  });
  fc.assert(fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text))), (facts) => {
    const json = legibleJson(facts);
    assert(isStorable(json));
    const all = Object.entries(JSON.parse(json) as Record<string, string | string[]>).flat(2);
    assert(all.every(isStorable));
  }));
});
