/**
 * `worker`: a node that is opened from a command line.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { eventually } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const GREET = source(
  `const greeting = await ctx.activity("greet", input);
   return [greeting, await ctx.activity("mail", greeting, { queue: "email" })];`,
  `{ name: "greet" }`,
);

const ACTIVITIES = `import { defineActivity } from "@continuum/continuum/workflow";
export const greet = defineActivity({ name: "greet" }, (name: string) => "hello " + name);
export const mail = defineActivity({ name: "mail", queue: "email" }, (text: string) => "sent " + text);
`;

/** Maps the package to the checkout, for modules that the process itself imports. */
const CONFIG = JSON.stringify({
  imports: {
    "@continuum/continuum/workflow": new URL("../../src/workflow/mod.ts", import.meta.url).href,
  },
});

const WAITS = source(`return await ctx.waitForSignal("go");`, `{ name: "waits" }`);

Deno.test("worker --observer serves the node's own pages to the one who opens its link", async () => {
  await using world = await CliWorld.make({ "waits.ts": WAITS });
  const worker = world.spawn(["worker", "waits.ts", "--observer", "0", "--name", "w1"]);
  const [, link] = await worker.printed(/^observer at (http:\/\/127\.0\.0\.1:\d+\/\?token=\S+)$/m);
  const { code } = await world.run(["start", "waits", "--id", "w-1"]);
  assert.equal(code, 0);
  const opened = await fetch(link!, { redirect: "manual" });
  await opened.body?.cancel();
  const [cookie] = opened.headers.getSetCookie()[0]!.split(";");
  const page = async (path: string, headers: Record<string, string>) => {
    const answer = await fetch(new URL(path, link), {
      headers: { accept: "text/html", ...headers },
    });
    return [answer.status, await answer.text()] as const;
  };
  const [status, run] = await page("/runs/w-1", { cookie: cookie! });
  assert.deepEqual([status, /waits/.test(run)], [200, true]);
  assert.match((await page("/nodes", { cookie: cookie! }))[1], /w1/);
  const again = await fetch(link!, { redirect: "manual" });
  await again.body?.cancel();
  assert.deepEqual(again.headers.getSetCookie(), [], "the link works once");
  assert.equal((await page("/runs/w-1", {}))[0], 401);
  worker.kill("SIGTERM");
  assert.equal((await worker.ended()).code, 0);
});

Deno.test("a worker executes the runs of its modules, says what it serves, and ends with code 0 at SIGTERM", async () => {
  await using world = await CliWorld.make({
    "deno.json": CONFIG,
    "workflows/greet.ts": GREET,
    "workflows/waits.ts": WAITS,
    "activities.ts": ACTIVITIES,
  });
  const worker = world.spawn([
    ...["worker", "workflows/*.ts", "--activities", "activities.ts", "--queue", "email=3"],
    ...["--health-port", "127.0.0.1:0", "--name", "w1"],
  ]);
  const [line, port] = await worker.printed(/^serving .*health on 127\.0\.0\.1:(\d+)$/m);
  assert.match(
    line,
    /^serving greet [0-9a-f]{12}, waits [0-9a-f]{12}; activities greet, mail; queues default, email;/,
  );
  const asked = async (path: string, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return [response.status, await response.text()] as const;
  };
  assert.deepEqual(await asked("/live"), [200, "live\n"]);
  const [status, readiness] = await asked("/ready");
  assert.deepEqual([status, JSON.parse(readiness).state], [200, "ready"]);
  assert.deepEqual((await asked("/metrics"))[0], 404);
  assert.deepEqual((await asked("/live", "POST"))[0], 405);
  const { code, out } = await world.run(["start", "greet", '"you"', "--wait"]);
  assert.deepEqual([code, JSON.parse(out)], [0, ["hello you", "sent hello you"]]);
  worker.kill("SIGTERM");
  const ended = await worker.ended();
  assert.equal(ended.code, 0, ended.error);
  assert.match(ended.error, /^stopped: 0 runs were released for other nodes$/m);
});

Deno.test("a run that waits when its worker stops is continued by the next worker", async () => {
  await using world = await CliWorld.make({ "waits.ts": WAITS });
  const first = world.spawn(["worker", "./waits.ts"]);
  await first.printed(/^serving waits/m);
  await world.here(["start", "waits", "--id", "r"]);
  first.kill("SIGINT");
  assert.equal((await first.ended()).code, 0);
  const second = world.spawn(["worker", world.folder.url + "waits.ts"]);
  await second.printed(/^serving waits/m);
  assert.equal((await world.here(["signal", "r", "go", "7"])).code, 0);
  assert.deepEqual(await world.here(["result", "r", "--wait"]), { code: 0, out: "7\n", error: "" });
});

