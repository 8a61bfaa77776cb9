/**
 * Fetches modules within bounds: every redirect is checked before it is followed, bodies are counted
 * as they come, and a failure says what it means.
 *
 * @module
 */

import { ModuleNotFoundError } from "./errors.ts";
import { FetchFailedError } from "./load_errors.ts";
import type { FetchedModule } from "./read_module.ts";
import { checkShape, type TrustScope } from "./trust.ts";

export type { FetchedModule };

/** Bounds of fetching one graph. */
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
   * Prepares to fetch one graph; its time runs from here.
   *
   * @param scope What may be part of the graph.
   * @param fetcher Fetches `http:` and `https:` in place of the global `fetch`.
   * @param limits Bounds.
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
   * @param url Its URL; it has been checked, unlike what it redirects to.
   * @returns The module.
   * @throws {ModuleNotFoundError} When it is definitely not there.
   * @throws {UntrustedModuleError} When it may not be part of the graph.
   * @throws {FetchFailedError} When it could not be had for another reason.
   */
  async fetch(url: string): Promise<FetchedModule> {
    const { protocol } = new URL(url);
    if (protocol === "file:") return { url, bytes: await this.#readFile(url), redirects: [] };
    const redirects: string[] = [];
    const ms = Math.min(this.#limits.requestMs, Math.max(0, this.#deadline - performance.now()));
    const signal = AbortSignal.timeout(ms);
    try {
      for (let next = url;;) {
        const response = await this.#request(next, signal);
        const location = response.headers.get("location");
        if (response.status < 300 || response.status >= 400 || location === null) {
          await refuseStatus(response, next);
          const contentType = response.headers.get("content-type") ?? undefined;
          return { url: next, bytes: await this.#body(response, next), contentType, redirects };
        }
        await response.body?.cancel();
        redirects.push(next);
        const target = URL.canParse(location, next) ? new URL(location, next).href : undefined;
        if (target === undefined || redirects.length > this.#limits.redirects) {
          throw new FetchFailedError(
            "FETCH_REDIRECTS",
            "node",
            `Cannot fetch ${url}: found the redirect ${redirects.length}, to ` +
              `${JSON.stringify(location)}, wanted at most ${this.#limits.redirects}, to URLs`,
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
    // The graph reader takes credentials out of the URLs that it has checked.
    checkShape(url);
    if (url.startsWith("data:")) return await fetch(url);
    const init: RequestInit = { redirect: "manual", headers: { accept: "*/*" }, signal };
    if (this.#fetch !== undefined) return await this.#fetch(url, init);
    await this.#scope.checkHost(url);
    return await fetch(url, init);
  }

  /** Counts what comes, so that neither a length that lies nor a bomb gets far. */
  async #body(response: Response, url: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.byteLength;
      this.#count(length, chunk.byteLength, url);
    }
    if (chunks.length === 1) return chunks[0]!;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.byteLength;
    }
    return bytes;
  }

  async #readFile(url: string): Promise<Uint8Array> {
    try {
      const { size } = await Deno.stat(new URL(url));
      this.#count(size, 0, url);
      const bytes = await Deno.readFile(new URL(url));
      this.#count(bytes.byteLength, bytes.byteLength, url);
      return bytes;
    } catch (cause) {
      const isAbsent = cause instanceof Deno.errors.NotFound ||
        cause instanceof Deno.errors.NotADirectory || cause instanceof Deno.errors.IsADirectory;
      if (isAbsent) {
        throw new ModuleNotFoundError(`Cannot read ${url}: there is no such file`, {
          cause,
          details: { url },
        });
      }
      throw explain(cause, url);
    }
  }

  #count(module: number, fresh: number, url: string): void {
    this.#bytes += fresh;
    const { moduleBytes, bytes } = this.#limits;
    if (module <= moduleBytes && this.#bytes <= bytes) return;
    throw new FetchFailedError(
      "FETCH_LIMIT",
      "node",
      `Cannot fetch ${url}: found more than ${module > moduleBytes ? moduleBytes : bytes} bytes ` +
        (module > moduleBytes ? "in one module" : "in one graph"),
    );
  }
}

/** 404 and 410 mean what they say; 401 and 403 are about this node; the rest may pass. */
async function refuseStatus(response: Response, url: string): Promise<void> {
  const { status } = response;
  if (status === 200) return;
  await response.body?.cancel();
  const message = `Cannot fetch ${url}: the server says ${status}`;
  if (status === 404 || status === 410) {
    throw new ModuleNotFoundError(message, { details: { url, status } });
  }
  const isPassing = status >= 500 || status === 429 || status === 408 || status === 425;
  throw new FetchFailedError(`HTTP_${status}`, isPassing ? "passing" : "node", message);
}

function explain(error: unknown, url: string, signal?: AbortSignal): unknown {
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    const message = `Cannot read ${url}: ${error.message}`;
    return new FetchFailedError("PERMISSION_DENIED", "node", message, error);
  }
  if (signal?.aborted && !(error instanceof FetchFailedError)) {
    const message = `Cannot fetch ${url}: nothing came in time`;
    return new FetchFailedError("FETCH_TIMEOUT", "passing", message, error);
  }
  if (error instanceof Error && "code" in error && "details" in error) return error;
  // Refused, reset, or a name that does not resolve: networks heal.
  const told = error instanceof Error ? error.message : String(error);
  return new FetchFailedError("FETCH_FAILED", "passing", `Cannot fetch ${url}: ${told}`, error);
}
