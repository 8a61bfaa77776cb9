/**
 * The default idempotency key: the same for every attempt of an effect.
 *
 * - KEY-1: a key belongs to one effect for ever. It consists of the seed, which is random and
 *   changes whenever a run starts, continues as new or is retried (a child's seed is its parent's
 *   with the position that requested it). It contains no name that may be used twice: ids can be
 *   reused after their runs are pruned, and can be the same in other namespaces and databases.
 * - KEY-2: all attempts of an effect have the same key, on any node and code. The seed is stored with
 *   the run, and an upgrade keeps it, as it keeps the positions of commands.
 *
 * @module
 */

import { SeededRandom } from "../base/random.ts";

/**
 * Returns the key of an effect. The key does not reveal the seed, from which a reader could predict
 * `ctx.random`.
 *
 * @param seed The seed of the run's generation.
 * @param position The effect's position in program order.
 * @returns A UUID, a slash and the position: at most 47 characters.
 */
export function defaultIdempotencyKey(seed: string, position: number): string {
  return `${new SeededRandom(`${seed} effects`).uuid()}/${position}`;
}
