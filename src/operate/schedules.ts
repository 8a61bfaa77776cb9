/**
 * Schedules, as plain JSON.
 *
 * @module
 */

import type { ScheduleStatus } from "../client/schedule/client.ts";
import type { Continuum } from "../continuum.ts";
import type { ScheduleState } from "../schedule/firing.ts";
import { given } from "./client.ts";
import { type Plain, plain } from "./plain.ts";

/** A schedule. */
export type ScheduleLine = Plain<ScheduleStatus>;

/** States of schedules. */
export const SCHEDULE_STATES: readonly ScheduleState[] = [
  "active",
  "paused",
  "stuck",
  "done",
  "cancelled",
];

/** Which schedules to list. */
export interface ScheduleFilter {
  /** The workflow's name. */
  readonly workflow?: string | undefined;
  /** The states. */
  readonly states?: readonly ScheduleState[] | undefined;
  /** The hash of the version that they are pinned to. */
  readonly version?: string | undefined;
}

/** How many schedules one query reads. */
const PAGE = 1_000;

/**
 * Lists schedules by id, reading them page by page.
 *
 * @param client The client.
 * @param filter Which schedules, and the namespace; that of the client when omitted.
 */
export async function* everySchedule(
  client: Continuum,
  filter: ScheduleFilter & { readonly namespace?: string | undefined } = {},
): AsyncGenerator<ScheduleLine> {
  let after: string | undefined;
  do {
    const page = await client.schedules.list(given({ ...filter, after, limit: PAGE }));
    for (const schedule of page) yield plain(schedule);
    after = page.length < PAGE ? undefined : page.at(-1)!.id;
  } while (after !== undefined);
}

/**
 * Lists the schedules of all namespaces, by the name of the namespace and by id.
 *
 * @param client The client.
 * @param filter Which schedules.
 */
export async function* schedulesEverywhere(
  client: Continuum,
  filter: ScheduleFilter = {},
): AsyncGenerator<ScheduleLine> {
  for (const namespace of await client.namespaces()) {
    yield* everySchedule(client, { ...filter, namespace });
  }
}

/**
 * Lists a page of schedules, by id.
 *
 * @param client The client.
 * @param filter Which schedules.
 * @param page How many, and the id after which it begins.
 * @returns The schedules, and the id after which the next page begins; `null`: there is none.
 */
export async function schedulePage(
  client: Continuum,
  filter: ScheduleFilter,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<{ readonly schedules: readonly ScheduleLine[]; readonly after: string | null }> {
  const found = await client.schedules.list(given({ ...filter, after, limit: limit + 1 }));
  const schedules = found.slice(0, limit).map((schedule) => plain(schedule));
  return { schedules, after: found.length > limit ? schedules.at(-1)!.id : null };
}

/**
 * Shows one schedule.
 *
 * @param client The client.
 * @param id Its id.
 * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
 */
export async function showSchedule(client: Continuum, id: string): Promise<ScheduleLine> {
  return plain(await client.schedules.get(id));
}
