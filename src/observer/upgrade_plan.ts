/**
 * What moving runs to another version would do: verdicts, grouped by cause.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { conditionOf } from "../operate/runs.ts";
import {
  groupByCause,
  planUpgrade,
  type UpgradePlan,
  type VerdictGroup,
} from "../operate/upgrade.ts";
import { findVersion } from "../operate/versions.ts";
import { type Plain, plain } from "../operate/plain.ts";
import { LATE } from "./bounds.ts";
import { ObserverError } from "./errors.ts";
import type { Query } from "./links.ts";
import { type Given, type Parameter, textParameter, wholeParameter } from "./parameters.ts";
import type { Look } from "./route.ts";

/** How many runs are examined if the viewer does not say. */
const DEFAULT_LIMIT = 200;

/** How many runs one page examines. */
const MOST_EXAMINED = 2_000;

/** A page never waits longer for verdicts; the replays are ended then. */
const TIMEOUT_MS = 25_000;

const WORKFLOW = textParameter("workflow");
const VERSION = textParameter("version");
const TO = textParameter("to");
const ID = textParameter("id");
const LIMIT = wholeParameter("limit", 1, MOST_EXAMINED);

/** The parameters of a question. */
export const QUESTION: readonly Parameter[] = [WORKFLOW, VERSION, TO, ID, LIMIT];

/** What was asked for. */
export interface UpgradeQuestion {
  /** The workflow. */
  readonly workflow: string;
  /** The hash of the version whose runs are examined; `null`: all other versions. */
  readonly version: string | null;
  /** The hash of the target; `null`: the current version. */
  readonly to: string | null;
  /** What ids begin with; `null`: any. */
  readonly id: string | null;
  /** The most runs. */
  readonly limit: number;
}

/** The verdicts. */
export interface UpgradeAnswer {
  /** What was asked for. */
  readonly question: UpgradeQuestion;
  /** The hash of the target; `null`: there was no run to examine. */
  readonly to: string | null;
  /** How many runs were examined. */
  readonly examined: number;
  /** The verdicts by cause, the largest group first. */
  readonly groups: readonly Plain<VerdictGroup>[];
  /** The runs that replay on the target, as they were. */
  readonly runs: UpgradePlan["runs"];
}

/**
 * Reads what a viewer asks for.
 *
 * @param look The client.
 * @param given What was given.
 * @returns `null`: no workflow and no target was chosen.
 */
export async function questionOf(
  { client }: Look,
  given: Given,
): Promise<UpgradeQuestion | null> {
  const [from, target] = await Promise.all([VERSION, TO].map(async (parameter) => {
    const text = given.one(parameter);
    return text === null || text === "current" ? null : await findVersion(client, text);
  }));
  const workflow = given.one(WORKFLOW) ?? from?.workflow ?? target?.workflow ?? null;
  if (workflow === null) return null;
  for (const [name, version] of [["version", from], ["to", target]] as const) {
    if (version && version.workflow !== workflow) {
      refuse(`parameter ${name}`, version.hash, `a version of the workflow ${workflow}`);
    }
  }
  return {
    workflow,
    version: from?.hash ?? null,
    to: target?.hash ?? null,
    id: given.one(ID),
    limit: given.one(LIMIT) ?? DEFAULT_LIMIT,
  };
}

/**
 * The fields of a question, for a link or a form.
 *
 * @param question The question.
 */
export function questionQuery({ workflow, version, to, id, limit }: UpgradeQuestion): Query {
  return { workflow, version, to, id, limit };
}

/**
 * Finds the verdicts. Nothing is changed.
 *
 * @param look The client.
 * @param question What is asked for.
 */
export async function answerOf(
  { client, heavy }: Look,
  question: UpgradeQuestion,
): Promise<UpgradeAnswer> {
  const { workflow, version, to, id, limit } = question;
  const states = ["live"] as const;
  const where = await conditionOf(client, {
    states,
    ...(version === null ? {} : { version }),
    ...(id === null ? {} : { idPrefix: id }),
  });
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(tooLong()), TIMEOUT_MS);
  const target = to === null ? { workflow } : { to };
  const plan = await heavy(() =>
    planUpgrade(client, { ...target, where, limit, signal: ending.signal })
  ).finally(() => clearTimeout(timer));
  return {
    question,
    to: plan.to,
    examined: plan.verdicts.length,
    groups: groupByCause(plan.verdicts).map((group) => plain(group)),
    runs: plan.runs,
  };
}

function tooLong(): ObserverError {
  return new ObserverError(
    LATE,
    `Cannot examine so many runs in ${TIMEOUT_MS / 1_000} s: choose a smaller number of them`,
  );
}
