/**
 * Holds the floors: lower ones import nothing from higher ones, neighbours that must not know each
 * other don't, and files import each other in no circle.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fromFileUrl, projectFiles } from "../support/project.ts";

/** Folders of `src`, by floor. */
const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  codec: 1,
  replay: 1,
  schedule: 1,
  workflow: 1,
  ports: 2,
  task: 3,
  store: 3,
  version: 3,
  bundle: 4,
  dry_run: 4,
  watchdog: 5,
  engine: 5,
  client: 5,
  lint: 6,
  testing: 6,
  telemetry: 6,
  operate: 8,
  cli: 9,
  observer: 9,
};
/** Files right in `src` put client and engine together. */
const COMPOSITION = 5.5;

/** Neighbours of one floor that may look at each other, in this direction only. */
const NEIGHBOURS: readonly (readonly [from: string, to: string])[] = [
  ["workflow", "replay"],
  ["bundle", "dry_run"],
  ["cli", "observer"], // by src/observer/standalone.ts alone, as the face test holds
];

/** Packages that only one adapter's files may import: drivers stay out of everybody's graph. */
const DRIVERS: Readonly<Record<string, RegExp>> = {
  "pg": /^src\/store\/postgres\//,
  "@electric-sql/pglite": /^src\/store\/pglite\//,
  "@opentelemetry/api": /^src\/telemetry\//,
  "@logtape/logtape": /^src\/(base\/log\.ts|cli\/)/, // LOG-1
};

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** Executes code, or works on Deno alone. */
const ONLY_ON_DENO =
  /^(src\/(engine|watchdog|operate|observer|cli|testing)\/|src\/version\/(load|graph|compile|fetch|project)\/|src\/replay\/(guard|installed)|src\/dry_run\/(?!errors\.ts)|src\/store\/pglite\/|@electric-sql\/pglite)/;

const COMMENT = /\/\*[^]*?\*\/|\/\/.*/g;

interface Import {
  readonly from: string;
  readonly to: string;
}

/** The imports of all files of `src`: those of types and dynamic ones too, or only static ones. */
async function imports(kind: "all" | "static" = "all"): Promise<Import[]> {
  const found: Import[] = [];
  for (const file of await projectFiles("src", ".ts")) {
    if (file.endsWith("_test.ts")) continue;
    const url = new URL(`../../${file}`, import.meta.url);
    for (const match of (await Deno.readTextFile(url)).matchAll(IMPORT)) {
      const isStatic = match[1] !== undefined && !/^\s*(import|export)\s+type\b/.test(match[0]);
      if (kind === "static" && !isStatic) continue;
      const specifier = (match[1] ?? match[2])!;
      const to = specifier.startsWith(".") ? fromFileUrl(new URL(specifier, url)) : specifier;
      found.push({ from: file, to });
    }
  }
  assert(found.length > 100, "the test reads imports");
  return found;
}

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function floorOf(path: string): number {
  const folder = folderOf(path);
  if (folder === undefined) return COMPOSITION;
  const floor = FLOORS[folder];
  assert(floor !== undefined, `${path}: src/${folder} has no floor; give it one in this test`);
  return floor;
}

Deno.test("lower floors import nothing from higher ones, and neighbours keep to themselves", async () => {
  const wrong = (await imports()).filter(({ from, to }) => {
    if (!to.startsWith("src/")) return to === "mod.ts";
    const [a, b] = [folderOf(from), folderOf(to)];
    if (a === b) return false;
    if (floorOf(to) !== floorOf(from)) return floorOf(to) > floorOf(from);
    return !NEIGHBOURS.some(([left, right]) => left === a && right === b);
  });
  assert.deepEqual(wrong, []);
});

for (const face of ["cli", "observer"]) {
  Deno.test(`${face} knows operate and base, and no internals of store or client`, async () => {
    const own = (await imports()).filter(({ from }) => folderOf(from) === face);
    assert(own.length > 10, "the test reads imports");
    const wrong = own.filter(({ to }) =>
      to.startsWith("src/") && !["base", face, "operate"].includes(folderOf(to) ?? "") &&
      to !== "src/observer/standalone.ts" // which the command line serves
    );
    assert.deepEqual(wrong, []);
  });
}

