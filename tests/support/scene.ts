/**
 * What tests of the client begin with: workflow modules in a folder, and a node that knows them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import type { Continuum } from "../../src/continuum.ts";
import type { OpenOptions } from "../../src/options.ts";
import { openIn } from "./runs.ts";
import type { DatabaseKind, EmptyDatabase } from "./database.ts";
import { type Folder, makeFolder } from "./modules.ts";

/** The source of a workflow module. */
export function source(body: string, options: string, before = ""): string {
  return `import { defineWorkflow } from "@continuum/continuum/workflow";
${before}
export default defineWorkflow(${options}, async (ctx, input: any) => {
${body}
});
`;
}

/** Answers with its input, after a signal where the input asks for one. */
const ECHO = source(
  `if (input?.wait === undefined) return input;
   return [input, await ctx.waitForSignal(input.wait)];`,
  `{ name: "echo" }`,
);

/** A database, a node and its modules. */
export interface Scene extends AsyncDisposable {
  readonly db: EmptyDatabase;
  readonly node: Continuum;
  readonly folder: Folder;
}

/** Sets a scene: a node that knows `echo` and the workflows of `files`. */
export async function scene(
  database: DatabaseKind,
  files: Readonly<Record<string, string>> = {},
  options: OpenOptions = {},
): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const db = stack.use(await database.fresh());
  const modules = { "echo.ts": ECHO, ...files };
  const folder = stack.use(await makeFolder(modules));
  const workflows = Object.keys(modules).map((path) => folder.url + path);
  const node = stack.use(await openIn(db, { workflows, ...options }));
  return { db, folder, node, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Holds an attempt to an error with a code, and words of its message. */
export async function refused(
  attempt: Promise<unknown>,
  code: string,
  ...words: readonly (string | RegExp)[]
): Promise<void> {
  await assert.rejects(attempt, (error: Error) => {
    assert(isContinuumError(error), `an error of this package: ${error.stack}`);
    assert.equal(error.code, code, error.message);
    for (const word of words) {
      const found = typeof word === "string"
        ? error.message.includes(word)
        : word.test(error.message);
      assert(found, `${word} in: ${error.message}`);
    }
    return true;
  });
}
