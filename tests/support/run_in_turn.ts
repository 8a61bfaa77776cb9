/**
 * Runs programs one after the other in this process, which ends by itself once none has left anything
 * behind. A line before each one's output names it.
 *
 * @module
 */

/** Begins the line that names the next program. */
export const TURN = "\u0001";

if (import.meta.main) {
  for (const url of Deno.args) {
    Deno.stdout.writeSync(new TextEncoder().encode(`${TURN}${url}\n`));
    await import(url);
  }
}
