/**
 * Options that select runs, for every command that takes some.
 *
 * @module
 */

import type { RunFilter } from "../../operate/runs.ts";
import { STATE_WORDS, type StateWord } from "../../operate/run_lines.ts";
import type { OptionSpec } from "../command.ts";
import { json, oneOf, pair, timeAgo } from "../readers.ts";

/** The options, as the command line gives them. */
export interface FilterOptions {
  readonly state?: readonly (readonly StateWord[])[];
  readonly workflow?: string;
  readonly version?: string;
  readonly attr?: readonly (readonly [string, string | number | boolean])[];
  readonly id?: string;
  readonly parent?: string;
  readonly forksOf?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly endedSince?: Date;
  readonly where?: unknown;
  readonly allNamespaces?: true;
}

/** Lists what all namespaces hold. */
export const ALL_NAMESPACES = {
  flags: "--all-namespaces",
  text: "of all namespaces, in place of one",
} as const;

/** The options that select runs. */
export const FILTER_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--state <states>",
    text: "live, parked, ended, any, or states such as failed, separated by commas",
    repeat: true,
    read: (text, flag) => text.split(",").map((word) => oneOf(STATE_WORDS)(word.trim(), flag)),
  },
  { flags: "--workflow <name>", text: "runs of this workflow" },
  { flags: "--version <hash>", text: "runs on this version, on the current one, or on old ones" },
  {
    flags: "--attr <name=value>",
    text: "runs with this attribute; several must all hold",
    repeat: true,
    read: pair,
  },
  { flags: "--id <prefix>", text: "runs whose id begins so" },
  { flags: "--parent <id>", text: "children of this run" },
  { flags: "--forks-of <id>", text: "forks of this run" },
  { flags: "--since <time>", text: "created since then: 2h, or 2026-01-31T12:00Z", read: timeAgo },
  { flags: "--until <time>", text: "created until then", read: timeAgo },
  { flags: "--ended-since <time>", text: "ended since then", read: timeAgo },
  { flags: "--where <json>", text: "a condition as runs.query() takes it", read: json },
  ALL_NAMESPACES,
];

/**
 * Converts the options.
 *
 * @param options What was given.
 * @param states The states that are meant if none is given.
 */
export function filterOf(options: FilterOptions, states?: readonly StateWord[]): RunFilter {
  const { state, workflow, version, attr, id, parent, forksOf } = options;
  const { since, until, endedSince, where } = options;
  return {
    states: state?.flat() ?? states,
    workflow,
    version,
    idPrefix: id,
    parent,
    forksOf,
    since,
    until,
    endedSince,
    attributes: attr === undefined ? undefined : Object.fromEntries(attr),
    where: where as RunFilter["where"],
  };
}
