/**
 * Files change while a process runs, in every way that files can: what a run executes is what its
 * hash says, or the process refuses and names the file. `CONTINUUM_EDITS` sets how many folders are
 * edited, `CONTINUUM_EDITS_SEED` how.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sha256Hex } from "../../src/base/encoding.ts";
import { WORKFLOW_ENTRY } from "../../src/version/project/host.ts";
import { type Manifest, parseManifest, versionHash } from "../../src/version/manifest/format.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import type { Given, Told } from "./edits/application.ts";
import { filesOf, LINKS, makeScenarios, mountScenarios, type Scenario } from "./edits/plan.ts";
import { makeFolder } from "../support/modules.ts";
import { countOf } from "../support/thoroughness.ts";

const SEED = Number(Deno.env.get("CONTINUUM_EDITS_SEED") ?? 1);
const COUNT = Number(Deno.env.get("CONTINUUM_EDITS") ?? countOf(120));
const APPLICATION = new URL("./edits/application.ts", import.meta.url).pathname;

/** What a module is worth, by the bytes that are archived for it and nothing else. */
class Archived {
  readonly #manifest: Manifest;
  readonly #texts = new Map<string, string>();

  constructor(text: string, archived: Readonly<Record<string, string>>) {
    this.#manifest = parseManifest(text);
    for (const { label, sha256 } of this.#manifest.members) {
      const bytes = Uint8Array.fromBase64(archived[sha256]!);
      assert.equal(sha256Hex(bytes), sha256, label);
      this.#texts.set(label, new TextDecoder().decode(bytes));
    }
  }

  /** What its workflow returns. */
  result(): unknown[] {
    const { entry } = this.#manifest;
    const lazy = this.#target(entry, "./lazy.ts");
    return [...this.#value(entry) as unknown[], lazy === null ? "missing" : this.#value(lazy)];
  }

  /** Where an import leads; `null`: to nothing. */
  #target(from: string, specifier: string): string | null {
    const edge = this.#manifest.edges.find((e) => e.from === from && e.specifier === specifier);
    if (edge?.target.kind === "missing") return null;
    if (edge?.target.kind === "member") return edge.target.label;
    assert.equal(edge, undefined);
    return `./${new URL(specifier, new URL(from, "file:///x/")).pathname.slice("/x/".length)}`;
  }

  /** The export `v`. */
  #value(label: string): unknown {
    const text = this.#texts.get(label);
    assert(text !== undefined, `${label} is no member`);
    if (label.endsWith(".json")) return JSON.parse(text);
    const [, list] = /export const v(?:: unknown\[\])? = \[(.*)\];/.exec(text)!;
    return list!.split(", ").map((item) => {
      if (item.startsWith('"')) return JSON.parse(item);
      if (item === "<x/>") return this.#options(label) === "h" ? "h x" : "React x";
      if (item.startsWith("typeof")) return item.endsWith("React") ? "object" : "function";
      const from = new RegExp(`import (?:\\{ v as ${item} \\}|${item}) from "([^"]+)"`).exec(text);
      return this.#value(this.#target(label, from![1]!)!);
    });
  }

  #options(label: string): string | undefined {
    return this.#manifest.options.find(([key, , of]) =>
      key === "jsxFactory" && (of === undefined || of === label)
    )?.[1];
  }
}

/** Runs the application over scenarios, and checks what it says of each. */
async function check(scenarios: readonly Scenario[], command: readonly string[]): Promise<Told[]> {
  await using db = await emptyPostgres();
  const files = Object.assign({}, ...scenarios.map(({ name }) => filesOf(name, WORKFLOW_ENTRY)));
  await using folder = await makeFolder(files);
  const path = new URL(folder.url).pathname;
  for (const { name } of scenarios) {
    for (const [link, to] of LINKS) {
      await Deno.symlink(`${path}${name}/${to}`, `${path}${name}/${link}`);
    }
  }
  const given: Given = { database: postgresUrl(), schema: db.schema, folder: path, scenarios };
  await folder.write({ "given.json": JSON.stringify(given) });
  const [program, ...args] = [...command, Deno.execPath(), "run", "-A", APPLICATION];
  const { success, stdout, stderr } = await new Deno.Command(program!, {
    args: [...args, `${path}given.json`],
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const all: Record<string, Told> = JSON.parse(new TextDecoder().decode(stdout));
  for (const scenario of scenarios) {
    const told = all[scenario.name]!;
    const shown = `seed ${SEED}, ${JSON.stringify(scenario)}: ${
      JSON.stringify(told).slice(0, 2_000)
    }`;
    if ("refused" in told) {
      const name = `${path}${scenario.name}/`;
      assert.match(
        told.refused.replaceAll(name, "HERE/"),
        /HERE\/[\w/]+\.(ts|tsx|js|json)\b/,
        shown,
      );
      continue;
    }
    assert.equal(versionHash(told.manifest), told.hash, shown);
    const wanted = new Archived(told.manifest, told.archived).result();
    assert.deepEqual(told.result, wanted, shown);
    assert.deepEqual(told.again, wanted, shown);
  }
  return scenarios.map(({ name }) => all[name]!);
}

Deno.test("whatever is edited while a process runs, a run executes what its hash says, or the file is named", async () => {
  const told = await check(makeScenarios(SEED, COUNT), []);
  // What is tried must be worth trying.
  const ran = told.flatMap((told) => "hash" in told ? [told] : []);
  assert(ran.length > COUNT / 2, `${ran.length} of ${COUNT} ran`);
  assert(told.length - ran.length > COUNT / 20, `${told.length - ran.length} were refused`);
  const sources = Map.groupBy(ran, ({ source }) => source);
  assert.deepEqual([...sources.keys()].sort(), ["archive", "url"]);
});

const unshare = await new Deno.Command("unshare", { args: ["-m", "true"] }).output()
  .catch(() => null);
const ignore = unshare?.success !== true;

Deno.test({
  name: "the same where folders are mounted over others" +
    (ignore ? " (skipped: this process may not mount)" : ""),
  ignore,
  async fn() {
    const told = await check(mountScenarios(), ["unshare", "-m"]);
    assert(told.every((told) => "hash" in told));
  },
});
