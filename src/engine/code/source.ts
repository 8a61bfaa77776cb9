/**
 * Finds the code of a run, and classifies failures to load it.
 *
 * @module
 */

import type { Proof, ProofRequest } from "../../dry_run/proof.ts";
import type { PlaceRequest } from "../../ports/limits.ts";
import type { ClaimedRun, StuckReason } from "../../ports/rows.ts";
import type { TurnPulse } from "../../replay/effects.ts";
import type { ActivityLike, WorkflowLike } from "../../replay/commands.ts";
import type { CodeFailure, RunCode } from "./run_code.ts";
import type { VersionRef } from "../../ports/version_ref.ts";

/** Finds the code of runs. */
export interface CodeSource {
  /**
   * Returns the code that a run is pinned to.
   *
   * @param run The run.
   * @param node The node that will execute it.
   */
  find(run: ClaimedRun, node: string): Promise<RunCode | CodeFailure>;
  /**
   * Replays a run on another version, without starting or writing anything. Absent: this source
   * can't, so runs stay on their versions.
   *
   * @param run The run.
   * @param hash The version.
   * @param read The run's whole history, and what is open in it.
   * @param options The node that will execute it; `pulse`: notified when the replay begins and ends.
   * @returns The outcome; `undefined`: the version can't be loaded here.
   */
  prove?(
    run: ClaimedRun,
    hash: string,
    read: Pick<ProofRequest, "events" | "open">,
    options: { readonly node: string; readonly pulse?: TurnPulse },
  ): Promise<Proof | undefined>;
  /** The hashes of the versions in memory. Absent: this source does not say. */
  readonly loaded?: readonly string[];
  /** Returns the current version of a workflow; `undefined`: none is registered. */
  current(workflow: string): Promise<VersionRef | undefined>;
  /**
   * Returns the version of a child. If the child is given by definition, it is the version rooted
   * at its module within the parent's version; if by name, the current version.
   *
   * @throws {VersionNotFoundError} If there is no such version.
   */
  childOf(run: ClaimedRun, workflow: WorkflowLike): Promise<VersionRef>;
  /**
   * Checks an encoded input against the version that will receive it.
   *
   * @returns The output of the version's schema, encoded.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If it does not match.
   * @throws {VersionUnavailableError} If this process can't load the schema.
   * @throws {SchemaFailedError} If the schema throws, or returns neither a value nor issues.
   */
  checkInput(hash: string, input: string): Promise<string>;
  /**
   * The place that a run waits for before it starts. Absent: this source limits no runs.
   *
   * @param hash Its version.
   * @param input Its encoded input, as {@linkcode CodeSource.checkInput} returned it.
   * @returns The place; `null`: its runs are not limited.
   */
  place?(hash: string, input: string): Promise<PlaceRequest | null>;
  /**
   * Checks a signal's encoded payload against the version of the run that will receive it.
   *
   * @returns The output of the version's schema, encoded.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the version does not declare the signal.
   * @throws {InvalidInputError} (`INVALID_SIGNAL_PAYLOAD`) If the payload does not match.
   * @throws {VersionUnavailableError} If this process can't load the schema.
   * @throws {SchemaFailedError} If the schema throws, or returns neither a value nor issues.
   */
  checkSignal(hash: string, name: string, payload: string): Promise<string>;
  /**
   * Returns an activity that is pinned with a version. Absent: this source has no activities.
   *
   * @param hash The version.
   * @param code The label and export of the activity, from {@linkcode RunCode.activityCode}.
   * @param node The node that will execute it.
   */
  activity?(hash: string, code: string, node: string): Promise<ActivityLike | CodeFailure>;
  /**
   * Executes what pins a run to a version. If that version was removed meanwhile, it is registered
   * again, and the call is repeated. Absent: this source registers nothing.
   *
   * @param pin Pins something.
   */
  pinning?<T>(pin: () => Promise<T>): Promise<T>;
  /** The denials that this process knows. Absent: this source has none. */
  readonly denials?: {
    /** As of the last {@linkcode heed}: the `stamp` of {@linkcode DenialList}. */
    readonly stamp: string;
    /** Reads the denials anew. */
    heed(): Promise<void>;
    /** Why runs of a version are parked; `undefined`: it is not denied. */
    reason(hash: string): StuckReason | undefined;
  };
  /** Returns whether a version that was unavailable is available now. */
  probe(hash: string): Promise<boolean>;
}
