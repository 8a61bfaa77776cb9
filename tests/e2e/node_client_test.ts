/**
 * The client on Node, from the package as npm would have it. Bun was tried by hand:
 * `docs/frameworks.md`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aesGcmCodec } from "../../src/codec/mod.ts";
import { POSTGRES, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { writeNpmPackage } from "../support/npm_package.ts";
import { scene, source } from "../support/scene.ts";

/** The oldest release of Node on which clients run. */
const OLDEST = 24;

/** Node as this machine has it, or as `.ci/run` has brought it. */
const NODE = Deno.env.get("CONTINUUM_TEST_NODE") ?? "node";

/** The major version of Node; 0: there is none. */
const major = await new Deno.Command(NODE, { args: ["--version"] }).output().then(
  ({ stdout }) => Number(/^v(\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? 0),
  () => 0,
);

const NUMBER = `{
  "~standard": {
    version: 1 as const,
    vendor: "tests",
    validate: (value: any) => typeof value === "number" ? { value } : { issues: [{ message: "?" }] },
  },
}`;

/** Has a schema, a signal and a status. */
const CHECKED = source(
  `ctx.setStatus(input);
   return [input, await ctx.waitForSignal("more")];`,
  `{ name: "checked", input: number, signals: { more: number } }`,
  `const number = ${NUMBER};`,
);

/** What a service on Node does: everything that a client offers. */
const PROGRAM = `
import assert from "node:assert/strict";
import { Client, isContinuumError } from "@continuum/continuum/client";
import { aesGcmCodec } from "@continuum/continuum/codec";
import { defineWorkflow } from "@continuum/continuum/workflow";

const validate = (value) => typeof value === "number" ? { value } : { issues: [{ message: "no number" }] };
const number = { "~standard": { version: 1, vendor: "tests", validate } };
const checked = defineWorkflow(
  { name: "checked", input: number, signals: { more: number } },
  async (ctx, input) => input,
);
const [database, schema] = process.argv.slice(2);
const codec = aesGcmCodec({ keys: { k1: new Uint8Array(32) }, current: "k1" });
const client = await Client.connect({ database, schema, codec, definitions: [checked] });

const run = await client.start("echo", { wait: "go" }, { runId: "e", attributes: { of: "node" } });
await run.reached("suspended");
const { runs } = await client.runs.query({ where: { attributes: { of: "node" } } });
assert.deepEqual(runs.map(({ id }) => id), ["e"]);
const bytes = Uint8Array.of(0, 128, 255);
await client.run("e").signal("go", { bytes, at: new Date(0), big: 10n ** 20n });
const [, received] = await run.result();
assert.deepEqual(received, { bytes, at: new Date(0), big: 10n ** 20n });
assert.deepEqual((await run.history()).map(({ kind }) => kind), ["signal.received"]);

await assert.rejects(client.start("checked", "x"), { code: "INVALID_INPUT" });
const more = await client.start("checked", 1);
await assert.rejects(more.signal("more", "x"), { code: "INVALID_SIGNAL_PAYLOAD" });
await more.reached("suspended");
assert.equal((await more.status()).custom, 1);
await more.signal("more", 2);
assert.deepEqual(await more.result(), [1, 2]);

const cancelled = await client.start("echo", { wait: "go" });
await cancelled.cancel({ reason: "enough" });
await assert.rejects(cancelled.result(), (error) => isContinuumError(error, "RUN_CANCELLED"));

const cron = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
const { next } = await client.schedules.create({ id: "nightly", workflow: "echo", input: 3, ...cron });
assert(next.fire > new Date());
assert.equal(await (await client.schedules.trigger("nightly")).result(), 3);
await client.close();
await assert.rejects(client.start("echo", 1), { code: "CLOSED" });
console.log("done");
`;

Deno.test({
  name: `on Node ${OLDEST}, the published package starts, signals, finds and awaits runs` +
    (major >= OLDEST ? "" : `, skipped: ${major === 0 ? "there is no Node" : `Node is ${major}`}`),
  ignore: major < OLDEST,
  fn: async () => {
    await using folder = await makeFolder({ "main.mjs": PROGRAM });
    const { modules } = await writeNpmPackage(folder.url, ["./client", "./codec", "./workflow"]);
    assert(modules.length > 100);
    const codec = aesGcmCodec({ keys: { k1: new Uint8Array(32) }, current: "k1" });
    await using at = await scene(POSTGRES, { "checked.ts": CHECKED }, { codec });
    const { code, stdout, stderr } = await new Deno.Command(NODE, {
      args: [new URL("main.mjs", folder.url).pathname, postgresUrl(), at.db.schema],
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.equal(text(stdout), "done\n", text(stderr));
    assert.equal(code, 0);
  },
});
