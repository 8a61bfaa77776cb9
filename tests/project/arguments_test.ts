/**
 * Holds that arguments are refused in one place, and so in one form (ARGUMENT-1 of
 * `base/arguments.ts`), and that errors show texts by `base/describe.ts` alone (DESCRIBE-1).
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "@babel/parser";
import { projectFiles } from "../support/project.ts";

const sources = await Promise.all(
  (await projectFiles("src", ".ts")).map(async (file) => ({
    file,
    source: await Deno.readTextFile(new URL(`../../${file}`, import.meta.url)),
  })),
);

Deno.test("an error of an argument is made in one file, which shows the value without secrets", () => {
  const makers = sources
    .filter(({ source }) => /\b(?:new|extends) InvalidArgumentError\b/.test(source))
    .map(({ file }) => file);
  // UNSTORABLE_TEXT is what the database says of a text, wherever that came from.
  assert.deepEqual(makers, ["src/base/arguments.ts", "src/store/errors.ts"]);
});

/** Files that show a text in an error in another way, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "src/version/compile/compiler.ts": "it passes the message of the compiler on",
  "src/version/load/loader.ts": "a dynamic import throws to workflow code what Deno throws",
};

interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "loc" in value;
}

/** The nodes right below a node. */
function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

/** The name of what a call calls, such as `JSON.stringify`. */
function calleeOf({ callee }: Node): string {
  if (!isNode(callee)) return "";
  const { object, property } = callee as unknown as Record<"object" | "property", Node>;
  if (callee.type !== "MemberExpression") return String(callee["name"] ?? callee.type);
  return `${object["name"]}.${property["name"]}`;
}

/** The lines that show a text by `JSON.stringify` or `String` inside of an error's arguments. */
function rawTexts(source: string): number[] {
  const lines: number[] = [];
  const visit = (node: Node, isInError: boolean, isErrorClass: boolean): void => {
    const isClass = node.type === "ClassDeclaration" || node.type === "ClassExpression";
    if (isClass) {
      const parent = node["superClass"];
      isErrorClass = isNode(parent) && /Error$/.test(String(parent["name"]));
    }
    const isCall = node.type === "CallExpression" || node.type === "NewExpression";
    const callee = isCall ? calleeOf(node) : "";
    if (isInError && ["JSON.stringify", "String"].includes(callee)) lines.push(node.loc.start.line);
    const makesError = node.type === "NewExpression" && /Error$/.test(callee) ||
      isErrorClass && callee === "Super";
    for (const child of childrenOf(node)) visit(child, isInError || makesError, isErrorClass);
  };
  const { program } = parse(source, {
    sourceType: "module",
    plugins: ["typescript", "sourcePhaseImports", "deferredImportEvaluation"],
  });
  visit(program as unknown as Node, false, false);
  return lines;
}

Deno.test("an error shows texts of callers by quote() and its kin, not by JSON.stringify or String", () => {
  const found = sources
    .filter(({ file }) => !(file in EXCEPTIONS))
    .flatMap(({ file, source }) => rawTexts(source).map((line) => `${file}:${line}`));
  assert.deepEqual(found, []);
  for (const file of Object.keys(EXCEPTIONS)) {
    const { source } = sources.find((each) => each.file === file)!;
    assert(rawTexts(source).length > 0, `${file} is no exception any more`);
  }
});

Deno.test("the scan of errors finds a text in a template, in details and in super()", () => {
  const source = [
    "throw new GraphError('A', `x ${JSON.stringify(a)}`, {});",
    "const e = new Error('x', { details: { a: String(a) } });",
    "class MyError extends Error { constructor(a) {",
    "super(`x ${String(a)}`);",
    "JSON.stringify(a); } }",
  ];
  assert.deepEqual(rawTexts(source.join("\n")), [1, 2, 4]);
});
