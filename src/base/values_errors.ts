/**
 * Errors as values: which of their fields last, and how they come back.
 *
 * @module
 */

import { setHidden, stackless } from "./stackless.ts";

/** Fields that are carried by name, beside an error's own enumerable ones. */
const CARRIED = ["code", "details", "errors"];
/** Never carried as a field: said otherwise, or an accident of the machine. */
const OMITTED = new Set(["name", "message", "stack", "cause", "__proto__"]);

const STANDARD: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((
    type,
  ) => [type.name, type as ErrorConstructor]),
);

/**
 * The lasting fields of an error. Own fields that cannot be written are left out: a failure must
 * always be recordable. The cause is written or, if it cannot be, left out too.
 *
 * @param error The error.
 * @param visit Writes one part; its refusal leaves the part out.
 * @param maxStack How many characters of the stack to keep; 0 for no stack.
 * @returns A tree with `name`, `message`, and where there are any `cause` and `fields`.
 */
export function errorFields(
  error: Error,
  visit: (part: unknown, key: string) => unknown,
  maxStack: number,
): Record<string, unknown> {
  const tree: Record<string, unknown> = {
    name: readText(error, "name", "Error"),
    message: readText(error, "message", ""),
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
 * Builds an error from its decoded fields. Standard errors keep their class; others are an `Error`
 * with the recorded name, told apart by `code`.
 *
 * @param tree What {@linkcode errorFields} gave, decoded, and perhaps a `stack`.
 * @returns The error.
 */
export function rebuildError(tree: Record<string, unknown>): Error {
  const name = String(tree.name ?? "Error");
  const message = String(tree.message ?? "");
  const cause = Object.hasOwn(tree, "cause") ? { cause: tree.cause } : undefined;
  const error = stackless(() => new (STANDARD.get(name) ?? Error)(message, cause));
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
