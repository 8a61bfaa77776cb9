/**
 * What workflow code would take from its environment, as data: one table that the guard applies
 * while the code runs, the lint plugin reports while it is written, and `docs/determinism.md`
 * lists.
 *
 * @module
 */

import { REFUSED } from "./rules_refused.ts";
import { SAME } from "./rules_same.ts";
import type { Rule } from "./rule.ts";

function replace(instead: string, names: Readonly<Record<string, string | null>>): Rule[] {
  return Object.entries(names).map(([name, at]) => ({
    name,
    ...(at === null ? {} : { at }),
    action: "replace",
    instead,
  }));
}

/** The rules for what uses the run's own time, randomness and log. */
const REPLACED: readonly Rule[] = [
  ...replace("ctx.now()", {
    "Date": null,
    "Date.now": null,
    "performance.now": "Performance.prototype.now",
    "performance.mark": "Performance.prototype.mark",
    "performance.toJSON": "Performance.prototype.toJSON",
    "Temporal.Now.instant": null,
    "Temporal.Now.plainDateISO": null,
    "Temporal.Now.plainDateTimeISO": null,
    "Temporal.Now.plainTimeISO": null,
    "Temporal.Now.timeZoneId": null,
    "Temporal.Now.zonedDateTimeISO": null,
  }),
  ...replace("ctx.random()", {
    "Math.random": null,
    "crypto.getRandomValues": "Crypto.prototype.getRandomValues",
    "node:crypto.randomBytes": null,
    "node:crypto.pseudoRandomBytes": null,
    "node:crypto.randomFillSync": null,
    "node:crypto.randomInt": null,
  }),
  ...replace("ctx.uuid()", {
    "crypto.randomUUID": "Crypto.prototype.randomUUID",
    "node:crypto.randomUUID": null,
  }),
  ...replace(
    "ctx.log",
    Object.fromEntries(
      ["debug", "dir", "error", "info", "log", "table", "trace", "warn"]
        .map((name) => [`console.${name}`, null]),
    ),
  ),
];

/** The rules. */
export const RULES: readonly Rule[] = [...REPLACED, ...SAME, ...REFUSED];

/** What no guard can detect, each with what to do about it: the rest of the page's table. */
export const UNSEEN: readonly (readonly [what: string, instead: string])[] = [
  [
    "what a package keeps that was evaluated before this package, such as a function of `Math`",
    "import `@continuum/continuum` in the application's first line",
  ],
  [
    "pools and counters that a package keeps, such as `uniqueId` of lodash",
    "`ctx.uuid()`, or a step: all runs of a process share them",
  ],
  [
    "what a package imports from a `node:` module by name, if the application imported it first",
    "a step",
  ],
  [
    "formatters of `Intl` that a package or the application made at its top level",
    "make them in the function, or name zone and locale",
  ],
  [
    "`Deno.build`, `Deno.version`, `process.version`, `process.platform` and the like",
    "one release of Deno on one platform, or ask in a step",
  ],
  [
    "environment, arguments and ids of the process, and random bytes, at a module's top level",
    "take them in steps and activities, or in a module that is live",
  ],
  ["`process.pid` of what `node:process` exports", "an id that the run's input holds"],
  ["code that is made of text (`eval`, `Function`)", "write it as code"],
];
