/**
 * Schemas of inputs and signals: whatever implements Standard Schema (https://standardschema.dev),
 * as Zod, Valibot and ArkType do. Only the part that this package uses is spelled out.
 *
 * @module
 */

import { shownId } from "../base/describe.ts";
import { ContinuumError, type Issue } from "../base/errors.ts";

export type { Issue } from "../base/errors.ts";

/** How many characters of an issue a message shows, and of what was checked. */
const MAX_ISSUE = 700;

/**
 * A schema: checks a value, and may turn it into another.
 *
 * @category Workflows
 */
export interface StandardSchema<Given = unknown, Checked = Given> {
  /** What the standard asks of a schema. */
  readonly "~standard": {
    /** The standard's version. */
    readonly version: 1;
    /** The library that made it. */
    readonly vendor: string;
    /** Checks a value, at once or by and by. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Checked> | Promise<SchemaResult<Checked>>;
    /** Holds the types; it need not exist at run time. */
    readonly types?: { readonly input: Given; readonly output: Checked } | undefined;
  };
}

/**
 * What came of a check.
 *
 * @category Workflows
 */
export type SchemaResult<Checked> =
  | {
    /** The value, as the schema makes it. */
    readonly value: Checked;
    /** There are none. */
    readonly issues?: undefined;
  }
  | {
    /** What does not fit. */
    readonly issues: readonly SchemaIssue[];
  };

/**
 * Something that does not fit a schema.
 *
 * @category Workflows
 */
export interface SchemaIssue {
  /** For people. */
  readonly message: string;
  /** Where, from the outside in. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/**
 * A schema broke down: it threw, or answered with neither a value nor issues.
 *
 * @category Errors
 */
export class SchemaFailedError extends ContinuumError<"SCHEMA_FAILED"> {
  /**
   * Makes the error.
   *
   * @param what What was to be checked.
   * @param vendor The library that made the schema.
   * @param why What it did.
   * @param cause What it threw, if it threw.
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
 * Whether something looks like a schema.
 *
 * @param value Anything.
 * @returns Whether it has what the standard asks for.
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
 * @returns The value as the schema makes it, or why it does not fit.
 * @throws {SchemaFailedError} If the schema breaks down.
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
 * Issues as one line of a message.
 *
 * @param issues What does not fit.
 * @returns Each with its place, at most five.
 */
export function showIssues(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 5).map(({ path, message }) =>
    path === "" ? message : `${path}: ${message}`
  );
  if (issues.length > shown.length) shown.push(`${issues.length - shown.length} more`);
  return shown.length === 0 ? "it gives no reason" : shown.join("; ");
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
