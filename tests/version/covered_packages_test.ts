/**
 * Archived packages where signatures are required: their archive files are covered by the version's
 * hash, so that a writer of the database can't change what is executed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sha256Hex } from "../../src/base/encoding.ts";
import { type ReadPackages, readPackages } from "../../src/version/packages/archive_packages.ts";
import { importPackage } from "../../src/version/packages/import_package.ts";
import { integrityOf, NpmRegistry } from "../../src/version/packages/npm_registry.ts";
import { packFiles } from "../../src/version/packages/package_files.ts";
import {
  formatPackageList,
  type PackageList,
  parsePackageList,
} from "../../src/version/packages/package_list.ts";
import { VersionPackages } from "../../src/version/packages/version_packages.ts";
import { parseNpmrc } from "../../src/version/project/npmrc.ts";
import { Lockfile } from "../../src/version/project/lockfile.ts";
import { NpmRegistryDouble, type RegistryPackage, tarball } from "../support/npm_registry.ts";

/** Each says its name, and those of its dependencies. */
function says(
  name: string,
  needs: Readonly<Record<string, string>>,
  version = "1.0.0",
): RegistryPackage {
  const below = Object.keys(needs).map((to) => `...require(${JSON.stringify(to)}).names`);
  const code = `exports.names = [${JSON.stringify(`${name}@${version}`)}, ${below.join(", ")}];`;
  return { name, version, dependencies: needs, files: { "index.js": code } };
}

const PACKAGES = [
  says("top", { left: "1.0.0", other: "2.0.0" }),
  says("left", { other: "1.0.0" }),
  says("other", {}),
  says("other", {}, "2.0.0"),
  { ...says("one", { two: "1.0.0" }), files: { "index.js": `exports.names = ["one"];` } },
  { ...says("two", { one: "1.0.0" }), files: { "index.js": `exports.names = ["two"];` } },
];
/** The runtime waits for the next import once its hooks were used. */
const HOOKED = { sanitizeOps: false };
const TOP = "npm:top@1.0.0";

/** A version that imports packages, and what the archive has of them. */
class Archive implements AsyncDisposable {
  readonly registry = new NpmRegistryDouble(PACKAGES);
  readonly lock = new Lockfile(
    JSON.stringify({ version: "5", specifiers: {}, npm: this.registry.lock }),
    "deno.lock",
  );

  externals(specifiers: readonly string[]) {
    return specifiers.map((specifier) => {
      const name = specifier.slice(4, -6);
      const { integrity } = this.lock.find({ kind: "npm", name, range: "1.0.0", path: "" })!;
      return { specifier, integrity };
    });
  }

  async read(specifiers: readonly string[] = [TOP], mostBytes = 1e6): Promise<ReadPackages> {
    const registry = new NpmRegistry(parseNpmrc(`registry=${this.registry.url}`));
    const externals = this.externals(specifiers);
    return (await readPackages({ externals }, this.lock, { mostBytes, registry }, null))!;
  }

  /** Imports a package as a process does that requires signatures, and returns the names. */
  async names(
    list: string,
    blobs: ReadonlyMap<string, Uint8Array>,
    specifier = TOP,
  ): Promise<unknown> {
    const packages = await VersionPackages.of(
      { externals: this.externals([specifier]) },
      undefined,
      { isTrusted: false, list: () => Promise.resolve(list), blobs: () => Promise.resolve(blobs) },
    );
    const { namespace } = await importPackage(await packages.open(specifier), "");
    return (namespace as { names: unknown }).names;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
  }
}

Deno.test(
  "the archive gets the archive files of the registry, and a process that requires signatures executes them",
  HOOKED,
  async () => {
    await using archive = new Archive();
    const { list, blobs, lacks, unfetched } = await archive.read();
    assert.deepEqual([lacks, unfetched.size], [[], 0]);
    const { packages } = parsePackageList(list);
    assert.equal(packages.length, 4);
    for (const { isTarball, sha256, integrity } of packages) {
      assert.ok(isTarball);
      assert.equal(integrityOf(blobs.get(sha256!)!), integrity);
    }
    const names = ["top@1.0.0", "left@1.0.0", "other@1.0.0", "other@2.0.0"];
    assert.deepEqual(await archive.names(list, blobs), names);
  },
);

Deno.test("a package without an archive file is named, and others of the version are executed", async () => {
  await using archive = new Archive();
  const whole = await archive.read([TOP, "npm:one@1.0.0"]);
  const list = parsePackageList(whole.list);
  const files = new Map([["index.js", new TextEncoder().encode(`exports.names = ["evil"];`)]]);
  const evil = packFiles(files);
  const mixed = formatPackageList({
    ...list,
    packages: list.packages.map((entry) =>
      entry.key === "left@1.0.0" ? { ...entry, isTarball: false, sha256: sha256Hex(evil) } : entry
    ),
  });
  const blobs = new Map([...whole.blobs, [sha256Hex(evil), evil] as const]);
  const packages = (isTrusted: boolean) =>
    VersionPackages.of({ externals: archive.externals([TOP, "npm:one@1.0.0"]) }, undefined, {
      isTrusted,
      list: () => Promise.resolve(mixed),
      blobs: (wanted) => Promise.resolve(new Map([...blobs].filter(([k]) => wanted.includes(k)))),
    });
  const careful = await packages(false);
  const [missing, ...more] = await careful.missing();
  assert.deepEqual(more, []);
  assert.equal(missing?.specifier, TOP);
  assert.match(
    missing.reason,
    /trust\.keys is set.*files of left@1\.0\.0 that no signature covers/,
  );
  await assert.rejects(careful.open(TOP), /no signature covers/);
  assert.deepEqual([...await careful.taken()], ["npm:one@1.0.0"]);
  assert.equal(await careful.isSound(), true);
  const message = (await careful.message())!;
  assert.equal(message.isTrusted, false, "the subprocess that replays is as careful");
  assert.equal(Object.keys(message.blobs).length, 2, "it gets what it may execute");
  assert.deepEqual(await (await packages(true)).missing(), []);
});

