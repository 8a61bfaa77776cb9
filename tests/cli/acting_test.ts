/**
 * The commands that act on runs: what they do, what they refuse, and their exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import type { Ended } from "../support/cli.ts";
import { reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

/** Answers with its input, after a signal where the input asks for one, or fails. */
const ECHO = source(
  `if (input?.fail !== undefined) throw new Error(input.fail);
   if (input?.wait === undefined) return input;
   return [input, await ctx.waitForSignal(input.wait)];`,
  `{ name: "echo" }`,
);

async function makeWorld(): Promise<CliWorld> {
  return await CliWorld.make({ "echo.ts": ECHO });
}

/** Holds a command to its exit code, and to words on standard error. */
function held({ code, error }: Ended, wanted: number, ...says: readonly RegExp[]): void {
  assert.equal(code, wanted, error);
  for (const words of says) assert.match(error, words);
}

Deno.test("start prints the run's id, and with --wait what the workflow returned", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  const started = await world.run(["start", "echo", '{"a":[1,"two"]}', "--id", "r-1"]);
  held(started, 0, /^started r-1: echo on version [0-9a-f]{12}\n$/);
  assert.equal(started.out, "r-1\n");
  assert.deepEqual(await resultOf(node.run("r-1")), { a: [1, "two"] });
  const waited = await world.run(["start", "echo", "--wait", "--json"]);
  held(waited, 0);
  const { id, state, output, ...rest } = JSON.parse(waited.out);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.deepEqual([state, output, rest.started], ["completed", null, true]);
});

Deno.test("an input is JSON, a file or standard input, which is read only if - is given", async () => {
  await using world = await makeWorld();
  await world.node("echo.ts");
  await world.folder.write({ "input.json": '{"from":"file"}', "bad.json": '{"from":\n  file}' });
  const output = async (args: string[], input?: string) => {
    const ended = await world.run(["start", "echo", ...args, "--wait"], input);
    held(ended, 0);
    return JSON.parse(ended.out);
  };
  assert.deepEqual(await output(["@input.json"]), { from: "file" });
  assert.deepEqual(await output(["-"], '{"from":"input"}'), { from: "input" });
  assert.deepEqual(await output([], '{"from":"input"}'), null, "it was not asked for");
  const tagged = '{"$continuum":"Date","value":"2026-01-31T00:00:00.000Z"}';
  assert.deepEqual(await output([tagged]), "2026-01-31T00:00:00.000Z");
  held(
    await world.run(["start", "echo", "@bad.json"]),
    2,
    /the input from file "bad.json": found "f" at line 2, column 3 of .*, wanted JSON/,
  );
  held(await world.run(["start", "echo", "@none.json"]), 4, /Cannot read file "none.json"/);
});

Deno.test("a value that is not JSON is refused with the place and what was wanted there", async () => {
  await using world = await makeWorld();
  const cases: readonly (readonly [input: string, says: RegExp])[] = [
    ["", /found the end at line 1, column 1/],
    ["hello", /found "h" at line 1, column 1[^]*A text needs its own quotes: '"hello"'/],
    ["{id:1}", /found "i" at line 1, column 2 of "\{id:1\}", wanted a name in double quotes/],
    ['{"a":1,}', /found "\}" at line 1, column 8/],
    ["[1 2]", /found "2" at line 1, column 4 of "\[1 2\]", wanted "," or "\]"/],
    ['{"a" 1}', /found "1" at line 1, column 6 .*, wanted ":"/],
    ['{"a":"b}', /found a text without its end at line 1, column 6/],
    ['{"a":01}', /found "1" at line 1, column 7/],
    ["{} x", /found "x" at line 1, column 4 .*, wanted the end/],
    ["[NaN]", /found "N" at line 1, column 2 .*, wanted JSON/],
    [
      '{"n":9007199254740993}',
      /number "9007199254740993", which JavaScript can't hold exactly, at/,
    ],
    ['{"$continuum":"Nothing","value":1}', /Cannot use the input: /],
    [`${"[".repeat(1_001)}`, /at most 1000 values inside each other/],
  ];
  for (const [input, says] of cases) {
    const ended = await world.here(["start", "echo", input]);
    held(ended, 2, says);
    assert.match(ended.error, /^USAGE: Cannot use the input/, input);
    held(await world.here(["signal", "r", "go", input]), 2, /^USAGE: Cannot use the payload/);
  }
});

