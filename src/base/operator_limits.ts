/**
 * How long the texts may be that say who acts, and why.
 *
 * @module
 */

/** The longest name of an operator, in characters. */
export const MAX_ACTOR = 200;

/** The longest reason of an act, in characters. */
export const MAX_REASON = 1_000;
