/**
 * A name of this process for people.
 *
 * @module
 */

/**
 * Names this process.
 *
 * @param otherwise What it is called if it may not know its host.
 * @returns Host and process id.
 */
export function processName(otherwise: string): string {
  try {
    return `${Deno.hostname()}/${Deno.pid}`;
  } catch {
    return `${otherwise}/${Deno.pid}`; // without --allow-sys
  }
}
