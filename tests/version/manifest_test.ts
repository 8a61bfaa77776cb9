import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeWord, encodeWord, sha256Hex } from "../../src/base/encoding.ts";
import {
  type EdgeTarget,
  formatManifest,
  type Manifest,
  type MediaType,
  parseManifest,
  versionHash,
} from "../../src/version/manifest/format.ts";
import { ManifestIndex } from "../../src/version/manifest/resolved_imports.ts";
import { VerifiedManifest } from "../../src/version/manifest/verified.ts";
import { PROJECT, projectFiles } from "../support/project.ts";

const MEDIA: MediaType[] = ["js", "jsx", "ts", "tsx", "json", "text", "bytes", "wasm"];

const word = fc.string({ unit: "binary", minLength: 1, maxLength: 12 });
const digest = word.map((text) => sha256Hex(text));

/** Any manifest that holds the invariants. */
const manifests: fc.Arbitrary<Manifest> = fc.record({
  labels: fc.uniqueArray(word, { minLength: 2, maxLength: 8 }),
  externals: fc.uniqueArray(word, { maxLength: 4 }),
  options: fc.uniqueArray(word, { maxLength: 4 }),
  digests: fc.array(digest, { minLength: 8, maxLength: 8 }),
  media: fc.array(fc.constantFrom(...MEDIA), { minLength: 8, maxLength: 8 }),
  liveFrom: fc.integer({ min: 1, max: 8 }),
  edges: fc.uniqueArray(fc.tuple(fc.nat(), word, fc.nat()), {
    maxLength: 8,
    selector: ([, specifier]) => specifier,
  }),
}).map(({ labels, externals, options, digests, media, liveFrom, edges }) => {
  const members = labels.slice(0, liveFrom)
    .map((label, i) => ({ label, sha256: digests[i]!, media: media[i]! }));
  const live = labels.slice(liveFrom);
  const targets: EdgeTarget[] = [
    { kind: "host" },
    { kind: "missing" },
    ...members.map(({ label }) => ({ kind: "member" as const, label })),
    ...live.map((label) => ({ kind: "live" as const, label })),
    ...externals.map((specifier) => ({ kind: "external" as const, specifier })),
  ];
  return {
    version: 1,
    entry: members[0]!.label,
    members,
    live,
    externals: externals.map((specifier, i) => ({
      specifier,
      integrity: i % 2 === 0 ? null : `sha512-${i}`,
    })),
    options: options.map((key, i) => [key, i % 2 === 0 ? "" : key] as const),
    edges: edges.map(([from, specifier, target]) => ({
      from: members[from % members.length]!.label,
      specifier,
      target: targets[target % targets.length]!,
    })),
  };
});

const SAMPLE: Manifest = {
  version: 1,
  entry: "./order.ts",
  members: [
    { label: "./order.ts", sha256: sha256Hex("a"), media: "ts" },
    { label: "./a.json", sha256: sha256Hex("b"), media: "json" },
    { label: "./a.json", sha256: sha256Hex("b"), media: "text" },
    { label: "../lib/x.ts", sha256: sha256Hex("c"), media: "ts" },
  ],
  edges: [
    { from: "./order.ts", specifier: "x", target: { kind: "member", label: "../lib/x.ts" } },
    { from: "./order.ts", specifier: "./db.ts", target: { kind: "live", label: "./db.ts" } },
    {
      from: "./order.ts",
      specifier: "node:fs",
      target: { kind: "external", specifier: "node:fs" },
    },
    { from: "./order.ts", specifier: "./gone.ts", target: { kind: "missing" } },
  ],
  externals: [{ specifier: "node:fs", integrity: null }],
  live: ["./db.ts"],
  options: [["jsx", "react-jsx"]],
};

Deno.test("any text becomes one visible ASCII word, and back", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const word = encodeWord(text);
    assert.match(word, /^[!-~]*$/);
    assert.equal(decodeWord(word), text);
  }));
  assert.equal(encodeWord("a b%ü\n"), "a%20b%25%C3%BC%0A");
  assert.throws(() => encodeWord("\ud800"), URIError);
  for (const word of ["%41", "%c3%BC", "%C3", "%", "%2", "%zz", "ü", "a b"]) {
    assert.throws(() => decodeWord(word), URIError, word);
  }
});

