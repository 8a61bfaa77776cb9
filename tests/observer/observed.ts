/**
 * An observer of a node in tests, and requests to it.
 *
 * @module
 */

import type { Continuum } from "../../src/continuum.ts";
import { Handler } from "../../src/observer/handler.ts";
import { type ObserverOptions, type Right, RIGHTS } from "../../src/observer/mod.ts";
import { checkObserverOptions } from "../../src/observer/options.ts";

/** What a request differs in. */
export interface Asking {
  /** The method; GET when omitted. */
  readonly method?: string;
  /** Headers besides those of a browser's own page. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The fields of a form. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>;
  /** A JSON document, in place of a form. */
  readonly json?: unknown;
}

/** Sends requests to an observer. */
export interface Observed {
  /** Sends a request. */
  ask(path: string, asking?: Asking): Promise<Response>;
  /** Reads a page. */
  page(path: string, asking?: Asking): Promise<string>;
  /** Reads JSON. */
  // deno-lint-ignore no-explicit-any -- tests look into it
  json(path: string, asking?: Asking): Promise<any>;
}

const HOST = "observer.test";

/** How long a statement may take, in milliseconds: other tests may keep the machine busy. */
const PATIENCE_MS = 60_000;

/** What `observer()` makes, but for its patience. */
function patient(node: Continuum, options: ObserverOptions) {
  checkObserverOptions(options);
  const handler = new Handler(node, options, PATIENCE_MS);
  return (request: Request) => handler.answer(request);
}

/**
 * Observes a node as a viewer who may do everything, unless the options say otherwise.
 *
 * @param node The node or client.
 * @param options What differs; `without`: rights that the viewer lacks.
 */
export function observe(
  node: Continuum,
  { without = [], ...options }: Partial<ObserverOptions> & { readonly without?: readonly Right[] } =
    {},
): Observed {
  const may = RIGHTS.filter((right) => !without.includes(right));
  const handle = patient(node, { access: () => ({ name: "ana", may }), ...options });
  const ask = (path: string, { method, headers = {}, form, json }: Asking = {}) => {
    const hasBody = form !== undefined || json !== undefined;
    const type = json === undefined ? "application/x-www-form-urlencoded" : "application/json";
    return handle(
      new Request(`http://${HOST}${path}`, {
        method: method ?? (hasBody ? "POST" : "GET"),
        headers: {
          host: HOST,
          accept: "text/html,*/*;q=0.8",
          ...(hasBody ? { "content-type": type, "sec-fetch-site": "same-origin" } : {}),
          ...headers,
        },
        ...(hasBody ? { body: json === undefined ? encoded(form!) : JSON.stringify(json) } : {}),
      }),
    );
  };
  return {
    ask,
    page: async (path, asking) => await (await ask(path, asking)).text(),
    json: async (path, asking) => {
      const headers = { ...asking?.headers, accept: "application/json" };
      return await (await ask(path, { ...asking, headers })).json();
    },
  };
}

/** An observer behind a server of its own, for browsers. */
export interface Served extends AsyncDisposable {
  /** Its first page; ends in a slash. */
  readonly url: string;
}

/**
 * Serves an observer on a free port, to a viewer who may do everything unless the options say
 * otherwise.
 *
 * @param node The node or client.
 * @param options What differs.
 */
export function serveObserved(node: Continuum, options: Partial<ObserverOptions> = {}): Served {
  const handle = patient(node, { access: () => ({ name: "ana", may: [...RIGHTS] }), ...options });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handle);
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function encoded(form: NonNullable<Asking["form"]>): string {
  const pairs = Object.entries(form).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((text) => [name, text])
  );
  return new URLSearchParams(pairs).toString();
}
