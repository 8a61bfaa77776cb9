/**
 * The pages are in plain English: phrases that new colleagues stumbled over do not come back.
 *
 * @module
 */

import assert from "node:assert/strict";
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
  [/(?<!\bthere )\b(?:is|are) none\b/, "is not one, is invalid"],
];

const NAMES = [
  ...["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md"],
  ...["bench/JOURNAL.md"],
  ...await projectFiles("docs", ".md"),
];

/** Prose: without programs, names in code style, and where links lead. */
function prose(text: string): string {
  return text
    .replaceAll(/^```.*?^```$/gms, "")
    .replaceAll(/`[^`]*`/g, "")
    .replaceAll(/\]\([^)]*\)/g, "]")
    .replaceAll(/\s+/g, " ");
}

Deno.test("the pages have none of the phrases that plain English replaced", async () => {
  const found: string[] = [];
  for (const name of NAMES) {
    const text = prose(await Deno.readTextFile(new URL(name, PROJECT)));
    for (const [phrase, write] of PHRASES) {
      for (const { index } of text.matchAll(new RegExp(phrase, "gi"))) {
        const around = text.slice(Math.max(0, index - 40), index + 40);
        found.push(`${name}: "${around}": write ${write}`);
      }
    }
  }
  assert.deepEqual(found, []);
});
