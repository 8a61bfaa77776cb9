/**
 * `versions new-key`, `versions sign` and `versions add-signatures`, and `--keys` of other commands.
 *
 * @module
 */

import assert from "node:assert/strict";
import { makeSigningKey, readVerifyingKeys } from "../../src/version/signing/keys.ts";
import { readSignatures } from "../../src/version/signing/signature.ts";
import { eventually, openIn, reached } from "../support/runs.ts";
import { CliWorld } from "../support/cli_world.ts";
import { source } from "../support/scene.ts";

const PAIR = makeSigningKey();

const FILES = {
  "release.pem": PAIR.toPem(),
  "keys.txt": `# releases\n${PAIR.public.text}\n`,
  "order.ts": source(
    `await ctx.waitForSignal("go"); return await ctx.child(ship, null);`,
    `{ name: "order" }`,
    `import ship from "./lib/ship.ts";`,
  ),
  "lib/ship.ts": source("return 1;", `{ name: "ship" }`),
  "needs.ts": source("return 1;", `{ name: "needs" }`, `Deno.readTextFileSync("keys.txt");`),
};

Deno.test("versions sign signs modules and the workflows inside them, without a database and without the key in its output", async () => {
  await using world = await CliWorld.make(FILES);
  const at = (file: string) => world.folder.url + file;
  const pem = decodeURIComponent(new URL(at("release.pem")).pathname);
  const sign = (...args: string[]) =>
    world.here(["versions", "sign", ...args, "--database", "postgres://nowhere.invalid/x"]);
  const { code, out, error } = await sign(at("order.ts"), "--key", pem);
  assert.equal(code, 0, error);
  const hash = async (file: string) =>
    (await world.here(["versions", "hash", at(file)])).out.trim();
  const signatures = readSignatures(out, "it");
  assert.deepEqual(signatures.map(({ workflow, hash }) => [workflow, hash]), [
    ["order", await hash("order.ts")],
    ["ship", await hash("lib/ship.ts")],
  ]);
  for (const signature of signatures) assert(PAIR.public.verifies(signature));
  const secret = PAIR.toPem().split("\n")[1]!;
  for (const text of [out, error]) assert(!text.includes(secret));
  const asked = await sign(at("lib/ship.ts"), "--key", pem, "--json");
  const { key, signatures: [shown] } = JSON.parse(asked.out);
  assert.deepEqual([key, shown.line], [PAIR.public.id, out.split("\n")[1]]);
  // Without a permission that it needs, it can't be imported: then its name must be given.
  const needs = await sign(at("needs.ts"), "--key", pem);
  assert.notEqual(needs.code, 0);
  const named = await sign(at("needs.ts"), "--key", pem, "--workflow", "needs");
  assert.deepEqual(readSignatures(named.out, "it").map(({ workflow }) => workflow), ["needs"]);
  for (
    const [args, says] of [
      [[], /found nothing to sign/],
      [[at("order.ts"), "--needed"], /found both versions and --needed/],
      [[at("order.ts"), at("needs.ts"), "--workflow", "x"], /wanted one module/],
      [["3f9a2c1", "--workflow", "x"], /wanted one module/],
    ] as const
  ) {
    const refused = await sign(...args, "--key", pem);
    assert.equal(refused.code, 2, refused.error);
    assert.match(refused.error, says);
  }
  const publicOne = await sign(at("order.ts"), "--key", pem.replace("release.pem", "keys.txt"));
  assert.match(publicOne.error, /Cannot use the private key of --key: found a text of/);
  assert.equal(publicOne.code, 2);
  assert.equal((await sign(at("order.ts"), "--key", `${pem}.gone`)).code, 4);
  const none = await sign(at("order.ts"));
  assert.match(none.error, /found neither --key nor CONTINUUM_SIGNING_KEY/);
});

