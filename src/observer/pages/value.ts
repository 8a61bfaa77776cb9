/**
 * Single values, whole: of a run (`/runs/:id/values/:name`), of an event of its history
 * (`/runs/:id/events/:event`), of an effect (`/runs/:id/effects/:position/:name`), and of a schedule
 * (`/schedules/:id/values/:name`). `?file=1` answers one as a file.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { type FoundEntry, searchHistory } from "../../operate/history.ts";
import type { Json } from "../../operate/plain.ts";
import { showRun, traceOfRun } from "../../operate/runs.ts";
import { showSchedule } from "../../operate/schedules.ts";
import { named } from "../effect_words.ts";
import { ObserverError } from "../errors.ts";
import { type Content, html } from "../html.ts";
import type { Link } from "../links.ts";
import { wholeText } from "../parts/mod.ts";
import { wholeParameter } from "../parameters.ts";
import { UTC } from "../time_parameters.ts";
import { definePage, type File, type Look, type Page } from "../route.ts";
import {
  type Effect,
  GENERATION,
  type ShownGeneration,
  shownGeneration,
  traceOf,
} from "../traces.ts";
import { hereWith } from "../here.ts";
import type { View } from "../view.ts";

/** The values that a run has, by their names in what `operate` returns, with their titles. */
const OF_RUN = {
  input: "Input",
  result: "Result",
  error: "Error",
  lastError: "Error of the attempt before",
  custom: "Status set by the workflow",
} as const;

/** The values that a schedule has. */
const OF_SCHEDULE = { input: "Input" } as const;

/** The values that an effect has. */
const OF_EFFECT = { input: "Input", value: "Answer" } as const;

interface RunValue {
  /** The run, with nothing but the value. */
  readonly run: Readonly<Record<string, Json>>;
  /** The name of the value. */
  readonly shown: keyof typeof OF_RUN;
}

/** A value of a run. */
export const runValue = definePage<RunValue>({
  path: "/runs/:id/values/:name",
  rights: ["read", "payloads"],
  async load({ client, params }) {
    const shown = nameOf(OF_RUN, params);
    const run = await showRun(client, params.id!);
    const { id, namespace, workflow, state } = run;
    return { run: { id, namespace, workflow, state, [shown]: run[shown] as Json }, shown };
  },
  file: ({ run, shown }) => fileOf(`${run.id}-${shown}`, run[shown]),
  page: ({ run, shown }, view) => pageOf(OF_RUN[shown], run[shown], runTrail(run.id, view), view),
});

interface EventValue {
  readonly run: { readonly id: string; readonly workflow: string; readonly state: string };
  readonly generation: number;
  readonly entry: FoundEntry;
}

/** The value of an event. */
export const eventValue = definePage<EventValue>({
  path: "/runs/:id/events/:event",
  rights: ["read", "payloads"],
  parameters: [GENERATION],
  async load(look) {
    const { run, generation } = await shownGeneration(look);
    const event = placeOf("event", look);
    const search = { generation: generation.number, from: event, limit: 1 };
    const { entries: [entry] } = await searchHistory(look.client, run.id, search);
    if (entry?.event !== event) throw none(`event ${event}`);
    const { id, workflow, state } = run;
    return { run: { id, workflow, state }, generation: generation.number, entry };
  },
  file: ({ run, generation, entry }) =>
    fileOf(`${run.id}-${generation}-event-${entry.event}`, entry.value),
  page: ({ run, entry }, view) =>
    pageOf(
      `Event ${entry.event}`,
      entry.value,
      [
        ...runTrail(run.id, view),
        { text: "History", to: view.to(["runs", run.id, "history"], generationOf(view)) },
      ],
      view,
      html`<p>${named(entry.kind, entry.name)}</p>`,
    ),
});

interface EffectValue {
  readonly run: { readonly id: string; readonly workflow: string; readonly state: string };
  readonly generation: number;
  readonly effect: Effect;
  readonly shown: keyof typeof OF_EFFECT;
}

