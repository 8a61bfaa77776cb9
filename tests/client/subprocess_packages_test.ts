/**
 * A replay subprocess imports the packages that a node of the application would (SUBPROCESS-4).
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Folder, makeFolder } from "../support/modules.ts";
import {
  copyPackages,
  type FakePackage,
  fakePackages,
  ownPackages,
  placeInCache,
} from "../support/package_cache.ts";
import { deno } from "../support/processes.ts";
import { PROJECT } from "../support/project.ts";

const NPMJS = "registry.npmjs.org";

/** What the subprocess itself imports: with it, a lock has packages that depend on others. */
const OWN = ownPackages([
  "@babel/parser",
  "@logtape/logtape",
  "@swc/wasm-web",
  "cjs-module-lexer",
  "es-module-lexer",
]);

const LEFT: FakePackage = {
  name: "@fake/left",
  version: "1.0.1",
  code: `export { name } from "@fake/right";`,
  dependencies: { "@fake/right": "^1.0.0" },
};

function right(version: string): FakePackage {
  return { name: "@fake/right", version, code: `export const name = "right ${version}";` };
}

function lockWith(rightVersion: string): string {
  const integrity = (text: string) => `sha512-${btoa(text.padEnd(64))}`;
  return JSON.stringify({
    version: "5",
    specifiers: { ...OWN.specifiers, "npm:@fake/left@^1.0.1": "1.0.1" },
    npm: {
      "@fake/left@1.0.1": { integrity: integrity("left"), dependencies: ["@fake/right"] },
      [`@fake/right@${rightVersion}`]: { integrity: integrity(`right ${rightVersion}`) },
      ...OWN.npm,
    },
    workspace: { dependencies: Object.keys(OWN.specifiers).sort() },
  });
}

/**
 * It has the name that a dependency of its package gives it. Its text looks to the lexer like an
 * import, so the subprocess needs the parser too.
 */
const WORKFLOW = `import { defineWorkflow } from "@continuum/continuum/workflow";
import { name } from "npm:@fake/left@^1.0.1";
const text = 'import { it } from "there"';
export default defineWorkflow({ name }, async (ctx) => await ctx.run(text, () => {}));
`;

/** Replays in a subprocess, with the lock as it is after \`edit\`, and says what came of it. */
function program(from: string, beginning = ""): string {
  return `import { Subprocess } from "${from}src/dry_run/subprocess.ts";
import { readGraph } from "${from}src/version/graph/read.ts";
${beginning}
const code = await readGraph(import.meta.resolve("./order.ts"));
if (Deno.args.length > 0) await Deno.writeTextFile("deno.lock", Deno.args[0]);
const lock = () => Deno.readTextFile("deno.lock").catch(() => "");
const before = await lock();
try {
  await using subprocess = await Subprocess.start(code, { timeoutMs: Infinity });
  console.log((await subprocess.load()).workflow);
} catch (error) {
  console.log(error.code, error.message);
}
if (await lock() !== before) console.log("The lock was written.");
`;
}

/** An application, and a machine's cache that has its packages as its lock names them. */
async function application(
  {
    config = {},
    files = { "deno.lock": lockWith("1.0.0") },
    registry = NPMJS,
    from = PROJECT.href,
  }: {
    config?: object;
    files?: Readonly<Record<string, string>>;
    registry?: string;
    from?: string;
  } = {},
): Promise<Folder & { readonly denoDir: URL }> {
  const folder = await makeFolder({
    "deno.json": JSON.stringify({ imports: OWN.imports, nodeModulesDir: "none", ...config }),
    "main.ts": program(from),
    "order.ts": WORKFLOW,
    "tmp/.keep": "",
    ...files,
  });
  const denoDir = new URL("deno_dir/", folder.url);
  await copyPackages(OWN.npm, (...named) => placeInCache(denoDir, registry, ...named));
  return { ...folder, denoDir };
}

async function replayed(
  folder: Folder & { readonly denoDir: URL },
  { main = "main.ts", args = [], env = {}, offline = true }: {
    main?: string;
    args?: readonly string[];
    env?: Readonly<Record<string, string>>;
    offline?: boolean;
  } = {},
): Promise<string> {
  const path = (name: string) => decodeURIComponent(new URL(name, folder.url).pathname);
  const flags = ["-A", "--no-check", "--quiet", ...offline ? ["--cached-only"] : []];
  const { output, errors } = await deno(["run", ...flags, main, ...args], {
    cwd: path("."),
    env: { DENO_DIR: decodeURIComponent(folder.denoDir.pathname), TMPDIR: path("tmp"), ...env },
  });
  const left = [...Deno.readDirSync(path("tmp"))].map(({ name }) => name);
  assert.deepEqual(left, [".keep"], "files of the subprocess");
  return `${output}${errors}`.trim();
}

Deno.test("a subprocess replays on a machine whose cache was filled by a lock alone, and leaves the lock as it was", async () => {
  await using folder = await application();
  await fakePackages(folder.denoDir, NPMJS, [LEFT, right("1.0.0")], false);
  assert.equal(await replayed(folder), "right 1.0.0");
});