Deno.test("what a deployment signs is added once, seen in lists, and executed by a worker with --keys alone", async () => {
  await using world = await CliWorld.make(FILES);
  const before = await world.node("order.ts");
  const run = await before.start("order", null, { runId: "o" });
  await reached(run, "suspended");
  await before.close();
  const here = (args: readonly string[], readAll?: string) =>
    world.here(args, readAll === undefined ? {} : { readAll: () => Promise.resolve(readAll) });
  const path = (file: string) => decodeURIComponent(new URL(world.folder.url + file).pathname);
  const check = await here(["versions", "check", "--keys", path("keys.txt"), "--json"]);
  assert.equal(check.code, 3, check.error);
  const [group] = JSON.parse(check.out).groups;
  assert.deepEqual([group.state, group.codes], ["refused", ["UNSIGNED_VERSION"]]);
  const module = world.folder.url + "order.ts";
  const worker = await here(["worker", module, "--keys", path("keys.txt")]);
  assert.equal(worker.code, 5, worker.error);
  assert.match(worker.error, /VERSION_UNAVAILABLE.*it is not signed[^]*versions add-signatures/);
  const needed = await here(["versions", "sign", "--needed", "--key", path("release.pem")]);
  const byHash = await here([
    "versions",
    "sign",
    readSignatures(needed.out, "it")[0]!.hash.slice(0, 9),
    "--key",
    path("release.pem"),
  ]);
  assert.equal(byHash.out, needed.out);
  const careful = await here(
    ["versions", "sign", "--needed", "--key", path("release.pem"), "--keys", path("keys.txt")],
  );
  assert.deepEqual([careful.code, careful.out], [0, ""], "no trusted key has signed it");
  assert.match(careful.error, /^left out order [0-9a-f]{64}, which no key of --keys has signed\n$/);
  const add = ["versions", "add-signatures", "-"];
  const plan = await here([...add, "--dry-run"], needed.out);
  assert.match(plan.out, /^add the signature of order [0-9a-f]{64} by key [0-9a-f]{32}\n$/);
  assert.match((await here(add, "x")).error, /line 1 of the file of signatures/);
  const added = await here([...add, "--as", "ana"], needed.out);
  assert.match(added.out, /^order [0-9a-f]{12} is signed by key [0-9a-f]{32}\n$/);
  assert.equal((await here(add, needed.out)).out, "1 signature was there already\n");
  assert.equal((await here(add, "")).out, "there is no signature to add\n");
  const audit = await here(["audit", "--fields", "as,action"]);
  assert.equal(audit.out, "ana\tversion.sign\n");
  const keys = ["--keys", path("keys.txt")];
  const list = (more: readonly string[]) =>
    here(["versions", "list", "--fields", "signatures", "--jsonl", ...more]);
  const shown = async (more: readonly string[]) =>
    JSON.parse((await list(more)).out.split("\n")[0]!).signatures;
  assert.deepEqual(await shown([]), [{ key: PAIR.public.id, verified: null }]);
  assert.deepEqual(await shown(keys), [{ key: PAIR.public.id, verified: true }]);
  const trust = { keys: [readVerifyingKeys(FILES["keys.txt"], "it")[0]!.text] };
  await using node = await openIn(world.db, { workflows: [module], trust });
  await node.run("o").signal("go");
  const where = { state: "stuck_unknown_version" } as const;
  const child = await eventually(
    async () => (await node.runs.query({ where })).runs[0],
    () => "child that is parked, since it is not signed",
  );
  assert.equal(child.workflow, "ship");
  assert.equal((await node.run("o").status()).state, "suspended", "its parent waits");
  const ship = await here([
    "versions",
    "sign",
    `${world.folder.url}lib/ship.ts`,
    "--key",
    path("release.pem"),
  ]);
  assert.match(
    (await here(add, ship.out)).out,
    /ship [0-9a-f]{12} is signed.*\n1 parked run continues\n/,
  );
  assert.equal(await node.run("o").result(), 1);
});

Deno.test("versions new-key makes a key for its owner alone, and replaces no file", async () => {
  await using world = await CliWorld.make();
  const path = `${world.cwd}new.pem`;
  const made = await world.here(["versions", "new-key", path]);
  assert.equal(made.code, 0, made.error);
  const [key] = readVerifyingKeys(made.out, "it");
  assert.match(made.error, new RegExp(`^key ${key!.id}; `));
  const pem = await Deno.readTextFile(path);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  const again = await world.here(["versions", "new-key", path]);
  assert.notEqual(again.code, 0);
  assert.equal(await Deno.readTextFile(path), pem);
});

Deno.test("the keys of --keys are those of a database, and a wrong file is refused", async () => {
  await using world = await CliWorld.make(FILES);
  const server = ["runs", "list", "--server", "http://127.0.0.1:1/"];
  const both = await world.here([...server, "--keys", "keys.txt"]);
  assert.equal(both.code, 2);
  const path = decodeURIComponent(new URL(`${world.folder.url}release.pem`).pathname);
  const secret = await world.here(["runs", "list", "--keys", path]);
  assert.equal(secret.code, 2, secret.error);
  assert.match(secret.error, /found a private key, which stays where versions are signed/);
  assert(!secret.error.includes(PAIR.toPem().split("\n")[1]!));
});
