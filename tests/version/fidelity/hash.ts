/**
 * Reads the graph of a module, and prints its hash or why it has none: a process of its own, with
 * permissions of its own.
 *
 * @module
 */

import { isContinuumError } from "../../../src/base/errors.ts";
import { readGraph } from "../../../src/version/graph.ts";

try {
  const { hash, diagnostics } = await readGraph(Deno.args[0]!);
  console.log(JSON.stringify({ hash, diagnostics: diagnostics.map(({ code }) => code) }));
} catch (error) {
  if (!isContinuumError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
