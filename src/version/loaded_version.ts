/**
 * Versions as a process has them.
 *
 * @module
 */

import type { Diagnostic } from "./manifest/diagnostics.ts";
import type { Namespace } from "./load/loader.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** Where the code of a loaded version came from. */
export type LoadedSource = "native" | "url" | "archive";

/** A version in memory. */
export interface LoadedVersion {
  /** The version. */
  readonly hash: string;
  /** Its workflow. */
  readonly definition: WorkflowDefinition;
  /** Where its code came from. */
  readonly source: LoadedSource;
  /** The specifier that it was registered or found under, as the registry records it. */
  readonly specifier: string;
  /** The namespaces of its modules by label: what activities are found in. */
  readonly modules: ReadonlyMap<string, Namespace>;
}

/** A version that this process registered. */
export interface OwnVersion extends LoadedVersion {
  /** Whether nobody had registered it before. */
  readonly isNew: boolean;
  /** Runs that it let out of `stuck_unknown_version`. */
  readonly revived: number;
  /** What keeps its graph from being pinned exactly. */
  readonly diagnostics: readonly Diagnostic[];
}
