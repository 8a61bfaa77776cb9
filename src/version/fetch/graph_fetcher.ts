/**
 * Fetches modules within limits: every redirect is checked before it is followed, bodies are
 * counted while they arrive, and a failure states its kind.
 *
 * @module
 */

import { joined } from "../../base/bytes.ts";
import { quoteId } from "../../base/describe.ts";
import { ignoreRejection } from "../../base/background.ts";
import { fetchFailed, isFetchFailure, LoadError } from "../load_errors.ts";
import { type FetchedModule, readRegularFile } from "./read_module.ts";
import { checkShape, type TrustScope } from "./trust.ts";
import { GraphError } from "../errors.ts";

export type { FetchedModule };

/** Limits for fetching one graph. */
export interface FetchLimits {
  /** Bytes of one module, decompressed. Default 64 MiB. */
  readonly moduleBytes?: number;
  /** Bytes of all modules, decompressed. Default 256 MiB. */
  readonly bytes?: number;
  /** Redirects of one request. Default 10. */
  readonly redirects?: number;
  /** Milliseconds for one request. Default 30,000. */
  readonly requestMs?: number;
  /** Milliseconds for the graph. Default 120,000. */
  readonly totalMs?: number;
}

const DEFAULTS = {
  moduleBytes: 64 * 1024 * 1024,
  bytes: 256 * 1024 * 1024,
  redirects: 10,
  requestMs: 30_000,
  totalMs: 120_000,
};

/** Fetches the modules of one graph. */
export class GraphFetcher {
  readonly #scope: TrustScope;
  readonly #fetch: typeof fetch | undefined;
  readonly #limits: Required<FetchLimits>;
  readonly #deadline: number;
  #bytes = 0;

  /**
   * Prepares to fetch one graph; its time limit starts now.
   *
   * @param scope Which modules may be part of the graph.
   * @param fetcher Fetches `http:` and `https:` instead of the global `fetch`. It is asked not to
   *   follow redirects; if it does, the URL of the response is checked.
   * @param limits The limits.
   */
  constructor(scope: TrustScope, fetcher?: typeof fetch, limits: FetchLimits = {}) {
    this.#scope = scope;
    this.#fetch = fetcher;
    this.#limits = { ...DEFAULTS, ...limits };
    this.#deadline = performance.now() + this.#limits.totalMs;
  }

