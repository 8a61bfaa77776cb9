/**
 * What the runtime executes and what is loaded from verified bytes are the same program: same
 * values, same order of effects, same errors. The runtime has a process of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sha256Hex } from "../../src/base/encoding.ts";
import { Loader } from "../../src/version/load/loader.ts";
import { transpile } from "../../src/version/compile/transpile.ts";
import { runNatively, runnerFiles, runVerified } from "./fidelity/compare.ts";
import type { Outcome } from "./fidelity/outcome.ts";
import { FILES, legacyPrograms, plainPrograms, type Program } from "./fidelity/programs.ts";
import { makeFolder } from "../support/modules.ts";
import { partOf } from "../support/thoroughness.ts";

const IMPORTS = {
  "jsxlib/jsx-runtime": "./jsx_runtime.ts",
  "jsxlib": "./jsx_base.ts",
  "jsxlog/jsx-runtime": "./jsx_log.ts",
};

/** Runtime's and loader's errors name the module in their own ways. */
function comparable({ value, seen, error }: Outcome): Outcome {
  const isOfModules = error !== null &&
    /^(SyntaxError|TypeError|GraphError)|requested module|could not be parsed|Cannot (compile|read)/
      .test(
        error,
      );
  return { value, seen, error: isOfModules ? "no module" : error };
}

async function compare(programs: readonly Program[], compilerOptions: object): Promise<void> {
  const files: Record<string, string> = {
    ...FILES,
    "deno.json": JSON.stringify({ imports: IMPORTS, compilerOptions }),
    ...await runnerFiles(),
  };
  for (const [i, { media, source }] of programs.entries()) {
    const own = source.replaceAll('"./dep.ts"', `"./dep${i}.ts"`);
    files[`p${i}.${media}`] = own;
    if (own !== source) files[`dep${i}.ts`] = FILES["dep.ts"]!;
  }
  await using folder = await makeFolder(files);
  const urls = programs.map(({ media }, i) => `${folder.url}p${i}.${media}`);
  const native = await runNatively(folder.url, urls);
  const loader = new Loader();
  const differing: string[] = [];
  for (const [i, url] of urls.entries()) {
    const loaded = await runVerified(loader, url);
    try {
      assert.deepEqual(comparable(loaded), comparable(native[i]!));
    } catch (error) {
      differing.push(`${url}\n${programs[i]!.source}\n${(error as Error).message}`);
    }
  }
  assert.equal(
    differing.length,
    0,
    `${differing.length} of ${urls.length} differ:\n${differing.join("\n\n")}`,
  );
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false });
}

test("programs of every construct come to the same from verified bytes", async () => {
  const programs = plainPrograms();
  assert.ok(programs.length > 500);
  await compare(partOf(programs), {});
});

test("experimental decorators come to the same, with and without metadata", async () => {
  await compare(legacyPrograms(), { experimentalDecorators: true });
  await compare(legacyPrograms(), { experimentalDecorators: true, emitDecoratorMetadata: true });
});

test("JSX options come to the same", async () => {
  const programs = plainPrograms().filter(({ source }) => source.startsWith("const N ="));
  const withoutReact = programs.map(({ media, source }) => ({
    media,
    source: source.replace('import React from "./react.ts";', ""),
  }));
  await compare(withoutReact, { jsx: "react-jsx", jsxImportSource: "jsxlib" });
  await compare(
    programs.map(({ media, source }) => ({ media, source: source.replaceAll("React", "Lib") })),
    { jsxFactory: "Lib.createElement", jsxFragmentFactory: "Lib.Fragment" },
  );
});

test("unused imports stay where verbatimModuleSyntax says so", async () => {
  await compare([
    { media: "ts", source: `import { value } from "./dep.ts"; export default 1;` },
    { media: "tsx", source: `import { value } from "./dep.ts"; export default 1;` },
    { media: "ts", source: `import {} from "./dep.ts"; enum E { A } export default E.A;` },
    { media: "ts", source: `import { type T } from "./dep.ts"; export default 1;` },
  ], { verbatimModuleSyntax: true });
});

test("places in code that was edited before it was compiled are the author's own", async () => {
  const boom = `enum E { A }
    const at = (e: unknown) => (e as Error).stack!.split("\\n").filter((l) => /:\\d+:\\d+/.test(l))
      .slice(0, 2).map((l) => /:\\d+:\\d+(?=\\)?$)/.exec(l)![0]);
    function boom(): never { throw new Error("boom"); }`;
  await compare(
    [
      `using r = null, s = boom();`,
      `{ using a = null; } /* ö */ await using r = null, s = boom(); using t = null;`,
      `for (using r of [null]) boom();`,
      `for await (await using r of [null, boom()]) {}`,
      `new (class P { y = boom(); constructor(private x = 1) {} })();`,
      `new (class P { y = this.x; z = (boom()); constructor(private x = 1) { using r = null; } })();`,
      `using r = null; new (class P { y = this.x; constructor(private x = 1) { boom(); } })();`,
      `class B {} new (class P extends B { y = this.x; constructor(private x = 1) { const q = super(); boom(); } })();`,
    ].map((body) => ({
      media: "ts" as const,
      source: `${boom} export default async () => { try { ${body} } catch (e) { return at(e); } };`,
    })),
    {},
  );
});

Deno.test("fields that are not compiled as Deno does it are refused where they stand", async () => {
  const cases = [
    ["computed", `const k = "a"; class P {\n  [k] = this.x; constructor(private x: number) {} }`],
    [
      "computed",
      `const k = () => "a"; class P {\n  [k()]: number = 1; constructor(readonly x = 1) {} }`,
    ],
    [
      "decorated",
      `const d = () => {}; class P {\n  @d f = this.x; constructor(private x: number) {} }`,
    ],
    ["decorated", `const d = () => {}; class P {\n  @d #f = 1; constructor(public x = 2) {} }`],
  ] as const;
  for (const [kind, source] of cases) {
    for (const media of ["ts", "tsx"] as const) {
      await assert.rejects(transpile(source, media, "file:///p.ts", new Map()), {
        code: "MODULE_SYNTAX",
        message: `Cannot compile file:///p.ts: line 2, column 3: found a ${kind} field that is ` +
          "initialised in a class with parameter properties, which is not compiled as Deno does it, " +
          "wanted an assignment in its constructor",
      });
    }
  }
});

/**
 * The emitted text of all programs. It changes with the compiler alone, and what it says then is
 * what running versions would do after an upgrade of this package: a change must be looked at, and
 * needs a new version of the manifest's format where behaviour changes with it.
 */
const EMITTED = "eaf91ad8e6617083a6ae865c26d5e665fab50316f0a0f816e1b5c8c54d4c78ce";

Deno.test("the compiler emits what it emitted when versions were pinned", async () => {
  let text = "";
  const sets = [
    [plainPrograms(), new Map<string, string>()],
    [legacyPrograms(), new Map([["experimentalDecorators", "true"]])],
  ] as const;
  for (const [programs, options] of sets) {
    for (const { media, source } of programs) {
      if (media === "js") continue;
      try {
        const { code, map } = await transpile(source, media, "continuum:///x", options);
        // Without a map the text is the author's.
        if (map !== "") text += `${code}\n`;
      } catch (error) {
        text += `${(error as Error).name.replace("GraphError", "ModuleSyntaxError")}\n`;
      }
    }
  }
  assert.equal(sha256Hex(text), EMITTED);
});
