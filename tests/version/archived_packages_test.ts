/**
 * npm packages from the archive: they do in memory what they do where the runtime executes them, and
 * nothing that is damaged is executed.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { NewPackages } from "../../src/ports/rows.ts";
import { openPackage } from "../../src/version/packages/archived_package.ts";
import { readPackages } from "../../src/version/packages/archive_packages.ts";
import { importPackage } from "../../src/version/packages/import_package.ts";
import { parsePackageList, pinnedKey } from "../../src/version/packages/package_list.ts";
import { VersionPackages } from "../../src/version/packages/version_packages.ts";
import { parsePackageSpecifier } from "../../src/version/manifest/package_specifier.ts";
import { Lockfile } from "../../src/version/project/lockfile.ts";
import { makeSigningKey } from "../../src/version/signing/keys.ts";
import { Versions, type VersionsOptions } from "../../src/version/versions.ts";
import { POSTGRES } from "../support/database.ts";
import { type Folder, makeFolder } from "../support/modules.ts";
import { ownPackages } from "../support/package_cache.ts";
import { deno } from "../support/processes.ts";

type FakeFiles = Readonly<Record<string, string>>;

/** A package that only a test has: its files, and what its package.json says besides its name. */
interface Fake {
  readonly manifest?: object;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly files: FakeFiles;
}

/** Packages by `name@version`; together they have what ES modules and CommonJS can do. */
const FAKES: Readonly<Record<string, Fake>> = {
  "fake-esm@1.0.0": {
    dependencies: { "fake-cjs": "1.0.0", "fake-legacy": "2.0.0" },
    manifest: {
      type: "module",
      exports: {
        ".": { browser: "./no.js", import: "./main.js", default: "./no.js" },
        "./features/*": { node: "./features/*.js", default: "./no.js" },
        "./features/secret": null,
        "./package.json": "./package.json",
      },
      imports: { "#private": { require: "./no.js", default: "./private.mjs" } },
    },
    files: {
      "main.js": `import cjs, { named, keyed } from "fake-cjs";
        import * as all from "fake-cjs";
        import { private as own } from "#private";
        import { self } from "fake-esm/features/self";
        import data from "./data.json" with { type: "json" };
        import { createHash } from "node:crypto";
        import legacy from "fake-legacy";
        export const seen = [typeof cjs, named, cjs.late, keyed(), own, self, data.n, legacy.version];
        export const names = Object.keys(all);
        export const digest = createHash("sha256").update("a").digest("hex").length;
        export const lazy = async () => (await import("./lazy.js")).default;
        export const throwing = () => import("./throws.js").catch((error) => error.message);
        export const missing = () => import("./absent.js").catch((error) => error.code);
        export const state = { count: 0 };
        export { default } from "./cycle_a.js";`,
      "private.mjs": `const p = "private"; export { p as private };`,
      "features/self.js": `export const self = "self";`,
      "data.json": `{ "n": 7 }`,
      "lazy.js": `import { named } from "fake-cjs";
        const { default: all, ...path } = await import("node:path");
        export default ["lazy", named, Object.keys(path), path.join("a", "b"), typeof all.join];`,
      "cycle_a.js":
        `import { b } from "./cycle_b.js"; export const a = () => "a"; export default b();`,
      "cycle_b.js": `import { a } from "./cycle_a.js"; export const b = () => a() + "b";`,
      "throws.js": `throw new Error("not here");`,
      "no.js": `throw new Error("the wrong condition");`,
    },
  },
  "fake-cjs@1.0.0": {
    dependencies: { "fake-legacy": "1.0.0", "fake-esm": "1.0.0" },
    manifest: { main: "lib" },
    files: {
      "lib/index.js": `#!/usr/bin/env node
        "use strict";
        const path = require("path");
        const { helper } = require("./helper");
        exports.named = helper(path.posix.join("a", "b"));
        Object.defineProperty(exports, "late", { enumerable: true, get: () => require("./late") });
        exports.legacy = require("fake-legacy").version;
        try { require("not-installed"); } catch (error) { exports.code = error.code; }
        exports.json = require("../package.json").name;
        exports.module = [typeof module.filename, module.children.length > 0, require.main];
        exports.self = this === exports;
        exports.late2 = () => require("./folder").name;
        exports.imports = () => import("fake-legacy").then((m) => m.default.version);
        module.exports.keyed = require("./object").keyed;
        const circular = require("./circular_a");
        exports.circular = circular.seen;`,
      "lib/helper.js": `exports.helper = (text) => text + "!";`,
      "lib/late.cjs": `module.exports = "never"`,
      "lib/late.js": `module.exports = "late"`,
      "lib/folder/package.json": `{ "main": "./main.cjs" }`,
      "lib/folder/main.cjs": `exports.name = __filename.endsWith("main.cjs") && "folder";`,
      "lib/object.js": `module.exports = { keyed: function () { return "keyed"; }, more: 1 };`,
      "lib/circular_a.js": `exports.early = 1; exports.seen = require("./circular_b").seen;`,
      "lib/circular_b.js": `exports.seen = Object.keys(require("./circular_a"));`,
    },
  },
  "fake-mixed@1.0.0": {
    dependencies: { "fake-esm": "1.0.0" },
    manifest: { exports: { ".": { require: "./main.cjs", "module-sync": "./sync.cjs" } } },
    files: {
      "main.cjs": `throw new Error("the condition of require")`,
      "sync.cjs": `const esm = require("fake-esm/features/self");
        module.exports = { esm: esm.self, keys: Object.keys(esm) };`,
    },
  },
  "fake-legacy@1.0.0": { files: { "index.js": `exports.version = 1;` } },
  "fake-legacy@2.0.0": { files: { "index.js": `exports.version = 2;` } },
};

