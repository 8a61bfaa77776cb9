/**
 * `/upgrade/apply`, `/upgrade/begin` and `/upgrade/resume`: moves the runs that replay on another
 * version.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import {
  type CheckedPlan,
  checkUpgrade,
  findJob,
  resumeUpgrade,
  type UpgradePart,
  upgradePart,
  upgradeRuns,
} from "../../operate/upgrade.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { counted, note, section } from "../parts/mod.ts";
import { jsonParameter, textParameter, wholeParameter } from "../parameters.ts";
import { defineAction } from "../route.ts";
import { drive } from "../upgrade_driver.ts";
import { verdictGroups } from "../upgrade_groups.ts";
import {
  answerOf,
  QUESTION,
  questionOf,
  questionQuery,
  type UpgradeAnswer,
} from "../upgrade_plan.ts";

/** Moves the runs of a plan. */
export const applyUpgrade = defineAction<
  UpgradeAnswer,
  { readonly job: string; readonly runs: number }
>({
  path: "/upgrade/apply",
  rights: ["read", "upgrade"],
  parameters: QUESTION,
  action: "upgrade",
  needsReason: false,
  async plan(look) {
    const question = await questionOf(look, look.given);
    return question === null
      ? refuse("parameter workflow", inWords("nothing"), "the name of a workflow")
      : await answerOf(look, question);
  },
  fence: ({ to, runs }) => ({ to, runs }) as never,
  targets: ({ runs }) => runs.map(({ id }) => id),
  confirm: ({ question, groups, runs, to }, view) => ({
    title: runs.length === 0
      ? `No run of ${question.workflow} can be moved there`
      : `Move ${counted(runs.length, "run")} of ${question.workflow}`,
    trail: [{ text: "Versions", to: view.to(["versions"]) }, {
      text: "Move runs",
      to: view.to(["upgrade"], questionQuery(question)),
    }],
    body: html`${section("Verdicts", verdictGroups(groups, view))}${
      runs.length === 0 ? NOTHING : note(
        "live",
        html`<p>Each run is moved only if it is as it is now, and its history replays once more.
        The others stay on their own code. To take it back, move them to the old version, with the same proof.</p>`,
      )
    }${hiddenFields(questionQuery(question))}<p>To version <code>${to}</code></p>`,
    button: `Move ${counted(runs.length, "run")}`,
    nothing: runs.length === 0,
    back: view.to(["upgrade"], questionQuery(question)),
  }),
  async deed({ client }, { to, runs }) {
    const upgrade = upgradeRuns(client, to!, runs, {});
    await drive(client, upgrade);
    return { job: upgrade.job, runs: runs.length };
  },
  done: ({ job, runs }, view) => ({
    says: `The upgrade of ${counted(runs, "run")} has begun.`,
    to: view.to(["upgrade"], { job }, `job-${job}`),
  }),
});

/** How long one request moves runs at most, in milliseconds. */
const MOST_MS = 10_000;

const TO = textParameter("to");
const RUNS = jsonParameter("runs");

/**
 * Begins the upgrade of a plan that a program has made, and moves nothing: it asks for one part after
 * the other, by `/upgrade/resume`.
 */
export const beginUpgrade = defineAction<CheckedPlan, UpgradePart>({
  path: "/upgrade/begin",
  rights: ["read", "upgrade"],
  parameters: [TO, RUNS],
  action: "upgrade",
  needsReason: false,
  async plan({ client, given }, fields) {
    const to = given.one(TO);
    if (to === null) return refuse("parameter to", inWords("nothing"), "the hash of a version");
    return await checkUpgrade(client, to, fields.json("runs") ?? []);
  },
  targets: ({ runs }) => runs.map(({ id }) => id),
  confirm: ({ to, workflow, runs }, view) => ({
    title: `Move ${counted(runs.length, "run")} of ${workflow}`,
    body: html`<p>To version <code>${to}</code></p>
    ${hiddenFields({ to, runs: JSON.stringify(runs) })}`,
    button: `Move ${counted(runs.length, "run")}`,
    nothing: runs.length === 0,
    back: view.to(["upgrade"]),
  }),
  deed: ({ client }, { to, runs }) => upgradePart(upgradeRuns(client, to, runs, { pauseAfter: 0 })),
  done: ({ job }, view) => ({
    says: "The upgrade can be continued.",
    to: view.to(["upgrade"], { job }, `job-${job}`),
  }),
});

interface ResumePlan {
  readonly job: string;
  readonly workflow: string;
  readonly to: string;
  readonly state: string;
}

const JOB = textParameter("job");
const WITHIN = wholeParameter("within", 0, MOST_MS);
const PATIENCE = wholeParameter("patience", 0);
const STOP_AFTER = wholeParameter("stopAfterFailures", 1);

/** What an upgrade has come to, if the request waited for a part of it. */
interface Resumed extends Partial<UpgradePart> {
  readonly job: string;
  readonly state?: string;
  /** How many runs were examined once. */
  readonly examined?: number;
}

/**
 * Continues an upgrade that no process drives: in the background, or, for a program that says how long
 * (`within`, in milliseconds), a part of it.
 */
export const resumeUpgradeAction = defineAction<ResumePlan, Resumed>({
  path: "/upgrade/resume",
  rights: ["read", "upgrade"],
  parameters: [JOB, WITHIN, PATIENCE, STOP_AFTER],
  action: "upgrade resume",
  needsReason: false,
  async plan({ client, given }) {
    const job = given.one(JOB);
    if (job === null) return refuse("parameter job", inWords("nothing"), "the id of an upgrade");
    const { workflow, to, state } = await findJob(client, job);
    return { job, workflow, to, state };
  },
  targets: ({ job }) => [job],
  confirm: ({ job, workflow, to, state }, view) => ({
    title: `Continue the upgrade of ${workflow}`,
    body: html`<p>${
      state === "paused"
        ? html`No process drives it now. This one continues where it was left, to version <code>${
          to.slice(0, 12)
        }</code>.`
        : html`It is ${state} now.`
    }</p>${hiddenFields({ job })}`,
    button: "Continue",
    nothing: state !== "paused",
    back: view.to(["upgrade"]),
  }),
  async deed({ client, given }, { job }) {
    const pauseAfter = given.one(WITHIN);
    if (pauseAfter === null) {
      await drive(client, resumeUpgrade(client, job, {}));
      return { job };
    }
    const part = await upgradePart(resumeUpgrade(client, job, {
      pauseAfter,
      patience: given.one(PATIENCE) ?? undefined,
      stopAfterFailures: given.one(STOP_AFTER) ?? undefined,
    }));
    const { state, examined } = await findJob(client, job);
    return { ...part, state, examined };
  },
  done: ({ job }, view) => ({
    says: "The upgrade continues.",
    to: view.to(["upgrade"], { job }, `job-${job}`),
  }),
});

function hiddenFields(query: Readonly<Record<string, unknown>>): Html {
  return html`${
    Object.entries(query).filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => html`<input type="hidden" name="${name}" value="${String(value)}">`)
  }`;
}
