/**
 * Time and randomness of a run, under the names that libraries call.
 *
 * @module
 */

import type { WorkflowScope } from "./scope.ts";

/** What a guarded global answers within workflow code. */
export interface Virtual {
  /** Answers a call. */
  readonly call: (within: WorkflowScope, original: Original, args: unknown[]) => unknown;
  /** Answers `new`. */
  readonly construct: (
    within: WorkflowScope,
    original: Original,
    args: unknown[],
    newTarget: Original,
  ) => object;
}

// deno-lint-ignore ban-types -- whatever the runtime has under that name
type Original = Function;

/** The time zone that `Temporal.Now` tells: every node's must be the same. */
const ZONE = "UTC";

const CALLS: Readonly<Record<string, (within: WorkflowScope, args: unknown[]) => unknown>> = {
  "Date": (within) => String(new Date(within.virtualNow())),
  "Date.now": (within) => within.virtualNow(),
  "performance.now": (within) => within.virtualNow() - within.startedAt,
  "Temporal.Now.instant": (within) => instant(within),
  "Temporal.Now.plainDateISO": (within, [zone]) => zoned(within, zone).toPlainDate(),
  "Temporal.Now.plainDateTimeISO": (within, [zone]) => zoned(within, zone).toPlainDateTime(),
  "Temporal.Now.plainTimeISO": (within, [zone]) => zoned(within, zone).toPlainTime(),
  "Temporal.Now.timeZoneId": () => ZONE,
  "Temporal.Now.zonedDateTimeISO": (within, [zone]) => zoned(within, zone),
  "Math.random": (within) => within.randomness.next(),
  "crypto.randomUUID": (within) => within.randomness.uuid(),
  "crypto.getRandomValues": (within, [view]) => fill(within, view),
};

/**
 * The answers of one guarded global.
 *
 * @param name Its name in the table of rules.
 * @returns The answers.
 */
export function virtual(name: string): Virtual {
  const call = CALLS[name];
  if (call === undefined) throw new Error(`Cannot replace ${name}: no replacement is known`);
  return {
    call: (within, _original, args) => call(within, args),
    construct: (within, original, args, newTarget) =>
      Reflect.construct(
        original,
        name === "Date" && args.length === 0 ? [within.virtualNow()] : args,
        newTarget,
      ),
  };
}

function instant(within: WorkflowScope): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(within.virtualNow());
}

function zoned(within: WorkflowScope, zone: unknown): Temporal.ZonedDateTime {
  return instant(within).toZonedDateTimeISO((zone ?? ZONE) as string);
}

function fill(within: WorkflowScope, view: unknown): unknown {
  const float = view instanceof Float64Array || view instanceof Float32Array;
  if (!ArrayBuffer.isView(view) || view instanceof DataView || float) {
    throw new TypeError("Cannot fill a value with random bytes: wanted an array of integers");
  }
  within.randomness.fill(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return view;
}
