/**
 * Options of schedules. They are checked at the call, and an error names the invalid option.
 *
 * @module
 */

import {
  checkArray,
  checkBoolean,
  checkChoice,
  checkDate,
  checkOptions,
  checkText,
  checkWhole,
  refuse,
  refuseUnless,
} from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { type AttributeInput, readAttributes } from "../../base/attributes.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { MAX_GIVEN_ID } from "../../base/run_ids.ts";
import type { ScheduleFilter } from "../../ports/schedules.ts";
import { checkCron, type Timing } from "../../schedule/calendar.ts";
import type { CatchUp, Overlap, Rules, ScheduleState } from "../../schedule/firing.ts";
import {
  policyText,
  readRunPolicy,
  type RunTermsOptions,
  TERMS_KEYS,
} from "../../workflow/run_policy.ts";
import { isWorkflow } from "../../workflow/workflow.ts";
import type { WorkflowDefinition } from "../../workflow/context_types.ts";

/**
 * When a schedule fires: once, at intervals, or by the calendar.
 *
 * @category Schedules
 */
export type ScheduleTiming =
  | {
    /** Once, at this time; at once if it is past. */
    readonly at: Date;
    readonly every?: undefined;
    readonly anchor?: undefined;
    readonly cron?: undefined;
    readonly timeZone?: undefined;
  }
  | {
    /** Repeatedly, at this interval: 1 second or more. */
    readonly every: Duration;
    /**
     * A time at which it fires; the others are whole intervals before and after it.
     *
     * @default {the time of creation, so that it first fires one interval later}
     */
    readonly anchor?: Date;
    readonly at?: undefined;
    readonly cron?: undefined;
    readonly timeZone?: undefined;
  }
  | {
    /**
     * A cron pattern: minute, hour, day of month, month and day of week, such as `"30 2 * * 1-5"`,
     * optionally with a field for seconds in front. Nicknames such as `@daily` are accepted too.
     */
    readonly cron: string;
    /**
     * The IANA name of the time zone in which the pattern is read, such as `"Europe/Berlin"`.
     *
     * @default {"UTC"}
     */
    readonly timeZone?: string;
    readonly at?: undefined;
    readonly every?: undefined;
    readonly anchor?: undefined;
  };

/**
 * Options of {@linkcode Schedules.create}; `timeout` and `retry` are those of its runs.
 *
 * @category Schedules
 */
export type ScheduleOptions<Input = unknown> = ScheduleTiming & RunTermsOptions & {
  /** The schedule's id: 1 to 255 characters, unique in its namespace. */
  readonly id: string;
  /** The workflow to start: its name, a definition that this process imported, or a specifier. */
  // deno-lint-ignore no-explicit-any -- outputs differ from workflow to workflow
  readonly workflow: WorkflowDefinition<Input, any> | string;
  /** The input of its runs. */
  readonly input?: Input;
  /**
   * What a firing does while a run of this schedule has not ended. `skip`: the firing is skipped.
   * `buffer_one`: the first firing waits for that run's end, and others are skipped. `allow`: the
   * firing starts its run anyway. `cancel_other`, `terminate_other`: that run is cancelled or
   * terminated, and the newest firing starts when it has ended.
   *
   * @default {"skip"}
   */
  readonly overlap?: Overlap;
  /**
   * Which missed firings are made up for, when no node was available in time. `none`: none that is
   * more than a minute late. `last`: the latest. `all`: all of them, the oldest first.
   *
   * @default {"last"}
   */
  readonly catchUp?: CatchUp;
  /**
   * How late a missed firing may be made up for.
   *
   * @default {"1d"; without end for one-shots}
   */
  readonly catchUpWindow?: Duration;
  /**
   * The longest delay of a firing. The delay is computed from the id and the planned time, so that
   * schedules with the same time spread out.
   *
   * @default {0}
   */
  readonly jitter?: Duration;
  /** The schedule ignores planned times after this one. */
  readonly until?: Date;
  /** The schedule is done after this many runs: 1 or more. */
  readonly maxRuns?: number;
  /**
   * Whether the schedule is paused until `resume`.
   *
   * @default {false; a schedule that is replaced stays as it was}
   */
  readonly paused?: boolean;
  /**
   * Whether all its runs are pinned to the version that a start would use now. Otherwise each run
   * is pinned to the version that is current when it starts.
   *
   * @default {false}
   */
  readonly pin?: boolean;
  /** Search attributes of its runs. */
  readonly attributes?: { readonly [name: string]: AttributeInput };
  /**
   * The namespace of the schedule and of its runs.
   *
   * @default {the namespace of this connection}
   */
  readonly namespace?: string;
  /**
   * What the call does if a schedule has the id. `use`: it leaves that schedule unchanged.
   * `replace`: it replaces the settings; if the timing stays the same, the schedule continues where
   * it was.
   *
   * @default {"error"}
   */
  readonly ifExists?: "error" | "use" | "replace";
};

