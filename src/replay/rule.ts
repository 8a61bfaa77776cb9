/**
 * What a rule says of one global that a replay could not repeat.
 *
 * @module
 */

/** One global, or function of a `node:` module, that a replay could not repeat. */
export interface Rule {
  /** How code names it, such as `Deno.readFile` or `node:os.uptime`. */
  readonly name: string;
  /** Where it really is, if not where it is named, such as `Crypto.prototype.randomUUID`. */
  readonly at?: string;
  /**
   * Whether it answers from the run's own time and randomness, answers the same on every node, or is
   * refused.
   */
  readonly action: "replace" | "same" | "refuse";
  /** What to write in its place; for what answers the same on every node, what it answers. */
  readonly instead: string;
  /** Whether reading it is what is guarded, in place of calling it. */
  readonly isRead?: true;
}
