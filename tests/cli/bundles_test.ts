/**
 * Exporting runs from the command line, and replaying them in processes that know no database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { verdictLines } from "../../src/cli/output/replay_lines.ts";
import { cli } from "../support/cli.ts";
import { CliWorld } from "../support/cli_world.ts";
import { Inspected } from "../support/inspector.ts";
import { reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

/** Lines of the body begin at 4. */
const BODY = `const quote = await ctx.run("quote", () => input.items * 10);
const review = await ctx.waitForSignal("review");
await ctx.child("ship", { review });
return quote;`;
const FILES = {
  "order.ts": source(BODY, `{ name: "order" }`),
  "ship.ts": source(`return await ctx.run("pack", () => input.review);`, `{ name: "ship" }`),
};

/** A busy machine may take long to start a process. */
const PATIENT = ["--deadline", "10m"];

/** A world with a run that has ended, and its bundle `o-1.bundle`. */
async function exported(...options: string[]) {
  const world = await CliWorld.make(FILES);
  const node = await world.node(...Object.keys(FILES));
  const run = await node.start("order", { items: 2 }, { runId: "o-1" });
  await run.signal("review", "s3cr3t");
  await resultOf(run);
  const written = await world.run(["runs", "export", "o-1", ...options, ...PATIENT]);
  assert.equal(written.code, 0, written.error);
  return {
    world,
    written,
    replay: (args: string[], input?: string) =>
      cli(args[0] === "replay" ? [...args, ...PATIENT] : args, {
        cwd: world.cwd,
        ...(input === undefined ? {} : { input }),
      }),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

Deno.test("runs export writes a file that bundle show describes, where no database is known", async () => {
  await using at = await exported("--children");
  assert.match(
    at.written.out,
    /^wrote o-1\.bundle: [\d,]+ bytes, 2 runs, the code of 2 versions\n$/,
  );
  const shown = await at.replay(["bundle", "show", "o-1.bundle"]);
  assert.equal(shown.code, 0, shown.error);
  assert.match(
    shown.out,
    /^sound: .*\nrun o-1: order, completed\n {2}generation 0: 3 events, version [0-9a-f]{12}\nrun \S+: ship, completed, child of o-1\n/,
  );
  const json = await at.replay(["bundle", "show", "o-1.bundle", "--json"]);
  const { runs, versions, sha256 } = JSON.parse(json.out);
  assert.equal(runs.length, 2);
  assert.deepEqual(versions.map(({ entry }: { entry: string }) => entry).sort(), [
    "./order.ts",
    "./ship.ts",
  ]);
  assert.match(sha256, /^[0-9a-f]{64}$/);
});

Deno.test("runs export overwrites no file, and writes none if a run does not exist", async () => {
  await using at = await exported();
  const again = await at.world.run(["runs", "export", "o-1"]);
  assert.equal(again.code, 5);
  assert.match(again.error, /EXISTS: Cannot write o-1\.bundle[^]*another -o/);
  const none = await at.world.run(["runs", "export", "o-1", "none", "-o", "none.bundle"]);
  assert.equal(none.code, 4);
  await assert.rejects(Deno.stat(new URL("none.bundle", at.world.folder.url)));
});

Deno.test("replay shows the effects with their lines, and that the history replays", async () => {
  await using at = await exported();
  const { code, out, error } = await at.replay(["replay", "o-1.bundle"]);
  assert.equal(code, 0, error);
  assert.match(out, /^0\tstep\tquote\torder\.ts:4\t\S+ 20\n1\tsignal\treview\torder\.ts:5\t/);
  assert.match(out, /\nreplays: 3 events on version [0-9a-f]{12}; the code has returned\n$/);
  const to = await at.replay(["replay", "o-1.bundle", "--to", "1"]);
  assert.equal(to.code, 0, to.error);
  assert.match(to.out, /^1\/3 {2}step\.completed "quote" .* 20\n {6}waits for signal "review"/);
  assert.match(to.out, /▸ 5 │ const review = await ctx\.waitForSignal\("review"\);\n.*▴/);
  const far = await at.replay(["replay", "o-1.bundle", "--to", "4"]);
  assert.deepEqual([far.code, /at most 3 events/.test(far.error)], [2, true]);
});

Deno.test("the stepper obeys the commands of a pipe, forwards and backwards", async () => {
  await using at = await exported();
  const commands = ["n", "", "b", "w", "g 3", "n", "p review", "p", "p none", "g x", "what", "q"];
  const stepped = await at.replay(["replay", "o-1.bundle", "--step"], commands.join("\n"));
  assert.equal(stepped.code, 0, stepped.error);
  const heads = stepped.out.split("\n").filter((line) => /^\d\/3/.test(line))
    .map((line) => line.split("  ").slice(0, 2).join(" "));
  assert.deepEqual(heads, [
    "0/3 start",
    '1/3 step.completed "quote"',
    '2/3 signal.received "review"',
    '1/3 step.completed "quote"',
    '1/3 step.completed "quote"',
    "3/3 child.completed " + /child\.completed ("\S+")/.exec(stepped.out)![1],
  ]);
  assert.match(stepped.out, /▸ 4 │ const quote = await ctx\.run/);
  assert.match(stepped.out, /\nsignal "review": completed\nvalue: "s3cr3t"\n/);
  assert.match(stepped.out, /\n\{\n {2}"items": 2\n\}\n$/);
  assert.match(stepped.error, /no more events: the history has 3\n/);
  assert.match(stepped.error, /requested no "none" by now; it has requested quote, review/);
  assert.match(stepped.error, /g wants a number from 0 to 3\nunknown command "what"/);
  const lines = await at.replay(["replay", "o-1.bundle", "--step", "--jsonl"], "n\n");
  assert.deepEqual(lines.out.trim().split("\n").map((line) => JSON.parse(line).at), [0, 1]);
  const both = await at.replay(["replay", "o-1.bundle", "--step", "--json"], "");
  assert.deepEqual([both.code, /wanted --jsonl/.test(both.error)], [2, true]);
});

Deno.test("replay --on edited code ends with code 3 and both lines where they diverge", async () => {
  await using at = await exported();
  const edited = source(BODY.replace('ctx.run("quote"', 'ctx.run("price"'), `{ name: "order" }`);
  await at.world.folder.write({ "edited.ts": edited, "same.ts": `// Same.\n${FILES["order.ts"]}` });
  const { code, out, error } = await at.replay(["replay", "o-1.bundle", "--on", "./edited.ts"]);
  assert.equal(code, 3, error);
  assert.match(out, /^diverges at event 0: /);
  assert.match(out, /\n {2}recorded {3}order\.ts:4:\d+ {2}const quote = await ctx\.run\("quote"/);
  assert.match(out, /\n {2}requested {2}edited\.ts:4:\d+ {2}const quote = await ctx\.run\("price"/);
  const same = await at.replay(["replay", "o-1.bundle", "--on", "same.ts"]);
  assert.equal(same.code, 0, same.out + same.error);
  const none = await at.replay(["replay", "o-1.bundle", "--on", "none.ts"]);
  assert.deepEqual([none.code, /where no file is/.test(none.error)], [2, true]);
});

Deno.test("code that does not answer in time is not said to diverge", () => {
  const message = "the subprocess did not answer within 10000 ms";
  const nothing = { event: null, position: null, expected: null, found: null };
  const cause = { key: "k", kind: "no_answer", message, ...nothing, recordedAt: null } as const;
  const verdict = { replays: false, version: "a".repeat(64), events: 3, outcome: null };
  const lines = verdictLines({
    ...verdict,
    cause: { ...cause, requestedAt: null },
    otherEnd: null,
  });
  assert.deepEqual([...lines], [`no answer in time: ${message}`]);
});

Deno.test("a bundle that was cut or edited, or that does not exist, is refused with its code", async () => {
  await using at = await exported();
  const file = await Deno.readFile(new URL("o-1.bundle", at.world.folder.url));
  const edited = file.slice();
  edited[edited.length >> 1]! ^= 1;
  await at.world.folder.write({
    "cut.bundle": file.slice(0, -10),
    "edited.bundle": edited,
    "text.bundle": "no bundle",
  });
  for (
    const [line, code, says] of [
      ["replay cut.bundle", 5, /BUNDLE_CUT: .*cut short/],
      ["replay edited.bundle", 5, /BUNDLE_CHANGED: .*changed after the export/],
      ["bundle show text.bundle", 5, /BUNDLE_FORMAT: .*no gzip file/],
      ["replay none.bundle", 4, /NOT_FOUND/],
      ["replay none.bundle", 4, /^NOT_FOUND: Cannot read file "none.bundle": no such file/],
      ["replay o-1.bundle --run o-2", 4, /BUNDLE_NO_RUN: .*"o-2"[^]*bundle show/],
      [
        "replay o-1.bundle --generation 7",
        4,
        /generation 7 of run "o-1"[^\n]*: found generation 0 alone/,
      ],
    ] as const
  ) {
    const ended = await at.replay(line.split(" "));
    assert.equal(ended.code, code, `${line}: ${ended.error}`);
    assert.match(ended.error, says, line);
  }
});

Deno.test("a redacted bundle shows its timeline, holds no payload, and is not replayed", async () => {
  await using at = await exported("--redact", "timeline", "-o", "o-1.bundle");
  const shown = await at.replay(["bundle", "show", "o-1.bundle"]);
  assert.match(shown.out, /^sound: [^\n]*; redacted: the timeline, and no payloads\n/);
  assert.match(shown.out, /\ntimeline of o-1, generation 0:\n0\tstep\tquote\torder\.ts:4\t/);
  const json = await at.replay(["bundle", "show", "o-1.bundle", "--json"]);
  assert.doesNotMatch(json.out, /s3cr3t/);
  const replayed = await at.replay(["replay", "o-1.bundle"]);
  assert.equal(replayed.code, 5);
  assert.match(replayed.error, /BUNDLE_REDACTED: [^]*bundle show FILE --run ID/);
});

Deno.test("replay --inspect waits for a debugger, and stops in it before the first event", async () => {
  await using at = await exported();
  const process = at.world.spawn(["replay", "o-1.bundle", "--inspect", "--to", "1"]);
  const [, url] = await process.printed(/waits for a debugger at (ws:\S+)/);
  await using inspected = await Inspected.attach(url!);
  await inspected.ask("Runtime.runIfWaitingForDebugger");
  await inspected.paused();
  assert(
    inspected.scripts.some(({ url }) => /^continuum:\/\/\/[0-9a-f]{64}\/order\.ts$/.test(url)),
  );
  await inspected.ask("Debugger.resume");
  const { code, out } = await process.ended();
  assert.equal(code, 0);
  assert.match(out, /^1\/3 {2}step\.completed "quote"/);
});

Deno.test("an exported run that waits shows the line at which it waits", async () => {
  await using world = await CliWorld.make(FILES);
  const node = await world.node(...Object.keys(FILES));
  await reached(await node.start("order", { items: 2 }, { runId: "a/b" }), "suspended");
  const { code, out, error } = await world.run(["runs", "export", "a/b", "--json"]);
  assert.equal(code, 0, error);
  assert.equal(JSON.parse(out).file, "a_b.bundle");
  const replayed = await cli(["replay", "a_b.bundle", ...PATIENT], { cwd: world.cwd });
  assert.match(replayed.out, /\treview\torder\.ts:5\twaits\nreplays: 1 events? on version/);
});
