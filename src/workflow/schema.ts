/**
 * Schemas of inputs, signals and answers: any implementation of Standard Schema
 * (https://standardschema.dev), such as those of Zod, Valibot and ArkType. These types declare only
 * the part that this package uses.
 *
 * @module
 */

import { quoteId, shownId } from "../base/describe.ts";
import { ContinuumError, InvalidInputError, type Issue } from "../base/errors.ts";

export type { Issue } from "../base/errors.ts";

/** How many characters of an issue a message shows, and of what was checked. */
const MAX_ISSUE = 700;

/**
 * A schema: checks a value, and may transform it.
 *
 * @category Workflows
 */
export interface StandardSchema<Given = unknown, Checked = Given> {
  /** The properties that the standard requires. */
  readonly "~standard": {
    /** The standard's version. */
    readonly version: 1;
    /** The library that made it. */
    readonly vendor: string;
    /** Checks a value, synchronously or asynchronously. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Checked> | Promise<SchemaResult<Checked>>;
    /** Holds the types; it may be absent at run time. */
    readonly types?: { readonly input: Given; readonly output: Checked } | undefined;
  };
}

/**
 * The result of a check.
 *
 * @category Workflows
 */
export type SchemaResult<Checked> =
  | {
    /** The output of the schema. */
    readonly value: Checked;
    /** Absent after a success. */
    readonly issues?: undefined;
  }
  | {
    /** The issues. */
    readonly issues: readonly SchemaIssue[];
  };

/**
 * A mismatch between a value and a schema.
 *
 * @category Workflows
 */
export interface SchemaIssue {
  /** An explanation for people. */
  readonly message: string;
  /** The path to the value, from the outside in. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/**
 * A schema failed: it threw, or returned neither a value nor issues.
 *
 * @category Errors
 */
export class SchemaFailedError extends ContinuumError<"SCHEMA_FAILED"> {
  /**
   * Creates the error.
   *
   * @param what What it checked.
   * @param vendor The library that made the schema.
   * @param why What the schema did.
   * @param cause The error that it threw, if it threw one.
   */
  constructor(what: string, vendor: string, why: string, cause?: unknown) {
    const shown = shownId(what, MAX_ISSUE);
    super("SCHEMA_FAILED", `Cannot check ${shown}: its schema, of ${vendor}, ${why}`, {
      details: { what: shown, vendor },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/**
 * Returns whether a value looks like a schema.
 *
 * @param value Any value.
 * @returns Whether it has the properties that the standard requires.
 */
export function isSchema(value: unknown): value is StandardSchema {
  if (typeof value !== "object" && typeof value !== "function" || value === null) return false;
  const standard = (value as Partial<StandardSchema>)["~standard"];
  return typeof standard === "object" && standard !== null &&
    typeof standard.validate === "function";
}

/**
 * Checks a value.
 *
 * @param schema The schema.
 * @param value The value.
 * @param what What it is, for messages.
 * @returns The output of the schema, or why the value does not match.
 * @throws {SchemaFailedError} If the schema throws, or returns neither a value nor issues.
 */
export async function checkSchema<Checked>(
  schema: StandardSchema<never, Checked> | StandardSchema<unknown, Checked>,
  value: unknown,
  what: string,
): Promise<{ readonly value: Checked } | { readonly issues: readonly Issue[] }> {
  const { vendor, validate } = schema["~standard"];
  let result: SchemaResult<Checked>;
  try {
    result = await validate(value);
  } catch (error) {
    throw new SchemaFailedError(what, vendor, "threw", error);
  }
  if (typeof result === "object" && result !== null) {
    if (Array.isArray(result.issues)) return { issues: result.issues.map(readIssue) };
    if ("value" in result) return { value: result.value };
  }
  throw new SchemaFailedError(what, vendor, "answered with neither a value nor issues");
}

/**
 * Formats issues as one line of a message.
 *
 * @param issues The issues.
 * @returns Each issue with its path, at most five.
 */
export function showIssues(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 5).map(({ path, message }) =>
    path === "" ? message : `${path}: ${message}`
  );
  if (issues.length > shown.length) shown.push(`${issues.length - shown.length} more`);
  return shown.length === 0 ? "it gives no reason" : shown.join("; ");
}

/**
 * What a handler returned does not match the schema of the answer.
 *
 * @param signal The signal's name.
 * @param workflow The workflow's name.
 * @param issues What does not match.
 * @returns The error, with code `INVALID_ANSWER`.
 */
export function invalidAnswer(
  signal: string,
  workflow: string,
  issues: readonly Issue[],
): InvalidInputError {
  return new InvalidInputError(
    "INVALID_ANSWER",
    `Cannot answer signal ${quoteId(signal)} of workflow ${quoteId(workflow)}: what its handler ` +
      `returned does not fit the schema: ${showIssues(issues)}`,
    { details: { signal: shownId(signal), workflow: shownId(workflow), issues } },
  );
}

function readIssue(issue: SchemaIssue): Issue {
  const path = (issue.path ?? []).map((part) =>
    String(typeof part === "object" && part !== null ? part.key : part)
  );
  return {
    message: shownId(String(issue.message), MAX_ISSUE),
    path: shownId(path.join("."), MAX_ISSUE),
  };
}
