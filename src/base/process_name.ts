/**
 * A name of this process for people.
 *
 * @module
 */

import { hostname } from "node:os";
import process from "node:process";

/**
 * Names this process.
 *
 * @param otherwise What it is called if it may not know its host.
 * @returns Host and process id.
 */
export function processName(otherwise: string): string {
  try {
    return `${hostname()}/${process.pid}`;
  } catch {
    return `${otherwise}/${process.pid}`; // without --allow-sys
  }
}
