/**
 * Every compiler option does to a version what `docs/compiler-options.md` says: what the runtime
 * executes, in a process of its own, and what is loaded from verified bytes come to the same, and
 * what is refused is refused by name.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { readGraph } from "../../src/version/graph/read.ts";
import { Loader } from "../../src/version/load/loader.ts";
import { makeFolder } from "../support/modules.ts";

type Options = Readonly<Record<string, unknown>>;

const MODULES: Readonly<Record<string, string>> = {
  "decorated.ts": `
    let told = "", metadata = 0;
    const kind = (...args: unknown[]) => {
      told = (args[1] as any)?.kind === "method" ? "standard" : "experimental";
    };
    (Reflect as any).metadata = () => { metadata++; return () => {}; };
    class A { @kind m(text: string): void { void text; } }
    void A;
    delete (Reflect as any).metadata;
    export default [told, metadata];`,
  "view.tsx": `
    const React = { createElement: (...all: unknown[]) => all, Fragment: "React" };
    const h = (tag: unknown) => "h of " + String(tag), F = "F";
    void [React, h, F];
    export default [<a b="1">x</a>, <></>];`,
  "unused.ts": `
    import {} from "./other_effect.ts"; import { seen, type T } from "./effect.ts";
    export default [1 as T, (globalThis as any).effects];`,
  "effect.ts": `
    export type T = 1; export const seen = 1;
    (globalThis as any).effects = "effect";`,
  "other_effect.ts": `(globalThis as any).effects = "other effect";`,
  "fields.ts": `
    class A { constructor() { this.x = 1; } get x() { return 0; } set x(_: number) {} }
    class B extends A { declare y: number; x: any; }
    class C extends A { x: any = 3; }
    export default [Object.hasOwn(new B(), "x"), Object.hasOwn(new C(), "x")];`,
  "emitted.ts": `
    export enum E { A = 1 }
    const enum F { B = E.A + 1 }
    namespace N { export const x = F.B; }
    class P { y = this.x; constructor(private x: number) {} }
    class Q { z; w!: number; declare v: string }
    async function* g() { yield* [1, 2]; }
    export default [E, N, new P(3), Object.keys(new Q()), (function () { return typeof this; })(),
      [..."a\\u{1F600}"].length, Object.prototype.toString.call(g()), ({ a: 1 } as any)?.a ?? 2,
      import.meta.main];`,
  "path.ts": 'import found from "@path/one.ts"; export default found;',
  "roots.ts": 'import found from "./only_alt.ts"; export default found;',
  "based.ts": 'import found from "alt/one.ts"; export default found;',
  "suffixed.ts": 'import found from "./some.ts"; export default found;',
  "json.ts": 'import found from "./data.json" with { type: "json" }; export default found;',
};

const TOLD = Object.keys(MODULES).filter((name) => !name.includes("effect"));

const FILES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(MODULES).map(([name, text]) => [`src/${name}`, text])),
  "src/main.ts": `const all: unknown[] = [];\n` +
    TOLD.map((name) =>
      `try { all.push((await import("./${name}")).default); } catch { all.push("no module"); }\n`
    ).join("") +
    `delete (globalThis as any).effects;\nexport default JSON.stringify(all);`,
  "src/print.ts": 'import told from "./main.ts"; console.log(told);',
  "src/some.ts": 'export default "plain";',
  "src/some.ios.ts": 'export default "suffixed";',
  "src/data.json": "[1]",
  "alt/one.ts": 'export default "one";',
  "alt/only_alt.ts": 'export default "alt";',
  "lib/jsx-runtime.ts": 'export const jsx = () => "lib", jsxs = jsx, Fragment = "f";',
  "react/jsx-runtime.ts": 'export const jsx = () => "react", jsxs = jsx, Fragment = "f";',
  "react/jsx-dev-runtime.ts": 'export const jsxDEV = () => "dev", Fragment = "f";',
};

const imports = {
  "lib/jsx-runtime": "./lib/jsx-runtime.ts",
  "react/jsx-runtime": "./react/jsx-runtime.ts",
  "react/jsx-dev-runtime": "./react/jsx-dev-runtime.ts",
};

/** What is tried of an option. */
interface Trial {
  readonly beside?: Options;
  /** Values that are taken. */
  readonly taken?: readonly unknown[];
  /** Values that Deno refuses, and so does this package. */
  readonly refused?: readonly unknown[];
  /** Values that this package refuses, whatever Deno makes of them. */
  readonly uncompiled?: readonly unknown[];
}

