/**
 * The versions that this process registered from its own workflow modules.
 *
 * @module
 */

import { VersionNotFoundError } from "./load_errors.ts";
import type { OwnVersion } from "./loaded_version.ts";
import type { VersionRef } from "../ports/version_ref.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** The versions that this process registered. */
export class OwnVersions {
  readonly #versions = new Map<string, OwnVersion>();
  readonly #workflows = new Set<string>();

  /** The names of their workflows: this node serves every version of these. */
  get workflows(): ReadonlySet<string> {
    return this.#workflows;
  }

  /** Adds a version; replaces the earlier registration of the same version. */
  add(version: OwnVersion): void {
    this.#versions.set(version.hash, version);
    this.#workflows.add(version.definition.name);
  }

  /** Returns the version of a hash, if this process registered it. */
  get(hash: string): OwnVersion | undefined {
    return this.#versions.get(hash);
  }

  /**
   * The version of a definition.
   *
   * @param definition A definition that this process imported, or that of a loaded version.
   * @param importOwn Imports the module of a specifier as the application does. Called only if
   *   several versions of one name are registered here.
   * @returns The version.
   * @throws {VersionNotFoundError} When it was not registered here, or when it can't be determined
   * which of several versions of its name it is.
   */
  async forStart(
    definition: WorkflowDefinition,
    importOwn: (specifier: string) => Promise<unknown>,
  ): Promise<VersionRef> {
    const own = [...this.#versions.values()];
    const same = own.filter((version) => version.definition === definition);
    // Code that was loaded separately from the application's own import is another object.
    const named = own.filter((version) => version.definition.name === definition.name);
    let [found] = same.length > 0 ? same : named.length === 1 ? named : [];
    for (const version of found === undefined ? named : []) {
      if (await importOwn(version.specifier) === definition) found = version;
    }
    if (found === undefined) {
      throw new VersionNotFoundError(
        definition.name,
        "start a run",
        named.length === 0
          ? "this process has not registered that workflow, wanted its specifier in `workflows`"
          : "several versions of that workflow are registered here, wanted a name or specifier",
      );
    }
    return { workflow: definition.name, hash: found.hash, specifier: found.specifier };
  }
}
