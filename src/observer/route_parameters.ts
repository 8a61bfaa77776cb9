/**
 * The parameters that the handler reads itself, whichever route is asked for, besides the route's own.
 *
 * @module
 */

import { type Parameter, switchParameter, textParameter } from "./parameters.ts";
import type { Route } from "./route.ts";

/** What an action before said; any page may show it. */
export const SAID: Parameter<string> = textParameter("said");

/** That the data of a page are wanted as a file. */
export const FILE: Parameter<true> = switchParameter("file");

/** The tag of the plan that was looked at (ACTION-1). */
export const SEEN: Parameter<string> = textParameter("seen");

/** Why something is done, for the audit. */
export const REASON: Parameter<string> = textParameter("reason");

/**
 * All parameters of a route (GIVEN-1).
 *
 * @param route The route.
 */
export function parametersOf(route: Route): readonly Parameter[] {
  const { kind, parameters = [] } = route;
  switch (kind) {
    case "action":
      return [...parameters, SEEN, REASON];
    case "page":
      return [...parameters, SAID, ...(route.file === undefined ? [] : [FILE])];
    default:
      return parameters;
  }
}
