/**
 * `/upgrade`: which runs could be moved to another version, why others could not, and upgrades that
 * are under way.
 *
 * @module
 */

import { upgradeJobs } from "../../operate/upgrade.ts";
import { currentVersions } from "../../operate/versions.ts";
import { noWorkflow } from "../first_steps.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { ago, counted, missingNote, note, section, stateMark, table } from "../parts/mod.ts";
import { textParameter } from "../parameters.ts";
import { type MissingParts, readParts } from "../parts_read.ts";
import { definePage } from "../route.ts";
import { verdictGroups } from "../upgrade_groups.ts";
import {
  answerOf,
  QUESTION,
  questionOf,
  questionQuery,
  type UpgradeAnswer,
} from "../upgrade_plan.ts";
import type { View } from "../view.ts";

type Job = Awaited<ReturnType<typeof upgradeJobs>>[number];

interface UpgradeData {
  /** The names of workflows. */
  readonly workflows: readonly string[] | null;
  /** The verdicts; `null`: nothing was asked for. */
  readonly answer: UpgradeAnswer | null;
  /** Upgrades, the newest first. */
  readonly jobs: readonly Job[] | null;
  /** Why parts are missing. */
  readonly missing: MissingParts;
}

/** How many upgrades are listed. */
const JOBS = 20;

/** How long verdicts are shown before they are found anew, in milliseconds. */
const FRESH_MS = 15_000;

/** The upgrade that was begun just now; the address of its row. */
const JOB = textParameter("job");

/** The page. */
export const upgrade = definePage<UpgradeData>({
  path: "/upgrade",
  rights: ["read"],
  parameters: [...QUESTION, JOB],
  live: ({ jobs }) => (jobs ?? []).some(({ state }) => state === "running") ? 1 : null,
  async load(look) {
    const { client, given, kept } = look;
    const time = Math.floor(Date.now() / FRESH_MS);
    const question = await questionOf(look, given);
    const { parts: { answer, workflows, jobs }, missing } = await readParts({
      answer: async () =>
        question === null
          ? null
          : await kept(["upgrade", JSON.stringify(question), time], () => answerOf(look, question)),
      workflows: () =>
        kept(["workflows", time], async () => [...(await currentVersions(client)).keys()].sort()),
      jobs: () => upgradeJobs(client, JOBS),
    });
    return {
      answer: answer === null ? null : withoutSource(answer, look.may("source")),
      workflows,
      jobs,
      missing,
    };
  },
  page: (data, view) => ({
    title: "Move runs to another version",
    trail: [{ text: "Versions", to: view.to(["versions"]) }],
    body: html`${intro(data)}${
      data.workflows?.length === 0
        ? noWorkflow()
        : html`${chooser(data, view)}${verdicts(data, view)}`
    }${jobsOf(data, view)}`,
  }),
});

/** Lines of code are for viewers who may read code. */
function withoutSource(answer: UpgradeAnswer, may: boolean): UpgradeAnswer {
  if (may) return answer;
  const hidden = <Site extends object | null>(site: Site) => site && { ...site, text: null };
  return {
    ...answer,
    groups: answer.groups.map(({ cause, ...group }) => ({
      ...group,
      cause: cause &&
        { ...cause, recordedAt: hidden(cause.recordedAt), requestedAt: hidden(cause.requestedAt) },
    })),
  };
}

function intro({ answer, missing }: UpgradeData): Html {
  if (answer !== null || missing.answer !== undefined) return NOTHING;
  return html`<p class="hint">A run moves only after its whole history has replayed on the other version. One
    that does not replay stays where it is, and continues there. Looking changes nothing.</p>`;
}

