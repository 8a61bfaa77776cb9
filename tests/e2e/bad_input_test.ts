/**
 * Whatever is wrong is said where it was given, by name, and costs nothing else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { refused as refusedWith } from "../support/scene.ts";
import { effectId, MAX_RUN_ID } from "../../src/base/run_ids.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { emptyPostgres, forEachDatabase } from "../support/database.ts";
import { type Files, makeFolder } from "../support/modules.ts";
import { eventually, makeSite, openIn, reached, resultOf } from "../support/runs.ts";

const HEAD = `import { defineWorkflow } from "@continuum/continuum/workflow";\n`;

function workflow(body: string, options = `{ name: "test" }`): string {
  return `${HEAD}export default defineWorkflow(${options}, async (ctx, input: any) => {\n${body}\n});\n`;
}

const ECHO = workflow("return input;");

/** What is wanted of an error: its code, and words of its message. */
type Wanted = readonly [code: string, ...words: (string | RegExp)[]];

function refused(attempt: Promise<unknown>, [code, ...words]: Wanted): Promise<void> {
  return refusedWith(attempt, code, ...words);
}

/** Modules that can't be workflows, and what is said of them. */
const BAD_MODULES: Readonly<Record<string, readonly [source: string, wanted: Wanted]>> = {
  "is no code": ["not code at all {", ["MODULE_SYNTAX", "bad.ts"]],
  "has no default export": [
    "export const order = 1;",
    ["NO_DEFAULT_EXPORT", "bad.ts", "order", "wanted export default defineWorkflow"],
  ],
  "exports something else": [
    "export default () => 1;",
    ["NOT_A_WORKFLOW", "bad.ts", "function", "wanted export default defineWorkflow"],
  ],
  "imports what is not there": [
    `import "./nowhere.ts";`,
    ["MODULE_NOT_FOUND", "nowhere.ts", "bad.ts:1:"],
  ],
  "throws": [
    `throw new RangeError("no such luck"); export default 1;`,
    ["IMPORT_FAILED", "bad.ts", "RangeError: no such luck"],
  ],
  "leaves a rejected promise": [
    `Promise.reject(new Error("left behind")); ${ECHO}`,
    ["IMPORT_FAILED", "bad.ts", "left a rejected promise", "left behind"],
  ],
  "calls Deno.exit": [`Deno.exit(3); ${ECHO}`, [
    "IMPORT_FAILED",
    "bad.ts",
    "asked the process to exit",
  ]],
  "defines a workflow without a name": [
    workflow("", `{ name: "" }`),
    ["IMPORT_FAILED", "bad.ts", "name"],
  ],
  "imports the engine": [
    `import { Continuum } from "@continuum/continuum"; ${ECHO} console.log(Continuum);`,
    ["GRAPH_FORBIDDEN", "@continuum/continuum"],
  ],
};

