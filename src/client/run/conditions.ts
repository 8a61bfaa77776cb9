/**
 * Conditions on runs, as callers write them, and their conversion to the closed tree that a store
 * takes.
 *
 * @module
 */

import { checkBoolean, checkDate, refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { type AttributeValue, readValue } from "../../base/attributes.ts";
import { END_STATES, RUN_STATES, type RunState } from "../../ports/rows.ts";
import type { Comparison, RunCondition, RunField } from "../../ports/run_query.ts";
import { isStorable } from "../../base/text.ts";

/**
 * Comparisons of a value. If there are several, all must hold.
 *
 * @category Runs
 */
export interface Comparisons<Value> {
  /** Equal. */
  readonly eq?: Value;
  /** Present, and not equal. */
  readonly ne?: Value;
  /** Less. */
  readonly lt?: Value;
  /** Less or equal. */
  readonly lte?: Value;
  /** Greater. */
  readonly gt?: Value;
  /** Greater or equal. */
  readonly gte?: Value;
  /** One of these. */
  readonly in?: readonly Value[];
}

/**
 * Comparisons of a run's id.
 *
 * @category Runs
 */
export interface IdComparisons extends Comparisons<string> {
  /** The id begins with this text, of at least one character; an index finds these runs. */
  readonly prefix?: string;
}

/**
 * Comparisons of an attribute. Types count: `4` is not `"4"`.
 *
 * @category Runs
 */
export interface AttributeComparisons extends Comparisons<AttributeValue | Date> {
  /** An array that contains this. */
  readonly has?: string | number;
}

/**
 * A group of states: `live` runs have not ended, also if they are parked; `parked` ones are in a
 * `stuck_...` state; `ended` ones never change again.
 *
 * @category Runs
 */
export type RunStateGroup = "live" | "parked" | "ended";

/**
 * A condition on runs. If an object has several keys, all must hold.
 *
 * @category Runs
 */
export interface RunWhere {
  /** All of these. */
  readonly and?: readonly RunWhere[];
  /** At least one of these. */
  readonly or?: readonly RunWhere[];
  /** The run's id. */
  readonly id?: string | IdComparisons;
  /** The id of the run that started it as a child. */
  readonly parent?: string;
  /** The id of the run of which it is a fork. */
  readonly forksOf?: string;
  /** The workflow's name. */
  readonly workflow?: string | Comparisons<string>;
  /** The run's state, or a group of states. Groups take equality and `in`. */
  readonly state?: RunState | RunStateGroup | Comparisons<RunState | RunStateGroup>;
  /** The hash of the version that it is pinned to. */
  readonly version?: string | Comparisons<string>;
  /** Whether it is pinned to the current version of its workflow. */
  readonly current?: boolean;
  /** When it was created. */
  readonly createdAt?: Date | Comparisons<Date>;
  /** When a node first claimed the run. It never holds for a run that no node has claimed. */
  readonly startedAt?: Date | Comparisons<Date>;
  /** When the run ended. It never holds for a run that has not ended. */
  readonly endedAt?: Date | Comparisons<Date>;
  /**
   * Attributes by name, or by a path with dots: `{ "customer.tier": "gold", total: { gte: 100 } }`.
   * Equality, `in` and `has` use an index. Combine a range with one of these.
   */
  readonly attributes?: {
    readonly [path: string]: AttributeValue | Date | AttributeComparisons;
  };
}

type AnyComparison = Comparison | "in" | "has" | "prefix";

/** Bounds of one query. */
const MAX_PARTS = 200;
const MAX_DEPTH = 10;
const MAX_IN = 1_000;

const TEXTS: ReadonlySet<string> = new Set(["id", "workflow", "state", "version"]);
const TIMES: ReadonlySet<string> = new Set(["createdAt", "startedAt", "endedAt"]);
const COMPARISONS: ReadonlySet<string> = new Set(["eq", "ne", "lt", "lte", "gt", "gte", "in"]);
const WHERE_KEYS = ["and", "or", ...TEXTS, "current", "parent", "forksOf", ...TIMES, "attributes"]
  .join(", ");
const STATES: ReadonlySet<string> = new Set(RUN_STATES);
const ENDED: ReadonlySet<string> = new Set(END_STATES);
const GROUPS: Readonly<Record<string, readonly RunState[]>> = {
  live: RUN_STATES.filter((state) => !ENDED.has(state)),
  parked: RUN_STATES.filter((state) => state.startsWith("stuck_")),
  ended: END_STATES,
};
const STATE_NAMES = [...RUN_STATES, ...Object.keys(GROUPS)].join(", ");

/**
 * Checks and converts a condition.
 *
 * @param where What was passed.
 * @returns The condition; `null` matches any run.
 * @throws {InvalidArgumentError} If a field or comparison is unknown, or a value has a wrong type.
 */
export function readWhere(where: RunWhere | undefined): RunCondition | null {
  if (where === undefined) return null;
  const budget = { parts: 0 };
  const parts = readParts(where, "where", 1, budget);
  return parts.length === 0 ? null : all(parts);
}

/**
 * Checks the states of a wait.
 *
 * @param states What the caller passed: one state, or several.
 * @param call The call, for errors.
 * @returns The states.
 * @throws {InvalidArgumentError} If a condition is invalid, or there is no condition.
 */
export function readStates(states: unknown, call: string): ReadonlySet<RunState> {
  const list: readonly unknown[] = Array.isArray(states) ? states : [states];
  const wrong = list.findIndex((state) => !STATES.has(state as string));
  if (wrong < 0 && list.length > 0) return new Set(list as readonly RunState[]);
  const place = Array.isArray(states) && wrong >= 0 ? `[${wrong}]` : "";
  const found = list.length === 0 ? list : list[wrong];
  return refuse(`states${place} of ${call}`, found, [...STATES].join(", "));
}

function all(parts: readonly RunCondition[]): RunCondition {
  return parts.length === 1 ? parts[0]! : { kind: "and", parts };
}

function readParts(
  where: unknown,
  path: string,
  depth: number,
  budget: { parts: number },
): RunCondition[] {
  if (!isPlain(where)) refuse(condition(path), where, `an object with ${WHERE_KEYS}`);
  if (depth > MAX_DEPTH) {
    refuse(condition(path), where, `at most ${MAX_DEPTH} levels of conditions`);
  }
  const parts = Object.entries(where).flatMap(([key, value]): RunCondition[] => {
    if (value === undefined) return [];
    const at = `${path}.${key}`;
    if (key === "and" || key === "or") return readGroup(key, value, at, depth, budget);
    if (key === "attributes") return readAttributes(value, at);
    if (key === "parent" || key === "forksOf") {
      return [{ kind: key, id: readText(value, at) }];
    }
    if (key === "current") {
      checkBoolean(value, condition(at));
      return [{ kind: key, isCurrent: value as boolean }];
    }
    if (TEXTS.has(key) || TIMES.has(key)) return readField(key as RunField, value, at);
    return refuse(condition(path), key, WHERE_KEYS);
  });
  budget.parts += parts.length;
  if (budget.parts > MAX_PARTS) {
    refuse(condition("where"), budget.parts, `at most ${MAX_PARTS} conditions`);
  }
  return parts;
}

function readGroup(
  kind: "and" | "or",
  value: unknown,
  path: string,
  depth: number,
  budget: { parts: number },
): RunCondition[] {
  if (!Array.isArray(value) || value.length === 0) {
    refuse(condition(path), value, "an array of at least one condition");
  }
  const groups = value.map((part, index) =>
    readParts(part, `${path}[${index}]`, depth + 1, budget)
  );
  const empty = groups.findIndex((parts) => parts.length === 0);
  if (empty >= 0) {
    refuse(condition(`${path}[${empty}]`), inWords("no condition"), `one of ${WHERE_KEYS}`);
  }
  return [{ kind, parts: groups.map(all) }];
}

function readField(field: RunField, value: unknown, path: string): RunCondition[] {
  const read = TIMES.has(field) ? readTime : field === "state" ? readState : readText;
  return comparisonsOf(value, path).map(([comparison, operand]) => {
    const at = comparison === null ? path : `${path}.${comparison}`;
    if (comparison === "has") return refuse(condition(path), "has", [...COMPARISONS].join(", "));
    if (comparison === "prefix") {
      if (field !== "id") refuse(condition(path), "prefix", [...COMPARISONS].join(", "));
      return { kind: "prefix", prefix: readPrefix(operand, at) };
    }
    if (comparison === "in") {
      const items = readList(operand, at);
      const values = items.flatMap((item, index) =>
        groupOf(field, item) ?? read(item, `${at}[${index}]`)
      );
      return { kind: "field", field, comparison, values };
    }
    const group = comparison === null || comparison === "eq" ? groupOf(field, operand) : undefined;
    if (group !== undefined) return { kind: "field", field, comparison: "in", values: group };
    return { kind: "field", field, comparison: comparison ?? "eq", values: [read(operand, at)] };
  });
}

function readPrefix(value: unknown, path: string): string {
  const prefix = readText(value, path);
  return prefix === ""
    ? refuse(condition(path), value, "a text of at least one character")
    : prefix;
}

function readAttributes(value: unknown, path: string): RunCondition[] {
  if (!isPlain(value)) refuse(condition(path), value, "an object of attributes by path");
  return Object.entries(value).flatMap(([name, given]) => {
    if (given === undefined) return [];
    const keys = name.split(".");
    const isPath = keys.length <= MAX_DEPTH && isStorable(name) && keys.every((key) => key !== "");
    if (!isPath) {
      refuse(condition(path), name, `a path of 1 to ${MAX_DEPTH} names, with dots between them`);
    }
    return comparisonsOf(given, `${path}[${JSON.stringify(name)}]`).map(([comparison, operand]) =>
      attributeCondition(keys, comparison ?? "eq", operand, `attributes.${name}`)
    );
  });
}

function attributeCondition(
  path: readonly string[],
  comparison: AnyComparison,
  operand: unknown,
  at: string,
): RunCondition {
  const json = (value: unknown): string => JSON.stringify(readValue("runs.query", at, value));
  switch (comparison) {
    case "prefix":
      return refuse(condition(at), "prefix", `${[...COMPARISONS].join(", ")}, has`);
    case "in":
      return { kind: "attribute", path, comparison, values: readList(operand, at).map(json) };
    case "has":
      if (typeof operand !== "string" && typeof operand !== "number") {
        refuse(condition(`${at}.has`), operand, "a string or a number");
      }
      break;
    case "eq":
    case "ne":
      break;
    default: {
      const isOrdered = typeof operand === "string" || typeof operand === "number" ||
        operand instanceof Date;
      if (!isOrdered) {
        refuse(condition(`${at}.${comparison}`), operand, "a string, a number or a Date");
      }
    }
  }
  return { kind: "attribute", path, comparison, values: [json(operand)] };
}

/** Reads an object of comparisons, or a value to compare with by equality. */
function comparisonsOf(
  value: unknown,
  path: string,
): (readonly [AnyComparison | null, unknown])[] {
  if (!isPlain(value)) return [[null, value]];
  const entries = Object.entries(value).filter(([, operand]) => operand !== undefined);
  for (const [key] of entries) {
    if (COMPARISONS.has(key) || key === "has" || key === "prefix") continue;
    const wanted = `${[...COMPARISONS].join(", ")}, has with attributes, or prefix with id`;
    refuse(condition(path), key, wanted);
  }
  if (entries.length === 0) refuse(condition(path), value, "at least one comparison");
  return entries as [AnyComparison, unknown][];
}

function readList(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_IN) return value;
  return refuse(condition(path), value, `an array of at most ${MAX_IN} values`);
}

function readText(value: unknown, path: string): string {
  if (typeof value === "string" && isStorable(value)) return value;
  return refuse(condition(path), value, "a text without NUL and lone surrogates");
}

/** The states of a group that a condition names in place of a state. */
function groupOf(field: RunField, value: unknown): readonly RunState[] | undefined {
  const isGroup = field === "state" && typeof value === "string" && Object.hasOwn(GROUPS, value);
  return isGroup ? GROUPS[value] : undefined;
}

function readState(value: unknown, path: string): string {
  if (typeof value === "string" && STATES.has(value)) return value;
  return refuse(condition(path), value, STATE_NAMES);
}

function readTime(value: unknown, path: string): number {
  return checkDate(value, condition(path));
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function condition(path: string): string {
  return `condition ${path}`;
}