Deno.test("the first signal lets an attempt under way finish, and a second one stops the worker at once with code 130", async () => {
  const body = (rest: string) =>
    source(
      `return await ctx.run("slow", async () => {
         await Deno.writeTextFile(input, "under way");
         ${rest}
       });`,
      `{ name: "slow" }`,
    );
  const finishes = `while (await Deno.readTextFile(input) !== "finish")
    await new Promise((resolve) => setTimeout(resolve, 10));
    return "finished";`;
  for (const [rest, code] of [[finishes, 0], ["await new Promise(() => {});", 130]] as const) {
    await using world = await CliWorld.make({ "slow.ts": body(rest) });
    const worker = world.spawn(["worker", "slow.ts", "--drain", "1h"]);
    await worker.printed(/^serving slow/m);
    const file = `${world.cwd}step`;
    await world.here(["start", "slow", JSON.stringify(file), "--id", "r"]);
    const written = () => Deno.readTextFile(file).catch(() => undefined);
    await eventually(written, () => "step under way");
    worker.kill("SIGINT");
    await worker.printed(/^stopping: /m);
    if (code === 0) await Deno.writeTextFile(file, "finish");
    else worker.kill("SIGTERM");
    assert.equal((await worker.ended()).code, code);
    if (code !== 0) continue;
    const client = await world.client();
    assert.deepEqual((await client.run("r").history()).map(({ value }) => value), ["finished"]);
  }
});

Deno.test("a worker of an older version says that it is not current, and how to make it so", async () => {
  const version = (label: number) =>
    source("return input;", `{ name: "edited", version: ${label} }`);
  await using world = await CliWorld.make({ "edited.ts": version(1) });
  await world.node("edited.ts");
  await world.folder.write({ "edited.ts": version(2) });
  await world.node("edited.ts");
  await world.folder.write({ "edited.ts": version(1) });
  const worker = world.spawn(["worker", "edited.ts", "--json"]);
  const [note, hash] = await worker.printed(
    /^edited ([0-9a-f]{12}) is not current: .*`continuum versions activate edited \1`$/m,
  );
  assert.ok(note);
  worker.kill("SIGTERM");
  const { workflows } = JSON.parse((await worker.ended()).out);
  assert.deepEqual(
    workflows.map(({ label, current }: { label: string; current: boolean }) => [label, current]),
    [["1", false]],
  );
  const activated = await world.here(["versions", "activate", "edited", hash!]);
  assert.equal(activated.code, 0, activated.error);
  assert.match(activated.out, new RegExp(`^edited is current at ${hash}, before [0-9a-f]{12}\n$`));
});

Deno.test("a worker that can't serve says why in a sentence, with the exit code of its kind", async () => {
  await using world = await CliWorld.make({
    "waits.ts": WAITS,
    "plain.ts": "export default 1;",
    "broken.ts": `${WAITS}throw new Error("no");`,
  });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const cases: readonly (readonly [args: string[], code: number, says: RegExp])[] = [
    [["nowhere.ts"], 2, /"nowhere\.ts", where no file is, wanted a file, a URL or a pattern/],
    [["none/*.ts"], 2, /pattern of modules: found "none\/\*\.ts", which matches no file/],
    [["plain.ts"], 2, /NOT_A_WORKFLOW/],
    [["broken.ts"], 1, /IMPORT_FAILED/],
    [
      ["waits.ts", "--activities", "waits.ts"],
      2,
      /exports none, wanted exports that defineActivity/,
    ],
    [["waits.ts", "--queue", "=3"], 2, /--queue: found "=3", wanted a queue's name/],
    [["waits.ts", "--health-port", "http"], 2, /--health-port: found "http", wanted a port/],
    [
      ["waits.ts", "--health-port", `127.0.0.1:${port}`],
      1,
      /health port: 127\.0\.0\.1:\d+ is in use/,
    ],
    [["waits.ts", "--observer", "70000"], 2, /--observer: found "70000", wanted a port/],
    [
      ["waits.ts", "--observer", `${port}`],
      1,
      /Cannot open the observer: 127\.0\.0\.1:\d+ is in use/,
    ],
    [["waits.ts", "--drain", "soon"], 2, /--drain/],
    [["waits.ts", "--log", "warn"], 2, /--log: found "warn".*did you mean warning/],
    [["waits.ts", "--schema", "no_tables"], 5, /SCHEMA_TOO_OLD[^]*continuum migrate/],
    [[], 2, /Missing argument <module\.\.\.>/],
  ];
  for (const [args, code, says] of cases) {
    const ended = await world.run(["worker", ...args]);
    assert.match(ended.error, says, args.join(" "));
    assert.equal(ended.code, code, `${args.join(" ")}: ${ended.error}`);
    assert.equal(ended.out, "", args.join(" "));
  }
});
