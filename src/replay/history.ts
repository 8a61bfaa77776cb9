/**
 * What a run's journal holds, as the machine reads it: an ordered list of deliveries. The run row
 * itself is the start (input, seed, start time), so there is no start event.
 *
 * @module
 */

/**
 * What an event says. A closed union: handlers are mapped types over it.
 *
 * @category Runs
 */
export type EventKind =
  | "step.completed"
  | "step.failed"
  | "activity.completed"
  | "activity.failed"
  | "timer.fired"
  | "signal.received"
  | "signal.timeout"
  | "transaction.completed"
  | "transaction.failed"
  | "child.completed"
  | "child.failed"
  | "call.completed"
  | "call.failed"
  | "cancel.requested"
  | "attempt.failed"
  | "patched"
  | "attributes.set"
  | "status.set"
  | "payload.refused"
  | "version.changed";

/** What a `cancel.requested` says. */
export interface CancelRequest {
  /** Why, for people. */
  readonly reason?: string | null;
  /** Milliseconds that the run might take, if it was not a caller's wish but that this is over. */
  readonly timeout?: number;
}

/**
 * One line of a run's journal.
 *
 * Deliveries settle the command at `position`, and move the run's clock to `at`. Annotations
 * (`attempt.failed`, `patched`, `attributes.set`, `status.set`, `payload.refused`,
 * `version.changed`) settle nothing and do not move it.
 */
export interface HistoryEvent {
  /** Its place in the journal, from 0; grows with every event. */
  readonly seq: number;
  /** What it says. */
  readonly kind: EventKind;
  /** The command it is about, in program order from 0; null for annotations of the run. */
  readonly position: number | null;
  /** The command's name (step, activity or signal), the patch's name, or "" where there is none. */
  readonly name: string;
  /** The digest of the command's input when it was recorded; null where the kind has none. */
  readonly digest: string | null;
  /** The encoded value (see `encode`), or null where the kind carries none. */
  readonly payload: string | null;
  /** Database time of the event, in whole milliseconds since the epoch. */
  readonly at: number;
}
