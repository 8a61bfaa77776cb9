/**
 * Commands that ask an observer with `--server`: an observer behind a server of the test, and commands
 * that have its token.
 *
 * @module
 */

import type { Continuum } from "../../src/continuum.ts";
import { observer, type ObserverOptions, type Right, RIGHTS } from "../../src/observer/mod.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { cliHere, type Ended } from "./cli.ts";

/** The token that the observer knows as `ana`. */
export const TOKEN = "t0ken-of-the-test";

/** A server; disposing of it stops it. */
export interface Served extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
}

/**
 * Starts a server.
 *
 * @param answer Answers requests.
 */
export function served(answer: (request: Request) => Response | Promise<Response>): Served {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** An observer, and commands that ask it. */
export interface ObservedCli extends AsyncDisposable {
  /** The address of its first page. */
  readonly url: string;
  /** Variables of the environment for a process of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command in this process. */
  there(args: readonly string[], token?: string, terminal?: Partial<Terminal>): Promise<Ended>;
}

/** What an observer differs in, and what stands between it and the commands. */
export interface ObservedCliOptions extends Partial<ObserverOptions> {
  /** The rights of who has the token. */
  readonly may?: readonly Right[];
  /**
   * Passes requests on to the observer.
   *
   * @param request The request.
   * @param handle The observer.
   */
  readonly between?: (
    request: Request,
    handle: (request: Request) => Promise<Response>,
  ) => Promise<Response>;
}

/**
 * Observes a node behind a server.
 *
 * @param node The node, or a client.
 * @param options What differs.
 */
export function observedCli(
  node: Continuum,
  { may = RIGHTS, between = (request, handle) => handle(request), ...options }: ObservedCliOptions =
    {},
): ObservedCli {
  const handle = observer(node, {
    path: "/ops",
    access: (request) =>
      request.headers.get("authorization") === `Bearer ${TOKEN}` ? { name: "ana", may } : null,
    ...options,
  });
  const server = served((request) => between(request, handle));
  const url = `${server.url}/ops`;
  return {
    url,
    env: { CONTINUUM_TOKEN: TOKEN },
    there: (args, token = TOKEN, terminal = {}) =>
      cliHere([...args, "--server", url], {
        env: (name) => name === "CONTINUUM_TOKEN" ? token : undefined,
        ...terminal,
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