const BOOLEAN: Trial = { taken: [true, false], refused: ["true", 1, null] };
const FACTORY: Trial = {
  taken: ["h", "React.createElement"],
  refused: ["", "a-b", "h()", 1, null],
};
const TRIALS: Readonly<Record<string, Trial>> = {
  checkJs: BOOLEAN,
  emitDecoratorMetadata: { ...BOOLEAN, beside: { experimentalDecorators: true } },
  experimentalDecorators: BOOLEAN,
  jsx: {
    taken: ["react", "react-jsx", "react-jsxdev"],
    refused: ["react-native", "React", "", 1, null, ["react"]],
    uncompiled: ["precompile", "preserve"],
  },
  jsxFactory: { ...FACTORY, uncompiled: ["this.h", 'React["createElement"]'] },
  jsxFragmentFactory: { taken: ["F", "React.Fragment"], refused: ["", "a-b", 1, null] },
  jsxImportSource: { beside: { jsx: "react-jsx" }, taken: ["lib", "react", null], refused: [1] },
  jsxImportSourceTypes: { beside: { jsx: "react-jsx" }, taken: ["lib", null] },
  jsxPrecompileSkipElements: { taken: [["a"], null], refused: ["a", [1]] },
  lib: { taken: [["es5"]] },
  moduleSuffixes: { taken: [[".ios", ""]] },
  paths: { taken: [{ "@path/*": ["../alt/*"] }, { "@path/*": ["./alt/*"] }] },
  baseUrl: { taken: [".", "./"] },
  plugins: { taken: [[{ name: "any" }]] },
  rootDirs: { taken: [["./src", "./alt"]] },
  target: { taken: ["ES5", "ES2015", "ES2021", "ESNext"] },
  module: { taken: ["commonjs", "esnext", "preserve"] },
  importsNotUsedAsValues: { taken: ["preserve", "error", "remove"] },
  types: { taken: [["./alt/one.ts"], []] },
  useDefineForClassFields: { taken: [true, false, null] },
  verbatimModuleSyntax: BOOLEAN,
};
/** What is tried of any other option, and of all of them at a time: none of them does anything. */
const USUAL: readonly unknown[] = [true, false, "any", ["any"]];

const page = await Deno.readTextFile(new URL("../../docs/compiler-options.md", import.meta.url));
const ROWS = [...page.matchAll(/^\| `(\w+)` +\| (changes the code|nothing) +\| (.*?) +\|$/gm)]
  .map(([, option, effect, refused]) => ({ option: option!, effect, refused: refused!.trim() }));

/** What the runtime prints; `undefined` when it refuses. */
async function runNatively(folder: string): Promise<string | undefined> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", new URL("src/print.ts", folder).pathname],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  return text.startsWith("[") ? text : undefined;
}

async function runFromBytes(folder: string): Promise<{ told: string; hash: string }> {
  const { manifest, bytes } = await readGraph(`${folder}src/main.ts`);
  const { entry } = await new Loader().load({ manifest, bytes });
  return { told: (entry as { default: string }).default, hash: manifest.hash };
}

/** Writes options into one of the files that may have them, and tries. */
async function withOptions<T>(
  file: "deno.json" | "tsconfig.json",
  compilerOptions: Options,
  attempt: (folder: string) => Promise<T>,
): Promise<T> {
  const configs = file === "deno.json"
    ? { "deno.json": { imports, compilerOptions } }
    : { "deno.json": { imports }, "tsconfig.json": { compilerOptions } };
  await using folder = await makeFolder({
    ...FILES,
    ...Object.fromEntries(Object.entries(configs).map(([k, v]) => [k, JSON.stringify(v)])),
  });
  return await attempt(folder.url);
}

const told = (options: Options) =>
  withOptions("deno.json", options, async (folder) => {
    const native = await runNatively(folder);
    const loaded = await runFromBytes(folder);
    assert.equal(loaded.told, native, JSON.stringify(options));
    return loaded;
  });

for (const effect of ["changes the code", "nothing"]) {
  Deno.test({
    name: `each compiler option does to a version what its row says: ${effect}`,
    sanitizeOps: false,
    async fn() {
      const rows = ROWS.filter((row) => row.effect === effect);
      assert.ok(rows.length > 5);
      const plain = await told({});
      for (const { option } of rows) {
        const trial = TRIALS[option];
        if (trial === undefined) assert.equal(effect, "nothing", option);
        const { beside, taken = [] } = trial ?? {};
        const base = beside === undefined ? plain : await told(beside);
        let changes = 0;
        for (const value of taken) {
          const tried = await told({ ...beside, [option]: value });
          const isOther = tried.told !== base.told;
          if (isOther) changes++;
          const why = `${option}: ${JSON.stringify(value)}`;
          // What does not change the code of these modules may change that of others.
          if (effect === "nothing" || isOther) {
            assert.equal(tried.hash !== base.hash, isOther, why);
          }
        }
        assert.equal(changes > 0, effect === "changes the code", option);
      }
      const others = rows.filter(({ option }) => TRIALS[option] === undefined);
      for (const value of others.length === 0 ? [] : USUAL) {
        const all = others.map(({ option }) => [option, value] as const);
        assert.deepEqual(await told(Object.fromEntries(all)), plain, JSON.stringify(value));
      }
    },
  });
}

