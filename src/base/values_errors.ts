/**
 * Errors as values: which of their fields are stored, and how they are restored.
 *
 * @module
 */

import { setHidden, stackless } from "./stackless.ts";

/** Fields that are stored by name, in addition to an error's own enumerable ones. */
const CARRIED = ["code", "details", "errors"];
/** Never stored as a field: stored in another place, or specific to the process. */
const OMITTED = new Set(["name", "message", "stack", "cause", "__proto__"]);

/** The language's own classes; `Error`, which all others extend, comes last. */
const STANDARD: ReadonlyMap<string, ErrorConstructor> = new Map(
  [AggregateError, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, Error]
    .map((type) => [type.name, type as ErrorConstructor]),
);

/**
 * The name of an error's own class.
 *
 * @param error Any thrown value.
 * @returns The name; `null` if there is none, or it can't be read.
 */
export function classNameOf(error: unknown): string | null {
  try {
    const name: unknown = (error as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === "string" && name !== "" ? name : null;
  } catch {
    return null;
  }
}

/**
 * The name of an error: its `name`, or that of its class if the class does not set `name`.
 *
 * @param error The error.
 * @returns The name.
 */
function nameOf(error: Error): string {
  const name = readText(error, "name", "Error");
  if (!STANDARD.has(name) || isOwn(error, "name")) return name;
  return classNameOf(error) ?? name;
}

function isOwn(error: Error, key: string): boolean {
  try {
    return Object.hasOwn(error, key);
  } catch {
    return false;
  }
}

/** The standard class, other than `Error`, that an error of another name extends. */
function baseOf(error: Error, name: string): string | undefined {
  if (STANDARD.has(name)) return undefined;
  for (const [base, type] of STANDARD) {
    if (type === Error) return undefined;
    if (error instanceof type) return base;
  }
  return undefined;
}

/**
 * The fields of an error that are stored. Own fields that cannot be written are left out: a failure
 * must always be recordable. The cause is written or, if it cannot be, left out too.
 *
 * @param error The error.
 * @param visit Writes one part; if it throws, the part is left out.
 * @param maxStack How many characters of the stack to keep; 0 for no stack.
 * @returns A tree with `name`, `message`, and `base`, `cause` and `fields` if they exist.
 */
export function errorFields(
  error: Error,
  visit: (part: unknown, key: string) => unknown,
  maxStack: number,
): Record<string, unknown> {
  const name = nameOf(error);
  const base = baseOf(error, name);
  const tree: Record<string, unknown> = {
    name,
    message: readText(error, "message", ""),
    ...(base === undefined ? {} : { base }),
  };
  const stack = maxStack === 0 ? "" : readText(error, "stack", "");
  if (stack !== "") tree.stack = stack.slice(0, maxStack);
  const carry = (into: Record<string, unknown>, key: string): void => {
    try {
      const part = (error as unknown as Record<string, unknown>)[key];
      if (typeof part !== "function" && part !== undefined) into[key] = visit(part, key);
    } catch {
      // Left out, as promised.
    }
  };
  if ("cause" in error) carry(tree, "cause");
  const fields: Record<string, unknown> = {};
  const keys = [...CARRIED.filter((key) => Object.hasOwn(error, key)), ...Object.keys(error)];
  for (const key of new Set(keys)) if (!OMITTED.has(key)) carry(fields, key);
  if (Object.keys(fields).length > 0) tree.fields = fields;
  return tree;
}

/**
 * Builds an error from its decoded fields. Standard errors keep their class; others get the
 * standard class that they extend, with the recorded name. Their `code` tells them apart.
 *
 * @param tree A decoded result of {@linkcode errorFields}, perhaps with a `stack`.
 * @returns The error.
 */
export function rebuildError(tree: Record<string, unknown>): Error {
  const name = String(tree.name ?? "Error");
  const message = String(tree.message ?? "");
  const cause = Object.hasOwn(tree, "cause") ? { cause: tree.cause } : undefined;
  const type = STANDARD.get(String(tree.base ?? name)) ?? Error;
  const error = stackless(() =>
    type.name === "AggregateError"
      ? new AggregateError([], message, cause)
      : new type(message, cause)
  );
  if (error.name !== name) setHidden(error, "name", name);
  setHidden(error, "stack", typeof tree.stack === "string" ? tree.stack : `${name}: ${message}`);
  for (const [key, value] of Object.entries(tree.fields ?? {})) {
    if (!OMITTED.has(key)) (error as unknown as Record<string, unknown>)[key] = value;
  }
  return error;
}

function readText(
  error: Error,
  key: "name" | "message" | "stack",
  otherwise: string,
): string {
  try {
    const text = (error as Partial<Record<typeof key, unknown>>)[key];
    return typeof text === "string" ? text : otherwise;
  } catch {
    return otherwise;
  }
}