Deno.test("CLOSURE-1: a writer of the database changes nothing of what is executed", async () => {
  await using archive = new Archive();
  const { list: text, blobs } = await archive.read();
  const list = parsePackageList(text);
  const code = `exports.names = ["evil"];`;
  const evil = tarball([
    { path: "package/package.json", content: `{ "name": "left", "version": "1.0.0" }` },
    { path: "package/index.js", content: code },
  ]);
  const sha256 = sha256Hex(evil);
  const entry = list.packages.find(({ key }) => key === "left@1.0.0")!;
  const others = list.packages.filter((each) => each !== entry);
  const edge = list.edges.find(({ from }) => from === "left@1.0.0")!;
  const edges = list.edges.filter((each) => each !== edge);
  const attacks: Record<string, Partial<PackageList>> = {
    "another archive file": { packages: [...others, { ...entry, sha256 }] },
    "another archive file with its integrity": {
      packages: [...others, { ...entry, sha256, integrity: integrityOf(evil) }],
    },
    "the archive file of another package": {
      packages: [...others, { ...entry, sha256: others[0]!.sha256 }],
    },
    "a package as one for another platform": {
      packages: [...others, { ...entry, sha256: null, isTarball: false }],
    },
    "a package less": { packages: others },
    "another meaning of a name": { edges: [...edges, { ...edge, to: "other@2.0.0" }] },
    "a meaning less": { edges },
    "a meaning more": { edges: [...list.edges, { ...edge, name: "more", to: "other@2.0.0" }] },
    "another package in its place": { externals: [{ specifier: TOP, key: "left@1.0.0" }] },
  };
  for (const [what, change] of Object.entries(attacks)) {
    const changed = formatPackageList({ ...list, ...change });
    await assert.rejects(
      archive.names(changed, new Map([...blobs, [sha256, evil]])),
      { code: "INTEGRITY_MISMATCH" },
      what,
    );
  }
  const twice = text.replace(/^tarball left@.*\n/m, (line) => {
    const first = line.replace(/sha512-\S+ \S+/, `${integrityOf(evil)} ${sha256}`);
    return [first, line].sort().join("");
  });
  assert.notEqual(twice, text);
  await assert.rejects(archive.names(twice, new Map([...blobs, [sha256, evil]])), {
    code: "INTEGRITY_MISMATCH",
  });
});

Deno.test(
  "CLOSURE-1: of packages that need each other, none takes the place of the other",
  HOOKED,
  async () => {
    await using archive = new Archive();
    const { list, blobs } = await archive.read(["npm:one@1.0.0"]);
    assert.deepEqual(await archive.names(list, blobs, "npm:one@1.0.0"), ["one"]);
    const swapped = list.replace("npm:one@1.0.0 one@1.0.0", "npm:one@1.0.0 two@1.0.0");
    assert.notEqual(swapped, list);
    await assert.rejects(archive.names(swapped, blobs, "npm:one@1.0.0"), {
      code: "INTEGRITY_MISMATCH",
    });
  },
);

Deno.test("a key that holds the lines of two packages is none of a closure", async () => {
  await using archive = new Archive();
  const { list: text, blobs } = await archive.read(["npm:one@1.0.0"]);
  const list = parsePackageList(text);
  const [one, two] = ["one@1.0.0", "two@1.0.0"].map((name) =>
    list.packages.find(({ key }) => key === name)!
  );
  const key = `one@1.0.0 ${one!.integrity} two npm:two@1.0.0\nnpm:two@1.0.0`;
  const forged = formatPackageList({
    externals: [{ specifier: "npm:one@1.0.0", key }],
    packages: [{ ...two!, key }],
    edges: [{ from: key, name: "one", to: key }],
    readers: [],
    lacks: [],
  });
  await assert.rejects(archive.names(forged, blobs, "npm:one@1.0.0"), {
    code: "INTEGRITY_MISMATCH",
  });
});

Deno.test("an archive file that is unavailable or unusable leaves the files of the cache, with a reason", async () => {
  await using archive = new Archive();
  archive.registry.wants = "Bearer other";
  const { lacks, unfetched } = await archive.read();
  assert.match(unfetched.get("left@1.0.0")!, /answers 401/);
  assert.match(lacks[0]!.reason, /Deno's cache on this machine does not have/);
  archive.registry.wants = undefined;
  const small = await archive.read([TOP], 600);
  assert.match([...small.unfetched.values()].join("\n"), /bytes|limit/);
  const registry = new NpmRegistry(parseNpmrc(`registry=${archive.registry.url}`));
  const asked = archive.registry.asked.length;
  const first = await archive.read();
  const known = parsePackageList(first.list);
  const origin = { mostBytes: 1e6, registry };
  const externals = archive.externals([TOP]);
  assert.equal(await readPackages({ externals }, archive.lock, origin, known), null);
  assert.equal(archive.registry.asked.length, asked + 4, "what is there is not fetched again");
});
