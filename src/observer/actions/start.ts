/**
 * `/start`: starts a run, also one like another (`?like=ID`), with its input to edit.
 *
 * @module
 */

import { showRun } from "../../operate/runs.ts";
import { IF_EXISTS, type StartedRun, startRun } from "../../operate/start.ts";
import { currentVersions } from "../../operate/versions.ts";
import { refuse } from "../../base/arguments.ts";
import type { Attributes } from "../../base/attributes.ts";
import { inWords } from "../../base/describe.ts";
import type { Json } from "../../operate/plain.ts";
import { noWorkflow } from "../first_steps.ts";
import { html, NOTHING } from "../html.ts";
import { onceField } from "../once_field.ts";
import { note } from "../parts/mod.ts";
import { jsonParameter, textParameter, wordParameter } from "../parameters.ts";
import { timeParameter } from "../time_parameters.ts";
import { isRedacted } from "../redaction.ts";
import { defineAction } from "../route.ts";

interface Plan {
  /** The run that the new one is like; `null`: none. */
  readonly like: string | null;
  readonly workflow: string | null;
  readonly input: Json;
  /** Workflows that have a current version. */
  readonly workflows: readonly string[];
}

const LIKE = textParameter("like");
const WORKFLOW = textParameter("workflow");
const ID = textParameter("id");
const VERSION = textParameter("version");
const KEY = textParameter("key");
const EXISTING = wordParameter("ifExists", IF_EXISTS);
const AT = timeParameter("at");

/** The action. */
export const start = defineAction<Plan, StartedRun>({
  path: "/start",
  rights: ["read", "start"],
  parameters: [
    ...[LIKE, WORKFLOW, ID, VERSION, KEY, EXISTING, AT],
    ...["input", "delay", "attributes"].map(jsonParameter),
  ],
  action: "start",
  needsReason: false,
  async plan({ client, given }) {
    const like = given.one(LIKE);
    const [run, current] = await Promise.all([
      like === null ? null : showRun(client, like),
      currentVersions(client),
    ]);
    return {
      like,
      workflow: given.one(WORKFLOW) ?? run?.workflow ?? null,
      input: run?.input ?? null,
      workflows: [...current.keys()].sort(),
    };
  },
  fence: () => [],
  targets: () => [],
  confirm({ like, workflow, input, workflows }, view, fields) {
    const isHidden = isRedacted(input);
    const given = fields.text("input") ??
      (like === null || isHidden ? null : JSON.stringify(input, null, 2));
    return {
      title: like === null ? "Start a run" : `Start a run like ${like}`,
      trail: [{ text: "Runs", to: view.to(["runs"]) }],
      button: "Start the run",
      back: like === null ? view.to(["runs"]) : view.to(["runs", like]),
      body: html`
        ${workflows.length === 0 ? noWorkflow() : NOTHING}
        ${isHidden && like !== null
          ? note("warn", "The input is withheld: enter the new run's own.")
          : NOTHING}
        <label class="field"><span>Workflow</span>
          <input name="workflow" required="${true}" list="workflows" autocomplete="off" value="${workflow}"></label>
        <datalist id="workflows">${workflows.slice(0, 500).map((name) =>
          html`<option value="${name}"></option>`
        )}</datalist>
        <label class="field"><span>Input, as JSON (optional)</span>
          <textarea name="input" rows="10" spellcheck="false">${given}</textarea></label>
        <div class="filters">
          <label
            class="field"><span>Id (optional)</span><input name="id" autocomplete="off" value="${fields
              .text("id")}"></label>
          <label class="field"><span>Version (optional)</span>
            <input name="version" autocomplete="off" placeholder="the current one" value="${fields
              .text("version")}"></label>
        </div>
        ${onceField("key", fields)}
        ${like === null ? NOTHING : html`<input type="hidden" name="like" value="${like}">`}
      `,
    };
  },
  async deed({ client, given }, _plan, fields) {
    const workflow = given.one(WORKFLOW);
    if (workflow === null) {
      return refuse("parameter workflow", inWords("nothing"), "the name of a workflow");
    }
    return await startRun(client, {
      workflow,
      input: fields.json("input"),
      id: given.one(ID) ?? undefined,
      key: given.one(KEY) ?? undefined,
      version: given.one(VERSION) ?? undefined,
      // What no form has, and what the command line sends; the client checks the JSON.
      ifExists: given.one(EXISTING) ?? undefined,
      at: given.one(AT) ?? undefined,
      delay: fields.json("delay") as number | undefined,
      attributes: fields.json("attributes") as Attributes | undefined,
    });
  },
  done: ({ id, started }, view) => ({
    says: started ? `${id} was started` : `${id} exists`,
    to: view.to(["runs", id]),
  }),
});
