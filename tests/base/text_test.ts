/**
 * Texts that people and libraries write, on their way to Postgres.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isStorable, legibleJson, shorten } from "../../src/base/text.ts";

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

Deno.test("what is shown of a text has no secret of a URL, however long or odd the secret is", () => {
  for (const secret of ["s3cret", "s3".repeat(200), 's3"c"ret', "s3@cret", "s3\\cret", "s3 cret"]) {
    for (
      const text of [
        `postgres://app:${secret}@host/db`,
        `see postgres://app:${secret}@host/db?sslmode=no`,
        `mysql://${secret}@host`,
        `https://host/a.ts?token=${encodeURIComponent(secret)}`,
      ]
    ) {
      const shown = shorten(text, 80);
      assert(!/s3|cret/.test(shown), shown);
    }
  }
  assert.equal(shorten("password=s3cret host=db", 80), "password=*** host=db");
});

Deno.test("what is shown of a text is the text, and its beginning where it is long", () => {
  for (const text of ["", "30s", 'a "b"\n\\', "https://host/@scope/name@1.0.0/mod.ts", "\ud800"]) {
    assert.equal(shorten(text, 80), text);
  }
  assert.equal(shorten("x".repeat(5_000), 80), `${"x".repeat(80)}...`);
});
