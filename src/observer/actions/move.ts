/**
 * `/runs/:id/upgrade` moves a run to other code; `/runs/:id/reopen` takes a failed run up on it. Both
 * show first whether the run's history replays there.
 *
 * @module
 */

import type { Continuum } from "../../operate/client.ts";
import { reopenRun, upgradeRun } from "../../operate/move_run.ts";
import { showRun } from "../../operate/runs.ts";
import { listVersions, type VersionLine } from "../../operate/versions.ts";
import type { Json } from "../../operate/plain.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { note, valueBlock } from "../parts/mod.ts";
import { textParameter } from "../parameters.ts";
import type { Right } from "../rights.ts";
import { type ActionRoute, defineAction } from "../route.ts";
import type { View } from "../view.ts";

/** What a replay on the target says. */
interface Report {
  readonly from: string;
  readonly to: string;
  readonly drift: { readonly message: string; readonly seq: number | null } | null;
  readonly refused: { readonly message: string } | null;
  /** The error that the target throws after the same history; `null`: none. */
  readonly error: Json;
  readonly moves: boolean;
  /** Of an upgrade: imported activities that it waits for; `stays`: why they keep their code. */
  readonly activities?: readonly { readonly name: string; readonly stays: string | null }[];
}

interface Plan {
  readonly id: string;
  readonly workflow: string;
  readonly events: number;
  readonly generation: number;
  /** What was asked for; `null`: the current version. */
  readonly target: string | null;
  readonly report: Report;
  /** Versions that it could be moved to instead, the newest first. */
  readonly versions: readonly Pick<VersionLine, "hash" | "label" | "current">[];
}

/** How many other versions are offered. */
const OFFERED = 10;

/** What differs between the two. */
interface Kind {
  readonly word: string;
  readonly verb: string;
  readonly right: Right;
  readonly done: string;
  move(client: Continuum, id: string, to: string | undefined, dryRun: boolean): Promise<Report>;
}

const KINDS: readonly Kind[] = [
  {
    word: "upgrade",
    verb: "Upgrade",
    right: "upgrade",
    done: "moved",
    async move(client, id, to, dryRun) {
      const { upgraded: moves, ...report } = await upgradeRun(client, id, to, dryRun);
      return { ...report, moves, error: null };
    },
  },
  {
    word: "reopen",
    verb: "Take up",
    right: "retry",
    done: "taken up",
    async move(client, id, to, dryRun) {
      const { reopened: moves, fails: error, ...report } = await reopenRun(client, id, to, dryRun);
      return { ...report, moves, error };
    },
  },
];

const TO = textParameter("to");

/** The actions. */
export const MOVE_ACTIONS: readonly ActionRoute[] = KINDS.map(({ word, verb, right, done, move }) =>
  defineAction<Plan, Plan>({
    path: `/runs/:id/${word}`,
    rights: ["read", right],
    parameters: [TO],
    action: word,
    needsReason: false,
    async plan({ client, params, given, heavy }) {
      const { id, workflow, events, generation } = await showRun(client, params.id!);
      const target = given.one(TO);
      const report = await heavy(() => move(client, id, target ?? undefined, true));
      const { versions: found } = await listVersions(client, { workflow, limit: OFFERED });
      const versions = found.filter(({ hash, denied }) =>
        denied === null && hash !== report.from && hash !== report.to
      ).map(({ hash, label, current }) => ({ hash, label, current }));
      return { id, workflow, events, generation, target, report, versions };
    },
    fence: ({ versions: _, ...plan }) => plan as never,
    targets: ({ id }) => [id],
    outcome: ({ report: { moves, drift, refused } }) =>
      moves ? "done" : drift !== null ? "drifts" : refused !== null ? "refused" : "fails",
    confirm(plan, view, fields) {
      const { id, report, target, versions } = plan;
      const others = versions.map(({ hash, label, current }) =>
        html`<li><a href="${view.to(["runs", id, word], { to: hash })}">${hash.slice(0, 7)}${
          label === null ? NOTHING : ` ${label}`
        }</a>${
          current
            ? html`
              <span class="chip good">current</span>
            `
            : NOTHING
        }</li>`
      );
      return {
        title: `${verb} ${id}`,
        trail: [{ text: "Runs", to: view.to(["runs"]) }, { text: id, to: view.to(["runs", id]) }],
        button: `${verb} on ${report.to.slice(0, 7)}`,
        nothing: !report.moves,
        back: view.to(["runs", id]),
        body: html`
          ${verdict(report, view, id)}
          ${others.length === 0 ? NOTHING : html`
            <div class="hint">
              <p>Look at another version instead:</p>
              <ul class="attributes">${others}</ul>
            </div>
          `}${target === null
            ? NOTHING
            : html`<input type="hidden" name="to" value="${fields.text("to")}">`}
        `,
      };
    },
    async deed({ client, heavy }, plan) {
      // Of the plan, the hash: another version may have become current since.
      const report = await heavy(() => move(client, plan.id, plan.report.to, false));
      return { ...plan, report };
    },
    done({ id, report }, view) {
      const to = view.to(["runs", id]);
      if (report.moves) return { says: `${id} was ${done}: version ${report.to.slice(0, 7)}`, to };
      return {
        says: `${id} was left as it was`,
        to,
        page: {
          title: `${verb} ${id}`,
          body: html`${
            verdict(report, view, id)
          }<p class="buttons"><a class="button" href="${to}">Continue</a></p>`,
        },
      };
    },
  })
);

function verdict(report: Report, view: View, id: string): Html {
  const { from, to, drift, refused, error, moves, activities = [] } = report;
  const versions = html`
    <p>From <a class="id" href="${view.to(["versions", from])}">${from.slice(0, 7)}</a>
      to <a class="id" href="${view.to(["versions", to])}">${to.slice(0, 7)}</a>.</p>
  `;
  if (moves) {
    return note(
      "good",
      html`
        <p class="strong">Its history replays there</p>${versions}
        <p
          class="hint">Every effect that it has requested so far is requested by the target too, in the same order.</p>
        ${activities.filter(({ stays }) => stays !== null).map(({ name, stays }) =>
          html`<p class="hint">The activity <q>${name}</q> keeps its code: ${stays}</p>`
        )}
      `,
    );
  }
  const why = drift?.message ?? refused?.message ?? null;
  const failure = error === null
    ? NOTHING
    : html`<p>The target fails as well:</p>${valueBlock(error)}`;
  const compare = view.may("source")
    ? html`<a class="button" href="${
      view.to(["versions", "diff"], { a: from, b: to })
    }">Compare the two versions</a>`
    : NOTHING;
  const fork = view.may("fork") && drift !== null && drift.seq !== null
    ? html`<a class="button" href="${
      view.to(["runs", id, "fork"], { at: drift.seq, version: to })
    }">Fork it before that event</a>`
    : NOTHING;
  return note(
    "warn",
    html`
      <p class="strong">It can't be moved there</p>${versions}<p>${why}</p>${failure}
      <p class="buttons">${compare}${fork}</p>
    `,
  );
}
