/**
 * `/runs/:id/fork`: a new run that begins with a part of this one's history.
 *
 * @module
 */

import { checkWhole, refuse } from "../../base/arguments.ts";
import {
  FORK_CHILDREN,
  FORK_SIGNALS,
  type ForkLine,
  type ForkRequest,
  forkRun,
  planFork,
} from "../../operate/fork.ts";
import { showRun } from "../../operate/runs.ts";
import { type Fields, wordsOf } from "../fields.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { counted, facts, note, section, table, time } from "../parts/mod.ts";
import { defineAction } from "../route.ts";
import type { View } from "../view.ts";

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
  action: "fork",
  needsReason: false,
  async plan({ client, params, heavy }, fields) {
    const { id, events } = await showRun(client, params.id!);
    const request = requestOf(fields);
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
  async deed({ client, heavy }, { id, fork }, fields) {
    const request = requestOf(fields);
    if (request === null || fork === null) return refuse("field from", null, "a point of the run");
    const plan = fields.text("plan") ?? fork.plan;
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
function requestOf(fields: Fields): ForkRequest | null {
  const from = fields.text("from");
  const at = fields.text("at");
  const before = fields.text("before");
  const point = from === "failure"
    ? { fromFailure: true as const }
    : before !== null
    ? { before }
    : at !== null
    ? { at: checkWhole(Number(at), "field at", 0) }
    : null;
  if (point === null) return null;
  const text = (name: string) => fields.text(name) ?? undefined;
  const input = fields.json("input");
  return {
    ...point,
    version: text("version"),
    id: text("id"),
    children: wordsOf(fields.list("children"), FORK_CHILDREN, "children")[0],
    signals: wordsOf(fields.list("signals"), FORK_SIGNALS, "signals")[0],
    ...(input === undefined ? {} : { input }),
  };
}

const NAMES = ["from", "at", "before", "version", "id", "children", "signals", "input"] as const;

function kept(fields: Fields, { plan }: ForkLine): Html {
  return html`${
    NAMES.map((name) =>
      html`<input type="hidden" name="${name}" value="${fields.text(name) ?? ""}">`
    )
  }<input type="hidden" name="plan" value="${plan}">`;
}

function form({ events }: Plan, fields: Fields): Html {
  const choice = (name: string, choices: readonly string[]) =>
    html`<select name="${name}">${
      choices.map((one) => html`<option value="${one}">${one}</option>`)
    }</select>`;
  return html`
    ${note(
      "live",
      "A fork is a new run that begins with a part of this one's history. This one is not changed.",
    )}
    <div class="filters">
      <label class="field"><span>After so many events (it has ${events})</span>
        <input name="at" type="number" min="0" max="${events}" value="${fields.text("at") ??
          events}"></label>
      <label
        class="field"><span>or before the effect named</span><input name="before" autocomplete="off" value="${fields
          .text("before")}"></label>
      <label
        class="field"><span>On version</span><input name="version" autocomplete="off" placeholder="its own" value="${fields
          .text("version")}"></label>
      <label
        class="field"><span>Id (optional)</span><input name="id" autocomplete="off" value="${fields
          .text("id")}"></label>
      <label class="field"><span>Children that end later</span>${choice(
        "children",
        FORK_CHILDREN,
      )}</label>
      <label class="field"><span>Later signals</span>${choice("signals", FORK_SIGNALS)}</label>
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
