/**
 * Links from a page to itself, with some of its query changed.
 *
 * @module
 */

import type { Link, Query } from "./links.ts";
import type { View } from "./view.ts";

/**
 * A link to the same page with another query.
 *
 * @param view The page.
 * @param changes What is changed; `null` removes it.
 * @param place The id of an element on it.
 */
export function hereWith(view: View, changes: Query, place?: string): Link {
  return view.to(view.path, { ...queryOf(view), ...changes }, place);
}

/**
 * The query of a page, without what is empty.
 *
 * @param view The page.
 * @param without Names that are left out.
 */
export function queryOf(
  { query }: Pick<View, "query">,
  without: readonly string[] = [],
): Record<string, readonly string[]> {
  const kept = [...new Set(query.keys())].filter((name) => !without.includes(name));
  return Object.fromEntries(
    kept.map((name) => [name, query.getAll(name).filter((value) => value !== "")]),
  );
}
