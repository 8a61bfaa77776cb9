/**
 * What a parameter of an address or a form is; `parameters.ts` has the kinds.
 *
 * @module
 */

/** A parameter. */
export interface Parameter<Value = unknown> {
  /** Its name. */
  readonly name: string;
  /** Whether it may be given several times. */
  readonly many: boolean;
  /** Whether it is read as JSON, and not as a text. */
  readonly isJson?: true;
  /**
   * Reads one text.
   *
   * @param text The text; never empty.
   * @param what What errors call it.
   * @param zone The time zone of times that name none.
   * @returns The value.
   * @throws {InvalidArgumentError} If it is not what is wanted.
   */
  read(text: string, what: string, zone: string): Value;
}
