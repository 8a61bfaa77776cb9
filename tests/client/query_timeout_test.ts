/**
 * Questions that take the server too long.
 *
 * @module
 */

import assert from "node:assert/strict";
import postgresJs from "postgres";
import { Continuum } from "../../mod.ts";
import { countRuns, listRuns } from "../../src/operate/runs.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { refused } from "../support/scene.ts";

/** Keeps all others from reading a table. */
async function locking<Answer>(
  table: string,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const sql = postgresJs(postgresUrl(), { max: 1, onnotice() {} });
  try {
    return await sql.begin(async (holder) => {
      await holder.unsafe(`lock table ${table} in access exclusive mode`);
      return await work();
    }) as Answer;
  } finally {
    await sql.end();
  }
}

Deno.test("a question that takes longer than its timeout ends with what makes it narrower", async () => {
  await using db = await emptyPostgres();
  const { database, schema } = db;
  await using client = await Continuum.connect({ database, schema });
  const timeout = 20; // milliseconds: the lock is held until all of them are over
  const runs = [
    () => client.runs.query({ timeout }),
    () => client.runs.query({ where: { id: { prefix: "a" } }, timeout }),
    () => client.runs.troubles({ timeout }),
    () => client.runs.count({ timeout }),
    () => listRuns(client, {}, { timeout }),
    () => countRuns(client, {}, 1_001, "default", timeout),
  ];
  await locking(`${schema}.runs`, async () => {
    for (const ask of runs) {
      await refused(ask(), "QUERY_TIMEOUT", "within 20 ms", "a workflow", "a time of creation");
    }
  });
  await locking(`${schema}.workflow_versions`, async () => {
    await refused(client.versions.list({ timeout }), "QUERY_TIMEOUT", "list versions", "a hash");
  });
});

Deno.test("after a question that took too long, the next ones have all the time they need", async () => {
  await using db = await emptyPostgres();
  const { database, schema } = db;
  await using client = await Continuum.connect({ database, schema });
  await locking(
    `${schema}.runs`,
    () => refused(client.runs.query({ timeout: 20 }), "QUERY_TIMEOUT"),
  );
  const waiting = await locking(`${schema}.runs`, async () => {
    const asked = client.runs.query();
    await refused(client.runs.query({ timeout: 50 }), "QUERY_TIMEOUT");
    return { asked };
  });
  assert.deepEqual((await waiting.asked).runs, []);
  assert.deepEqual((await client.runs.query({ timeout: "1h" })).runs, []);
});

Deno.test("a timeout of no length, or of no duration, is refused", async () => {
  await using db = await emptyPostgres();
  const { database, schema } = db;
  await using client = await Continuum.connect({ database, schema });
  for (const timeout of [0, -1, "soon", "30d"]) {
    await refused(
      client.runs.query({ timeout } as never),
      "INVALID_ARGUMENT",
      "option timeout of runs.query()",
    );
  }
});
