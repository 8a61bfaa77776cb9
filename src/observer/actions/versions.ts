/**
 * Actions on a version: make it current, deny it or a module of it, and allow it again.
 *
 * @module
 */

import { activateVersion, type Activation } from "../../operate/activate.ts";
import {
  allow,
  type AllowLines,
  type AllowPlan,
  type DenialLines,
  type DenialPlan,
  deny,
  planAllow,
  planDenial,
} from "../../operate/denials.ts";
import {
  currentVersions,
  findVersion,
  showVersion,
  type VersionDetails,
} from "../../operate/versions.ts";
import { ObserverError } from "../errors.ts";
import { type Html, html, NOTHING } from "../html.ts";
import {
  ago,
  counted,
  facts,
  MOST_COUNTED,
  note,
  number,
  section,
  table,
  time,
} from "../parts/mod.ts";
import { textParameter } from "../parameters.ts";
import { type ActionRoute, defineAction, type Page } from "../route.ts";
import type { View } from "../view.ts";

interface ActivationPlan extends Activation {
  readonly label: string | null;
  /** Why nodes don't execute it; `null`: it is not denied. */
  readonly denied: string | null;
}

function trailOf(workflow: string, hash: string, view: View): NonNullable<Page["trail"]> {
  return [
    { text: "Versions", to: view.to(["versions"]) },
    { text: `${workflow} ${hash.slice(0, 12)}`, to: view.to(["versions", hash]) },
  ];
}

function versionOf(hash: string | null, view: View): Html {
  return hash === null
    ? html`none`
    : html`<a class="id" href="${view.to(["versions", hash])}">${hash.slice(0, 12)}</a>`;
}

const activate = defineAction<ActivationPlan, Activation>({
  path: "/versions/:hash/activate",
  rights: ["read", "versions"],
  everywhere: true,
  action: "version activate",
  needsReason: false,
  async plan({ client, params }) {
    const { hash, workflow, label, denied } = await findVersion(client, params.hash!);
    const before = (await currentVersions(client, [workflow])).get(workflow) ?? null;
    return { workflow, version: hash, label, before, denied: denied?.reason ?? null };
  },
  targets: ({ version }) => [version],
  confirm: ({ workflow, version, label, before, denied }, view) => ({
    title: `Make ${version.slice(0, 12)} current`,
    trail: trailOf(workflow, version, view),
    button: `New runs of ${workflow} take it`,
    nothing: before === version || denied !== null,
    back: view.to(["versions", version]),
    body: html`
      ${denied !== null
        ? note("bad", html`<p>No node executes it: it is denied. ${denied}</p>`)
        : before === version
        ? note("good", html`<p>It is the current version of ${workflow} already.</p>`)
        : note(
          "live",
          html`<p>New runs of ${workflow} take this version from then on. Runs that exist stay on theirs.</p>`,
        )}
      ${facts([
        ["Workflow", workflow],
        ["Label", label],
        ["Current now", versionOf(before, view)],
      ])}
    `,
  }),
  deed: ({ client }, { workflow, version }) => activateVersion(client, workflow, version),
  done: ({ workflow, version }, view) => ({
    says: `New runs of ${workflow} take version ${version.slice(0, 12)}`,
    to: view.to(["versions", version]),
  }),
});

/** The label of a module, which is denied in place of the version. */
const MEMBER = textParameter("member");

/** What stands for the reason in a plan: it is asked for on the page of the plan. */
const NO_REASON = "not said yet";

interface DenialData extends DenialPlan {
  /** The version that the address names. */
  readonly hash: string;
  readonly workflow: string;
  /** The labels of its modules. */
  readonly modules: readonly string[];
  /** Who has denied it or a module of it, when and why; `null`: no one has. */
  readonly denied: VersionDetails["denied"];
}

const denyVersion = defineAction<DenialData, DenialLines>({
  path: "/versions/:hash/deny",
  rights: ["read", "versions"],
  everywhere: true,
  parameters: [MEMBER],
  action: "version deny",
  needsReason: true,
  async plan({ client, params, given }) {
    const { hash, workflow, members, denied } = await showVersion(client, params.hash!);
    const request = { version: hash, member: given.one(MEMBER) ?? undefined };
    const plan = await planDenial(client, request, NO_REASON);
    return { ...plan, hash, workflow, denied, modules: members.map(({ label }) => label) };
  },
  fence: ({ sha256, versions, withoutCurrent, denied }) => [
    sha256,
    denied?.at ?? null,
    versions.map(({ hash }) => hash),
    withoutCurrent.map(({ workflow, next }) => [workflow, next]),
  ],
  targets: ({ sha256 }) => [sha256],
  confirm: (plan, view, fields) => ({
    title: plan.module === null
      ? `Deny ${plan.sha256.slice(0, 12)}`
      : `Deny the module ${plan.module.replace(/^\.\//, "")}`,
    trail: trailOf(plan.workflow, plan.hash, view),
    button: plan.module === null ? "Deny this version" : "Deny this module",
    grave: true,
    back: view.to(["versions", plan.hash]),
    body: html`
      ${note(
        "bad",
        html`<p>No node executes what has this SHA-256 any more. Its runs are parked; they continue once it is
          allowed again, or when they are moved to another version.</p>`,
      )}
      ${alreadyDenied(plan, view)}${barred(plan, view)}${withoutCurrent(plan, view)}${modules(
        plan,
        view,
      )}
      ${fields.text(MEMBER.name) === null
        ? NOTHING
        : html`<input type="hidden" name="member" value="${fields.text(MEMBER.name)}">`}
    `,
  }),
  deed: ({ client }, { sha256 }, fields) =>
    deny(client, sha256, fields.text("reason") ?? NO_REASON),
  done: ({ sha256, parked }, view) => ({
    says: `${sha256.slice(0, 12)} is denied; ${
      counted(parked, "run")
    } parked, and those that nodes execute follow when their turn has ended`,
    to: view.to(["versions"], { state: "denied" }),
  }),
});

