/**
 * Detects I/O through `node:` modules. They are not globals, so no guard sees them, and the run
 * would wait for something that is not in its journal.
 *
 * @module
 */

import type { Finding } from "./finding.ts";
import { globalPath } from "./names.ts";
import { ruleAt } from "./rule_ids.ts";
import { child, type Node, strip } from "./tree.ts";
import type { WorkflowModule } from "./workflow_module.ts";

/** Modules whose functions all have effects outside of the run. */
const MODULES: ReadonlySet<string> = new Set([
  "node:child_process",
  "node:cluster",
  "node:dgram",
  "node:dns",
  "node:dns/promises",
  "node:fs",
  "node:fs/promises",
  "node:http",
  "node:http2",
  "node:https",
  "node:net",
  "node:readline",
  "node:readline/promises",
  "node:sqlite",
  "node:timers",
  "node:timers/promises",
  "node:tls",
  "node:worker_threads",
]);

/**
 * Checks one node of workflow code.
 *
 * @param module The module.
 * @param node The node.
 * @returns The finding; null if the node does not call one of these modules.
 */
export function nodeIo(module: WorkflowModule, node: Node): Finding | null {
  if (node.type !== "CallExpression" && node.type !== "NewExpression") return null;
  const callee = strip(child(node, "callee"));
  let root = callee;
  while (root?.type === "MemberExpression") root = strip(child(root, "object"));
  const from = root?.type === "Identifier" ? module.scopes.resolve(root)?.from : undefined;
  if (from === undefined || !MODULES.has(from.specifier)) return null;
  if (ruleAt(globalPath(callee, module.scopes)) !== undefined) return null; // reported by another rule
  const isTimer = from.specifier.startsWith("node:timers");
  return {
    rule: "no-node-io",
    range: callee!.range,
    message: `${from.specifier} is outside of the run: its answer is not in the journal, and no ` +
      "guard sees the call",
    hint: isTimer ? "Use ctx.sleep" : "Use ctx.run or an activity",
  };
}
