/**
 * Reads the graph of a module, and prints its hash or why it has none: a process of its own, with
 * permissions of its own.
 *
 * @module
 */

import { isContinuumError } from "../../../src/base/errors.ts";
import { readGraph } from "../../../src/version/graph/read.ts";

const print = (answer: unknown) =>
  Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));

try {
  const { manifest: { hash }, diagnostics } = await readGraph(Deno.args[0]!);
  await print({ hash, diagnostics: diagnostics.map(({ code }) => code) });
} catch (error) {
  if (!isContinuumError(error)) throw error;
  await print({ code: error.code, message: error.message });
}
