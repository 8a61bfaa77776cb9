/**
 * `/schedules` and `/schedules/:id`: when they fire next, what became of the last firings.
 *
 * @module
 */

import {
  SCHEDULE_STATES,
  type ScheduleLine,
  schedulePage,
  showSchedule,
} from "../../operate/schedules.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import {
  ago,
  empty,
  facts,
  note,
  number,
  runLink,
  section,
  span,
  stateMark,
  table,
  time,
  valueBlock,
} from "../parts/mod.ts";
import { several, textParameter, wordParameter } from "../parameters.ts";
import { definePage } from "../route.ts";
import type { View } from "../view.ts";

/** How many schedules a page lists. */
const PAGE = 50;

const STATE = several(wordParameter("state", SCHEDULE_STATES));
const WORKFLOW = textParameter("workflow");
const AFTER = textParameter("after");

interface Schedules {
  readonly schedules: readonly ScheduleLine[];
  /** The id after which the next page begins; `null`: there is none. */
  readonly after: string | null;
}

/** The list. */
export const schedules = definePage<Schedules>({
  path: "/schedules",
  rights: ["read"],
  parameters: [STATE, WORKFLOW, AFTER],
  live: 10,
  async load({ client, given }) {
    const states = given.all(STATE);
    return await schedulePage(client, {
      states: states.length === 0 ? undefined : states,
      workflow: given.one(WORKFLOW) ?? undefined,
    }, { after: given.one(AFTER) ?? undefined, limit: PAGE });
  },
  page: ({ schedules, after }, view) => ({
    title: "Schedules",
    body: html`
      <nav class="narrowing" aria-label="States">
        <ul>
        ${pill("all", null, view)}${SCHEDULE_STATES.map((state) => pill(state, state, view))}
        </ul>
      </nav>
      ${schedules.length === 0 ? nothing(view) : table("Schedules, by id", [
        {
          title: "Schedule",
          head: true,
          cell: ({ id }) => html`<a class="id" href="${view.to(["schedules", id])}">${id}</a>`,
        },
        { title: "Workflow", cell: ({ workflow }) => workflow },
        { title: "State", cell: ({ state }) => stateMark(state) },
        { title: "When", cell: (schedule) => whenOf(schedule, view) },
        { title: "Next", cell: ({ next }) => ago(view, next?.fire ?? null) },
        { title: "Last", cell: (schedule) => lastOf(schedule, view) },
        { title: "Trouble", wide: true, cell: ({ reason }) => reason?.message ?? NOTHING },
      ], schedules)}
      ${after === null
        ? NOTHING
        : html`<nav class="pager" aria-label="Pages"><span>${schedules.length} shown</span><a
        class="button" href="${
          view.to(["schedules"], { after, state: view.query.getAll("state") })
        }">More</a></nav>`}
    `,
  }),
});

function pill(text: string, state: string | null, view: View): Html {
  const isHere = state === null
    ? !view.query.has("state")
    : view.query.getAll("state").includes(state);
  return html`<li><a class="pill" href="${view.to(["schedules"], { state })}" aria-current="${
    isHere ? "true" : null
  }">${text}</a></li>`;
}

function nothing(view: View): Html {
  const isNarrowed = [STATE, WORKFLOW, AFTER].some(({ name }) => view.query.get(name));
  if (isNarrowed) {
    return empty(
      "No schedule matches",
      html`<a href="${view.to(["schedules"])}">Show all schedules</a>`,
    );
  }
  return empty(
    "There is no schedule yet",
    html`A program makes one: <code>continuum.schedules.create({ id, workflow, cron })</code>`,
  );
}

/** When a schedule fires. */
function whenOf({ timing }: ScheduleLine, view: View): Content {
  if ("cron" in timing) {
    const zone = timing.timeZone === "UTC" ? NOTHING : ` ${timing.timeZone}`;
    return html`<code>${timing.cron}</code>${zone}`;
  }
  return "every" in timing ? `every ${span(timing.every)}` : html`once, ${time(view, timing.at)}`;
}

function lastOf({ last }: ScheduleLine, view: View): Content {
  return last === null
    ? "–"
    : html`<a href="${view.to(["runs", last.runId])}">${ago(view, last.fired)}</a>`;
}

/** One schedule. */
export const schedule = definePage<ScheduleLine>({
  path: "/schedules/:id",
  rights: ["read"],
  live: 10,
  load: ({ client, params }) => showSchedule(client, params.id!),
  page: (schedule, view) => ({
    title: schedule.id,
    isId: true,
    trail: [{ text: "Schedules", to: view.to(["schedules"]) }],
    aside: actionsOf(schedule, view),
    body: html`
      <div class="card run-head">
        <p class="run-state"><span class="big">${stateMark(
          schedule.state,
        )}</span>${schedule.next === null
          ? NOTHING
          : html`<span>fires ${ago(view, schedule.next.fire)}</span>`}</p>
        ${facts([
          [
            "Workflow",
            html`<a href="${
              view.to(["runs"], { workflow: schedule.workflow })
            }">${schedule.workflow}</a>`,
          ],
          [
            "Version",
            schedule.version === null
              ? "the current one"
              : html`<a class="id" href="${view.to(["versions", schedule.version])}">${
                schedule.version.slice(0, 7)
              }</a>`,
          ],
          ["When", whenOf(schedule, view)],
          ["Next planned", schedule.next === null ? null : time(view, schedule.next.planned)],
          ["Overlap", schedule.overlap],
          ["Catches up", schedule.catchUp],
          ["Jitter", schedule.jitter === 0 ? null : span(schedule.jitter)],
          ["Until", schedule.until === null ? null : time(view, schedule.until)],
          ["Started", number(schedule.started)],
          ["Triggered", number(schedule.triggered)],
          ["Skipped", schedule.skipped === 0 ? null : number(schedule.skipped)],
          ["Missed", schedule.missed === 0 ? null : number(schedule.missed)],
          ["Created", ago(view, schedule.createdAt)],
        ])}
      </div>
      ${schedule.reason === null
        ? NOTHING
        : note("warn", html`<p class="strong">${schedule.reason.message}</p>`)}
      ${section(
        "Last runs",
        schedule.recent.length === 0
          ? empty("It has started no run yet", firstRun(schedule, view))
          : table("The last runs that it started", [
            { title: "Run", head: true, cell: ({ runId }) => runLink(view, runId) },
            { title: "State", cell: ({ state }) => state === null ? "removed" : stateMark(state) },
            { title: "Planned", cell: ({ planned }) => time(view, planned) },
            { title: "Fired", cell: ({ fired }) => ago(view, fired) },
            { title: "By", cell: ({ manual }) => manual ? "hand" : "plan" },
          ], schedule.recent),
      )}
      ${section(
        "Input",
        valueBlock(schedule.input, view.to(["schedules", schedule.id, "values", "input"])),
      )}
    `,
  }),
});

/** When the first run of a schedule comes, and how one comes at once. */
function firstRun({ id, state, next }: ScheduleLine, view: View): Html {
  const trigger = view.may("schedules") && ["active", "paused", "stuck"].includes(state)
    ? html`<a href="${view.to(["schedules", id, "trigger"])}">Trigger it now</a>`
    : NOTHING;
  return next === null
    ? html`It will fire no more, unless someone resumes it. ${trigger}`
    : html`It fires ${ago(view, next.fire)}. ${trigger}`;
}

/** What can be done with a schedule, by its state. */
function actionsOf({ id, state }: ScheduleLine, view: View): Content {
  if (!view.may("schedules")) return NOTHING;
  const words = state === "active"
    ? ["trigger", "pause"]
    : state === "paused" || state === "stuck"
    ? ["resume", "trigger"]
    : [];
  return [...words, "delete"].map((word) =>
    html`<a class="button${word === "delete" ? " danger" : ""}" href="${
      view.to(["schedules", id, word])
    }">${word[0]!.toUpperCase() + word.slice(1)}</a>`
  );
}
