/**
 * `/repair`: repairs what the health report finds, after a plan that lists every target.
 *
 * @module
 */

import {
  carryOut,
  planRepairs,
  REPAIRABLE,
  type RepairLines,
  type RepairPlan,
} from "../../operate/repair.ts";
import { html, NOTHING } from "../html.ts";
import { counted, section, table } from "../parts/mod.ts";
import { several, wordParameter } from "../parameters.ts";
import { defineAction } from "../route.ts";

/** How many targets of a repair are listed. */
const LISTED = 50;

const CODE = several(wordParameter("code", REPAIRABLE));

/** The action. */
export const repair = defineAction<RepairPlan, RepairLines>({
  path: "/repair",
  rights: ["read", "repair"],
  everywhere: true,
  parameters: [CODE],
  action: "repair",
  needsReason: true,
  plan: ({ client, given }) => planRepairs(client, [...new Set(given.all(CODE))]),
  fence: ({ repairs }) => repairs as never,
  targets: ({ repairs }) => repairs.flatMap(({ targets }) => targets.map(({ id }) => id)),
  outcome: ({ done, changed }) => changed === 0 ? "done" : done === 0 ? "CHANGED" : "partly",
  confirm({ repairs }, view, fields) {
    const count = repairs.reduce((sum, { targets }) => sum + targets.length, 0);
    return {
      title: "Repair",
      trail: [{ text: "Health", to: view.to(["health"]) }],
      button: `Repair ${counted(count, "target")}`,
      nothing: count === 0,
      back: view.to(["health"]),
      body: html`
        ${count === 0 ? html`<p>There is nothing to repair.</p>` : NOTHING}
        ${repairs.map(({ code, message, targets }) =>
          section(
            typeof message === "string" ? message : `Make the next attempts due now: ${code}`,
            html`${
              table(`Targets of ${code}`, [
                { title: "Target", head: true, cell: ({ id }) => html`<code>${id}</code>` },
                { title: "Namespace", cell: ({ namespace }) => namespace ?? "–" },
              ], targets.slice(0, LISTED))
            }${
              targets.length > LISTED
                ? html`<p class="hint">and ${targets.length - LISTED} more</p>`
                : NOTHING
            }`,
          )
        )}
        ${fields.list("code").map((code) =>
          html`<input type="hidden" name="code" value="${code}">`
        )}
      `,
    };
  },
  deed: ({ client }, plan) => carryOut(client, plan),
  done: ({ done, changed }, view) => ({
    says: changed === 0
      ? `${counted(done, "target")} repaired`
      : `${counted(done, "target")} repaired; ${counted(changed, "target")} had changed and stayed`,
    to: view.to(["health"]),
  }),
});
