/**
 * Differences of two sources: a patch in unified form, line by line.
 *
 * @module
 */

import { type Html, html } from "./html.ts";

/** A line of a patch. */
export interface PatchLine {
  /** What it is. `gap`: unchanged lines are left out here. */
  readonly kind: "same" | "added" | "removed" | "gap";
  /** Its number in the first text; `null`: it is not there. */
  readonly before: number | null;
  /** Its number in the second text; `null`: it is not there. */
  readonly after: number | null;
  /** Its text. */
  readonly text: string;
}

/**
 * Reads a patch.
 *
 * @param patch The patch in unified form, with or without headers of files.
 */
export function patchLines(patch: string): PatchLine[] {
  const lines: PatchLine[] = [];
  let [before, after, isInside] = [0, 0, false];
  for (const line of patch.split("\n")) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk !== null) {
      // An empty side begins after the line that is named.
      before = Number(hunk[1]) + (hunk[2] === "0" ? 1 : 0);
      after = Number(hunk[3]) + (hunk[4] === "0" ? 1 : 0);
      if (isInside || before > 1) lines.push({ kind: "gap", before: null, after: null, text: "" });
      isInside = true;
      continue;
    }
    if (!isInside) continue;
    const text = line.slice(1);
    switch (line[0]) {
      case "+":
        lines.push({ kind: "added", before: null, after: after++, text });
        break;
      case "-":
        lines.push({ kind: "removed", before: before++, after: null, text });
        break;
      case " ":
        lines.push({ kind: "same", before: before++, after: after++, text });
        break;
    }
  }
  return lines;
}

const SIGNS = { same: " ", added: "+", removed: "−", gap: "⋯" } as const;

const WORDS = { same: null, added: "added", removed: "removed", gap: "lines left out" } as const;

/**
 * Shows a patch.
 *
 * @param label What differs.
 * @param patch The patch in unified form.
 */
export function diffView(label: string, patch: string): Html {
  return html`
    <pre class="code diff" tabindex="0" role="region"
      aria-label="Differences of ${label}">${patchLines(patch).map((line) =>
        lineOf(line.kind, line.text, [line.before, line.after])
      )}</pre>
  `;
}

/**
 * Shows a patch as two texts beside each other, in which lines that belong together are level.
 *
 * @param label What differs.
 * @param patch The patch in unified form.
 */
export function splitDiffView(label: string, patch: string): Html {
  const rows = levelled(patchLines(patch));
  const side = (name: "before" | "after") =>
    html`
      <pre class="code diff" tabindex="0" role="region"
        aria-label="${label} ${name}">${rows.map((row) => {
          const line = row[name];
          return line === null
            ? html`<span class="line none">${"\n"}</span>`
            : lineOf(line.kind, line.text, [line[name]]);
        })}</pre>
    `;
  return html`<div class="split">${side("before")}${side("after")}</div>`;
}

/** What stands beside each other; `null`: nothing. */
interface Level {
  readonly before: PatchLine | null;
  readonly after: PatchLine | null;
}

/** Lines that were removed, and those that were added after them, are level. */
function levelled(lines: readonly PatchLine[]): Level[] {
  const rows: Level[] = [];
  let removed: PatchLine[] = [];
  let added: PatchLine[] = [];
  const flush = () => {
    for (let index = 0; index < Math.max(removed.length, added.length); index++) {
      rows.push({ before: removed[index] ?? null, after: added[index] ?? null });
    }
    [removed, added] = [[], []];
  };
  for (const line of lines) {
    if (line.kind === "removed") {
      if (added.length > 0) flush();
      removed.push(line);
    } else if (line.kind === "added") added.push(line);
    else {
      flush();
      rows.push({ before: line, after: line });
    }
  }
  flush();
  return rows;
}

function lineOf(
  kind: PatchLine["kind"],
  text: string,
  numbers: readonly (number | null)[],
): Html {
  const word = WORDS[kind];
  const said = word === null ? null : html`<span class="unseen">${word}: </span>`;
  return html`
    <span
      class="line ${kind}">${numbers.map((number) =>
        html`<span class="line-number">${number}</span>`
      )}<span class="sign" aria-hidden="true">${SIGNS[
        kind
      ]}</span>${said}<span class="text">${text}${"\n"}</span></span>
  `;
}
