import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { decode, encode } from "../../src/base/values.ts";
import { decodeError, encodeError, MAX_FAILURE } from "../../src/base/values_failure.ts";
import { ActivityError, NotSerializableError, WorkflowError } from "../../src/base/errors.ts";

/** Throws whatever is asked of it. */
const hostile: object = new Proxy({}, {
  get() {
    throw new Error("No");
  },
  getPrototypeOf() {
    throw new Error("No");
  },
  ownKeys() {
    throw new Error("No");
  },
});

function through(value: unknown): unknown {
  return decode(encode(value));
}

Deno.test("every known type comes back as it went", () => {
  const value = {
    text: "a\u0000b\ud800",
    numbers: [0, -0, 1.5, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER],
    nothing: [null, undefined],
    big: -(2n ** 80n),
    date: new Date(1_769_817_600_123),
    never: new Date(NaN),
    map: new Map<unknown, unknown>([["k", new Set([1, "two", new Date(0)])], [{ a: 1 }, 2]]),
    bytes: new Uint8Array([0, 1, 255]),
    nested: { deep: [{ deeper: 1n }] },
  };
  assert.deepStrictEqual(through(value), value);
});

Deno.test("what is encoded is JSON that any reader reads", () => {
  assert.equal(encode({ a: [1, "x", true, null] }), '{"a":[1,"x",true,null]}');
  assert.equal(
    encode({ at: new Date(0) }),
    '{"at":{"$continuum":"Date","value":"1970-01-01T00:00:00.000Z"}}',
  );
  assert.equal(encode(undefined), '{"$continuum":"undefined"}');
  fc.assert(
    fc.property(fc.anything({ withMap: true, withSet: true, withBigInt: true }), (value) => {
      JSON.parse(encode(value));
    }),
  );
});

Deno.test("any value of known types comes back as it went", () => {
  const options = { withMap: true, withSet: true, withBigInt: true, withDate: true };
  fc.assert(fc.property(fc.anything(options), (value) => {
    assert.deepStrictEqual(through(value), value);
  }));
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.deepStrictEqual(through(value), value)));
});

Deno.test("objects that look like a tag, and fields named __proto__, are safe", () => {
  const tricky = JSON.parse(
    '{"$continuum":"Date","value":1,"__proto__":{"$continuum":"nested"},"x":"$continuum"}',
  );
  const back = through(tricky) as object;
  assert.deepStrictEqual(back, tricky);
  assert.equal(Object.getPrototypeOf(back), Object.prototype);
  assert.ok(Object.hasOwn(back, "__proto__"));
});

Deno.test("what cannot be journaled is refused with its path", () => {
  class Custom {}
  const cycle: Record<string, unknown> = {};
  cycle.self = { cycle };
  const cases: readonly (readonly [unknown, string])[] = [
    [{ items: [1, 2, 3, { cb: () => 1 }] }, "input.items[3].cb"],
    [{ "odd key": Symbol("s") }, 'input["odd key"]'],
    [{ later: Promise.resolve(1) }, "input.later"],
    [[new Custom()], "input[0]"],
    [new Map([["k", new WeakMap()]]), 'input.get("k")'],
    [new Set([/x/]), "input.values()[0]"],
    [cycle, "input.self.cycle"],
    [{ [Symbol.iterator]: 1 }, "input[Symbol(Symbol.iterator)]"],
    [new Float32Array(1), "input"],
    [{
      a: {
        get b(): number {
          throw new Error("No");
        },
      },
    }, "input.a.b"],
  ];
  for (const [value, path] of cases) {
    assert.throws(() => encode(value, "input"), (error: unknown) => {
      assert.ok(error instanceof NotSerializableError);
      assert.equal(error.code, "NOT_SERIALIZABLE");
      assert.equal(error.path, path);
      assert.ok(error.message.includes(path));
      return true;
    });
  }
});

Deno.test("hostile values are refused with their path, whatever reading them does", () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const values: readonly unknown[] = [
    hostile,
    revoked.proxy,
    Object.defineProperty(() => 1, "name", { value: Symbol("no text") }),
    Object.create(Date.prototype),
    Object.create(Map.prototype),
    Object.create(Uint8Array.prototype),
    Object.create({
      get constructor() {
        throw hostile;
      },
    }),
  ];
  for (const value of values) {
    assert.throws(() => encode([value], "input"), (error: unknown) => {
      assert.ok(error instanceof NotSerializableError);
      assert.match(error.message, /^Cannot serialise input\[0\]/);
      return true;
    });
  }
});

Deno.test("a field is read once: what a getter answers later changes nothing", () => {
  let reads = 0;
  const fickle = (then: unknown) => ({
    get n() {
      return reads++ === 0 ? 1 : then;
    },
  });
  for (const then of [() => 2, undefined, NaN, "2", Symbol("2")]) {
    reads = 0;
    assert.deepEqual(decode(encode(fickle(then))), { n: 1 }, String(then));
    reads = 0;
    assert.deepEqual(decode(encode([{ inner: fickle(then) }])), [{ inner: { n: 1 } }]);
  }
  reads = 0;
  const once = {
    get n() {
      if (reads++ > 0) throw hostile;
      return 1;
    },
  };
  assert.deepEqual(decode(encode(once)), { n: 1 });
  reads = 0;
  const proxy = new Proxy({ n: 1 }, { get: () => reads++ === 0 ? 1 : () => 2 });
  assert.deepEqual(decode(encode(proxy)), { n: 1 });
});

