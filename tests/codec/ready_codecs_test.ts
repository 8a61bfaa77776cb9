/**
 * What the ready codecs promise, and what the store makes of any codec's failures.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import {
  aesGcmCodec,
  chain,
  compressionCodec,
  type EncodedPayload,
  type PayloadCodec,
} from "../../src/codec/mod.ts";
import { CODEC_MS, Payloads } from "../../src/store/coded/payloads.ts";
import { HandClock } from "../support/hand_clock.ts";

const k1 = new Uint8Array(32).fill(1);
const k2 = new Uint8Array(32).fill(2);
const TEXT = JSON.stringify({ name: "Ada", note: "x".repeat(2_000) });
const bytes = new TextEncoder().encode(TEXT);
const info = { kind: "input" } as const;

async function encoded(codec: PayloadCodec, given = bytes): Promise<EncodedPayload> {
  const result = await codec.encode(given, info);
  assert(result !== null);
  return result;
}

Deno.test("AESGCM-1: the same value is never encrypted to the same bytes", async () => {
  const codec = aesGcmCodec({ keys: { k1 }, current: "k1" });
  const [a, b] = [await encoded(codec), await encoded(codec)];
  assert.notDeepEqual(a.bytes, b.bytes);
  assert.notDeepEqual(a.bytes.subarray(0, 12), b.bytes.subarray(0, 12));
  for (const { key, bytes: stored } of [a, b]) {
    assert.equal(key, "k1");
    assert.deepEqual(await codec.decode(stored, { ...info, key }), bytes);
  }
});

Deno.test("a new current key encrypts, and the old one still decrypts", async () => {
  const old = await encoded(aesGcmCodec({ keys: { k1 }, current: "k1" }));
  const rotated = aesGcmCodec({ keys: { k2, k1 }, current: "k2" });
  assert.equal((await encoded(rotated)).key, "k2");
  assert.deepEqual(await rotated.decode(old.bytes, { ...info, key: "k1" }), bytes);
});

Deno.test("a missing key, another key, a changed byte and another kind are refused in words", async () => {
  const { bytes: stored } = await encoded(aesGcmCodec({ keys: { k1 }, current: "k1" }));
  const decoding = (codec: PayloadCodec, given = stored, more = {}) =>
    (async () => await codec.decode(given, { ...info, key: "k1", ...more }))();
  const right = aesGcmCodec({ keys: { k1 }, current: "k1" });
  const other = aesGcmCodec({ keys: { k1: k2 }, current: "k1" });
  const none = aesGcmCodec({ keys: { k2 }, current: "k2" });
  await assert.rejects(decoding(none), { message: `the key "k1" is missing, found k2` });
  await assert.rejects(decoding(other), /the key "k1" is another one, or the value was changed/);
  const changed = stored.with(20, stored[20]! ^ 1);
  await assert.rejects(decoding(right, changed), /changed or moved/);
  await assert.rejects(decoding(right, stored.subarray(0, 20)), /cut short/);
  await assert.rejects(decoding(right, stored, { kind: "result" }), /changed or moved/);
});

Deno.test("a CryptoKey serves as well, and a bad key is refused without being shown", async () => {
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  const key = await crypto.subtle.importKey("raw", k1, "AES-GCM", false, usages);
  const { bytes: stored } = await encoded(aesGcmCodec({ keys: { k1: key }, current: "k1" }));
  const raw = aesGcmCodec({ keys: { k1 }, current: "k1" });
  assert.deepEqual(await raw.decode(stored, { ...info, key: "k1" }), bytes);
  const short = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, usages);
  for (const wrong of [short, new Uint8Array(16), "S3CRET", null]) {
    assert.throws(
      () => aesGcmCodec({ keys: { k1: wrong as CryptoKey }, current: "k1" }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "INVALID_ARGUMENT");
        assert(!error.message.includes("S3CRET"), error.message);
        return true;
      },
    );
  }
  for (const current of ["k2", undefined, 1]) {
    const options = { keys: { k1 }, current: current as string };
    assert.throws(() => aesGcmCodec(options), { code: "INVALID_ARGUMENT" });
  }
});

Deno.test("large values are compressed, small and dense ones are left as they are", async () => {
  const codec = compressionCodec({ above: 100 });
  const { key, bytes: short } = await encoded(codec);
  assert(short.length < 100, String(short.length));
  assert.deepEqual(await codec.decode(short, { ...info, key }), bytes);
  assert.equal(await codec.encode(bytes.subarray(0, 100), info), null);
  assert.equal(await codec.encode(crypto.getRandomValues(new Uint8Array(500)), info), null);
});

Deno.test("a chain decodes what each of its codecs did, also what one left out", async () => {
  const codec = chain(
    compressionCodec({ above: 100 }),
    aesGcmCodec({ keys: { k1 }, current: "k1" }),
  );
  for (const [given, key] of [[bytes, "deflate-raw+k1"], [bytes.subarray(0, 50), "k1"]] as const) {
    const found = await encoded(codec, given);
    assert.equal(found.key, key);
    assert.deepEqual(await codec.decode(found.bytes, { ...info, key }), given);
  }
  const alone = chain(compressionCodec({ above: 100 }));
  assert.equal(await alone.encode(bytes.subarray(0, 50), info), null);
  assert.throws(() => chain(), { code: "INVALID_ARGUMENT" });
});

// ---- failures of codecs -------------------------------------------------------------------------

/** A codec that answers what a test wants. */
function fake(parts: Partial<Record<"encode" | "decode", () => unknown>>): PayloadCodec {
  return {
    encode: (parts.encode ?? (() => ({ key: "k", bytes }))) as PayloadCodec["encode"],
    decode: (parts.decode ?? (() => bytes)) as PayloadCodec["decode"],
  };
}

