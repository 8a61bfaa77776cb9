/**
 * Arguments that are refused: what a message shows of them, and what it never shows.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkArray,
  checkChoice,
  checkKeys,
  checkOptions,
  checkText,
  refuse,
} from "../../src/base/arguments.ts";
import { describe, inWords, quote } from "../../src/base/describe.ts";
import { isContinuumError } from "../../src/base/errors.ts";

/** What is thrown by a call that refuses. */
function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    assert(isContinuumError(error, "INVALID_ARGUMENT"), `${error}`);
    return error.message;
  }
  throw new Error("the call did not refuse its argument");
}

const HOSTILE: readonly (readonly [make: () => unknown, shown: string])[] = [
  [() => undefined, "undefined"],
  [() => null, "null"],
  [() => -0, "-0"],
  [() => NaN, "NaN"],
  [() => 10n, "10n"],
  [() => 2n ** 4_000n, "a bigint of over 128 bits"],
  [() => Symbol("a"), 'Symbol("a")'],
  [() => Symbol(), "Symbol()"],
  [() => () => 1, "a function"],
  [() => [], "an empty array"],
  [() => [1], "an array"],
  [() => ({}), "an object"],
  [() => Object.create(null), "an object"],
  [() => new Date(NaN), "an invalid Date"],
  [() => new Date(0), "1970-01-01T00:00:00.000Z"],
  [() => new Map(), "an object of class Map"],
  [() => new Error("s3cret"), "an object of class Error"],
  [() => new URL("https://app:s3cret@host/"), "an object of class URL"],
  [() => Promise.resolve(1), "a Promise, which is not awaited"],
  [() => ({ toString: () => fail() }), "an object"],
  [() => ({ [Symbol.toStringTag]: "s3cret" }), "an object"],
  [() => Object.defineProperty({}, Symbol.toStringTag, { get: fail }), "that cannot be read"],
  [() => new Proxy({}, { get: fail, getPrototypeOf: fail, ownKeys: fail }), "cannot be read"],
  [() => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }, "an object that cannot be read"],
  [() => {
    const circle: Record<string, unknown> = {};
    return circle["self"] = circle;
  }, "an object"],
  [() => Object.setPrototypeOf({}, Date.prototype), "cannot be read"],
];

function fail(): never {
  throw new Error("a hostile trap");
}

Deno.test("any value is described in a few words, and none makes that throw", () => {
  for (const [make, shown] of HOSTILE) assert(describe(make()).includes(shown), shown);
  fc.assert(fc.property(fc.anything({ withProxy: true } as object), (value) => {
    assert(describe(value).length < 600);
  }));
});

Deno.test("a hostile value in place of an option is refused like any other", () => {
  for (const [make, shown] of HOSTILE) {
    for (
      const call of [
        () => checkText(make(), "a name"),
        () => checkChoice(make(), "a choice", ["a", "b"]),
        () => checkArray([make()], "a list", "an array of nothing", () => false),
      ]
    ) assert(messageOf(call).includes(shown), messageOf(call));
  }
});

Deno.test("what has no keys is taken for options only if it is a plain object", () => {
  for (const options of [{}, Object.create(null)]) checkOptions(options, ["a"], "call()");
  for (const wrong of [[], new Map(), new URL("a:b"), Promise.resolve(1), new Date(0), null, "a"]) {
    const message = messageOf(() => checkOptions(wrong, ["a"], "call()"));
    assert.equal(
      message,
      `Cannot use the options of call(): found ${describe(wrong)}, wanted an object`,
    );
  }
});

Deno.test("an unknown key is shown with the keys that there are, and the one that was meant", () => {
  const known = ["runId", "ifExists", "timeout"];
  for (
    const [key, meant] of [["runID", "runId"], ["ifExist", "ifExists"], ["timeuot", "timeout"]]
  ) {
    assert.equal(
      messageOf(() => checkKeys({ [key!]: 1 }, known, "the options of start()")),
      `Cannot use the options of start(): found the key "${key}" (did you mean ${meant}?), ` +
        "wanted runId, ifExists, timeout",
    );
  }
  assert(!messageOf(() => checkKeys({ odd: 1 }, known, "it")).includes("did you mean"));
});

Deno.test("a text is shown to its 80th character, a URL to its 300th, and a list by its first fault", () => {
  assert.equal(describe("x".repeat(500)), `"${"x".repeat(80)}..."`);
  const url = `https://host/${"x".repeat(500)}`;
  assert.equal(describe(url), `"${url.slice(0, 300)}..."`);
  const wrong = Array.from({ length: 2_000 }, (_, index) => index < 7 ? "good" : `bad ${index}`);
  const message = messageOf(() => checkArray(wrong, "a list", "texts", (text) => text === "good"));
  assert.equal(message, 'Cannot use a list[7]: found "bad 7", wanted texts');
});

Deno.test("no message holds a raw control character, whatever argument has it", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 0x2100 }).map((unit) => String.fromCharCode(unit)),
  });
  fc.assert(fc.property(text, (text) => {
    for (const found of [text, Symbol(text), inWords(text)]) {
      assert.doesNotMatch(
        messageOf(() => refuse(`option ${text}`, found, "another")),
        /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u,
      );
    }
  }));
});

/** Texts that hold a secret where one often is. */
const around: readonly ((secret: string) => string)[] = [
  (secret) => `postgres://app:${secret}@host/db`,
  (secret) => `postgresql://${secret}@host:5432/db?sslmode=require`,
  (secret) => `postgres:app:${secret}@host/db`,
  (secret) => `MY_DB_postgres://app:${secret}@host/db`,
  (secret) => `see mysql://app:${secret}@host, or another`,
  (secret) => `https://app:${encodeURIComponent(secret)}@host/a.ts`,
  (secret) => `https://host/a.ts?token=${encodeURIComponent(secret)}`,
  (secret) => `./a.ts?token=${encodeURIComponent(secret)}`,
  (secret) => `host=localhost password=${encodeURIComponent(secret)}`,
  (secret) => `host=localhost password='${secret.replaceAll("'", "")}'`,
];

Deno.test("no secret appears in a message, whatever argument has it and however long it is", () => {
  const odd = fc.string({ unit: fc.constantFrom(..."abcXYZ019 \"'\\/:?#@&=%;\n") });
  const secret = fc.tuple(fc.nat({ max: 3 }), odd).map(([times, text]) =>
    `s3cret${text}${"s3cret".repeat(times * 400)}`
  );
  fc.assert(fc.property(secret, fc.constantFrom(...around), (secret, make) => {
    const text = make(secret);
    const name = JSON.stringify(text);
    for (
      const call of [
        () => refuse("option a", text, "another"),
        () => refuse(`option a of step ${name}`, 1, "another"),
        () => refuse(`option ${text}`, 1, "another"),
        () => refuse("option a", Symbol(text), "another"),
        () => refuse("option a", [text, { [text]: text }], "another"),
        () => refuse("option a", inWords(`the text ${quote(text)}`), "another"),
        () => checkKeys({ [text]: 1 }, ["a"], "options"),
        () => checkChoice(text, "a choice", ["a"]),
      ]
    ) assert.doesNotMatch(messageOf(call), /s3cret/);
  }));
});
