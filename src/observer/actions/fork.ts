/**
 * `/runs/:id/fork`: a new run that begins with a part of this one's history.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import {
  FORK_CHILDREN,
  FORK_SIGNALS,
  type ForkLine,
  type ForkRequest,
  forkRun,
  planFork,
} from "../../operate/fork.ts";
import { showRun } from "../../operate/runs.ts";
import type { Fields } from "../fields.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { counted, facts, note, section, table, time } from "../parts/mod.ts";
import {
  type Given,
  jsonParameter,
  textParameter,
  wholeParameter,
  wordParameter,
} from "../parameters.ts";
import { defineAction } from "../route.ts";
import type { View } from "../view.ts";

const FROM = wordParameter("from", ["failure"]);
const AT = wholeParameter("at", 0);
const BEFORE = textParameter("before");
const VERSION = textParameter("version");
const ID = textParameter("id");
const CHILDREN = wordParameter("children", FORK_CHILDREN);
const SIGNALS = wordParameter("signals", FORK_SIGNALS);
const INPUT = jsonParameter("input");
const KEPT = [FROM, AT, BEFORE, VERSION, ID, CHILDREN, SIGNALS, INPUT] as const;
/** The plan that was shown, by the engine's own word for it. */
const PLAN = textParameter("plan");

interface Plan {
  readonly id: string;
  readonly events: number;
  /** What it would do; `null`: no point was chosen yet. */
  readonly fork: ForkLine | null;
}

/** The action. */
export const fork = defineAction<Plan, ForkLine>({
  path: "/runs/:id/fork",
  rights: ["read", "fork"],
  parameters: [...KEPT, PLAN],
  action: "fork",
  needsReason: false,
  async plan({ client, params, given, heavy }, fields) {
    const { id, events } = await showRun(client, params.id!);
    const request = requestOf(given, fields);
    const plan = request === null ? null : await heavy(() => planFork(client, id, request));
    return { id, events, fork: plan };
  },
  // The fork's own id and keys are drawn anew for each plan.
  fence: ({ id, events, fork }) => [
    id,
    events,
    fork && [fork.origin, fork.version, fork.again.map(({ position }) => position)],
  ],
  targets: ({ id }) => [id],
  outcome: ({ forked, drift }) => forked ? "done" : drift !== null ? "drifts" : "refused",
  confirm: (plan, view, fields) => ({
    title: `Fork ${plan.id}`,
    trail: [{ text: "Runs", to: view.to(["runs"]) }, {
      text: plan.id,
      to: view.to(["runs", plan.id]),
    }],
    button: plan.fork === null ? "Show what it would do" : "Make the fork",
    unfinished: plan.fork === null,
    nothing: plan.fork !== null && !plan.fork.forked,
    back: view.to(["runs", plan.id]),
    body: html`
      ${plan.fork === null ? form(plan, fields) : preview(plan.fork, view)}
      ${plan.fork === null ? NOTHING : kept(fields, plan.fork)}
    `,
  }),
  async deed({ client, given, heavy }, { id, fork }, fields) {
    const request = requestOf(given, fields);
    if (request === null || fork === null) {
      return refuse("parameter at", inWords("nothing"), "a point of the run");
    }
    const plan = given.one(PLAN) ?? fork.plan;
    return await heavy(() => forkRun(client, id, request, { ...fork, plan }));
  },
  done: (fork, view) => ({
    says: fork.forked
      ? `${fork.id} begins with ${counted(fork.origin.events, "event")} of ${fork.origin.id}`
      : "No fork was made",
    to: view.to(["runs", fork.forked ? fork.id : fork.origin.id]),
  }),
});

/** `null`: no point was chosen. */
function requestOf(given: Given, fields: Fields): ForkRequest | null {
  const [from, at, before] = [given.one(FROM), given.one(AT), given.one(BEFORE)];
  const point = from !== null
    ? { fromFailure: true as const }
    : before !== null
    ? { before }
    : at !== null
    ? { at }
    : null;
  if (point === null) return null;
  const input = fields.json(INPUT.name);
  return {
    ...point,
    version: given.one(VERSION) ?? undefined,
    id: given.one(ID) ?? undefined,
    children: given.one(CHILDREN) ?? undefined,
    signals: given.one(SIGNALS) ?? undefined,
    ...(input === undefined ? {} : { input }),
  };
}

