/**
 * Signatures and keys as texts: what is signed, to the byte, and what is refused.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { isContinuumError } from "../../src/base/errors.ts";
import {
  makeSigningKey,
  readSigningKey,
  readVerifyingKeys,
  type SigningKey,
} from "../../src/version/signing/keys.ts";
import {
  formatSignature,
  readSignatures,
  signedBytes,
} from "../../src/version/signing/signature.ts";
import { countOf } from "../support/thoroughness.ts";

/** The first key of RFC 8032, section 7.1. */
const PRIVATE = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const ID = "21fe31dfa154a261626bf854046fd227";

const HASH = "0123456789abcdef".repeat(4);

function pemOf(der: string, label: string): string {
  return `-----BEGIN ${label}-----\n${
    Uint8Array.fromHex(der).toBase64()
  }\n-----END ${label}-----\n`;
}

const KEY: SigningKey = readSigningKey(
  pemOf(`302e020100300506032b657004220420${PRIVATE}`, "PRIVATE KEY"),
  "the key",
);

const PUBLIC_PEM = pemOf(`302a300506032b6570032100${PUBLIC}`, "PUBLIC KEY");
const PUBLIC_TEXT = Uint8Array.fromHex(PUBLIC).toBase64({
  alphabet: "base64url",
  omitPadding: true,
});

/** What was refused, in words. */
function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    assert(isContinuumError(error, "INVALID_ARGUMENT"), String(error));
    return error.message;
  }
  return assert.fail("it was accepted");
}

Deno.test("the signed bytes and the line are those of docs/signing.md", () => {
  const name = "Bestellung 7/ü";
  assert.equal(
    new TextDecoder().decode(signedBytes(name, HASH)),
    `continuum-signature-1 Bestellung%207/%C3%BC ${HASH}\n`,
  );
  const signature = KEY.sign("order", HASH);
  assert.equal(KEY.public.id, ID);
  assert.equal(
    formatSignature(signature),
    `continuum-signature-1 order ${HASH} ${ID} ` +
      "jXVAS6kl7H0liJSntrZtc-lsT2H-PK6PG6Q5WXWkDK1T1ZQhceCz3NEKWQtKj77RIwOLU1MJqcTy6v-RgjU7Bg",
  );
  assert.deepEqual(readSignatures(formatSignature(signature), "it"), [signature]);
  assert.deepEqual(KEY.sign("order", HASH), signature, "the same each time");
});

Deno.test("a public key is read from PEM and from base64url, alone and among others", () => {
  const other = makeSigningKey().public;
  for (const text of [PUBLIC_PEM, PUBLIC_TEXT, ` ${PUBLIC_TEXT}\n`, PUBLIC_PEM.trim()]) {
    assert.deepEqual(readVerifyingKeys(text, "it").map(({ id }) => id), [ID], text);
  }
  const file = `# releases\n${other.text}\n\n${PUBLIC_PEM}# the end`;
  assert.deepEqual(
    new Set(readVerifyingKeys(file, "it").map(({ id }) => id)),
    new Set([other.id, ID]),
  );
});

Deno.test("keys of other kinds, private keys and damaged keys are refused, and in no message", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "pem" }) as string;
  const wrong: readonly (readonly [text: string, says: RegExp])[] = [
    [KEY.toPem(), /a private key, which stays where versions are signed/],
    [`${PUBLIC_PEM}${KEY.toPem()}`, /a private key/],
    [spki, /a key in PEM that is none of Ed25519/],
    [pemOf(`302a300506032b656e032100${PUBLIC}`, "PUBLIC KEY"), /none of Ed25519/], // X25519
    [pemOf(`302a300506032b6570032100${PUBLIC}00`, "PUBLIC KEY"), /none of Ed25519/],
    [pemOf(`302a300506032b6570032100${PUBLIC.slice(2)}`, "PUBLIC KEY"), /none of Ed25519/],
    [PUBLIC_PEM.replace("\n-----END", "=\n-----END"), /none of Ed25519/],
    [PUBLIC_PEM.slice(0, -20), /a line that is no key/],
    [`${PUBLIC_TEXT} ${PUBLIC_TEXT}`, /a line that is no key/],
    [PUBLIC_TEXT.slice(1), /a line that is no key/],
    [`${PUBLIC_TEXT.slice(0, -1)}p`, /a line that is no key/], // not canonical
    [PUBLIC, /a line that is no key/],
    ["", /holds no key/],
    ["# nothing", /holds no key/],
  ];
  for (const [text, says] of wrong) {
    const message = refusal(() => readVerifyingKeys(text, "option trust.keys[0]"));
    assert.match(message, says);
    const secret = KEY.toPem().split("\n")[1]!;
    assert(!message.includes(secret) && message.length < 300, message);
  }
  const keys: readonly (readonly [text: string, says: RegExp])[] = [
    [PUBLIC_PEM, /a public key/],
    [privateKey.export({ type: "pkcs8", format: "pem" }) as string, /holds none/],
    [
      createPrivateKey(KEY.toPem()).export({
        type: "pkcs8",
        format: "pem",
      }).toString().replaceAll("PRIVATE", "ENCRYPTED PRIVATE"),
      /encrypted with a password/,
    ],
    ["", /holds none/],
  ];
  for (const [text, says] of keys) assert.match(refusal(() => readSigningKey(text, "it")), says);
});

