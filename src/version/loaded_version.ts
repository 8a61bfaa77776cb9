/**
 * Versions in the memory of a process.
 *
 * @module
 */

import type { Diagnostic } from "./manifest/diagnostics.ts";
import type { Namespace } from "./load/loader.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** The source of the code of a loaded version. */
export type LoadedSource = "native" | "url" | "archive";

/** A version in memory. */
export interface LoadedVersion {
  /** The version. */
  readonly hash: string;
  /** Its workflow. */
  readonly definition: WorkflowDefinition;
  /** The source of its code. */
  readonly source: LoadedSource;
  /** The specifier that it was registered or found under, in the form of the registry. */
  readonly specifier: string;
  /** The namespaces of its modules by label; activities are looked up in them. */
  readonly modules: ReadonlyMap<string, Namespace>;
}

/** A version that this process registered. */
export interface OwnVersion extends LoadedVersion {
  /** The text of its manifest. */
  readonly manifest: string;
  /** Whether this registration created it. */
  readonly isNew: boolean;
  /** How many runs it released from `stuck_unknown_version`. */
  readonly revived: number;
  /** Why its graph is not pinned exactly. */
  readonly diagnostics: readonly Diagnostic[];
}
