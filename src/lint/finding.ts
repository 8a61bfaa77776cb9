/**
 * Findings of the detection.
 *
 * @module
 */

import type { RuleId } from "./rule_ids.ts";

/** A violation of a rule. */
export interface Finding {
  /** The rule that it breaks. */
  readonly rule: RuleId;
  /** Where it begins and ends, in the units of the tree. */
  readonly range: readonly [number, number];
  /** What is wrong, and why. */
  readonly message: string;
  /** What to write instead. */
  readonly hint: string;
}
