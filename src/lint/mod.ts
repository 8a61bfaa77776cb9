/**
 * A plugin for `deno lint`: it reports in workflow code what the runtime guard would refuse at run
 * time. Both use one table of rules.
 *
 * ```json
 * { "lint": { "plugins": ["jsr:@continuum/continuum/lint"] } }
 * ```
 *
 * It checks only modules that import `defineWorkflow` and call it: the functions that are passed to
 * it, and the functions of the same file that they call, but not callbacks of steps or activities.
 * Each rule is named `continuum/...`. `"exclude"` in the configuration disables a rule, and a
 * comment with `deno-lint-ignore` disables it for one place.
 *
 * @module
 */

import { classifyHost } from "../version/project/host.ts";
import { detect } from "./detect.ts";
import type { Finding } from "./finding.ts";
import { RULE_IDS } from "./rule_ids.ts";

/** Caches the findings, since all rules query the same tree one after the other. */
const known = new WeakMap<Deno.lint.Program, readonly Finding[]>();

function findings(program: Deno.lint.Program, filename: string): readonly Finding[] {
  let found = known.get(program);
  if (found === undefined) {
    found = detect(program, (specifier) => classifyHost(absolute(specifier, filename)));
    known.set(program, found);
  }
  return found;
}

/** Relative specifiers can mean this package only in its own checkout. */
function absolute(specifier: string, filename: string): string {
  if (!/^\.{0,2}\//.test(specifier)) return specifier;
  const base = filename.includes("://") ? filename : `file://${filename.replace(/^(?!\/)/, "/")}`;
  return new URL(specifier, base.replaceAll("\\", "/")).href;
}

function rule(id: string): Deno.lint.Rule {
  return {
    create: (context) => ({
      Program(program) {
        for (const { rule, range, message, hint } of findings(program, context.filename)) {
          if (rule !== id) continue;
          context.report({ range: [range[0], range[1]], message, hint });
        }
      },
    }),
  };
}

/** The plugin. */
const plugin: Deno.lint.Plugin = {
  name: "continuum",
  rules: Object.fromEntries(Object.keys(RULE_IDS).map((id) => [id, rule(id)])),
};

export default plugin;
