/**
 * Detects mistakes in a workflow module from its syntax tree, independently of the linter. It
 * prefers precision: it reports nothing that is uncertain, since the guard of the runtime finds the
 * rest as soon as the code runs.
 *
 * @module
 */

import { detectInModule } from "./detect_module.ts";
import { detectInWorkflows } from "./detect_workflow.ts";
import type { Finding } from "./finding.ts";
import { type Node, plainTree } from "./tree.ts";
import { type Classify, importsHost, readWorkflowModule } from "./workflow_module.ts";

/**
 * Looks for mistakes in a workflow module.
 *
 * @param program A tree of the ESTree shape with TypeScript's nodes, such as `Deno.lint.Program`.
 * @param classify Tells specifiers of this package.
 * @returns The findings, in order of the source; empty for other modules.
 */
export function detect(program: unknown, classify: Classify): readonly Finding[] {
  if (!importsHost(program as Node, classify)) return [];
  const module = readWorkflowModule(plainTree(program), classify);
  if (!module.definesWorkflows) return [];
  const found = [...detectInModule(module), ...detectInWorkflows(module)];
  return found.sort((a, b) => a.range[0] - b.range[0]);
}
