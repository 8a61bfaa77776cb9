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
}