Deno.test("a manifest survives being written and read, and its order has no meaning", () => {
  fc.assert(fc.property(manifests, (manifest) => {
    const text = formatManifest(manifest);
    assert.match(text, /^[\n -~]*$/);
    assert.equal(formatManifest(parseManifest(text)), text);
    const reversed: Manifest = {
      ...manifest,
      members: manifest.members.toReversed(),
      edges: manifest.edges.toReversed(),
      externals: manifest.externals.toReversed(),
      live: manifest.live.toReversed(),
      options: manifest.options.toReversed(),
    };
    assert.equal(formatManifest(reversed), text);
    assert.deepEqual(
      new Set(parseManifest(text).members.map((m) => JSON.stringify(m))),
      new Set(manifest.members.map((m) => JSON.stringify(m))),
    );
  }));
});

Deno.test("a manifest made from its content is the one verified from its text", () => {
  fc.assert(fc.property(manifests, (manifest) => {
    const made = VerifiedManifest.of(manifest);
    const verified = VerifiedManifest.verify(made.text, made.hash, "a manifest");
    assert.equal(made.hash, versionHash(made.text));
    assert.deepEqual(made.content, verified.content);
    assert.deepEqual(made.content, parseManifest(made.text));
    assert.throws(() => VerifiedManifest.verify(made.text, sha256Hex("other"), "a manifest"), {
      code: "INTEGRITY_MISMATCH",
    });
  }));
});

Deno.test("manifests are hashed and parsed in one module alone", async () => {
  const callers = async (name: string) => {
    const call = new RegExp(`(?<!function )\\b${name.replace(".", "\\.")}\\(`, "g");
    const found: string[] = [];
    for (const path of await projectFiles("src", ".ts")) {
      const source = (await Deno.readTextFile(new URL(path, PROJECT))).replace(/^ *\*.*$/gm, "");
      found.push(...Array.from(source.matchAll(call), () => path));
    }
    return found;
  };
  const home = "src/version/manifest/verified.ts";
  assert.deepEqual(await callers("versionHash"), [home, home]);
  assert.deepEqual(await callers("parseManifest"), [home]);
  assert.deepEqual(await callers("readManifestLines"), ["src/version/manifest/format.ts", home]);
  assert.deepEqual(await callers("VerifiedManifest.verify"), [
    "src/bundle/read.ts", // of a file
    "src/dry_run/main.ts", // in a process of its own
    "src/version/child_versions.ts", // of rows, to compare the parts of versions
    "src/version/sources.ts",
  ]);
});

Deno.test("any change to a manifest's text is refused, or is another version", () => {
  fc.assert(fc.property(
    manifests,
    fc.nat(),
    fc.constantFrom("replace", "insert", "delete", "swap"),
    fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 1 }),
    (manifest, at, how, character) => {
      const text = formatManifest(manifest);
      const i = at % text.length;
      const [before, after] = [text.slice(0, i), text.slice(i)];
      const lines = text.split("\n");
      const j = at % (lines.length - 1);
      const changed = how === "replace"
        ? before + character + after.slice(1)
        : how === "insert"
        ? before + character + after
        : how === "delete"
        ? before + after.slice(1)
        : [...lines.slice(0, j), lines[j + 1], lines[j], ...lines.slice(j + 2)].join("\n");
      if (changed === text) return;
      assert.notEqual(versionHash(changed), versionHash(text));
      try {
        assert.notDeepEqual(parseManifest(changed), parseManifest(text));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "MANIFEST_INVALID");
      }
    },
  ));
});

