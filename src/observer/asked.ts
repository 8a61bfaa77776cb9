/**
 * What a route was asked for.
 *
 * @module
 */

import type { Continuum } from "../operate/client.ts";
import type { Form } from "./negotiate.ts";
import type { Look } from "./route.ts";
import type { View } from "./view.ts";

/** A request that has passed all checks. */
export interface Asked {
  /** The request. */
  readonly request: Request;
  /** What to read from. */
  readonly look: Look;
  /** Does the deeds, in the namespace that is shown. */
  readonly actor: Continuum;
  /** What to render with. */
  readonly view: View;
  /** The form of the answer. */
  readonly form: Form;
  /** What links begin with. */
  readonly base: string;
  /** What an action before said; `null`: nothing. */
  readonly said: string | null;
  /**
   * Reads, within the time that an answer has (BOUNDS-1).
   *
   * @param work Reads.
   */
  read<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * Withholds what the viewer may not see (REDACTION-1).
   *
   * @param data Plain JSON.
   */
  redacted<Data>(data: Data): Data;
}
