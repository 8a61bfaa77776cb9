/**
 * Workflow modules for tests of the lint plugin.
 *
 * @module
 */

import plugin from "../../src/lint/mod.ts";

/** What stands at the head of a workflow module. */
export const IMPORT = 'import { defineWorkflow } from "@continuum/continuum/workflow";';

/**
 * Lints a module.
 *
 * @param source The module.
 * @param file Its file name.
 * @returns For each finding its rule and the source that it points at, such as `no-io fetch`.
 */
export function lint(source: string, file = "order.ts"): string[] {
  return diagnose(source, file).map(({ id, range }) => `${id} ${source.slice(...range)}`);
}

/**
 * Lints a module.
 *
 * @param source The module.
 * @param file Its file name.
 * @returns The findings in order of the source, ids without the plugin's name.
 */
export function diagnose(source: string, file = "order.ts"): Deno.lint.Diagnostic[] {
  return Deno.lint.runPlugin(plugin, file, source)
    .map((found) => ({ ...found, id: found.id.replace(/^continuum\//, "") }))
    .sort((a, b) => a.range[0] - b.range[0]);
}

/**
 * A module with one workflow.
 *
 * @param body What its function does.
 * @param top What the module has beside it.
 * @returns The source.
 */
export function workflow(body: string, top = ""): string {
  return `${IMPORT}
${top}
export default defineWorkflow({ name: "order" }, async (ctx, input) => {
${body}
});
`;
}
