/**
 * Where the observer is mounted, which namespace and which page a request is for.
 *
 * - NAMESPACE-1: the path says the namespace. Below `/namespaces/NAME/` lie the same pages as below the
 *   observer's own path, for that namespace; without it they are for the client's. So a link
 *   shows everyone what its sender saw, and no page and no form has to pass the namespace on.
 *
 * @module
 */

import { segmentOf, textOfSegment } from "../base/url_segment.ts";
import { NAMESPACES } from "../operate/readings/api.ts";
import { isPath } from "./options.ts";

/** Where a request leads, and how links lead back. */
export interface Place {
  /** The namespace that the path names (NAMESPACE-1); `null`: none, so that of the client is meant. */
  readonly namespace: string | null;
  /**
   * The path below that of the namespace, or of the observer, encoded: `/`, `/runs/o-1`; "": the path
   * of a namespace without its final slash.
   */
  readonly pathname: string;
  /** What links to pages of the same namespace begin with, with a final slash: `/ops/`, `../`. */
  readonly base: string;
  /** What links to the observer's own first page begin with. */
  readonly root: string;
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
  const forwarded = trustProxy ? firstOf(headers.get("x-forwarded-host")) : null;
  const host = forwarded ?? headers.get("host") ?? url.host;
  const prefix = trustProxy ? prefixOf(firstOf(headers.get("x-forwarded-prefix"))) : null;
  const { namespace, pathname } = withoutNamespace(withoutMount(url.pathname, path ?? ""));
  if (path === undefined && prefix === null) {
    const depth = pathname.split("/").length - 2;
    const base = depth < 0 ? "../" : "../".repeat(depth); // it is redirected, or refused
    const root = namespace === null || depth < 0 ? base : `${base}../../`;
    return { namespace, pathname, base: base || "./", root: root || "./", cookiePath: null, host };
  }
  const root = `${prefix ?? ""}${path ?? ""}/`;
  const base = namespace === null ? root : `${root}${NAMESPACES}/${segmentOf(namespace)}/`;
  return { namespace, pathname, base, root, cookiePath: root, host };
}

function withoutNamespace(pathname: string): Pick<Place, "namespace" | "pathname"> {
  const [, first, segment, rest = ""] = /^\/([^/]+)\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
  const namespace = first === NAMESPACES ? textOfSegment(segment!) : null;
  return namespace === null ? { namespace: null, pathname } : { namespace, pathname: rest };
}

function withoutMount(pathname: string, path: string): string {
  if (pathname === path) return "/";
  return path !== "" && pathname.startsWith(`${path}/`) ? pathname.slice(path.length) : pathname;
}

/** What the proxy says that the browser has spoken to: the others behind it add theirs. */
function firstOf(header: string | null): string | null {
  const [first = ""] = header?.split(",") ?? [];
  return first.trim() || null;
}

/** `null`: it is no prefix of a path. */
function prefixOf(header: string | null): string | null {
  const prefix = header?.replace(/\/$/, "");
  // Segments with an encoded character count as those without.
  return prefix !== undefined && isPath(prefix.replace(/%[0-9A-F]{2}/gi, "x")) ? prefix : null;
}
