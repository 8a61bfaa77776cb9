/**
 * Stepping through a bundle, and replaying it on other code.
 *
 * @module
 */

import assert from "node:assert/strict";
import { codeOf } from "../../src/bundle/bundle.ts";
import { openBundle } from "../../src/bundle/read.ts";
import { type BundleStep, replayBundle } from "../../src/client/bundle/replay.ts";
import { ReplaySession } from "../../src/client/bundle/session.ts";
import { Inspected } from "../support/inspector.ts";
import { forEachDatabase } from "../support/database.ts";
import { mark, reached, resultOf, takeMarks } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Lines of the body begin at 4. */
const BODY = `const quote = await ctx.run("quote", () => input.items * 10);
await ctx.waitForSignal("review");
await ctx.run("charge", () => quote);
return quote;`;
/** A busy machine may take long to start a process. */
const PATIENT = { timeout: "10m" };
const ORDER = source(BODY, `{ name: "order" }`);

const shown = ({ event, answered, waiting, outcome }: BundleStep) => [
  event && `${event.kind} ${event.name}`,
  answered?.site?.line ?? null,
  waiting.map(({ name, site }) => `${name} ${site?.line}`),
  outcome,
];

const STEPS = [
  [null, null, ["quote 4"], null],
  ["step.completed quote", 4, ["review 5"], null],
  ["signal.received review", 5, ["charge 6"], null],
  ["step.completed charge", 6, [], "completed"],
];