forEachDatabase("bad input", (database, test) => {
  for (const [what, [source, wanted]] of Object.entries(BAD_MODULES)) {
    test(`open() says that a workflow module ${what}, and closes everything`, async () => {
      await using db = await database.fresh();
      await using folder = await makeFolder({ "bad.ts": source });
      const workflows = [folder.url + "bad.ts"];
      await refused(openIn(db, { workflows }), wanted);
      assert.deepEqual(await db.query(`select * from {schema}.nodes`), []);
      assert.deepEqual(await db.query(`select * from {schema}.workflow_versions`), []);
    });
  }

  test("start(), result(), signal() and upgrade() refuse options that they don't know", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({ "echo.ts": ECHO });
    await using node = await openIn(db, { workflows: [folder.url + "echo.ts"] });
    const odd = { runID: "a" } as never;
    await refused(node.start("test", 1, odd), ["INVALID_ARGUMENT", "runID", "runId"]);
    await refused(node.start("test", 1, { ifExists: "replace" as never }), [
      "INVALID_ARGUMENT",
      "ifExists",
      "replace",
      '"error", "use", "useEnded", "replaceEnded" or "terminate"',
    ]);
    const run = await node.start("test", 1);
    await refused(run.result(odd), ["INVALID_ARGUMENT", "runID", "timeout"]);
    await refused(run.result({ timeout: -1 }), ["INVALID_ARGUMENT", "timeout", "-1"]);
    await refused(run.result({ timeout: "soon" }), ["INVALID_ARGUMENT", "timeout", "soon"]);
    await refused(run.signal("go", 1, odd), ["INVALID_ARGUMENT", "runID", "deliveryId"]);
    await refused(run.signal("go", 1, { deliveryId: "" }), ["INVALID_ARGUMENT", "deliveryId"]);
    await refused(run.signal("", 1), ["INVALID_ARGUMENT", "signal", 'found ""']);
    await refused(run.signal("s".repeat(300), 1), ["INVALID_ARGUMENT", "signal", "300"]);
    await refused(run.signal(7 as never, 1), ["INVALID_ARGUMENT", "signal", "7"]);
    await refused(run.upgrade(odd), ["INVALID_ARGUMENT", "runID", "dryRun"]);
    await refused(run.terminate(odd), ["INVALID_ARGUMENT", "runID", "reason"]);
    assert.equal(await resultOf(run), 1);
  });

  test("input that can't be written is refused by path, and no run is left", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({ "echo.ts": ECHO });
    await using node = await openIn(db, { workflows: [folder.url + "echo.ts"] });
    const cyclic: Record<string, unknown> = { name: "knot" };
    cyclic["self"] = { again: cyclic };
    for (
      const [input, path] of [
        [{ items: [1, { callback: () => 1 }] }, "input.items[1].callback"],
        [Symbol("s"), "input"],
        [{ a: new WeakMap() }, "input.a"],
        [cyclic, "input.self.again"],
        [{ made: new (class Money {})() }, "input.made"],
        [new Map([["k", Promise.resolve()]]), "input"],
      ] as const
    ) {
      await refused(node.start("test", input), ["NOT_SERIALIZABLE", path, "wanted JSON"]);
    }
    assert.deepEqual(await db.query(`select * from {schema}.runs`), []);
  });

  test("a signal to a run that does not exist, or has ended, is refused and leaves nothing", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({ "echo.ts": ECHO });
    await using node = await openIn(db, { workflows: [folder.url + "echo.ts"] });
    const nobody = node.run("nobody");
    await refused(nobody.signal("go"), ["RUN_NOT_FOUND", '"go"', '"nobody"']);
    for (
      const action of ["result", "status", "history", "retry", "upgrade", "terminate"] as const
    ) {
      await refused(nobody[action](), ["RUN_NOT_FOUND", '"nobody"']);
    }
    const run = await node.start("test", 1, { runId: "once" });
    await resultOf(run);
    await refused(run.signal("go"), ["RUN_ENDED", '"go"', '"once"', "completed"]);
    await refused(run.terminate(), ["RUN_ENDED", '"once"', "completed"]);
    await refused(run.retry(), ["RUN_STATE", '"once"', "completed"]);
    await refused(node.start("test", 2, { runId: "once" }), ["RUN_EXISTS", '"once"', "ifExists"]);
    const same = await node.start("test", 2, { runId: "once", ifExists: "useEnded" });
    assert.equal(await resultOf(same), 1);
    assert.deepEqual(await db.query(`select * from {schema}.inbox`), []);
    const wait = run.signal("go", { callback: () => 1 });
    await refused(wait, ["NOT_SERIALIZABLE", "payload.callback"]);
  });

  test("what a workflow can't return or throw fails its run readably, once", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({
      "odd.ts": workflow(`
        if (input === "result") return { items: [{ callback: () => 1 }] };
        if (input === "step") return await ctx.run("step", () => ({ socket: new WeakMap() }), {
          retry: { maxAttempts: 3, initial: 0 },
        });
        if (input === "symbol") throw Symbol("thrown");
        if (input === "nothing") throw undefined;
        throw { not: () => "an error" };
      `),
    });
    await using node = await openIn(db, { workflows: [folder.url + "odd.ts"] });
    for (
      const [input, word] of [
        ["result", "result.items[0].callback"],
        ["step", "result.socket"],
        ["symbol", "thrown"],
        ["nothing", "undefined"],
        ["object", ""],
      ] as const
    ) {
      const run = await node.start("test", input);
      await refused(resultOf(run), ["RUN_FAILED", run.id, word]);
      assert.equal((await run.status()).state, "failed");
    }
    const rows = await db.query<{ most: number }>(
      `select max(claims_since_progress) as most from {schema}.runs`,
    );
    assert(rows[0]!.most <= 1, "no run was taken up again");
  });

  test("a wait and a start are refused clearly once everything is closed", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({
      "waits.ts": workflow(`await ctx.waitForSignal("go");`),
    });
    const node = await openIn(db, { workflows: [folder.url + "waits.ts"] });
    const run = await node.start("test", 1);
    const wait = refused(run.result(), ["CLOSED", "wait for a result"]);
    const far = refused(node.run(run.id).result(), ["CLOSED", "wait for a result"]);
    await node.close();
    await Promise.all([wait, far]);
    await refused(node.start("test", 1), ["CLOSED", "start a run"]);
    await refused(run.result(), ["CLOSED", "wait for a result"]);
  });

  test("run ids may be anything that Postgres can keep", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({ "echo.ts": ECHO });
    await using node = await openIn(db, { workflows: [folder.url + "echo.ts"] });
    const odd = [
      "a/b?c#d",
      "'; drop table runs; --",
      "日本語 🙂",
      " ",
      "{schema}",
      "x".repeat(255),
      "\\",
    ];
    for (const runId of odd) {
      const run = await node.start("test", runId, { runId });
      assert.equal(run.id, runId);
      assert.equal(await resultOf(node.run(runId)), runId);
    }
    for (
      const [runId, ...words] of [
        ["", 'found ""'],
        [7, "found 7"],
        [null, "null"],
        ["a\0b", "a\\u0000b"],
        ["\ud800", "\\ud800"],
      ] as const
    ) {
      await refused(node.start("test", 1, { runId: runId as string }), [
        "INVALID_ARGUMENT",
        "run id",
        ...words,
      ]);
      assert.throws(() => node.run(runId as string), { code: "INVALID_ARGUMENT" });
    }
  });

  test("ids that the engine makes can be looked for, and given to no run", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({ "echo.ts": ECHO });
    await using node = await openIn(db, { workflows: [folder.url + "echo.ts"] });
    for (
      const [runId, ...words] of [
        ["x".repeat(256), "256"],
        ["order>3.k9x2ab", "order>3.k9x2ab", '"-retry"'],
        ["report>2026-03-29T01:00:00.000Z", "report>2026-03-29T01"],
        [effectId({ runId: "x".repeat(255), seed: "s" }, 1), "characters"],
      ] as const
    ) {
      await refused(node.start("test", 1, { runId }), ["INVALID_ARGUMENT", "run id", ...words]);
      await refused(node.run(runId).status(), ["RUN_NOT_FOUND"]);
    }
    assert.throws(() => node.run("x".repeat(MAX_RUN_ID + 1)), { code: "INVALID_ARGUMENT" });
    const run = await node.start("test", 1, { runId: "order>3.k9x2ab-retry" });
    assert.equal(await resultOf(run), 1);
  });

  test("an input of 10 MB comes back as it went", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({
      "big.ts": workflow(`
        const copy = await ctx.run("copy", () => input);
        await ctx.waitForSignal("go");
        return copy;
      `),
    });
    const limits = { payloadBytes: 32 * 1_048_576 };
    await using node = await openIn(db, { workflows: [folder.url + "big.ts"], limits });
    const input = { text: "ü🙂\0\\".repeat(1_000_000), bytes: new Uint8Array(1_000_000).fill(7) };
    assert(new TextEncoder().encode(input.text).length >= 8_000_000);
    const run = await node.start("test", input);
    await reached(run, "suspended");
    await run.signal("go");
    assert.deepEqual(await resultOf(run), input);
  });

  test("a graph of 2,000 modules registers and runs, from the archive too", async () => {
    await using db = await database.fresh();
    const files: { [path: string]: string } = {};
    for (let n = 0; n < 1_999; n++) {
      const next = 2 * n + 1 < 1_999 ? [2 * n + 1, 2 * n + 2].filter((m) => m < 1_999) : [];
      files[`m/${n}.ts`] = next.map((m) => `import { n as n${m} } from "./${m}.ts";\n`).join("") +
        `export const n: number = 1${next.map((m) => ` + n${m}`).join("")};\n`;
    }
    files["order.ts"] = `import { n } from "./m/0.ts";\n` +
      workflow(`await ctx.waitForSignal("go"); return n;`);
    await using site = makeSite(files);
    const workflows = [site.at("order.ts")];
    let id: string;
    {
      await using node = await openIn(db, { workflows });
      const run = await node.start("test");
      await reached(run, "suspended");
      ({ id } = run);
    }
    for (const path of Object.keys(files)) site.files[path] = 404;
    await using node = await openIn(db, { trust: { modules: [`${site.url}*`] } });
    await node.run(id).signal("go");
    assert.equal(await resultOf(node.run(id)), 1_999);
  });

  test("two workflows of one name are two versions: by definition, specifier and name", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({
      "a.ts": workflow(`return "a";`),
      "b.ts": workflow(`return "b";`),
      "c.ts": workflow(`return "c";`),
    });
    const [a, b, c] = ["a.ts", "b.ts", "c.ts"].map((path) => folder.url + path) as [
      string,
      string,
      string,
    ];
    const definition = async (url: string) => (await import(url)).default;
    await using node = await openIn(db, { workflows: [a, b] });
    assert.equal(await resultOf(await node.start(a)), "a");
    assert.equal(await resultOf(await node.start(b)), "b");
    assert.equal(await resultOf(await node.start("test")), "b", "the newest is current");
    const listed = (await node.versions.list({ workflow: "test" })).versions;
    const [newest] = listed;
    assert.equal(newest?.current, true);
    const older = listed.find(({ current }) => !current);
    await node.versions.activate("test", older!.hash);
    assert.equal(await resultOf(await node.start("test")), "a");
    assert.equal(await resultOf(await node.start(await definition(a), 1)), "a");
    assert.equal(await resultOf(await node.start(await definition(b), 1)), "b");
    await refused(node.start(await definition(`${a}?apart`), 1), [
      "VERSION_NOT_FOUND",
      "several versions",
      "test",
    ]);
    await refused(node.start(c), ["VERSION_NOT_FOUND", "c.ts", "trust.start"]);
    await refused(node.start("nothing of that name"), [
      "VERSION_NOT_FOUND",
      "nothing of that name",
    ]);
    await refused(node.versions.activate("test", "f".repeat(64)), ["VERSION_NOT_FOUND"]);
    await refused(node.versions.activate("other", older!.hash), ["VERSION_NOT_FOUND"]);
  });

  test("an effect that fails while another is unawaited harms neither run nor process", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({
      "loose.ts": workflow(`
        const fails = (name: string) =>
          ctx.run(name, () => Promise.reject(new Error(name)), { retry: { maxAttempts: 1 } });
        const first = fails("awaited late");
        fails("never awaited");
        const slow = ctx.run("slow", () => "slow");
        await ctx.run("other", () => 1);
        await ctx.waitForSignal("go");
        return [await first.catch((error) => error.message), await slow];
      `),
    });
    await using node = await openIn(db, { workflows: [folder.url + "loose.ts"] });
    const run = await node.start<string[]>("test");
    await reached(run, "suspended");
    await run.signal("go");
    const [first, slow] = await resultOf(run);
    assert.match(first!, /awaited late/);
    assert.equal(slow, "slow");
  });

  test("a pinned package is taken and an unpinned one refused under strict pinning", async () => {
    await using db = await database.fresh();
    await using folder = await makeFolder({ "loose.ts": `import "npm:ms";\n${ECHO}` });
    await refused(openIn(db, { workflows: [folder.url + "loose.ts"], pinning: "strict" }), [
      "GRAPH_UNPINNED",
      "loose.ts",
      "npm:ms",
    ]);
  });

  test("specifiers that only look trusted are refused before anything is asked of anyone", async () => {
    await using db = await database.fresh();
    const asked: string[] = [];
    await using node = await openIn(db, {
      trust: { modules: ["https://cdn.example/wf/*"], start: true },
      fetch: (input) => {
        asked.push(String(input));
        return Promise.resolve(
          new Response(ECHO, { headers: { "content-type": "text/typescript" } }),
        );
      },
    });
    for (
      const specifier of [
        "https://cdn.example/wf-evil/order.ts",
        "https://cdn.example/wf@evil.host/order.ts",
        "https://cdn.example/wf/../order.ts",
        "https://cdn.example/wf/%2e%2e/order.ts",
        "https://cdn.example/wf/..%2forder.ts",
        "https://cdn.example@evil.host/wf/order.ts",
        "https://user:secret@cdn.example/wf/order.ts",
        "https://cdn.example.evil.host/wf/order.ts",
        "https://cdn.example:8443/wf/order.ts",
        "http://cdn.example/wf/order.ts",
        "https://cdn.example./wf/order.ts",
        "https://127.0.0.1/wf/order.ts",
        "https://[::ffff:10.0.0.1]/wf/order.ts",
        "file:///etc/passwd",
        "data:text/javascript,export default 1",
        "jsr:@evil/wf@1.0.0",
      ]
    ) {
      await assert.rejects(node.start(specifier), (error: Error) => {
        assert(isContinuumError(error, "UNTRUSTED_MODULE"), `${specifier}: ${error.stack}`);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
    assert.deepEqual(asked, []);
    assert.equal(await resultOf(await node.start("https://cdn.example/wf/order.ts", 1)), 1);
    assert.deepEqual(asked, ["https://cdn.example/wf/order.ts"]);
  });

  test("a stored version whose import fails keeps its run, which continues when that passes", async () => {
    await using db = await database.fresh();
    const switches = globalThis as unknown as { troubleForTest?: string };
    const files: Files = {
      "order.ts": `
        const trouble = (globalThis as any).troubleForTest;
        if (trouble === "throw") throw new Error("weather");
        if (trouble === "exit") Deno.exit(7);
        if (trouble === "reject") Promise.reject(new Error("weather"));
        ${workflow(`await ctx.waitForSignal("go"); return input;`)}`,
    };
    await using folder = await makeFolder(files);
    for (const trouble of ["throw", "exit", "reject"]) {
      const workflows = [folder.url + "order.ts"];
      let id: string;
      {
        await using node = await openIn(db, { workflows });
        const run = await node.start("test", trouble);
        await reached(run, "suspended");
        ({ id } = run);
      }
      switches.troubleForTest = trouble;
      await using node = await openIn(db, { trust: { modules: workflows } });
      const run = node.run(id);
      await run.signal("go");
      try {
        await givenBack(run);
      } finally {
        delete switches.troubleForTest;
      }
      assert.equal(await resultOf(run), trouble);
    }
  });
});

/** Waits until a node has tried to load what a run needs, and gave the run back for a while. */
async function givenBack(run: RunHandle): Promise<void> {
  await eventually(async () => {
    const { node, until } = await run.status();
    return node === null && until !== null && until.getTime() > Date.now() + 200 ? true : undefined;
  }, () => "run that was given back");
}

Deno.test("a module that never finishes its import fails open() within its time", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder({ "bad.ts": `await new Promise(() => {});\n${ECHO}` });
  await refused(openIn(db, { workflows: [folder.url + "bad.ts"] }), [
    "IMPORT_FAILED",
    "bad.ts",
    "did not finish",
  ]);
});