/** What a program of one import says; the same text is executed by the runtime and here. */
const SAY: Readonly<Record<string, string>> = {
  "fake-esm": `[m.seen, m.names, m.digest, await m.throwing(), await m.lazy(),
    await m.missing(), m.default]`,
  "fake-esm/features/self": `m.self`,
  "fake-esm/features/secret": `m`,
  "fake-esm/absent": `m`,
  "fake-cjs": `[Object.keys(m), m.default, m.default.late2(), await m.default.imports()]`,
  "fake-cjs/lib/object.js": `[Object.keys(m), m.keyed()]`,
  "fake-cjs/lib/object": `m`,
  "fake-mixed": `m.default`,
};

function lockOfFakes(): string {
  const npm = Object.entries(FAKES).map(([key, { dependencies = {} }]) => [key, {
    integrity: `sha512-${btoa(key)}`,
    dependencies: Object.entries(dependencies).map(([name, version]) => `${name}@${version}`),
  }]);
  const specifiers = Object.keys(FAKES).map((key) => [`npm:${key}`, key.split("@")[1]]);
  return JSON.stringify({
    version: "5",
    specifiers: Object.fromEntries(specifiers),
    npm: Object.fromEntries(npm),
  });
}

/** A cache with the fakes, and a program that says what they do there. */
async function fakeCache(more: Readonly<Record<string, Fake>> = {}): Promise<Folder> {
  const files: Record<string, string> = {
    "deno.json": JSON.stringify({ nodeModulesDir: "none" }),
    "deno.lock": lockOfFakes(),
    "main.ts": `const found: Record<string, unknown> = {};
      ${
      Object.entries(SAY).map(([name, say]) =>
        `try { const m = await import(${JSON.stringify(specifierOf(name))});
          found[${JSON.stringify(name)}] = ${say}; }
        catch (error) { found[${JSON.stringify(name)}] = "none"; }`
      ).join("\n")
    }
      console.log(JSON.stringify(found));`,
  };
  for (const [key, fake] of Object.entries({ ...FAKES, ...more })) {
    const [name, version] = key.split("@");
    const root = `dir/npm/registry.npmjs.org/${name}/${version}/`;
    const { dependencies = {} } = fake;
    const manifest = { name, version, dependencies, ...fake.manifest };
    files[`${root}package.json`] = JSON.stringify(manifest);
    for (const [path, text] of Object.entries(fake.files)) files[root + path] = text;
  }
  return await makeFolder(files);
}