Deno.test("a subprocess imports what the lock names, also if the cache has newer versions", async () => {
  for (
    const [lock, path] of [
      [true, "deno.lock"],
      ["locks/mine.lock", "locks/mine.lock"],
      [{ path: "mine.lock", frozen: true }, "mine.lock"],
    ] as const
  ) {
    await using folder = await application({
      config: { lock },
      files: { [path]: lockWith("1.0.0") },
    });
    await fakePackages(folder.denoDir, NPMJS, [LEFT, right("1.0.0"), right("1.1.0")], true);
    assert.equal(await replayed(folder), "right 1.0.0", path);
  }
});

Deno.test("without a lock, a subprocess imports the newest that the cache knows", async () => {
  await using folder = await application({ config: { lock: false }, files: {} });
  await fakePackages(folder.denoDir, NPMJS, [LEFT, right("1.0.0"), right("1.1.0")], true);
  await fakeKnowledge(folder.denoDir);
  assert.equal(await replayed(folder), "right 1.1.0");
});

Deno.test("a tool in a folder without a lock replays with its own packages as its own lock names them", async () => {
  await using folder = await application({
    files: {
      "deno.lock": lockWith("1.0.0"),
      "tool.ts": program(
        PROJECT.href,
        `import { standInWorkingFolder } from "${PROJECT}src/version/project/application.ts";
Deno.chdir("elsewhere");
standInWorkingFolder();`,
      ),
      "elsewhere/deno.json": "{}",
    },
  });
  await fakePackages(folder.denoDir, NPMJS, [LEFT, right("1.0.0"), right("1.1.0")], true);
  // The registry has released a newer one since, which no cache has.
  await fakeKnowledge(folder.denoDir, (version) => `${version.split(".")[0]}.999.0`);
  assert.equal(await replayed(folder, { main: "tool.ts" }), "right 1.1.0");
});

Deno.test("if the cache lacks a package, the error says what to run", async () => {
  await using folder = await application({ config: { lock: false }, files: {} });
  await fakeKnowledge(folder.denoDir);
  const found = await replayed(folder);
  const command = `run \`deno cache ${PROJECT}src/dry_run/main.ts npm:@fake/left@^1.0.1\``;
  assert(found.startsWith("SUBPROCESS_FAILED ") && found.includes(command), found);
});

Deno.test("a subprocess refuses a package whose dependencies are not those that the version was pinned with", async () => {
  await using folder = await application();
  await fakePackages(folder.denoDir, NPMJS, [LEFT, right("1.0.0"), right("1.1.0")], false);
  const found = await replayed(folder, { args: [lockWith("1.1.0")] });
  assert.match(found, /^EXTERNAL_UNAVAILABLE Cannot import npm:@fake\/left@1.0.1 on this node: /);
});

Deno.test("a subprocess reads the cache of the registry that this process uses", async () => {
  const registry = "npm.example.com";
  await using folder = await application({ registry });
  await fakePackages(folder.denoDir, registry, [LEFT, right("1.0.0")], false);
  const env = { NPM_CONFIG_REGISTRY: `https://user:secret@${registry}/` };
  assert.equal(await replayed(folder, { env }), "right 1.0.0");
});

Deno.test("a subprocess of a package that comes from a server replays by the application's lock", async () => {
  await using server = serveProject();
  await using folder = await application({ from: server.url });
  await fakePackages(folder.denoDir, NPMJS, [LEFT, right("1.0.0"), right("1.1.0")], true);
  assert.equal(await replayed(folder, { offline: false }), "right 1.0.0");
});

/**
 * What the registry says of the project's own packages, for a process that has no lock.
 *
 * @param newer Names another version that each of them has, and that no cache holds.
 */
async function fakeKnowledge(
  denoDir: URL,
  newer?: (version: string) => string,
): Promise<void> {
  for (const [key, { integrity, dependencies = [] }] of Object.entries(OWN.npm)) {
    const [, name, version] = /^(.+)@([^@]+)$/.exec(key)!;
    const ranges = Object.fromEntries(dependencies.map((name) => [name, "*"]));
    const dist = { tarball: `https://${NPMJS}/${name}/-/${version}.tgz`, integrity };
    const all = [version!, ...newer ? [newer(version!)] : []];
    const document = {
      name,
      "dist-tags": { latest: all.at(-1) },
      versions: Object.fromEntries(
        all.map((version) => [version, { version, dependencies: ranges, dist }]),
      ),
    };
    const path = new URL(`npm/${NPMJS}/${name}/registry.json`, denoDir);
    await Deno.writeTextFile(path, JSON.stringify(document));
  }
}

/** This project as a registry serves it: its imports name packages in full. */
function serveProject(): AsyncDisposable & { readonly url: string } {
  const imported = new RegExp(
    `(from |import\\(|import )"(${Object.keys(OWN.imports).join("|")})(/[^"]*)?"`,
    "g",
  );
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ url }) => {
      const path = new URL(`.${new URL(url).pathname}`, PROJECT);
      const text = await Deno.readTextFile(path);
      const full = text.replace(
        imported,
        (_, before, name, rest = "") => `${before}"${OWN.imports[name]}${rest}"`,
      );
      return new Response(full, { headers: { "content-type": "application/typescript" } });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
