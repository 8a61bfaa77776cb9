/**
 * HTML by templates. `` html`<p>${text}</p>` `` escapes every value.
 *
 * - HTML-1: only this file makes {@linkcode Html}, of the constant texts of a template and of
 *   escaped values. Whatever is stored appears as text, and as nothing else.
 *
 * A value in an element is shown; `null`, `undefined` and booleans are nothing, and an array is its
 * items. A value that is all of an attribute may be `null`, `undefined` or `false`, which leave the
 * attribute out, or `true`, which leaves it empty. Attributes for URLs take a link of `links.ts`
 * (LINK-1).
 *
 * Control characters, and those that change the direction of text, are shown as escapes. Attributes
 * that are read by programs hold them as they are.
 *
 * @module
 */

import { printable } from "../base/describe.ts";
import { type Hole, readTemplate, type Template, URL_ATTRIBUTE } from "./html_template.ts";
import { type Link, urlOf } from "./links.ts";

/** A piece of HTML in which all texts are escaped. */
export type { Html };

/** What may be a value in a template. */
export type Content =
  | Html
  | Link
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Content[];

class Html {
  readonly #markup: string;

  /** HTML-1: nothing else in the project calls it. */
  constructor(markup: string) {
    this.#markup = markup;
  }

  static read(value: object): string | null {
    return #markup in value ? value.#markup : null;
  }

  /** The HTML. */
  toString(): string {
    return this.#markup;
  }
}

/** By the constant texts of a template, of which there is one object for each place in the code. */
const TEMPLATES = new WeakMap<TemplateStringsArray, Template>();

/**
 * Makes HTML of a template.
 *
 * @param strings The constant texts.
 * @param values The values; each is escaped for the place where it stands.
 * @throws {TypeError} If a value stands where it can't be escaped (TEMPLATE-1), or is not of a kind that
 * can stand there.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  let template = TEMPLATES.get(strings);
  if (template === undefined) TEMPLATES.set(strings, template = readTemplate(strings));
  const { texts, holes } = template;
  let markup = texts[0]!;
  for (let index = 0; index < values.length; index++) {
    markup += shown(values[index], holes[index]!) + texts[index + 1]!;
  }
  return new Html(markup);
}

/** Nothing. */
export const NOTHING: Html = html``;

/**
 * Puts pieces one after another.
 *
 * @param pieces The pieces.
 * @param between What stands between two of them.
 */
export function joined(pieces: readonly Content[], between: Content = null): Html {
  return html`${pieces.map((piece, index) => index === 0 ? piece : [between, piece])}`;
}

function shown(value: Content, hole: Hole): string {
  if (hole.in === "element") return inElement(value, hole.plain);
  const { name, whole } = hole;
  if (whole && (value === null || value === undefined || value === false)) return "";
  const text = value === true && whole ? "" : inAttribute(value, name);
  return whole ? ` ${name}="${text}"` : text;
}

function inElement(value: Content, plain: boolean): string {
  switch (typeof value) {
    case "string":
      return escapedText(value);
    case "number":
    case "bigint":
      return String(value);
    case "undefined":
    case "boolean":
      return "";
  }
  if (value === null) return "";
  if (Array.isArray(value)) {
    let markup = "";
    for (const item of value) markup += inElement(item, plain);
    return markup;
  }
  const markup = typeof value === "object" && !plain ? Html.read(value) : null;
  return markup ?? refuse(value, "in an element");
}

/** Attributes that people read; all others are for programs. */
const READ_BY_PEOPLE = /^(?:title|alt|placeholder|label|aria-.*)$/;

function inAttribute(value: Content, name: string): string {
  if (URL_ATTRIBUTE.test(name.toLowerCase())) {
    return escapedCode(urlOf(value) ?? refuse(value, `for a URL in ${name}`));
  }
  switch (typeof value) {
    case "string":
      return READ_BY_PEOPLE.test(name) ? escapedText(value) : escapedCode(value);
    case "number":
    case "bigint":
      return String(value);
    default:
      return refuse(value, `in the attribute ${name}`);
  }
}

/** What is not to be sent as it is; most texts hold nothing of that. */
const UNSAFE = /[&<>"'\p{Cc}\p{Cs}\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const NAMED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\r": "&#13;", // a parser reads a plain one as a line feed
  "\0": "\ufffd", // a parser reads nothing else
};

/** For people: invisible characters are visible, but for line breaks and tabs. */
function escapedText(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replace(/[^\n\t]+/g, printable).replace(/[&<>"']/g, (character) => NAMED[character]!);
}

/** For programs: the text as it is. */
function escapedCode(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.toWellFormed().replace(/[&<>"'\r\0]/g, (character) => NAMED[character]!);
}

function refuse(value: unknown, where: string): never {
  const kind = value instanceof Html ? "HTML" : urlOf(value) === null ? typeof value : "a link";
  throw new TypeError(`template of HTML: ${kind} can't stand ${where}`);
}
