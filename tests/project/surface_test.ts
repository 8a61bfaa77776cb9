/** What users import: read from what `deno doc` makes of the entries. */
import * as assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };

interface Declared {
  readonly name: string;
  readonly kind: string;
  readonly at: string;
  readonly category: string | undefined;
}

async function publicNames(entry: string): Promise<Declared[]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", entry],
    cwd: new URL("../..", import.meta.url),
    stderr: "null",
  }).output();
  assert.ok(success, `deno doc ${entry}`);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  return Object.values<{ symbols: Symbol[] }>(nodes).flatMap(({ symbols }) =>
    symbols.map(({ name, declarations: [first] }) => ({
      name,
      kind: first.kind,
      at: `${first.location.filename}:${first.location.line}`,
      category: first.jsDoc?.tags?.find(({ kind }) => kind === "category")?.doc,
    }))
  );
}

interface Symbol {
  readonly name: string;
  readonly declarations: [{
    readonly kind: string;
    readonly location: { readonly filename: string; readonly line: number };
    readonly jsDoc?: {
      readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
    };
  }];
}

const entries = new Map(
  await Promise.all(
    Object.entries(config.exports).map(async ([name, path]) =>
      [name, await publicNames(path)] as const
    ),
  ),
);

Deno.test("a public name means one thing, whichever entry exports it", () => {
  const databases = new Map<string, Set<string>>();
  for (const { name, at } of [...entries.values()].flat()) {
    if (name !== "default") databases.set(name, (databases.get(name) ?? new Set()).add(at));
  }
  for (const [name, found] of databases) assert.equal(found.size, 1, `${name}: ${[...found]}`);
});

Deno.test("only errors are exported by more than one entry", () => {
  const counts = new Map<string, number>();
  for (const { name, category } of [...entries.values()].flat()) {
    if (category !== "Errors" && name !== "default") counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assert.deepEqual([...counts].filter(([, count]) => count > 1), []);
});

Deno.test("all that is exported is in a category, and Continuum comes first", () => {
  const named = [...entries.get(".")!, ...entries.get("./workflow")!];
  assert.deepEqual(named.filter(({ category }) => category === undefined), []);
  const categories = entries.get(".")!.map(({ category }) => category!).sort();
  assert.equal(categories[0], "Continuum", "JSR sorts categories by name");
});

Deno.test("every entry says what it is for, with an example", async () => {
  for (const [name, path] of Object.entries(config.exports)) {
    const source = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    const [head] = source.split("@module");
    assert.match(head!, /^(?:#!.*\n)?\/\*\*[^]*```/, name);
  }
});

Deno.test("what users pass in objects is named Options", () => {
  const names = [...entries.values()].flat().map(({ name }) => name);
  assert.deepEqual(names.filter((name) => /(Setting|Settings|Limits|Bounds|Api)$/.test(name)), []);
});
