/**
 * An application whose workflows are edited while it runs: imports them as its own, then opens a
 * node and starts each by its definition. It says for each what ran, under which hash, and what is
 * archived for that: `application.ts <a file that has what is given>`.
 *
 * @module
 */

import { Continuum } from "../../../src/continuum.ts";
import { openStore } from "../../../src/store/open.ts";
import { Versions } from "../../../src/version/versions.ts";
import { WORKFLOW_ENTRY } from "../../../src/version/project/host.ts";
import { parseManifest } from "../../../src/version/manifest/format.ts";
import { make } from "./edit.ts";
import type { Edit, Scenario } from "./plan.ts";
import type { WorkflowDefinition } from "../../../src/workflow/context_types.ts";

/** What the application is given. */
export interface Given {
  readonly database: string;
  readonly schema: string;
  /** The path of the folder that has those of the scenarios. */
  readonly folder: string;
  readonly scenarios: readonly Scenario[];
}

/** What it says of a scenario. */
export type Told =
  | { readonly refused: string }
  | {
    readonly hash: string;
    /** What the run returned. */
    readonly result: unknown;
    /** What a node returns that obtains the version later, and from where it has it. */
    readonly again: unknown;
    readonly source: string;
    readonly manifest: string;
    /** Base64 by SHA-256. */
    readonly archived: Readonly<Record<string, string>>;
  };

const { database, schema, folder, scenarios }: Given = JSON.parse(
  await Deno.readTextFile(Deno.args[0]!),
);
const urlOf = ({ name }: Scenario) => `file://${folder}${name}/order.ts`;

async function edit(when: "before" | "during" | "after"): Promise<void> {
  await Promise.all(scenarios.map(async (scenario) => {
    const edits: readonly Edit[] = scenario[when];
    for (const edit of edits) {
      await make(`${folder}${scenario.name}/`, scenario.name, WORKFLOW_ENTRY, edit);
    }
  }));
}

const definitions = new Map<Scenario, WorkflowDefinition>();
for (const scenario of scenarios) {
  definitions.set(scenario, (await import(urlOf(scenario))).default);
}
const told: Record<string, Told> = {};
await using store = await openStore({ database, schema });
await store.migrate();

/** Those that a node takes; `open` is all or nothing. */
async function taken(): Promise<Scenario[]> {
  const registered = await Promise.all(scenarios.map(async (scenario) => {
    if (told[scenario.name] !== undefined) return [];
    try {
      const versions = new Versions({ store: store.versions, workflows: [urlOf(scenario)] });
      await versions.register(urlOf(scenario));
      return [scenario];
    } catch (error) {
      told[scenario.name] = { refused: (error as Error).message };
      return [];
    }
  }));
  return registered.flat();
}

await edit("before");
await Promise.all([taken(), edit("during")]);
const open = await taken();
{
  await using node = await Continuum.open({
    database,
    schema,
    workflows: open.map(urlOf),
    linger: 0,
  });
  await edit("after");
  const later = new Versions({ store: store.versions, workflows: open.map(urlOf) });
  for (const scenario of open) {
    const run = await node.start(definitions.get(scenario)! as WorkflowDefinition<void>);
    const result = await run.result({ timeout: "5m" });
    const { version: { hash } } = await run.status();
    const { definition, source } = await later.obtain(hash);
    const { manifest } = (await store.versions.get(hash))!;
    const digests = [...new Set(parseManifest(manifest).members.map(({ sha256 }) => sha256))];
    const blobs = await store.versions.blobs(digests);
    told[scenario.name] = {
      hash,
      result,
      again: await definition.run({} as never, undefined),
      source,
      manifest,
      archived: Object.fromEntries([...blobs].map(([key, body]) => [key, body.toBase64()])),
    };
  }
}
// deno-lint-ignore no-console -- the test reads it
console.log(JSON.stringify(told));
