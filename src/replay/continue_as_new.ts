/**
 * The value that means: go on as new.
 *
 * @module
 */

/** What a workflow returns to go on as new; made by `ctx.continueAsNew`. */
export class ContinueAsNew {
  /** The encoded input of the next generation. */
  readonly input: string;
  /** Whether it takes the workflow's current version, or stays on this one. */
  readonly version: "current" | "pinned";

  readonly #isOne = true;

  /**
   * Makes the value.
   *
   * @param input The encoded input of the next generation.
   * @param version Which version it takes.
   */
  constructor(input: string, version: "current" | "pinned") {
    this.input = input;
    this.version = version;
  }

  /**
   * Whether a value is one. Asks nothing of the value, which may be a hostile proxy.
   *
   * @param value Anything.
   * @returns Whether it is.
   */
  static is(value: unknown): value is ContinueAsNew {
    return typeof value === "object" && value !== null && #isOne in value;
  }
}
