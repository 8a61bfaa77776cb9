/**
 * Withholds and replaces values before they leave the server.
 *
 * - REDACTION-1: everything that a route has read passes through {@linkcode redacted}, before it is
 *   rendered or encoded. Without the right `payloads` no value of a run is left in it. A value is
 *   found by its name in what `operate` returns, never by searching texts, and is looked at as a
 *   whole.
 *
 * @module
 */

import type { Json } from "../operate/plain.ts";
import type { ObserverOptions, ValuePlace } from "./options.ts";

/** Stands for a value that was withheld or replaced. */
export interface Redacted {
  /** `right`: the viewer lacks `payloads`. `rule`: the option `redact` changed the value. */
  readonly $redacted: "right" | "rule";
  /** What the option `redact` put in its place. */
  readonly value?: Json;
}

/**
 * Whether a value was withheld or replaced.
 *
 * @param value The value.
 */
export function isRedacted(value: Json | Redacted | undefined): value is Redacted & Json {
  return typeof value === "object" && value !== null && "$redacted" in value;
}

/** How values of runs are called in what `operate` returns. */
const KINDS: Readonly<Record<string, ValuePlace["kind"]>> = {
  input: "input",
  result: "result",
  output: "result",
  error: "error",
  lastError: "error",
  cause: "error",
  value: "event",
  payload: "signal",
  custom: "status",
  attributes: "attributes",
  heartbeat: "heartbeat",
};

/**
 * Whether what has a name in what `operate` returns is a value of a run.
 *
 * @param name The name.
 */
export function isValueName(name: string): boolean {
  return Object.hasOwn(KINDS, name);
}

/** How errors of the observer itself, and plain words, look under the same names. */
function kindOf(name: string, value: Json, parent: JsonObject): ValuePlace["kind"] | null {
  if (value === null) return null;
  // What a run waits for, with the message of the last failure.
  if (name === "reason" && "untakenSignals" in parent && isRetried(parent)) return "error";
  // A finding of health() quotes the last failure of an activity.
  if (name === "message" && parent.code === "FAILING_ACTIVITY") return "error";
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name]! : null;
  if (kind === null) return null;
  if (name === "error" && isOutcome(parent)) return null;
  if (name === "cause" && typeof parent.verdict === "string") return null;
  return kind === "event" && parent.kind === "signal" ? "signal" : kind;
}

type JsonObject = { readonly [key: string]: Json };

function isRetried({ retrying }: JsonObject): boolean {
  return Array.isArray(retrying) && retrying.length > 0;
}

/** Of an action: `{ id, done, error: { code, message } }`. */
function isOutcome(parent: JsonObject): boolean {
  return typeof parent.id === "string" && typeof parent.done === "boolean";
}

/** What is known of the run around a value. */
interface Around {
  readonly run: string | null;
  readonly workflow: string | null;
}

/**
 * Withholds or replaces all values in what a route has read (REDACTION-1).
 *
 * @param data Plain JSON of `operate`.
 * @param mayRead Whether the viewer has the right `payloads`.
 * @param rule The option `redact`.
 * @returns The same, with {@linkcode Redacted} in place of what was withheld or replaced.
 */
export function redacted<Data>(
  data: Data,
  mayRead: boolean,
  rule: ObserverOptions["redact"],
): Data {
  if (mayRead && rule === undefined) return data;
  const replace = (value: Json, at: ValuePlace): Json => {
    if (!mayRead) return { $redacted: "right" };
    const left = ruled(value, at, rule!);
    return left === value || JSON.stringify(left) === JSON.stringify(value)
      ? value
      : { $redacted: "rule", value: left };
  };
  return walk(data as Json, { run: null, workflow: null }, replace) as Data;
}

/** A rule that throws hides the value. */
function ruled(value: Json, at: ValuePlace, rule: NonNullable<ObserverOptions["redact"]>): Json {
  try {
    return rule(structuredClone(value) as Json, at) ?? null;
  } catch {
    return null;
  }
}

function walk(
  data: Json,
  around: Around,
  replace: (value: Json, at: ValuePlace) => Json,
): Json {
  if (Array.isArray(data)) return data.map((item) => walk(item, around, replace));
  if (typeof data !== "object" || data === null) return data;
  const object = data as JsonObject;
  const inside = aroundOf(object, around);
  const name = typeof object.name === "string" && object.name !== "" ? object.name : null;
  const entries = Object.entries(object).map(([key, value]) => {
    const kind = kindOf(key, value, object);
    if (kind === null) return [key, walk(value, inside, replace)] as const;
    return [key, replace(value, { kind, ...inside, name })] as const;
  });
  return Object.fromEntries(entries);
}

function aroundOf(object: JsonObject, outer: Around): Around {
  // What a page says of a run lies beside the run itself.
  const { run } = object;
  const isBeside = typeof run === "object" && run !== null && "workflow" in run && "id" in run;
  if (isBeside) return aroundOf(run as JsonObject, outer);
  const workflow = typeof object.workflow === "string" ? object.workflow : outer.workflow;
  const isRun = workflow !== null && "state" in object && !("timing" in object); // no schedule
  const id = object.runId ?? (isRun ? object.id : undefined);
  return { run: typeof id === "string" ? id : outer.run, workflow };
}
