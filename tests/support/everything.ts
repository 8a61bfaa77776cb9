/**
 * A workload that asks for one of everything: for tests of what the engine needs of a server, a role
 * or a connection.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import type { Files } from "./modules.ts";
import { resultOf } from "./runs.ts";

/** Text that every encoding of a server or a session would like to change. */
const TEXT = "Zoë, Ωmega, 漢字, 🙂, \\, '$1'";

/** The modules. Transactions write to a table `booked (run text, at timestamptz, said text)`. */
export const EVERYTHING: Files = {
  "leaf.ts": `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "leaf" }, async (ctx, text: string) => {
  await ctx.sleep(1);
  return text;
});
`,
  "everything.ts": `
import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
import leaf from "./leaf.ts";

export const say = defineActivity({ name: "say" }, (text: string) => text);
export const post = defineActivity(
  { name: "post", queue: "mail", idempotencyKey: (text: string) => text },
  (text: string) => text,
);

interface Input { readonly text: string; readonly table: string; readonly generation: number }

export default defineWorkflow({ name: "everything" }, async (ctx, input: Input): Promise<unknown> => {
  const { text, table, generation } = input;
  const { runId } = ctx;
  const said = [await ctx.run("step", () => text)];
  said.push(await ctx.transaction("book", async (tx) => {
    const [row] = await tx.query<{ said: string }>(
      \`insert into \${table} (run, at, said) values ($1, pg_catalog.clock_timestamp(), $2)
       returning said\`,
      [runId, text],
    );
    return row!.said;
  }, { retry: { maxAttempts: 1_000, initial: 10, max: 100 } }));
  said.push(...await Promise.all([ctx.activity(say, text), ctx.activity(post, text)]));
  said.push(await ctx.child(leaf, text));
  ctx.attributes.set({ text, generation });
  ctx.setStatus({ text });
  await ctx.saga(async (saga) => {
    saga.undo("undo", () => {});
    throw new Error("as planned");
  }).catch(() => {});
  await ctx.sleep(1);
  said.push(await ctx.waitForSignal<string>("go"));
  if (generation > 0) return ctx.continueAsNew({ ...input, generation: generation - 1 });
  if (said.some((each) => each !== text)) throw new Error(said.join());
  return said.length;
});
`,
};

/** The modules that a node is given. */
export function everythingIn(folder: string): string[] {
  return Object.keys(EVERYTHING).map((file) => folder + file);
}

/** How many rows a run writes to the table. */
export const ROWS_OF_A_RUN = 2;

/** Starts runs, as clients do. */
export async function startEverything(
  client: Continuum,
  table: string,
  ids: readonly string[],
): Promise<void> {
  await client.startMany(
    "everything",
    ids.map((runId) => ({
      runId,
      input: { text: TEXT, table, generation: ROWS_OF_A_RUN - 1 },
    })),
  );
}

/** Sends what they wait for, and waits for their results, which must be right. */
export async function finishEverything(client: Continuum, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map(async (id) => {
    const run = client.run(id);
    for (let letter = 0; letter < ROWS_OF_A_RUN; letter++) {
      await run.signal("go", TEXT, { deliveryId: `${id} ${letter}` });
    }
    assert.equal(await resultOf(run), 6);
    const status = await run.status();
    assert.deepEqual(status.attributes, { text: TEXT, generation: 0 });
  }));
  const { runs } = await client.runs.query({ where: { attributes: { text: TEXT } }, limit: 1_000 });
  for (const id of ids) assert.ok(runs.some((run) => run.id === id), `${id} is not found`);
}
