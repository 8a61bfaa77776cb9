/**
 * Detects uses of globals that the runtime guard replaces or refuses.
 *
 * @module
 */

import type { Finding } from "./finding.ts";
import { globalPath } from "./names.ts";
import { ruleAt, ruleIdOf } from "./rule_ids.ts";
import type { Scopes } from "./scopes.ts";
import { child, list, type Node, strip } from "./tree.ts";
import type { WorkflowModule } from "./workflow_module.ts";
import type { Rule } from "../replay/rule.ts";

/**
 * Checks one node of workflow code.
 *
 * @param module The module.
 * @param node The node.
 * @returns The finding; null if the node neither calls a guarded global nor passes one on.
 */
export function globalUse(module: WorkflowModule, node: Node): Finding | null {
  const rule = calledRule(node, module.scopes);
  if (rule !== undefined) return finding(rule, node);
  const holder = node.parent;
  const isArgument = (holder?.type === "CallExpression" || holder?.type === "NewExpression") &&
    list(holder, "arguments").includes(node);
  if (!isArgument || module.effectOf(holder) !== undefined) return null;
  const handed = ruleAt(globalPath(node, module.scopes));
  // A class may be passed on for a comparison.
  return handed === undefined || /(^|\.)[A-Z][^.]*$/.test(handed.name)
    ? null
    : finding(handed, node);
}

/**
 * Returns the rule for the global that a node calls or constructs.
 *
 * @param node Any node.
 * @param scopes What the module's names mean.
 * @returns The rule; undefined if the node is no call, or one that workflow code may make.
 */
export function calledRule(node: Node | null, scopes: Scopes): Rule | undefined {
  const isNew = node?.type === "NewExpression";
  const isCall = node?.type === "CallExpression";
  if (!isNew && !isCall && node?.type !== "TaggedTemplateExpression") return undefined;
  const path = globalPath(child(node, "callee") ?? child(node, "tag"), scopes);
  if (path === null) return undefined;
  const rule = ruleAt(path) ?? ruleAt(path.replace(/\.(apply|call)$/, ""));
  // `new Date(5)` is a value like any other.
  const isValue = rule?.name === "Date" && isNew && list(node, "arguments").length > 0;
  return isValue ? undefined : rule;
}

function finding(rule: Rule, node: Node): Finding {
  const { name, action, instead } = rule;
  const callee = strip(child(node, "callee") ?? child(node, "tag")) ?? node;
  return {
    rule: ruleIdOf(rule),
    range: callee.range,
    message: action === "refuse"
      ? `${name} is refused in workflow code: a replay could not repeat it`
      : instead === "ctx.log"
      ? `${name} says each line once in workflow code, and not which run says it`
      : `${name} answers from the run's own values in workflow code, not from the machine's`,
    hint: action === "refuse" ? `Use ${instead}` : `Say so with ${instead}`,
  };
}