Deno.test("texts that are not canonical are refused with the reason", () => {
  const good = formatManifest(SAMPLE);
  const cases: [text: string, why: RegExp][] = [
    ["", /header/],
    [good.replace("manifest 1", "manifest 2"), /wanted "continuum-manifest 1"/],
    [good.replaceAll("\n", "\r\n"), /header/],
    [good.slice(0, -1), /line feed/],
    [`${good}\n`, /found ""/],
    [good.replace("live ", "life "), /wanted a known line/],
    [good.replace("option jsx", "option  jsx"), /found the text ""/],
    [good.replace(/^option jsx.*$/m, "$& a b"), /3 fields/],
    [good.replace(/^option jsx.*$/m, "$& ./none.ts"), /no member that is compiled/],
    [good.replace(/^option jsx.*$/m, "$&\n$& ./order.ts"), /of every module, and of/],
    [good.replace("option jsx", "option %6Asx"), /percent-encoded/],
    [good.replace("entry ./order.ts", "entry ./none.ts"), /not a member/],
    [good.replace("member:../lib/x.ts", "member:./none.ts"), /not listed/],
    [good.replace("missing", "absent"), /target/],
    [good.replace(sha256Hex("c"), sha256Hex("c").toUpperCase()), /digest/],
    [good.replace(" tsx ", " exe ").replace(" ts ", " exe "), /media/],
    [good.replace("live ./db.ts", "live ./order.ts"), /both live and a member/],
  ];
  for (const [text, why] of cases) {
    assert.throws(() => parseManifest(text), { code: "MANIFEST_INVALID", message: why });
  }
});

Deno.test("content that breaks an invariant is not written", () => {
  const [order] = SAMPLE.members;
  const [edge] = SAMPLE.edges;
  const broken: Partial<Manifest>[] = [
    { members: [...SAMPLE.members, { ...order!, media: "js" }] },
    { edges: [...SAMPLE.edges, { ...edge!, target: { kind: "host" } }] },
    { edges: [{ ...edge!, from: "./none.ts" }] },
    { edges: [{ ...edge!, specifier: "" }] },
    { live: [""] },
    { edges: [{ ...edge!, specifier: "\udc00" }] },
    { externals: [...SAMPLE.externals, ...SAMPLE.externals] },
    { live: ["./db.ts", "./db.ts"] },
    { options: [["jsx", "a"], ["jsx", "b"]] },
    { options: [["jsx", "\ud800"]] },
    { externals: [{ specifier: "node:fs", integrity: "-" }] },
  ];
  for (const change of broken) {
    assert.throws(() => formatManifest({ ...SAMPLE, ...change }), { code: "MANIFEST_INVALID" });
  }
});

Deno.test("an import is answered by its edge, then by relative labels, and by nothing else", () => {
  const index = new ManifestIndex(SAMPLE);
  const [order, json, text, lib] = SAMPLE.members;
  assert.deepEqual(index.entry, order);
  assert.deepEqual(index.resolve("./order.ts", "x"), { kind: "member", member: lib });
  assert.deepEqual(index.resolve("../lib/x.ts", "x"), undefined);
  assert.deepEqual(index.resolve("./order.ts", "../lib/x.ts"), { kind: "member", member: lib });
  assert.deepEqual(index.resolve("../lib/x.ts", "./x.ts"), { kind: "member", member: lib });
  assert.deepEqual(index.resolve("./order.ts", "./a.json"), undefined);
  assert.deepEqual(index.resolve("./order.ts", "./a.json", { type: "json" }), {
    kind: "member",
    member: json,
  });
  assert.deepEqual(index.resolve("./order.ts", "./a.json", { type: "text" }), {
    kind: "member",
    member: text,
  });
  assert.deepEqual(index.resolve("./order.ts", "./a.json", { type: "css" }), undefined);
  assert.deepEqual(index.resolve("./order.ts", "./db.ts"), { kind: "live", label: "./db.ts" });
  assert.deepEqual(index.resolve("./order.ts", "./gone.ts"), { kind: "missing" });
  assert.deepEqual(index.resolve("./order.ts", "node:fs"), {
    kind: "external",
    specifier: "node:fs",
  });
  for (const specifier of ["node:net", "./other.ts", "fs", "/a.json", "file:///etc/passwd"]) {
    assert.equal(index.resolve("./order.ts", specifier), undefined, specifier);
  }
});
