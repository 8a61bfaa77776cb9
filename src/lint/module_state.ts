/**
 * Detects uses of module state in workflow code. All runs in a process share that state, and a
 * replay, which may happen in another process, finds it changed.
 *
 * @module
 */

import type { Finding } from "./finding.ts";
import { calledRule } from "./global_use.ts";
import { globalPath } from "./names.ts";
import type { Variable } from "./scopes.ts";
import { child, keyName, list, type Node, strip } from "./tree.ts";
import type { WorkflowModule } from "./workflow_module.ts";

/** Classes of the language, and their methods that change what they hold. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  Array: ["copyWithin", "fill", "pop", "push", "reverse", "shift", "sort", "splice", "unshift"],
  Map: ["clear", "delete", "set"],
  Set: ["add", "clear", "delete"],
  WeakMap: ["delete", "set"],
  WeakSet: ["add", "delete"],
};

/**
 * Checks one node of workflow code.
 *
 * @param module The module.
 * @param node The node.
 * @returns The finding; null if the node does not use the module's state.
 */
export function moduleState(module: WorkflowModule, node: Node): Finding | null {
  const changed = changedBy(module, node).find((variable) => variable?.isModule);
  if (changed) {
    return {
      rule: "no-module-state",
      range: node.range,
      message: `${changed.name} belongs to the module: all runs share it, and a replay finds it ` +
        "changed",
      hint: "Keep it in a variable of the workflow's function, or in an activity",
    };
  }
  if (node.type !== "Identifier") return null;
  const variable = module.scopes.resolve(node);
  if (!variable?.isModule || variable.kind !== "const") return null;
  let value = strip(variable.value);
  if (value?.type === "AwaitExpression") value = strip(child(value, "argument"));
  const rule = calledRule(value, module.scopes);
  if (rule === undefined) return null;
  return {
    rule: "no-module-state",
    range: node.range,
    message: `${variable.name} holds what ${rule.name} gave when this process loaded the module: ` +
      "another process has another value",
    hint: `Use ${rule.instead} in the workflow's function`,
  };
}

/** The variables that a node changes, or whose content it changes. */
function changedBy(module: WorkflowModule, node: Node): (Variable | null | undefined)[] {
  switch (node.type) {
    case "AssignmentExpression":
      return targets(module, child(node, "left"));
    case "UpdateExpression":
      return targets(module, child(node, "argument"));
    case "UnaryExpression":
      return node["operator"] === "delete" ? targets(module, child(node, "argument")) : [];
    case "ForInStatement":
    case "ForOfStatement": {
      const left = child(node, "left");
      return left?.type === "VariableDeclaration" ? [] : targets(module, left);
    }
    case "CallExpression":
      return [changedByMethod(module, node)];
    default:
      return [];
  }
}

function targets(module: WorkflowModule, given: Node | null): (Variable | null | undefined)[] {
  let node = strip(given);
  while (node?.type === "MemberExpression") node = strip(child(node, "object"));
  switch (node?.type) {
    case "Identifier":
      return [module.scopes.resolve(node)];
    case "AssignmentPattern":
      return targets(module, child(node, "left"));
    case "RestElement":
      return targets(module, child(node, "argument"));
    case "ArrayPattern":
      return list(node, "elements").flatMap((item) => targets(module, item));
    case "ObjectPattern":
      return list(node, "properties").flatMap((item) =>
        targets(module, item.type === "Property" ? child(item, "value") : item)
      );
    default:
      return [];
  }
}

function changedByMethod(module: WorkflowModule, call: Node): Variable | null {
  const callee = strip(child(call, "callee"));
  if (callee?.type !== "MemberExpression") return null;
  const object = strip(child(callee, "object"));
  const variable = object?.type === "Identifier" ? module.scopes.resolve(object) : null;
  if (!variable || variable.kind === "param" || variable.path?.length !== 0) return null;
  const value = strip(variable.value);
  const made = value?.type === "ArrayExpression"
    ? "Array"
    : value?.type === "NewExpression"
    ? globalPath(child(value, "callee"), module.scopes)
    : null;
  return CHANGES[made ?? ""]?.includes(keyName(callee) ?? "") ? variable : null;
}
