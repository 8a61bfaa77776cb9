/**
 * One effect of a run with all that is known of it.
 *
 * @module
 */

import { hereWith } from "../here.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { ago, facts, section, siteText, table, time, valueBlock } from "../parts/mod.ts";
import type { View } from "../view.ts";
import type { Effect } from "./rows.ts";
import { spanText } from "./spans.ts";
import { lineLink, outcomeOf, type TableOptions } from "./table.ts";

/**
 * The panel of an effect.
 *
 * @param effect The effect.
 * @param view Links and times.
 * @param options The run and its generation.
 */
export function effectPanel(
  effect: Effect,
  view: View,
  options: Pick<TableOptions, "run" | "generation">,
): Html {
  const { kind, name, position, requestedAt, answeredAt, until, child, event, site, task } = effect;
  const { run, generation } = options;
  const took = requestedAt === null || answeredAt === null
    ? null
    : spanText(Date.parse(answeredAt) - Date.parse(requestedAt));
  const close = html`<a class="button" href="${
    hereWith(view, { effect: null }, `effect-${position}`)
  }">Close</a>`;
  const heading = `${kind}${name === "" ? "" : ` “${name}”`}`;
  const calls = effect.calls.slice(1).filter((call) => siteText(call) !== (site && siteText(site)));
  return html`
    <div class="card panel" id="effect" tabindex="-1">
      ${section(
        heading,
        html`${
          facts([
            ["Outcome", outcomeOf(effect)],
            ["Position", position],
            ["Asked for", requestedAt === null ? null : time(view, requestedAt)],
            ["Answered", answeredAt === null ? null : time(view, answeredAt)],
            ["Took", took],
            ["Ends by itself", until === null ? null : time(view, until)],
            ["Line", site === null ? null : lineLink(site, view, options)],
            [
              "Called from",
              calls.length === 0 ? null : calls.map((call, index) => [
                index === 0 ? null : ", ",
                lineLink(call, view, options),
              ]),
            ],
            [
              "Event",
              event === null
                ? null
                : html`<a href="${
                  view.to(["runs", run, "history"], { generation, from: event }, `event-${event}`)
                }">${event}</a>`,
            ],
            [
              "Child run",
              child === null
                ? null
                : html`<a class="id" href="${view.to(["runs", child])}">${child}</a>`,
            ],
            [
              "Queue",
              task === null ? null : `${task.queue}: ${task.state}, attempt ${task.attempt}`,
            ],
            ["Node", task?.node ?? null],
          ])
        }<div class="columns">${section("Input", valueOf(effect, "input", view, options))}${
          section("Answer", valueOf(effect, "value", view, options))
        }</div>
      ${attemptsOf(effect, view)}`,
        close,
      )}
    </div>
  `;
}

function valueOf(
  effect: Effect,
  name: "input" | "value",
  view: View,
  { run, generation }: Pick<TableOptions, "run" | "generation">,
): Html {
  const { event, position } = effect;
  const path = name === "value" && event !== null
    ? ["events", String(event)]
    : ["effects", String(position), name];
  const whole = view.to(["runs", run, ...path], { generation });
  if (!effect.omitted.includes(name)) return valueBlock(effect[name], whole);
  const all = view.may("payloads")
    ? html`
      <a href="${whole}">Show all</a>
    `
    : NOTHING;
  return html`<p class="hint">Larger than 64 kB.${all}</p>`;
}

function attemptsOf({ attempts }: Effect, view: View): Html {
  if (attempts.length === 0) return NOTHING;
  return section(
    "Failed attempts",
    table<Effect["attempts"][number]>("Failed attempts", [
      { title: "Attempt", number: true, head: true, cell: ({ attempt }) => attempt },
      { title: "Failed", cell: ({ failedAt }) => time(view, failedAt) },
      { title: "Next", cell: ({ nextTry }) => nextTry === null ? NOTHING : ago(view, nextTry) },
      { title: "Error", wide: true, cell: ({ error }) => valueBlock(error) },
    ], attempts),
  );
}
