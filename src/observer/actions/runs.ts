/**
 * Actions on runs, on one (`/runs/:id/cancel`) and on many (`/bulk/cancel`): cancel, terminate,
 * pause, resume, retry, delete.
 *
 * @module
 */

import {
  cancelRuns,
  deleteRuns,
  pauseRuns,
  type PlannedRun,
  planRuns,
  resumeRuns,
  retryRuns,
  type RunOutcome,
  terminateRuns,
} from "../../operate/act_on_runs.ts";
import type { Continuum } from "../../operate/client.ts";
import { ObserverError } from "../errors.ts";
import { listRuns } from "../../operate/runs.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { counted, note, number, runLink, section, stateMark, table } from "../parts/mod.ts";
import {
  type Given,
  type Parameter,
  several,
  switchParameter,
  textParameter,
} from "../parameters.ts";
import type { Right } from "../rights.ts";
import {
  type ActionRoute,
  type Confirmation,
  defineAction,
  type Done,
  type Look,
} from "../route.ts";
import { filterOf, filterParameters } from "../run_filter.ts";
import type { View } from "../view.ts";

/** The most runs that one action changes. */
export const MOST_RUNS = 1_000;

/** How many runs of a plan are listed. */
const LISTED = 50;

/** What differs between the actions. */
interface Deed {
  /** The word in the address, and in the audit. */
  readonly word: string;
  /** The verb on the button. */
  readonly verb: string;
  /** What was done to the runs. */
  readonly done: string;
  readonly right: Right;
  readonly needsReason: boolean;
  readonly isGrave: boolean;
  /** What else has to be known. */
  readonly consequence: string;
  /** The states in which it does something. */
  applies(state: string): boolean;
  act(
    client: Continuum,
    plan: readonly PlannedRun[],
    reason: string | null,
  ): AsyncIterable<RunOutcome>;
}

const ENDED: readonly string[] = ["completed", "failed", "cancelled", "terminated"];

const idsOf = (plan: readonly PlannedRun[]) => plan.map(({ id }) => id);

/** The actions. */
export const DEEDS: readonly Deed[] = [
  {
    word: "cancel",
    verb: "Cancel",
    done: "asked to cancel",
    right: "cancel",
    needsReason: false,
    isGrave: false,
    consequence: "The code learns of it at its next wait, executes its clean-up, and then ends.",
    applies: (state) => !ENDED.includes(state),
    act: (client, plan, reason) => cancelRuns(client, idsOf(plan), reason ?? undefined),
  },
  {
    word: "terminate",
    verb: "Terminate",
    done: "terminated",
    right: "terminate",
    needsReason: true,
    isGrave: true,
    consequence: "The code does not run any more: no clean-up, no compensation.",
    applies: (state) => !ENDED.includes(state),
    act: (client, plan, reason) => terminateRuns(client, plan, reason ?? ""),
  },
  {
    word: "pause",
    verb: "Pause",
    done: "paused",
    right: "pause",
    needsReason: false,
    isGrave: false,
    consequence: "Attempts under way end first. Then nothing happens until they are resumed.",
    applies: (state) => !ENDED.includes(state) && state !== "paused",
    act: (client, plan, reason) => pauseRuns(client, idsOf(plan), reason ?? undefined),
  },
  {
    word: "resume",
    verb: "Resume",
    done: "resumed",
    right: "pause",
    needsReason: false,
    isGrave: false,
    consequence: "They continue where they were.",
    applies: (state) => state === "paused",
    act: (client, plan) => resumeRuns(client, idsOf(plan)),
  },
  {
    word: "retry",
    verb: "Retry",
    done: "released",
    right: "retry",
    needsReason: false,
    isGrave: false,
    consequence: "Nodes execute them again, on the same code.",
    applies: (state) => state.startsWith("stuck_"),
    act: (client, plan) => retryRuns(client, idsOf(plan)),
  },
  {
    word: "delete",
    verb: "Delete",
    done: "deleted",
    right: "prune",
    needsReason: true,
    isGrave: true,
    consequence: "Histories, results and all else that belongs to them are gone. There is no undo.",
    applies: (state) => ENDED.includes(state),
    act: (client, plan) => deleteRuns(client, plan),
  },
];

interface Plan {
  readonly runs: readonly PlannedRun[];
  /** How many were chosen that are in no state for this. */
  readonly skipped: number;
  /** Whether more match than one action changes. */
  readonly more: boolean;
  /** The run that the address names, if it is in no state for this. */
  readonly other: PlannedRun | null;
}

interface Outcomes {
  readonly runs: readonly RunOutcome[];
}

/** Runs that were chosen. */
const ID = several(textParameter("id"));
/** That all runs of a filter were chosen, in place of these. */
const ALL = switchParameter("all");
/** What their ids begin with: `id` names the chosen ones. */
const PREFIX = textParameter("prefix");

const CHOICE: readonly Parameter[] = [ID, ALL, ...filterParameters(PREFIX)];

/** The routes of the actions. */
export const RUN_ACTIONS: readonly ActionRoute[] = DEEDS.flatMap((deed) => [
  actionOn(deed, `/runs/:id/${deed.word}`, []),
  actionOn(deed, `/bulk/${deed.word}`, CHOICE),
]);

