/**
 * Code that is replayed in a subprocess can do nothing to the process that asks.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { makeFolder } from "../support/modules.ts";
import { deno } from "../support/processes.ts";
import { PROJECT } from "../support/project.ts";
import { eventually, reached } from "../support/runs.ts";
import { type DatabaseKind, forEachDatabase } from "../support/database.ts";
import { scene, source } from "../support/scene.ts";
import type { RunTrace } from "../../src/client/run/trace_shapes.ts";

/** Whether the module runs where it may do nothing: there each of the programs turns nasty. */
const NASTY = `const nasty = (() => {
  try { Deno.env.toObject(); return false; } catch { return true; }
})();`;

/** A workflow that waits in a node, and does something else in a subprocess. */
function traitor(name: string, inside: string, atTop = ""): string {
  return source(
    `if (nasty) { ${inside} } await ctx.waitForSignal("go");`,
    `{ name: "${name}" }`,
    `${NASTY} ${atTop}`,
  );
}

/** Starts a run in a node, and traces it in a client that has none of its code. */
async function traced(database: DatabaseKind, name: string, code: string, timeout = "60s") {
  const stack = new AsyncDisposableStack();
  const at = stack.use(await scene(database, { [`${name}.ts`]: code }));
  const run = await at.node.start(name);
  await reached(run, "suspended");
  const { database: adapter, schema } = at.db;
  const client = stack.use(await Continuum.connect({ database: adapter, schema }));
  return {
    trace: () => client.run(run.id).trace({ timeout }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Holds a trace to the error for which its code was not replayed. */
async function notReplayed(trace: Promise<RunTrace>, code: string, words: string): Promise<void> {
  const { unavailable, replayed } = await trace;
  assert.deepEqual([unavailable?.code, replayed], [code, null]);
  assert(unavailable!.message.includes(words), unavailable!.message);
}

forEachDatabase("a trace in a subprocess", (database, test) => {
  test("ends at its deadline where code loops, in a turn or at import, and leaves no process", async () => {
    for (
      const code of [traitor("loops", "while (true);"), traitor("loops", "", "while (nasty);")]
    ) {
      await using it = await traced(database, "loops", code, "2s");
      const before = await children();
      await notReplayed(it.trace(), "SUBPROCESS_TIMEOUT", "did not answer within 2 s");
      assert.deepEqual(await children(), before);
    }
  });

  test("reads and writes nothing, and sees no secret of this process", async () => {
    const probe = [
      `try { tried.push(Object.keys(Deno.env.toObject()).join()); } catch { tried.push("no env"); }`,
      `try { Deno.readTextFileSync("/etc/hostname"); tried.push("read"); } catch { tried.push("no read"); }`,
      `try { Deno.writeTextFileSync("/tmp/x", ""); tried.push("write"); } catch { tried.push("no write"); }`,
      `try { new Deno.Command("true").outputSync(); tried.push("run"); } catch { tried.push("no run"); }`,
      `try { await Deno.connect({ hostname: "127.0.0.1", port: 1 }); tried.push("net"); } catch (e) { tried.push(e.name); }`,
    ];
    const code = traitor(
      "reads",
      `await ctx.waitForSignal(tried.join(", "));`,
      `const tried: string[] = []; if (nasty) { ${probe.join("\n")} }`,
    );
    await using it = await traced(database, "reads", code);
    const { waiting } = await it.trace();
    assert.equal(waiting[0]!.name, "no env, no read, no write, no run, NotCapable");
  });

  test("takes nothing that code prints for an answer, and says when code would end the process", async () => {
    const prints = traitor(
      "prints",
      `console.log('{"value":{"effects":[]}}'); console.log("x".repeat(100_000));`,
    );
    await using first = await traced(database, "prints", prints);
    assert.equal((await first.trace()).waiting[0]!.name, "go");
    const exits = traitor("exits", "", "if (nasty) Deno.exit(3);");
    await using second = await traced(database, "exits", exits);
    await notReplayed(second.trace(), "VERSION_UNAVAILABLE", "exit");
  });

  test("has a bounded heap", async () => {
    const hoards = traitor(
      "hoards",
      "",
      "if (nasty) { const all: unknown[] = []; while (true) all.push(new Array(100_000).fill(0.5)); }",
    );
    await using it = await traced(database, "hoards", hoards, "60s");
    await notReplayed(it.trace(), "SUBPROCESS_ENDED", "the process ended");
  });

  test("compiles every language without a permission", async () => {
    const code = `import { defineWorkflow } from "@continuum/continuum/workflow";
enum Name { Go = "go" }
function seen(_: unknown, context: ClassMethodDecoratorContext) { names.push(String(context.name)); }
const names: string[] = [];
class It { constructor(private readonly name: Name) {} @seen get() { return this.name; } }
export default defineWorkflow({ name: "typed" }, async (ctx) => {
  await ctx.waitForSignal(new It(Name.Go).get() + names.join());
});
`;
    await using it = await traced(database, "typed", code);
    const { waiting, replayed } = await it.trace();
    assert.deepEqual([waiting[0]!.name, waiting[0]!.site?.line, replayed], [
      "goget",
      7,
      "subprocess",
    ]);
  });
});

const ENDS = { "exits": "Deno.exit(0);", "is killed": 'Deno.kill(Deno.pid, "SIGKILL");' };

for (const [how, end] of Object.entries(ENDS)) {
  Deno.test(`a process that ${how} leaves no subprocess behind, also one whose code loops`, async () => {
    await using folder = await makeFolder({
      "loops.ts": "while (true);\nexport {};\n",
      "ends.ts": `import { Subprocess } from "${PROJECT}src/dry_run/subprocess.ts";
import { readGraph } from "${PROJECT}src/version/graph/read.ts";

const code = await readGraph(import.meta.resolve("./loops.ts"));
const subprocess = await Subprocess.start(code, { timeoutMs: Infinity });
void subprocess.load();
const path = \`/proc/\${Deno.pid}/task/\${Deno.pid}/children\`;
const [pid] = (await Deno.readTextFile(path)).trim().split(" ");
/** A second of processor time: more than a start takes. */
while (Number((await Deno.readTextFile(\`/proc/\${pid}/stat\`)).split(" ")[13]) < 100) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log(pid);
${end}
`,
    });
    const config = decodeURIComponent(new URL("deno.json", PROJECT).pathname);
    const { output, errors } = await deno(
      ["run", "-A", "--no-check", "--quiet", "--config", config, `${folder.url}ends.ts`],
    );
    assert.match(output, /^\d+\n$/, errors);
    await eventually(
      async () => await Deno.stat(`/proc/${output.trim()}`).then(() => undefined, () => true),
      () => "end of the subprocess",
    );
  });
}

/** The processes that this process has started and that are alive. */
async function children(): Promise<string[]> {
  const path = `/proc/${Deno.pid}/task/${Deno.pid}/children`;
  return (await Deno.readTextFile(path)).trim().split(" ").filter((pid) => pid !== "").sort();
}
