import assert from "node:assert/strict";
import { IMPORT, lint, workflow } from "./support.ts";

/** Modules, and what is found in them. */
type Table = Readonly<Record<string, readonly [source: string, ...found: string[]]>>;

function holds(subject: string, table: Table): void {
  for (const [name, [source, ...found]] of Object.entries(table)) {
    Deno.test(`${subject}: ${name}`, () => assert.deepEqual(lint(source), found));
  }
}

holds("a refused or virtual global is flagged", {
  "called by its name": [workflow("setTimeout(done, 5);"), "no-timers setTimeout"],
  "constructed": [workflow("new Worker(input);"), "no-workers Worker"],
  "awaited": [workflow("return await fetch(input);"), "no-io fetch"],
  "through globalThis": [workflow("globalThis.fetch(input);"), "no-io globalThis.fetch"],
  "through globalThis twice": [
    workflow("globalThis.globalThis['fetch'](input);"),
    "no-io globalThis.globalThis['fetch']",
  ],
  "by a literal key": [workflow("Math['random']();"), "no-randomness Math['random']"],
  "by a template key": [workflow("Math[`random`]();"), "no-randomness Math[`random`]"],
  "as an alias": [workflow("const wait = setTimeout; wait(done);"), "no-timers wait"],
  "as an alias of the module": [
    workflow("random();", "const { random } = Math;"),
    "no-randomness random",
  ],
  "destructured under another name": [
    workflow("const { readFile: read } = Deno; await read(input);"),
    "no-io read",
  ],
  "destructured deeply": [
    workflow("const { subtle: { digest } } = crypto; await digest('SHA-256', input);"),
    "no-async-builtins digest",
  ],
  "as an alias of its holder": [
    workflow("const deno = Deno; deno.readTextFileSync(input);"),
    "no-io deno.readTextFileSync",
  ],
  "in an optional chain": [workflow("crypto?.randomUUID?.();"), "no-randomness crypto?.randomUUID"],
  "behind assertions": [
    workflow("(globalThis as any).fetch!(input);"),
    "no-io (globalThis as any).fetch",
  ],
  "in a comma expression": [workflow("(0, fetch)(input);"), "no-io fetch"],
  "through call": [workflow("fetch.call(null, input);"), "no-io fetch.call"],
  "through bind": [workflow("const get = fetch.bind(null, input); get();"), "no-io get"],
  "as a tag": [workflow("prompt`name`;"), "no-io prompt"],
  "handed to a method": [workflow("input.map(fetch);"), "no-io fetch"],
  "handed to a global": [workflow("Array.from(input, Math.random);"), "no-randomness Math.random"],
  "on an instance": [workflow("await new Blob([]).text();"), "no-async-builtins new Blob([]).text"],
  "on an instance by name": [
    workflow("const blob = new Blob([]); return await blob.text();"),
    "no-async-builtins blob.text",
  ],
  "on a prototype": [
    workflow("Storage.prototype.getItem.call(input, 'a');"),
    "no-io Storage.prototype.getItem.call",
  ],
  "through node:process": [
    workflow("process.hrtime();", 'import process from "node:process";'),
    "no-clock process.hrtime",
  ],
  "as a date of now": [workflow("return [new Date(), Date()];"), "no-clock Date", "no-clock Date"],
  "in an executor": [
    workflow("await new Promise((resolve) => setTimeout(resolve, 5));"),
    "no-timers setTimeout",
  ],
  "in a callback": [
    workflow("return input.map(() => Math.random());"),
    "no-randomness Math.random",
  ],
  "in then": [workflow("await ctx.sleep(1).then(() => fetch(input));"), "no-io fetch"],
  "in an argument of an effect": [
    workflow("await ctx.activity('charge', Date.now());"),
    "no-clock Date.now",
  ],
  "in a default value": [workflow("((at = Date.now()) => at)();"), "no-clock Date.now"],
  "in a saga": [
    workflow("await ctx.saga(async (saga) => { await fetch(input); });"),
    "no-io fetch",
  ],
  "after text that is not ASCII": [workflow("'größe 🎉'; fetch(input);"), "no-io fetch"],
});

