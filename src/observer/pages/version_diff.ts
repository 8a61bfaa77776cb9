/**
 * `/versions/diff?a=&b=`: how the code of two versions differs.
 *
 * @module
 */

import { diffOf, type DiffReport } from "../../operate/preflight.ts";
import { currentVersions, findVersion, type VersionLine } from "../../operate/versions.ts";
import { DIFF_PARAMETERS, diffChoice, diffReport } from "../diff_report.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { note, versionLink } from "../parts/mod.ts";
import { textParameter } from "../parameters.ts";
import { definePage, type Look } from "../route.ts";
import type { View } from "../view.ts";

/** How long patches are searched for, in milliseconds. */
const TIMEOUT = 1_000;

const A = textParameter("a");
const B = textParameter("b");

interface DiffData {
  /** The first version; `null`: none was chosen. */
  readonly a: VersionLine | null;
  /** The second version. */
  readonly b: VersionLine | null;
  /** How they differ; `null`: one is missing. */
  readonly diff: DiffReport | null;
}

/** The page. */
export const versionDiff = definePage<DiffData>({
  path: "/versions/diff",
  rights: ["read", "source"],
  everywhere: true,
  parameters: [A, B, ...DIFF_PARAMETERS],
  async load({ client, given, heavy, kept }) {
    const [from, to] = [given.one(A), given.one(B)];
    const a = from === null ? null : await findVersion(client, from.trim());
    const b = to === "current" && a !== null
      ? await currentOf(client, a)
      : to === null
      ? null
      : await findVersion(client, to.trim());
    if (a === null || b === null) return { a, b, diff: null };
    const choice = diffChoice(given);
    const diff = await kept(
      ["diff", a.hash, b.hash, choice.member ?? "", choice.ignoreWhitespace],
      () => heavy(() => diffOf(client, a.hash, b.hash, { ...choice, timeout: TIMEOUT })),
    );
    return { a, b, diff };
  },
  page: (data, view) => ({
    title: "Compare versions",
    trail: [{ text: "Versions", to: view.to(["versions"]) }],
    body: html`${data.diff === null ? intro(view) : NOTHING}${chooser(data, view)}${
      data.diff === null ? NOTHING : diffReport(data.diff, view)
    }`,
  }),
});

/** The current version of a version's workflow. */
async function currentOf(
  client: Look["client"],
  { workflow }: VersionLine,
): Promise<VersionLine | null> {
  const hash = (await currentVersions(client, [workflow])).get(workflow);
  return hash === undefined ? null : await findVersion(client, hash);
}

function intro(view: View): Html {
  return html`
    <p class="hint">Shows how the code of two versions differs, line by line. Their hashes are in the
    <a href="${view.to([
      "versions",
    ])}">list of versions</a>; “current” stands for the version that new runs take.</p>
  `;
}

function chooser({ a, b }: DiffData, view: View): Html {
  const named = (name: "a" | "b", version: VersionLine | null) =>
    html`<label class="field"><span>${name === "a" ? "From" : "To"}</span>
      <input name="${name}" value="${
      version?.hash ?? view.query.get(name)
    }" autocomplete="off" spellcheck="false"
        placeholder="the first digits of a hash"></label>`;
  const swap = a === null || b === null
    ? NOTHING
    : html`<a class="button" href="${
      view.to(["versions", "diff"], { a: b.hash, b: a.hash })
    }">Swap</a>`;
  const isMixed = a !== null && b !== null && a.workflow !== b.workflow;
  return html`
    <form class="filters short card" action="${view.to(view.path)}" method="get">
      ${named("a", a)}${named("b", b)}
      <p class="buttons"><button class="primary">Compare</button>${swap}</p>
      ${a === null || b === null ? NOTHING : html`
        <p
          class="pieces wide-field"><span><b>${a.workflow}</b> ${versionLink(
            view,
            a,
            a.current,
          )}</span><span>to</span><span><b>${b.workflow}</b> ${versionLink(
            view,
            b,
            b.current,
          )}</span></p>
      `}
    </form>
    ${isMixed ? note("warn", html`<p>These are versions of two workflows.</p>`) : NOTHING}
  `;
}
