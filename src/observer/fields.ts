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
  const text = (name: string) => entered.getAll(name).find((value) => value !== "") ?? null;
  return {
    text,
    list: (name) => entered.getAll(name).filter((value) => value !== ""),
    json: (name) => {
      const found = text(name);
      return found === null ? undefined : readJson(found, name);
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
    const texts = Array.isArray(found) ? found : [found];
    if (texts.every((text) => typeof text === "string")) return texts;
    return refuse(`field ${name} of a request`, found, "texts");
  };
  return {
    text: (name) => {
      const found = field(name) ?? null;
      if (found === "") {
        return refuse(`field ${name} of a request`, found, "a text, or no such field");
      }
      if (found === null || typeof found === "string") return found;
      if (typeof found === "object") return refuse(`field ${name} of a request`, found, "a text");
      return String(found);
    },
    list,
    json: field,
  };
}

/**
 * Reads some of a few words. A word that is unknown is refused: leaving it out would ask for all.
 *
 * @param texts What was chosen; an empty text is no value.
 * @param words The words.
 * @param name The field.
 * @returns The words, each once, in their order.
 * @throws {InvalidArgumentError} If one is unknown.
 */
export function wordsOf<Word extends string>(
  texts: readonly string[],
  words: readonly Word[],
  name: string,
): Word[] {
  const unknown = texts.find((text) => text !== "" && !words.includes(text as Word));
  if (unknown !== undefined) refuse(`field ${name}`, unknown, words.join(", "));
  return words.filter((word) => texts.includes(word));
}

function readJson(text: string, name: string): Json {
  try {
    return exactJson(text);
  } catch (error) {
    return refuse(
      `field ${name}`,
      inWords(messageOf(error)),
      'JSON, such as "approved" or {"a":1}',
    );
  }
}