function specifierOf(name: string): string {
  return name.replace(/^[^/]+/, (found) => `npm:${found}@1.0.0`);
}

function pathOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname);
}

/** Reads packages as if the cache were that of this process. */
async function readFakes(
  cache: Folder,
  specifiers: readonly string[],
  lock = new Lockfile(lockOfFakes(), "deno.lock"),
  mostBytes = 1e9,
): Promise<NewPackages> {
  const before = Deno.env.get("DENO_DIR");
  Deno.env.set("DENO_DIR", pathOf(`${cache.url}dir`));
  try {
    const read = await readPackages(
      { externals: externalsOf(lock, specifiers) },
      lock,
      { mostBytes },
      null,
    );
    return read!;
  } finally {
    if (before === undefined) Deno.env.delete("DENO_DIR");
    else Deno.env.set("DENO_DIR", before);
  }
}

function externalsOf(lock: Lockfile, specifiers: readonly string[]) {
  return specifiers.map((specifier) => ({
    specifier,
    integrity: lock.find(parsePackageSpecifier(specifier)!)!.integrity,
  }));
}

// deno-lint-ignore no-explicit-any -- fakes export what they like
async function imported({ list: text, blobs }: NewPackages, specifier: string): Promise<any> {
  const list = parsePackageList(text);
  const lock = new Lockfile(lockOfFakes(), "deno.lock");
  const [external] = externalsOf(lock, [specifier]);
  const { path } = parsePackageSpecifier(specifier)!;
  return (await importPackage(openPackage(list, pinnedKey(list, external!)!, blobs), path))
    .namespace;
}

Deno.test("packages from the archive do what they do where the runtime executes them", async () => {
  await using cache = await fakeCache();
  const { output, errors } = await deno(["run", "-A", "--quiet", "--cached-only", "main.ts"], {
    cwd: pathOf(cache.url),
    env: { DENO_DIR: pathOf(`${cache.url}dir`) },
  });
  assert(output !== "", errors);
  const native = JSON.parse(output);
  const packages = await readFakes(cache, Object.keys(SAY).map(specifierOf));
  const found: Record<string, unknown> = {};
  for (const [name, say] of Object.entries(SAY)) {
    try {
      const m = await imported(packages, specifierOf(name));
      const run = new Function("m", `return (async () => ${say})();`);
      found[name] = JSON.parse(JSON.stringify(await run(m)));
    } catch {
      found[name] = "none";
    }
  }
  assert.deepEqual(found, native);
  assert.deepEqual(native["fake-esm"][0].slice(1, 3), ["a/b!", "late"], output);
});

Deno.test("versions share a package with the same files below it, and get their own otherwise", async () => {
  await using cache = await fakeCache();
  const packages = await readFakes(cache, ["npm:fake-esm@1.0.0"]);
  const one = await imported(packages, "npm:fake-esm@1.0.0");
  assert.equal(await imported(packages, "npm:fake-esm@1.0.0"), one);
  await cache.write({
    "dir/npm/registry.npmjs.org/fake-legacy/2.0.0/index.js": `exports.version = "other";`,
  });
  const other = await imported(
    await readFakes(cache, ["npm:fake-esm@1.0.0"]),
    "npm:fake-esm@1.0.0",
  );
  assert.deepEqual([one.seen.at(-1), other.seen.at(-1)], [2, "other"]);
  assert.notEqual(other.state, one.state);
});

Deno.test("a package that may read its own files comes from the runtime first, any other that no lock lists from the archive", async () => {
  await using cache = await fakeCache();
  const specifiers = ["npm:fake-legacy@1.0.0", "npm:fake-cjs@1.0.0"];
  const { list } = await readFakes(cache, specifiers);
  const externals = externalsOf(new Lockfile(lockOfFakes(), "deno.lock"), specifiers);
  const packages = await VersionPackages.of({ externals }, undefined, {
    isTrusted: true,
    list: () => Promise.resolve(list),
    blobs: () => Promise.resolve(new Map()),
  });
  const turns = await Promise.all(specifiers.map((specifier) => packages.turnOf(specifier)));
  assert.deepEqual(turns, ["first", "last"]);
});