function chooser({ workflows, answer }: UpgradeData, view: View): Html {
  const { query } = view;
  const question = answer?.question ?? null;
  const workflow = question?.workflow ?? query.get("workflow") ?? "";
  return html`
    <form class="filters card" action="${view.to(["upgrade"])}" method="get">
      <label class="field"><span>Workflow</span><select name="workflow">
        <option value="">choose one</option>${(workflows ?? []).map((name) =>
          html`<option value="${name}" selected="${name === workflow}">${name}</option>`
        )}</select></label>
      <label class="field"><span>Runs on version</span>
        <input name="version" value="${question?.version ??
          query.get(
            "version",
          )}" placeholder="any other" autocomplete="off" spellcheck="false"></label>
      <label class="field"><span>To version</span>
        <input name="to" value="${question?.to ??
          query.get(
            "to",
          )}" placeholder="current" autocomplete="off" spellcheck="false"></label>
      <label class="field"><span>Id begins with</span>
        <input name="id" value="${query.get("id")}" autocomplete="off" spellcheck="false"></label>
      <label class="field"><span>Runs to examine</span>
        <input name="limit" value="${question?.limit ??
          200}" inputmode="numeric" autocomplete="off"></label>
      <p class="buttons"><button class="primary">Examine</button></p>
    </form>
  `;
}

function verdicts({ answer, missing }: UpgradeData, view: View): Html {
  if (missing.answer !== undefined) return section("Verdicts", missingNote(missing.answer));
  if (answer === null) return NOTHING;
  const { groups, examined, question, runs, to } = answer;
  const isLimited = examined >= question.limit;
  const apply = runs.length === 0 || to === null || !view.may("upgrade") ? NOTHING : html`
    <p
      class="buttons"><a class="button primary" href="${view.to(
        ["upgrade", "apply"],
        questionQuery(question),
      )}">Move ${counted(
        runs.length,
        "run",
      )}…</a><span class="hint">Each replays again as it moves.</span></p>
  `;
  const target = to === null
    ? NOTHING
    : html`<a class="id" href="${view.to(["versions", to])}">${to.slice(0, 12)}</a>`;
  return section(
    "Verdicts",
    html`${verdictGroups(groups, view)}${apply}${
      isLimited
        ? note(
          "live",
          html`<p>The oldest ${counted(examined, "run")} were examined; there may be more.</p>`,
        )
        : NOTHING
    }`,
    html`<span class="hint">${counted(examined, "run")} examined, for ${target}</span>`,
  );
}

const COUNTED = ["moved", "drifts", "no_code", "no_answer", "changed", "busy"] as const;

function jobsOf({ jobs, missing }: UpgradeData, view: View): Html {
  if (jobs === null) return section("Upgrades", missingNote(missing.jobs!));
  if (jobs.length === 0) return NOTHING;
  const resume = (job: Job) =>
    job.state === "paused" && view.may("upgrade")
      ? html`<a class="button" href="${
        view.to(["upgrade", "resume"], { job: job.id })
      }">Continue</a>`
      : NOTHING;
  return section(
    "Upgrades",
    table<Job>("Upgrades", [
      {
        title: "Begun",
        head: true,
        cell: (job) => html`<span id="job-${job.id}">${ago(view, job.createdAt)}</span>`,
      },
      { title: "State", cell: ({ state }) => stateMark(state) },
      { title: "Workflow", cell: ({ workflow }) => workflow },
      {
        title: "To",
        cell: ({ to }) =>
          html`<a class="id" href="${view.to(["versions", to])}">${to.slice(0, 7)}</a>`,
      },
      {
        title: "Examined",
        number: true,
        cell: ({ examined, again }) =>
          html`${examined.toLocaleString("en")}${
            again === 0 ? NOTHING : html`<br><span class="hint">${again} again</span>`
          }`,
      },
      {
        title: "Verdicts",
        wide: true,
        cell: ({ counts }) =>
          COUNTED.filter((kind) => (counts[kind] ?? 0) > 0).map((kind, index) => [
            index === 0 ? null : ", ",
            `${counts[kind]!.toLocaleString("en")} ${kind.replace("_", " ")}`,
          ]),
      },
      {
        title: "Driven by",
        cell: ({ driver, endedAt }) => driver ?? (endedAt === null ? "nobody" : NOTHING),
      },
      { title: "", controls: "What can be done", cell: resume },
    ], jobs),
  );
}
