/**
 * `versions deny` and `versions allow`, as processes of their own: plans, consent and exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import type { Ended } from "../support/cli.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const BEFORE = `import { rate } from "./lib/rate.ts";`;

function order(version: number): string {
  return source(
    `await ctx.waitForSignal("go"); return rate + ${version};`,
    `{ name: "order", version: "${version}" }`,
    BEFORE,
  );
}

const FILES = {
  "order.ts": order(1),
  "lib/rate.ts": "export const rate = 1;\n",
  "echo.ts": source("return input;", `{ name: "echo" }`),
};

function held({ code, error }: Ended, wanted: number, ...says: readonly RegExp[]): void {
  assert.equal(code, wanted, error);
  for (const words of says) assert.match(error, words);
}

async function scene() {
  const world = await CliWorld.make(FILES);
  const node = await world.node("order.ts", "echo.ts");
  const run = await node.start("order", null, { runId: "o" });
  await reached(run, "suspended");
  const { versions: [version] } = await node.versions.list({ workflow: "order" });
  const { members } = await node.versions.source(version!.hash);
  const rate = members.find(({ label }) => label.endsWith("rate.ts"))!.sha256;
  return {
    ...{ world, node, run, hash: version!.hash, rate },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

Deno.test("versions deny plans what is parked and what starts take, and denies with consent only", async () => {
  await using at = await scene();
  const { world, run, hash } = at;
  const deny = ["versions", "deny", hash.slice(0, 7)];
  held(await world.run(deny), 2, /--reason/);
  const plan = await world.run([...deny, "--reason", "incident 42", "--dry-run"]);
  held(plan, 0);
  assert.deepEqual(plan.out.split("\n"), [
    `deny ${hash}: no node executes what has this digest`,
    `bars order ${hash.slice(0, 12)} (1): 1 live run, current`,
    "1 live run would be parked, until it is allowed",
    "starts of order by name are refused until another version is current: there is none that is " +
    "not denied",
    "",
  ]);
  held(await world.run([...deny, "--reason", "incident 42"]), 2, /wanted --yes/);
  const other = await world.here([...deny, "--reason", "incident 42"], {
    canAsk: true,
    readLine: () => Promise.resolve("yes"),
  });
  held(other, 5, /Type the first 12 digits of what is denied to go ahead/, /NO_CONSENT/);
  assert.equal((await run.status()).state, "suspended");
  const args = [...deny, "--reason", "incident 42", "--as", "ana", "--yes", "--json"];
  const done = await world.run(args);
  held(done, 0);
  const { sha256, parked, withoutCurrent } = JSON.parse(done.out);
  assert.deepEqual([sha256, parked, withoutCurrent], [hash, 1, ["order"]]);
  await reached(run, "stuck_unknown_version");
  held(await world.run(["start", "order"]), 5, /VERSION_DENIED.*incident 42/);
  held(await world.run(["start", "order", "--version", hash]), 5, /VERSION_DENIED/);
  held(await world.run(["versions", "activate", "order", hash]), 5, /VERSION_DENIED/);
  held(await world.run(["start", "./order.ts", "--trust", "./**"]), 5);
  const again = await world.run(["versions", "list", "--state", "denied", "--fields", "hash"]);
  assert.equal(again.out, `${hash}\n`);
  const audit = await world.run(["audit", "--target", hash, "--fields", "as,action,outcome"]);
  assert.equal(audit.out, "ana\tversion.deny\tdone\n");
});

Deno.test("versions deny names the version that starts could take instead", async () => {
  await using at = await scene();
  const { world, node, hash } = at;
  await world.folder.write({ "order.ts": order(2) });
  const newer = await world.node("order.ts");
  const { versions } = await newer.versions.list({ workflow: "order" });
  const next = versions.find((version) => version.hash !== hash)!.hash;
  await node.versions.activate("order", hash);
  const { out } = await world.here(["versions", "deny", hash, "--reason", "x", "--dry-run"]);
  assert.match(out, new RegExp(`continuum versions activate order ${next.slice(0, 12)}\n`));
});

Deno.test("versions deny --member bars every version with the module, also later ones", async () => {
  await using at = await scene();
  const { world, node, run, hash, rate } = at;
  const reason = ["--reason", "bad rate"];
  for (const member of ["lib/rate.ts", "./lib/rate.ts", rate.slice(0, 8)]) {
    const plan = await world.here(
      ["versions", "deny", hash, "--member", member, ...reason, "--dry-run"],
    );
    held(plan, 0);
    assert.match(plan.out, new RegExp(`deny module .*lib/rate\\.ts, ${rate}`));
  }
  held(
    await world.here(["versions", "deny", hash, "--member", "lib/tax.ts", ...reason]),
    2,
    /found "lib\/tax\.ts", wanted .*rate\.ts/,
  );
  held(await world.run(["versions", "deny", "--member", rate, ...reason, "--yes"]), 0);
  await reached(run, "stuck_unknown_version");
  held(
    await world.run(["versions", "allow", hash.slice(0, 8), "--yes"]),
    4,
    /barred by the denial/,
  );
  const unknown = "ab".repeat(32);
  const ahead = await world.run(["versions", "deny", unknown, ...reason, "--yes"]);
  held(ahead, 0, /bars no registered version/);
  assert.deepEqual((await node.versions.denials()).map(({ sha256 }) => sha256), [rate, unknown]);
});

Deno.test("versions allow shows whose denial it was, and lets parked runs continue", async () => {
  await using at = await scene();
  const { world, node, run, hash } = at;
  const args = ["versions", "deny", hash, "--reason", "incident 42", "--as", "ana", "--yes"];
  held(await world.run(args), 0);
  await reached(run, "stuck_unknown_version");
  const allow = ["versions", "allow", hash.slice(0, 6)];
  const plan = await world.run([...allow, "--dry-run"]);
  held(plan, 0);
  assert.match(
    plan.out,
    new RegExp(`^allow ${hash}, denied .* by ana: incident 42\nbars 1 version`),
  );
  held(await world.run(allow), 2, /--yes/);
  const done = await world.run([...allow, "--yes"]);
  held(done, 0);
  assert.equal(done.out, `allowed ${hash.slice(0, 12)}: 1 run continues\n`);
  await node.run("o").signal("go");
  assert.equal(await resultOf(node.run("o")), 2);
  held(await world.run([...allow, "--yes"]), 4, /no denial names it/);
  const started = await eventually(
    async () => (await world.run(["start", "echo", "1"])).code === 0 || undefined,
    () => "start of another workflow",
  );
  assert(started);
});

Deno.test("what is wrong with a denial is refused, and nothing is denied", async () => {
  await using at = await scene();
  const { world, hash } = at;
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["deny"], 2, /neither a hash nor --member/],
    [["deny", "abc"], 2, /at least 4/],
    [["deny", "zzzz"], 2, /found "zzzz"/],
    [["deny", "ffff0000"], 4, /VERSION_NOT_FOUND/],
    [["deny", "--member", "lib/rate.ts"], 2, /all 64 hexadecimal digits/],
    [["deny", hash, "--member", ""], 2, /--member/],
    [["allow", "zzzz"], 2, /at least 4/],
    [["allow", "'; drop table denied; --"], 2, /at least 4/],
    [
      ["allow", hash],
      4,
      /^VERSION_NOT_FOUND: [^]*no denial names it[^]*`continuum versions list --state denied`/,
    ],
  ];
  for (const [args, code, says] of wrong) {
    held(await world.here(["versions", ...args, "--reason", "x", "--yes"]), code, says);
  }
  const huge = ["versions", "deny", hash, "--reason", "x".repeat(1_001), "--yes"];
  held(await world.here(huge), 2, /1001 characters/);
  assert.deepEqual(await world.db.query("select * from {schema}.denied"), []);
});