/** A value of an effect; its code is replayed for it, since no history holds inputs. */
export const effectValue = definePage<EffectValue>({
  path: "/runs/:id/effects/:position/:name",
  rights: ["read", "payloads"],
  parameters: [GENERATION],
  async load(look) {
    const shown = nameOf(OF_EFFECT, look.params);
    const position = placeOf("position", look);
    const at = await shownGeneration(look);
    const { run, generation } = at;
    const effect = await effectAt(look, at, position);
    if (effect === null) throw none(`effect ${position}`);
    const { id, workflow, state } = run;
    return { run: { id, workflow, state }, generation: generation.number, effect, shown };
  },
  file: ({ run, generation, effect, shown }) =>
    fileOf(`${run.id}-${generation}-effect-${effect.position}-${shown}`, effect[shown]),
  page: ({ run, effect, shown }, view) =>
    pageOf(
      `${OF_EFFECT[shown]} of effect ${effect.position}`,
      effect[shown],
      [
        ...runTrail(run.id, view),
        {
          text: "Timeline",
          to: view.to(["runs", run.id, "timeline"], {
            ...generationOf(view),
            effect: effect.position,
          }, "effect"),
        },
      ],
      view,
      html`<p>${named(effect.kind, effect.name)}</p>`,
    ),
});

interface ScheduleValue {
  readonly schedule: Readonly<Record<string, Json>>;
  readonly shown: keyof typeof OF_SCHEDULE;
}

/** A value of a schedule. */
export const scheduleValue = definePage<ScheduleValue>({
  path: "/schedules/:id/values/:name",
  rights: ["read", "payloads"],
  async load({ client, params }) {
    const shown = nameOf(OF_SCHEDULE, params);
    const { id, workflow, [shown]: value } = await showSchedule(client, params.id!);
    return { schedule: { id, workflow, [shown]: value as Json }, shown };
  },
  file: ({ schedule, shown }) => fileOf(`${schedule.id}-${shown}`, schedule[shown]),
  page: ({ schedule, shown }, view) =>
    pageOf(OF_SCHEDULE[shown], schedule[shown], [
      { text: "Schedules", to: view.to(["schedules"]) },
      { text: String(schedule.id), to: view.to(["schedules", String(schedule.id)]) },
    ], view),
});

function nameOf<Names extends object>(names: Names, { name }: Look["params"]): keyof Names {
  return Object.hasOwn(names, name!)
    ? name as keyof Names
    : refuse("the name of a value", name, Object.keys(names).join(", "));
}

function placeOf(name: "event" | "position", { params }: Look): number {
  return wholeParameter(name, 0).read(params[name]!, `the ${name} of this address`, UTC);
}

function none(what: string): ObserverError {
  return new ObserverError(
    "NOT_FOUND",
    `Cannot show ${what} of the run: it has no such ${what.split(" ")[0]}`,
  );
}

async function effectAt(
  look: Look,
  shown: ShownGeneration,
  position: number,
): Promise<Effect | null> {
  const { run, generation: { number: generation } } = shown;
  const all = await traceOf(look, shown);
  const from = all.effects.findIndex((effect) => effect.position === position);
  if (from < 0) return null;
  const options = { generation, from, limit: 1, sites: false, payloadChars: Infinity };
  const { effects: [effect] } = await look.heavy(() => traceOfRun(look.client, run.id, options));
  return effect ?? null;
}

function runTrail(id: Json | undefined, view: View): NonNullable<Page["trail"]> {
  return [
    { text: "Runs", to: view.to(["runs"]) },
    { text: String(id), to: view.to(["runs", String(id)]) },
  ];
}

function generationOf({ query }: View): { readonly generation: string | null } {
  return { generation: query.get(GENERATION.name) };
}

function fileOf(name: string, value: Json | undefined): File {
  const bytes = new TextEncoder().encode(`${wholeText(value)}\n`);
  return { name: `${name}.json`, type: "application/json", bytes };
}

function pageOf(
  title: string,
  value: Json | undefined,
  trail: readonly { readonly text: string; readonly to: Link }[],
  view: View,
  about: Content = null,
): Page {
  return {
    title,
    trail,
    aside: html`<a class="button" href="${hereWith(view, { file: 1 })}">Download</a>`,
    body: html`${about}<pre class="value whole" tabindex="0">${wholeText(value)}</pre>`,
  };
}
