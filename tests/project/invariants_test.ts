/**
 * Invariants have unique names, are numbered where they are kept, and comments cite only those.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PROJECT, projectFiles } from "../support/project.ts";

const sources = await read("src", ".ts");

/** An invariant's name: a word, and its number in the file that keeps it. */
const NAME = /\b[A-Z]{3,}-\d+\b/g;

/** Words with a number that name standards and ciphers. */
const FOREIGN = /^(SHA|UTF|ISO|SCRAM-SHA|RFC|ECMA|AES|BCP|SQL|IEEE)-/;

/** Where each invariant is kept: an item of a list at the head of a file. */
const keepers = new Map<string, string[]>();
for (const [name, text] of sources) {
  for (const [, id] of text.matchAll(/^ \* - ([A-Z]{3,}-\d+)[:,] /gm)) {
    keepers.set(id!, [...keepers.get(id!) ?? [], name]);
  }
}

interface Citation {
  readonly file: string;
  readonly id: string;
  /** What follows it: "of `store/journal/append.ts`" says where it is kept. */
  readonly after: string;
}

const citations: Citation[] = [
  ...sources,
  ...await read("docs", ".md"),
  ...await read("tests", ".ts"),
  ...await readRoot("ARCHITECTURE.md", "CONTRIBUTING.md", "tests/FEATURES.md"),
].flatMap(([file, text]) =>
  [...text.matchAll(NAME)]
    .filter(([id]) => !FOREIGN.test(id))
    .map((found) => ({ file, id: found[0], after: text.slice(found.index + found[0].length) }))
);

Deno.test("every invariant that is cited is kept: numbered at the head of a file", () => {
  assert(keepers.size > 150 && citations.length > 2 * keepers.size);
  const unknown = citations.filter(({ id }) => !keepers.has(id));
  assert.deepEqual(unknown.map(({ file, id }) => `${file}: ${id}`), []);
});

Deno.test("an invariant is kept in one file, which numbers its own from 1", () => {
  assert.deepEqual([...keepers].filter(([, files]) => files.length > 1), []);
  const numbers = Map.groupBy(keepers.keys(), (id) => id.replace(/-\d+$/, ""));
  for (const [word, ids] of numbers) {
    assert.equal(new Set(ids.flatMap((id) => keepers.get(id)!)).size, 1, word);
    assert.deepEqual(ids, ids.map((_, index) => `${word}-${index + 1}`));
  }
});

Deno.test("an invariant that is said to be kept in a file is kept there", () => {
  const wrong = citations.filter(({ id, after }) => {
    const [, file] = /^ (?:of|in)\s(?:\* )?`([\w/]+\.ts)`/.exec(after) ?? [];
    return file !== undefined && !keepers.get(id)?.some((keeper) => keeper.endsWith(file));
  });
  assert.deepEqual(wrong.map(({ file, id, after }) => `${file}: ${id}${after.slice(0, 60)}`), []);
});

Deno.test("no comment cites an invariant by a letter alone", () => {
  const bare = [...sources].flatMap(([file, text]) =>
    text.split("\n").flatMap((line) => {
      const [comment] = /(?:^\s*\/?\*|\/\/|\/\*\* ).*$/.exec(line) ?? [];
      return [...(comment ?? "").matchAll(/(?:^|[\s(])([A-Z]{1,2}\d)\b/g)].map(([, id]) =>
        `${file}: ${id}`
      );
    })
  );
  assert.deepEqual(bare, []);
});

async function read(folder: string, ending: string): Promise<Map<string, string>> {
  const names = await projectFiles(folder, ending);
  return await readRoot(...names.filter((name) => !name.endsWith(".gen.ts")));
}

async function readRoot(...names: string[]): Promise<Map<string, string>> {
  const texts = names.map(async (name) =>
    [name, await Deno.readTextFile(new URL(name, PROJECT))] as const
  );
  return new Map(await Promise.all(texts));
}