holds("a function of the same file is looked into when workflow code calls it", {
  "a declaration": [workflow("load();", "function load() { return fetch('x:'); }"), "no-io fetch"],
  "a declaration below": [
    `${workflow("load();")}\nfunction load() { return fetch("x:"); }`,
    "no-io fetch",
  ],
  "a constant": [workflow("load();", "const load = () => fetch('x:');"), "no-io fetch"],
  "through others": [
    workflow("a();", "function a() { b(); }\nconst b = function () { a(); return fetch('x:'); };"),
    "no-io fetch",
  ],
  "within the function": [workflow("const now = () => Date.now();\nnow();"), "no-clock Date.now"],
  "handed to a method": [
    workflow("input.forEach(load);", "const load = (url) => fetch(url);"),
    "no-io fetch",
  ],
  "a method of an object": [
    workflow("api.load();", "const api = { load() { return fetch('x:'); } };"),
    "no-io fetch",
  ],
  "a method of an instance": [
    workflow(
      "const api = new Api();\napi.load();",
      "class Api { load() { return this.#get(); } #get() { return fetch('x:'); } }",
    ),
    "no-io fetch",
  ],
  "a constructor and its fields": [
    workflow("new Api();", "class Api { at = Date.now(); constructor() { fetch('x:'); } }"),
    "no-clock Date.now",
    "no-io fetch",
  ],
  "a class that makes itself": [
    workflow("new Tree();", "class Tree { next = Date.now() > 0 ? new Tree() : null; }"),
    "no-clock Date.now",
  ],
  "a static method": [
    workflow("Api.load();", "class Api { static load() { return fetch('x:'); } }"),
    "no-io fetch",
  ],
  "a generator": [
    workflow("for (const x of load()) await x;", "function* load() { yield fetch('x:'); }"),
    "no-io fetch",
  ],
  "a helper that calls what it is given": [
    workflow("twice(() => fetch(input));", "const twice = (fn) => [fn(), fn()];"),
    "no-io fetch",
  ],
  "an imported helper that has no context": [
    workflow("await retry(() => fetch(input));", 'import { retry } from "./retry.ts";'),
    "no-io fetch",
  ],
  "as the workflow's function by name": [
    `${IMPORT}
async function run(ctx) { await fetch("x:"); }
export default defineWorkflow({ name: "order" }, run);`,
    "no-io fetch",
  ],
  "under another import": [
    `import * as host from "jsr:@continuum/continuum@^1/workflow";
import { defineWorkflow as define } from "jsr:@continuum/continuum@1.0.0/workflow";
export const a = host.defineWorkflow({ name: "a" }, () => fetch("x:"));
export default define({ name: "b" }, () => Date.now());`,
    "no-io fetch",
    "no-clock Date.now",
  ],
});