/**
 * Options of {@linkcode Schedules.list}.
 *
 * @category Schedules
 */
export interface ScheduleListOptions {
  /**
   * The namespace.
   *
   * @default {the namespace of this connection}
   */
  readonly namespace?: string;
  /** The workflow's name. */
  readonly workflow?: string;
  /** The states. */
  readonly states?: readonly ScheduleState[];
  /** The hash of the version that they are pinned to. */
  readonly version?: string;
  /** Lists ids after this one: pass the last id of the previous page. */
  readonly after?: string;
  /**
   * The most schedules: 1 to 1,000.
   *
   * @default {100}
   */
  readonly limit?: number;
}

/** The checked options, with every default that does not depend on the database's time. */
export interface ScheduleSettings {
  readonly id: string;
  readonly namespace: string;
  readonly workflow: WorkflowDefinition | string;
  readonly attributes: string;
  readonly policy: string | null;
  readonly pin: boolean;
  readonly paused: boolean | undefined;
  readonly ifExists: "error" | "use" | "replace";
  /**
   * Whether an interval without an anchor keeps the anchor of the previous timing, or begins now.
   */
  readonly rules: (now: number, before?: Timing) => Rules;
}

/** The longest id of a schedule, in characters: the ids of its runs begin with it. */
export const MAX_ID: number = MAX_GIVEN_ID;
const SHORTEST_INTERVAL_MS = 1_000;
const DAY_MS = 86_400_000;

const OVERLAPS: readonly Overlap[] = [
  "skip",
  "buffer_one",
  "allow",
  "cancel_other",
  "terminate_other",
];
const CATCH_UPS: readonly CatchUp[] = ["none", "last", "all"];
const STATES: readonly ScheduleState[] = ["active", "paused", "stuck", "done", "cancelled"];
const IF_EXISTS = ["error", "use", "replace"] as const;
const TIMINGS = ["at", "every", "cron"] as const;
const KEYS = [
  ...["id", "workflow", "input", ...TIMINGS, "anchor", "timeZone", "overlap", "catchUp"],
  ...["catchUpWindow", "jitter", "until", "maxRuns", "paused", "pin", "attributes", "namespace"],
  ...["ifExists", ...TERMS_KEYS],
];

/** All options, of every kind of timing. */
type AnyOptions = {
  readonly [Key in "at" | "every" | "anchor" | "cron" | "timeZone"]?: unknown;
};

/**
 * Checks the options of a schedule.
 *
 * @param options What the caller passed.
 * @param namespace The namespace, if the options name none.
 * @throws {InvalidArgumentError} If an option is invalid.
 */
export function readScheduleOptions<Input>(
  options: ScheduleOptions<Input>,
  namespace: string,
): ScheduleSettings {
  checkOptions(options, KEYS, "schedules.create");
  const { id, workflow, overlap = "skip", catchUp = "last", maxRuns, paused, pin } = options;
  checkText(id, optionOf("id"), MAX_ID);
  if (typeof workflow === "string") checkText(workflow, optionOf("workflow"), Infinity);
  else {
    const wanted = "a workflow's name, what defineWorkflow returns, or a specifier";
    refuseUnless(isWorkflow(workflow), optionOf("workflow"), workflow, wanted);
  }
  checkChoice(overlap, optionOf("overlap"), OVERLAPS);
  checkChoice(catchUp, optionOf("catchUp"), CATCH_UPS);
  for (const [key, value] of Object.entries({ paused, pin })) {
    if (value !== undefined) checkBoolean(value, optionOf(key));
  }
  if (maxRuns !== undefined) {
    checkWhole(maxRuns, optionOf("maxRuns"), 1, Number.MAX_SAFE_INTEGER);
  }
  const { ifExists = "error" } = options;
  checkChoice(ifExists, optionOf("ifExists"), IF_EXISTS);
  const timing = readTiming(options);
  const settled = {
    overlap,
    catchUp,
    catchUpWindowMs: readWindow(options, catchUp),
    jitterMs: options.jitter === undefined ? 0 : durationMs(options.jitter, optionOf("jitter")),
    until: options.until === undefined ? null : checkDate(options.until, optionOf("until")),
    maxRuns: maxRuns ?? null,
  };
  return {
    id,
    namespace: readNamespace(options.namespace, namespace),
    workflow: workflow as WorkflowDefinition | string,
    attributes: readAttributes(options.attributes ?? {}, "schedules.create").set,
    policy: policyText(readRunPolicy(options, "schedules.create")),
    pin: pin ?? false,
    paused,
    ifExists,
    rules: (now, before) => ({ timing: timing(now, before), ...settled }),
  };
}

