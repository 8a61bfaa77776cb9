/**
 * The options that all effects have.
 *
 * @module
 */

/**
 * Options of every effect.
 *
 * @category Workflows
 */
export interface EffectOptions {
  /**
   * Withdraws the effect when the signal aborts: the effect's promise rejects with the signal's
   * reason, and the effect consumes nothing any more.
   */
  readonly signal?: AbortSignal;
}