holds("what workflow code may do is not flagged", {
  "another module": ["export default async () => await fetch('x:', setTimeout(() => {}, 1));"],
  "a module without a workflow": [
    'import { defineActivity } from "@continuum/continuum/workflow";\n' +
    'export const load = defineActivity({ name: "load" }, () => fetch("x:"));',
  ],
  "a function named defineWorkflow from elsewhere": [
    'import { defineWorkflow } from "./mine.ts";\ndefineWorkflow({}, () => fetch("x:"));',
  ],
  "a shadowed global": [workflow("const fetch = (url) => url; fetch(input);")],
  "a shadowing parameter": [workflow("((setTimeout) => setTimeout())(input);")],
  "a shadowing destructured parameter": [workflow("(({ fetch: [fetch] }) => fetch())(input);")],
  "a shadowing function below": [workflow("fetch(input);\nfunction fetch() {}")],
  "a shadowing var in a block": [workflow("{ var fetch = input; }\nfetch(input);")],
  "a shadowing catch": [workflow("try { input(); } catch (alert) { alert(); throw alert; }")],
  "a shadowing import": [workflow("setTimeout();", 'import { setTimeout } from "./timers.ts";')],
  "a shadowing holder": [workflow("Deno.readFile(input);", "class Deno { static readFile() {} }")],
  "a shadowing enum": [workflow("Deno.exit();", "enum Deno { exit }")],
  "another's method": [workflow("input.fetch(); input.setTimeout(); ctx.random(); ctx.now();")],
  "a computed key": [workflow("globalThis[input]();")],
  "a value of time": [workflow("new Date(input); Date.parse(input); Date.UTC(2026); new Date(0);")],
  "arithmetic": [workflow("return Math.max(1, 2) + Atomics.load(input, 0);")],
  "a question": [workflow("return typeof fetch === 'function' || input instanceof Worker;")],
  "a class to compare with": [workflow("return is(input, Date);", 'import { is } from "./is.ts";')],
  "a type": [workflow("const x: ReturnType<typeof setTimeout> = input; return x as typeof fetch;")],
  "a declared name of a type": [workflow("return input as Deno.FsFile;")],
  "a callback of a step": [
    workflow("await ctx.run('load', async () => await (await fetch(input)).text());"),
  ],
  "a global as a step's callback": [workflow("await ctx.run('id', crypto.randomUUID);")],
  "a bound global as a step's callback": [
    workflow("await ctx.run('id', fetch.bind(null, input));"),
  ],
  "a callback of a transaction": [
    workflow("await ctx.transaction('save', async (tx) => { Date.now(); await tx.query('a'); });"),
  ],
  "a step's callback by name": [
    workflow("const load = () => fetch(input);\nawait ctx.run('load', load);"),
  ],
  "a function that only steps call": [
    workflow("await ctx.run('a', () => load(input));", "const load = (url) => fetch(url);"),
  ],
  "an activity of the same file": [
    workflow(
      "await ctx.activity(load, input);",
      'import { defineActivity } from "@continuum/continuum/workflow";\n' +
        'const load = defineActivity({ name: "load" }, async (url) => await fetch(url));',
    ),
  ],
  "a step through a helper": [
    workflow(
      "await step(ctx, 'a', () => fetch(input));",
      "function step(ctx, name, fn) { return ctx.run(name, fn); }",
    ),
  ],
  "a step through a helper's own callback": [
    workflow(
      "const step = (fn) => ctx.run('a', async () => await fn());\nawait step(() => fetch(input));",
    ),
  ],
  "a step through an imported helper": [
    workflow("await step(ctx, () => fetch(input));", 'import { step } from "./step.ts";'),
  ],
  "a step through an imported helper's result": [
    workflow(
      "const step = stepper(ctx);\nawait step('a', () => fetch(input));\n" +
        "await step.now(() => fetch(input));",
      'import { stepper } from "./step.ts";',
    ),
  ],
  "a function that nothing calls": [
    workflow("return input;", "export const load = () => fetch('x:');"),
  ],
  "a method that only steps call": [
    workflow(
      "const api = new Api();\nawait ctx.run('a', () => api.load());",
      "class Api { load() { return fetch('x:'); } }",
    ),
  ],
  "code beside the workflow": [workflow("return input;", "setTimeout(() => {}, 1);")],
  "an interface and overloads": [
    workflow(
      "return f(input);",
      "interface fetch { (): void }\nfunction f(a: string): string;\n" +
        "function f(a: unknown): unknown { return a; }\ndeclare function g(): void;",
    ),
  ],
});

holds("I/O of node: modules is flagged", {
  "by name": [
    workflow("await readFile(input);", 'import { readFile } from "node:fs/promises";'),
    "no-node-io readFile",
  ],
  "a timer": [
    workflow("await setTimeout(5);", 'import { setTimeout } from "node:timers/promises";'),
    "no-node-io setTimeout",
  ],
  "through a namespace": [
    workflow("await fs.promises.stat(input);", 'import * as fs from "node:fs";'),
    "no-node-io fs.promises.stat",
  ],
  "but not in a step": [
    workflow(
      "await ctx.run('a', () => readFile(input));",
      'import { readFile } from "node:fs/promises";',
    ),
  ],
  "but not what is pure": [
    workflow("return join(input, 'a');", 'import { join } from "node:path";'),
  ],
});

