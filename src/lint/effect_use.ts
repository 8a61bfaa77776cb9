/**
 * Effects that are asked for and lost: nobody awaits them, or nobody hears that they failed.
 *
 * @module
 */

import type { Finding } from "./detect.ts";
import { globalPath } from "./names.ts";
import { child, children, isFunction, keyName, list, type Node, strip } from "./tree.ts";
import type { WorkflowModule } from "./workflow_module.ts";

/**
 * Looks whether a statement asks for an effect and drops its promise. `void ctx.run(...)` says that
 * this is meant.
 *
 * @param module The module.
 * @param node A node of workflow code.
 * @returns What is wrong with it; null if nothing is.
 */
export function floatingEffect(module: WorkflowModule, node: Node): Finding | null {
  if (node.type !== "ExpressionStatement") return null;
  let expression = strip(child(node, "expression"));
  const isAwaited = expression?.type === "AwaitExpression";
  if (isAwaited) expression = strip(child(expression!, "argument"));
  const effect = module.effectOf(expression);
  if (effect === undefined || (isAwaited && effect !== "continueAsNew")) return null;
  const isNext = effect === "continueAsNew";
  return {
    rule: "no-floating-effects",
    range: expression!.range,
    message: isNext
      ? "ctx.continueAsNew does nothing by itself: what it gives must be returned"
      : `Nobody awaits this ctx.${effect}: the run may end before it, and its failure is lost`,
    hint: isNext
      ? "Write `return ctx.continueAsNew(...)`"
      : "Await it, keep its promise, or write `void` if the run may end without it",
  };
}

/**
 * Looks whether a `try` around effects has a `catch` that does nothing, or nothing but log.
 *
 * @param module The module.
 * @param node A node of workflow code.
 * @returns What is wrong with it; null if nothing is.
 */
export function swallowedError(module: WorkflowModule, node: Node): Finding | null {
  if (node.type !== "TryStatement") return null;
  const handler = child(node, "handler");
  if (handler === null) return null;
  const isEmpty = list(child(handler, "body")!, "body").every((statement) =>
    isLogging(module, statement)
  );
  if (!isEmpty) return null;
  const effects = effectsIn(module, child(node, "block")!);
  // What is withdrawn through a signal rejects on purpose.
  if (effects.length === 0 || effects.some(takesSignal)) return null;
  return {
    rule: "no-swallowed-errors",
    range: handler.range,
    message: "This catch swallows cancellation too: the run goes on as if nobody had cancelled it",
    hint: "Throw again what the code has no answer to, such as CancelledError",
  };
}

function isLogging(module: WorkflowModule, statement: Node): boolean {
  if (statement.type === "EmptyStatement") return true;
  const call = strip(child(statement, "expression"));
  if (call?.type !== "CallExpression") return false;
  const callee = strip(child(call, "callee"));
  if (globalPath(callee, module.scopes)?.startsWith("console.") === true) return true;
  const holder = callee?.type === "MemberExpression" ? strip(child(callee, "object")) : null;
  return holder?.type === "MemberExpression" && keyName(holder) === "log" &&
    module.isContext(child(holder, "object"));
}

/** The effects that are awaited right in a block. */
function effectsIn(module: WorkflowModule, node: Node): Node[] {
  if (isFunction(node) || node.type === "TryStatement") return [];
  const awaited = node.type === "AwaitExpression" ? strip(child(node, "argument")) : null;
  const effect = awaited !== null && module.effectOf(awaited) !== undefined ? [awaited] : [];
  return [...effect, ...children(node).flatMap((inner) => effectsIn(module, inner))];
}

function takesSignal(effect: Node): boolean {
  return list(effect, "arguments").some((argument) =>
    strip(argument)?.type === "ObjectExpression"
      ? list(strip(argument)!, "properties").some((item) =>
        item.type === "SpreadElement" || keyName(item) === "signal"
      )
      : strip(argument)?.type === "Identifier" // Options that are made elsewhere.
  );
}
