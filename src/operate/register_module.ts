/**
 * Registers the version that a module has now, without making it current.
 *
 * @module
 */

import { forCallers } from "../store/callers.ts";
import { openStore } from "../store/open.ts";
import { standInWorkingFolder } from "../version/project/application.ts";
import { Versions } from "../version/versions.ts";
import { given, type OperatorOptions } from "./client.ts";
import { trustPattern } from "./modules.ts";
import { keysOption } from "./trusted_keys.ts";

/** A version that was registered. */
export interface RegisteredModule {
  /** The workflow's name. */
  readonly workflow: string;
  /** The version's hash. */
  readonly version: string;
}

/**
 * Reads a workflow module as it is now, imports it in this process, and registers its version with
 * all its bytes, as a start does (VERSION-5 of `version/versions.ts`). The working folder stands for
 * the application.
 *
 * @param options The database, whose schema is not changed.
 * @param specifier The module's absolute specifier.
 * @param trust Patterns of remote modules that it may import besides those of its own origin.
 * @returns The version.
 * @throws {LoadError} (`NOT_A_WORKFLOW`) If its default export is not a workflow. Errors of reading
 * and importing modules, and of the database, are passed on.
 */
export async function registerModule(
  { database, schema, keys }: Pick<OperatorOptions, "database" | "keys" | "schema">,
  specifier: string,
  trust: readonly string[] = [],
): Promise<RegisteredModule> {
  standInWorkingFolder();
  await using store = await openStore(given({ database, schema }));
  await store.migrate("check");
  const modules = trust.length === 0 ? {} : { modules: [specifier, ...trust.map(trustPattern)] };
  const { versions: registry, denials, signatures } = forCallers(store);
  const versions = new Versions({
    store: registry,
    denials,
    signatures,
    workflows: [specifier],
    trust: { ...modules, ...await keysOption(keys) },
  });
  await versions.denials.refresh();
  const { workflow, hash: version } = await versions.registerForStart(specifier);
  return { workflow, version };
}