function kept(fields: Fields, { plan }: ForkLine): Html {
  return html`${
    KEPT.map(({ name }) =>
      html`<input type="hidden" name="${name}" value="${fields.text(name) ?? ""}">`
    )
  }<input type="hidden" name="plan" value="${plan}">`;
}

/** What becomes of children that end after the point. */
const OF_CHILDREN: Readonly<Record<typeof FORK_CHILDREN[number], string>> = {
  refuse: "make no fork",
  adopt: "the fork shares their results",
  restart: "the fork starts others",
};

/** What becomes of signals that came after the point. */
const OF_SIGNALS: Readonly<Record<typeof FORK_SIGNALS[number], string>> = {
  drop: "leave them out",
  carry: "deliver them again",
};

function form({ events }: Plan, fields: Fields): Html {
  const choice = (name: string, choices: Readonly<Record<string, string>>) =>
    html`<select name="${name}">${
      Object.entries(choices).map(([value, text]) =>
        html`<option value="${value}" selected="${value === fields.text(name)}">${text}</option>`
      )
    }</select>`;
  return html`
    ${note(
      "live",
      "A fork is a new run that begins with a part of this one's history. This one is not changed.",
    )}
    <div class="filters">
      <label class="field"><span>After so many of its ${counted(events, "event")}</span>
        <input name="at" type="number" min="0" max="${events}" value="${fields.text("at") ??
          events}"></label>
      <label
        class="field"><span>Or before the effect named</span><input name="before" autocomplete="off" value="${fields
          .text("before")}"></label>
      <label
        class="field"><span>On version</span><input name="version" autocomplete="off" placeholder="its own" value="${fields
          .text("version")}"></label>
      <label
        class="field"><span>Id (optional)</span><input name="id" autocomplete="off" value="${fields
          .text("id")}"></label>
      <label class="field"><span>Children that end later</span>${choice(
        "children",
        OF_CHILDREN,
      )}</label>
      <label class="field"><span>Signals that came later</span>${choice(
        "signals",
        OF_SIGNALS,
      )}</label>
    </div>
    <label class="field"><span>Input, as JSON (optional)</span>
      <textarea name="input" spellcheck="false" placeholder="that of the run">${fields.text(
        "input",
      )}</textarea></label>
  `;
}

function preview(fork: ForkLine, view: View): Html {
  const { origin, version, drift, refused, again, signals, children, originalDeadline } = fork;
  const trouble = drift?.message ?? refused?.message ?? null;
  return html`
    ${trouble === null
      ? note(
        "good",
        html`<p class="strong">The part replays: ${
          counted(origin.events, "event")
        } of ${origin.total}</p>`,
      )
      : note(
        "warn",
        html`
          <p class="strong">It can't be forked there</p>
          <p>${trouble}</p>
        `,
      )}
    ${facts([
      [
        "Version",
        html`<code>${version.to.slice(0, 7)}</code>${
          version.from === version.to ? " (its own)" : NOTHING
        }`,
      ],
      [
        "Signals not carried over",
        signals.length === 0 ? "none" : signals.map(({ name, count }) => `${name} × ${count} `),
      ],
      [
        "Children",
        children.length === 0 ? "none" : children.map(({ id, action }) => `${id}: ${action} `),
      ],
      [
        "Deadline",
        originalDeadline === null
          ? "none"
          : html`none; the original's is ${time(view, originalDeadline)}`,
      ],
    ])}
    ${again.length === 0 ? NOTHING : section(
      "What happens again",
      table("Effects that the fork executes once more", [
        { title: "Effect", head: true, cell: ({ kind, name }) => html`${kind} <q>${name}</q>` },
        {
          title: "Answered",
          cell: ({ answeredAt }) => answeredAt === null ? "not yet" : time(view, answeredAt),
        },
        {
          title: "Key",
          wide: true,
          cell: ({ key, newKey }) => key === null ? "–" : html`<code>${newKey}</code>`,
        },
      ], again.slice(0, 100)),
    )}
  `;
}
