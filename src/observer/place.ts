/**
 * Where the observer is mounted, and which of its pages a request is for.
 *
 * @module
 */

import { isPath } from "./options.ts";

/** Where a request leads, and how links lead back. */
export interface Place {
  /** The path below the observer's own, encoded: `/`, `/runs/o-1`. */
  readonly pathname: string;
  /** What links begin with, with a final slash: `/ops/`, `../`. */
  readonly base: string;
  /** The path of cookies; `null`: the browser derives it. */
  readonly cookiePath: string | null;
  /** The host that the request was sent to. */
  readonly host: string;
}

/**
 * Finds out which page a request is for.
 *
 * A framework may have removed the path under which it mounts the observer, or not.
 *
 * @param request The request.
 * @param path The path under which the observer is mounted; `undefined`: unknown.
 * @param trustProxy Whether headers of a proxy say which host and prefix the browser sees.
 */
export function placeOf(request: Request, path: string | undefined, trustProxy: boolean): Place {
  const url = new URL(request.url);
  const { headers } = request;
  const forwarded = trustProxy ? headers.get("x-forwarded-host") : null;
  const host = forwarded ?? headers.get("host") ?? url.host;
  const prefix = trustProxy ? prefixOf(headers.get("x-forwarded-prefix")) : null;
  const pathname = withoutMount(url.pathname, path ?? "");
  if (path === undefined && prefix === null) {
    const depth = pathname.split("/").length - 2;
    return { pathname, base: "../".repeat(depth) || "./", cookiePath: null, host };
  }
  const base = `${prefix ?? ""}${path ?? ""}/`;
  return { pathname, base, cookiePath: base, host };
}

function withoutMount(pathname: string, path: string): string {
  if (pathname === path) return "/";
  return path !== "" && pathname.startsWith(`${path}/`) ? pathname.slice(path.length) : pathname;
}

function prefixOf(header: string | null): string | null {
  const prefix = header?.replace(/\/$/, "");
  return prefix !== undefined && isPath(prefix) ? prefix : null;
}