function actionOn(deed: Deed, path: string, parameters: readonly Parameter[]): ActionRoute {
  const { word, verb, right, needsReason, isGrave, consequence } = deed;
  return defineAction<Plan, Outcomes>({
    path,
    rights: ["read", right],
    parameters,
    action: word,
    needsReason,
    plan: (look) => planOf(deed, look),
    fence: ({ runs }) =>
      runs.map(({ id, version, generation, createdAt }) => [id, version, generation, createdAt]),
    targets: ({ runs }) => idsOf(runs),
    outcome: ({ runs }) => {
      const failed = runs.flatMap(({ error }) => error?.code ?? []);
      return failed.length === 0 ? "done" : failed.length < runs.length ? "partly" : failed[0]!;
    },
    confirm({ runs, skipped, more, other }, view) {
      if (other !== null) return nothingToDo(deed, other, view);
      const [first] = runs;
      const isOne = runs.length === 1;
      return {
        title: isOne
          ? `${verb} ${first!.id}`
          : runs.length === 0
          ? `${verb} runs`
          : `${verb} ${counted(runs.length, "run")}`,
        trail: [
          { text: "Runs", to: view.to(["runs"]) },
          ...(isOne ? [{ text: first!.id, to: view.to(["runs", first!.id]) }] : []),
        ],
        button: isOne ? `${verb} this run` : `${verb} ${counted(runs.length, "run")}`,
        grave: isGrave,
        nothing: runs.length === 0,
        back: isOne ? view.to(["runs", first!.id]) : view.to(["runs"]),
        body: html`
          ${runs.length === 0
            ? note("warn", "None of the chosen runs is in a state for this.")
            : note(
              isGrave ? "bad" : "live",
              consequence,
            )}
          ${skipped === 0
            ? NOTHING
            : html`<p class="hint">${
              counted(skipped, "run")
            } left out: not in a state for this.</p>`}
          ${more ? html`<p class="hint">The first ${number(MOST_RUNS)}; more match.</p>` : NOTHING}
          ${runs.length === 0 ? NOTHING : listOf(runs, view)}
          ${path.startsWith("/bulk/")
            ? runs.map(({ id }) => html`<input type="hidden" name="id" value="${id}">`)
            : NOTHING}
        `,
      };
    },
    async deed({ client }, { runs }, fields) {
      const outcomes: RunOutcome[] = [];
      for await (const outcome of deed.act(client, runs, fields.text("reason"))) {
        outcomes.push(outcome);
      }
      return { runs: outcomes };
    },
    done: (outcomes, view) => doneOf(deed, outcomes, view),
  });
}

async function planOf(deed: Deed, { client, params, given }: Look): Promise<Plan> {
  const chosen = params.id !== undefined
    ? { ids: [params.id], more: false }
    : given.one(ALL) === null
    ? { ids: given.all(ID), more: false }
    : await matching(client, given);
  if (chosen.ids.length === 0) {
    throw new ObserverError(
      "NOTHING_CHOSEN",
      given.one(ALL) === null ? "No run was chosen" : "No run matches the filter",
    );
  }
  const planned = await planRuns(client, chosen.ids.slice(0, MOST_RUNS));
  const runs = planned.filter(({ state }) => deed.applies(state));
  return {
    runs,
    skipped: planned.length - runs.length,
    more: chosen.more || chosen.ids.length > MOST_RUNS,
    other: params.id === undefined || runs.length > 0 ? null : planned[0]!,
  };
}

async function matching(
  client: Continuum,
  given: Given,
): Promise<{ readonly ids: readonly string[]; readonly more: boolean }> {
  const { runs, cursor } = await listRuns(client, filterOf(given, PREFIX), {
    limit: MOST_RUNS,
  });
  return { ids: runs.map(({ id }) => id), more: cursor !== null };
}

/** What is said of one run that is in no state for an action, such as of one that has just ended. */
function nothingToDo({ verb }: Deed, { id, state }: PlannedRun, view: View): Confirmation {
  return {
    title: `${verb} ${id}`,
    trail: [{ text: "Runs", to: view.to(["runs"]) }, { text: id, to: view.to(["runs", id]) }],
    button: verb,
    nothing: true,
    back: view.to(["runs", id]),
    body: note(
      "warn",
      html`<p>There is nothing to ${verb.toLowerCase()}: the run is ${stateMark(state)} now.</p>`,
    ),
  };
}

function listOf(runs: readonly PlannedRun[], view: View): Html {
  const more = runs.length - LISTED;
  return section(
    counted(runs.length, "run"),
    html`
      ${table("The runs that would be changed", [
        { title: "Run", head: true, cell: ({ id }) => runLink(view, id) },
        { title: "Workflow", cell: ({ workflow }) => workflow },
        { title: "Version", cell: ({ version }) => html`<code>${version.slice(0, 7)}</code>` },
        { title: "State", cell: ({ state }) => stateMark(state) },
      ], runs.slice(0, LISTED))}
      ${more > 0 ? html`<p class="hint">and ${number(more)} more</p>` : NOTHING}
    `,
  );
}

function doneOf({ verb, done, word }: Deed, { runs }: Outcomes, view: View): Done {
  const failed = runs.filter(({ error }) => error !== null);
  const changed = runs.length - failed.length;
  const [first] = runs;
  const to = runs.length === 1 && word !== "delete"
    ? view.to(["runs", first!.id])
    : view.to(["runs"]);
  const says = runs.length === 1 && changed === 1
    ? `${first!.id} was ${done}`
    : `${counted(changed, "run")} ${changed === 1 ? "was" : "were"} ${done}`;
  if (failed.length === 0) return { says, to };
  return {
    says,
    to,
    page: {
      title: `${verb}: ${counted(failed.length, "run")} left as ${
        failed.length === 1 ? "it was" : "they were"
      }`,
      trail: [{ text: "Runs", to: view.to(["runs"]) }],
      body: html`
        ${table("Runs that were left as they were", [
          { title: "Run", head: true, cell: ({ id }) => runLink(view, id) },
          { title: "Why", wide: true, cell: ({ error }) => error?.message },
        ], failed)}
        <p class="buttons"><a class="button" href="${to}">Continue</a></p>
      `,
    },
  };
}
