/**
 * Replaces the globals that differ between processes or machines, so that workflow code reads the
 * same values on every node.
 *
 * @module
 */

import type { Answers } from "./scope.ts";
import type { Virtual } from "./virtual_call.ts";

const MAIN = "continuum:main";
const NOTHING: object = Object.freeze(Object.create(null));
const NAVIGATOR: object = Object.freeze({
  hardwareConcurrency: 1,
  language: "en-US",
  languages: Object.freeze(["en-US"]),
  platform: "",
  userAgent: "Deno",
});

function always(value: unknown): Virtual {
  return { read: () => value };
}

/** The replacements, by the names in the table of rules. */
export const MACHINE_GLOBALS: Readonly<Record<string, Virtual>> = {
  "Deno.pid": always(1),
  "Deno.ppid": always(0),
  "Deno.exitCode": always(0),
  "Deno.args": { read: () => [] },
  "Deno.mainModule": always(MAIN),
  "Deno.noColor": always(true),
  "process.pid": always(1),
  "process.ppid": always(0),
  "process.exitCode": always(undefined),
  "process.env": always(NOTHING),
  "process.execArgv": { read: () => [] },
  "process.argv": { read: () => ["deno", MAIN] },
  "process.argv0": always("deno"),
  "process.execPath": always("deno"),
  "process.title": always("deno"),
  "globalThis.navigator": always(NAVIGATOR),
  "globalThis.location": always(undefined),
  "Event.timeStamp": { read: (within) => within.virtualNow() - within.startedAt },
  "performance.timeOrigin": { read: (within) => within.startedAt },
  "File": { construct: (within, args) => file(within, args) },
};

function file(within: Answers, [parts, name, options]: unknown[]): unknown[] {
  const given = options === undefined || options === null ? {} : Object(options);
  return [parts, name, { ...given, lastModified: given.lastModified ?? within.virtualNow() }];
}
