/**
 * What `run.fork` promises its caller.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum, ForkReport } from "../../mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Draws values before and after a signal, and ends with all of them. */
const DRAWS = source(
  `const before = [ctx.runId, ctx.uuid(), ctx.now().getTime()];
   const seen = await ctx.run("first", () => [ctx.runId, ...before]);
   const middle = [ctx.runId, ctx.uuid()];
   const go = await ctx.waitForSignal("go");
   const after = [ctx.runId, ctx.uuid(), ctx.now().getTime()];
   const last = await ctx.run("last", () => after);
   return { before, seen, middle, go, after, last };`,
  `{ name: "draws" }`,
);

/** Fails after its first step if the input is 0. */
const ONE = source(
  `const amount = await ctx.run("quote", () => 10);
   if (input === 0) throw new Error("Cannot divide by zero");
   return \`\${input} of \${amount}\`;`,
  `{ name: "order", version: "1" }`,
);
const FIXED = ONE.replace(`throw new Error("Cannot divide by zero")`, "return `none of ${amount}`");
const OTHER = ONE.replace(`"quote"`, `"estimate"`);

/** Fails in its second step, in the first run of this process. */
const FAILS = source(
  `const id = await ctx.run("begin", () => ctx.runId);
   return [id, await ctx.run("reserve", () => {
     if (failures++ === 0) throw new Error("no stock");
     return "reserved";
   }, { retry: { maxAttempts: 1 } })];`,
  `{ name: "fails" }`,
  "let failures = 0;",
);

/** As many steps of one name as its input says, and another one. */
const LOOP = source(
  `for (let n = 0; n < input; n++) await ctx.run("turn", () => n);
   return await ctx.run("end", () => input);`,
  `{ name: "loop" }`,
);

/** Waits for a child and takes a step meanwhile. */
const FAMILY = source(
  `const child = ctx.child("echo", { wait: "go" });
   const id = await ctx.run("step", () => ctx.runId);
   return [id, await child];`,
  `{ name: "family" }`,
);

/** Starts a child, takes a step, and waits for the child by its handle. */
const HANDLE = source(
  `const child = await ctx.startChild("echo", { wait: "go" });
   await ctx.run("step", () => 1);
   return await child.result();`,
  `{ name: "handle" }`,
);

/** Continues as new until its input is 0. */
const TURNS = source(
  `const drawn = ctx.uuid();
   await ctx.run("step", () => drawn);
   return input > 0 ? ctx.continueAsNew(input - 1) : [ctx.runId, drawn];`,
  `{ name: "turns" }`,
);

/** Steps that keep the run's id and a random value. */
const STEPS = source(
  `const seen: unknown[] = [];
   for (let n = 0; n < input; n++) {
     const drawn = [ctx.runId, ctx.uuid()];
     seen.push(await ctx.run("step", () => drawn));
   }
   return seen;`,
  `{ name: "steps" }`,
);

interface Draws {
  readonly before: [string, string, number];
  readonly seen: unknown[];
  readonly middle: [string, string];
  readonly go: unknown;
  readonly after: [string, string, number];
  readonly last: unknown[];
}

/** The id of the only child of run `o`. */
async function childOf(node: Continuum): Promise<string> {
  const { runs } = await node.runs.query({ where: { parent: "o" } });
  assert.equal(runs.length, 1);
  return runs[0]!.id;
}

/** What becomes of the children. */
function fates({ children }: ForkReport): unknown[] {
  return children.map(({ id, action }) => [id, action]);
}

