/**
 * The schemas of the signals that a workflow declares.
 *
 * @module
 */

import { checkOptions, readName, refuse } from "../base/arguments.ts";
import { isSchema, type StandardSchema } from "./schema.ts";
import type { AskSchemas, SignalSchemas } from "./signal_types.ts";

/** What a workflow declares of a signal; `undefined`: nothing. */
type Declared = SignalSchemas[string] | undefined;

/** The schema of a signal's payload; `null`: it has none. */
export function payloadSchema(declared: Declared): StandardSchema | null {
  return isSchema(declared) ? declared : (declared as AskSchemas | undefined)?.payload ?? null;
}

/** The schema of a signal's answer; `null`: it has none. */
export function answerSchema(declared: Declared): StandardSchema | null {
  return isSchema(declared) ? null : (declared as AskSchemas | undefined)?.answer ?? null;
}

/**
 * Checks the option `signals` of a workflow.
 *
 * @param signals What was given.
 * @param workflow The workflow's name.
 */
export function readSignals(signals: unknown, workflow: string): SignalSchemas {
  const what = `signals of workflow ${JSON.stringify(workflow)}`;
  if (typeof signals !== "object" || signals === null || Array.isArray(signals)) {
    refuse(what, signals, "an object of schemas by name");
  }
  const read: Record<string, StandardSchema | AskSchemas> = Object.create(null);
  for (const [name, declared] of Object.entries(signals)) {
    readName(name, `a signal of workflow ${JSON.stringify(workflow)}`);
    read[name] = readDeclared(declared, `signal ${JSON.stringify(name)} in ${what}`);
  }
  return Object.freeze(read);
}

function readDeclared(declared: unknown, what: string): StandardSchema | AskSchemas {
  const isPair = typeof declared === "object" && declared !== null && "answer" in declared;
  if (isSchema(declared) || !isPair) return readSchema(declared, what);
  checkOptions(declared, ["payload", "answer"], what);
  const { payload, answer } = declared as { readonly payload?: unknown; readonly answer: unknown };
  return Object.freeze({
    ...(payload === undefined ? {} : { payload: readSchema(payload, `the payload of ${what}`) }),
    answer: readSchema(answer, `the answer of ${what}`),
  });
}

/**
 * Checks a schema.
 *
 * @param schema What was given.
 * @param what What it is the schema of.
 */
export function readSchema(schema: unknown, what: string): StandardSchema {
  if (isSchema(schema)) return schema;
  return refuse(
    `the schema of ${what}`,
    schema,
    "one that implements Standard Schema, as those of Zod, Valibot and ArkType do",
  );
}