Deno.test("what no limit would let pass is refused before it fills the memory", () => {
  for (const value of [new Array(2 ** 32 - 1), new Uint8Array(2 ** 29)]) {
    assert.throws(() => encode(value), { code: "NOT_SERIALIZABLE", message: /268435456 bytes/ });
  }
});

Deno.test("very deep values are refused, not a stack overflow", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 50_000; i++) deep = [deep];
  assert.throws(() => encode(deep), { code: "NOT_SERIALIZABLE" });
});

Deno.test("a Buffer comes back as plain bytes, an array's hole as undefined", () => {
  assert.deepStrictEqual(through(Buffer.from("hi")), new Uint8Array([104, 105]));
  // deno-lint-ignore no-sparse-arrays -- the hole is the case
  assert.deepStrictEqual(through([1, , 3]), [1, undefined, 3]);
});

Deno.test("what comes back is never the original", () => {
  const value = { list: [1] };
  const back = through(value) as typeof value;
  back.list.push(2);
  assert.deepEqual(value, { list: [1] });
});

Deno.test("text that is not ours is refused when it is decoded", () => {
  assert.throws(() => decode("{"), { code: "CORRUPT_VALUE" });
  assert.throws(() => decode('{"$continuum":"Nope"}'), { code: "CORRUPT_VALUE" });
  assert.throws(() => decode('{"$continuum":"constructor"}'), { code: "CORRUPT_VALUE" });
  assert.throws(() => decode('{"$continuum":"bigint","value":"x"}'), { code: "CORRUPT_VALUE" });
  assert.throws(() => decode('{"$continuum":"Error","value":null}'), { code: "CORRUPT_VALUE" });
});

Deno.test("an error as a value keeps name, message, cause and fields, not its stack", () => {
  const error = new WorkflowError("Rejected", {
    cause: new TypeError("Inner"),
    details: { n: 1n },
  });
  const back = through(error) as WorkflowError;
  assert.equal(back.name, "WorkflowError");
  assert.equal(back.message, "Rejected");
  assert.equal(back.code, "WORKFLOW_ERROR");
  assert.deepEqual(back.details, { n: 1n });
  assert.ok(back.cause instanceof TypeError);
  assert.equal(back.stack, "WorkflowError: Rejected");
  assert.ok(!encode(error).includes("values_test.ts"));
});

Deno.test("a failure keeps its stack, also that of its cause", () => {
  const cause = new RangeError("Inner");
  const back = decodeError(encodeError(new ActivityError("charge", 3, cause))) as ActivityError;
  assert.equal(back.code, "ACTIVITY_FAILED");
  assert.ok(back.stack?.includes("values_test.ts"));
  assert.ok(back.cause instanceof RangeError);
  assert.equal(back.cause.stack, cause.stack);
});

Deno.test("an error comes back as the class of the language that it is, or extends", () => {
  class Malformed extends TypeError {}
  class Many extends AggregateError {}
  class NotFound extends Error {}
  const inner = new Error("Outer", {
    cause: new AggregateError([new RangeError("One"), "two"], "Several", {
      cause: new Malformed("Deep"),
    }),
  });
  const back = decodeError(encodeError(inner)) as Error;
  const several = back.cause as AggregateError;
  assert.ok(several instanceof AggregateError);
  assert.ok(several.errors[0] instanceof RangeError);
  assert.equal(several.errors[1], "two");
  assert.deepEqual(Object.keys(several), []);
  assert.ok(several.cause instanceof TypeError);
  assert.equal(several.cause.name, "Malformed");
  const many = through(new Many([new NotFound("Gone")], "All")) as AggregateError;
  assert.ok(many instanceof AggregateError);
  assert.deepEqual([many.name, many.message, many.errors.length], ["Many", "All", 1]);
  assert.equal(many.errors[0].name, "NotFound");
  const again = through(many) as AggregateError;
  assert.deepEqual([again.name, again instanceof AggregateError], ["Many", true]);
  const named = Object.assign(new Error("Own"), { name: "TypeError" });
  assert.ok(through(named) instanceof TypeError);
  const bare = through(new AggregateError([], "None")) as AggregateError;
  assert.deepEqual([bare.errors, bare.message], [[], "None"]);
});

Deno.test("every failure can be recorded, within its bound", () => {
  const loop = new Error("Loop");
  loop.cause = loop;
  const thrown: readonly unknown[] = [
    "text",
    undefined,
    null,
    42n,
    Symbol("s"),
    () => 1,
    { a: 1 },
    hostile,
    Object.assign(() => 1, {
      toString() {
        throw hostile;
      },
    }),
    loop,
    Object.assign(new Error("Fields"), { cb: () => 1, kept: 7 }),
    new Error("\u0001".repeat(1_000_000)),
    new Error("Big", { cause: "x".repeat(1_000_000) }),
    new AggregateError([new Error("One")], "Many"),
    new DOMException("Stopped", "AbortError"),
  ];
  for (const value of thrown) {
    const text = encodeError(value);
    assert.ok(text.length <= MAX_FAILURE, `${text.length} characters`);
    decodeError(text);
  }
  assert.equal(decodeError(encodeError("text")), "text");
  assert.deepEqual(decodeError(encodeError({ a: 1 })), { a: 1 });
  const fields = decodeError(encodeError(thrown[10])) as { kept: number; cb?: unknown };
  assert.equal(fields.kept, 7);
  assert.equal(fields.cb, undefined);
  const many = decodeError(encodeError(thrown[13])) as AggregateError;
  assert.equal((many.errors[0] as Error).message, "One");
  assert.equal((decodeError(encodeError(thrown[14])) as Error).name, "AbortError");
});
