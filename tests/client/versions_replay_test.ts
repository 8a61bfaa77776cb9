/**
 * What the histories of runs say of code before it is deployed.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { VersionReplay } from "../../src/client/versions/replay.ts";
import type { Verdict } from "../../src/client/versions/verdict.ts";
import { drawInTurn } from "../../src/client/versions/sample.ts";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, generousDeadline, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

/** The body begins at line 4. */
function order(middle: string, before = ""): string {
  return source(
    `await ctx.run("quote", () => 1);
await ctx.waitForSignal("go");
${middle}
return await ctx.waitForSignal("done");`,
    `{ name: "order" }`,
    before,
  );
}

/** A busy machine may take long to start a process. */
const PATIENT = { timeout: "10m" };

const OLD = order(`await ctx.run("charge", () => 2);`);
const NEW = order(`await ctx.run("reserve", () => 2);`);

/** A client that has no code, as the command line is. */
async function connect({ db: { database, schema } }: Scene): Promise<Continuum> {
  return await Continuum.connect({ database, schema });
}

/** A run that waits for a signal. */
async function waiting(at: Scene, id: string, signal: "go" | "done"): Promise<void> {
  const run = await at.node.start("order", null, { runId: id });
  if (signal === "done") await run.signal("go");
  await eventually(
    async () => {
      const { state, waits } = await run.status();
      return state === "suspended" && waits[0]?.name === signal || undefined;
    },
    () => `run that waits for ${signal}`,
  );
}

function outline({ groups }: VersionReplay): unknown[] {
  return groups.map(({ verdict, runs, cause, examples }) => [
    verdict,
    runs,
    cause?.kind ?? null,
    examples.toSorted(),
  ]);
}

Deno.test("a sample draws from each kind of run in turn", () => {
  const kinds = [["a1", "a2", "a3"], ["b1"], ["c1", "c2"]];
  assert.deepEqual(drawInTurn(kinds, 5), ["a1", "b1", "c1", "a2", "c2"]);
  assert.deepEqual(drawInTurn(kinds, 2), ["a1", "b1"]);
  assert.deepEqual(drawInTurn(kinds, 9).length, 6);
  assert.deepEqual(drawInTurn([], 9), []);
});

