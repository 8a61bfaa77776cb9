/**
 * Answers of the observer: pages, JSON, redirects, errors.
 *
 * @module
 */

import { sha256Hex } from "../base/encoding.ts";
import { RELEASE } from "../base/release.ts";
import type { Json } from "../operate/plain.ts";
import { API_HEADER, API_VERSION } from "../operate/readings/api.ts";
import type { Html } from "./html.ts";
import { PRIVATE } from "./headers.ts";

const COMMON: Readonly<Record<string, string>> = { ...PRIVATE, [API_HEADER]: API_VERSION };

/**
 * A page.
 *
 * @param page The document.
 * @param status The status.
 * @param headers Further headers.
 */
export function htmlAnswer(
  page: Html,
  status: number = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(page.toString(), {
    status,
    headers: { ...COMMON, "content-type": "text/html; charset=utf-8", ...headers },
  });
}

/**
 * JSON.
 *
 * @param data Plain JSON.
 * @param status The status.
 * @param headers Further headers.
 */
export function jsonAnswer(
  data: unknown,
  status: number = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${JSON.stringify(data)}\n`, {
    status,
    headers: { ...COMMON, "content-type": "application/json; charset=utf-8", ...headers },
  });
}

/**
 * A file, which a browser keeps and never shows.
 *
 * @param file The file.
 * @param headers Further headers.
 */
export function fileAnswer(
  { name, type, bytes }: {
    readonly name: string;
    readonly type: string;
    readonly bytes: Uint8Array<ArrayBuffer>;
  },
  headers: Readonly<Record<string, string>> = {},
): Response {
  const plainName = name.replace(/[^\w.-]/g, "_");
  return new Response(bytes, {
    headers: {
      ...COMMON,
      ...headers,
      "content-type": type,
      "content-disposition": `attachment; filename="${plainName}"`,
    },
  });
}

/**
 * Sends a browser to another page.
 *
 * @param to Where.
 * @param cookies Headers that set cookies.
 * @param status 303 after a form, 308 for a path that has moved.
 */
export function redirectAnswer(
  to: string,
  cookies: readonly string[] = [],
  status: 303 | 308 = 303,
): Response {
  const headers = new Headers({ ...COMMON, location: to });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status, headers });
}

/**
 * What tells an answer apart from another at the same address.
 *
 * @param facts What the answer follows from.
 */
export function tagOf(facts: readonly (Json | undefined)[]): string {
  return `"${sha256Hex(JSON.stringify([RELEASE, ...facts])).slice(0, 24)}"`;
}

/**
 * Whether a browser has the answer with a tag already. Proxies that compress answers make tags weak, or
 * write the compression's name into them.
 *
 * @param request The request.
 * @param tag The tag of the answer.
 */
export function hasAnswer({ headers }: Request, tag: string): boolean {
  return (headers.get("if-none-match") ?? "").split(",")
    .some((known) => known.trim().replace(/^W\//, "").replace(/(?:-|;)\w+"$/, '"') === tag);
}

/**
 * Says that nothing has changed.
 *
 * @param tag The tag of the answer.
 */
export function unchangedAnswer(tag: string): Response {
  return new Response(null, { status: 304, headers: { ...COMMON, etag: tag } });
}

/**
 * The answer to HEAD: that to GET, without its body.
 *
 * @param answer The answer.
 */
export function withoutBody(answer: Response): Response {
  const { status, headers } = answer;
  return new Response(null, { status, headers });
}
