/**
 * How definitions are recognised: by global symbols and a protocol number, never by class, since
 * two copies of the package may meet.
 *
 * @module
 */

/**
 * Marks a workflow definition; its value is {@linkcode PROTOCOL}.
 *
 * @category Workflows
 */
export const WORKFLOW: unique symbol = Symbol.for("continuum.workflow") as never;

/**
 * Marks an activity definition; its value is {@linkcode PROTOCOL}.
 *
 * @category Activities
 */
export const ACTIVITY: unique symbol = Symbol.for("continuum.activity") as never;

/** The protocol between definitions and engines that this package speaks. */
export const PROTOCOL = 1 as const;
