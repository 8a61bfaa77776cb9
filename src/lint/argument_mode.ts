/**
 * Classifies a callback argument: workflow code or step code.
 *
 * @module
 */

import { functionOf, globalPath } from "./names.ts";
import { child, isFunction, keyName, list, type Node, strip } from "./tree.ts";
import { paramOf, type WorkflowModule } from "./workflow_module.ts";

/** Whether code is replayed, or runs once on behalf of a step. */
export type Mode = "workflow" | "step";

/** Effects whose callback is a step. */
const STEPS: ReadonlySet<string> = new Set(["run", "transaction"]);

/** Methods of arrays, maps and promises, which call their argument in place. */
const IN_PLACE: ReadonlySet<string> = new Set([
  "catch",
  "every",
  "filter",
  "finally",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "flatMap",
  "forEach",
  "map",
  "reduce",
  "reduceRight",
  "replace",
  "replaceAll",
  "some",
  "sort",
  "then",
  "toSorted",
]);

/**
 * Classifies a function that is an argument of a call.
 *
 * @param module The module.
 * @param call The call.
 * @param index The argument's place, from 0.
 * @param mode The mode of the code around the call.
 * @returns The function's mode; null if it is uncertain.
 */
export function argumentMode(
  module: WorkflowModule,
  call: Node,
  index: number,
  mode: Mode,
): Mode | null {
  if (mode === "step") return "step";
  const { scopes } = module;
  const effect = module.effectOf(call);
  if (effect !== undefined) return STEPS.has(effect) ? "step" : mode;
  const callee = strip(child(call, "callee"));
  const helper = functionOf(callee, scopes);
  if (helper !== null) return parameterMode(module, helper, index);
  if (globalPath(callee, scopes) !== null) return mode;
  if (module.hostExport(callee) !== undefined) return null;
  if (callee?.type === "MemberExpression") {
    return IN_PLACE.has(keyName(callee) ?? "") ? mode : null;
  }
  const isImported = callee?.type === "Identifier" && scopes.resolve(callee)?.kind === "import";
  // A function that receives the context may make a step of another argument.
  return isImported && !list(call, "arguments").some(module.isContext) ? mode : null;
}

/** How a helper of this file calls its parameter. */
function parameterMode(module: WorkflowModule, helper: Node, index: number): Mode | null {
  const variable = paramOf(helper, index, module.scopes);
  if (variable === undefined) return null;
  let found: Mode | null = null;
  for (const reference of module.scopes.references(variable)) {
    if (isInStep(module, reference, helper)) return "step";
    const holder = reference.parent!;
    if (holder.type === "CallExpression" && child(holder, "callee") === reference) {
      found = "workflow";
    }
  }
  return found;
}

function isInStep(module: WorkflowModule, node: Node, within: Node): boolean {
  for (let at = node; at.parent !== null && at !== within; at = at.parent) {
    if (at !== node && !isFunction(at)) continue;
    const effect = module.effectOf(at.parent);
    if (effect !== undefined && STEPS.has(effect)) return true;
  }
  return false;
}
