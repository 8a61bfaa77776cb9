/**
 * What is the same on every node while workflow code runs, as data: time zone, locale, and
 * everything else that differs between processes.
 *
 * @module
 */

import type { Rule } from "./rule.ts";

const PLACE = "as in UTC and en-US";

function of(
  answer: string,
  names: readonly string[],
  holder: string,
  options: { readonly at?: string; readonly isRead?: true } = {},
): Rule[] {
  const { at, isRead } = options;
  return names.map((name) => ({
    name: `${holder}.${name}`,
    ...(at === undefined ? {} : { at: `${at}.${name}` }),
    action: "same",
    instead: answer,
    ...(isRead === undefined ? {} : { isRead }),
  }));
}

function methods(holder: string, names: readonly string[]): Rule[] {
  return of(PLACE, names, holder, { at: `${holder}.prototype` });
}

function reads(answer: string, holder: string, names: readonly string[], at?: string): Rule[] {
  return of(answer, names, holder, { ...(at === undefined ? {} : { at }), isRead: true });
}

/** The rules for what is the same everywhere. */
export const SAME: readonly Rule[] = [
  ...of(PLACE, ["parse"], "Date"),
  ...methods("Date", [
    "getDate",
    "getDay",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "getTimezoneOffset",
    "getYear",
    "setDate",
    "setFullYear",
    "setHours",
    "setMilliseconds",
    "setMinutes",
    "setMonth",
    "setSeconds",
    "setYear",
    "toDateString",
    "toLocaleDateString",
    "toLocaleString",
    "toLocaleTimeString",
    "toString",
    "toTimeString",
  ]),
  ...of(PLACE, [
    "Collator",
    "DateTimeFormat",
    "DisplayNames",
    "DurationFormat",
    "ListFormat",
    "NumberFormat",
    "PluralRules",
    "RelativeTimeFormat",
    "Segmenter",
  ], "Intl"),
  ...of("the run's time, where none is given", ["format", "formatToParts"], "Intl.DateTimeFormat", {
    at: "Intl.DateTimeFormat.prototype",
  }),
  ...methods("Number", ["toLocaleString"]),
  ...methods("BigInt", ["toLocaleString"]),
  ...methods("String", ["localeCompare", "toLocaleLowerCase", "toLocaleUpperCase"]),
  ...[
    "Duration",
    "Instant",
    "PlainDate",
    "PlainDateTime",
    "PlainMonthDay",
    "PlainTime",
    "PlainYearMonth",
    "ZonedDateTime",
  ].flatMap((type) => methods(`Temporal.${type}`, ["toLocaleString"])),
  { name: "File", action: "same", instead: "the run's time, where none is given" },
  ...reads("the run's time", "Event", ["timeStamp"], "Event.prototype"),
  ...reads("the run's start", "performance", ["timeOrigin"], "Performance.prototype"),
  ...reads("1", "Deno", ["pid"]),
  ...reads("0", "Deno", ["ppid", "exitCode"]),
  ...reads("nothing", "Deno", ["args"]),
  ...reads("`continuum:main`", "Deno", ["mainModule"]),
  ...reads("true", "Deno", ["noColor"]),
  ...reads("1", "process", ["pid"]),
  ...reads("0", "process", ["ppid"]),
  ...reads("undefined", "process", ["exitCode"]),
  ...reads("nothing", "process", ["env", "execArgv"]),
  ...reads('`["deno", "continuum:main"]`', "process", ["argv"]),
  ...reads("`deno`", "process", ["argv0", "execPath", "title"]),
  ...reads("one core, `en-US`, no more", "globalThis", ["navigator"]),
  ...reads("undefined", "globalThis", ["location"]),
];