/**
 * Checks the options of a listing.
 *
 * @param options What the caller passed.
 * @param namespace The namespace, if the options name none.
 * @throws {InvalidArgumentError} If an option is invalid.
 */
export function readListOptions(options: ScheduleListOptions, namespace: string): ScheduleFilter {
  checkOptions(
    options,
    ["namespace", "workflow", "states", "version", "after", "limit"],
    "schedules.list",
  );
  const { workflow, states, version, after, limit = 100 } = options;
  for (const [key, value] of Object.entries({ workflow, version, after })) {
    if (value !== undefined) checkText(value, `option ${key} of schedules.list`, Infinity);
  }
  if (states !== undefined) {
    const isState = (state: unknown) => STATES.includes(state as ScheduleState);
    checkArray(
      states,
      "option states of schedules.list",
      `an array of ${STATES.join(", ")}`,
      isState,
    );
  }
  checkWhole(limit, "option limit of schedules.list", 1, 1_000);
  return {
    namespace: readNamespace(options.namespace, namespace),
    ...(workflow === undefined ? {} : { workflow }),
    ...(states === undefined ? {} : { states }),
    ...(version === undefined ? {} : { version }),
    ...(after === undefined ? {} : { after }),
    limit,
  };
}

/**
 * Checks a namespace.
 *
 * @param given What the caller passed.
 * @param otherwise The namespace if none was passed.
 * @throws {InvalidArgumentError} If it is not a text of 1 to 255 characters.
 */
export function readNamespace(given: string | undefined, otherwise: string): string {
  return given === undefined ? otherwise : checkText(given, optionOf("namespace"));
}

function readTiming(options: AnyOptions): (now: number, before?: Timing) => Timing {
  const { at, every, anchor, cron, timeZone } = options;
  const given = TIMINGS.filter((key) => options[key] !== undefined);
  refuseUnless(
    given.length === 1,
    "the options at, every or cron of a schedule",
    inWords(given.length === 0 ? "none of them" : given.join(" and ")),
    "exactly one of them",
  );
  if (every === undefined && anchor !== undefined) {
    refuse(optionOf("anchor"), anchor, "no anchor, or the option every beside it");
  }
  if (cron === undefined && timeZone !== undefined) {
    refuse(optionOf("timeZone"), timeZone, "no time zone, or the option cron beside it");
  }
  if (at !== undefined) {
    const timing: Timing = { kind: "at", at: checkDate(at, optionOf("at")) };
    return () => timing;
  }
  if (cron !== undefined) {
    const expression = checkText(
      typeof cron === "string" ? cron.trim() : cron,
      optionOf("cron"),
      200,
    );
    const zone = checkText(timeZone ?? "UTC", optionOf("timeZone"), 100);
    checkCron(expression, zone);
    return () => ({ kind: "cron", expression, timeZone: zone });
  }
  const everyMs = durationMs(every as Duration, optionOf("every"));
  refuseUnless(everyMs >= SHORTEST_INTERVAL_MS, optionOf("every"), every, "1 second or more");
  const anchorAt = anchor === undefined ? undefined : checkDate(anchor, optionOf("anchor"));
  return (now, before) => {
    const isSame = before?.kind === "every" && before.everyMs === everyMs;
    return { kind: "every", everyMs, anchor: anchorAt ?? (isSame ? before.anchor : now) };
  };
}

function readWindow(
  options: { readonly catchUpWindow?: Duration; readonly at?: unknown },
  catchUp: CatchUp,
): number | null {
  const { catchUpWindow } = options;
  if (catchUpWindow === undefined) return options.at === undefined ? DAY_MS : null;
  refuseUnless(
    catchUp !== "none",
    optionOf("catchUpWindow"),
    catchUpWindow,
    'no window, or catchUp "last" or "all" beside it',
  );
  return durationMs(catchUpWindow, optionOf("catchUpWindow"));
}

function optionOf(key: string): string {
  return `option ${key} of a schedule`;
}