Deno.test("start takes an id, a key, a time, attributes and a version, and refuses what contradicts", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  const [version] = (await node.versions.list({ workflow: "echo" })).versions;
  const keyed = ["start", "echo", "1", "--key", "k"];
  const first = await world.here(keyed);
  const again = await world.here(keyed);
  held(again, 0, /^found /);
  assert.equal(again.out, first.out);
  held(await world.here(["start", "echo", "2", "--key", "k"]), 5, /IDEMPOTENCY_CONFLICT/);
  const later = ["--delay", "10d", "--attr", "tier=gold", "--attr", "n=7", "--attr", "ok=true"];
  held(await world.here(["start", "echo", "--id", "later", ...later]), 0);
  const status = await node.run("later").status();
  assert.deepEqual(status.attributes, { tier: "gold", n: 7, ok: true });
  assert.equal(status.state, "pending");
  held(await world.here(["start", "echo", "--id", "later"]), 5, /RUN_EXISTS/);
  held(await world.here(["start", "echo", "--id", "later", "--if-exists", "use"]), 0, /^found/);
  held(await world.here(["start", "echo", "--id", "at", "--at", "2999-01-31"]), 0);
  const both = ["--at", "2999-01-31", "--delay", "1s"];
  held(await world.here(["start", "echo", ...both]), 2, /either startAt or delay/);
  held(await world.here(["start", "echo", "--at", "tomorrow"]), 2, /--at: found "tomorrow"/);
  held(await world.here(["start", "echo", "--attr", "tier"]), 2, /wanted name=value/);
  const pinned = ["start", "echo", "3", "--version", version!.hash.slice(0, 8), "--wait"];
  assert.equal((await world.here(pinned)).out, "3\n");
  held(
    await world.here(["start", "echo", "--version", "0".repeat(64)]),
    4,
    /VERSION_NOT_FOUND[^]*versions list/,
  );
  held(await world.here(["start", "nothing"]), 4, /VERSION_NOT_FOUND/);
  const before = await node.runs.count();
  const dry = await world.here(["start", "echo", "--dry-run"]);
  assert.deepEqual([dry.code, dry.out], [0, "start a run of echo\n"]);
  assert.equal(await node.runs.count(), before);
});

Deno.test("start of a module takes it as it is now, and makes it current for no other start", async () => {
  await using world = await makeWorld();
  const worker = world.spawn(["worker", "echo.ts"]);
  await worker.printed(/^serving echo/m);
  const edited = ECHO.replace("return input;", `return ["edited", input];`);
  await world.folder.write({ "echo.ts": edited });
  const started = await world.run(["start", "./echo.ts", "1", "--wait"]);
  held(started, 0);
  assert.deepEqual(JSON.parse(started.out), ["edited", 1]);
  const { versions } = await (await world.client()).versions.list({ workflow: "echo" });
  assert.deepEqual(versions.map(({ current }) => current).sort(), [false, true]);
  assert.equal((await world.here(["start", "echo", "1", "--wait"])).out, "1\n");
  held(await world.run(["start", "./none.ts"]), 2, /"\.\/none\.ts", where no file is/);
});

Deno.test("a value is checked by the schema of a version only if its module is trusted", async () => {
  const schema =
    `const input = { "~standard": { version: 1, vendor: "test", validate: (value: any) =>
    typeof value === "number" ? { value } : { issues: [{ message: "wanted a number" }] } } };`;
  await using world = await CliWorld.make({
    "typed.ts": source("return input;", `{ name: "typed", input }`, schema),
  });
  const node = await world.node("typed.ts");
  held(await world.run(["start", "typed", '"x"']), 1, /VERSION_UNAVAILABLE/);
  held(await world.run(["start", "./typed.ts", '"x"']), 5, /INVALID_INPUT[^]*wanted a number/);
  assert.equal(await node.runs.count(), 0);
  held(await world.run(["start", "./typed.ts", "7", "--wait"]), 0);
});

