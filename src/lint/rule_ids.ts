/**
 * The lint rules: those of the runtime guard's table, and those for code that no guard sees.
 *
 * @module
 */

import { RULES } from "../replay/rules.ts";
import type { Rule } from "../replay/rule.ts";

/** The name of a lint rule, without the plugin's. */
export type RuleId =
  | "no-timers"
  | "no-clock"
  | "no-randomness"
  | "no-console"
  | "no-environment"
  | "no-weak-references"
  | "no-workers"
  | "no-async-builtins"
  | "no-io"
  | "no-node-io"
  | "no-floating-effects"
  | "no-context-in-steps"
  | "no-module-state"
  | "no-computed-import"
  | "no-import-meta"
  | "no-engine-import"
  | "no-swallowed-errors";

/** What each rule forbids, in the order of the documentation. */
export const RULE_IDS: Readonly<Record<RuleId, string>> = {
  "no-timers": "timers, which end with the process",
  "no-clock": "the machine's clock",
  "no-randomness": "randomness that does not say it is the run's",
  "no-console": "lines that do not say which run they are of",
  "no-environment": "what one machine or process says about itself",
  "no-weak-references": "what the garbage collector decides",
  "no-workers": "workers and channels",
  "no-async-builtins": "built-in functions that answer from another thread",
  "no-io": "files, network, processes and dialogues",
  "no-node-io": "I/O and timers of `node:` modules, which no guard sees",
  "no-floating-effects": "effects that are never awaited",
  "no-context-in-steps": "`ctx` within the callback of a step",
  "no-module-state": "state of the module, which runs share and replays find changed",
  "no-computed-import": "dynamic imports of computed specifiers, which cannot be pinned",
  "no-import-meta": "`import.meta` other than `main`, which differs between nodes",
  "no-engine-import": "imports of this package other than `./workflow`",
  "no-swallowed-errors": "empty `catch` blocks around effects, which swallow cancellation",
};

const CHANNELS: ReadonlySet<string> = new Set([
  "BroadcastChannel",
  "MessageChannel",
  "SharedWorker",
  "Worker",
]);

/**
 * Returns the lint rule for a rule of the runtime's table. Every rule has one, including rules that
 * are added later.
 *
 * @param rule A rule of the table.
 * @returns The lint rule's name.
 */
export function ruleIdOf(rule: Rule): RuleId {
  const { name, instead } = rule;
  if (instead.includes("ctx.sleep")) return "no-timers";
  if (instead === "ctx.now()") return "no-clock";
  if (instead === "ctx.random()" || instead === "ctx.uuid()") return "no-randomness";
  if (instead === "ctx.log") return "no-console";
  if (instead === "strong references") return "no-weak-references";
  if (instead.startsWith("the run's input")) return "no-environment";
  if (CHANNELS.has(name)) return "no-workers";
  if (/^(crypto|WebAssembly|Blob)\./.test(name)) return "no-async-builtins";
  return "no-io";
}

const BY_PATH: ReadonlyMap<string, Rule> = new Map(
  RULES.filter(({ action }) => action !== "same").flatMap((
    rule,
  ) => [[rule.name, rule] as const, [rule.at ?? rule.name, rule] as const]),
);

/**
 * The rule for a global.
 *
 * @param path Its path, such as `Deno.readFile`.
 * @returns The rule; undefined if workflow code may use it.
 */
export function ruleAt(path: string | null): Rule | undefined {
  return path === null ? undefined : BY_PATH.get(path);
}
