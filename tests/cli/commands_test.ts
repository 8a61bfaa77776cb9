/**
 * The reading commands, each as a process of its own with its exit code, and what they print.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached } from "../support/runs.ts";
import { refused, source } from "../support/scene.ts";

/** A payload that would write the terminal's title, if it were printed as it is. */
const TITLE = "\u001b]0;owned\u0007";

/** A busy machine may need long for a subprocess. */
const TRACES = ["runs trace o-0 --deadline 10m", "runs where o-0 --deadline 10m"];

const ORDER = source(
  `const amount = await ctx.run("quote", () => input.items * 10);
   if (input.items === 0) throw new Error("no items" + input.note);
   const review = await approve(ctx);
   return { amount, review, big: 2n ** 70n, double: 9007199254740994 };`,
  `{ name: "order" }`,
  `import { approve } from "./lib/approve.ts";`,
);

const APPROVE = `export function approve(ctx: any) {
  return ctx.waitForSignal("review", { timeout: "24h" });
}
`;

/** A database with runs in several states, a schedule, and no node. */
async function scene() {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await CliWorld.make({ "order.ts": ORDER, "lib/approve.ts": APPROVE }));
  const node = await world.node("order.ts");
  const attributes = { customer: "acme" };
  const waits = await node.start("order", { items: 3 }, { runId: "o-1041", attributes });
  await reached(waits, "suspended");
  const done = await node.start("order", { items: 4 }, { runId: "o-1042" });
  await done.signal("review", "yes");
  await done.result();
  const failed = await node.start("order", { items: 0, note: TITLE }, { runId: "o-0" });
  await refused(failed.result(), "RUN_FAILED");
  await node.schedules.create({ id: "nightly", workflow: "order", cron: "0 3 * * *" });
  const { versions: [version] } = await node.versions.list({ workflow: "order" });
  await node.close();
  const kept = stack.move();
  return {
    hash: version!.hash,
    process: (line: string, permissions?: readonly string[]) =>
      world.run(line.split(" "), undefined, permissions),
    here: (line: string, columns?: number) =>
      world.here(line.split(" "), columns === undefined ? {} : { isTerminal: true, columns }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

Deno.test("each reading command ends with its exit code, as a process of its own", async () => {
  await using at = await scene();
  const short = at.hash.slice(0, 8);
  const calls: readonly (readonly [line: string, code: number, out: RegExp, error?: RegExp])[] = [
    ["runs list", 0, /^o-1041\torder\t[0-9a-f]{64}\tsuspended\tsignal "review", ends 20[^\n]*\n$/],
    ["runs count --state any", 0, /^3\n$/],
    ["runs show o-0", 0, /\nerror +no items\\u001b\]0;owned\\u0007\n/],
    ["runs show none", 4, /^$/, /RUN_NOT_FOUND: [^\n]*"none"\n {2}.*--namespace/],
    ["runs history o-1042", 0, /^0\t20[^\t]*Z\tstep.completed\tquote\t40\n1\t.*\treview\t"yes"\n$/],
    [
      "runs trace o-1042 --deadline 10m",
      0,
      /\n1\tsignal\treview\tapprove.ts:2\t\S+ "yes"\nthe code has returned/,
    ],
    [
      "runs where o-1041 --deadline 10m",
      0,
      /▸ 2 │ {3}return ctx[^]*▴[^]*called from [^\n]*order.ts:\d+:\d+/,
    ],
    [`versions list --fields hash`, 0, new RegExp(`^${at.hash}\n$`)],
    [`versions show ${short}`, 0, /MODULE[^]*lib\/approve\.ts/],
    [`versions source ${short} approve.ts`, 0, /^export function approve[^]*\n\}\n/],
    [`versions where-used ${short}`, 0, /1 live, the oldest: o-1041/],
    ["runs trace o-1042 --at 99 --deadline 10m", 2, /^$/, /found 99, wanted [^\n]* from 0 to 2\n/],
    ["runs where o-1041 --at 2 --deadline 10m", 2, /^$/, /found 2, wanted [^\n]* from 0 to 1\n/],
    ["runs trace o-1042 --at=-1", 2, /^$/, /--at: found "-1", wanted a whole number/],
    ["versions show ffffffff", 4, /^$/, /VERSION_NOT_FOUND/],
    ["schedules list", 0, /^nightly\torder\tactive\t0 3 \* \* \* \(UTC\)\t20/],
    ["schedules show nightly", 0, /runs +0 started/],
    ["schedules show weekly", 4, /^$/, /SCHEDULE_NOT_FOUND/],
    ["queues", 0, /^$/],
    ["nodes", 0, /^$/],
    ["health --strict", 0, /^ok · 0 nodes alive\n- UNSIGNED_CODE/],
    ["migrate --check", 0, /up to date/],
    ["runs list --fields nonsense", 2, /^$/, /--fields/],
    ["runs list --version zz", 2, /^$/, /at least 4 of the 64 hexadecimal digits/],
    ["runs list --state sleeping", 2, /^$/, /--state/],
  ];
  for (const [line, code, out, error] of calls) {
    const ended = await at.process(line);
    assert.equal(ended.code, code, `${line}: ${ended.error}`);
    assert.match(ended.out, out, line);
    if (error !== undefined) assert.match(ended.error, error, line);
  }
});