const WRONG: Readonly<Record<string, () => unknown>> = {
  "throws": () => {
    throw new Error("no vault");
  },
  "rejects": () => Promise.reject(new Error("no vault")),
  "returns nothing": () => undefined,
  "returns a text": () => "S3CRET",
  "returns no key": () => ({ bytes }),
  "returns a bad key": () => ({ key: 'S3CRET"', bytes }),
  "returns no bytes": () => ({ key: "k", bytes: "S3CRET" }),
};

for (const [what, call] of Object.entries(WRONG)) {
  Deno.test(`CODED-2: a codec that ${what} is named, and no value is shown`, async () => {
    const payloads = new Payloads(fake({ encode: call, decode: call }));
    await assert.rejects(
      payloads.encode(TEXT, "input"),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "VALUE_NOT_ENCODED");
        assert.match(error.message, /^Cannot encode a value \(input\): the payload codec failed: /);
        assert(!error.message.includes("S3CRET") && !error.message.includes("Ada"), error.message);
        return true;
      },
    );
    const stored = await new Payloads(fake({})).encode(TEXT, "input");
    const found = await payloads.decode(stored, "input");
    assert.throws(() => decode(found), (error: Error & { code?: string; details?: unknown }) => {
      assert.equal(error.code, "VALUE_NOT_DECODED");
      assert.equal((error.details as { key: string }).key, "k");
      assert(!error.message.includes("S3CRET"), error.message);
      return true;
    });
    await assert.rejects(payloads.encode(found, "input"), { code: "VALUE_NOT_DECODED" }); // CODED-1
  });
}

Deno.test("CODED-2: a codec that never answers is given up after its time", async () => {
  const clock = new HandClock();
  const never = () => new Promise<never>(() => {});
  const payloads = new Payloads(fake({ encode: never, decode: never }), clock);
  const settled = () => Promise.resolve();
  const encoding = assert.rejects(
    payloads.encode(TEXT, "input"),
    /it did not answer within 10 seconds/,
  );
  await clock.advance(CODEC_MS, settled);
  await encoding;
  const stored = await new Payloads(fake({})).encode(TEXT, "input");
  const decoding = payloads.decode(stored, "input");
  await clock.advance(CODEC_MS, settled);
  const found = await decoding;
  assert.throws(() => decode(found), /it did not answer within 10 seconds/);
});

Deno.test("CODED-2: bytes that are no value are not taken for one", async () => {
  const stored = await new Payloads(fake({})).encode(TEXT, "input");
  for (
    const wrong of [new Uint8Array([255]), new TextEncoder().encode("S3CRET"), new Uint8Array()]
  ) {
    const found = await new Payloads(fake({ decode: () => wrong })).decode(stored, "input");
    assert.throws(() => decode(found), (error: Error) => {
      assert(!error.message.includes("S3CRET"), error.message);
      return /bytes that are no value/.test(error.message);
    });
  }
});

Deno.test("a value of a user that looks like an encoded one is a value", async () => {
  const { encode } = await import("../../src/base/values.ts");
  const payloads = new Payloads(aesGcmCodec({ keys: { k1 }, current: "k1" }));
  const value = { $continuum: "Encoded", key: "k1", value: "AAAA" };
  assert.deepEqual(decode(encode(value)), value);
  const stored = await payloads.encode(encode(value), "input");
  assert.deepEqual(decode(await payloads.decode(stored, "input")), value);
});

Deno.test("without a codec, an encoded value is refused with its key's id", async () => {
  const stored = await new Payloads(aesGcmCodec({ keys: { k1 }, current: "k1" })).encode(
    TEXT,
    "input",
  );
  assert.throws(() => decode(stored), (error: Error & { code?: string }) => {
    assert.equal(error.code, "VALUE_NOT_DECODED");
    assert.match(error.message, /Cannot decode a value of key "k1": this process has no codec/);
    return true;
  });
});
