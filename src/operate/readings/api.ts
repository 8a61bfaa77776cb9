/**
 * How a reading is asked for over HTTP, and what both sides say of themselves.
 *
 * @module
 */

import { RELEASE } from "../../base/release.ts";
import { segmentOf } from "../../base/url_segment.ts";

/** The version of the JSON API, which every answer and every question names in this header. */
export const API_HEADER = "continuum-api";

/** The version of the JSON API. */
export const API_VERSION = "1";

/** The release of who asks for or answers a reading. */
export const RELEASE_HEADER = "continuum-release";

/** The namespace of who answers a file, encoded as a part of a URL. */
export const NAMESPACE_HEADER = "continuum-namespace";

/** The segment before the name of a namespace, whose pages and readings lie below both. */
export const NAMESPACES = "namespaces";

/**
 * The path of a reading, below that of the observer.
 *
 * @param name The reading.
 */
export function readingPath(name: string): string {
  return `api/${name}`;
}

/**
 * The path of an action, below that of the observer.
 *
 * @param segments The segments of the path; any texts.
 */
export function actionPath(...segments: readonly string[]): string {
  return segments.map(segmentOf).join("/");
}

/** The headers of a question. */
export function apiHeaders(): Readonly<Record<string, string>> {
  return { accept: "application/json", [API_HEADER]: API_VERSION, [RELEASE_HEADER]: RELEASE };
}
