/**
 * What guarded globals return within workflow code: time, randomness and the log of a run, under
 * the names that libraries call.
 *
 * @module
 */

import { MACHINE_GLOBALS } from "./machine_globals.ts";
import { LOCALE_GLOBALS } from "./locale_globals.ts";
import { type Answers, outside, type WorkflowScope } from "./scope.ts";
import type { Virtual } from "./virtual_call.ts";

/** The time zone of `Temporal.Now`, the same on every node. */
const ZONE = "UTC";

/** How many bytes code may draw at once. Packages draw more for pools, which runs would share. */
const MAX_DRAW = 128;

const OWN: Readonly<Record<string, Virtual>> = {
  "Date.now": { call: (within) => within.virtualNow() },
  "performance.now": { call: (within) => elapsed(within) },
  "performance.mark": {
    call(within, [name, options], original, self) {
      const given = options === undefined || options === null ? {} : Object(options);
      return Reflect.apply(original, self, [name, { startTime: elapsed(within), ...given }]);
    },
  },
  "performance.toJSON": { call: (within) => ({ timeOrigin: within.startedAt }) },
  "Temporal.Now.instant": { call: (within) => instant(within) },
  "Temporal.Now.plainDateISO": { call: (within, [zone]) => zoned(within, zone).toPlainDate() },
  "Temporal.Now.plainDateTimeISO": {
    call: (within, [zone]) => zoned(within, zone).toPlainDateTime(),
  },
  "Temporal.Now.plainTimeISO": { call: (within, [zone]) => zoned(within, zone).toPlainTime() },
  "Temporal.Now.timeZoneId": { call: () => ZONE },
  "Temporal.Now.zonedDateTimeISO": { call: (within, [zone]) => zoned(within, zone) },
  "Math.random": { call: (within) => within.randomness.next() },
  "crypto.randomUUID": { call: (within) => within.randomness.uuid() },
  "crypto.getRandomValues": { call: (within, [view]) => fill(within, view) },
  "node:crypto.randomUUID": { call: (within) => within.randomness.uuid() },
  "node:crypto.randomBytes": { call: (within, args) => bytes(within, args) },
  "node:crypto.pseudoRandomBytes": { call: (within, args) => bytes(within, args) },
  "node:crypto.randomFillSync": { call: (within, args) => fillPart(within, args) },
  "node:crypto.randomInt": { call: (within, args) => int(within, args) },
};

/**
 * The replacement of one guarded global.
 *
 * @param name Its name in the table of rules.
 * @returns The replacement.
 */
export function virtual(name: string): Virtual {
  if (name.startsWith("console.")) return SAID;
  const found = OWN[name] ?? LOCALE_GLOBALS[name] ?? MACHINE_GLOBALS[name];
  if (found === undefined) throw new Error(`Cannot replace ${name}: no replacement is known`);
  return found;
}

/** Logs a line once, when the code reaches it for the first time. */
const SAID: Virtual = {
  call(within, args, original, self) {
    if ("shouldLog" in within && !(within as WorkflowScope).shouldLog()) return undefined;
    return outside(() => Reflect.apply(original, self, args));
  },
};

/** Milliseconds since the run's start. */
function elapsed(within: Answers): number {
  return within.virtualNow() - within.startedAt;
}

function instant(within: Answers): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(within.virtualNow());
}

function zoned(within: Answers, zone: unknown): Temporal.ZonedDateTime {
  return instant(within).toZonedDateTimeISO((zone ?? ZONE) as string);
}

function fill(within: Answers, view: unknown): unknown {
  const float = view instanceof Float64Array || view instanceof Float32Array;
  if (!ArrayBuffer.isView(view) || view instanceof DataView || float) {
    throw new TypeError("Cannot fill a value with random bytes: wanted an array of integers");
  }
  draw(within, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return view;
}

/**
 * Code that draws more bytes fills a pool for the whole process, so it gets random bytes. The run
 * is parked, but nothing is thrown: a package that is interrupted while it fills its pool may give
 * the same ids to all callers from then on.
 */
function draw(within: Answers, into: Uint8Array): void {
  if (into.byteLength > MAX_DRAW) {
    const part = 65_536; // what `getRandomValues` fills at once
    for (let at = 0; at < into.byteLength; at += part) {
      outside(() =>
        crypto.getRandomValues(into.subarray(at, at + part) as Uint8Array<ArrayBuffer>)
      );
    }
    within.refuse(
      `for ${into.byteLength} random bytes at once`,
      `ctx.uuid(), or ${MAX_DRAW} bytes at most: packages keep pools, which runs would share`,
    );
    return;
  }
  within.randomness.fill(into);
}

function bytes(within: Answers, [size, callback]: unknown[]): Uint8Array {
  if (callback !== undefined) refuseCallback(within, "node:crypto.randomBytes");
  if (typeof size !== "number" || !(size >= 0)) {
    throw new RangeError("Cannot draw random bytes: wanted how many");
  }
  const made = nodeBuffer(Math.floor(size));
  draw(within, made);
  return made;
}

function nodeBuffer(size: number): Uint8Array {
  const { Buffer } = globalThis as unknown as {
    Buffer: { alloc(size: number): Uint8Array };
  };
  return Buffer.alloc(size);
}

function fillPart(within: Answers, [into, offset = 0, size]: unknown[]): unknown {
  if (!(ArrayBuffer.isView(into) || into instanceof ArrayBuffer)) {
    throw new TypeError("Cannot fill a value with random bytes: wanted a buffer");
  }
  const all = ArrayBuffer.isView(into)
    ? new Uint8Array(into.buffer, into.byteOffset, into.byteLength)
    : new Uint8Array(into);
  const width = (into as Partial<Uint8Array>).BYTES_PER_ELEMENT ?? 1;
  const from = Number(offset) * width;
  const to = size === undefined ? all.byteLength : from + Number(size) * width;
  if (!(from >= 0 && from <= to && to <= all.byteLength)) {
    throw new RangeError("Cannot fill a buffer with random bytes: the range is not in it");
  }
  draw(within, all.subarray(from, to));
  return into;
}

function int(within: Answers, args: unknown[]): number {
  const callback = args.find((arg) => typeof arg === "function");
  if (callback !== undefined) refuseCallback(within, "node:crypto.randomInt");
  const [min, max] = args.length === 1 || args[1] === undefined ? [0, args[0]] : args;
  const isRange = Number.isSafeInteger(min) && Number.isSafeInteger(max) &&
    (max as number) > (min as number) && (max as number) - (min as number) < 2 ** 48;
  if (!isRange) throw new RangeError("Cannot draw a whole number: wanted a range of safe integers");
  const range = (max as number) - (min as number);
  return (min as number) + Math.floor(within.randomness.next() * range);
}

function refuseCallback(within: Answers, call: string): never {
  throw within.refuse(`${call} with a callback`, "ctx.random(), or the call without one");
}
