/**
 * An observer with a server of its own, for the person who started it.
 *
 * - STANDALONE-1: without a token of a file it listens on loopback only. The first to open the link that
 *   was printed gets a session, and the link is used up. A request that names another host is refused, so
 *   that no page of another site reaches it by a name that leads to this machine.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import { refuse } from "../base/arguments.ts";
import { sha256Hex } from "../base/encoding.ts";
import { messageOf } from "../base/text.ts";
import type { Continuum } from "../operate/client.ts";
import { Handler } from "./handler.ts";
import { PRIVATE } from "./headers.ts";
import { cookiesOf } from "./preferences.ts";
import { RIGHTS } from "./rights.ts";

/** What an observer of its own is made of. */
export interface StandaloneOptions {
  /** The address that it listens on. */
  readonly hostname: string;
  /** The port; 0: any free one. */
  readonly port: number;
  /** Who looks, for the audit. */
  readonly by: string;
  /** Whether it changes nothing. */
  readonly readOnly?: boolean | undefined;
  /** A token that opens it as often as it is given; `undefined`: a link that works once does. */
  readonly token?: string | undefined;
}

/** An observer with a server; disposing of it stops the server. */
export interface Standalone extends AsyncDisposable {
  /** The link that opens it. */
  readonly link: string;
  /** The address that it listens on. */
  readonly address: string;
}

const COOKIE = "continuum_session";

/** Addresses that only this machine reaches. */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/i;

/** The shortest token of a file. */
const LEAST_TOKEN = 16;

/**
 * Serves an observer.
 *
 * @param client What is observed.
 * @param options Where it listens, and who looks.
 * @returns The open server.
 * @throws {InvalidArgumentError} If it would listen beyond loopback without a token, or the token is
 * shorter than 16 characters.
 * @throws {Error} If the port is in use, or may not be opened.
 */
export function serveObserver(client: Continuum, options: StandaloneOptions): Standalone {
  const { hostname, port, by, readOnly = false, token } = options;
  if (token === undefined && !LOOPBACK.test(hostname)) {
    refuse("the address of an observer", hostname, "a loopback address, or a file with a token");
  }
  if (token !== undefined && token.length < LEAST_TOKEN) {
    refuse("the token of an observer", undefined, `at least ${LEAST_TOKEN} characters`);
  }
  const door = new Door(token);
  const handler = new Handler(client, {
    path: "",
    readOnly,
    access: (request) => door.letsIn(request) ? { name: by, may: [...RIGHTS] } : null,
  });
  const server = serve(hostname, port, async (request) => {
    const names = [hostname, "localhost", "127.0.0.1", "::1"].map(inUrl);
    if (token === undefined && !door.knowsHost(request, names, server.addr.port)) {
      const headers = { ...PRIVATE, "content-type": "text/plain; charset=utf-8" };
      return new Response("This observer is not reached by that name\n", { status: 421, headers });
    }
    return door.enters(request) ?? await handler.answer(request);
  });
  const address = `${inUrl(hostname)}:${server.addr.port}`;
  return {
    address,
    link: `http://${address}/${token === undefined ? `?token=${door.ticket}` : ""}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Decides who comes in. */
class Door {
  /** What the link holds; it is used up by the first who opens it. */
  readonly ticket = crypto.randomUUID();
  readonly #token: string | undefined;
  readonly #sessions = new Set<string>();
  #isUsed = false;

  constructor(token: string | undefined) {
    this.#token = token;
  }

  /** Whether the host of a request is one of the observer's own names. */
  knowsHost(request: Request, names: readonly string[], port: number): boolean {
    const host = request.headers.get("host")?.toLowerCase() ?? "";
    return names.some((name) => host === `${name.toLowerCase()}:${port}`);
  }

  /** Turns the token of a link into a session; `null`: the request has no token. */
  enters(request: Request): Response | null {
    const url = new URL(request.url);
    const given = url.searchParams.get("token");
    if (given === null || request.method !== "GET") return null;
    url.searchParams.delete("token");
    const path = url.pathname.replace(/^\/+/, "/"); // two slashes would name another server
    const headers = new Headers({ ...PRIVATE, location: `${path}${url.search}` });
    if (this.#admits(given)) {
      const session = crypto.randomUUID();
      this.#sessions.add(sha256Hex(session));
      headers.set("set-cookie", `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/`);
    }
    return new Response(null, { status: 303, headers });
  }

  /** Whether a request has a session, or the token itself. */
  letsIn(request: Request): boolean {
    const session = cookiesOf(request).get(COOKIE);
    if (session !== undefined && this.#sessions.has(sha256Hex(session))) return true;
    const [, bearer] = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    return bearer !== undefined && this.#token !== undefined && isSame(bearer, this.#token);
  }

  #admits(given: string): boolean {
    if (this.#token !== undefined) return isSame(given, this.#token);
    if (this.#isUsed || !isSame(given, this.ticket)) return false;
    return this.#isUsed = true;
  }
}

/** Takes as long for a wrong text as for the right one. */
function isSame(a: string, b: string): boolean {
  const digests = [a, b].map((text) => new TextEncoder().encode(sha256Hex(text)));
  return timingSafeEqual(digests[0]!, digests[1]!);
}

function inUrl(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

function serve(
  hostname: string,
  port: number,
  answer: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, onListen() {} }, answer);
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse ? "is in use" : messageOf(cause);
    throw new Error(`Cannot open the observer: ${hostname}:${port} ${why}`, { cause });
  }
}
