/**
 * Versions that are definitions of the test itself, in addition to those that are loaded from
 * modules.
 *
 * @module
 */

import { sha256Hex } from "../base/encoding.ts";
import { contractOf } from "../version/definition.ts";
import type { VersionStore } from "../ports/store.ts";
import type { LoadedVersion } from "../version/loaded_version.ts";
import type { VersionRef } from "../ports/version_ref.ts";
import { Versions, type VersionsOptions } from "../version/versions.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** Any workflow. */
export type AnyWorkflow = WorkflowDefinition<never, unknown>;

/** Versions, some of which are definitions. */
export class TestVersions extends Versions {
  readonly #store: VersionStore;
  readonly #byHash = new Map<string, LoadedVersion>();
  readonly #byDefinition = new Map<AnyWorkflow, LoadedVersion>();

  /** @param options The options of the versions. */
  constructor(options: VersionsOptions) {
    super(options);
    this.#store = options.store;
  }

  /** See {@linkcode Versions.loaded}. */
  override get loaded(): readonly LoadedVersion[] {
    return [...this.#byHash.values(), ...super.loaded];
  }

  /**
   * Registers a definition under a hash of its name, label and function: the same in every process.
   * A later definition of the same name becomes the current version.
   *
   * @param definition The workflow.
   */
  async registerDefinition(definition: AnyWorkflow): Promise<LoadedVersion> {
    const known = this.#byDefinition.get(definition);
    if (known !== undefined) return known;
    const { name, version: label } = definition;
    const manifest = this.#manifestOf(definition);
    const hash = sha256Hex(manifest);
    const specifier = `test:${name}`;
    const version: LoadedVersion = {
      hash,
      definition: definition as WorkflowDefinition,
      source: "native",
      specifier,
      modules: new Map(),
    };
    this.#byHash.set(hash, version);
    this.#byDefinition.set(definition, version);
    const contract = contractOf(definition);
    const row = { hash, workflow: name, label, manifest, contract, specifier, blobs: null };
    await this.#store.register(row);
    return version;
  }

  /** See {@linkcode Versions.obtain}. */
  override obtain(hash: string, node?: string): Promise<LoadedVersion> {
    const version = this.#byHash.get(hash);
    return version === undefined ? super.obtain(hash, node) : Promise.resolve(version);
  }

  /** See {@linkcode Versions.has}. */
  override has(hash: string): boolean {
    return this.#byHash.has(hash) || super.has(hash);
  }

  /** See {@linkcode Versions.probe}. */
  override async probe(hash: string): Promise<boolean> {
    return this.#byHash.has(hash) || await super.probe(hash);
  }

  /** See {@linkcode Versions.forStart}. */
  override async forStart(
    workflow: WorkflowDefinition | string,
    hash?: string,
  ): Promise<VersionRef> {
    const version = typeof workflow === "string" || hash !== undefined
      ? undefined
      : this.#byDefinition.get(workflow as AnyWorkflow);
    return version === undefined ? await super.forStart(workflow, hash) : startOf(version);
  }

  /** See {@linkcode Versions.childVersion}; a definition of the test is its own version. */
  override async childVersion(
    parentHash: string,
    definition: WorkflowDefinition,
  ): Promise<VersionRef> {
    if (!this.#byHash.has(parentHash)) return await super.childVersion(parentHash, definition);
    return startOf(await this.registerDefinition(definition as AnyWorkflow));
  }

  /**
   * Distinguishes definitions that differ only in the variables of their closures by their order.
   */
  #manifestOf({ name, version, run }: AnyWorkflow): string {
    const text = `test ${JSON.stringify([name, version])}\n${run}`;
    let manifest = text;
    for (let copy = 2; this.#byHash.has(sha256Hex(manifest)); copy++) {
      manifest = `${text}\n${copy}`;
    }
    return manifest;
  }
}

function startOf({ hash, definition, specifier }: LoadedVersion): VersionRef {
  return { workflow: definition.name, hash, specifier };
}