Deno.test("a package that can't be in the archive is listed with the reason", async () => {
  await using cache = await fakeCache({
    "fake-native@1.0.0": { files: { "build/addon.node": "" } },
    "fake-bundle@1.0.0": { files: { "node_modules/a/index.js": "" } },
    "fake-here@1.0.0": { files: { "index.js": "" } },
  });
  const entry = (name: string, below: object = {}) =>
    [`${name}@1.0.0`, { integrity: `sha512-${btoa(name)}`, ...below }] as const;
  const names = ["native", "bundle", "absent", "legacy", "elsewhere", "here"].map((n) =>
    `fake-${n}`
  );
  const lock = new Lockfile(
    JSON.stringify({
      version: "5",
      npm: Object.fromEntries([
        ...names.map((name) => entry(name)),
        entry("fake-elsewhere", { optionalDependencies: ["fake-mac@1.0.0"] }),
        entry("fake-mac", { os: ["darwin"] }),
        entry("fake-here", { cpu: ["any"] }),
      ]),
    }),
    "deno.lock",
  );
  await cache.write({
    "dir/npm/registry.npmjs.org/fake-elsewhere/1.0.0/package.json": `{"name":"fake-elsewhere"}`,
  });
  const specifiers = names.map((name) => `npm:${name}@1.0.0`);
  const { list } = await readFakes(cache, specifiers, lock);
  const { lacks, externals } = parsePackageList(list);
  assert.deepEqual(
    lacks.map(({ specifier, reason }) => `${specifier.slice(4, -6)}: ${reason}`),
    [
      "fake-absent: Deno's cache on this machine does not have fake-absent@1.0.0",
      "fake-bundle: fake-bundle@1.0.0 brings packages of its own in a node_modules folder",
      "fake-here: fake-here@1.0.0 is for certain platforms alone",
      "fake-native: fake-native@1.0.0 has a native addon",
    ],
  );
  assert.deepEqual(externals.map(({ key }) => key), ["fake-elsewhere@1.0.0", "fake-legacy@1.0.0"]);
  const small = await readFakes(cache, ["npm:fake-legacy@1.0.0"], lock, 10);
  assert.match(small.list, /exceed/);
  assert.equal(small.blobs.size, 0);
});