Deno.test("signal delivers a payload once, and says which run it can't reach", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  const run = await node.start("echo", { wait: "go" }, { runId: "r" });
  const args = ["signal", "r", "go", '{"yes":true}', "--delivery-id", "d"];
  assert.deepEqual(await world.run(args), { code: 0, out: "delivered\n", error: "" });
  assert.deepEqual(await world.here(args), { code: 0, out: "a duplicate\n", error: "" });
  assert.deepEqual(await resultOf(run), [{ wait: "go" }, { yes: true }]);
  held(await world.here(["signal", "r", "go"]), 5, /RUN_ENDED/);
  held(await world.here(["signal", "none", "go"]), 4, /RUN_NOT_FOUND[^]*runs list/);
  held(await world.here(["signal", "r", ""]), 2, /INVALID_ARGUMENT/);
});

Deno.test("cancel acts on each run, and exits as the first that it could not act upon", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  for (const runId of ["a", "b", "c"]) await node.start("echo", { wait: "go" }, { runId });
  const one = await world.run(["cancel", "a", "--reason", "ordered twice", "--jsonl"]);
  held(one, 0);
  assert.deepEqual(JSON.parse(one.out), { id: "a", done: true, error: null });
  const { state, error } = await reached(node.run("a"), "cancelled");
  assert.match(`${state} ${(error as Error).message}`, /^cancelled .*ordered twice/);
  const dry = await world.here(["cancel", "b", "c", "--dry-run"]);
  assert.deepEqual(dry, { code: 0, out: "cancel run b\ncancel run c\n", error: "" });
  const several = await world.here(["cancel", "b", "a", "none", "c"]);
  assert.equal(several.code, 5);
  const lines = several.out.trimEnd().split("\n").map((line) => line.split("\t"));
  assert.deepEqual(lines.map(([id]) => id), ["b", "a", "none", "c"]);
  assert.deepEqual([lines[0]![1], lines[3]![1]], Array(2).fill("cancellation requested"));
  assert.match(lines[1]![1]!, /has ended, it is cancelled/);
  assert.match(lines[2]![1]!, /no run has the id "none"/);
});

Deno.test("terminate needs a reason, and the run's id or the number typed at a terminal", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  for (const runId of ["a", "b", "c", "d"]) await node.start("echo", { wait: "go" }, { runId });
  const live = async () =>
    (await node.runs.query()).runs.filter(({ endedAt }) => endedAt === null).length;
  const reason = ["--reason", "loops"];
  const typed = (line: string | null) => ({
    canAsk: true,
    readLine: () => Promise.resolve(line),
  });
  held(await world.run(["terminate", "a"]), 2, /without --reason/);
  held(await world.run(["terminate", "a", ...reason]), 2, /wanted --yes/);
  held(await world.run(["terminate", "none", ...reason, "--yes"]), 4, /RUN_NOT_FOUND/);
  const dry = await world.run(["terminate", "a", "b", ...reason, "--dry-run"]);
  assert.equal(dry.code, 0);
  assert.match(dry.out, /^terminate a: echo [0-9a-f]{7}, \w+\nterminate b: [^]*no clean-up/);
  for (const answer of ["y", "2", "", null]) {
    const refused = await world.here(["terminate", "a", "b", "c", ...reason], typed(answer));
    held(refused, 5, /NO_CONSENT: Nothing was changed/);
  }
  assert.equal(await live(), 4);
  held(await world.here(["terminate", "a", ...reason], typed("a")), 0, /Type the run's id/);
  held(await world.here(["terminate", "b", "c", ...reason], typed(" 2 ")), 0, /number of runs/);
  held(await world.run(["terminate", "d", ...reason, "--yes"]), 0);
  assert.equal(await live(), 0);
  const { error } = await node.run("d").status();
  assert.equal((error as Error).message, "loops");
});

