/**
 * Chooses the version of a new run by what the registry says alone.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import type { VersionStore } from "../ports/store.ts";
import type { VersionRef } from "../ports/version_ref.ts";
import { VersionNotFoundError } from "./load_errors.ts";

/**
 * The current version of a workflow.
 *
 * @param workflow The workflow's name.
 * @param store The registry.
 * @param specifierOf Knows the specifiers of some versions without a query.
 * @returns The version; `null`: no workflow has that name.
 */
export async function currentVersion(
  workflow: string,
  store: Pick<VersionStore, "current" | "get">,
  specifierOf: (hash: string) => string | undefined = () => undefined,
): Promise<VersionRef | null> {
  const hash = await store.current(workflow);
  if (hash === null) return null;
  const specifier = specifierOf(hash) ?? (await store.get(hash))?.specifiers[0] ?? "";
  return { workflow, hash, specifier };
}

/**
 * The version that the caller chose.
 *
 * @param workflow The workflow's name.
 * @param hash The version.
 * @param store The registry.
 * @returns The version.
 * @throws {VersionNotFoundError} If it is not registered, or is one of another workflow.
 */
export async function chosenVersion(
  workflow: string,
  hash: string,
  store: Pick<VersionStore, "get">,
): Promise<VersionRef> {
  const row = await store.get(hash);
  if (row?.workflow === workflow) {
    return { workflow, hash, specifier: row.specifiers[0] ?? "" };
  }
  throw new VersionNotFoundError(hash, `start a run of workflow ${quoteId(workflow)}`);
}

/**
 * The version of a specifier that the registry knows.
 *
 * @param specifier The specifier, as it is registered.
 * @param store The registry.
 * @returns The version; `null`: it is not registered.
 */
export async function specifiedVersion(
  specifier: string,
  store: Pick<VersionStore, "bySpecifier">,
): Promise<VersionRef | null> {
  const row = await store.bySpecifier(specifier);
  return row === null ? null : { workflow: row.workflow, hash: row.hash, specifier };
}

/** No workflow has the name that a caller gave. */
export function noSuchWorkflow(workflow: string): VersionNotFoundError {
  return new VersionNotFoundError(workflow, "start a run", "no workflow has that name");
}
