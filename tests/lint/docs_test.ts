/**
 * Holds `docs/determinism.md` to the rules. When a test fails, its message is the text to paste.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RULE_IDS, ruleIdOf } from "../../src/lint/rule_ids.ts";
import { RULES, UNSEEN } from "../../src/replay/rules.ts";
import { PROJECT } from "../support/project.ts";
import type { Rule } from "../../src/replay/rule.ts";

const PAGE = new URL("docs/determinism.md", PROJECT);

Deno.test("the page lists every rule of the runtime with its replacement, and no other", async () => {
  const text = await Deno.readTextFile(PAGE);
  for (const action of ["replace", "same", "refuse"] as const) {
    const [, listed] = new RegExp(`<!-- ${action} -->\n\n(.*?)\n\n`, "s").exec(text) ?? [];
    const wanted = itemsFor(action);
    const said = `The list after <!-- ${action} --> should read:\n\n${wanted}\n`;
    assert.equal(flat(listed ?? ""), flat(wanted), said);
  }
});

Deno.test("the page lists all that no guard sees, and what to do about it", async () => {
  const text = await Deno.readTextFile(PAGE);
  const [, listed] = /<!-- unseen -->\n\n(.*?)\n\n(?!-)/s.exec(text) ?? [];
  const wanted = UNSEEN.map(([what, instead]) => `- ${what}: ${instead}.`).join("\n");
  assert.equal(flat(listed ?? ""), flat(wanted), `It should read:\n\n${wanted}\n`);
});

Deno.test("the page lists every rule of the plugin, and no other", async () => {
  const text = await Deno.readTextFile(PAGE);
  const rows = [...text.matchAll(/^\| `continuum\/([\w-]+)` +\| (.*?) +\|$/gm)];
  assert.deepEqual(Object.fromEntries(rows.map(([, id, what]) => [id, what])), RULE_IDS);
});

function itemsFor(action: Rule["action"]): string {
  const rules = RULES.filter((rule) => rule.action === action);
  if (action === "same") {
    const groups = Map.groupBy(rules, ({ instead }) => instead);
    return [...groups].map(([answer, rules]) => `- ${answer}: ${names(rules)}.`).join("\n");
  }
  const groups = Map.groupBy(rules, (rule) => `\`continuum/${ruleIdOf(rule)}\`: ${rule.instead}`);
  return [...groups].map(([head, rules]) => `- ${head}, instead of ${names(rules)}.`).join("\n");
}

function names(rules: readonly Rule[]): string {
  const all = new Set(rules.map(({ name }) => name));
  return [...all]
    .filter((name) => !(name.endsWith("Sync") && all.has(name.slice(0, -4))))
    .map((name) => all.has(`${name}Sync`) ? `\`${name}[Sync]\`` : `\`${name}\``)
    .join(", ");
}

function flat(text: string): string {
  return text.replace(/\s+/g, " ");
}
