/**
 * Detects mistakes in replayed code: the functions that are passed to `defineWorkflow`, and those
 * of the same file that they call.
 *
 * @module
 */

import { argumentMode, type Mode } from "./argument_mode.ts";
import { floatingEffects, swallowedError } from "./effect_use.ts";
import type { Finding } from "./finding.ts";
import { globalUse } from "./global_use.ts";
import { moduleState } from "./module_state.ts";
import { classOf, functionOf } from "./names.ts";
import { nodeIo } from "./node_io.ts";
import { child, children, isClass, isFunction, keyName, list, type Node, strip } from "./tree.ts";
import type { WorkflowModule } from "./workflow_module.ts";

/** The properties of a context that request no effect. */
const PLAIN: ReadonlySet<string> = new Set([
  "attempt",
  "cancelSignal",
  "headers",
  "parent",
  "runId",
  "schedule",
  "version",
  "workflow",
]);

/**
 * Walks through the replayed code.
 *
 * @param module The module.
 * @returns What was found.
 */
export function detectInWorkflows(module: WorkflowModule): Finding[] {
  const { scopes } = module;
  const found = new Map<string, Finding>();
  const seen = { workflow: new Set<Node>(), step: new Set<Node>() };
  const waiting: { fn: Node; mode: Mode }[] = [];

  function add(finding: Finding | null): void {
    if (finding !== null) found.set(`${finding.rule} ${finding.range}`, finding);
  }

  /** Adds a function of this file to those that the walk visits. */
  function reach(fn: Node | null, mode: Mode): void {
    if (fn === null || seen[mode].has(fn)) return;
    seen[mode].add(fn);
    waiting.push({ fn, mode });
  }

  function call(node: Node, mode: Mode): void {
    const callee = child(node, "callee") ?? child(node, "tag");
    if (node.type !== "NewExpression") reach(functionOf(callee, scopes), mode);
    else constructed(classOf(callee, scopes), mode);
    const inner = strip(callee);
    if (inner !== null && !isFunction(inner)) visit(inner, mode);
    list(node, "arguments").forEach((argument, index) => {
      const fn = functionOf(argument, scopes);
      const then = argumentMode(module, node, index, mode);
      if (fn !== null && then !== null) reach(fn, then);
      if (!isFunction(strip(argument))) visit(argument, mode);
    });
    const quasi = child(node, "quasi");
    if (quasi !== null) visit(quasi, mode);
  }

  /** `new` runs the constructor and the initial values of fields; methods run when called. */
  function constructed(made: Node | null, mode: Mode): void {
    if (made === null || seen[mode].has(made)) return;
    seen[mode].add(made);
    for (const item of list(child(made, "body")!, "body")) {
      if (item["static"] === true) continue;
      const value = strip(child(item, "value"));
      if (item["kind"] === "constructor") reach(value, mode);
      else if (item.type === "PropertyDefinition" && value !== null) visit(value, mode);
    }
  }

  function visit(node: Node, mode: Mode): void {
    if (isFunction(node) || isClass(node)) return; // Walked through when something calls it.
    if (mode === "step") {
      if (contextInStep(node)) return;
    } else {
      add(globalUse(module, node));
      add(moduleState(module, node));
      add(nodeIo(module, node));
      for (const finding of floatingEffects(module, node)) add(finding);
      add(swallowedError(module, node));
    }
    switch (node.type) {
      case "CallExpression":
      case "NewExpression":
      case "TaggedTemplateExpression":
        return call(node, mode);
      default:
        for (const part of children(node)) visit(part, mode);
    }
  }

  /** Whether a node of a step's callback uses the run's context, which is refused there. */
  function contextInStep(node: Node): boolean {
    const isMember = node.type === "MemberExpression";
    if (!module.isContext(isMember ? child(node, "object") : node)) return false;
    const key = isMember ? keyName(node) : undefined;
    if (key !== undefined && PLAIN.has(key)) return true;
    add({
      rule: "no-context-in-steps",
      range: node.range,
      message: `${
        key === undefined ? "The context" : `ctx.${key}`
      } is refused within a step's callback: the journal holds the step as one event`,
      hint: "Use it before or after the step, and hand over values",
    });
    return true;
  }

  for (const entry of module.entries) reach(entry, "workflow");
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { fn, mode } = next;
    for (const param of list(fn, "params")) visit(param, mode);
    const body = strip(child(fn, "body"));
    if (body !== null) visit(body, mode);
  }
  return [...found.values()];
}
