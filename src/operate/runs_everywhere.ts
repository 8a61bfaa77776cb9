/**
 * Runs of all namespaces, one namespace after the other.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import type { Continuum } from "../continuum.ts";
import type { RunLine } from "./run_lines.ts";
import { countRuns, listRuns, type PageOptions, type RunFilter, type RunLines } from "./runs.ts";

/** How many runs a page has, unless the caller says otherwise. */
const PAGE = 50;

/**
 * Lists the runs of all namespaces by the name of the namespace, each as {@linkcode listRuns} does.
 *
 * @param client The client.
 * @param filter Which runs.
 * @param page How many, the cursor of the page before, and how long the server may look for the runs
 * of one namespace.
 * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If the cursor is not one of such a list.
 */
export async function listRunsEverywhere(
  client: Continuum,
  filter: RunFilter,
  { limit = PAGE, cursor, timeout }: Omit<PageOptions, "namespace"> = {},
): Promise<RunLines> {
  const from = cursor === undefined ? null : readPlace(cursor);
  const names = (await client.namespaces()).filter((name) => from === null || name >= from.name);
  const found: RunLine[] = [];
  for (const namespace of names) {
    if (found.length === limit) return { runs: found, cursor: placeText(namespace, "") };
    const inner = from?.name === namespace && from.cursor !== "" ? from.cursor : undefined;
    const page = { limit: limit - found.length, cursor: inner, namespace, timeout };
    const { runs, cursor } = await listRuns(client, filter, page);
    found.push(...runs);
    if (cursor !== null) return { runs: found, cursor: placeText(namespace, cursor) };
  }
  return { runs: found, cursor: null };
}

/**
 * Counts the runs of all namespaces.
 *
 * @param client The client.
 * @param filter Which runs.
 * @param limit Where counting stops; a result that is equal to it means this many or more.
 */
export async function countRunsEverywhere(
  client: Continuum,
  filter: RunFilter,
  limit?: number,
): Promise<number> {
  let total = 0;
  for (const namespace of await client.namespaces()) {
    if (total === limit) break;
    const rest = limit === undefined ? undefined : limit - total;
    total += await countRuns(client, filter, rest, namespace);
  }
  return total;
}

/** A place in such a list: the namespace, and the cursor in its own list. */
function placeText(name: string, cursor: string): string {
  return `${encodeURIComponent(name)}:${cursor}`;
}

function readPlace(text: string): { readonly name: string; readonly cursor: string } {
  const [, name, cursor] = /^([^:]+):(.*)$/s.exec(text) ?? [];
  try {
    if (name !== undefined) return { name: decodeURIComponent(name), cursor: cursor! };
  } catch {
    // Refused below.
  }
  const wanted = "one that a page of runs of all namespaces returned";
  return refuse("the cursor", text, wanted, "INVALID_CURSOR");
}
