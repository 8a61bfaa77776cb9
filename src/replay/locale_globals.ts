/**
 * Replaces the globals that depend on the time zone or the locale: workflow code runs in UTC and
 * `en-US` on every node.
 *
 * @module
 */

import type { Answers } from "./scope.ts";
import type { Original, Virtual } from "./virtual_call.ts";

const ZONE = "UTC";
const LOCALE = "en-US";

/** Matches a time that names a zone. A time without a zone is local. */
const ZONED = /(?:^|[^a-z])(?:z|utc?|gmt|[ecmp][sd]t)(?![a-z])|:\d{2}[^+-]*[+-]\s*\d/i;
/** Matches a date without a time, which the language reads in UTC. */
const DATE_ONLY = /^\s*(?:\d{4}|[+-]\d{6})(?:-\d{2}(?:-\d{2})?)?\s*$/;

const NativeDate = Date;
const { parse } = Date;
const { toUTCString } = Date.prototype;

/**
 * Parses a time as a process in UTC does.
 *
 * @param text Any text that `Date.parse` understands.
 * @returns Milliseconds since the epoch; `NaN` if it is not a time.
 */
export function parseInUtc(text: string): number {
  if (ZONED.test(text) || DATE_ONLY.test(text)) return parse(text);
  const iso = parse(`${text}Z`);
  return Number.isNaN(iso) ? parse(`${text} UTC`) : iso;
}

const UTC_METHODS = [
  ...["getDate", "getDay", "getFullYear", "getHours", "getMilliseconds"],
  ...["getMinutes", "getMonth", "getSeconds", "setDate", "setFullYear", "setHours"],
  ...["setMilliseconds", "setMinutes", "setMonth", "setSeconds"],
];

function utcMethod(name: string): [string, Virtual] {
  const method = (NativeDate.prototype as unknown as Record<string, Original>)[
    `${name.slice(0, 3)}UTC${name.slice(3)}`
  ] as Original;
  return [`Date.${name}`, { call: (_, args, __, self) => Reflect.apply(method, self, args) }];
}

/** Calls the method with the run's zone or locale, unless the caller passes one. */
function localized(options: "zone" | "locale"): Virtual {
  return {
    call: (_, [locales, ...rest], original, self) =>
      Reflect.apply(original, self, [
        withLocale(locales),
        ...(options === "zone" ? [withZone(rest[0])] : rest),
      ]),
  };
}

function maker(hasZone: boolean): Virtual {
  const args = ([locales, options, ...rest]: unknown[]) => [
    withLocale(locales),
    ...(hasZone ? [withZone(options)] : options === undefined ? [] : [options]),
    ...rest,
  ];
  return {
    call: (_, given, original, self) => Reflect.apply(original, self, args(given)),
    construct: (_, given) => args(given),
  };
}

/** Adds `en-US` as the fallback for locales that the runtime does not know. */
function withLocale(locales: unknown): unknown {
  if (locales === undefined) return LOCALE;
  if (typeof locales === "string" || locales instanceof Intl.Locale) return [locales, LOCALE];
  return Array.isArray(locales) ? [...locales, LOCALE] : locales;
}

function withZone(options: unknown): unknown {
  if (options === undefined) return { timeZone: ZONE };
  if (options === null || (options as { timeZone?: unknown }).timeZone !== undefined) {
    return options;
  }
  return Object.create(Object(options), { timeZone: { value: ZONE, enumerable: true } });
}

const NOW: Virtual = {
  call: (within, [date], original, self) =>
    Reflect.apply(original, self, [date === undefined ? within.virtualNow() : date]),
};

/** Reorders `Thu, 01 Jan 1970 00:00:00 GMT` into the form of `toString`. */
function shown(self: unknown, part: "date" | "time" | "both"): string {
  const text = Reflect.apply(toUTCString, self, []) as string;
  const [, week, day, month, year, time] = /^(\w+), (\d+) (\w+) (-?\d+) (\S+)/.exec(text) ?? [];
  if (week === undefined) return text; // an invalid date
  const date = `${week} ${month} ${day} ${year}`;
  const clock = `${time} GMT+0000 (Coordinated Universal Time)`;
  return part === "date" ? date : part === "time" ? clock : `${date} ${clock}`;
}

