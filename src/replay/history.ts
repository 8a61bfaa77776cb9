/**
 * A run's journal as the machine reads it: an ordered list of events. The run row itself has the
 * start (input, seed, start time), so there is no start event.
 *
 * @module
 */

/**
 * The kinds of event. A closed union: handlers are mapped types over it.
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
  | "ask.received"
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
  | "ask.answered"
  | "ask.failed"
  | "value.published"
  | "payload.refused"
  | "version.changed";

/** The payload of a `cancel.requested` event. */
export interface CancelRequest {
  /** The reason, for people. */
  readonly reason?: string | null;
  /** The run's timeout in milliseconds, if the timeout is the cause and not a caller. */
  readonly timeout?: number;
  /** Set if the request also reaches clean-up that an earlier one has begun. */
  readonly force?: true;
}

/**
 * One line of a run's journal.
 *
 * Deliveries settle the command at `position`, and move the run's clock to `at`. Annotations
 * (`attempt.failed`, `patched`, `attributes.set`, `status.set`, `ask.answered`, `ask.failed`,
 * `value.published`, `payload.refused`, `version.changed`) settle nothing and do not move the clock.
 */
export interface HistoryEvent {
  /** Its place in the journal, from 0; grows with every event. */
  readonly seq: number;
  /** The kind of event. */
  readonly kind: EventKind;
  /** The position of its command in program order, from 0; `null` for annotations of the run. */
  readonly position: number | null;
  /**
   * The command's name (step, activity or signal), the patch's name, the id of an ask, the name of a
   * published value, or "" where there is none.
   */
  readonly name: string;
  /** The digest of the command's input when it was recorded; null where the kind has none. */
  readonly digest: string | null;
  /** The encoded value (see `encode`); `null` if the kind has none. */
  readonly payload: string | null;
  /** Database time of the event, in whole milliseconds since the epoch. */
  readonly at: number;
}
