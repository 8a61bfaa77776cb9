/**
 * Small pieces of SQL that statements on runs share.
 *
 * @module
 */

/** Idle runs without a history have done nothing yet: they are pending, the others suspended. */
export const IDLE_STATE = "case when next_seq = 0 then 'pending' else 'suspended' end";