forEachDatabase("forking a run", (database, test) => {
  test("the fork replays the part before the point, and continues by itself", async () => {
    await using at = await scene(database, { "draws.ts": DRAWS });
    const run = await at.node.start<Draws>("draws", null, { runId: "o" });
    await reached(run, "suspended");
    await run.signal("go", 1);
    const original = await resultOf(run) as Draws;
    const report = await run.fork({ at: 1, id: "f" });
    assert.equal(report.forked, true);
    assert.deepEqual(report.origin, { id: "o", generation: 0, events: 1, total: 3 });
    const fork = at.node.run<Draws>("f");
    await reached(fork, "suspended");
    await fork.signal("go", 2);
    const result = await resultOf(fork) as Draws;

    assert.deepEqual(result.before, original.before, "computed before the point");
    assert.deepEqual(result.seen, original.seen);
    assert.deepEqual([result.go, result.middle[0], result.after[0]], [2, "f", "f"]);
    assert.notEqual(result.middle[1], original.middle[1], "two runs draw no value twice");
    assert.notEqual(result.after[1], original.after[1]);
    assert.deepEqual((await fork.status()).origin, { id: "o", generation: 0, events: 1 });
    assert.equal((await run.status()).origin, null);
    assert.deepEqual(await resultOf(run), original, "the original is as it was");
  });

  test("a preview says what happens again, under which keys, and the fork keeps to it", async () => {
    await using at = await scene(database, { "draws.ts": DRAWS });
    const run = await at.node.start("draws", null, { runId: "o" });
    await reached(run, "suspended");
    await run.signal("go", 1);
    await run.signal("go", 2);
    await resultOf(run);
    const preview = await run.fork({ at: 1, dryRun: true });
    assert.equal(preview.forked, true);
    assert.match(preview.id, /^o>fork\.[0-9a-f]{12}$/);
    await refused(at.node.run(preview.id).status(), "RUN_NOT_FOUND");
    assert.deepEqual(preview.signals, [{ name: "go", count: 2 }]);
    const [again] = preview.again;
    assert.equal(preview.again.length, 1);
    assert.deepEqual([again!.kind, again!.name, again!.position], ["step", "last", 2]);
    assert(again!.answeredAt instanceof Date);
    assert.notEqual(again!.newKey, again!.key);
    assert.match(again!.site!.file, /draws\.ts$/);
    const made = await run.fork({ at: 1, plan: preview.plan });
    assert.deepEqual([made.id, made.again[0]!.newKey], [preview.id, again!.newKey]);
    await at.node.run(preview.id).terminate();
  });

  test("signals that came after the point are dropped, or carried over in their order", async () => {
    await using at = await scene(database, { "draws.ts": DRAWS });
    const run = await at.node.start("draws", null, { runId: "o" });
    await reached(run, "suspended");
    await run.signal("go", 1);
    await run.signal("go", 2);
    await resultOf(run);
    await run.fork({ at: 1, id: "f", signals: "carry" });
    const fork = at.node.run("f");
    assert.equal((await resultOf(fork) as Draws).go, 1);
    assert.deepEqual((await fork.status()).untakenSignals, { go: 1 });
  });

  test("on another version the part must replay; drift before the point is named, and nothing is made", async () => {
    await using at = await scene(database, { "one.ts": ONE, "fixed.ts": FIXED, "other.ts": OTHER });
    const run = await at.node.start(at.folder.url + "one.ts", 0, { runId: "o" });
    await assert.rejects(resultOf(run), /Cannot divide by zero/);
    const fixed = at.folder.url + "fixed.ts";
    const drifts = await run.fork({ fromFailure: true, version: at.folder.url + "other.ts" });
    assert.equal(drifts.forked, false);
    assert.deepEqual([drifts.drift?.seq, drifts.drift?.expected.name], [0, "quote"]);
    await refused(at.node.run(drifts.id).status(), "RUN_NOT_FOUND");

    const report = await run.fork({ fromFailure: true, version: fixed });
    assert.deepEqual([report.forked, report.origin.events], [true, 1]);
    assert.notEqual(report.version.from, report.version.to);
    const fork = at.node.run(report.id);
    assert.equal(await resultOf(fork), "none of 10");
    assert.equal((await run.status()).state, "failed");
    const [found] = (await at.node.runs.query({ where: { forksOf: "o" } })).runs;
    assert.equal(found!.id, report.id);
    assert.equal((await at.node.runs.query({ where: { forksOf: report.id } })).runs.length, 0);
  });

  test("from a failure: before the effect that failed, which is tried again", async () => {
    await using at = await scene(database, { "fails.ts": FAILS });
    const run = await at.node.start("fails", null, { runId: "o" });
    await assert.rejects(resultOf(run), /no stock/);
    const report = await run.fork({ fromFailure: true });
    assert.deepEqual(report.again.map(({ name }) => name), ["reserve"]);
    assert.deepEqual(await resultOf(at.node.run(report.id)), ["o", "reserved"]);
  });

  test("before an effect: it happens again; a name that several or no effects have is refused", async () => {
    await using at = await scene(database, { "loop.ts": LOOP });
    const run = await at.node.start("loop", 3, { runId: "o" });
    await resultOf(run);
    const { again, origin } = await run.fork({ before: "end", dryRun: true });
    assert.deepEqual([again.map(({ name }) => name), origin.events], [["end"], 3]);
    await refused(run.fork({ before: "turn" }), "INVALID_ARGUMENT", "events 0, 1, 2", "at");
    await refused(run.fork({ before: "else" }), "INVALID_ARGUMENT", '"else"');
    await refused(run.fork({ at: 5 }), "INVALID_ARGUMENT", "from 0 to 4");
    await refused(run.fork({ fromFailure: true }), "RUN_STATE", "completed");
    await refused(at.node.run("none").fork({ at: 0 }), "RUN_NOT_FOUND", '"none"');
  });

  test("at the beginning it is a new run with the same input, or with another", async () => {
    await using at = await scene(database, { "loop.ts": LOOP });
    const run = await at.node.start("loop", 3, { runId: "o" });
    assert.equal(await resultOf(run), 3);
    await run.fork({ at: 0, id: "same" });
    await run.fork({ at: 0, id: "other", input: 1 });
    assert.equal(await resultOf(at.node.run("same")), 3);
    assert.equal(await resultOf(at.node.run("other")), 1);
    const shorter = await run.fork({ at: 3, input: 2 });
    assert.deepEqual([shorter.forked, shorter.drift?.seq], [false, 2], "its part must replay");
  });

  test("a child in the part that has not ended is refused, adopted or started anew", async () => {
    await using at = await scene(database, { "family.ts": FAMILY });
    const run = await at.node.start("family", null, { runId: "o" });
    await reached(run, "suspended");
    const child = (await run.status()).waits.find(({ kind }) => kind === "child")!;
    assert.equal(child.name, "echo");
    const id = await childOf(at.node);
    const none = await run.fork({ at: 1 });
    assert.deepEqual([none.forked, fates(none)], [false, [[id, "refuse"]]]);
    assert.match(none.children[0]!.reason!, /has not ended/);

    const adopter = await run.fork({ at: 1, id: "adopter", children: "adopt" });
    assert.deepEqual(fates(adopter), [[id, "adopt"]]);
    const other = await run.fork({ at: 1, id: "other", children: "restart" });
    assert.deepEqual(fates(other), [[id, "restart"]]);
    // A fork is suspended from its creation on, before it starts its child.
    const own = await eventually(
      async () => (await at.node.runs.query({ where: { parent: "other" } })).runs[0]?.id,
      () => "child of the fork",
    );
    assert.notEqual(own, id);
    await at.node.run(id).signal("go", "shared");
    await at.node.run(own).signal("go", "its own");
    assert.deepEqual(await resultOf(run), ["o", [{ wait: "go" }, "shared"]]);
    assert.deepEqual(await resultOf(at.node.run("adopter")), ["o", [{ wait: "go" }, "shared"]]);
    assert.deepEqual(await resultOf(at.node.run("other")), ["o", [{ wait: "go" }, "its own"]]);
  });

  test("a child that has ended since is adopted with its end; one in the part stays answered", async () => {
    await using at = await scene(database, { "family.ts": FAMILY });
    const run = await at.node.start("family", null, { runId: "o" });
    await reached(run, "suspended");
    const id = await childOf(at.node);
    await at.node.run(id).signal("go", 1);
    const result = await resultOf(run);
    await at.node.run(id).status();
    await run.fork({ at: 1, id: "late", children: "adopt" });
    assert.deepEqual(await resultOf(at.node.run("late")), result);
    const whole = await run.fork({ at: 2, id: "whole" });
    assert.deepEqual(whole.children, []);
    assert.deepEqual(await resultOf(at.node.run("whole")), result);
  });

  test("the adopter of a child that is cancelled with its parent receives that end, too", async () => {
    await using at = await scene(database, { "family.ts": FAMILY });
    const run = await at.node.start("family", null, { runId: "o" });
    await reached(run, "suspended");
    await run.fork({ at: 1, id: "adopter", children: "adopt" });
    await run.terminate();
    await assert.rejects(resultOf(at.node.run("adopter")), /cancelled|parent has ended/);
  });

  test("the adopter of a child that is terminated with its parent receives that end, too", async () => {
    const code = FAMILY.replace(`{ wait: "go" }`, `{ wait: "go" }, { parentClose: "terminate" }`);
    await using at = await scene(database, { "family.ts": code });
    const run = await at.node.start("family", null, { runId: "o" });
    await reached(run, "suspended");
    await run.fork({ at: 1, id: "adopter", children: "adopt" });
    await run.terminate();
    await assert.rejects(resultOf(at.node.run("adopter")), /parent has ended/);
  });

  test("an adopter that is cancelled leaves the child to its parent", async () => {
    await using at = await scene(database, { "family.ts": FAMILY });
    const run = await at.node.start("family", null, { runId: "o" });
    await reached(run, "suspended");
    await run.fork({ at: 1, id: "adopter", children: "adopt" });
    const adopter = at.node.run("adopter");
    await reached(adopter, "suspended");
    await adopter.terminate();
    const id = await childOf(at.node);
    await at.node.run(id).signal("go", 1);
    assert.deepEqual(await resultOf(run), ["o", [{ wait: "go" }, 1]]);
  });

  test("a handle of a child is adopted, and can't be started anew", async () => {
    await using at = await scene(database, { "handle.ts": HANDLE });
    const run = await at.node.start("handle", null, { runId: "o" });
    await reached(run, "suspended");
    const refusal = await run.fork({ at: 2, children: "restart" });
    assert.equal(refusal.forked, false);
    assert.match(refusal.children[0]!.reason!, /handle/);
    const adopter = await run.fork({ at: 2, id: "adopter", children: "adopt" });
    assert.equal(adopter.forked, true);
    await at.node.run(adopter.children[0]!.id).signal("go", 1);
    assert.deepEqual(await resultOf(run), [{ wait: "go" }, 1]);
    assert.deepEqual(await resultOf(at.node.run("adopter")), [{ wait: "go" }, 1]);
  });

  test("after continueAsNew the present generation is forked, and the fork may continue as new", async () => {
    await using at = await scene(database, { "turns.ts": TURNS });
    const run = await at.node.start("turns", 2, { runId: "o" });
    const original = await resultOf(run) as unknown[];
    const report = await run.fork({ at: 1, id: "f" });
    assert.deepEqual(report.origin, { id: "o", generation: 2, events: 1, total: 1 });
    assert.deepEqual(await resultOf(at.node.run("f")), ["f", ...original.slice(1)]);
    await run.fork({ at: 0, id: "again", input: 1 });
    const again = await resultOf(at.node.run("again")) as unknown[];
    assert.equal(again[0], "again");
    assert.notEqual(again[1], original[1], "its later generation draws by itself");
    assert.deepEqual((await at.node.run("again").status()).origin?.id, "o");
  });

  test("a fork of a fork keeps what each of them has computed", async () => {
    await using at = await scene(database, { "steps.ts": STEPS });
    const run = await at.node.start("steps", 4, { runId: "a" });
    const a = await resultOf(run) as [string, string][];
    await run.fork({ at: 2, id: "b" });
    const b = await resultOf(at.node.run("b")) as typeof a;
    await at.node.run("b").fork({ at: 3, id: "c" });
    const c = await resultOf(at.node.run("c")) as typeof a;
    await at.node.run("c").fork({ at: 1, id: "d" });
    const d = await resultOf(at.node.run("d")) as typeof a;
    const ids = (seen: typeof a) => seen.map(([id]) => id).join("");
    assert.deepEqual([a, b, c, d].map(ids), ["aaaa", "aabb", "aabc", "addd"]);
    assert.deepEqual(b.slice(0, 2), a.slice(0, 2));
    assert.deepEqual(c.slice(0, 3), b.slice(0, 3));
    assert.deepEqual(d.slice(0, 1), a.slice(0, 1));
    const drawn = [...a, ...b.slice(2), ...c.slice(3), ...d.slice(1)].map(([, value]) => value);
    assert.equal(new Set(drawn).size, drawn.length);
  });

  test("a history that comes from too many runs is refused", async () => {
    await using at = await scene(database, { "steps.ts": STEPS });
    await resultOf(await at.node.start("steps", 10, { runId: "r0" }));
    for (let n = 0; n < 8; n++) {
      await at.node.run(`r${n}`).fork({ at: n + 1, id: `r${n + 1}` });
      await resultOf(at.node.run(`r${n + 1}`));
    }
    await refused(at.node.run("r8").fork({ at: 9 }), "RUN_STATE", "at most 8");
    assert.equal((await at.node.run("r8").fork({ at: 8, id: "r9" })).forked, true);
    await resultOf(at.node.run("r9"));
  });

  test("concurrent forks with one id make one; another run with that id is refused", async () => {
    await using at = await scene(database, { "steps.ts": STEPS });
    const run = await at.node.start("steps", 3, { runId: "o" });
    await resultOf(run);
    const reports = await Promise.all([1, 2, 3].map(() => run.fork({ at: 2, id: "f" })));
    assert.deepEqual(
      reports.map(({ forked, id }) => [forked, id]),
      [1, 2, 3].map(() => [true, "f"]),
    );
    assert.equal(await at.node.runs.count({ where: { forksOf: "o" } }), 1);
    await resultOf(at.node.run("f"));
    await refused(run.fork({ at: 1, id: "f" }), "RUN_EXISTS", '"f"');
    await refused(run.fork({ at: 1, id: "o" }), "RUN_EXISTS", '"o"');
  });

  test("a parked run is forked on mended code; timeout, retry and deadline are not inherited", async () => {
    await using at = await scene(database, { "one.ts": ONE, "fixed.ts": FIXED });
    const options = {
      runId: "o",
      timeout: "1h",
      retry: { maxAttempts: 2, initial: "1h" },
    } as const;
    const run = await at.node.start(at.folder.url + "one.ts", 0, options);
    await reached(run, "suspended");
    const { deadline, attempt } = await run.status();
    assert(deadline !== null && attempt === 2);
    const report = await run.fork({ at: 0, id: "f", version: at.folder.url + "fixed.ts" });
    assert.deepEqual(report.originalDeadline, deadline);
    const fork = at.node.run("f");
    await resultOf(fork);
    const status = await fork.status();
    assert.deepEqual([status.deadline, status.attempt], [null, 1]);
    // Its retry is far away, like the original's: it is there to be asked and terminated.
    await run.fork({ at: 0, id: "timed", timeout: "2h", retry: options.retry });
    assert.notEqual((await at.node.run("timed").status()).deadline, null);
    await at.node.run("timed").terminate();
    await run.terminate();
  });

  test("the fork stays when its original is deleted, and still replays", async () => {
    await using at = await scene(database, { "draws.ts": DRAWS });
    const run = await at.node.start("draws", null, { runId: "o" });
    await reached(run, "suspended");
    await run.fork({ at: 1, id: "f" });
    await run.terminate();
    await at.node.runs.delete("o");
    const fork = at.node.run<Draws>("f");
    await reached(fork, "suspended");
    assert.equal((await fork.status()).origin?.id, "o");
    await fork.signal("go", 1);
    assert.equal(((await resultOf(fork)) as Draws).before[0], "o");
    assert.equal((await fork.trace()).drift, null);
    assert.equal((await fork.history()).length, 3);
  });
});
