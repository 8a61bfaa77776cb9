/**
 * `--server`: commands that move, fork, take up, export and repair runs by an observer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { observedCli, type ObservedCliOptions } from "../support/cli_observed.ts";
import type { Ended } from "../support/cli.ts";
import { reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";
import { hold } from "../support/store_rows.ts";

/** A version of `order`: a step, and then a signal; it may fail after it. */
function order(step: string, end: string): string {
  return source(
    `await ctx.run("${step}", () => 1);
    await ctx.waitForSignal("go");
    ${end}`,
    `{ name: "order" }`,
  );
}

const FILES = {
  "first.ts": order("reserve", `throw new TypeError("a wrong branch");`),
  "next.ts": order("reserve", `return "next";`),
  "drift.ts": order("charge", `return "drift";`),
};

/** Three versions, the first of which is current, runs that wait on it, and an observer. */
async function observedOrders(ids: readonly string[], options: ObservedCliOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await CliWorld.make(FILES));
  const node = await world.node(...Object.keys(FILES));
  const hashes = new Map<string, string>();
  for (const { hash, specifiers: [name] } of (await node.versions.list()).versions) {
    hashes.set(name!.split("/").at(-1)!, hash);
  }
  await node.versions.activate("order", hashes.get("first.ts")!);
  for (const runId of ids) {
    await reached(await node.start("order", null, { runId }), "suspended");
  }
  const { url, env, there } = stack.use(observedCli(node, options));
  const kept = stack.move();
  return {
    world,
    node,
    url,
    env,
    there,
    hash: (file: keyof typeof FILES) => hashes.get(file)!,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function held({ code, error, out }: Ended, wanted: number, ...says: readonly RegExp[]): void {
  assert.equal(code, wanted, `${out}${error}`);
  for (const words of says) assert.match(`${out}${error}`, words);
}

Deno.test("verdicts on runs are the same by an observer as from its database, and need no right to move", async () => {
  await using at = await observedOrders(["a", "b", "c"], { may: ["read", "source"] });
  const { world, there, hash } = at;
  const upgrade = ["runs", "upgrade", "--dry-run"];
  for (
    const line of [
      [...upgrade, "--to", hash("drift.ts")],
      [...upgrade, "--to", hash("drift.ts"), "--json"],
      [...upgrade, "--to", hash("next.ts").slice(0, 12), "--jsonl"],
      [...upgrade, "--to", hash("next.ts"), "--limit", "2", "--jsonl"],
      [...upgrade, "--to", hash("drift.ts"), "--stop-after", "1", "--jsonl"],
      [...upgrade, "--to", hash("next.ts"), "--where", '{"id":{"prefix":"b"}}', "--jsonl"],
      [...upgrade, "b", "c", "--to", hash("next.ts"), "--jsonl"],
      [...upgrade, "b", "none", "--to", hash("next.ts")],
      [...upgrade, "--workflow", "order"],
      [...upgrade, "--workflow", "none"],
      [...upgrade, "--to", hash("next.ts"), "--where", "[]"],
    ]
  ) {
    const [here, elsewhere] = [await world.here(line), await there(line)];
    assert.deepEqual(elsewhere, here, line.join(" "));
  }
  held(await there(["runs", "upgrade", "--to", hash("next.ts"), "--yes"]), 5, /right upgrade/);
  assert.equal((await at.node.run("a").status()).version.hash, hash("first.ts"));
});

Deno.test("lines of code are withheld from who may not read code, and the verdicts are not", async () => {
  await using at = await observedOrders(["a"], { may: ["read"] });
  const { code, out } = await at.there([
    ...["runs", "upgrade", "--dry-run", "--to", at.hash("drift.ts"), "--json"],
  ]);
  assert.equal(code, 3);
  const { verdicts: [{ cause }] } = JSON.parse(out);
  assert.deepEqual([cause.recordedAt.text, cause.requestedAt.text], [null, null]);
  assert.match(JSON.stringify(cause.requestedAt), /drift\.ts/);
});

Deno.test("runs are moved by an observer after consent, by a plan, under the name that it knows", async () => {
  await using at = await observedOrders(["a", "b", "c"]);
  const { world, node, there, hash } = at;
  const to = hash("next.ts");
  const plan = `${world.cwd}plan.jsonl`;
  held(await there(["runs", "upgrade", "--to", to, "--dry-run", "--save", plan]), 0);
  await node.run("a").signal("go");
  await reached(node.run("a"), "failed");
  held(await there(["runs", "upgrade", "--plan", plan]), 2, /wanted --yes/);
  const wrong = await there(["runs", "upgrade", "--plan", plan], undefined, {
    canAsk: true,
    readLine: () => Promise.resolve("y"),
  });
  held(wrong, 5, /move 3 runs to version/, /NO_CONSENT/);
  const moved = ["runs", "upgrade", "--plan", plan, "--yes", "--reason", "a fix"];
  held(
    await there(moved),
    5,
    /changed {2}1 run: a/,
    /moved {2}2 runs: b, c/,
    /--job \S+ continues/,
  );
  await node.run("b").signal("go");
  assert.equal(await resultOf(node.run("b")), "next");
  const [job] = await node.runs.jobs();
  assert.deepEqual([job!.state, job!.counts.moved, job!.counts.changed], ["done", 2, 1]);
  held(await there(["runs", "upgrade", "--job", job!.id, "--yes"]), 0);
  held(await there(["runs", "upgrade", "--job", "none", "--yes"]), 4, /JOB_NOT_FOUND/);
  const { operations } = await node.operations.list({ action: "runs.upgrade" });
  assert.equal(operations.length, 1, "an entry of the upgrade, and none of each part");
  for (const { as, proven, reason, target } of operations) {
    assert.deepEqual([as, proven, reason, target], ["ana", true, "a fix", job!.id]);
  }
  await Deno.writeTextFile(
    plan,
    `{"plan":"upgrade","to":"${to}","runs":1}\n{"id":"c","from":7}\n`,
  );
  held(await there(["runs", "upgrade", "--plan", plan, "--yes"]), 2, /option plan/);
});

Deno.test("Ctrl-C, kill -9 and a lost answer leave a job that another command continues, each run once", async () => {
  let losesAnswer = false;
  let part = { begun: Promise.withResolvers<void>(), ended: Promise.withResolvers<void>() };
  await using at = await observedOrders(["a", "b", "c"], {
    async between(request, handle) {
      const isPart = request.method === "POST" && (await request.clone().text()).includes("within");
      if (isPart) part.begun.resolve();
      const answer = await handle(request);
      if (isPart) part.ended.resolve();
      if (!isPart || !losesAnswer) return answer;
      losesAnswer = false;
      await answer.body?.cancel();
      return new Response("bad gateway", { status: 502 });
    },
  });
  const { world, node, there, url, env, hash } = at;
  await Deno.writeTextFile(`${world.cwd}token`, env.CONTINUUM_TOKEN!);
  const server = ["--server", url, "--token-file", "token", "--yes", "--jsonl"];
  await hold(world.db, "c", "another");
  const command = world.spawn([
    ...["runs", "upgrade", "--to", hash("next.ts"), "--patience", "1h", ...server],
  ]);
  await command.printed(/"verdict":"moved","id":"b"/);
  const [, job] = await command.printed(/--job (\S+) continues/);
  command.kill("SIGINT");
  const next = `"next":"\`continuum runs upgrade --job ${job}\` continues it\\."`;
  held(await command.ended(), 130, /"message":"The command was interrupted"/, new RegExp(next));
  assert.equal((await node.runs.jobs())[0]!.state, "paused", "what was begun was awaited");

  part = { begun: Promise.withResolvers<void>(), ended: Promise.withResolvers<void>() };
  const killed = world.spawn(["runs", "upgrade", "--job", job!, "--patience", "1h", ...server]);
  await part.begun.promise;
  killed.kill("SIGKILL");
  await killed.ended();
  await part.ended.promise;
  assert.equal((await node.runs.jobs())[0]!.state, "paused", "the part that was begun has ended");

  await hold(world.db, "c", null);
  losesAnswer = true;
  const resume = ["runs", "upgrade", "--job", job!, "--yes"];
  held(await there(resume), 7, /SERVER_UNAVAILABLE: .*answers 502/);
  held(await there(resume), 0);
  const [done] = await node.runs.jobs();
  assert.deepEqual([done!.id, done!.state, done!.counts.moved], [job, "done", 3]);
  for (const id of ["a", "b", "c"]) {
    const events = await node.run(id).history();
    assert.equal(events.filter(({ kind }) => kind === "version.changed").length, 1, id);
  }
});

Deno.test("a run that a node executes is returned to by an observer, until the patience is over", async () => {
  await using at = await observedOrders(["a", "b"]);
  const { world, node, there, hash } = at;
  await hold(world.db, "b", "another");
  const upgrade = ["runs", "upgrade", "--to", hash("next.ts"), "--yes", "--patience"];
  held(await there([...upgrade, "700ms"]), 5, /moved {2}1 run: a/, /busy {2}1 run: b/);
  assert.equal((await node.runs.jobs())[0]!.state, "done");
});

Deno.test("a failed run is taken up and forked on fixed code by an observer, after a plan and consent", async () => {
  await using at = await observedOrders(["a", "b"]);
  const { world, node, there, hash } = at;
  for (const id of ["a", "b"]) await node.run(id).signal("go");
  for (const id of ["a", "b"]) await reached(node.run(id), "failed");
  const trust = ["--trust", `${world.folder.url}*`];
  const reopen = ["runs", "reopen", "a", "--to"];
  const fork = ["runs", "fork", "b", "--before", "go", "--id", "b-2", "--version"];
  for (
    const line of [
      [...reopen, hash("next.ts").slice(0, 12), "--dry-run"],
      [...reopen, hash("next.ts"), "--dry-run", "--json"],
      [...reopen, hash("drift.ts"), "--json"],
      [...reopen, hash("first.ts"), "--json"],
      [...fork, hash("next.ts"), "--dry-run"],
      [...fork, hash("drift.ts"), "--dry-run"],
      ["runs", "fork", "b"],
      ["runs", "fork", "b", "--at", "1", "--from-failure"],
      ["runs", "fork", "b", "--at", "99"],
    ]
  ) {
    const [here, elsewhere] = [await world.here([...line, ...trust]), await there(line)];
    const out = here.out.replaceAll(`at ${world.folder.url}`, "at "); // FOLDER-1
    assert.deepEqual(elsewhere, { ...here, out }, line.join(" "));
  }
  held(await there(["runs", "reopen", "none"]), 4, /RUN_NOT_FOUND/);
  held(await there(["runs", "fork", "none", "--at", "0"]), 4, /RUN_NOT_FOUND/);
  held(await there([...reopen, hash("next.ts")]), 2, /wanted --yes/);
  held(await there([...reopen, hash("next.ts"), "--yes", "--reason", "fixed"]), 0, /^a\n/m);
  assert.equal(await resultOf(node.run("a")), "next");
  held(await there([...reopen, hash("next.ts"), "--yes"]), 5, /RUN_STATE/);
  held(await there([...fork, hash("next.ts"), "--signals", "carry", "--yes"]), 0, /^b-2\n/m);
  assert.equal(await resultOf(node.run("b-2")), "next");
  const { operations } = await node.operations.list();
  const acts = operations.map(({ action, as, proven, target, outcome }) =>
    [action, as, proven, target, outcome].join(" ")
  );
  for (const act of ["run.reopen ana true a done", "run.fork ana true b done"]) {
    assert(acts.includes(act), `${act} in ${acts.join(", ")}`);
  }
});

Deno.test("what has changed between the plan and the deed is left as it is by an observer, too", async () => {
  await using at = await observedOrders(["a"]);
  const { node, there, hash } = at;
  await node.run("a").signal("go");
  await reached(node.run("a"), "failed");
  const meanwhile = async (answer: string) => {
    await node.run("a").reopen({ to: hash("next.ts") });
    await resultOf(node.run("a"));
    return answer;
  };
  const reopened = await there(["runs", "reopen", "a", "--to", hash("next.ts")], undefined, {
    canAsk: true,
    readLine: () => meanwhile("a"),
  });
  held(reopened, 5, /RUN_STATE|CHANGED/);
});

Deno.test("runs are exported by an observer: what its viewer may see, and never over a file", async () => {
  await using at = await observedOrders(["a", "b"]);
  const { world, there } = at;
  const [here, elsewhere] = [`${world.cwd}here.bundle`, `${world.cwd}there.bundle`];
  const line = ["runs", "export", "a", "b", "--json", "-o"];
  const local = JSON.parse((await world.here([...line, here])).out);
  const remote = await there([...line, elsewhere]);
  held(remote, 0);
  const { bytes: _, file: __, ...facts } = local;
  const { bytes, file, ...found } = JSON.parse(remote.out);
  assert.deepEqual(found, facts);
  assert.deepEqual([file, bytes], [elsewhere, (await Deno.stat(elsewhere)).size]);
  assert.deepEqual(found.runs, ["a", "b"]);
  held(await there([...line, elsewhere]), 5, /EXISTS/);
  const timeline = `${world.cwd}timeline.bundle`;
  held(
    await there(["runs", "export", "a", "--redact", "timeline", "-o", timeline]),
    0,
    /no payloads/,
  );
  const slow = ["runs", "export", "a", "--redact", "timeline", "--deadline", "1h", "-o"];
  held(await there([...slow, `${timeline}2`]), 2, /parameter timeout/);
  held(await there(["runs", "export", "none", "-o", `${timeline}3`]), 4, /RUN_NOT_FOUND/);
  await using blind = observedCli(at.node, { may: ["read", "source", "export"] });
  held(await blind.there(["runs", "export", "a", "-o", `${timeline}4`]), 0, /no payloads/);
  await using reader = observedCli(at.node, { may: ["read"] });
  held(
    await reader.there(["runs", "export", "a", "-o", `${timeline}5`]),
    5,
    /right source, export/,
  );
  const other = ["runs", "export", "a", "-o", `${timeline}6`, "--namespace", "elsewhere"];
  held(await there(other), 4, /RUN_NOT_FOUND/);
  await assert.rejects(Deno.stat(`${timeline}6`), Deno.errors.NotFound);
});

Deno.test("repairs are planned and carried out by an observer, which wants a reason", async () => {
  await using at = await observedOrders([]);
  const { world, node, there } = at;
  for (const id of ["s", "t"]) {
    await node.schedules.create({ id, workflow: "order", every: "1d" });
  }
  await world.db.query(
    `update {schema}.schedules set state = 'stuck', fire_at = null,
       trouble_code = 'FIRING_FAILED', trouble = '{"code":"FIRING_FAILED","message":"for a test"}'`,
  );
  const repair = ["repair", "STUCK_SCHEDULE"];
  for (
    const line of [[...repair, "--dry-run"], [...repair, "--dry-run", "--json"], ["repair", "X"]]
  ) {
    assert.deepEqual(await there(line), await world.here(line), line.join(" "));
  }
  held(await there(repair), 2, /wanted --yes/);
  held(await there([...repair, "--yes"]), 2, /REASON_MISSING/, /Pass --reason/);
  assert.equal((await node.schedules.get("s")).state, "stuck");
  held(await there([...repair, "--yes", "--reason", "cured"]), 0, /repaired 2 of 2/);
  assert.equal((await node.schedules.get("s")).state, "active");
  held(await there([...repair, "--yes", "--reason", "cured"]), 0, /nothing to repair/);
  const { operations } = await node.operations.list({ action: "repair.resume" });
  assert.deepEqual(
    operations.map(({ as, proven, reason, target }) => [as, proven, reason, target]).sort(),
    [["ana", true, "cured", "s"], ["ana", true, "cured", "t"]],
  );
});
