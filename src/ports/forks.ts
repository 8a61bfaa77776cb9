/**
 * What the engine requires of a store for forks of runs.
 *
 * @module
 */

import type { OpenLock } from "./limits.ts";
import type { RunState } from "./rows.ts";
import type { VersionRef } from "./version_ref.ts";

/** A fork to be inserted. */
export interface NewFork extends VersionRef {
  /** The original's internal key. */
  readonly origin: number;
  /** The original's namespace, which is the fork's, too. */
  readonly namespace: string;
  /** The generation of the original whose history the fork begins with. */
  readonly generation: number;
  /** The fork's id. */
  readonly runId: string;
  /** Encoded input. */
  readonly input: string;
  /** Whether a stored input is the same; compared as text when omitted. */
  readonly isInput?: (stored: string) => Promise<boolean>;
  /** Seed of the fork's `random()` and `uuid()`. */
  readonly seed: string;
  /** Where it comes from, as `originText` of `src/replay` writes it. */
  readonly forkOf: string;
  /** Its timeout and retry policy, as `policyText` writes it; `null`: none. */
  readonly policy: string | null;
  /** How many events of the generation stand before the point of the fork. */
  readonly events: number;
  /** Those of them that the fork does not take over, by their place in the generation, from 0. */
  readonly dropped: readonly number[];
  /** Later events that it takes over, too, by their place. */
  readonly extra: readonly number[];
  /** The seq, in the fork, after the last delivery; 0: it takes over no event. */
  readonly delivered: number;
  /** Whether it receives the signals that the original received after the point. */
  readonly carry: boolean;
  /** Ids of runs whose end it receives as if they were its children. */
  readonly adopted: readonly string[];
  /** The locks that its history holds or waits for: it waits until it has them. */
  readonly locks: readonly OpenLock[];
}

/** The outcome of a fork. */
export type Forked =
  /** Inserted by this call, or, if not `created`, by an earlier one that requested the same. */
  | { readonly status: "forked"; readonly created: boolean; readonly id: number }
  /** Another run has its id. */
  | { readonly status: "taken"; readonly workflow: string; readonly state: RunState }
  /** The original, or a child that was to be adopted, is not there any more as it was read. */
  | { readonly status: "changed" };

/** Forks of runs. */
export interface ForkStore {
  /** Inserts a fork, due now. The original is neither locked nor changed. */
  fork(fork: NewFork): Promise<Forked>;
}
