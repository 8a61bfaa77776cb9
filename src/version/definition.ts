/**
 * The workflow that a module defines: its default export.
 *
 * @module
 */

import type { Contract } from "../ports/rows.ts";
import { PROTOCOL, WORKFLOW } from "../workflow/marks.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";
import { LoadError } from "./load_errors.ts";

/**
 * The facts about a version that need no code: the names of its schemas, and the policy with which
 * its runs start.
 *
 * @param definition The workflow.
 * @returns The contract; `null` if it would be empty.
 */
export function contractOf(
  { input, signals, timeout, retry, versioning, limit }: Pick<
    WorkflowDefinition,
    "input" | "signals" | "timeout" | "retry" | "versioning" | "limit"
  >,
): Contract | null {
  if (!input && !signals && !timeout && !retry && !versioning && !limit) return null;
  const policy = {
    ...(timeout ? { timeout } : {}),
    ...(retry ? { retry } : {}),
    ...(versioning ? { versioning } : {}),
  };
  return {
    input: Boolean(input),
    signals: signals ? Object.keys(signals).sort() : null,
    ...(timeout || retry || versioning ? { policy } : {}),
    ...(limit
      ? {
        limit: { terms: limit.terms, keyed: limit.key !== null, ranked: limit.priority !== null },
      }
      : {}),
  };
}

/**
 * Finds the workflow in a module.
 *
 * @param namespace The module's namespace.
 * @param specifier The module's name in messages.
 * @returns Its default export.
 * @throws {LoadError} (`NOT_A_WORKFLOW`) When it is not a workflow, or one for a newer engine.
 */
export function readDefinition(
  namespace: Readonly<Record<string, unknown>>,
  specifier: string,
): WorkflowDefinition {
  const wanted = "wanted export default defineWorkflow(...)";
  if (!("default" in namespace)) {
    const names = Object.keys(namespace).slice(0, 10).join(", ");
    throw new LoadError(
      "NO_DEFAULT_EXPORT",
      `Cannot use ${specifier} as a workflow: it has no default export, found ` +
        `${names === "" ? "no exports at all" : `the exports ${names}`}, ${wanted}`,
      { details: {} },
    );
  }
  const found = namespace["default"];
  const protocol = typeof found === "object" && found !== null && WORKFLOW in found
    ? found[WORKFLOW]
    : undefined;
  if (protocol === PROTOCOL) return found as WorkflowDefinition;
  if (typeof protocol === "number" && protocol > PROTOCOL) {
    throw new LoadError(
      "PROTOCOL_TOO_NEW",
      `Cannot use ${specifier} as a workflow: found a definition of protocol ${protocol}, ` +
        `wanted at most ${PROTOCOL}; run a newer engine`,
      { details: {} },
    );
  }
  const kind = found === null
    ? "null"
    : typeof found === "object"
    ? "another object"
    : typeof found;
  throw new LoadError(
    "NOT_A_WORKFLOW",
    `Cannot use ${specifier} as a workflow: its default export is ${kind}, ${wanted}`,
    { details: {} },
  );
}
