/**
 * `--server`: commands that read from an observer in place of a database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RELEASE } from "../../src/base/release.ts";
import { cli, cliHere } from "../support/cli.ts";
import { observedCli, type ObservedCliOptions, served, TOKEN } from "../support/cli_observed.ts";
import { CliWorld } from "../support/cli_world.ts";
import { eventually, reached } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const ORDER = source(
  `await ctx.run("charge", () => input);
return await ctx.waitForSignal("review");`,
  `{ name: "order" }`,
);

/** A world with a run that waits, observed by who has the token. */
async function observedWorld(options: ObservedCliOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await CliWorld.make({ "order.ts": ORDER }));
  const node = await world.node("order.ts");
  await node.start("order", "4711", { runId: "o/1" });
  await reached(node.run("o/1"), "suspended");
  const { url, there } = stack.use(observedCli(node, options));
  const kept = stack.move();
  return { world, node, url, there, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

Deno.test("a command prints the same from an observer as from its database", async () => {
  await using set = await observedWorld();
  const { hash } = (await set.node.run("o/1").status()).version;
  const lines = [
    ["runs", "list"],
    ["runs", "list", "--state", "any", "--limit", "1", "--json"],
    ["runs", "list", "--since", "2000-01-01", "--where", '{"workflow":"order"}', "--jsonl"],
    ["runs", "count", "--version", "current"],
    ["runs", "show", "o/1"],
    ["runs", "where", "o/1", "--json"],
    ["runs", "trace", "o/1", "--at", "1"],
    ["runs", "history", "o/1", "--from", "1"],
    ["runs", "generations", "o/1"],
    ["runs", "tree", "o/1"],
    ["runs", "diff", "o/1", "o/1"],
    ["runs", "jobs"],
    ["versions", "list"],
    ["versions", "show", hash],
    ["versions", "source", hash.slice(0, 12)],
    ["versions", "diff", hash, hash],
    ["versions", "patches", "order"],
    ["versions", "where-used", hash],
    ["schedules", "list"],
    ["queues"],
    ["nodes", "--fields", "id,name"],
    ["health", "--fields", "status,findings"],
    ["audit"],
    ["runs", "show", "none"],
    ["versions", "show", "0000"],
    ["runs", "list", "--version", "zz"],
    ["schedules", "show", "none"],
    ["runs", "list", "--after", "wrong"],
    ["result", "o/1"],
    ["result", "none"],
  ];
  for (const line of lines) {
    const [here, there] = [await set.world.here(line), await set.there(line)];
    assert.deepEqual(there, here, line.join(" "));
  }
});

Deno.test("the token comes from a file or the environment, and is in no output", async () => {
  await using set = await observedWorld();
  const server = `${set.url}/`;
  await Deno.writeTextFile(`${set.world.cwd}/token`, `${TOKEN}\n`);
  const good = await cli(
    ["runs", "show", "o/1", "--server", server, "--token-file", "token", "--fields", "state"],
    { cwd: set.world.cwd },
  );
  assert.deepEqual(good, { code: 0, out: "suspended\n", error: "" });
  const [none, wrong] = [await set.there(["queues"], ""), await set.there(["queues"], "wr0ng")];
  for (const { code, error } of [none, wrong]) {
    assert.equal(code, 5);
    assert.match(error, /^UNKNOWN_VIEWER: .*\n {2}Pass the observer's token by --token-file/);
    assert.doesNotMatch(error, /wr0ng/);
  }
  const odd = await set.there(["queues"], "two\nlines");
  assert.equal(odd.code, 2);
  assert.doesNotMatch(odd.error, /lines$|two/);
});

Deno.test("a missing right is named, and values that the observer withholds stay withheld", async () => {
  await using set = await observedWorld({ may: ["read"] });
  const diff = await set.there(["versions", "diff", "0000", "0001"]);
  assert.equal(diff.code, 5);
  assert.match(diff.error, /^NOT_ALLOWED: .*right source/);
  const shown = await set.there(["runs", "show", "o/1", "--json"]);
  assert.equal(JSON.parse(shown.out).input.$redacted, "right");
  const where = await set.there(["runs", "where", "o/1"]);
  assert.equal(where.code, 0);
  assert.doesNotMatch(where.out, /await ctx/);
  for (const line of [["runs", "show", "o/1"], ["runs", "history", "o/1"], ["runs", "list"]]) {
    assert.doesNotMatch((await set.there(line)).out, /4711/, line.join(" "));
  }
});

Deno.test("a server reads no module that a request names", async () => {
  await using set = await observedWorld();
  const { code, error } = await set.there(["versions", "diff", "/etc/passwd", "0001"]);
  assert.equal(code, 2);
  assert.match(error, /^INVALID_ARGUMENT: .*a server reads no modules/);
});

Deno.test("what no observer does needs a database, and one source is named, not two", async () => {
  const url = "http://127.0.0.1:1/";
  for (
    const [line, why] of [
      [["versions", "gc", "--dry-run", "--server", url], /needs a database/],
      [["start", "order", "--trust", "x", "--server", url], /--trust with --server: the code is/],
      [
        ["runs", "fork", "o", "--at", "0", "--trust", "x", "--server", url],
        /--trust with --server/,
      ],
      [["start", "./order.ts", "--server", url], /reads no module of this machine/],
      [["cancel", "o", "--as", "eve", "--server", url], /an observer knows who acts/],
      [["runs", "list", "--all-namespaces", "--server", url], /needs a database/],
      [
        ["queues", "--server", url, "--database", "postgres://x"],
        /--server and --database at once/,
      ],
      [["queues", "--server", "http://a:b@c/"], /without a password/],
      [["queues", "--server", "ftp://c/"], /Cannot use --server/],
      [["queues", "--token-file", "f"], /found no --server/],
    ] as const
  ) {
    const { code, error } = await cliHere(line);
    assert.equal(code, 2, error);
    assert.match(error, why);
    assert.doesNotMatch(error, /a:b/);
  }
});

Deno.test("commands that act do it by an observer, under the name that it knows", async () => {
  await using set = await observedWorld();
  const { node, there } = set;
  await node.schedules.create({ id: "n/1", workflow: "order", every: "1h" });
  const said = async (line: readonly string[], wanted = 0) => {
    const { code, out, error } = await there(line);
    assert.equal(code, wanted, `${line.join(" ")}: ${out}${error}`);
    return `${out}${error}`;
  };
  const why = ["--reason", "tidy"];
  assert.equal(
    await said(["start", "order", '{"n":1}', "--id", "o/2", "--attr", "tier=gold", ...why]),
    `o/2\nstarted o/2: order on version ${
      (await node.run("o/2").status()).version.hash.slice(0, 12)
    }\n`,
  );
  await reached(node.run("o/2"), "suspended");
  assert.deepEqual((await node.run("o/2").status()).attributes, { tier: "gold" });
  assert.match(await said(["start", "order", "1", "--id", "o/2"], 5), /RUN_EXISTS/);
  assert.match(await said(["start", "order", "--id", "o/2", "--if-exists", "use"]), /found o\/2/);
  assert.match(await said(["start", "none"], 4), /VERSION_NOT_REGISTERED|VERSION_NOT_FOUND/);
  assert.match(
    await said(["start", "order", '{"$continuum":["date",0]}'], 2),
    /beyond JSON|Cannot use/,
  );
  assert.equal(await said(["signal", "o/1", "other", '"x"', "--delivery-id", "d"]), "delivered\n");
  assert.equal(
    await said(["signal", "o/1", "other", '"x"', "--delivery-id", "d"]),
    "a duplicate\n",
  );
  assert.match(await said(["signal", "none", "x"], 4), /^RUN_NOT_FOUND/);
  assert.match(await said(["terminate", "o/2", "--yes"], 2), /--reason/);
  assert.match(
    await said(["terminate", "o/2", ...why], 2),
    /terminate o\/2: order .*\n[^]*wanted --yes/,
  );
  assert.equal((await node.run("o/2").status()).state, "suspended");
  assert.match(await said(["terminate", "o/2", ...why, "--yes"]), /^o\/2\tterminated\n/);
  assert.match(
    await said(["terminate", "o/2", ...why, "--yes"], 5),
    /o\/2\tCannot terminate run "o\/2": it is terminated/,
  );
  assert.match(
    await said(["cancel", "o/2", "none", "o/1"], 5),
    /it is terminated\nnone\t[^\n]*"none"\no\/1\tcancellation requested\n/,
  );
  await reached(node.run("o/1"), "cancelled");
  assert.match(await said(["runs", "retry", "o/1"], 5), /it is cancelled/);
  assert.match(await said(["runs", "delete", "o/1", ...why, "--yes"]), /^o\/1\tdeleted\n/);
  assert.match(await said(["runs", "show", "o/1"], 4), /RUN_NOT_FOUND/);
  assert.match(await said(["schedules", "pause", "n/1"]), /^n\/1 is paused/);
  assert.match(await said(["schedules", "resume", "n/1", "--json"]), /"state": "active"/);
  const run = (await said(["schedules", "trigger", "n/1"])).trim();
  await reached(node.run(run), "suspended");
  assert.match(await said(["schedules", "delete", "n/1", ...why, "--yes"]), /n\/1 is deleted/);
  assert.match(await said(["schedules", "pause", "n/1"], 4), /^SCHEDULE_NOT_FOUND/);
  const { operations } = await node.operations.list({ limit: 1_000 });
  const acted = operations.map(({ action, as, proven, reason }) => [action, as, proven, reason]);
  for (const action of ["run.start", "run.terminate", "run.delete", "schedule.delete"]) {
    const wanted = JSON.stringify([action, "ana", true, "tidy"]);
    assert.ok(acted.some((entry) => JSON.stringify(entry) === wanted), `${wanted} in ${acted}`);
  }
});

Deno.test("the end of a run is awaited at an observer, with its result or its code", async () => {
  await using set = await observedWorld();
  const { node, there } = set;
  const awaited = there(["start", "order", "7", "--id", "o/3", "--wait"]);
  await eventually(
    async () => await node.run("o/3").status().catch(() => undefined),
    () => "run",
  );
  await node.run("o/3").signal("review", { ok: true });
  const { code, out, error } = await awaited;
  assert.deepEqual([code, JSON.parse(out)], [0, { ok: true }], error);
  assert.deepEqual(await there(["result", "o/3"]), await set.world.here(["result", "o/3"]));
  const waits = there(["result", "o/1", "--wait"]);
  await node.run("o/1").terminate({ reason: "enough" });
  const ended = await waits;
  assert.deepEqual([ended.code, ended.out], [6, ""]);
  assert.match(ended.error, /^run o\/1 was terminated: .*enough/);
  const late = await there(["start", "order", "--wait", "--timeout", "50ms"]);
  assert.equal(late.code, 124, late.error);
});

Deno.test("a process acts by an observer of the namespace that is named, with its rights, and by no other", async () => {
  await using set = await observedWorld({ may: ["read", "cancel"] });
  await using other = served(() =>
    Response.json({ namespace: "default", plan: { runs: [] }, seen: "x" }, {
      headers: { "continuum-release": "0.0.1" },
    })
  );
  await using deaf = served(() =>
    Response.json({ namespace: "default", plan: { runs: [] }, seen: "x" }, {
      headers: { "continuum-release": RELEASE },
    })
  );
  const env = { CONTINUUM_TOKEN: TOKEN };
  const act = (line: string, server = set.url) =>
    cli([...line.split(" "), "--server", server], { env });
  const elsewhere = await act("cancel o/1 --namespace elsewhere");
  assert.equal(elsewhere.code, 4, elsewhere.error);
  assert.match(elsewhere.out, /no run has the id "o\/1"/);
  const stubborn = await act("cancel o/1 --namespace elsewhere", deaf.url);
  assert.equal(stubborn.code, 5, stubborn.error);
  assert.match(stubborn.error, /^SERVER_UNSUITABLE: .*namespace "default", wanted "elsewhere"/);
  const old = await act("cancel o/1", other.url);
  assert.match(old.error, /^SERVER_RELEASE: .*the observer is older/);
  const refused = await act("terminate o/1 --reason x --yes");
  assert.deepEqual([refused.code, refused.out], [5, ""]);
  assert.match(refused.error, /^NOT_ALLOWED: .*right terminate/);
  assert.equal((await set.node.run("o/1").status()).state, "suspended");
  const dry = await act("cancel o/1 --dry-run");
  assert.deepEqual([dry.code, dry.out], [0, "cancel run o/1\n"]);
  const done = await act("cancel o/1 --json");
  assert.deepEqual(JSON.parse(done.out), { runs: [{ id: "o/1", done: true, error: null }] });
  await reached(set.node.run("o/1"), "cancelled");
});

Deno.test("a server that is away, is no observer, or is of another release is named as such", async () => {
  const asked: string[] = [];
  await using other = served((request) => {
    asked.push(request.url);
    return new Response("{}");
  });
  await using server = served((request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/login")) {
      return new Response(null, { status: 302, headers: { location: other.url } });
    }
    if (pathname.startsWith("/proxy")) return new Response("bad gateway", { status: 502 });
    if (pathname.startsWith("/page")) return new Response("<h1>hello</h1>");
    const release = pathname.startsWith("/old") ? "0.0.1" : "999.0.0";
    return Response.json({ namespace: "default", result: [] }, {
      headers: { "continuum-release": release },
    });
  });
  const ask = (path: string) => cliHere(["queues", "--server", path]);
  for (
    const [path, code, why] of [
      ["/login", 5, /SERVER_UNSUITABLE: .*redirects to "http:\/\/127.*which is not asked/],
      ["/proxy", 7, /SERVER_UNAVAILABLE: .*answers 502/],
      ["/page", 5, /SERVER_UNSUITABLE: .*wanted JSON of an observer/],
      ["/old", 5, new RegExp(`SERVER_RELEASE: .*0\\.0\\.1.*${RELEASE}: the observer is older`)],
      ["/new", 5, /SERVER_RELEASE: .*999\.0\.0.*the command line is older/],
    ] as const
  ) {
    const ended = await ask(`${server.url}${path}`);
    assert.equal(ended.code, code, `${path}: ${ended.error}`);
    assert.match(ended.error, why);
  }
  assert.deepEqual(asked, [], "SERVER-1: another origin was asked");
  const gone = served(() => new Response());
  await gone[Symbol.asyncDispose]();
  const away = await ask(gone.url);
  assert.equal(away.code, 7);
  assert.match(
    away.error,
    /^SERVER_UNAVAILABLE: Cannot reach the observer at http:\/\/127.*refused/,
  );
});

Deno.test("a run is followed to its end, from its database and from an observer, through its generations", async () => {
  const files = {
    "order.ts": ORDER,
    "turns.ts": source(
      `const name = await ctx.waitForSignal("next");
      if (name === "end") return input;
      return ctx.continueAsNew(input + 1);`,
      `{ name: "turns" }`,
    ),
  };
  await using world = await CliWorld.make(files);
  const node = await world.node("order.ts", "turns.ts");
  await node.start("turns", 0, { runId: "t" });
  await using observed = observedCli(node);
  const follow = ["runs", "follow", "t", "--jsonl", "--fields", "generation,seq,kind,name"];
  const [here, there] = [world.here(follow), observed.there(follow)];
  await node.run("t").signal("next", "go");
  await node.run("t").signal("next", "end");
  const wanted = [
    '{"generation":0,"seq":0,"kind":"signal.received","name":"next"}',
    '{"generation":1,"seq":1,"kind":"signal.received","name":"next"}',
  ];
  for (const { code, out, error } of [await here, await there]) {
    assert.deepEqual([code, error], [0, "run t completed\n"]);
    const lines = out.trim().split("\n");
    assert.deepEqual(lines.slice(-1), wanted.slice(-1), out);
    assert(lines.length === 1 || lines[0] === wanted[0], out);
  }
  await reached(await node.start("order", 1, { runId: "o" }), "suspended");
  const text = ["runs", "follow", "o", "--time", "iso"];
  const stops = world.here(text);
  await node.run("o").terminate({ reason: "enough" });
  const ended = await stops;
  assert.equal(ended.code, 6);
  assert.match(ended.out, /^0\t\S+Z\tstep\.completed\tcharge\t1\n/);
  assert.match(ended.error, /^run o was terminated: .*enough/);
  const late = await world.here(["runs", "follow", "none"]);
  assert.equal(late.code, 4);
});
