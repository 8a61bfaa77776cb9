/**
 * Rows that transactions wrote are there once; effects in the ledger bear one key each, which no
 * other effect bears.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";
import { grouped } from "./grouped.ts";

/** Checks what transactions of runs wrote. */
export function* checkBookings({ bookings }: Evidence): Generator<Finding> {
  for (const [what, rows] of grouped(bookings, ({ run, place }) => `${place} of run ${run}`)) {
    if (rows.length === 1) continue;
    yield { promise: "exactly once", message: `${what} was written ${rows.length} times` };
  }
}

/** Checks the ledger: the attempts of an effect have one key, and each has another number. */
export function* checkNotes({ notes }: Evidence): Generator<Finding> {
  const own = notes.filter(({ key }) => !key.startsWith("shared "));
  for (const [what, rows] of grouped(own, ({ run, place }) => `${place} of run ${run}`)) {
    const keys = new Set(rows.map(({ key }) => key));
    if (keys.size === 1) continue;
    yield { promise: KEY, message: `${what} happened under ${keys.size} keys: ${[...keys]}` };
  }
  for (const [key, rows] of grouped(own, ({ key }) => key)) {
    const places = new Set(rows.map(({ run, place }) => `${place} of run ${run}`));
    if (places.size === 1) continue;
    yield { promise: KEY, message: `Key ${key} stands for ${[...places].join(" and ")}` };
  }
}

/** Checks that all runs of a topic were given the result that was committed first. */
export function* checkShared({ planned, heard, runs }: Evidence): Generator<Finding> {
  const rows = new Map(runs.map((run) => [run.id, run]));
  const results = planned.filter(({ program }) => program === "effects").map((run) => ({
    topic: String(run.input.topic),
    result: rows.get(heard.get(run.name)?.id ?? "")?.result as { token?: string } | undefined,
  }));
  for (const [topic, given] of grouped(results, (result) => result.topic)) {
    const tokens = new Set(given.flatMap(({ result }) => result?.token ?? []));
    if (tokens.size <= 1) continue;
    yield { promise: KEY, message: `Runs of ${topic} were given ${[...tokens].join(" and ")}` };
  }
}

const KEY = "at least once, under one key";
