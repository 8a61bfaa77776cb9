/**
 * `/runs/:id/signal`: sends a run a signal, or asks it.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { type SentSignal, signalRun } from "../../operate/act_on_runs.ts";
import { given as orNothing } from "../../operate/client.ts";
import { showRun } from "../../operate/runs.ts";
import { html } from "../html.ts";
import { onceField } from "../once_field.ts";
import { jsonParameter, switchParameter, textParameter } from "../parameters.ts";
import { defineAction } from "../route.ts";

interface Plan {
  readonly id: string;
  readonly workflow: string;
  readonly createdAt: string;
  /** Names of signals that the run waits for. */
  readonly awaited: readonly string[];
}

const NAME = textParameter("name");
const DELIVERY = textParameter("delivery");
/** The id of an ask: who sent it reads the answer by it. */
const ASK = textParameter("ask");
/** Whether the delivery is an ask with its own id: what a person ticks. */
const ASKS = switchParameter("asks");
const PAYLOAD = jsonParameter("payload");

/** The action. */
export const signal = defineAction<Plan, SentSignal & { readonly isAsk: boolean }>({
  path: "/runs/:id/signal",
  rights: ["read", "signal"],
  parameters: [NAME, PAYLOAD, DELIVERY, ASK, ASKS],
  action: "signal",
  needsReason: false,
  async plan({ client, params }) {
    const { id, workflow, createdAt, waits } = await showRun(client, params.id!);
    const awaited = waits.filter(({ kind }) => kind === "signal").map(({ name }) => name);
    return { id, workflow, createdAt, awaited: [...new Set(awaited)] };
  },
  // Whatever it waits for by then, the signal is kept until it is taken.
  fence: ({ id, createdAt }) => [id, createdAt],
  targets: ({ id }) => [id],
  confirm: ({ id, awaited }, view, fields) => ({
    title: `Signal ${id}`,
    trail: [{ text: "Runs", to: view.to(["runs"]) }, { text: id, to: view.to(["runs", id]) }],
    button: "Send the signal",
    back: view.to(["runs", id]),
    body: html`
      <label class="field"><span>Signal</span>
        <input name="name" required="${true}" maxlength="200" autocomplete="off" list="awaited"
          value="${fields.text("name") ?? awaited[0]}"></label>
      <datalist id="awaited">${awaited.map((name) =>
        html`<option value="${name}"></option>`
      )}</datalist>
      <label class="field"><span>Payload, as JSON (optional)</span>
        <textarea name="payload" spellcheck="false" placeholder="&quot;approved&quot;">${fields
          .text("payload")}</textarea></label>
      <label class="check"><input type="checkbox" name="asks" value="1"
        checked="${fields.text("asks") ===
          "1"}"><span>Ask for an answer: it comes into the history</span></label>
      ${onceField("delivery", fields)}
    `,
  }),
  async deed({ client, given }, { id }, fields) {
    const name = given.one(NAME);
    if (name === null) return refuse("parameter name", inWords("nothing"), "the name of a signal");
    const deliveryId = given.one(DELIVERY) ?? undefined;
    const askId = given.one(ASK) ?? (given.one(ASKS) === true ? deliveryId : undefined);
    const ids = askId === undefined ? orNothing({ deliveryId }) : { askId };
    return {
      ...await signalRun(client, id, name, fields.json("payload"), ids),
      isAsk: askId !== undefined,
    };
  },
  done: ({ id, delivery, isAsk }, view) => ({
    says: delivery === "duplicate"
      ? "It was delivered before"
      : isAsk
      ? "The ask was delivered: its answer comes here"
      : "The signal was delivered",
    to: view.to(["runs", id, ...(isAsk ? ["history"] : [])]),
  }),
});
