/**
 * Marks by which definitions are recognised: global symbols with a protocol number. Classes would
 * not do, since a process may have two copies of the package.
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

/** The protocol number of definitions and engines of this package. */
export const PROTOCOL = 1 as const;
