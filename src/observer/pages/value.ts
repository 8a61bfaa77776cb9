/**
 * `/runs/:id/values/:name`: one value of a run, whole. `?file=1` answers it as a file.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import type { Json } from "../../operate/plain.ts";
import { showRun } from "../../operate/runs.ts";
import { html } from "../html.ts";
import { wholeText } from "../parts/mod.ts";
import { definePage } from "../route.ts";

/** The values that a run has, by their names in what `operate` returns, with their titles. */
const NAMES = {
  input: "Input",
  result: "Result",
  error: "Error",
  lastError: "Error of the attempt before",
  custom: "Status set by the workflow",
} as const;

interface ValueData {
  /** The run, with nothing but the value. */
  readonly run: Readonly<Record<string, Json>>;
  /** The name of the value. */
  readonly shown: keyof typeof NAMES;
}

/** The page. */
export const value = definePage<ValueData>({
  path: "/runs/:id/values/:name",
  rights: ["read", "payloads"],
  async load({ client, params }) {
    const shown = params.name as keyof typeof NAMES;
    if (!Object.hasOwn(NAMES, shown)) {
      refuse("the name of a value", shown, Object.keys(NAMES).join(", "));
    }
    const run = await showRun(client, params.id!);
    const { id, namespace, workflow, state } = run;
    return { run: { id, namespace, workflow, state, [shown]: run[shown] as Json }, shown };
  },
  file: ({ run, shown }) => ({
    name: `${run.id}-${shown}.json`,
    type: "application/json",
    bytes: new TextEncoder().encode(`${wholeText(run[shown])}\n`),
  }),
  page: ({ run, shown }, view) => ({
    title: NAMES[shown],
    trail: [
      { text: "Runs", to: view.to(["runs"]) },
      { text: String(run.id), to: view.to(["runs", String(run.id)]) },
    ],
    aside: html`<a class="button" href="${
      view.to(["runs", String(run.id), "values", shown], {
        file: 1,
      })
    }">Download</a>`,
    body: html`<pre class="value" tabindex="0">${wholeText(run[shown])}</pre>`,
  }),
});