  /**
   * Fetches one module.
   *
   * @param url Its URL, already checked; redirect targets are checked here.
   * @returns The module.
   * @throws {GraphError} (`MODULE_NOT_FOUND`) When it definitely does not exist.
   * @throws {LoadError} (`UNTRUSTED_MODULE`) When it may not be part of the graph.
   * @throws {LoadError} (`FETCH_FAILED`) When it could not be fetched for another reason.
   */
  async fetch(url: string): Promise<FetchedModule> {
    const { protocol } = new URL(url);
    if (protocol === "file:") return { url, bytes: await this.#readFile(url), redirects: [] };
    const redirects: string[] = [];
    const ms = Math.min(this.#limits.requestMs, Math.max(0, this.#deadline - performance.now()));
    const signal = AbortSignal.timeout(ms);
    try {
      for (let next = url;;) {
        const response = await untilAborted(this.#request(next, signal), signal);
        const answered = this.#answered(response, next);
        if (answered !== next) {
          this.#checkAnswer(response, answered, next);
          redirects.push(next);
          next = answered;
        }
        const location = response.headers.get("location");
        if (response.status < 300 || response.status >= 400 || location === null) {
          refuseStatus(response, next);
          const contentType = response.headers.get("content-type") ?? undefined;
          const bytes = await this.#body(response, next, signal);
          return { url: next, bytes, contentType, redirects };
        }
        cancel(response);
        redirects.push(next);
        const target = URL.canParse(location, next) ? new URL(location, next).href : undefined;
        if (target === undefined || redirects.length > this.#limits.redirects) {
          throw fetchFailed(
            "FETCH_REDIRECTS",
            "node",
            url,
            `Cannot fetch ${url}: found the redirect ${redirects.length}, to ` +
              `${quoteId(location)}, wanted at most ${this.#limits.redirects}, to URLs`,
          );
        }
        this.#scope.check(target, next, true);
        next = target;
      }
    } catch (error) {
      throw explain(error, url, signal);
    }
  }

  async #request(url: string, signal: AbortSignal): Promise<Response> {
    // The graph reader removes credentials from the URLs that it has checked.
    checkShape(url);
    if (url.startsWith("data:")) return await fetch(url);
    const init: RequestInit = { redirect: "manual", headers: { accept: "*/*" }, signal };
    if (this.#fetch !== undefined) return await this.#fetch(url, init);
    await this.#scope.checkHost(url);
    return await fetch(url, init);
  }

  /**
   * The URL that sent a response, with the requested fragment; a redirect may have been followed.
   */
  #answered(response: Response, asked: string): string {
    const [url, fragment = ""] = asked.split(/(?=#)/);
    if (!response.redirected && (!response.url || response.url.replace(/#.*$/s, "") === url)) {
      return asked;
    }
    if (URL.canParse(response.url)) {
      const found = response.url.replace(/#.*$/s, "");
      return found === url ? asked : new URL(found + fragment).href;
    }
    cancel(response);
    throw fetchFailed(
      "FETCH_REDIRECTS",
      "node",
      asked,
      `Cannot fetch ${asked}: the option fetch followed a redirect, and its response has no url, ` +
        `wanted a fetch that honours redirect: "manual", or one that sets Response.url`,
    );
  }

  /** Refuses the target of a followed redirect before its body is read. */
  #checkAnswer(response: Response, url: string, referrer: string): void {
    try {
      this.#scope.check(url, referrer, true);
    } catch (error) {
      cancel(response);
      throw error;
    }
  }

  /** Counts the bytes as they arrive: a false content-length or a zip bomb is stopped early. */
  async #body(response: Response, url: string, signal: AbortSignal): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const reader = response.body?.getReader();
    try {
      for (;;) {
        const chunk = reader && (await untilAborted(reader.read(), signal)).value;
        if (chunk === undefined) break;
        chunks.push(chunk);
        length += chunk.byteLength;
        this.#count(length, chunk.byteLength, url);
      }
    } catch (error) {
      // Not awaited: the cancellation of a body that stalls may stall too.
      ignoreRejection(reader?.cancel());
      throw error;
    }
    return chunks.length === 1 ? chunks[0]! : joined(chunks);
  }

  async #readFile(url: string): Promise<Uint8Array> {
    try {
      const bytes = await readRegularFile(url, (size) => this.#count(size, 0, url));
      this.#count(bytes.byteLength, bytes.byteLength, url);
      return bytes;
    } catch (cause) {
      throw explain(cause, url);
    }
  }

  #count(module: number, fresh: number, url: string): void {
    this.#bytes += fresh;
    const { moduleBytes, bytes } = this.#limits;
    if (module <= moduleBytes && this.#bytes <= bytes) return;
    throw fetchFailed(
      "FETCH_LIMIT",
      "node",
      url,
      `Cannot fetch ${url}: found more than ${module > moduleBytes ? moduleBytes : bytes} bytes ` +
        (module > moduleBytes ? "in one module" : "in one graph"),
    );
  }
}

/** 404 and 410 are definite; 401 and 403 concern this node; other failures may pass. */
function refuseStatus(response: Response, url: string): void {
  const { status } = response;
  if (status === 200) return;
  cancel(response);
  const message = `Cannot fetch ${url}: the server says ${status}`;
  if (status === 404 || status === 410) {
    throw new GraphError("MODULE_NOT_FOUND", message, { details: { url, status } });
  }
  const isPassing = status >= 500 || status === 429 || status === 408 || status === 425;
  const kind = isPassing ? "passing" : "node";
  throw new LoadError("FETCH_STATUS", message, { details: { url, kind, status } });
}

/** Cancels a body without waiting for it. */
function cancel(response: Response): void {
  ignoreRejection(response.body?.cancel());
}

/** Stops waiting when the signal aborts, even if a fetch ignores the signal. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function explain(error: unknown, url: string, signal?: AbortSignal): unknown {
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    const message = `Cannot read ${url}: ${error.message}`;
    return fetchFailed("PERMISSION_DENIED", "node", url, message, error);
  }
  if (signal?.aborted && !isFetchFailure(error)) {
    const message = `Cannot fetch ${url}: nothing came in time`;
    return fetchFailed("FETCH_TIMEOUT", "passing", url, message, error);
  }
  if (error instanceof Error && "code" in error && "details" in error) return error;
  // Refused, reset, or a name that does not resolve: the network may recover.
  const message = error instanceof Error ? error.message : String(error);
  return fetchFailed("FETCH_FAILED", "passing", url, `Cannot fetch ${url}: ${message}`, error);
}
