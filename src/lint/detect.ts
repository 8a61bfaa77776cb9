/**
 * What is wrong with a workflow module, found in its syntax tree. Knows nothing of the linter that
 * asks. Precision goes first: what can't be said for sure is not said, since the guard of the
 * runtime finds it as soon as it runs.
 *
 * @module
 */

import { detectInModule } from "./detect_module.ts";
import { detectInWorkflows } from "./detect_workflow.ts";
import type { Finding } from "./finding.ts";
import { type Node, plainTree } from "./tree.ts";
import { type Classify, importsHost, readWorkflowModule } from "./workflow_module.ts";

/**
 * Looks for what a workflow module must not do.
 *
 * @param program A tree of the ESTree shape with TypeScript's nodes, such as `Deno.lint.Program`.
 * @param classify Tells specifiers of this package.
 * @returns What was found, in order of the source; nothing for other modules.
 */
export function detect(program: unknown, classify: Classify): readonly Finding[] {
  if (!importsHost(program as Node, classify)) return [];
  const module = readWorkflowModule(plainTree(program), classify);
  if (!module.definesWorkflows) return [];
  const found = [...detectInModule(module), ...detectInWorkflows(module)];
  return found.sort((a, b) => a.range[0] - b.range[0]);
}
