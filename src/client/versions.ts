/**
 * The registry of versions, as applications see it.
 *
 * @module
 */

import { checkText, readName } from "../base/arguments.ts";
import type { VersionRow } from "../ports/rows.ts";
import type { VersionStore } from "../ports/store.ts";
import { VersionNotFoundError } from "../version/load_errors.ts";

/**
 * A version, as the registry knows it.
 *
 * @category Versions
 */
export interface VersionInfo {
  /** SHA-256 of the manifest, in hex. */
  readonly hash: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The label that the definition gives itself. */
  readonly label: string | null;
  /** Whether runs that are started by name take it. */
  readonly current: boolean;
  /** Every specifier that it is known under, the newest first. */
  readonly specifiers: readonly string[];
  /** Whether the archive holds its members. */
  readonly archived: boolean;
  /** When it was registered. */
  readonly registeredAt: Date;
}

/**
 * The registry of versions.
 *
 * @category Versions
 */
export class Versions {
  readonly #store: VersionStore;

  /**
   * Made by `Continuum`.
   *
   * @param store Where versions are kept.
   */
  constructor(store: VersionStore) {
    this.#store = store;
  }

  /**
   * Lists versions, newest first.
   *
   * @param workflow Of one workflow; of all when omitted.
   * @returns The versions.
   */
  async list(workflow?: string): Promise<VersionInfo[]> {
    if (workflow !== undefined) readName(workflow, "a workflow");
    const rows = await this.#store.list(workflow);
    const current = new Map<string, string | null>();
    for (const name of new Set(rows.map((row) => row.workflow))) {
      current.set(name, await this.#store.current(name));
    }
    return rows.map((row) => versionInfo(row, current.get(row.workflow) === row.hash));
  }

  /**
   * Makes a version the one that new runs take when they are started by name.
   *
   * @param workflow The workflow's name.
   * @param hash The version.
   * @throws {VersionNotFoundError} If the workflow has no such version.
   */
  async activate(workflow: string, hash: string): Promise<void> {
    readName(workflow, "a workflow");
    checkText(hash, "a version's hash");
    if (await this.#store.activate(workflow, hash)) return;
    throw new VersionNotFoundError(hash, `activate a version of ${JSON.stringify(workflow)}`);
  }
}

function versionInfo(row: VersionRow, current: boolean): VersionInfo {
  const { hash, workflow, label, specifiers, archived } = row;
  const registeredAt = new Date(row.registeredAt);
  return { hash, workflow, label, current, specifiers, archived, registeredAt };
}