holds("an effect that is not awaited is flagged", {
  "as a statement": [
    workflow("ctx.run('a', () => 1);"),
    "no-floating-effects ctx.run('a', () => 1)",
  ],
  "each kind": [
    workflow("ctx.sleep(1);\nctx.activity('a');\nctx.waitForSignal('a');\nctx.child(input);"),
    "no-floating-effects ctx.sleep(1)",
    "no-floating-effects ctx.activity('a')",
    "no-floating-effects ctx.waitForSignal('a')",
    "no-floating-effects ctx.child(input)",
  ],
  "in a helper that gets the context": [
    workflow("await pause(1, ctx);", "async function pause(ms, c) { c.sleep(ms); }"),
    "no-floating-effects c.sleep(ms)",
  ],
  "in a helper of a helper": [
    workflow("await a(ctx);", "const a = (x) => b(x);\nconst b = async (y) => { y.sleep(1); };"),
    "no-floating-effects y.sleep(1)",
  ],
  "continueAsNew that is not returned": [
    workflow("ctx.continueAsNew(1);\nawait ctx.continueAsNew(2);"),
    "no-floating-effects ctx.continueAsNew(1)",
    "no-floating-effects ctx.continueAsNew(2)",
  ],
  "under a condition": [
    workflow("input && ctx.sleep(1);\ninput ? ctx.sleep(2) : input;"),
    "no-floating-effects ctx.sleep(1)",
    "no-floating-effects ctx.sleep(2)",
  ],
  "that are void": [workflow("void ctx.sleep(3);"), "no-floating-effects ctx.sleep(3)"],
  "for each item": [
    workflow(
      "input.forEach((a) => ctx.run(a, () => 1));\n" +
        "input.forEach(async (a) => { await ctx.sleep(a); });",
    ),
    "no-floating-effects input.forEach((a) => ctx.run(a, () => 1))",
    "no-floating-effects input.forEach(async (a) => { await ctx.sleep(a); })",
  ],
  "but not for each item if it is kept": [
    workflow("const all = []; input.forEach((a) => { all.push(ctx.sleep(a)); });"),
  ],
  "but not if it is awaited, kept, returned or meant": [
    workflow(
      "await ctx.sleep(1); const a = ctx.sleep(2);\n" +
        "ctx.sleep(4).catch(() => {}); await Promise.race([a, ctx.sleep(5)]);\n" +
        "if (input) return ctx.continueAsNew(1);\nreturn ctx.sleep(6);",
    ),
  ],
  "but not what is no effect": [
    workflow("ctx.log.info('a'); ctx.setStatus('b'); ctx.attributes.set({}); ctx.patched('c');"),
  ],
  "but not another's method": [workflow("input.run('a'); [1].map((ctx) => { ctx.sleep(1); });")],
});

holds("the context within a step is flagged", {
  "an effect": [
    workflow("await ctx.run('a', async () => { await ctx.sleep(1); });"),
    "no-context-in-steps ctx.sleep",
  ],
  "a step in a step": [
    workflow("await ctx.run('a', () => ctx.run('b', () => 1));"),
    "no-context-in-steps ctx.run",
  ],
  "time and logs": [
    workflow("await ctx.transaction('a', () => [ctx.now(), ctx.log.info('a')]);"),
    "no-context-in-steps ctx.now",
    "no-context-in-steps ctx.log",
  ],
  "handed on": [
    workflow("await ctx.run('a', () => pay(ctx));", 'import { pay } from "./pay.ts";'),
    "no-context-in-steps ctx",
  ],
  "in a function that the step calls": [
    workflow("const wait = () => ctx.sleep(1);\nawait ctx.run('a', () => wait());"),
    "no-context-in-steps ctx.sleep",
  ],
  "in a callback within the step": [
    workflow("await ctx.run('a', () => input.map(() => ctx.uuid()));"),
    "no-context-in-steps ctx.uuid",
  ],
  "by its type": [
    `import { defineWorkflow, type WorkflowContext } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "a" }, async (ctx) => await api.pay(ctx));
const api = { pay: (c: WorkflowContext) => c.run("a", () => c.uuid()) };`,
    "no-context-in-steps c.uuid",
  ],
  "but not what it is called": [
    workflow("await ctx.run('a', () => [ctx.runId, ctx.workflow, ctx.version, ctx.attempt]);"),
  ],
  "but not a step's own parameter": [workflow("await ctx.run('a', (ctx) => ctx.heartbeat());")],
  "but not in another argument": [workflow("await ctx.run(ctx.uuid(), () => 1);")],
});

holds("state of the module is flagged in workflow code", {
  "reassigned": [workflow("count = 1;", "let count = 0;"), "no-module-state count = 1"],
  "counted": [workflow("count++;", "let count = 0;"), "no-module-state count++"],
  "in a function that is called": [
    workflow("next();", "let last = 0;\nconst next = () => last += 1;"),
    "no-module-state last += 1",
  ],
  "destructured into": [
    workflow("({ a: first, ...rest } = input);", "let first, rest;"),
    "no-module-state { a: first, ...rest } = input",
  ],
  "by a loop": [
    workflow("for (last of input) input;", "let last;"),
    "no-module-state for (last of input) input;",
  ],
  "in a property": [
    workflow("seen[input] = true;", "const seen = {};"),
    "no-module-state seen[input] = true",
  ],
  "deleted": [workflow("delete seen.a;", "const seen = {};"), "no-module-state delete seen.a"],
  "in a container": [
    workflow("seen.add(input);\nlist.push(1);", "const seen = new Set();\nconst list = [];"),
    "no-module-state seen.add(input)",
    "no-module-state list.push(1)",
  ],
  "what one process has drawn": [
    workflow("return seed;", "const seed = Math.random();"),
    "no-module-state seed",
  ],
  "when one process has started": [
    workflow("return at;", "const at = new Date();"),
    "no-module-state at",
  ],
  "a promise of one process": [
    workflow("return await rates;", 'const rates = fetch("https://rates.example");'),
    "no-module-state rates",
  ],
  "but not what only is read": [workflow("return seen.get(input);", "const seen = new Map();")],
  "but not a local of the same name": [workflow("let count = 0;\ncount++;", "let count = 0;")],
  "but not in a step": [workflow("await ctx.run('a', () => { count++; });", "let count = 0;")],
  "but not beside the workflow": [workflow("return 1;", "let count = 0;\ncount++;")],
  "but not another's methods": [workflow("tree.add(input);", "const tree = new Tree();")],
  "but not a value of time": [workflow("return epoch;", "const epoch = new Date(0);")],
});

