/**
 * Deno writes some ranges into a lock in a shorter form than an import has them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readGraph } from "../../src/version/graph/read.ts";
import { makeFolder } from "../support/modules.ts";
import { fakePackages } from "../support/package_cache.ts";
import { deno } from "../support/processes.ts";

const RANGES = [
  ...["*", "x", "1", "1.x", "1.X.x", "1.2", "1.2.x", "1.2.*", "1.2.3", "0", "0.1", "0.0"],
  ...["^1", "^1.0", "^1.0.0", "^1.2", "^1.2.0", "^1.2.3", "^0", "^0.1", "^0.1.0", "^0.1.2"],
  ...["^0.0", "^0.0.3", "~1", "~1.2", "~1.2.0", "~1.2.3", "~0", "~0.1", "~0.1.0", "~0.0.3"],
  ...[
    "^1.0.0-beta.1",
    "~1.0.0-beta.1",
    "^0.2.0-rc.1",
    "^0.2.1-rc.1",
    "~0.2.0-rc.1",
    "1.x.x",
    "^1.x",
    "~1.2.x",
    "^1.2.x",
    "^0.x",
    "^0.0.x",
    "~0.x",
  ],
];

Deno.test("a package is pinned by the lock that Deno has written, whatever form its range has there", async () => {
  const name = "@fake/ranged";
  const imports = RANGES.map((range, n): [string, string] => [`p${n}`, `npm:${name}@${range}`]);
  await using folder = await makeFolder({
    "deno.json": JSON.stringify({
      imports: Object.fromEntries(imports),
      nodeModulesDir: "none",
    }),
    "main.ts": imports.map(([alias]) => `import "${alias}";\n`).join(""),
  });
  const denoDir = new URL("deno_dir/", folder.url);
  const versions = [
    "0.0.1",
    "0.0.3",
    "0.1.0",
    "0.1.2",
    "1.0.0",
    "1.2.0",
    "1.2.3",
    "2.0.0",
    "0.2.0-rc.1",
    "0.2.1",
  ];
  const packages = versions.map((version) => ({ name, version, code: "export {};" }));
  await fakePackages(denoDir, "registry.npmjs.org", packages, true);
  const cwd = decodeURIComponent(new URL(folder.url).pathname);
  const { code, errors } = await deno(["run", "--cached-only", "--quiet", "main.ts"], {
    cwd,
    env: { DENO_DIR: decodeURIComponent(denoDir.pathname) },
  });
  assert.equal(code, 0, errors);
  const { diagnostics, manifest } = await readGraph(`${folder.url}main.ts`);
  assert.deepEqual(diagnostics.map(({ message }) => message), []);
  const found = manifest.content.externals.map(({ specifier }) => specifier.split("@").at(-1)!);
  assert.deepEqual(found.filter((version) => !versions.includes(version)), []);
});
