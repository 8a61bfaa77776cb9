/**
 * Which release of the workflows this is: the server of releases writes its number here.
 *
 * @module
 */

/** From 1. */
export const RELEASE: number = 1;
