/**
 * Values of runs: inputs, results, errors.
 *
 * @module
 */

import type { Json } from "../../operate/plain.ts";
import { type Html, html, NOTHING } from "../html.ts";
import type { Link } from "../links.ts";
import { isRedacted } from "../redaction.ts";

/** How many characters of a value a page shows. */
const SHOWN = 4_096;

/**
 * A value as a block of JSON.
 *
 * @param value The value, or what stands in its place.
 * @param whole Where it is shown whole; it is cut, and the rest left out, when omitted.
 */
export function valueBlock(value: Json | undefined, whole?: Link): Html {
  if (isRedacted(value)) {
    const { $redacted: why, value: left } = value;
    if (why === "right") return withheld();
    return html`${valueBlock(left, whole)}<p class="hint">Parts of this value are redacted.</p>`;
  }
  if (value === undefined || value === null) return html`<p class="hint">none</p>`;
  if (isErrorValue(value)) return errorBlock(value, whole);
  const text = JSON.stringify(value, null, 2);
  return html`
    <pre class="value" tabindex="0">${cut(text)}</pre>${more(text, whole)}
  `;
}

/**
 * The whole text of a value.
 *
 * @param value The value, or what the option `redact` put in its place.
 */
export function wholeText(value: Json | undefined): string {
  const left = isRedacted(value) ? value.value : value;
  return JSON.stringify(left ?? null, null, 2);
}

/**
 * A value in a line.
 *
 * @param value The value, or what stands in its place.
 * @param most How many characters are shown.
 * @param whole Where it is shown whole.
 */
export function valueLine(value: Json | undefined, most: number = 120, whole?: Link): Html {
  if (isRedacted(value)) {
    return value.$redacted === "right" ? withheld() : valueLine(value.value, most, whole);
  }
  if (value === undefined || value === null) return NOTHING;
  const text = isErrorValue(value) ? errorLine(value) : JSON.stringify(value);
  const isCut = text.length > most;
  const all = isCut && whole !== undefined
    ? html`
      <a class="hint" href="${whole}">whole</a>
    `
    : NOTHING;
  return html`<code class="inline">${isCut ? `${text.slice(0, most)}…` : text}</code>${all}`;
}

/**
 * An error in a line: its name and message.
 *
 * @param error An error as plain JSON, or any other value that was thrown.
 */
export function errorLine(error: Json): string {
  if (!isErrorValue(error)) return JSON.stringify(error);
  const { name, message } = error;
  return name === "Error" || name === undefined ? message : `${name}: ${message}`;
}

interface ErrorValue {
  readonly name?: string;
  readonly message: string;
  readonly cause?: Json;
  readonly [key: string]: Json | undefined;
}

function isErrorValue(value: Json | undefined): value is ErrorValue & Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    typeof (value as { message?: unknown }).message === "string" &&
    typeof (value as { name?: unknown }).name === "string";
}

function errorBlock(error: ErrorValue, whole?: Link): Html {
  const { name: _, message: __, cause, ...rest } = error;
  const text = JSON.stringify(rest, null, 2);
  const further = Object.keys(rest).length === 0 ? NOTHING : html`
    <details>
      <summary>details</summary>
      <pre class="value" tabindex="0">${cut(text)}</pre>${more(text, whole)}
    </details>
  `;
  return html`
    <div class="error"><p class="message">${errorLine(
      error as Json,
    )}</p>${further}${cause === undefined || cause === null
      ? NOTHING
      : html`<div class="cause"><p class="hint">caused by</p>${valueBlock(cause)}</div>`}</div>
  `;
}

function withheld(): Html {
  return html`<span class="hint">withheld: needs the right <code>payloads</code></span>`;
}

function cut(text: string): string {
  return text.length > SHOWN ? text.slice(0, SHOWN) : text;
}

function more(text: string, whole?: Link): Html {
  if (text.length <= SHOWN) return NOTHING;
  const size = (text.length / 1024).toLocaleString("en", { maximumFractionDigits: 1 });
  const all = whole === undefined ? NOTHING : html`
    <a href="${whole}">Show all</a>
  `;
  return html`<p class="hint">The first ${SHOWN} characters of ${size} kB.${all}</p>`;
}
