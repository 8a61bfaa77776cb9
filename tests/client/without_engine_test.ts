/**
 * The client without an engine: it starts, signals and watches runs that a node of another process
 * executes, and loads no code of theirs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Client, type ClientOptions } from "../../src/client/mod.ts";
import { aesGcmCodec } from "../../src/codec/mod.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

/** Refuses what is not a number, and doubles what is. */
const DOUBLED = `{
  "~standard": {
    version: 1 as const,
    vendor: "tests",
    validate: (value: any) =>
      typeof value === "number" ? { value: value * 2 } : { issues: [{ message: "no number" }] },
  },
}`;
const CHECKED = source(
  `return [input, await ctx.waitForSignal("more")];`,
  `{ name: "checked", input: doubled, signals: { more: doubled } }`,
  `const doubled = ${DOUBLED};`,
);

const doubled = {
  "~standard": {
    version: 1 as const,
    vendor: "tests",
    validate: (value: unknown) =>
      typeof value === "number" ? { value: value * 2 } : { issues: [{ message: "no number" }] },
    types: undefined as { input: number; output: number } | undefined,
  },
};
const checked = defineWorkflow(
  { name: "checked", input: doubled, signals: { more: doubled } },
  (_ctx, input: number): Promise<number[]> => Promise.resolve([input]),
);

function connect({ db }: Scene, options: Partial<ClientOptions> = {}): Promise<Client> {
  return Client.connect({ database: db.database, schema: db.schema, ...options });
}

forEachDatabase("a client without an engine", (database, test) => {
  test("it starts a run by name, signals it, sees what it does, and gets its result", async () => {
    await using at = await scene(database);
    await using client = await connect(at);
    const run = await client.start<number>("echo", { wait: "go" }, {
      runId: "e",
      attributes: { customer: "ada" },
    });
    await run.reached("suspended");
    const { runs } = await client.runs.query({ where: { attributes: { customer: "ada" } } });
    assert.deepEqual(runs.map(({ id, workflow }) => [id, workflow]), [["e", "echo"]]);
    const [handle, again] = [client.run("e"), client.run("e")];
    assert.equal(await handle.signal("go", 7, { deliveryId: "d" }), "delivered");
    assert.deepEqual(await run.result(), [{ wait: "go" }, 7]);
    assert.equal((await again.status()).state, "completed");
    assert.deepEqual((await again.history()).map(({ kind }) => kind), ["signal.received"]);
  });

  test("it cancels and terminates runs, and says what became of them", async () => {
    await using at = await scene(database);
    await using client = await connect(at);
    const [first, second] = [
      await client.start("echo", { wait: "go" }),
      await client.start("echo", { wait: "go" }),
    ];
    await first.cancel({ reason: "not needed" });
    await refused(first.result(), "RUN_CANCELLED", "not needed");
    await second.terminate();
    await refused(second.result(), "RUN_TERMINATED");
    await refused(client.run("none").result(), "RUN_NOT_FOUND", '"none"');
    await refused(client.start("nothing", 1), "VERSION_NOT_FOUND", '"nothing"');
  });

  test("a repeated start with one key starts one run", async () => {
    await using at = await scene(database);
    await using client = await connect(at);
    const options = { idempotencyKey: "once" };
    const ids = [
      await client.start("echo", 1, options),
      await client.start("echo", 1, options),
    ].map(({ id }) => id);
    assert.equal(ids[0], ids[1]);
    await refused(client.start("echo", 2, options), "IDEMPOTENCY_CONFLICT", "once");
  });

  test("it makes schedules, whose runs a node starts", async () => {
    await using at = await scene(database);
    await using client = await connect(at);
    const { next } = await client.schedules.create({
      id: "nightly",
      workflow: "echo",
      input: 3,
      cron: "30 2 * * *",
      timeZone: "Europe/Berlin",
    });
    assert(next !== null && next.fire > new Date());
    const run = await client.schedules.trigger("nightly");
    assert.equal(await run.result(), 3);
  });

  test("CODELESS-2: schemas check with the caller's definitions, and refuse without them", async () => {
    await using at = await scene(database, { "checked.ts": CHECKED });
    await using bare = await connect(at);
    await refused(bare.start("checked", 1), "VERSION_UNAVAILABLE", "option definitions");
    await using client = await connect(at, { definitions: [checked] });
    await refused(client.start("checked", "x" as never), "INVALID_INPUT", "no number");
    const run = await client.start<typeof checked>("checked", 2);
    await refused(run.signal("more", "x" as never), "INVALID_SIGNAL_PAYLOAD", "no number");
    await refused(bare.run(run.id).signal("more", 3), "VERSION_UNAVAILABLE", "option definitions");
    await refused(run.signal("other" as never, 3 as never), "UNDECLARED_SIGNAL", "other");
    await run.signal("more", 3);
    assert.deepEqual(await run.result(), [4, 6]);
    const other = defineWorkflow(
      { name: "checked", input: doubled },
      (_ctx, input: number) => input,
    );
    await using wrong = await connect(at, { definitions: [other] });
    await refused(wrong.start("checked", 2), "VERSION_UNAVAILABLE", "declares other schemas");
  });

  test("it uses the codec, and refuses a version that an operator has denied", async () => {
    const codec = aesGcmCodec({ keys: { k1: new Uint8Array(32) }, current: "k1" });
    await using at = await scene(database, {}, { codec });
    await using client = await connect(at, { codec });
    const bytes = Uint8Array.of(0, 255, 16);
    assert.deepEqual(await (await client.start("echo", bytes)).result(), bytes);
    const { versions: [version] } = await at.node.versions.list({ workflow: "echo" });
    await at.node.versions.deny(version!.hash, { reason: "leaks" });
    await using later = await connect(at, { codec });
    await refused(later.start("echo", 1), "VERSION_DENIED", "leaks");
  });

  test("CODELESS-1: what needs the code of a run says so", async () => {
    await using at = await scene(database);
    await using client = await connect(at);
    const run = await client.start("echo", { wait: "go" });
    await run.reached("suspended");
    await refused(run.status({ trace: true }), "VERSION_UNAVAILABLE", "loads no code");
  });

  test("once it is closed, calls say so, and so do those that wait", async () => {
    await using at = await scene(database);
    const client = await connect(at);
    const run = await client.start("echo", { wait: "go" });
    const waiting = refused(run.result(), "CLOSED");
    await client.close();
    await client.close();
    await waiting;
    await refused(client.start("echo", 1), "CLOSED");
    await refused(run.signal("go", 1), "CLOSED");
  });
});

Deno.test("bad options of a client are refused by name, and a database that it can't share", async () => {
  const bad: readonly [unknown, string][] = [
    [{}, "option database"],
    [{ database: "memory:" }, "not shared"],
    [{ database: "pglite:./x" }, "not shared"],
    [{ database: "postgres://h/d", definitions: [{}] }, "option definitions"],
    [{ database: "postgres://h/d", definitions: [checked, checked] }, "each workflow once"],
    [{ database: "postgres://h/d", workflows: [] }, "workflows"],
    [{ database: "postgres://h/d", codec: {} }, "option codec"],
    [{ database: "postgres://h/d", namespace: "" }, "option namespace"],
  ];
  for (const [options, words] of bad) {
    await assert.rejects(
      () => Client.connect(options as ClientOptions),
      (error: Error) => error.message.includes(words),
      words,
    );
  }
});
