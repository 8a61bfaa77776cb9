/**
 * Versions for a client that loads no code: what the registry says of them is enough to start, signal
 * and watch runs.
 *
 * - CODELESS-1: no code of a version runs in such a process. What needs it throws
 *   {@linkcode VersionUnavailableError}, of kind `node`: another process may have the code.
 * - CODELESS-2: what a version's schemas must check is never written unchecked. The client checks it
 *   with the caller's own copy of the schemas, if that declares the same; otherwise it refuses.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import type { DenialStore } from "../ports/denials.ts";
import type { Contract } from "../ports/rows.ts";
import type { VersionStore } from "../ports/store.ts";
import type { VersionRef } from "../ports/version_ref.ts";
import {
  chosenVersion,
  currentVersion,
  noSuchWorkflow,
  specifiedVersion,
} from "../version/choose.ts";
import type { SchemaSource } from "../version/contracts.ts";
import { contractOf } from "../version/definition.ts";
import { Denials } from "../version/denials.ts";
import { loadFailure, VersionNotFoundError } from "../version/load_errors.ts";
import type { VersionUnavailableError } from "../version/load_errors.ts";
import { Signatures } from "../version/signing/signatures.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";
import type { AnyWorkflowDefinition } from "../workflow/types_of.ts";
import type { ClientDryRuns, ClientVersions } from "./context.ts";

/** The registry's versions, none of which is loaded. */
export class RegisteredVersions implements ClientVersions {
  /** The denials that this process knows. */
  readonly denials: Denials;
  /** None. */
  readonly loaded: readonly [] = [];
  /** It goes by none, since it executes no version. */
  readonly signatures: Signatures = new Signatures({}, undefined);
  readonly #store: VersionStore;
  /** A specifier of each version that was current when a run was started. */
  readonly #specifiers = new Map<string, string>();

  /**
   * @param store The registry.
   * @param denials Which versions an operator has denied.
   */
  constructor(store: VersionStore, denials: Pick<DenialStore, "list">) {
    this.#store = store;
    this.denials = new Denials(denials);
  }

  /** Chooses the version of a new run: the current one, that of a specifier, or the chosen one. */
  async forStart(workflow: WorkflowDefinition | string, chosen?: string): Promise<VersionRef> {
    if (typeof workflow !== "string") {
      const why = "this client loads no code, wanted the workflow's name";
      throw new VersionNotFoundError(workflow.name, "start a run", why);
    }
    if (chosen !== undefined) return await chosenVersion(workflow, chosen, this.#store);
    const known = (hash: string) => this.#specifiers.get(hash);
    const current = await currentVersion(workflow, this.#store, known);
    if (current !== null) {
      this.#specifiers.set(current.hash, current.specifier);
      return current;
    }
    const specified = await specifiedVersion(workflow, this.#store);
    if (specified === null) throw noSuchWorkflow(workflow);
    return specified;
  }

  /** See {@linkcode Denials.demandAllowed}. */
  demandAllowed(hash: string, task: string): void {
    this.denials.demandAllowed(hash, task);
  }

  /** No version executes here. */
  denialReason(): undefined {}

  /** A version that was removed does not come back: this process has no bytes of it. */
  pinning<T>(pin: () => Promise<T>): Promise<T> {
    return pin();
  }

  /** The registry's form of a specifier is what this process is given. */
  record(specifier: string): string {
    return specifier;
  }

  /** Forgets what nodes noted of a version. */
  clearFailures(hash: string): Promise<void> {
    return this.#store.clearFailures(hash);
  }

  /** No version is loaded. */
  has(): boolean {
    return false;
  }

  /** No version is loaded. */
  workflowOf(): undefined {}

  /** CODELESS-1 */
  obtain(hash: string): Promise<never> {
    return Promise.reject(withoutCode(hash));
  }

  /** CODELESS-1 */
  inspect(hash: string): Promise<never> {
    return Promise.reject(withoutCode(hash));
  }

  /** CODELESS-1 */
  examine(hash: string): Promise<never> {
    return Promise.reject(withoutCode(hash));
  }

  /** CODELESS-1 */
  read(specifier: string): Promise<never> {
    return Promise.reject(withoutCode(specifier));
  }
}

/** Dry runs, which need code (CODELESS-1). */
export const NO_DRY_RUNS: ClientDryRuns = {
  of: () => NO_DRY_RUNS,
  remembering: () => NO_DRY_RUNS,
  trace: ({ hash }) => Promise.reject(withoutCode(hash)),
  query: ({ hash }) => Promise.reject(withoutCode(hash)),
  source: ({ hash }) => Promise.reject(withoutCode(hash)),
  start: ({ manifest }) => Promise.reject(withoutCode(manifest.hash)),
  prover: (code) => {
    throw withoutCode(typeof code === "string" ? code : code.manifest.hash);
  },
};

/**
 * The schemas of definitions that the caller has imported (CODELESS-2).
 *
 * @param definitions One for each workflow.
 * @param store The registry.
 */
export function schemasOf(
  definitions: readonly AnyWorkflowDefinition[],
  store: Pick<VersionStore, "get">,
): SchemaSource {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  return {
    loaded: [],
    obtain: async (hash) => {
      const row = await store.get(hash);
      const definition = byName.get(row?.workflow ?? "");
      if (row === null || definition === undefined) {
        throw withoutCode(hash, "wanted the workflow's definition in option definitions");
      }
      if (declared(contractOf(definition)) !== declared(row.contract)) {
        const name = quoteId(row.workflow);
        throw withoutCode(
          hash,
          `the definition of ${name} in option definitions declares other schemas than the version`,
        );
      }
      return { definition };
    },
  };
}

/** What a contract says of schemas, as text. */
function declared(contract: Contract | null): string {
  return JSON.stringify([contract?.input ?? false, contract?.signals ?? null]);
}

function withoutCode(hash: string, wanted?: string): VersionUnavailableError {
  const message = `this client loads no code${wanted === undefined ? "" : `; ${wanted}`}`;
  return loadFailure(hash, [{ source: "policy", kind: "node", code: "CLIENT_ONLY", message }]);
}