Deno.test({
  name: "values of compiler options that are not compiled as Deno does it are refused by name",
  sanitizeOps: false,
  async fn() {
    for (const { option, refused } of ROWS) {
      const trial = TRIALS[option] ?? {};
      const values = [...trial.refused ?? [], ...trial.uncompiled ?? []];
      const source = /^jsxImportSource/.test(option) ? ["react"] : [];
      assert.equal(values.length + source.length > 0, refused !== "", option);
      for (const file of ["deno.json", "tsconfig.json"] as const) {
        for (const value of [...values, ...source]) {
          const beside = source.includes(value as string) ? {} : trial.beside;
          await withOptions(file, { ...beside, [option]: value }, async (folder) => {
            const why = `${option}: ${JSON.stringify(value)} in ${file}`;
            await assert.rejects(runFromBytes(folder), (error) => {
              assert.ok(isContinuumError(error, "CONFIG_INVALID"), why);
              assert.ok(error.message.includes(`${folder}${file}`), error.message);
              assert.ok(
                error.message.includes(`compiler option ${option} is ${JSON.stringify(value)}`),
                error.message,
              );
              assert.match(error.message, /, wanted /);
              return true;
            }, why);
            if (trial.uncompiled?.includes(value)) return;
            assert.equal(await runNatively(folder), undefined, why);
          });
        }
      }
    }
  },
});

Deno.test("JSX that is not compiled as Deno does it is refused only where there is JSX", async () => {
  for (const jsx of ["precompile", "preserve"]) {
    const files = {
      "deno.json": JSON.stringify({ workspace: ["./app", "./lib"], compilerOptions: { jsx } }),
      "app/deno.json": "{}",
      "lib/deno.json": JSON.stringify({ compilerOptions: { jsx: "react" } }),
      "app/main.ts": 'import "./plain.tsx"; import "../lib/view.tsx"; export default 1;',
      "app/plain.tsx": "export default 1 as number;",
      "app/lazy.ts": 'export default () => import("./view.tsx");',
      "app/view.tsx": "const React: any = {}; export default () => <a/>;",
      "lib/view.tsx": "const React: any = {}; export default () => <a/>;",
    };
    await using folder = await makeFolder(files);
    const { manifest: { hash } } = await readGraph(`${folder.url}app/main.ts`);
    assert.ok(hash);
    for (const root of ["app/lazy.ts", "app/view.tsx"]) {
      await assert.rejects(
        readGraph(folder.url + root),
        {
          code: "CONFIG_INVALID",
          message:
            `Cannot compile with ${folder.url}deno.json: the compiler option jsx is "${jsx}", ` +
            `wanted "react" or "react-jsx" or "react-jsxdev" for ${folder.url}app/view.tsx, which has JSX`,
        },
      );
    }
  }
});

Deno.test("a refused option is reported with the file that sets it: of a root, a member, an extended file", async () => {
  const refusal = async (files: Readonly<Record<string, unknown>>, file: string) => {
    const texts = Object.entries(files).map(([path, json]) => [path, JSON.stringify(json)]);
    await using folder = await makeFolder({
      ...Object.fromEntries(texts),
      "app/main.ts": "export default 1;",
    });
    await assert.rejects(readGraph(`${folder.url}app/main.ts`), (error) => {
      assert.ok(isContinuumError(error, "CONFIG_INVALID"));
      assert.equal(error.details["file"], folder.url + file);
      return true;
    });
  };
  const workspace = ["./app", "./lib"];
  const bad = { compilerOptions: { jsx: "vue" } };
  await refusal({ "deno.json": { workspace, ...bad }, "app/deno.json": {} }, "deno.json");
  await refusal({ "deno.json": { workspace }, "app/deno.json": bad }, "app/deno.json");
  // No module of this graph is governed by it; Deno does not start all the same.
  await refusal(
    { "deno.json": { workspace }, "app/deno.json": {}, "lib/deno.json": bad },
    "lib/deno.json",
  );
  await refusal({
    "deno.json": {},
    "tsconfig.json": { extends: "./base.json", compilerOptions: { strict: true } },
    "base.json": { compilerOptions: { experimentalDecorators: "yes" } },
  }, "base.json");
  await refusal({
    "deno.json": {},
    "tsconfig.json": { references: [{ path: "./app" }] },
    "app/tsconfig.json": bad,
  }, "app/tsconfig.json");
});
