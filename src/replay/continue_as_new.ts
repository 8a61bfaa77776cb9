/**
 * The value with which a workflow continues as new.
 *
 * @module
 */

/** What a workflow returns to continue as new; made by `ctx.continueAsNew`. */
export class ContinueAsNew {
  /** The encoded input of the next generation. */
  readonly input: string;
  /** Whether the next generation runs the workflow's current version, or stays on this one. */
  readonly version: "current" | "pinned";
  /** Whether the run takes new versions by itself from now on; `null`: as before. */
  readonly versioning: "auto" | "pinned" | null;

  readonly #isOne = true;

  /**
   * Makes the value.
   *
   * @param input The encoded input of the next generation.
   * @param version Which version the next generation runs.
   * @param versioning Whether the run takes new versions by itself; `null`: as before.
   */
  constructor(
    input: string,
    version: "current" | "pinned",
    versioning: "auto" | "pinned" | null,
  ) {
    this.input = input;
    this.version = version;
    this.versioning = versioning;
  }

  /**
   * Whether a value is a `ContinueAsNew`. Reads no property: the value may be a hostile proxy.
   *
   * @param value Any value.
   * @returns Whether it is one.
   */
  static is(value: unknown): value is ContinueAsNew {
    return typeof value === "object" && value !== null && #isOne in value;
  }
}
