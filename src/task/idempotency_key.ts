/**
 * The default idempotency key: the same for every attempt of an effect.
 *
 * - KEY-1: a key belongs to one effect for ever. It consists of the seed, which is random and
 *   changes whenever a run starts, continues as new or is retried (a child's seed is its parent's
 *   with the effect that requested it), and of what tells the effect from others of its generation:
 *   kind, name, digest of the input, and how many equal ones the code has requested before. It
 *   contains no id: ids can be reused after their runs are pruned, and can be the same in other
 *   namespaces and databases.
 * - KEY-2: all attempts of an effect have the same key, on any node and code. The seed is stored with
 *   the run, and an upgrade keeps it. An effect that has happened and whose result was never written
 *   may have another place in program order on the code that the run is moved to: its key does not
 *   depend on that. What that code requests with another name or input is another effect, with
 *   another key.
 *
 * @module
 */

import { digestText } from "../base/digest.ts";
import { SeededRandom } from "../base/random.ts";
import type { Command } from "../replay/commands.ts";

/** Which of a generation's effects it is. */
export type KeyedEffect = Pick<Command, "kind" | "name" | "digest" | "nth">;

/**
 * Returns the key of an effect. The key does not reveal the seed, from which a reader could predict
 * `ctx.random`.
 *
 * @param seed The seed of the run's generation.
 * @param effect The effect.
 * @returns A UUID, a slash, a digest, a dot and a number: at most 63 characters.
 */
export function defaultIdempotencyKey(
  seed: string,
  { kind, name, digest, nth }: KeyedEffect,
): string {
  const uuid = new SeededRandom(`${seed} effects`).uuid();
  return `${uuid}/${digestText(`${kind} ${digest ?? ""} ${name}`)}.${nth}`;
}
