/**
 * The port that load balancers and orchestrators ask whether a worker lives and takes work.
 *
 * @module
 */

import { messageOf } from "../base/text.ts";
import type { Readiness } from "../continuum.ts";

/** Where the port listens. */
export interface HealthAddress {
  /** The address to bind; all of them when omitted, since probes come from other machines. */
  readonly hostname?: string | undefined;
  /** The port; 0: any free one. */
  readonly port: number;
}

/** An open port; disposing of it closes it. */
export interface HealthPort extends AsyncDisposable {
  /** The address that it listens on, such as `0.0.0.0:8080`. */
  readonly address: string;
}

/**
 * Opens the port. `GET /live` answers 200 while the process turns; `GET /ready` answers 200 if it
 * takes work, else 503, with the node's readiness as JSON.
 *
 * @param at Where to listen.
 * @param readiness Reads the node's readiness; `null`: it is not open yet.
 * @returns The open port.
 * @throws {Error} If the port is in use, or may not be opened.
 */
export function openHealthPort(
  { hostname = "0.0.0.0", port }: HealthAddress,
  readiness: () => Readiness | null,
): HealthPort {
  const server = serve({ hostname, port }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname !== "/live" && pathname !== "/ready") return text("not found\n", 404);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return text("method not allowed\n", 405);
    }
    if (pathname === "/live") return text("live\n", 200);
    const found = readiness() ??
      { ready: false, state: "opening", residentRuns: 0, reason: "the node is not open yet" };
    return Response.json(found, { status: found.ready ? 200 : 503, headers: NOT_STORED });
  });
  const { hostname: bound, port: found } = server.addr;
  return {
    address: bound.includes(":") ? `[${bound}]:${found}` : `${bound}:${found}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function serve(
  at: { readonly hostname: string; readonly port: number },
  answer: (request: Request) => Response,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ ...at, onListen() {} }, answer);
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse ? "is in use" : messageOf(cause);
    throw new Error(`Cannot open the health port: ${at.hostname}:${at.port} ${why}`, { cause });
  }
}

const NOT_STORED = { "cache-control": "no-store" };

function text(body: string, status: number): Response {
  return new Response(body, { status, headers: NOT_STORED });
}
