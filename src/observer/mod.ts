/**
 * The observer: a page on which people who run workflows look at any run, on the code it runs.
 *
 * ```ts ignore
 * import { observer } from "@continuum/continuum/observer";
 *
 * const handle = observer(continuum, {
 *   path: "/ops",
 *   access: async (request) => {
 *     const user = await userOf(request);
 *     return user && { name: user.email, may: ["read", "payloads", "source", "signal", "retry"] };
 *   },
 * });
 * Deno.serve((request) => {
 *   const isOps = new URL(request.url).pathname.startsWith("/ops");
 *   return isOps ? handle(request) : app(request);
 * });
 * ```
 *
 * @module
 */

import type { Continuum } from "../operate/client.ts";
import { Handler } from "./handler.ts";
import { checkObserverOptions, type ObserverOptions } from "./options.ts";

export type { AuditEntry, ObserverOptions, ValuePlace } from "./options.ts";
export { type Right, RIGHTS, type Viewer } from "./rights.ts";
export type { Json } from "../operate/plain.ts";

/**
 * Makes an observer of a database: a handler of requests that any server can mount. It answers with
 * pages, and with JSON at the same paths.
 *
 * @param continuum The node or client that it reads and acts by.
 * @param options Who may do what, and where it is mounted.
 * @returns The handler; its promise never rejects.
 * @throws {InvalidArgumentError} If an option is missing, unknown or out of range.
 */
export function observer(
  continuum: Continuum,
  options: ObserverOptions,
): (request: Request) => Promise<Response> {
  checkObserverOptions(options);
  const handler = new Handler(continuum, options);
  return (request) => handler.answer(request);
}
