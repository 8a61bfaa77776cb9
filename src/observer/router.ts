/**
 * Finds the route of a path.
 *
 * @module
 */

import { textOfSegment } from "../base/url_segment.ts";
import type { Route } from "./route.ts";

/** A route, and the texts of its parameters. */
export interface Found {
  /** The route. */
  readonly route: Route;
  /** By name: the texts of the path's parameters. */
  readonly params: Readonly<Record<string, string>>;
}

/** Finds routes by path. */
export class Router {
  readonly #routes: readonly { readonly route: Route; readonly pattern: URLPattern }[];

  /**
   * @param routes The routes; of two that match a path, the first is taken.
   */
  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({
      route,
      pattern: new URLPattern({ pathname: route.path }),
    }));
  }

  /**
   * Finds the route of a path.
   *
   * @param pathname The path, encoded, below that of the observer.
   * @returns The route; `null`: there is none.
   */
  find(pathname: string): Found | null {
    for (const { route, pattern } of this.#routes) {
      const groups = pattern.exec({ pathname })?.pathname.groups;
      if (groups === undefined) continue;
      const params: Record<string, string> = {};
      for (const [name, segment = ""] of Object.entries(groups)) {
        const text = textOfSegment(segment);
        if (text === null || text === "") return null;
        params[name] = text;
      }
      return { route, params };
    }
    return null;
  }
}
