/**
 * Compiler options count wherever the runtime reads them, for the modules that they govern: what it
 * executes, in a process of its own, and what is loaded from a version's bytes alone come to the
 * same.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readGraph } from "../../src/version/graph/read.ts";
import { Loader } from "../../src/version/load/loader.ts";
import { makeFolder } from "../support/modules.ts";

/** What the modules of each folder tell of the options that they were compiled with. */
const MODULES: Readonly<Record<string, string>> = {
  "seen.ts": "export const seen: unknown[] = []; export type T = 1;",
  "decorated.ts": `
    const kind = (...args: unknown[]) => {
      const isStandard = (args[1] as { kind?: string } | undefined)?.kind === "method";
      told = isStandard ? "standard" : "experimental";
    };
    let told = "", metadata = 0;
    (Reflect as any).metadata = () => { metadata++; return () => {}; };
    class A { @kind m(text: string): void { void text; } }
    void A;
    delete (Reflect as any).metadata;
    export default [told, metadata];`,
  "view.tsx": `
    const React = { createElement: () => "classic", Fragment: "fragment of React" };
    const h = (tag: unknown) => "h of " + String(tag), F = "F";
    void [React, h, F];
    export default [<a />, <></>];`,
  "unused.ts": `
    import { type T, seen } from "./effect.ts"; export default 1 as T;`,
  "effect.ts": `
    (globalThis as any).effects = ((globalThis as any).effects ?? 0) + 1;
    export type T = 1; export const seen = 1;`,
  "fields.ts": `
    class A { constructor() { this.x = 1; } get x() { return 0; } set x(_: number) {} }
    class B extends A { declare y: number; x: any; }
    export default Object.hasOwn(new B(), "x");`,
};

const FOLDERS = ["", "app/", "zoo/", "app/inner/", "zoo/.hidden/"];

/** The root of the graph: it reports what every folder's modules tell. */
const ROOT = FOLDERS.flatMap((folder, i) =>
  Object.keys(MODULES).filter((name) => !/seen|effect/.test(name)).map((name, j) =>
    `import m${i}_${j} from "../${folder}${name}"; all.push(m${i}_${j}); `
  )
).join("\n");

const FILES: Record<string, string> = {
  "jsxlib/jsx-runtime.ts": 'export const jsx = () => "jsx", jsxs = jsx, Fragment = "f";',
  "jsxlib/jsx-dev-runtime.ts": 'export const jsxDEV = () => "dev", Fragment = "f";',
  "app/main.ts": `const all: unknown[] = []; ${ROOT}\n` +
    "const effects = (globalThis as any).effects ?? 0; delete (globalThis as any).effects;\n" +
    "export default JSON.stringify([all, effects]);",
  "app/print.ts": 'import told from "./main.ts"; console.log(told);',
  ...Object.fromEntries(
    FOLDERS.flatMap((folder) =>
      Object.entries(MODULES).map(([name, text]) => [folder + name, text])
    ),
  ),
};

const OPTIONS: readonly Readonly<Record<string, unknown>>[] = [
  { jsx: "react-jsx", jsxImportSource: "jsxlib" },
  { jsx: "react-jsxdev", jsxImportSource: "jsxlib", jsxImportSourceTypes: "none" },
  { jsxFactory: "h", jsxFragmentFactory: "F" },
  { experimentalDecorators: true },
  { experimentalDecorators: true, emitDecoratorMetadata: true },
  { verbatimModuleSyntax: true },
  { useDefineForClassFields: false },
];

type Config = Readonly<Record<string, unknown>>;

/** A project's config files, with the options in one file. */
interface Layout {
  readonly name: string;
  readonly files: (compilerOptions: Config) => Readonly<Record<string, Config>>;
  /** What is tried in it; every option, unless said otherwise. */
  readonly options?: readonly Config[];
  /** Whether the options do nothing there. */
  readonly isMute?: boolean;
}

const IMPORTS = {
  "jsxlib/jsx-runtime": "./jsxlib/jsx-runtime.ts",
  "jsxlib/jsx-dev-runtime": "./jsxlib/jsx-dev-runtime.ts",
};
const ALONE = { imports: IMPORTS };
const WORKSPACE = { imports: IMPORTS, workspace: ["./app", "./zoo"] };