forEachDatabase("the replay of a bundle", (database, test) => {
  /** A bundle of a run that has ended, and what its node's folder holds. */
  async function ended(files: Readonly<Record<string, string>> = {}) {
    const at = await scene(database, { "order.ts": ORDER, ...files });
    const run = await at.node.start("order", { items: 2 });
    await run.signal("review", "fine");
    await resultOf(run);
    const bundle = await openBundle(await run.export());
    return { ...at, run, bundle };
  }

  test("shows what each event answered and what the code waited for then, in both directions", async () => {
    await using at = await ended();
    await using replay = await replayBundle(at.bundle, PATIENT);
    assert.equal(replay.events, 3);
    for (const n of [0, 1, 2, 3, 2, 1, 0, 3]) {
      assert.deepEqual(shown(await replay.step(n)), STEPS[n]);
    }
    const { answered } = await replay.step(2, { around: 1 });
    assert.deepEqual(answered!.lines.map(({ number }) => number), [4, 5, 6]);
    assert.equal(answered!.lines[1]!.text, `await ctx.waitForSignal("review");`);
    assert.equal((await replay.step(1)).event!.value, 20);
    await refused(replay.step(4), "INVALID_ARGUMENT", "from 0 to 3");
  });

  test("on edited code says where the two part, with both lines", async () => {
    await using at = await ended();
    const write = async (body: string) => {
      await at.folder.write({ "edited.ts": source(body, `{ name: "order" }`) });
      return await replayBundle(at.bundle, { ...PATIENT, on: `${at.folder.url}edited.ts` });
    };
    const lines = async (body: string) => {
      await using replay = await write(body);
      const { replays, cause, otherEnd } = await replay.verdict();
      return {
        ...{ replays, kind: cause?.kind, event: cause?.event, end: otherEnd?.found.value },
        recorded: cause?.recordedAt?.text ?? null,
        requested: cause?.requestedAt?.text ?? null,
      };
    };
    const nothing = { kind: undefined, event: undefined, end: undefined };
    const noLines = { recorded: null, requested: null };
    assert.deepEqual(await lines(`// A comment.\n${BODY}`), {
      ...nothing,
      ...noLines,
      replays: true,
    });
    assert.deepEqual(await lines(BODY.replace('ctx.run("charge"', 'ctx.run("bill"')), {
      ...nothing,
      replays: false,
      kind: "other_command",
      event: 2,
      recorded: `await ctx.run("charge", () => quote);`,
      requested: `await ctx.run("bill", () => quote);`,
    });
    assert.deepEqual(await lines(`return await ctx.run("quote", () => 1);`), {
      ...nothing,
      replays: false,
      kind: "leftover",
      event: 1,
      recorded: `await ctx.waitForSignal("review");`,
      requested: null,
    });
    assert.deepEqual(await lines(BODY.replace("return quote", "return quote + 1")), {
      ...nothing,
      ...noLines,
      replays: false,
      end: 21,
    });
    const refusedCall = await lines(`await fetch("https://example.com");\n${BODY}`);
    assert.deepEqual([refusedCall.kind, refusedCall.requested], [
      "refused",
      `await fetch("https://example.com");`,
    ]);
    await using replay = await write(BODY.replace('ctx.run("charge"', 'ctx.run("bill"'));
    assert.deepEqual((await replay.step(2)).waiting.map(({ name }) => name), ["bill"]);
    assert.equal((await replay.step(3)).cause?.kind, "other_command");
  });

  test("kills code that loops at its deadline, and says that it hangs", async () => {
    await using at = await ended();
    const loop = BODY.replace("return quote;", "for (;;);");
    await at.folder.write({ "edited.ts": source(loop, `{ name: "order" }`) });
    const options = { on: `${at.folder.url}edited.ts`, timeout: "3s" };
    await using replay = await replayBundle(at.bundle, options);
    await refused(replay.step(3), "SUBPROCESS_TIMEOUT");
    const { replays, cause } = await replay.verdict();
    assert.deepEqual([replays, cause?.kind], [false, "no_answer"]);
  });

  test("starts another process for the question after one that was not answered in time", async () => {
    await using at = await ended();
    const history = at.bundle.history();
    const options = { timeoutMs: 1 };
    await using session = new ReplaySession(codeOf(at.bundle, history.version), history, options);
    const request = { at: 3, from: 0, limit: 10, sites: true, payloadChars: 0 };
    await refused(session.trace(request), "SUBPROCESS_TIMEOUT");
    options.timeoutMs = 600_000;
    assert.equal((await session.trace(request)).effects.length, 3);
  });

  test("of a run that was upgraded replays on the version that it was moved to", async () => {
    const next = source(`// Next.\n${BODY}`, `{ name: "order" }`);
    await using at = await scene(database, { "order.ts": ORDER, "next.ts": next });
    const run = await at.node.start(`${at.folder.url}order.ts`, { items: 2 });
    await reached(run, "suspended");
    assert.equal((await run.upgrade({ to: `${at.folder.url}next.ts` })).upgraded, true);
    await run.signal("review", "fine");
    await resultOf(run);
    const bundle = await openBundle(await run.export());
    const kinds = bundle.history().events.map(({ kind }) => kind);
    assert(kinds.includes("version.changed"), `${kinds}`);
    await using replay = await replayBundle(bundle, PATIENT);
    assert.match(replay.source.members[0]!.text!, /Next/);
    assert.equal((await replay.verdict()).replays, true);
  });

  test("without the code, or the packages of it, says which are missing", async () => {
    await using at = await ended();
    const bad = `import "npm:does-not-exist-here@1.0.0";\n`;
    await at.folder.write({ "edited.ts": bad + ORDER });
    await using replay = await replayBundle(at.bundle, {
      ...PATIENT,
      on: `${at.folder.url}edited.ts`,
    });
    const { cause } = await replay.verdict();
    assert.equal(cause?.kind, "unavailable");
    assert.match(cause!.message, /npm:does-not-exist-here@1\.0\.0/);
  });

  test("runs nothing of the bundle in this process, whatever its code does", async () => {
    const spying = `${mark("loaded")}await Deno.readTextFile("/etc/passwd").catch(() => {});\n`;
    await using at = await ended({ "order.ts": source(BODY, `{ name: "order" }`, spying) });
    assert.deepEqual(takeMarks(), ["loaded"]);
    await using replay = await replayBundle(at.bundle, PATIENT);
    assert.deepEqual(shown(await replay.step(3))[0], "step.completed charge");
    assert.equal((await replay.verdict()).replays, true);
    assert.deepEqual(takeMarks(), []);
  });

  test("stops in a debugger, on the version's modules, before the first event", async () => {
    await using at = await ended();
    const { promise, resolve } = Promise.withResolvers<string>();
    await using replay = await replayBundle(at.bundle, { inspect: true, onDebugger: resolve });
    const stepping = replay.step(1);
    await using inspected = await Inspected.attach(await promise);
    await inspected.ask("Runtime.runIfWaitingForDebugger");
    await inspected.paused();
    const { url } = inspected.scripts.find(({ url }) => url.endsWith("/order.ts"))!;
    assert.equal(url, `continuum:///${replay.version}/order.ts`);
    await inspected.ask("Debugger.setBreakpointByUrl", { url, lineNumber: 4 });
    await inspected.ask("Debugger.resume");
    const { callFrames: [frame] } = await inspected.paused();
    assert.deepEqual([inspected.urlOf(frame!.location), frame!.location.lineNumber], [url, 4]);
    await inspected.ask("Debugger.resume");
    assert.deepEqual(shown(await stepping), STEPS[1]);
  });
});
