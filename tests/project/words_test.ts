/**
 * Pages, comments and messages are in plain English: phrases that new colleagues stumbled over do
 * not come back.
 *
 * @module
 */

import assert from "node:assert/strict";
import ts from "typescript";
import { PROJECT, projectFiles } from "../support/project.ts";

/** What not to write, and what to write instead. */
const PHRASES: readonly (readonly [found: RegExp, write: string])[] = [
  [/\b(?:is|are|was|were|be|been) told\b/, "receives, is notified of"],
  [/\bhears? of\b|\bheard of\b/, "receives, is notified of"],
  [/\bbur(?:y|ies|ied|ial|ials)\b/, "expire a node"],
  [/\bthe dead\b(?! ones)/, "expired nodes"],
  [/\bone wish\b/, "the same idempotency key"],
  [/\bin the dark\b/, "dry-run replay"],
  [/\bhas had its time\b/, "expired"],
  [/\bcan't be had\b|\bcan be had\b/, "is unavailable, can't be loaded"],
  [/\b(?:go|goes|went|gone|going) on\b/, "continue"],
  [/\bnobody(?:'s)?\b|\bsomebody(?:'s)?\b|\bwhoever\b/, "name the owner, the caller, the node"],
  [/\b(?:he|his|him|she|her)\b/, "they, their"],
  [/\bgoes before\b/, "overrides"],
  [/(?<!\bthere )\b(?:is|are) none\b(?! of\b)/, "is not one, is invalid"],
];

const PAGES = [
  ...["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md"],
  ...["bench/JOURNAL.md"],
  ...await projectFiles("docs", ".md"),
];

/** The folders whose comments and messages are read. */
const CODE = ["src", "tests", "bench", "tools", "examples"];

/** Generated text, data of other projects, and this list of phrases. */
const EXEMPT = /\.gen\.ts$|^tests\/version\/(vectors|second)\/|^tests\/project\/words_test\.ts$/;

/** The prose of a page: without programs, names in code style, and the targets of links. */
function proseOfPage(text: string): string {
  return withoutNames(text.replaceAll(/^```.*?^```$/gms, "").replaceAll(/\]\([^)]*\)/g, "]"));
}

/** The prose of a module: its comments, and its texts of several words, such as messages. */
function proseOfModule(name: string, text: string): string {
  const texts: string[] = [];
  let rest = text;
  const visit = (node: ts.Node): void => {
    if (ts.isLiteralExpression(node) || ts.isTemplateHead(node) || isTemplateEnd(node)) {
      const start = node.getStart(source);
      if (!ts.isRegularExpressionLiteral(node)) texts.push(node.text);
      rest = rest.slice(0, start) + " ".repeat(node.end - start) + rest.slice(node.end);
    }
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ESNext);
  visit(source);
  const comments = rest.match(/\/\*.*?\*\/|\/\/[^\n]*/gs) ?? [];
  const lines = comments.map((comment) => comment.replaceAll(/^\s*\*/gm, ""));
  return withoutNames([...texts.filter((each) => /\s/.test(each)), ...lines].join(" | "));
}

function isTemplateEnd(node: ts.Node): node is ts.TemplateMiddle | ts.TemplateTail {
  return ts.isTemplateMiddle(node) || ts.isTemplateTail(node);
}

/** The prose of a migration: its comments. */
function proseOfMigration(text: string): string {
  return withoutNames((text.match(/--[^\n]*/g) ?? []).join("\n").replaceAll("--", ""));
}

function withoutNames(text: string): string {
  return text.replaceAll(/`[^`]*`/g, "").replaceAll(/\s+/g, " ");
}

/** Every phrase in a text, with what to write in its place. */
function phrasesIn(name: string, text: string): string[] {
  return PHRASES.flatMap(([phrase, write]) =>
    [...text.matchAll(new RegExp(phrase, "gi"))].map(({ index }) =>
      `${name}: "${text.slice(Math.max(0, index - 40), index + 40)}": write ${write}`
    )
  );
}

async function phrasesOf(
  names: readonly string[],
  prose: (text: string, name: string) => string,
): Promise<string[]> {
  const found = names.map(async (name) =>
    phrasesIn(name, prose(await Deno.readTextFile(new URL(name, PROJECT)), name))
  );
  return (await Promise.all(found)).flat();
}

Deno.test("the pages have none of the phrases that plain English replaced", async () => {
  assert.deepEqual(await phrasesOf(PAGES, proseOfPage), []);
});

Deno.test("comments and messages have none of the phrases that plain English replaced", async () => {
  const modules = (await Promise.all(CODE.map((folder) => projectFiles(folder, ".ts")))).flat()
    .filter((name) => !EXEMPT.test(name));
  assert.deepEqual(await phrasesOf(modules, (text, name) => proseOfModule(name, text)), []);
});

Deno.test("migrations have none of the phrases that plain English replaced", async () => {
  assert.deepEqual(await phrasesOf(await projectFiles("migrations", ".sql"), proseOfMigration), []);
});

Deno.test("a phrase is found in comments, messages and templates, and not in names", () => {
  const module = `
    // It goes on.
    /**
     * The parent is
     * told. See \`goes on\`.
     */
    const nobody = { he: "nobody", pattern: /goes on "/ };
    throw new Error(\`Cannot stop \${nobody.he}: nobody answers\` + 'whoever it is');`;
  const found = phrasesIn("a.ts", proseOfModule("a.ts", module));
  assert.deepEqual(found.map((each) => each.slice(each.lastIndexOf(": write"))).sort(), [
    ": write continue",
    ": write name the owner, the caller, the node",
    ": write name the owner, the caller, the node",
    ": write receives, is notified of",
  ]);
});
