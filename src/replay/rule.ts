/**
 * A rule about one global whose result a replay could not repeat.
 *
 * @module
 */

/** One global, or function of a `node:` module, whose result a replay could not repeat. */
export interface Rule {
  /** How code names it, such as `Deno.readFile` or `node:os.uptime`. */
  readonly name: string;
  /** Where it is defined, if elsewhere, such as `Crypto.prototype.randomUUID`. */
  readonly at?: string;
  /**
   * Whether it uses the run's own time and randomness, returns the same on every node, or is
   * refused.
   */
  readonly action: "replace" | "same" | "refuse";
  /** What to write instead; for `same`, what it returns. */
  readonly instead: string;
  /** Whether reading it is guarded, instead of calling it. */
  readonly isRead?: true;
}
