/** Archive files of npm packages: read within bounds, whatever they hold. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { MOST_TAR_BYTES, unpackTarball } from "../../src/version/packages/tarball.ts";
import { paxRecord, tar, tarball, type TarEntry } from "../support/npm_registry.ts";

const ALL = () => true;

function read(entries: readonly TarEntry[], most = 1e6): Record<string, string> {
  const files = unpackTarball(tarball(entries), ALL, most);
  const decoder = new TextDecoder();
  return Object.fromEntries([...files].map(([path, bytes]) => [path, decoder.decode(bytes)]));
}

Deno.test("TARBALL-2: files have the paths that Deno gives them, and the last of two counts", () => {
  const long = `${"deep/".repeat(30)}index.js`;
  const found = read([
    { path: "package/index.js", content: "first" },
    { path: "any-name/lib/./a.js", content: "a" },
    { path: "package/", type: "5" },
    { path: "pax", type: "x", content: paxRecord("path", `package/${long}`) },
    { path: "package/cut.js", content: "long" },
    { path: "name", type: "L", content: `package/gnu/${long}\0` },
    { path: "package/cut.js", content: "gnu" },
    { path: "pax_global_header", type: "g", content: paxRecord("comment", "of all") },
    { path: "package/index.js", content: "last" },
  ]);
  assert.deepEqual(found, {
    "index.js": "last",
    "lib/a.js": "a",
    [long]: "long",
    [`gnu/${long}`]: "gnu",
  });
});

Deno.test("TARBALL-2: links are left out, and a path that leaves the package is refused", () => {
  const kept = read([
    { path: "package/link.js", type: "2" },
    { path: "package/hard.js", type: "1" },
    { path: "package/a.js", content: "a" },
  ]);
  assert.deepEqual(Object.keys(kept), ["a.js"]);
  for (
    const path of [
      "package/../../etc/passwd.js",
      "package/a/../b.js",
      "..\\a.js",
      "package/a\\..\\b",
    ]
  ) {
    assert.throws(() => read([{ path, content: "x" }]), /a file with the path/, path);
  }
  const evil = [
    { path: "pax", type: "x", content: paxRecord("path", "package/../x.js") },
    { path: "package/x.js", content: "x" },
  ];
  assert.throws(() => read(evil), /a file with the path "package\/\.\.\/x\.js"/);
});

Deno.test("TARBALL-1: files that are kept are bounded, and others are not counted", () => {
  const entries = [
    { path: "package/a.js", content: "a".repeat(600) },
    { path: "package/readme.md", content: "b".repeat(6_000) },
    { path: "package/b.js", content: "c".repeat(600) },
  ];
  const isJs = (path: string) => path.endsWith(".js");
  assert.equal(unpackTarball(tarball(entries), isJs, 1_200).size, 2);
  assert.throws(() => unpackTarball(tarball(entries), isJs, 1_199), /more than 1199 bytes/);
});

Deno.test("TARBALL-1: a small file that would expand without end is refused", () => {
  const bomb = gzipSync(new Uint8Array(10_000_000));
  assert.ok(bomb.length < 20_000);
  assert.throws(() => unpackTarball(bomb, ALL, 1e9, 1e6), /expands to more than 1000000 bytes/);
  assert.ok(MOST_TAR_BYTES < 2 ** 29);
});

Deno.test("what is no archive, or is cut off or damaged, is refused", () => {
  const whole = tar([{ path: "package/a.js", content: "x".repeat(2_000) }]);
  const bad: Record<string, Uint8Array> = {
    "no gzip": new TextEncoder().encode("<html>"),
    "an empty file": new Uint8Array(),
    "a cut gzip": tarball([{ path: "package/a.js", content: "x" }]).subarray(0, 40),
    "no tar": gzipSync("x".repeat(600)),
    "a cut tar": gzipSync(whole.subarray(0, 1_024)),
    "a wrong sum": gzipSync(whole.with(0, 113)),
    "a size without digits": gzipSync(whole.with(124, 120)),
    "a header without a length": tarball([{ path: "p", type: "x", content: "path=a\n" }]),
    "a header without an end": tarball([{ path: "p", type: "x", content: "99999 path=a\n" }]),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    assert.throws(() => unpackTarball(bytes, ALL, 1e6), SyntaxError, what);
  }
});

Deno.test("random damage of an archive never does more than refuse it", () => {
  const whole = tar([
    { path: "pax", type: "x", content: paxRecord("path", "package/b.js") },
    { path: "package/a.js", content: "x".repeat(700) },
    { path: "package/c.js", content: "y" },
  ]);
  let random = 7;
  const draw = (bound: number) =>
    (random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0) % bound;
  for (let n = 0; n < 400; n++) {
    const damaged = whole.with(draw(whole.length), draw(256)).with(draw(1_600), draw(256));
    try {
      for (const path of unpackTarball(gzipSync(damaged), ALL, 1e6).keys()) {
        assert.ok(!path.split("/").includes(".."), path);
      }
    } catch (error) {
      assert.ok(error instanceof SyntaxError, `${error}`);
    }
  }
});
