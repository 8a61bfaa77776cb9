/**
 * Actions on a schedule: pause, resume, trigger, delete.
 *
 * @module
 */

import {
  type ActedSchedule,
  deleteSchedule,
  planSchedule,
  switchSchedule,
  triggerSchedule,
} from "../../operate/act_on_schedules.ts";
import type { Continuum } from "../../operate/client.ts";
import { html } from "../html.ts";
import { facts, note, stateMark, time } from "../parts/mod.ts";
import { type ActionRoute, defineAction } from "../route.ts";

/** What differs between the actions. */
interface Deed {
  readonly word: string;
  readonly verb: string;
  readonly done: string;
  readonly isGrave: boolean;
  readonly consequence: string;
  /** The states in which it does something. */
  applies(state: string): boolean;
  act(client: Continuum, plan: ActedSchedule): Promise<ActedSchedule>;
}

const DEEDS: readonly Deed[] = [
  {
    word: "pause",
    verb: "Pause",
    done: "was paused",
    isGrave: false,
    consequence: "It fires no more until it is resumed. Its runs are not touched.",
    applies: (state) => ["active", "stuck"].includes(state),
    act: (client, { id }) => switchSchedule(client, "pause", id),
  },
  {
    word: "resume",
    verb: "Resume",
    done: "fires again",
    isGrave: false,
    consequence: "It fires again from its next planned time on.",
    applies: (state) => ["paused", "stuck"].includes(state),
    act: (client, { id }) => switchSchedule(client, "resume", id),
  },
  {
    word: "trigger",
    verb: "Trigger",
    done: "has started a run",
    isGrave: false,
    consequence: "It starts a run now, besides the planned ones.",
    applies: (state) => state !== "cancelled",
    act: (client, { id }) => triggerSchedule(client, id),
  },
  {
    word: "delete",
    verb: "Delete",
    done: "was deleted",
    isGrave: true,
    consequence: "It is removed, and fires no more. The runs that it started stay.",
    applies: () => true,
    act: (client, plan) => deleteSchedule(client, plan),
  },
];

/** The actions. */
export const SCHEDULE_ACTIONS: readonly ActionRoute[] = DEEDS.map((deed) =>
  defineAction<ActedSchedule, ActedSchedule>({
    path: `/schedules/:id/${deed.word}`,
    rights: ["read", "schedules"],
    action: `schedule ${deed.word}`,
    needsReason: deed.isGrave,
    plan: ({ client, params }) => planSchedule(client, params.id!),
    fence: ({ id, workflow, state }) => [id, workflow, state],
    targets: ({ id }) => [id],
    confirm: (plan, view) => ({
      title: `${deed.verb} ${plan.id}`,
      trail: [
        { text: "Schedules", to: view.to(["schedules"]) },
        { text: plan.id, to: view.to(["schedules", plan.id]) },
      ],
      button: `${deed.verb} this schedule`,
      grave: deed.isGrave,
      nothing: !deed.applies(plan.state),
      back: view.to(["schedules", plan.id]),
      body: html`
        ${deed.applies(plan.state)
          ? note(deed.isGrave ? "bad" : "live", deed.consequence)
          : note("warn", `There is nothing to ${deed.word}: the schedule is ${plan.state} now.`)}
        ${facts([
          ["Workflow", plan.workflow],
          ["State", stateMark(plan.state)],
          ["Next", plan.next === null ? null : time(view, plan.next)],
        ])}
      `,
    }),
    deed: ({ client }, plan) => deed.act(client, plan),
    done: ({ id, run }, view) => ({
      says: `${id} ${deed.done}${run === null ? "" : `: ${run}`}`,
      to: deed.word === "delete" ? view.to(["schedules"]) : view.to(["schedules", id]),
    }),
  })
);
