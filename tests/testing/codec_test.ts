/**
 * Engines for tests with a payload codec.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aesGcmCodec } from "../../src/codec/mod.ts";
import { assertReplays, testEngine } from "../../src/testing/mod.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";

const SECRET = "S3NT1NEL";

const pass = defineWorkflow({ name: "pass" }, async (ctx, secret: string) => {
  const step = await ctx.run("step", () => `step ${secret}`);
  await ctx.sleep("30d");
  const sent = await ctx.activity<string>("send", secret);
  return [step, sent, await ctx.waitForSignal<string>("more")];
});

Deno.test("an engine for tests encodes what its database holds, and its runs replay", async () => {
  await using engine = await testEngine({
    workflows: [pass],
    activities: { send: (secret: string) => `sent ${secret}` },
    codec: aesGcmCodec({ keys: { k1: new Uint8Array(32) }, current: "k1" }),
  });
  const run = await engine.start(pass, SECRET);
  await run.signal("more", `more ${SECRET}`);
  const wanted = [`step ${SECRET}`, `sent ${SECRET}`, `more ${SECRET}`];
  assert.deepEqual(await run.result(), wanted);
  const rows = await engine.query<{ text: string }>(
    `select coalesce(payload::text, '') as text from continuum.events
     union all select coalesce(input::text, '') || coalesce(result::text, '') from continuum.runs`,
  );
  assert(rows.length > 3);
  assert.deepEqual(rows.filter(({ text }) => text.includes(SECRET)), []);
  assert(rows.some(({ text }) => text.includes('"key":"k1"')));
  const dump = JSON.stringify(await run.dump());
  assert(dump.includes(SECRET), "a dump is legible");
  await assertReplays(pass, dump);
});

Deno.test("an engine for tests refuses what is no codec", async () => {
  await assert.rejects(testEngine({ codec: {} as never }), /option codec of testEngine/);
});