Deno.test("JSON is valid and whole: values are decoded, and no digit of a number is lost", async () => {
  await using at = await scene();
  const json = async (line: string) => JSON.parse((await at.here(`${line} --json`)).out);
  const { runs, next } = await json("runs list --state any --limit 2");
  assert.deepEqual(runs.map(({ id }: { id: string }) => id), ["o-0", "o-1042"]);
  const { runs: [last], next: end } = await json(`runs list --state any --limit 2 --after ${next}`);
  assert.deepEqual([last.id, last.waits[0].name, end], ["o-1041", "review", null]);
  const { out } = await at.here("runs show o-1042 --json --fields result");
  assert.match(out, /"double": 9007199254740994\b/);
  assert.equal(JSON.parse(out).result.big, (2n ** 70n).toString());
  const lines = (await at.here("runs list --state any --all --jsonl --fields id,version.hash")).out;
  assert.deepEqual(lines.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    { "id": "o-0", "version.hash": at.hash },
    { "id": "o-1042", "version.hash": at.hash },
    { "id": "o-1041", "version.hash": at.hash },
  ]);
  const { error } = await json("runs show o-0 --fields error");
  assert.equal(error.message, `no items${TITLE}`);
  const where = await json("runs where o-1041 --deadline 10m");
  assert.equal(where.waits.waiting[0].lines[2].number, 3);
});

Deno.test("runs are selected by state, version, attribute, id and time", async () => {
  await using at = await scene();
  const ids = async (options: string) => {
    const { out, error, code } = await at.here(`runs list ${options} --fields id`);
    assert.equal(code, 0, error);
    return out.split("\n").filter((line) => line !== "");
  };
  assert.deepEqual(await ids("--state failed"), ["o-0"]);
  assert.deepEqual(await ids("--state ended"), ["o-0", "o-1042"]);
  assert.deepEqual(await ids("--state completed,suspended"), ["o-1042", "o-1041"]);
  assert.deepEqual(await ids("--state any --id o-10"), ["o-1042", "o-1041"]);
  assert.deepEqual(await ids("--attr customer=acme"), ["o-1041"]);
  assert.deepEqual(await ids("--version current"), ["o-1041"]);
  assert.deepEqual(await ids(`--version ${at.hash.slice(0, 6)}`), ["o-1041"]);
  assert.deepEqual(await ids("--version old"), []);
  assert.deepEqual(await ids("--state any --since 1h --until 2000-01-01"), []);
  assert.deepEqual(await ids(`--where {"id":"o-1041"}`), ["o-1041"]);
});

Deno.test("a table fits the terminal, and cuts no id", async () => {
  await using at = await scene();
  for (const columns of [60, 120]) {
    const { out } = await at.here("runs list --state any --no-color", columns);
    const [heading, ...rows] = out.trimEnd().split("\n");
    assert.match(heading!, /^ID +WORKF/);
    assert.deepEqual(rows.map((row) => row.split(/ {2,}/)[0]), [
      "o-0",
      "o-1042",
      "o-1041",
      "3 runs",
    ]);
    assert(Math.max(...[heading!, ...rows].map((line) => line.length)) <= columns, out);
  }
  const { out } = await at.here("runs trace o-1041 --no-color --deadline 10m", 120);
  assert.match(out, /0 ├─+⋯?┤ [^\n]*\n0 +step +quote[^\n]*█\n1 +signal[^\n]*▸\n/);
});

Deno.test("a payload moves no cursor: control characters are escapes in every format", async () => {
  await using at = await scene();
  for (const line of ["runs show o-0", "runs history o-0", ...TRACES]) {
    for (const format of ["", " --json", " --jsonl"]) {
      const { out } = await at.here(`${line} --no-color${format}`, 200);
      // deno-lint-ignore no-control-regex -- these are what must not come
      assert.doesNotMatch(out, /\u001b|\u0007/, line + format);
    }
  }
});

Deno.test("without the permission to start a subprocess, the source is shown and the code not run", async () => {
  await using at = await scene();
  const where = await at.process("runs where o-1041", ["--deny-run"]);
  assert.equal(where.code, 1, where.error);
  assert.match(where.out, /^o-1041 is suspended: waits for signal "review"/);
  assert.match(
    where.out,
    /the line can't be found: [^\n]*--allow-run[^]*last event: step\.completed/,
  );
  const source = await at.process(`versions source ${at.hash.slice(0, 8)}`, ["--deny-run"]);
  assert.equal(source.code, 0, source.error);
});
