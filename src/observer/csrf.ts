/**
 * Refuses requests that another site makes a browser send.
 *
 * - CSRF-1: whatever is not GET or HEAD comes from a page of the observer itself, by
 *   `Sec-Fetch-Site`, or by an `Origin` that equals the host. A program that sends neither is let
 *   through only with a JSON body, which no other site can make a browser send without asking first.
 *
 * @module
 */

/** How a request with a body is encoded; `null`: otherwise, and refused. */
export type BodyKind = "form" | "json" | null;

/**
 * How the body of a request is encoded.
 *
 * @param request The request.
 */
export function bodyKindOf(request: Request): BodyKind {
  const [type] = (request.headers.get("content-type") ?? "").split(";");
  switch (type!.trim().toLowerCase()) {
    case "application/x-www-form-urlencoded":
      return "form";
    case "application/json":
      return "json";
    default:
      return null;
  }
}

/**
 * Whether a request that changes something comes from the observer's own pages, or from a program
 * (CSRF-1).
 *
 * @param request The request.
 * @param host The host that the request was sent to.
 */
export function isOwnRequest(request: Request, host: string): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = request.headers.get("origin");
  if (origin !== null) return isOfHost(origin, host);
  return bodyKindOf(request) === "json";
}

/** Whether an origin has a host, which may name the usual port of the origin's protocol. */
function isOfHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: sender } = new URL(origin);
  const own = `${protocol}//${host}`;
  return sender !== "" && /^[^/?#@\\\s]+$/.test(host) && URL.canParse(own) &&
    new URL(own).host === sender;
}