Deno.test("the archive gives packages that the lock does not list as pinned, and nothing damaged", async (test) => {
  const own = ownPackages(["zod"]);
  const key = Object.keys(own.npm)[0]!;
  const lock = (integrity = own.npm[key]!.integrity) =>
    JSON.stringify({
      version: "5",
      specifiers: own.specifiers,
      npm: { [key]: { integrity } },
      workspace: { dependencies: Object.keys(own.specifiers) },
    });
  const workflow = (name: string) =>
    `import { defineWorkflow } from "@continuum/continuum/workflow";
    import { z } from "zod";
    export default defineWorkflow({ name: "${name}" }, () => z.number().parse(4));`;
  await using db = await POSTGRES.fresh();
  const { versions: store, collection } = await db.open();
  await using folder = await makeFolder({
    "deno.json": JSON.stringify({ imports: own.imports }),
    "deno.lock": lock(),
    "order.ts": workflow("order"),
    "small.ts": workflow("small"),
    "none.ts": workflow("none"),
    "later.ts": workflow("later"),
    "other.json": `{ "lock": "other.lock" }`,
    "other.lock": lock("sha512-AAAA"),
    "bare.json": `{ "lock": false }`,
  });
  const versions = (config: string, options: Partial<VersionsOptions> = {}) =>
    new Versions({
      store,
      config: `${folder.url}${config}.json`,
      workflows: ["order", "small", "none", "later"].map((name) => `${folder.url}${name}.ts`),
      log: { debug() {}, info() {}, warn() {}, error() {} },
      ...options,
    });
  const listOf = async (hash: string) => parsePackageList(await store.packages(hash) ?? "");
  const { hash } = await versions("deno").register(`${folder.url}order.ts`);
  const [packed] = (await listOf(hash)).packages;

  await test.step("a version is registered with its packages, each once", async () => {
    const { hash: later } = await versions("deno").register(`${folder.url}later.ts`);
    assert.deepEqual(await listOf(later), await listOf(hash));
    assert.equal(packed!.key, key);
  });

  await test.step("archive.packages and archive.packageBytes keep packages out", async () => {
    const none = await versions("deno", { archive: { packages: false } })
      .register(`${folder.url}none.ts`);
    assert.equal(await store.packages(none.hash), null);
    const small = await versions("deno", { archive: { packageBytes: 1_000 } })
      .register(`${folder.url}small.ts`);
    assert.match((await listOf(small.hash)).lacks[0]!.reason, /exceed the limit/);
  });

  const tampered = async (column: string, statement: string) => {
    await db.query(`create table {schema}.kept_${column} as select * from {schema}.${column}`);
    await db.query(statement);
  };

  await test.step("damaged files and lists are refused before anything of them is executed", async () => {
    await tampered(
      "modules",
      `update {schema}.modules set bytes = set_byte(bytes, 4000, get_byte(bytes, 4000) # 1)
      where sha256 = '${packed!.sha256}'`,
    );
    for (const config of ["bare", "other"]) {
      await assert.rejects(
        versions(config).obtain(hash),
        (error: { details: { kind: string; reasons: { code: string; message: string }[] } }) => {
          const [reason] = error.details.reasons;
          assert.equal(error.details.kind, "lasting");
          assert.equal(reason!.code, "INTEGRITY_MISMATCH");
          return reason!.message.includes(`the archived files of ${key}`);
        },
      );
      assert.equal(await versions(config).probe(hash), false);
    }
    await versions("deno").register(`${folder.url}order.ts`); // repairs them
    await tampered(
      "version_packages",
      `update {schema}.version_packages set list = replace(list, 'sha512-', 'sha512-A')`,
    );
    await assert.rejects(versions("bare").obtain(hash), /the archived packages of npm:zod/);
    await db.query(
      `update {schema}.version_packages as p set list = k.list
      from {schema}.kept_version_packages as k where k.hash = p.hash`,
    );
  });

  await test.step("what is whole is executed, also where the lock has the package otherwise", async () => {
    for (const config of ["bare", "other"]) {
      const at = versions(config);
      assert.equal(await at.probe(hash), true);
      const { definition } = await at.obtain(hash);
      assert.equal((definition.run as () => unknown)(), 4);
    }
  });

  await test.step("where signatures are required, no archived package is executed", async () => {
    const keys = [makeSigningKey().public.text];
    const at = versions("bare", { trust: { keys, unsigned: [hash] } });
    const packages = (await at.examine(hash, false))!.packages!;
    assert.match((await packages.missing())[0]!.reason, /trust\.keys/);
    await assert.rejects(packages.open("npm:zod@4.6.7"), /trust\.keys/);
    assert.equal((await packages.taken()).size, 0);
  });

  await test.step("a package is removed with the last version that needs it", async () => {
    await db.query("delete from {schema}.workflows");
    const packs = () => db.query(`select from {schema}.modules where sha256 = '${packed!.sha256}'`);
    for (const name of ["order", "later"]) {
      const [{ hash } = { hash: "" }] = await db.query<{ hash: string }>(
        `select hash from {schema}.workflow_versions where workflow = '${name}'`,
      );
      await db.query("update {schema}.modules set stored_at = stored_at - interval '2 days'");
      assert.equal((await packs()).length, 1);
      const removed = await collection.remove({ before: Date.now() + 1e9, keep: 0 }, [hash]);
      assert.deepEqual(removed.map(({ verdict }) => verdict), ["row"]);
      await collection.sweep("", 1_000);
    }
    assert.equal((await packs()).length, 0);
  });
});