function dateArguments(within: Answers, args: unknown[]): unknown[] {
  if (args.length === 0) return [within.virtualNow()];
  if (args.length === 1) return [timeOf(args[0])];
  return [NativeDate.UTC(...args as [number, number])];
}

function timeOf(value: unknown): unknown {
  if (typeof value === "string") return parseInUtc(value);
  if (typeof value !== "object" || value === null || value instanceof NativeDate) return value;
  const primitive = toPrimitive(value);
  return typeof primitive === "string" ? parseInUtc(primitive) : primitive;
}

/** Converts an object to a primitive as the language does for `new Date`. */
function toPrimitive(value: object): unknown {
  let found: unknown;
  const convert = (value as { [Symbol.toPrimitive]?: unknown })[Symbol.toPrimitive];
  if (typeof convert === "function") found = Reflect.apply(convert, value, ["default"]);
  else {
    const { valueOf, toString } = value as Record<"valueOf" | "toString", unknown>;
    found = typeof valueOf === "function" ? Reflect.apply(valueOf, value, []) : value;
    const isObject = typeof found === "object" && found !== null || typeof found === "function";
    if (isObject && typeof toString === "function") found = Reflect.apply(toString, value, []);
  }
  return found;
}

/** The replacements, by the names in the table of rules. */
export const LOCALE_GLOBALS: Readonly<Record<string, Virtual>> = {
  "Date": {
    call: (within) => shown(new NativeDate(within.virtualNow()), "both"),
    construct: dateArguments,
  },
  "Date.parse": { call: (_, [text]) => parseInUtc(String(text)) },
  ...Object.fromEntries(UTC_METHODS.map(utcMethod)),
  "Date.getYear": {
    call: (_, __, ___, self) => Reflect.apply(NativeDate.prototype.getUTCFullYear, self, []) - 1900,
  },
  "Date.setYear": {
    call(_, [given], __, self) {
      const year = Math.trunc(Number(given));
      const full = year >= 0 && year <= 99 ? 1900 + year : year;
      const date = self as Date;
      if (Number.isNaN(full)) return date.setTime(NaN);
      if (Number.isNaN(date.getTime())) date.setTime(0);
      return date.setUTCFullYear(full);
    },
  },
  "Date.getTimezoneOffset": {
    call: (_, __, ___, self) => Number.isNaN(NativeDate.prototype.getTime.call(self)) ? NaN : 0,
  },
  "Date.toString": { call: (_, __, ___, self) => shown(self, "both") },
  "Date.toDateString": { call: (_, __, ___, self) => shown(self, "date") },
  "Date.toTimeString": { call: (_, __, ___, self) => shown(self, "time") },
  "Date.toLocaleString": localized("zone"),
  "Date.toLocaleDateString": localized("zone"),
  "Date.toLocaleTimeString": localized("zone"),
  "Temporal.Instant.toLocaleString": localized("zone"),
  ...Object.fromEntries(
    [
      ...["Duration", "PlainDate", "PlainDateTime", "PlainMonthDay", "PlainTime"],
      ...["PlainYearMonth", "ZonedDateTime"],
    ].map((type) => [`Temporal.${type}.toLocaleString`, localized("locale")]),
  ),
  "Number.toLocaleString": localized("locale"),
  "BigInt.toLocaleString": localized("locale"),
  "String.toLocaleLowerCase": localized("locale"),
  "String.toLocaleUpperCase": localized("locale"),
  "String.localeCompare": {
    call: (_, [that, locales, ...rest], original, self) =>
      Reflect.apply(original, self, [that, withLocale(locales), ...rest]),
  },
  "Intl.DateTimeFormat": maker(true),
  "Intl.DateTimeFormat.format": NOW,
  "Intl.DateTimeFormat.formatToParts": NOW,
  ...Object.fromEntries(
    [
      ...["Collator", "DisplayNames", "DurationFormat", "ListFormat", "NumberFormat"],
      ...["PluralRules", "RelativeTimeFormat", "Segmenter"],
    ].map((name) => [`Intl.${name}`, maker(false)]),
  ),
};
