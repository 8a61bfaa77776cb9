/**
 * What tells the world outside that two attempts are one wish, where nobody said it.
 *
 * - KEY-1: a key is of one effect for ever. It is made of the seed, which is drawn at random whenever
 *   a run starts, goes on as new or is tried again (a child's is its parent's with the position
 *   that asked for it), and never of a name that may be given twice: ids come back after their runs
 *   are pruned, and are the same in other namespaces and databases.
 * - KEY-2: a key is of all attempts of its effect, on whatever node and code. The seed is stored with
 *   the run, and an upgrade keeps it, as it keeps the positions of what was asked for.
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
