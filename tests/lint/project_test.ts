/**
 * The plugin on real files: on this project's own workflow modules, and through `deno lint`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PROJECT, projectFiles } from "../support/project.ts";
import { diagnose, IMPORT, lint, workflow } from "./support.ts";
import { partOf } from "../support/thoroughness.ts";

/** What is there to be found: an example of it, and vectors of code that can't be pinned. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  "examples/workflows/14_determinism.ts": [
    "no-clock Date",
    "no-randomness Math.random",
    "no-randomness crypto.randomUUID",
    "no-clock Date",
    "no-io fetch",
  ],
  "tests/version/vectors/missing/order.ts": [
    "no-computed-import import(`./lazy_${1}.ts`)",
  ],
};

const FOLDERS = ["bench", "examples", "tests/version/vectors"];

Deno.test("the project's own workflow modules are free of findings", async () => {
  let workflows = 0;
  for (const file of (await Promise.all(FOLDERS.map((name) => projectFiles(name, ".ts")))).flat()) {
    const url = new URL(encodeURI(file), PROJECT);
    const source = await Deno.readTextFile(url);
    if (!source.includes("defineWorkflow(")) continue;
    workflows += 1;
    assert.deepEqual(lint(source, url.pathname), MEANT[file] ?? [], file);
  }
  assert.ok(workflows > 5, `found ${workflows} workflow modules`);
});

Deno.test("the README's programs are free of findings", async () => {
  const text = await Deno.readTextFile(new URL("README.md", PROJECT));
  const programs = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, source]) => source!);
  assert.ok(programs.length > 0);
  for (const source of programs) assert.deepEqual(lint(source), [], source);
});

Deno.test("no source is too odd to be read, and nothing is said of what no workflow calls", async () => {
  const expected = ["no-computed-import", "no-import-meta"];
  for (const file of partOf(await projectFiles("src", ".ts"))) {
    const source = await Deno.readTextFile(new URL(file, PROJECT));
    const module =
      `${IMPORT}\n${source}\nexport const w = defineWorkflow({ name: "w" }, () => {});`;
    for (const { id } of diagnose(module)) assert.ok(expected.includes(id), `${file}: ${id}`);
  }
});

Deno.test("relative specifiers of the engine's own files are distinguished from others", () => {
  const file = new URL("examples/a.ts", PROJECT).pathname;
  const source = workflow("await fetch(input);")
    .replace("@continuum/continuum/workflow", "../src/workflow/mod.ts");
  assert.deepEqual(lint(source, file), ["no-io fetch"]);
  assert.deepEqual(lint(source, new URL(file, "file:///").href), ["no-io fetch"]);
  assert.deepEqual(lint(source, "/elsewhere/examples/a.ts"), []);
  const engine = workflow("return 1;", 'import { Continuum } from "../mod.ts";');
  assert.deepEqual(lint(engine, file), ['no-engine-import "../mod.ts"']);
});

Deno.test("deno lint reports findings, and minds excluded rules and excused lines", async () => {
  const folder = await Deno.makeTempDir();
  const lintProject = async (rules: object): Promise<string[]> => {
    const config = {
      links: [fileURLToPath(PROJECT)],
      lint: { plugins: ["jsr:@continuum/continuum/lint"], rules },
    };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      args: ["lint", "--json"],
      cwd: folder,
    }).output();
    const text = new TextDecoder();
    const { diagnostics, errors } = JSON.parse(text.decode(stdout));
    assert.deepEqual(errors, [], text.decode(stderr));
    assert.equal(code, diagnostics.length === 0 ? 0 : 1);
    return diagnostics.map((found: { code: string; range: { start: { line: number } } }) =>
      `${found.code} ${found.range.start.line}`
    ).sort();
  };
  try {
    await Deno.writeTextFile(
      `${folder}/order.ts`,
      `${IMPORT}
export default defineWorkflow({ name: "order" }, async (ctx, url: string) => {
  ctx.sleep("1h");
  await ctx.run("load", async () => await fetch(url));
  // deno-lint-ignore continuum/no-io
  await fetch(url);
  return await fetch(url);
});
`,
    );
    await Deno.writeTextFile(`${folder}/activity.ts`, "await fetch('https://example.com');\n");
    assert.deepEqual(await lintProject({}), [
      "continuum/no-floating-effects 3",
      "continuum/no-io 7",
    ]);
    assert.deepEqual(await lintProject({ exclude: ["continuum/no-floating-effects"] }), [
      "continuum/no-io 7",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
