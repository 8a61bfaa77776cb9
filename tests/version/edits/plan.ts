/**
 * Workflow folders, and random edits of them, from seeds.
 *
 * @module
 */

import fc from "fast-check";
import type { Files } from "../../support/modules.ts";

/** One change of a folder, as a person makes it while a process runs. */
export type Edit =
  /** Other bytes; `keepsTimes`: the old times are set back; `isMoved`: a new file takes its place. */
  | {
    readonly kind: "rewrite";
    readonly path: string;
    readonly word: string;
    readonly keepsTimes: boolean;
    readonly isMoved: boolean;
  }
  /** A symlink to another file, or to another folder, takes the place of what was there. */
  | { readonly kind: "link"; readonly path: string; readonly to: string }
  /** Two files, or two folders, change places. */
  | { readonly kind: "swap"; readonly path: string; readonly with: string }
  | { readonly kind: "delete"; readonly path: string }
  /** A folder takes the place of a file. */
  | { readonly kind: "folder"; readonly path: string }
  /** New times, old bytes. */
  | { readonly kind: "touch"; readonly path: string }
  /** A file that says how modules are resolved or compiled. */
  | { readonly kind: "write"; readonly path: string; readonly text: string }
  /** Another folder is mounted over one. */
  | { readonly kind: "mount"; readonly path: string; readonly from: string };

/** A folder with a workflow, and what becomes of it. */
export interface Scenario {
  readonly name: string;
  /** After the application has imported its modules, before they are read. */
  readonly before: readonly Edit[];
  /** While they are read. */
  readonly during: readonly Edit[];
  /** After `open`, before the first start. */
  readonly after: readonly Edit[];
}

/** Every module has an export `v`, so that each may take the place of another. */
const MODULES = ["a.ts", "lib/b.ts", "current/c.js", "d.ts", "view.tsx", "lazy.ts", "order.ts"];
const OTHERS = ["alt/a.ts", "alt/b.ts", "releases/2/c.js", "store/d2.ts"];
const JSX_FACTORY = '{"compilerOptions":{"jsx":"react","jsxFactory":"h"}}';

/** Words of one length: an edit is to be seen by nothing but bytes. */
const word = fc.integer({ min: 0, max: 0xffffff }).map((n) => n.toString(16).padStart(6, "0"));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("rewrite" as const),
      path: fc.constantFrom(...MODULES, "data.json"),
      word,
      keepsTimes: fc.boolean(),
      isMoved: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Edit>(
      { kind: "link", path: "a.ts", to: "alt/a.ts" },
      { kind: "link", path: "a.ts", to: "store/d2.ts" },
      { kind: "link", path: "d.ts", to: "store/d2.ts" },
      { kind: "link", path: "d.ts", to: "nowhere.ts" },
      { kind: "link", path: "current", to: "releases/2" },
      { kind: "link", path: "lib", to: "alt" },
      { kind: "link", path: "lazy.ts", to: "alt/b.ts" },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Edit>(
      { kind: "swap", path: "lib", with: "alt" },
      { kind: "swap", path: "releases/1", with: "releases/2" },
      { kind: "swap", path: "a.ts", with: "alt/a.ts" },
      { kind: "swap", path: "lib/b.ts", with: "store/d.ts" },
      { kind: "swap", path: "a.ts", with: "lazy.ts" },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Edit>(
      ...["lib/b.ts", "store/d.ts", "lazy.ts", "lazy.ts", "data.json", "order.ts"]
        .map((path) => ({ kind: "delete" as const, path })),
      { kind: "folder", path: "a.ts" },
      { kind: "folder", path: "lazy.ts" },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Edit>(...MODULES.map((path) => ({ kind: "touch" as const, path }))),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Edit>(
      { kind: "write", path: "deno.json", text: '{"imports":{"./a.ts":"./alt/a.ts"}}' },
      { kind: "write", path: "deno.json", text: '{"imports":{"./lib/":"./alt/"}}' },
      { kind: "write", path: "deno.json", text: JSX_FACTORY },
      { kind: "write", path: "tsconfig.json", text: JSX_FACTORY },
      { kind: "write", path: "deno.json", text: "{" },
    ),
  },
);

/**
 * Scenarios from a seed.
 *
 * @param seed The seed.
 * @param count How many.
 */
export function makeScenarios(seed: number, count: number): Scenario[] {
  const scenario = fc.record({
    before: fc.array(edit, { maxLength: 3 }),
    during: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(edit, { minLength: 1, maxLength: 2 }) },
    ),
    after: fc.array(edit, { maxLength: 2 }),
  });
  return fc.sample(scenario, { seed, numRuns: count })
    .map((edits, i) => ({ name: `edited-${i}`, ...edits }));
}

/** Scenarios in which folders are mounted over others. */
export function mountScenarios(): Scenario[] {
  const mount: Edit = { kind: "mount", path: "lib", from: "alt" };
  const release: Edit = { kind: "mount", path: "releases/1", from: "releases/2" };
  return [
    { name: "mounted-before", before: [mount, release], during: [], after: [] },
    { name: "mounted-during", before: [], during: [mount], after: [release] },
    { name: "mounted-after", before: [], during: [], after: [mount, release] },
  ];
}

/**
 * The text of a module.
 *
 * @param path Its path in the folder.
 * @param word What it tells.
 * @param name The scenario.
 * @param entry The URL of the package's `./workflow` entry.
 */
export function moduleText(path: string, word: string, name: string, entry: string): string {
  const told = JSON.stringify(`${path}:${word}`);
  if (path === "data.json") return told;
  if (path === "a.ts" || path === "alt/a.ts") {
    const lib = path === "a.ts" ? "./lib/b.ts" : "./b.ts";
    return `import { v as b } from "${lib}";\nexport const v: unknown[] = [${told}, b];\n`;
  }
  if (path === "view.tsx") {
    return `const React = { createElement: (tag: string) => "React " + tag };
const h = (tag: string) => "h " + tag;
export const v: unknown[] = [${told}, <x/>, typeof React, typeof h];
`;
  }
  if (path !== "order.ts") return `export const v = [${told}];\n`;
  return `import { defineWorkflow } from "${entry}";
import { v as a } from "./a.ts";
import { v as b } from "./lib/b.ts";
import { v as c } from "./current/c.js";
import { v as d } from "./d.ts";
import { v as view } from "./view.tsx";
import data from "./data.json" with { type: "json" };
export const v: unknown[] = [${told}, a, b, c, d, view, data];
export default defineWorkflow({ name: "${name}" }, async () => {
  const lazy = await import("./lazy.ts").then((m) => m.v, () => "missing");
  return [...v, lazy];
});
`;
}

/** The files of a folder at first; `d.ts` and `current` are symlinks besides. */
export function filesOf(name: string, entry: string): Files {
  const paths = [
    ...["a.ts", "lib/b.ts", "releases/1/c.js", "store/d.ts", "view.tsx", "lazy.ts", "order.ts"],
    ...["data.json", ...OTHERS],
  ];
  const files = Object.fromEntries(
    paths.map((path) => [`${name}/${path}`, moduleText(path, "000000", name, entry)]),
  );
  return { ...files, [`${name}/package.json`]: "{}" };
}

/** Symlinks of a folder at first. */
export const LINKS = [["current", "releases/1"], ["d.ts", "store/d.ts"]] as const;
