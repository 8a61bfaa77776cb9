/**
 * Reads single modules if no `fetchModule` is given: files, `fetch`, and `data:` URLs.
 *
 * @module
 */

import { normaliseUrl } from "../manifest/label.ts";
import { GraphError } from "../errors.ts";

/** A module as its source returned it. */
export interface FetchedModule {
  /** The URL that sent it, after every redirect. */
  readonly url: string;
  /** The body, unchanged. */
  readonly bytes: Uint8Array;
  /** The `content-type` header, when the source has one. */
  readonly contentType?: string | undefined;
  /** The URLs that answered with a redirect, in order, the requested one first; may be empty. */
  readonly redirects: readonly string[];
}

/**
 * Fetches one module. It throws `GraphError` (`MODULE_NOT_FOUND`) when the module
 * definitely does not exist; after any other error it may exist.
 */
export type FetchModule = (url: string) => Promise<FetchedModule>;

/** How modules are read. */
export interface ReadModuleOptions {
  /** Redirects of one request. */
  readonly redirects: number;
  /** Called with every redirect target before it is requested; throws to refuse. */
  readonly check: (url: string) => void;
}

/**
 * Reads one module from a file, with `fetch`, or from a `data:` URL.
 *
 * @param url Its URL; credentials in it are sent, not logged.
 * @param options How to read it.
 * @returns The module.
 * @throws {GraphError} (`MODULE_NOT_FOUND`) When there is no such file, or the server answers 404
 * or 410.
 * @throws {GraphError} (`MODULE_UNREADABLE`) When the server answers anything else but 200.
 * @throws {GraphError} (`GRAPH_FORBIDDEN`) When a redirect leaves `http:` and `https:`.
 * @throws {GraphError} (`GRAPH_LIMIT`) When there are more redirects than allowed.
 */
export async function readModule(url: string, options: ReadModuleOptions): Promise<FetchedModule> {
  if (url.startsWith("file:")) return { url, bytes: await readRegularFile(url), redirects: [] };
  if (url.startsWith("data:")) {
    const response = await fetch(url);
    const contentType = response.headers.get("content-type") ?? undefined;
    return { url, bytes: await response.bytes(), contentType, redirects: [] };
  }
  const redirects: string[] = [];
  for (let next = url;;) {
    const response = await fetch(...request(next));
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      redirects.push(next);
      if (redirects.length > options.redirects) {
        throw new GraphError(
          "GRAPH_LIMIT",
          `Cannot read ${normaliseUrl(url)}: found more than ${options.redirects} redirects`,
          {
            details: {
              url: normaliseUrl(url),
              limit: "redirects",
              value: options.redirects,
            },
          },
        );
      }
      next = new URL(location, next).href;
      if (!/^https?:/.test(next)) {
        throw new GraphError(
          "GRAPH_FORBIDDEN",
          `Cannot read ${normaliseUrl(url)}: it redirects to ${next}, wanted http: or https:`,
          { details: { url: normaliseUrl(url) } },
        );
      }
      options.check(next);
      continue;
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      const { status } = response;
      const isGone = status === 404 || status === 410;
      throw new GraphError(
        isGone ? "MODULE_NOT_FOUND" : "MODULE_UNREADABLE",
        `Cannot read ${normaliseUrl(next)}: the server says ${status}`,
        { details: { url: normaliseUrl(next), status } },
      );
    }
    const contentType = response.headers.get("content-type") ?? undefined;
    return { url: next, bytes: await response.bytes(), contentType, redirects };
  }
}

/**
 * Reads a file that can be a module: a regular file. Reading a device or a pipe might never end.
 *
 * @param url A `file:` URL.
 * @param accept Called with the size in bytes before anything is read; throws to refuse.
 * @returns Its bytes.
 * @throws {GraphError} (`MODULE_NOT_FOUND`) When there is no regular file.
 */
export async function readRegularFile(
  url: string,
  accept: (size: number) => void = () => {},
): Promise<Uint8Array> {
  const absent = (why: string, cause?: unknown) =>
    new GraphError("MODULE_NOT_FOUND", `Cannot read ${url}: ${why}`, { cause, details: { url } });
  try {
    const { isFile, size } = await Deno.stat(new URL(url));
    if (!isFile) throw absent("it is no regular file");
    accept(size);
    return await Deno.readFile(new URL(url));
  } catch (cause) {
    const isAbsent = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory || cause instanceof Deno.errors.IsADirectory;
    throw isAbsent ? absent("there is no such file", cause) : cause;
  }
}

/** `fetch` refuses URLs with credentials, so they go into a header. */
function request(url: string): [string, RequestInit] {
  const parsed = new URL(url);
  const { username, password } = parsed;
  const headers = new Headers({ accept: "*/*" });
  if (username !== "" || password !== "") {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const latin = String.fromCharCode(...new TextEncoder().encode(pair));
    headers.set("authorization", `Basic ${btoa(latin)}`);
  }
  return [normaliseUrl(url), { headers, redirect: "manual" }];
}
