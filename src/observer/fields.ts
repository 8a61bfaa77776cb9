/**
 * What a person chose or entered: the fields of a form, of a query, or of a JSON document.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { messageOf } from "../base/text.ts";
import { exactJson } from "./exact_json.ts";
import type { Json } from "../operate/plain.ts";

/**
 * Reads fields. In a form and a query an empty text is no value, since browsers send a field that was
 * left empty. In a document it is refused: a program wrote it, from a variable that is not set.
 */
export interface Fields {
  /** The names of the fields that were given a value. */
  readonly names: readonly string[];
  /**
   * A text; `null`: none was given.
   *
   * @param name The field.
   * @throws {InvalidArgumentError} If a document has the empty text there.
   */
  text(name: string): string | null;
  /**
   * All texts of a field.
   *
   * @param name The field.
   */
  list(name: string): readonly string[];
  /**
   * A value: of a form, its text is read as JSON.
   *
   * @param name The field.
   * @returns The value; `undefined`: none was given.
   * @throws {InvalidArgumentError} If the text is no JSON.
   */
  json(name: string): Json | undefined;
}

/**
 * Reads the fields of a form or of a query.
 *
 * @param entered The names and texts.
 */
export function fieldsOfForm(entered: URLSearchParams): Fields {
  const list = (name: string) => entered.getAll(name).filter((value) => value !== "");
  const text = (name: string) => list(name)[0] ?? null;
  return {
    names: [...new Set([...entered].filter(([, value]) => value !== "").map(([name]) => name))],
    text,
    list,
    json: (name) => {
      const [found, ...more] = list(name);
      if (more.length > 0) refuse(`parameter ${name}`, inWords("several values"), "one");
      return found === undefined ? undefined : readJson(found, name);
    },
  };
}

/**
 * Reads the fields of a JSON document.
 *
 * @param document The document.
 * @throws {InvalidArgumentError} If it is no object.
 */
export function fieldsOfJson(document: Json): Fields {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return refuse("the body of a request", document, "a JSON object");
  }
  const fields = document as { readonly [name: string]: Json };
  const field = (name: string) => Object.hasOwn(fields, name) ? fields[name] : undefined;
  const list = (name: string) => {
    const found = field(name) ?? [];
    const values = Array.isArray(found) ? found : [found];
    return values.flatMap((value) => textOf(value, `parameter ${name}`));
  };
  return {
    names: Object.keys(fields).filter((name) => fields[name] !== null),
    text: (name) => list(name)[0] ?? null,
    list,
    json: field,
  };
}

/** A value of a document as a form has it: `true` is a box that is checked. */
function textOf(value: Json, what: string): readonly string[] {
  switch (typeof value) {
    case "string":
      return value === "" ? refuse(what, value, "a text, or no such parameter") : [value];
    case "boolean":
      return value ? ["1"] : [];
    case "number":
      return [String(value)];
    default:
      return refuse(what, value, "a text");
  }
}

function readJson(text: string, name: string): Json {
  try {
    return exactJson(text);
  } catch (error) {
    return refuse(
      `parameter ${name}`,
      inWords(messageOf(error)),
      'JSON, such as "approved" or {"a":1}',
    );
  }
}