holds("a module that cannot be pinned is flagged", {
  "a computed import": [
    workflow("await import(input);"),
    "no-computed-import import(input)",
  ],
  "also if its workflow's function is from elsewhere": [
    `${IMPORT}\nimport { run } from "./run.ts";\nconst here = import.meta.url;\n` +
    "export default defineWorkflow({ name: here }, run);",
    "no-import-meta import.meta.url",
  ],
  "import.meta": [
    workflow("return import.meta.url;", "const { dirname } = import.meta;"),
    "no-import-meta import.meta",
    "no-import-meta import.meta.url",
  ],
  "the engine": [
    workflow("return 1;", 'import { Continuum } from "@continuum/continuum";'),
    'no-engine-import "@continuum/continuum"',
  ],
  "an entry of the engine": [
    workflow(
      'await import("npm:@jsr/continuum__continuum@1/pglite");',
      'export { x } from "jsr:@continuum/continuum/testing";\nexport * from "@continuum/continuum/postgres";',
    ),
    'no-engine-import "jsr:@continuum/continuum/testing"',
    'no-engine-import "@continuum/continuum/postgres"',
    'no-engine-import "npm:@jsr/continuum__continuum@1/pglite"',
  ],
  "but not a module that exports nothing, which has no version": [
    `${IMPORT}\nimport { openTestEngine } from "@continuum/continuum/testing";\n` +
    "const { dirname } = import.meta;\n" +
    "const order = defineWorkflow({ name: dirname }, async (ctx) => await fetch(ctx.runId));\n" +
    "Deno.test(order.name, async () => void await import(order.name));",
    "no-io fetch",
  ],
  "but not a literal import": [workflow("await import('./a.ts'); await import(`./b.ts`);")],
  "but not import.meta.main": [workflow("return 1;", "if (import.meta.main) input();")],
  "but not types": [
    workflow(
      "return 1;",
      'import type { RunHandle } from "@continuum/continuum";\n' +
        'export type { Store } from "@continuum/continuum";',
    ),
  ],
  "but not other packages": [
    workflow("return 1;", 'import a from "@continuum/other";\nimport b from "npm:continuum";'),
  ],
});

holds("a catch that swallows cancellation is flagged", {
  "empty": [
    workflow("try { await ctx.activity('a'); } catch {}"),
    "no-swallowed-errors catch {}",
  ],
  "that only logs": [
    workflow("try { await ctx.sleep(1); } catch (e) { ctx.log.warn('a'); console.error(e); }"),
    "no-swallowed-errors catch (e) { ctx.log.warn('a'); console.error(e); }",
    "no-console console.error",
  ],
  "but not one that answers": [
    workflow(
      "try { await ctx.activity('a'); } catch (e) { if (e.code !== 'X') throw e; }\n" +
        "let ok = true; try { await ctx.activity('a'); } catch { ok = false; }\n" +
        "try { await ctx.activity('a'); } catch { return 'failed'; }",
    ),
  ],
  "but not around a step that is withdrawn": [
    workflow("try { await ctx.sleep('1h', { signal: input }); } catch {}"),
  ],
  "but not while cleaning up": [
    workflow(
      "try { await ctx.activity('a'); } catch (e) {\n" +
        "  try { await ctx.activity('undo'); } catch {}\n  throw e;\n" +
        "} finally { try { await ctx.activity('tell'); } catch {} }",
    ),
  ],
  "but not without an effect": [workflow("try { JSON.parse(input); } catch {}")],
  "but not in a step": [
    workflow("await ctx.run('a', async () => { try { await fetch(input); } catch {} });"),
  ],
});
