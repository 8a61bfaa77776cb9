/**
 * The commands that look at code before it runs: what they print, and their exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { junitOf } from "../../src/operate/junit.ts";
import type { ReplayReport } from "../../src/operate/preflight.ts";
import { CliWorld } from "../support/cli_world.ts";
import type { Ended } from "../support/cli.ts";
import { eventually } from "../support/runs.ts";
import { source } from "../support/scene.ts";

/** The body begins at line 4. */
function order(step: string): string {
  return source(
    `await ctx.run("${step}", () => 1);
await ctx.waitForSignal("go");`,
    `{ name: "order" }`,
  );
}

/** A run of `order.ts` that waits. */
async function makeWorld(): Promise<{ world: CliWorld; hash: string } & AsyncDisposable> {
  const world = await CliWorld.make({ "order.ts": order("charge") });
  const node = await world.node("order.ts");
  const run = await node.start("order", null, { runId: "o-1" });
  const { version: { hash } } = await eventually(
    async () => {
      const status = await run.status();
      return status.state === "suspended" ? status : undefined;
    },
    () => "run that waits",
  );
  return { world, hash, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/** A busy machine may take long to start a process. */
const PATIENT = ["--deadline", "10m"];

/** Holds a command to its exit code. */
function held({ code, out, error }: Ended, wanted: number): string {
  assert.equal(code, wanted, `${out}${error}`);
  return out;
}

Deno.test("versions replay ends with code 3 if a run drifts, and prints the lines of both versions", async () => {
  await using at = await makeWorld();
  const { world, hash } = at;
  const same = await world.run(["versions", "replay", "order.ts", ...PATIENT]);
  assert.equal(held(same, 0), "replays\t1\t-\t-\t-\to-1\n");
  assert.match(same.error, /^1 run replayed on order [0-9a-f]{12}\n$/);
  await world.folder.write({ "order.ts": order("reserve") });
  const command = ["versions", "replay", "order.ts", ...PATIENT];
  const other = await world.run([...command, "--junit", "replay.xml"]);
  assert.equal(
    held(other, 3),
    "drifts\t1\t./order.ts:4\t./order.ts:4\t" +
      'the history has step "charge", and the code requests step "reserve"\to-1\n',
  );
  const xml = await Deno.readTextFile(new URL("replay.xml", world.folder.url));
  assert.match(xml, /<testsuite name="order on [0-9a-f]{12}" tests="1" failures="1">/);
  const json = JSON.parse(held(await world.run([...command, "--json"]), 3));
  assert.deepEqual([json.ok, json.workflow, json.groups.length], [false, "order", 1]);
  assert.equal(json.groups[0].cause.requestedAt.text, 'await ctx.run("reserve", () => 1);');
  held(await world.here(["versions", "replay", hash.slice(0, 8), ...PATIENT]), 0);
});

Deno.test("versions replay ends with code 3 without a run to replay, unless --allow-empty is given", async () => {
  await using world = await CliWorld.make({ "order.ts": order("charge") });
  const command = ["versions", "replay", `${world.folder.url}order.ts`];
  const empty = await world.here(command);
  held(empty, 3);
  assert.match(empty.error, /no run of order has a history to replay/);
  held(await world.here([...command, "--allow-empty"]), 0);
});

Deno.test("versions replay refuses what names no code, and options that exclude each other", async () => {
  await using world = await CliWorld.make({ "order.ts": order("charge"), "no.ts": "export {};" });
  held(await world.here(["versions", "replay", "abcdef12"]), 4);
  held(await world.here(["versions", "replay", "none.ts"]), 2);
  held(await world.here(["versions", "replay", "order"]), 2);
  held(await world.here(["versions", "replay", "x.ts", "--newest", "--spread"]), 2);
  held(await world.here(["versions", "replay", "x.ts", "--sample", "0"]), 2);
  held(await world.here(["versions", "replay", `${world.folder.url}no.ts`]), 1);
});

Deno.test("versions check ends with code 3 if a version that runs need has lost its bytes", async () => {
  await using at = await makeWorld();
  const { world, hash } = at;
  const good = await world.run(["versions", "check", ...PATIENT]);
  assert.match(held(good, 0), new RegExp(`^ok\torder ${hash.slice(0, 12)}\t1\t0\t\\S+\t-\n$`));
  assert.equal(good.error, "1 version needed by 1 live run and 0 schedules, in all namespaces\n");
  await world.db.query("delete from {schema}.version_modules");
  await world.db.query("delete from {schema}.modules");
  await world.folder.remove("order.ts");
  const bad = await world.run(["versions", "check", "--no-import", "--json"]);
  const { ok, groups: [group], versions: [version] } = JSON.parse(held(bad, 3));
  assert.deepEqual([ok, group.state, group.live], [false, "missing", 1]);
  assert.deepEqual(version.members.map(({ from }: { from: unknown }) => from), [null]);
});

Deno.test("versions check ends with code 3 if code asks by name for what nothing offers, and says what it did not check", async () => {
  await using world = await CliWorld.make({
    "order.ts": source(
      `await ctx.waitForSignal("go");
await ctx.activity("charge", 1);
await ctx.activity(input, 1);`,
      `{ name: "order" }`,
    ),
  });
  const node = await world.node("order.ts");
  await node.start("order", null, { runId: "o-1" });
  const command = ["versions", "check", "--no-import"];
  const alive = await world.here([...command, "--fields", "state,cause"]);
  assert.equal(
    held(alive, 3),
    'no_activity\t./order.ts:5: no live node that serves a queue has registered activity "charge"\n',
  );
  assert.match(alive.error, /^not checked: 1 call of .* a definition or compute the name$/m);
  await node.close();
  const none = await world.here([...command, "--fields", "state"]);
  assert.equal(held(none, 0), "ok\n");
  assert.match(none.error, /^not checked: 1 call of activities by name: no node is alive$/m);
});

Deno.test("versions diff prints patches, or with --stat what differs, and versions hash the hash alone", async () => {
  await using at = await makeWorld();
  const { world, hash } = at;
  assert.equal(held(await world.run(["versions", "hash", "order.ts"]), 0), `${hash}\n`);
  const manifest = held(await world.run(["versions", "hash", "order.ts", "--manifest"]), 0);
  assert.match(manifest, /^continuum-manifest 1\n/);
  await world.folder.write({ "order.ts": order("reserve") });
  const command = ["versions", "diff", hash.slice(0, 8), "order.ts"];
  const diff = held(await world.run(command), 0);
  assert.match(diff, /^changed \.\/order\.ts {2}\+1 -1\n--- \.\/order\.ts\n/m);
  assert.match(diff, /^-await ctx.run\("charge".*\n\+await ctx.run\("reserve"/m);
  assert.match(diff, /^1 module differs, 0 are the same\n$/m);
  const stat = held(await world.run([...command, "--stat"]), 0);
  assert.deepEqual(stat.split("\n").length, 3);
  const json = JSON.parse(held(await world.run([...command, "order.ts", "--json"]), 0));
  assert.deepEqual(json.members.map(({ label }: { label: string }) => label), ["./order.ts"]);
  held(await world.run([...command, "none.ts"]), 2);
  const twice = await world.run(["versions", "diff", hash, hash]);
  assert.equal(held(twice, 0), "the same version\n");
});

Deno.test("a JUnit report fails for drifts and for no run at all, skips changed runs, and is well-formed", () => {
  const site = { file: "f", line: 4, column: 1, member: "./a.ts", text: "a < b && \u001b" };
  const report: ReplayReport = {
    workflow: `a "b"`,
    version: "0".repeat(64),
    ok: false,
    empty: false,
    found: 3,
    more: false,
    replayed: 3,
    counts: { drifts: 1, changed: 1, replays: 1 },
    changedSince: 0,
    groups: [
      {
        verdict: "drifts",
        runs: 1,
        examples: ["<id>"],
        cause: {
          key: "k",
          kind: "leftover",
          message: "it drifts",
          event: 1,
          position: 1,
          expected: { kind: "timer.fired", name: "", digest: null },
          found: null,
          recordedAt: site,
          requestedAt: null,
        },
      },
      { verdict: "changed", runs: 1, examples: ["b"], cause: null },
      { verdict: "replays", runs: 1, examples: ["c"], cause: null },
    ],
  };
  const xml = junitOf(report);
  assert.match(xml, /name="a &quot;b&quot; on 000000000000" tests="3" failures="1"/);
  assert.match(xml, /type="leftover">it drifts\nruns: 1, such as &lt;id&gt;/);
  assert.match(xml, /recorded at \.\/a\.ts:4: a &lt; b &amp;&amp; \ufffd/);
  assert.match(xml, /name="changed">\n {4}<skipped\/>/);
  assert.match(xml, /<testcase classname="a &quot;b&quot;" name="replays"\/>/);
  const empty = { ...report, empty: true, groups: [] };
  assert.match(junitOf(empty), /tests="1" failures="1"/);
  assert.match(junitOf({ ...empty, ok: true }), /tests="1" failures="0"/);
});
