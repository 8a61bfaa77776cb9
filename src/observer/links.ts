/**
 * Links of pages.
 *
 * - LINK-1: an attribute that takes a URL holds a {@linkcode Link}, and a link is a path below the
 *   observer's own, or a place on the same page. So no stored text becomes a `javascript:` URL, and
 *   no link leads elsewhere.
 * - LINK-2: every id and every label comes back from a link as it was: from its segment of the path
 *   (SEGMENT-1), and from the query.
 *
 * @module
 */

import { quote } from "../base/describe.ts";
import { segmentOf } from "../base/url_segment.ts";

/** What a query may hold; `null`, `undefined` and `false` are left out, and `true` is `1`. */
export type Query = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[]>
>;

/** A URL that this file made. */
export type { Link };

class Link {
  readonly #url: string;

  /** LINK-1: nothing else in the project calls it. */
  constructor(url: string) {
    this.#url = url;
  }

  /** The URL. */
  toString(): string {
    return this.#url;
  }
}

/** Makes links to pages. */
export interface Links {
  /**
   * A link to a page of the observer.
   *
   * @param path The segments of its path; any texts.
   * @param query The query.
   * @param place The id of an element on that page.
   */
  (path: readonly string[], query?: Query, place?: string): Link;
}

/** How a base begins: no scheme and no host of another server can be in it. */
const BASE = /^(?:(?:\.\.\/)*|\.\/|\/(?:[\w.~%!'()*-]+\/)*)$/;

/**
 * Makes links from one page.
 *
 * @param base The path from the page to the observer's first page, with a final slash: `../../`,
 * `./`, `/` or `/ops/`.
 * @returns Makes links.
 * @throws {TypeError} If the base could lead to another server.
 */
export function linksFrom(base: string): Links {
  if (!BASE.test(base)) throw new TypeError(`no base of links: ${quote(base)}`);
  return (path, query = {}, place) => {
    const target = `${base}${path.map(segmentOf).join("/")}` || "./";
    return new Link(`${target}${queryOf(query)}${place === undefined ? "" : fragmentOf(place)}`);
  };
}

/**
 * A link to an element on the same page.
 *
 * @param id The element's id.
 */
export function placeHere(id: string): Link {
  return new Link(fragmentOf(id));
}

/**
 * A link to the same page with another query.
 *
 * @param query The whole query.
 * @param place The id of an element.
 */
export function queryHere(query: Query, place?: string): Link {
  return new Link(`${queryOf(query) || "?"}${place === undefined ? "" : fragmentOf(place)}`);
}

/** The URL of a link, or `null` for any other value. */
export function urlOf(value: unknown): string | null {
  return value instanceof Link ? value.toString() : null;
}

function queryOf(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === null || value === undefined || value === false) return [];
    const values = Array.isArray(value) ? value : [value === true ? "1" : String(value)];
    return values.map((text) => `${encoded(name)}=${encoded(text)}`);
  });
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function fragmentOf(id: string): string {
  return `#${encoded(id)}`;
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