const LAYOUTS: readonly Layout[] = [
  {
    name: "deno.json of the root",
    files: (compilerOptions) => ({
      "deno.json": { ...WORKSPACE, compilerOptions },
      "app/deno.json": {},
      "zoo/package.json": {},
    }),
  },
  {
    name: "deno.json of the root's own member",
    files: (compilerOptions) => ({
      "deno.json": WORKSPACE,
      "app/deno.json": { compilerOptions },
      "zoo/deno.json": {},
    }),
  },
  {
    name: "deno.json of another member",
    files: (compilerOptions) => ({
      "deno.json": WORKSPACE,
      "app/deno.json": {},
      "zoo/deno.json": { compilerOptions },
    }),
  },
  {
    name: "deno.json of a member, over the root's",
    files: (compilerOptions) => ({
      "deno.json": {
        ...WORKSPACE,
        compilerOptions: { jsxFactory: "h", experimentalDecorators: true },
      },
      "app/deno.json": {},
      "zoo/deno.json": { compilerOptions: { experimentalDecorators: false, ...compilerOptions } },
    }),
  },
  {
    name: "tsconfig.json beside deno.json",
    files: (compilerOptions) => ({ "deno.json": ALONE, "tsconfig.json": { compilerOptions } }),
  },
  {
    name: "tsconfig.json beside deno.json with options",
    files: (compilerOptions) => ({
      "deno.json": { ...ALONE, compilerOptions: {} },
      "tsconfig.json": { compilerOptions },
    }),
    isMute: true,
  },
  {
    name: "tsconfig.json beside deno.json and package.json",
    files: (compilerOptions) => ({
      "deno.json": ALONE,
      "package.json": {},
      "tsconfig.json": { compilerOptions },
    }),
  },
  {
    name: "tsconfig.json of a folder without a config",
    files: (compilerOptions) => ({
      "deno.json": ALONE,
      "app/inner/tsconfig.json": { compilerOptions },
    }),
    isMute: true,
  },
  {
    name: "tsconfig.json of members, and of the root between them",
    files: (compilerOptions) => ({
      "deno.json": WORKSPACE,
      "app/package.json": {},
      "zoo/package.json": {},
      "tsconfig.json": { compilerOptions },
      "app/tsconfig.json": { compilerOptions: { jsxFactory: "h" } },
      "zoo/tsconfig.json": { compilerOptions: { jsxFactory: "h" } },
    }),
  },
  {
    name: "tsconfig.json that others extend",
    files: (compilerOptions) => ({
      "deno.json": ALONE,
      "tsconfig.json": { extends: ["./conf/a.json", "./conf/none.json", "./conf/b.json"] },
      "conf/a.json": { compilerOptions: { jsxFactory: "h" } },
      "conf/b.json": { extends: "./c.json", include: ["../app/**/*", "../zoo"] },
      "conf/c.json": { compilerOptions, exclude: ["inner"], extends: "./b.json" },
    }),
  },
  {
    name: "tsconfig.json of a package",
    files: (compilerOptions) => ({
      "deno.json": { ...ALONE, nodeModulesDir: "manual" },
      "package.json": { dependencies: {} },
      "tsconfig.json": { extends: "@conf/base/tsconfig.json" },
      "node_modules/@conf/base/tsconfig.json": { compilerOptions },
      "node_modules/@conf/base/package.json": { name: "@conf/base", version: "1.0.0" },
    }),
  },
  {
    name: "tsconfig.json that is referred to",
    files: (compilerOptions) => ({
      "deno.json": ALONE,
      "tsconfig.json": {
        references: [{ path: "./zoo" }, { path: "./app/t.json" }, { path: "./no" }],
        include: ["*.ts"],
      },
      "zoo/tsconfig.json": { compilerOptions, include: ["**/*.tsx", "./.hidden"] },
      "app/t.json": { compilerOptions, files: ["inner/decorated.ts"], exclude: ["inner"] },
    }),
  },
  ...([
    { include: ["app"] },
    { include: ["APP/**/*"] },
    { include: ["app/*"] },
    { include: ["**"] },
    { include: ["**/*.ts*"] },
    { include: ["zoo/**/?iew.tsx", "a[p]p/view.tsx", "app/**/*.{ts,tsx}"] },
    { include: ["app/**.ts"] },
    { include: ["."], exclude: ["./app/"] },
    { exclude: ["**/inner", "zoo/*.tsx", "zoo/.*/*.ts"] },
    { files: ["app/view.tsx", "./zoo/decorated.ts"] },
    { files: ["app/unused.ts"], include: ["zoo"], exclude: ["app"] },
  ].map((filter): Layout => ({
    name: `tsconfig.json with ${JSON.stringify(filter)}`,
    options: [{ experimentalDecorators: true, jsxFactory: "h", verbatimModuleSyntax: true }],
    files: (compilerOptions) => ({
      "deno.json": ALONE,
      "tsconfig.json": { ...filter, compilerOptions },
    }),
  }))),
];

async function runNatively(url: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", new URL(url).pathname],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  assert.ok(text.startsWith("["), text + new TextDecoder().decode(stderr));
  return text;
}

/** What a version tells on a node that has no config at all, and its hash. */
async function runFromBytes(url: string): Promise<{ told: string; hash: string }> {
  const { manifest, bytes } = await readGraph(url);
  const { entry } = await new Loader().load({ manifest, bytes });
  return { told: (entry as { default: string }).default, hash: manifest.hash };
}

for (const { name, files, options: tried = OPTIONS, isMute = false } of LAYOUTS) {
  Deno.test({
    name: `options in ${name} are what the runtime makes of them`,
    sanitizeOps: false,
    async fn() {
      const tell = async (options: Config) => {
        const configs = Object.entries(files(options)).map(([path, json]) =>
          [path, JSON.stringify(json)] as const
        );
        await using folder = await makeFolder({ ...FILES, ...Object.fromEntries(configs) });
        const native = await runNatively(`${folder.url}app/print.ts`);
        const { told, hash } = await runFromBytes(`${folder.url}app/main.ts`);
        assert.equal(told, native, JSON.stringify(options));
        return { told, hash };
      };
      const plain = await tell({});
      let differing = 0;
      for (const options of tried) {
        const { told, hash } = await tell(options);
        if (told !== plain.told) {
          differing++;
          assert.notEqual(hash, plain.hash, JSON.stringify(options));
        }
        if (isMute) assert.equal(hash, plain.hash, JSON.stringify(options));
      }
      assert.equal(differing > 0, !isMute);
    },
  });
}
