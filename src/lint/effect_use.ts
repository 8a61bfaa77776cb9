/**
 * Detects effects whose promise is not awaited, or whose failure is not handled.
 *
 * @module
 */

import type { Finding } from "./finding.ts";
import { globalPath } from "./names.ts";
import { child, children, isFunction, keyName, list, type Node, strip } from "./tree.ts";
import type { WorkflowModule } from "./workflow_module.ts";

/**
 * Finds out whether a statement requests effects and drops their promises.
 * `ctx.run(...).catch(...)` marks this as intended, also for the engine, which warns of effects
 * that are not awaited and can't see a `void`.
 *
 * @param module The module.
 * @param node A node of workflow code.
 * @returns The findings.
 */
export function floatingEffects(module: WorkflowModule, node: Node): Finding[] {
  if (node.type !== "ExpressionStatement") return [];
  return dropped(child(node, "expression")).flatMap((expression) => {
    const isAwaited = expression.type === "AwaitExpression";
    const call = isAwaited ? strip(child(expression, "argument")) : expression;
    const effect = module.effectOf(call) ?? (isAwaited ? undefined : eachEffect(module, call));
    if (call === null || effect === undefined) return [];
    const isNext = effect === "continueAsNew";
    if (isAwaited && !isNext) return [];
    return [{
      rule: "no-floating-effects",
      range: call.range,
      message: isNext
        ? "ctx.continueAsNew does nothing by itself: what it gives must be returned"
        : `This ctx.${effect} is not awaited: the run may end before it, and its failure is lost`,
      hint: isNext
        ? "Write `return ctx.continueAsNew(...)`"
        : "Await it, keep its promise, or write `.catch(() => {})` if the run may end without it",
    }];
  });
}

/** The expressions of which a statement drops the value. */
function dropped(given: Node | null): Node[] {
  const node = strip(given);
  if (node?.type === "UnaryExpression" && node["operator"] === "void") {
    return dropped(child(node, "argument"));
  }
  if (node?.type === "LogicalExpression") return dropped(child(node, "right"));
  if (node?.type !== "ConditionalExpression") return node === null ? [] : [node];
  return [...dropped(child(node, "consequent")), ...dropped(child(node, "alternate"))];
}

/**
 * The effect that the callback of `forEach` requests for each item: `forEach` drops the promises.
 */
function eachEffect(module: WorkflowModule, call: Node | null): string | undefined {
  const callee = call?.type === "CallExpression" ? strip(child(call, "callee")) : null;
  if (callee?.type !== "MemberExpression" || keyName(callee) !== "forEach") return undefined;
  const fn = strip(list(call!, "arguments")[0] ?? null);
  const body = isFunction(fn) ? strip(child(fn, "body")) : null;
  if (body === null) return undefined;
  return module.effectOf(body) ?? module.effectOf(effectsIn(module, body)[0] ?? null);
}

/**
 * Checks whether a `try` around effects has a `catch` that does nothing, or only logs.
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
  // An effect that is withdrawn through a signal rejects on purpose.
  if (effects.length === 0 || effects.some(takesSignal) || isCleanup(node)) return null;
  return {
    rule: "no-swallowed-errors",
    range: handler.range,
    message: "This catch swallows cancellation too: the run continues as if it was not cancelled",
    hint: "Throw again what the code has no answer to, such as CancelledError",
  };
}

/** Whether code runs after a failure. If such code ignores an error, no cancellation is lost. */
function isCleanup(node: Node): boolean {
  for (let at = node; at.parent !== null && !isFunction(at); at = at.parent) {
    if (at.type === "CatchClause" || at.parent["finalizer"] === at) return true;
  }
  return false;
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