/** What the runtime reads before it executes a module: its graph without types, as Deno has it. */
async function graphOf(entry: string): Promise<ReadonlySet<string>> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: new URL("../..", import.meta.url),
    stderr: "null",
  }).output();
  assert(success);
  const { roots, modules, redirects } = JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly roots: string[];
    readonly modules: readonly {
      readonly specifier: string;
      readonly dependencies?: readonly { readonly code?: { readonly specifier: string } }[];
    }[];
    readonly redirects: Readonly<Record<string, string>>;
  };
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const graph = new Set(roots);
  for (const specifier of graph) {
    for (const { code } of known.get(specifier)?.dependencies ?? []) {
      if (code !== undefined) graph.add(redirects[code.specifier] ?? code.specifier);
    }
  }
  return new Set(
    [...graph].map((url) => url.startsWith("file:") ? fromFileUrl(new URL(url)) : url),
  );
}

Deno.test("COMMAND-1: before help the runtime reads at most 30 modules: no command, no package, no engine", async () => {
  const graph = await graphOf("src/cli/main.ts");
  const allowed = /^(deno\.json|src\/base\/.*|src\/cli\/(?!commands\/).*)$/;
  assert.deepEqual([...graph].filter((file) => !allowed.test(file)), []);
  assert.ok(
    graph.size <= 30,
    `${graph.size}: each costs every start 0.1 ms, one of node: up to 50`,
  );
});

Deno.test("MODULES-1: the graph of the complete command line has what is named at run time", async () => {
  const graph = await graphOf("src/cli/complete.ts");
  const missing: string[] = [];
  for (const file of await projectFiles("src", ".ts")) {
    const url = new URL(`../../${file}`, import.meta.url);
    const source = (await Deno.readTextFile(url)).replaceAll(COMMENT, "");
    if (file.startsWith("src/cli/commands/") && !graph.has(file)) missing.push(file);
    for (const [, named] of source.matchAll(/new URL\("(\.[^"]+\.ts)", import\.meta\.url\)/g)) {
      const to = fromFileUrl(new URL(named!, url));
      if (!(await graphOf(file)).has(to)) missing.push(`${to} in the graph of ${file}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("the entry ./client loads nothing that executes code, and names nothing of Deno's", async () => {
  const statics = await imports("static");
  const loaded = new Set(["src/client/mod.ts"]);
  for (const file of loaded) {
    for (const { from, to } of statics) if (from === file) loaded.add(to);
  }
  assert(loaded.size > 100, "the test reads imports");
  const wrong: string[] = [];
  for (const file of loaded) {
    if (ONLY_ON_DENO.test(file)) wrong.push(file);
    if (!file.startsWith("src/")) continue;
    const source = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    if (/\bDeno\.|\bimport\.source\b/.test(source.replaceAll(COMMENT, ""))) wrong.push(file);
  }
  assert.deepEqual(wrong, []);
});

Deno.test("no circle between files, types included", async () => {
  const graph = new Map<string, string[]>();
  for (const { from, to } of await imports()) graph.set(from, [...graph.get(from) ?? [], to]);
  const done = new Set<string>();
  const circles: string[] = [];
  function visit(file: string, path: readonly string[]): void {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    for (const to of graph.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  }
  for (const file of graph.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

Deno.test("a driver is imported by its own adapter and by nothing else", async () => {
  const wrong = (await imports()).filter(({ from, to }) => {
    const owner = DRIVERS[to];
    return owner !== undefined && !owner.test(from);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("only the store reads SQLSTATEs: other code asks Store.outcomeOf", async () => {
  const wrong = (await imports()).filter(({ from, to }) =>
    to === "src/store/sql/sqlstate.ts" && folderOf(from) !== "store"
  );
  assert.deepEqual(wrong, []);
});

Deno.test("the replay floor knows no I/O and no clock of its own", async () => {
  const wrong = (await imports()).filter(({ from, to }) =>
    folderOf(from) === "replay" && !to.startsWith("src/") && to !== "node:async_hooks" &&
    from !== "src/replay/guard.ts" // it puts itself before them, and calls none
  );
  assert.deepEqual(wrong, []);
});

Deno.test("tests of one folder use no helper of another folder's, but for tests/support", async () => {
  const wrong: string[] = [];
  for (const file of await projectFiles("tests", ".ts")) {
    const url = new URL(`../../${file}`, import.meta.url);
    const [, folder] = file.split("/");
    for (const [, a, b] of (await Deno.readTextFile(url)).matchAll(IMPORT)) {
      const specifier = (a ?? b)!;
      if (!specifier.startsWith(".")) continue;
      const to = fromFileUrl(new URL(specifier, url));
      const [root, other] = to.split("/");
      if (root !== "tests" || other === folder || other === "support") continue;
      if (await exists(to)) wrong.push(`${file} imports ${to}`); // no text of a program
    }
  }
  assert.deepEqual(wrong, []);
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(`../../${path}`, import.meta.url)).then(() => true, () => false);
}
