/**
 * `/upgrade/apply` and `/upgrade/resume`: moves the runs that replay on another version.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { resumeUpgrade, upgradeJobs, upgradeRuns } from "../../operate/upgrade.ts";
import { ObserverError } from "../errors.ts";
import { type Html, html } from "../html.ts";
import { counted, note, section } from "../parts/mod.ts";
import { textParameter } from "../parameters.ts";
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
    title: `Move ${counted(runs.length, "run")} of ${question.workflow}`,
    body: html`${section("Verdicts", verdictGroups(groups, view))}${
      note(
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

interface ResumePlan {
  readonly job: string;
  readonly workflow: string;
  readonly to: string;
  readonly state: string;
}

const JOB = textParameter("job");

/** Continues an upgrade that no process drives. */
export const resumeUpgradeAction = defineAction<ResumePlan, { readonly job: string }>({
  path: "/upgrade/resume",
  rights: ["read", "upgrade"],
  parameters: [JOB],
  action: "upgrade resume",
  needsReason: false,
  async plan({ client, given }) {
    const id = given.one(JOB);
    const found = (await upgradeJobs(client, 1_000)).find((job) => job.id === id);
    if (found === undefined) {
      throw new ObserverError("NOT_FOUND", "Cannot continue: there is no such upgrade");
    }
    const { workflow, to, state } = found;
    return { job: found.id, workflow, to, state };
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
  async deed({ client }, { job }) {
    await drive(client, resumeUpgrade(client, job, {}));
    return { job };
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