Deno.test("runs delete removes ended runs after consent, and refuses those that live", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  await (await node.start("echo", 1, { runId: "done" })).result();
  await node.start("echo", { wait: "go" }, { runId: "waits" });
  const reason = ["--reason", "old"];
  held(await world.run(["runs", "delete", "done"]), 2, /without --reason/);
  held(await world.run(["runs", "delete", "done", ...reason]), 2, /wanted --yes/);
  held(await world.run(["runs", "delete", "none", ...reason, "--yes"]), 4, /RUN_NOT_FOUND/);
  const dry = await world.run(["runs", "delete", "done", ...reason, "--dry-run"]);
  assert.equal(dry.code, 0);
  assert.match(dry.out, /^delete done: echo [0-9a-f]{7}, completed\n/);
  const both = await world.run(["runs", "delete", "done", "waits", ...reason, "--yes"]);
  assert.equal(both.code, 5);
  assert.match(both.out, /^done\tdeleted\nwaits\t.*cancel or terminate it first\n$/);
  const { runs } = await node.runs.query();
  assert.deepEqual(runs.map(({ id }) => id), ["waits"]);
});

Deno.test("a run that changes between plan and deed is not terminated", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  const options = { runId: "r", ifExists: "terminate" } as const;
  await node.start("echo", { wait: "go" }, options);
  const ended = await world.here(["terminate", "r", "--reason", "loops"], {
    canAsk: true,
    async readLine() {
      await node.start("echo", { wait: "go" }, options);
      return "r";
    },
  });
  assert.equal(ended.code, 5);
  assert.match(ended.out, /^r\tRun "r" has changed since the plan was made\n$/);
  assert.equal((await node.run("r").status()).endedAt, null);
});

Deno.test("result prints the output, or exits with 6 where a run did not complete and 5 where it has not ended", async () => {
  await using world = await makeWorld();
  const node = await world.node("echo.ts");
  await resultOf(await node.start("echo", "\u001b[2J", { runId: "done" }));
  await reached(await node.start("echo", { fail: "broken" }, { runId: "failed" }), "failed");
  const waiting = await node.start("echo", { wait: "go" }, { runId: "waits" });
  assert.deepEqual(await world.run(["result", "done"]), {
    code: 0,
    out: '"\\u001b[2J"\n',
    error: "",
  });
  const failed = await world.run(["result", "failed"]);
  assert.deepEqual(failed, { code: 6, out: "", error: "run failed failed: broken\n" });
  const json = await world.run(["result", "failed", "--json", "--wait"]);
  assert.equal(json.code, 6);
  const { state, output, error } = JSON.parse(json.out);
  assert.deepEqual([state, output, error.message], ["failed", null, "broken"]);
  held(await world.run(["result", "waits"]), 5, /RUN_STATE[^]*wanted one that has ended/);
  held(await world.run(["result", "none"]), 4, /RUN_NOT_FOUND/);
  held(await world.run(["result", "none", "--wait"]), 4, /RUN_NOT_FOUND/);
  const limited = await world.run(["result", "waits", "--wait", "--timeout", "50ms"]);
  held(limited, 124, /TIMED_OUT/);
  const awaiting = world.here(["result", "waits", "--wait"]);
  await waiting.cancel();
  assert.deepEqual(await awaiting, {
    code: 6,
    out: "",
    error: `run waits was cancelled: ${((await waiting.status()).error as Error).message}\n`,
  });
});

Deno.test("Ctrl-C ends a wait with code 130, and the run continues", async () => {
  await using world = await CliWorld.make({
    "echo.ts": ECHO,
    "stuck.ts": source(`await fetch("http://127.0.0.1:1/");`, `{ name: "stuck" }`),
  });
  const node = await world.node("echo.ts", "stuck.ts");
  const waiting = world.spawn(["start", "echo", '{"wait":"go"}', "--id", "r", "--wait"]);
  await waiting.printed(/^started r/m);
  waiting.kill("SIGINT");
  const ended = await waiting.ended();
  held(ended, 130, /INTERRUPTED/);
  assert.equal((await node.run("r").status()).endedAt, null);
  const parked = world.spawn(["start", "stuck", "--id", "p", "--wait"]);
  await parked.printed(/^run p is parked \(stuck_nondeterminism\): .*; still waiting$/m);
  held(await world.run(["runs", "retry", "r"]), 5);
  const retried = await world.run(["runs", "retry", "p"]);
  assert.deepEqual([retried.code, retried.out], [0, "p\tretried\n"]);
  parked.kill("SIGTERM");
  held(await parked.ended(), 130);
});
