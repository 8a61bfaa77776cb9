/**
 * How much of what is drawn or listed the tests look at. `deno task test` looks at a part of it, each
 * time at another one; `deno task thorough` looks at all of it.
 *
 * @module
 */

const PART = Deno.env.get("CONTINUUM_TEST_THOROUGH") === "1" ? 1 : 4;

/**
 * How many random cases are enough.
 *
 * @param all How many a thorough test looks at.
 */
export function countOf(all: number): number {
  return Math.ceil(all / PART);
}

/**
 * Takes every fourth case, from a place drawn at random; all of them in a thorough test.
 *
 * @param all The cases. A failure has to name the one that failed.
 */
export function partOf<T>(all: readonly T[]): readonly T[] {
  const first = Math.floor(Math.random() * PART);
  return all.filter((_, index) => index % PART === first);
}
