/**
 * The default idempotency key: the same for every attempt of an effect.
 *
 * - KEY-1: a key belongs to one effect for ever. It is made of the seed, which is drawn at random whenever
 *   a run starts, continues as new or is retried (a child's is its parent's with the position
 *   that requested it), and never of a name that may be used twice: ids come back after their runs
 *   are pruned, and are the same in other namespaces and databases.
 * - KEY-2: all attempts of an effect have the same key, on any node and code. The seed is stored with
 *   the run, and an upgrade keeps it, as it keeps the positions of commands.
 *
 * @module
 */

import { SeededRandom } from "../base/random.ts";

/**
 * The key of an effect. The seed itself stays inside: who has it knows what `ctx.random` will say.
 *
 * @param seed The seed of the run's generation.
 * @param position The effect's position in program order.
 * @returns A UUID, a slash and the position: at most 47 characters.
 */
export function defaultIdempotencyKey(seed: string, position: number): string {
  return `${new SeededRandom(`${seed} effects`).uuid()}/${position}`;
}