Deno.test("a point of small order is no key: everyone could sign with it", () => {
  const points = [
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    `${"00".repeat(31)}80`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(31)}`,
  ];
  for (const point of points) {
    const pem = pemOf(`302a300506032b6570032100${point}`, "PUBLIC KEY");
    assert.match(refusal(() => readVerifyingKeys(pem, "it")), /small order/, point);
  }
});

Deno.test("a signature holds for its name, its hash and its key alone", () => {
  const signature = KEY.sign("order", HASH);
  const other = makeSigningKey();
  assert(KEY.public.verifies(signature));
  const others = [
    { ...signature, workflow: "Order" },
    { ...signature, workflow: `order ${HASH}` },
    { ...signature, hash: HASH.replace("0", "1") },
    { ...signature, hash: HASH.toUpperCase() },
    { ...signature, signature: other.sign("order", HASH).signature },
    { ...signature, signature: KEY.sign("refund", HASH).signature },
    { ...signature, signature: "" },
    { ...signature, workflow: "\ud800" },
    { ...signature, signature: null as unknown as string },
    { ...signature, workflow: {} as unknown as string },
  ];
  for (const forged of others) assert.equal(KEY.public.verifies(forged), false);
  assert.equal(other.public.verifies(signature), false);
});

Deno.test("every change of a signature's bits makes it invalid", () => {
  const signature = KEY.sign("order", HASH);
  const bytes = Uint8Array.fromBase64(signature.signature, { alphabet: "base64url" });
  for (let bit = 0; bit < 512; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const text = changed.toBase64({ alphabet: "base64url", omitPadding: true });
    assert.equal(KEY.public.verifies({ ...signature, signature: text }), false, `bit ${bit}`);
  }
});

Deno.test("a text is read as what is written of it, or refused by its line", () => {
  const line = formatSignature(KEY.sign("order", HASH));
  const words = line.split(" ");
  const without = (index: number, word: string) => words.with(index, word).join(" ");
  const wrong = [
    without(0, "continuum-signature-2"),
    without(1, ""),
    without(1, "%6Frder"),
    without(1, "%00"),
    without(1, "%FF"),
    without(1, "x".repeat(201)),
    without(2, HASH.toUpperCase()),
    without(2, HASH.slice(1)),
    without(3, words[3]!.slice(1)),
    without(4, words[4]!.slice(1)),
    without(4, `${words[4]!.slice(0, -1)}B`), // not canonical
    without(4, `${words[4]}==`),
    ` ${line}`,
    `${line} `,
    `${line} more`,
    line.replace(" ", "\t"),
    words.slice(0, 4).join(" "),
    KEY.toPem(),
  ];
  for (const text of wrong) {
    const message = refusal(() => readSignatures(`# first\n${text}`, "the file"));
    assert.match(message, /^Cannot use line 2 of the file: found a line of \d+ characters/);
    assert(!message.includes(KEY.toPem().split("\n")[1]!));
  }
  assert.deepEqual(readSignatures("", "it"), []);
  assert.equal(readSignatures(`\r\n${line}\r\n# end\n${line}\n`, "it").length, 2);
});

Deno.test("whatever is drawn, it is refused in words, or is exactly what would be written", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 })
    .filter((text) => text.isWellFormed() && !text.includes("\0"));
  fc.assert(
    fc.property(name, fc.stringMatching(/^[0-9a-f]{64}$/), (workflow, hash) => {
      const signature = KEY.sign(workflow, hash);
      const line = formatSignature(signature);
      assert.deepEqual(readSignatures(line, "it"), [signature]);
      assert(KEY.public.verifies(signature));
    }),
    { numRuns: countOf(200) },
  );
  const line = formatSignature(KEY.sign("order", HASH));
  const edit = fc.record({
    at: fc.nat(line.length),
    remove: fc.nat(3),
    insert: fc.string({ maxLength: 3 }),
  });
  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `continuum-signature-1 ${rest}`),
    edit.map(({ at, remove, insert }) => line.slice(0, at) + insert + line.slice(at + remove)),
  );
  fc.assert(
    fc.property(text, (text) => {
      let read;
      try {
        read = readSignatures(text, "it");
      } catch (error) {
        assert(isContinuumError(error, "INVALID_ARGUMENT"), String(error));
        return;
      }
      const lines = text.split(/\r?\n/).filter((each) => each !== "" && !each.startsWith("#"));
      assert.deepEqual(read.map(formatSignature), lines);
      for (const signature of read) {
        const isOurs = formatSignature(signature) === line;
        const claims = { ...signature, key: KEY.public.id };
        assert.equal(KEY.public.verifies(claims), isOurs || formatSignature(claims) === line);
      }
    }),
    { numRuns: countOf(4_000) },
  );
});