forEachDatabase("a replay of live runs on other code", (database, test) => {
  test("groups drifts by cause with the lines of both versions, and registers and moves nothing", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "o-1", "go");
    await waiting(at, "o-2", "done");
    await waiting(at, "o-3", "done");
    await at.folder.write({ "order.ts": NEW });
    await using client = await connect(at);
    const verdicts: Verdict[] = [];
    const replay = await client.versions.replay(`${at.folder.url}order.ts`, {
      ...PATIENT,
      onVerdict: (verdict, total) => {
        assert.equal(total, 3);
        verdicts.push(verdict);
      },
    });
    assert.deepEqual(outline(replay), [
      ["drifts", 2, "other_command", ["o-2", "o-3"]],
      ["replays", 1, null, ["o-1"]],
    ]);
    const { cause } = replay.groups[0]!;
    assert.deepEqual([cause!.expected!.name, cause!.found!.name], ["charge", "reserve"]);
    const place = (
      site: { file: string; line: number; text: string | null } | null,
    ) => [site!.file.endsWith("order.ts") || site!.file, site!.line, site!.text];
    assert.deepEqual(place(cause!.recordedAt), [true, 6, `await ctx.run("charge", () => 2);`]);
    assert.deepEqual(place(cause!.requestedAt), [true, 6, `await ctx.run("reserve", () => 2);`]);
    const { ok, empty, found, more, replayed, counts, workflow, changedSince } = replay;
    assert.deepEqual(
      { ok, empty, found, more, replayed, counts, workflow, changedSince },
      {
        ok: false,
        empty: false,
        found: 3,
        more: false,
        replayed: 3,
        counts: { drifts: 2, replays: 1 },
        workflow: "order",
        changedSince: 0,
      },
    );
    assert.deepEqual(verdicts.map(({ id }) => id).sort(), ["o-1", "o-2", "o-3"]);
    const { versions: known } = await client.versions.list({ workflow: "order" });
    assert.equal(known.length, 1, "the code is not registered");
    assert.notEqual(replay.version, known[0]!.hash);
    for (const { from, to } of verdicts) {
      assert.deepEqual([from, to], [known[0]!.hash, replay.version]);
    }
    assert.equal((await client.run("o-2").status()).version.hash, known[0]!.hash);
    const own = await at.node.versions.replay(known[0]!.hash, PATIENT);
    assert.deepEqual([own.ok, own.counts], [true, { replays: 3 }]);
  });

  test("accepts an edit that is guarded by patched", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "o-1", "done");
    await at.folder.write({
      "order.ts": order(
        `if (ctx.patched("reserve")) await ctx.run("reserve", () => 2);
else await ctx.run("charge", () => 2);`,
      ),
    });
    const replay = await at.node.versions.replay(`${at.folder.url}order.ts`, PATIENT);
    assert.deepEqual([replay.ok, replay.counts], [true, { replays: 1 }]);
  });

  test("is not ok where there is no run to replay, unless that is allowed", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await at.node.start("order", null, { runId: "later", delay: "30d" });
    await resultOf(await at.node.start("echo", 1));
    const code = `${at.folder.url}order.ts`;
    const replay = await at.node.versions.replay(code, PATIENT);
    assert.deepEqual([replay.ok, replay.empty, replay.found, replay.groups], [false, true, 0, []]);
    assert.equal((await at.node.versions.replay(code, { ...PATIENT, allowEmpty: true })).ok, true);
  });

  test("takes in runs that have ended since, and expects those that completed to complete", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "o-1", "done");
    await at.node.run("o-1").signal("done", 7);
    await resultOf(at.node.run("o-1"));
    const code = `${at.folder.url}order.ts`;
    assert.equal((await at.node.versions.replay(code, PATIENT)).empty, true);
    const same = await at.node.versions.replay(code, { ...PATIENT, ended: "1d" });
    assert.deepEqual([same.ok, same.counts], [true, { replays: 1 }]);
    await at.folder.write({
      "order.ts": OLD.replace(
        `return await ctx.waitForSignal("done");`,
        `const all = await ctx.waitForSignal("done"); await ctx.sleep("1d"); return all;`,
      ),
    });
    const longer = await at.node.versions.replay(code, { ...PATIENT, ended: "1d" });
    assert.deepEqual(outline(longer), [["drifts", 1, "other_end", ["o-1"]]]);
    assert.match(longer.groups[0]!.cause!.message, /requests sleep/);
  });

  test("names calls that a replay can't repeat", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "o-1", "go");
    await waiting(at, "o-2", "done");
    await at.folder.write({ "order.ts": order(`await fetch("https://a.example");`) });
    const calls = await at.node.versions.replay(`${at.folder.url}order.ts`, PATIENT);
    assert.deepEqual(outline(calls).toSorted(), [
      ["drifts", 1, "refused", ["o-2"]],
      ["replays", 1, null, ["o-1"]],
    ]);
  });

  test("ends where the code of each run loops, and replays the runs whose code does not", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "o-1", "go");
    for (const id of ["o-2", "o-3", "o-4", "o-5", "o-6"]) await waiting(at, id, "done");
    await at.folder.write({ "order.ts": order(`while (true);`) });
    const said: string[] = [];
    const timeout = await generousDeadline(() =>
      at.node.versions.replay(`${at.folder.url}order.ts`, { ...PATIENT, where: { id: "o-1" } })
    );
    const loops = await at.node.versions.replay(`${at.folder.url}order.ts`, {
      timeout,
      where: { id: { in: ["o-1", "o-2"] } },
      onVerdict: ({ id, verdict, cause }) => void said.push(`${id} ${verdict} ${cause?.kind}`),
    });
    assert.deepEqual(said.sort(), ["o-1 replays undefined", "o-2 no_answer no_answer"]);
    assert.equal(loops.ok, false);
    const all = await at.node.versions.replay(`${at.folder.url}order.ts`, {
      timeout,
      where: { id: { ne: "o-1" } },
    });
    assert.deepEqual(all.counts, { no_answer: 5 });
    const messages = all.groups.map(({ cause, runs }) => [runs, cause!.message]);
    assert.deepEqual(messages, [
      [3, `Cannot prove in a subprocess: the code did not answer within ${timeout / 1_000} s`],
      [2, "it was not replayed: the subprocesses of 3 runs before ended or did not answer"],
    ]);
  });

  test("replays the present generation of a run that has continued as new", async () => {
    const again = (step: string) =>
      source(
        `await ctx.run("${step} " + input, () => input);
await ctx.waitForSignal("go");
return ctx.continueAsNew(input + 1);`,
        `{ name: "again" }`,
      );
    await using at = await scene(database, { "again.ts": again("step") });
    const run = await at.node.start("again", 0);
    await run.signal("go");
    await eventually(
      async () => {
        const { state, generation } = await run.status();
        return state === "suspended" && generation === 1 || undefined;
      },
      () => "second generation that waits",
    );
    const code = `${at.folder.url}again.ts`;
    assert.deepEqual((await at.node.versions.replay(code, PATIENT)).counts, { replays: 1 });
    await at.folder.write({ "again.ts": again("pace") });
    const { groups: [group] } = await at.node.versions.replay(code, PATIENT);
    const { event, position, expected } = group!.cause!;
    assert.deepEqual([event, position, expected!.name], [0, 0, "step 1"]);
  });

  test("draws rare kinds of runs, or the newest, where there are more than the sample", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "rare", "done");
    for (const id of ["a", "b", "c", "d"]) await waiting(at, id, "go");
    const drawn = async (pick: "newest" | "spread", where?: object) => {
      const ids: string[] = [];
      const { found, more, replayed } = await at.node.versions.replay(
        `${at.folder.url}order.ts`,
        {
          ...PATIENT,
          sample: 2,
          pick,
          onVerdict: ({ id }) => void ids.push(id),
          ...where === undefined ? {} : { where },
        },
      );
      return [ids.sort(), found, more, replayed];
    };
    assert.deepEqual(await drawn("spread"), [["d", "rare"], 5, false, 2]);
    assert.deepEqual(await drawn("newest"), [["c", "d"], 2, true, 2]);
    assert.deepEqual(await drawn("newest", { id: { in: ["a", "rare"] } }), [
      ["a", "rare"],
      2,
      false,
      2,
    ]);
  });

  test("counts the runs that have new events since their history was read", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "o-1", "go");
    await waiting(at, "o-2", "go");
    const { changedSince, ok } = await at.node.versions.replay(`${at.folder.url}order.ts`, {
      ...PATIENT,
      onVerdict: async ({ id }) => {
        if (id !== "o-1") return;
        await at.node.run(id).signal("go");
        await eventually(
          async () => (await at.node.run(id).history()).length > 1 || undefined,
          () => "new event",
        );
      },
    });
    assert.deepEqual([ok, changedSince], [true, 1]);
  });

  test("takes a definition of this process, and refuses what names no code", async () => {
    await using at = await scene(database, { "order.ts": OLD });
    await waiting(at, "o-1", "done");
    const { default: definition } = await import(`${at.folder.url}order.ts`);
    const { ok, version } = await at.node.versions.replay(definition, PATIENT);
    const { versions: [newest] } = await at.node.versions.list({ workflow: "order" });
    assert.deepEqual([ok, version], [true, newest!.hash]);
    const { versions } = at.node;
    const code = `${at.folder.url}order.ts`;
    await refused(versions.replay("order"), "INVALID_ARGUMENT", "specifier");
    await refused(versions.replay(7 as never), "INVALID_ARGUMENT", "code");
    await refused(versions.replay("0".repeat(64)), "VERSION_UNAVAILABLE", "registered");
    await refused(versions.replay(`${at.folder.url}none.ts`), "MODULE_NOT_FOUND");
    for (
      const options of [
        { sample: 0 },
        { pick: "oldest" },
        { concurrency: 17 },
        { allowEmpty: 1 },
        { ended: "soon" },
        { onVerdict: 1 },
        { where: { nothing: 1 } },
        { other: 1 },
      ]
    ) {
      await refused(
        versions.replay(code, options as never),
        "INVALID_ARGUMENT",
        Object.keys(options)[0]!,
      );
    }
    await at.folder.write({ "order.ts": "export default 1;" });
    await refused(versions.replay(code), "VERSION_UNAVAILABLE");
    const gone = AbortSignal.abort(new Error("enough"));
    await at.folder.write({ "order.ts": OLD });
    await assert.rejects(versions.replay(code, { signal: gone }), /enough/);
  });
});
