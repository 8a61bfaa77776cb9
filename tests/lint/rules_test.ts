/**
 * Holds the plugin and the runtime guard to one table of rules: neither knows a global that the
 * other lets pass.
 *
 * @module
 */

import assert from "node:assert/strict";
import plugin from "../../src/lint/mod.ts";
import { ruleIdOf } from "../../src/lint/rule_ids.ts";
import { RULES } from "../../src/replay/rules.ts";
import type { Effects } from "../../src/replay/effects.ts";
import { Context } from "../../src/workflow/context.ts";
import { diagnose, lint, workflow } from "./support.ts";

/** What answers the same on every node needs no other code. */
const FLAGGED = RULES.filter(({ action }) => action !== "same");
const NAMES: ReadonlySet<string> = new Set(RULES.flatMap(({ name, at }) => [name, at ?? name]));

Deno.test("every rule of the runtime is flagged where it is called, with its replacement", () => {
  for (const rule of FLAGGED) {
    const { top, name } = written(rule.name);
    const [found, ...more] = diagnose(workflow(`${name}();`, top));
    assert.deepEqual([found?.id, more], [ruleIdOf(rule), []], rule.name);
    assert.ok(found?.message.startsWith(`${rule.name} `), found?.message);
    assert.ok(found?.hint?.endsWith(` ${rule.instead}`), found?.hint);
  }
});

Deno.test("every rule is flagged through each of its aliases", () => {
  for (const rule of FLAGGED) {
    if (rule.name.startsWith("node:")) continue; // below
    const id = ruleIdOf(rule);
    const [, holder, key] = /^(?:(.*)\.)?([^.]+)$/.exec(rule.name) as unknown as string[];
    const at = rule.at ?? rule.name;
    const forms: readonly (readonly [body: string, ...shown: string[]])[] = [
      [`globalThis.${rule.name}();`, `globalThis.${rule.name}`],
      [`const alias = ${rule.name}; alias();`, "alias"],
      [`const { ${key}: alias } = ${holder ?? "globalThis"}; alias();`, "alias"],
      [`${holder ?? "globalThis"}["${key}"]();`, `${holder ?? "globalThis"}["${key}"]`],
      [`${at}.call(input);`, `${at}.call`],
    ];
    for (const [body, ...shown] of forms) {
      assert.deepEqual(lint(workflow(body)), shown.map((text) => `${id} ${text}`), body);
    }
  }
});

Deno.test("a rule on a function of a module is flagged through each form of import", () => {
  for (const rule of FLAGGED) {
    const [, from, key] = /^(node:\w+)\.(\w+)$/.exec(rule.name) ?? [];
    if (from === undefined) continue;
    const id = ruleIdOf(rule);
    for (
      const [clause, call] of [
        ["all", `all.${key}`],
        ["* as all", `all.${key}`],
        [`{ ${key} }`, key],
        [`{ ${key} as other }`, "other"],
      ]
    ) {
      const source = workflow(`${call}();`, `import ${clause} from "${from}";`);
      assert.deepEqual(lint(source), [`${id} ${call}`], source);
    }
  }
});

Deno.test("what answers the same on every node is not flagged", () => {
  for (const { name, action, isRead } of RULES) {
    if (action !== "same") continue;
    assert.deepEqual(lint(workflow(isRead === true ? `input(${name});` : `${name}();`)), [], name);
  }
});

/** A name as code of a module writes it. */
function written(name: string): { readonly top: string; readonly name: string } {
  const [, from, key] = /^(node:\w+)\.(\w+)$/.exec(name) ?? [];
  return from === undefined
    ? { top: "", name }
    : { top: `import all from "${from}";`, name: `all.${key}` };
}

Deno.test("no rule is flagged in the callback of a step", () => {
  const calls = RULES.filter(({ name }) => !name.startsWith("node:"))
    .map(({ name }) => `${name}();`).join("\n");
  assert.deepEqual(lint(workflow(`await ctx.run("all", () => { ${calls} });`)), []);
});

Deno.test("no function of the runtime is flagged that the table does not name", () => {
  let asked = 0;
  for (const path of functionsOfTheRuntime()) {
    if (NAMES.has(path)) continue;
    assert.deepEqual(lint(workflow(`${path}();`)), [], path);
    asked += 1;
  }
  assert.ok(asked > 500, `asked for ${asked} functions`);
});

Deno.test("each rule of the runtime belongs to a rule of the plugin", () => {
  const known = Object.keys(plugin.rules);
  assert.deepEqual(FLAGGED.map(ruleIdOf).filter((id) => !known.includes(id)), []);
});

/** What a context answers at once. */
const AT_ONCE = [
  "handle",
  "now",
  "on",
  "onQuery",
  "patched",
  "publish",
  "random",
  "setStatus",
  "signals",
  "today",
  "uuid",
];

Deno.test("each method of a context is known as an effect or as an answer at once", () => {
  for (const name of Object.getOwnPropertyNames(Context.prototype)) {
    const { value } = Object.getOwnPropertyDescriptor(Context.prototype, name) ?? {};
    if (name === "constructor" || typeof value !== "function") continue;
    const wanted = AT_ONCE.includes(name) ? [] : [`no-floating-effects ctx.${name}(1)`];
    assert.deepEqual(lint(workflow(`ctx.${name}(1);`)), wanted, name);
    assert.deepEqual(lint(workflow(`await ctx.run("a", () => { ctx.${name}(1); });`)), [
      `no-context-in-steps ctx.${name}`,
    ]);
  }
});

/** Everything that can be called by a path of names, down to `Temporal.Now.instant`. */
function functionsOfTheRuntime(): Set<string> {
  const found = new Set<string>();
  const walk = (holder: object, path: readonly string[]): void => {
    for (const key of Object.getOwnPropertyNames(holder)) {
      if (!/^[a-z]\w*$/i.test(key) || key === "constructor") continue;
      const { value, get } = Object.getOwnPropertyDescriptor(holder, key) ?? {};
      const here = [...path, key];
      if (typeof value === "function") found.add(here.join("."));
      const inner: unknown = get === undefined || path.length > 0 ? value : undefined;
      const holds = typeof inner === "object" || typeof inner === "function";
      if (here.length < 3 && holds && inner !== null && inner !== globalThis) walk(inner, here);
    }
  };
  walk(globalThis, []);
  return found;
}

Deno.test("each plain value of a context may be read within a step", () => {
  const start = { runId: "r", workflow: "w", version: "v" };
  const enter = (call: string) => {
    throw new Error(`ctx.${call} in a step`);
  };
  const effects = { start: { ...start, policy: null }, identity: start, cancelSignal: {}, enter };
  const context = new Context(effects as unknown as Effects);
  const getters = Object.entries(Object.getOwnPropertyDescriptors(Context.prototype))
    .filter(([, { get }]) => get !== undefined).map(([name]) => name);
  const isPlain = (name: string) => {
    try {
      return typeof context[name as keyof Context] !== "object";
    } catch {
      return false; // it is the run's own code that may read it
    }
  };
  const plain = [...Object.keys(context), ...getters].filter(isPlain);
  assert.deepEqual(plain, ["workflow", "version", "runId", "attempt", "parent"]);
  for (const name of [...plain, "headers", "schedule"]) {
    assert.deepEqual(lint(workflow(`await ctx.run("a", () => ctx.${name});`)), [], name);
  }
});
