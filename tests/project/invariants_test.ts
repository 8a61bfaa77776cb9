/**
 * Invariants are numbered where they are kept, and comments cite none that nobody keeps.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PROJECT, projectFiles } from "../support/project.ts";

const sources = new Map<string, string>();
for (const name of await projectFiles("src", ".ts")) {
  if (name.endsWith(".gen.ts")) continue;
  sources.set(name, await Deno.readTextFile(new URL(name, PROJECT)));
}

/** Where each invariant is kept: an item of a list at the head of a file. */
const keepers = new Map<string, string[]>();
for (const [name, text] of sources) {
  for (const [, id] of text.matchAll(/^ \* - ([A-Z]{1,2}\d)[:,] /gm)) {
    keepers.set(id!, [...keepers.get(id!) ?? [], name]);
  }
}

interface Citation {
  readonly file: string;
  readonly id: string;
  /** What follows it: "of `store/journal/append.ts`" says where it is kept. */
  readonly after: string;
}

const citations: Citation[] = [...sources].flatMap(([file, text]) =>
  text.split("\n").flatMap((line) => {
    const [comment] = /(?:^\s*\/?\*|\/\/|\/\*\* ).*$/.exec(line) ?? [];
    return [...(comment ?? "").matchAll(/\b([A-Z]{1,2}\d)\b(.*)/g)].map(([, id, after]) => ({
      file,
      id: id!,
      after: after!,
    }));
  })
);

Deno.test("every invariant that a comment cites is numbered at the head of a file", () => {
  assert(keepers.size > 50 && citations.length > keepers.size);
  const unknown = citations.filter(({ id }) => !keepers.has(id));
  assert.deepEqual(unknown.map(({ file, id }) => `${file}: ${id}`), []);
});

Deno.test("an invariant that is said to be kept in a file is kept there", () => {
  const wrong = citations.filter(({ id, after }) => {
    const [, file] = /^ (?:of|in) `([\w/]+\.ts)`/.exec(after) ?? [];
    return file !== undefined && !keepers.get(id)?.some((keeper) => keeper.endsWith(file));
  });
  assert.deepEqual(wrong.map(({ file, id, after }) => `${file}: ${id}${after}`), []);
});

Deno.test("no file numbers two invariants alike", () => {
  const twice = [...keepers].flatMap(([id, files]) =>
    files.filter((file, index) => files.indexOf(file) < index).map((file) => `${file}: ${id}`)
  );
  assert.deepEqual(twice, []);
});