function alreadyDenied({ denied }: DenialData, view: View): Html {
  if (denied === null) return NOTHING;
  const { by, at, reason } = denied;
  return note(
    "warn",
    html`<p>No node executes it now: it was denied${by === null ? NOTHING : ` by ${by}`}, ${
      ago(
        view,
        at,
      )
    }: ${reason}</p>`,
  );
}

function barred({ versions, count, live, more }: DenialPlan, view: View): Html {
  return section(
    `${counted(count, "version")}, ${
      more ? `${number(live)} live runs or more` : counted(live, "live run")
    }`,
    table<DenialPlan["versions"][number]>("Versions that would be denied", [
      { title: "Version", head: true, cell: ({ hash }) => versionOf(hash, view) },
      { title: "Workflow", cell: ({ workflow }) => workflow },
      { title: "Label", cell: ({ label }) => label },
      { title: "Live runs", number: true, cell: ({ live }) => number(live, MOST_COUNTED) },
    ], versions),
    count > versions.length
      ? html`<span class="hint">the first ${number(versions.length)}</span>`
      : null,
  );
}

function withoutCurrent({ withoutCurrent }: DenialPlan, view: View): Html {
  if (withoutCurrent.length === 0) return NOTHING;
  return note(
    "warn",
    withoutCurrent.map(({ workflow, next }) =>
      html`<p>No run of ${workflow} can be started by its name then${
        next === null
          ? ": no other version of it may be executed."
          : html`, until another version is made current: ${versionOf(next, view)} is the newest.`
      }</p>`
    ),
  );
}

/** Links to the denial of one module, or of the version. */
function modules({ hash, modules, module }: DenialData, view: View): Html {
  const link = (member: string | null, text: string) =>
    html`<li><a href="${view.to(["versions", hash, "deny"], { member })}">${text}</a></li>`;
  return html`
    <details>
      <summary>Deny ${module === null ? "one module of it" : "another part of it"} instead</summary>
      <ul class="specifiers">${module === null ? NOTHING : link(null, "the whole version")}${modules
        .filter((label) => label !== module)
        .map((label) => link(label, label.replace(/^\.\//, "")))}</ul>
    </details>
  `;
}

interface AllowData extends AllowPlan {
  readonly hash: string;
  readonly workflow: string;
}

const allowVersion = defineAction<AllowData, AllowLines>({
  path: "/versions/:hash/allow",
  rights: ["read", "versions"],
  everywhere: true,
  action: "version allow",
  needsReason: false,
  async plan({ client, params }) {
    const { hash, workflow, denied } = await findVersion(client, params.hash!);
    if (denied === null) {
      throw new ObserverError("CHANGED", "This version is not denied now: nothing was done");
    }
    return { ...await planAllow(client, denied.sha256), hash, workflow };
  },
  targets: ({ sha256 }) => [sha256],
  confirm: ({ hash, workflow, sha256, reason, by, at, versions }, view) => ({
    title: `Allow ${sha256.slice(0, 12)} again`,
    trail: trailOf(workflow, hash, view),
    button: "Allow it again",
    back: view.to(["versions", hash]),
    body: html`
      ${note(
        "live",
        html`<p>Nodes execute it again, and the runs that its denial has parked continue.</p>`,
      )}
      ${facts([
        ["Denied because", reason],
        ["By", by],
        ["At", time(view, at)],
        [
          "It bars",
          html`${
            versions.slice(0, 20).map((each) =>
              html`
                ${versionOf(each, view)}
              `
            )
          }`,
        ],
      ])}
    `,
  }),
  deed: ({ client }, { sha256 }) => allow(client, sha256),
  done: ({ sha256, versions, revived }, view) => ({
    says: `${sha256.slice(0, 12)} is allowed again: ${counted(revived, "parked run")} ${
      revived === 1 ? "continues" : "continue"
    }`,
    to: versions.length === 1 ? view.to(["versions", versions[0]!.hash]) : view.to(["versions"]),
  }),
});

/** The actions. */
export const VERSION_ACTIONS: readonly ActionRoute[] = [activate, denyVersion, allowVersion];
