/**
 * Runs that a change of another run has woken.
 *
 * @module
 */

/** A run that was woken: by the end of another run, or since it has got a place. */
export interface WokenRun {
  /** The internal key. */
  readonly id: number;
  /** The node that executes it; `null`: the run is not claimed. */
  readonly node: string | null;
}
