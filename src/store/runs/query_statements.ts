/**
 * Pages and counts of runs, as SQL.
 *
 * - PAGE-1, from the few: a statement names the rows that it begins with, and never leaves it to the
 *   planner whether the newest runs are those that meet the conditions: it takes conditions for
 *   independent of each other and of time, and may read all runs where they are not. Runs of versions,
 *   of workflows and live ones are found by their specifiers: first the specifiers whose newest run
 *   is on the page, then a page of each.
 *
 * @module
 */

import type { RunCondition, RunQuery } from "../../ports/run_query.ts";
import { END_STATES, RUN_STATES } from "../../ports/rows.ts";
import type { SqlValue } from "../sql/driver.ts";
import { arrayLiteral, timestamp } from "../sql/fragments.ts";
import {
  COLUMNS,
  condition,
  CURRENT_IDS,
  type FieldCondition,
  HELD,
  inNamespace,
  isPending,
  isUnusual,
  liveStatesOf,
  OPERATORS,
  Parameters,
  partsOf,
  specifierIds,
  stateIn,
  TO_START,
} from "./conditions.ts";
import { RUN, runFrom } from "./fragments.ts";

/** A text for one question with its values, and with `{schema}` still open. */
export interface BoundText {
  /** Its text. */
  readonly text: string;
  /** Its parameters. */
  readonly values: readonly SqlValue[];
}

/** Up to how many runs are read to sort them. Only those with a prefix lie near to each other. */
const MOST_SORTED = { prefix: 50_000, namespace: 10_000, pending: 10_000 };

/** A condition that few runs meet: the page is found among all of these. */
export type Narrow = keyof typeof MOST_SORTED;

/**
 * A page of runs.
 *
 * @param query Which page.
 * @param namespace Whose runs.
 * @param narrow What few runs have, as {@linkcode narrowStatement} finds.
 * @returns The statement.
 */
export function queryStatement(
  query: RunQuery,
  namespace: string,
  narrow: Narrow | null = null,
): BoundText {
  const parameters = new Parameters(namespace);
  const source = narrow === null ? sourceOf(query) : null;
  const text = source === null
    ? plainPage(query, namespace, parameters, narrow)
    : pinnedPage(query, source, parameters);
  return { text, values: parameters.values };
}

/**
 * Whether few runs have ids with the prefix that a query names, or are pending, if it names that
 * state, or are in its namespace.
 *
 * @param query The query.
 * @param namespace Whose runs.
 * @returns The statement, which gives one row; `null`: nothing depends on it.
 */
export function narrowStatement(query: Question, namespace: string): BoundText | null {
  if (query.by === "troubleAt") return null;
  const parameters = new Parameters(namespace);
  const tests = narrowed(query, namespace, parameters).map(([kind, few]) => {
    const found = few.map((which) => `(${which} limit ${MOST_SORTED[kind]} + 1)`);
    return `(
      select case when count(*) <= ${MOST_SORTED[kind]} then '${kind}' end
      from (${found.join(" union all ")}) as counted
    )`;
  });
  if (tests.length === 0) return null;
  return { text: `select coalesce(${tests.join(", ")}) as narrow`, values: parameters.values };
}

/**
 * The same for a count, which depends on it only if it names pending runs.
 *
 * @param where Which runs are counted.
 * @param namespace Whose runs.
 * @returns The statement; `null`: nothing depends on it.
 */
export function narrowCountStatement(
  where: RunCondition | null,
  namespace: string,
): BoundText | null {
  return partsOf(where).some(isPending) ? narrowStatement(countedBy(where), namespace) : null;
}

/** What few runs may have, and queries of all that have it, each by an index. */
function narrowed(
  query: Question,
  namespace: string,
  parameters: Parameters,
): readonly (readonly [Narrow, readonly string[]])[] {
  const from = (where: string) => `select from {schema}.runs as run where ${where}`;
  const parts = partsOf(query.where);
  const prefix = parts.find(isPrefix);
  if (prefix !== undefined) {
    const few = `${condition(prefix, parameters)} and run.namespace = ${parameters.namespace}`;
    return [["prefix", [from(few)]]];
  }
  if (sourceOf(query) === null) return [];
  const pending = [TO_START, "run.given_back"]
    .map((which) => `${from(which)} order by run.wake_at`);
  const own = () => from(inNamespace(parameters.namespace, namespace));
  return [
    ...parts.some(isPending) ? [["pending", pending] as const] : [],
    ...namespace === "default" ? [] : [["namespace", [own()]] as const],
  ];
}

/** Which runs, in which order, from where on. */
type Question = Pick<RunQuery, "where" | "by" | "after">;

/** The first page of what is counted. */
function countedBy(where: RunCondition | null): Question {
  return { where, by: "createdAt", after: null };
}

/**
 * A number of runs.
 *
 * @param where Which runs; `null`: all of the namespace.
 * @param namespace Whose runs.
 * @param limit Where to stop.
 * @param narrow What few runs have, as {@linkcode narrowStatement} finds.
 * @returns The statement, which gives one row with a `count`.
 */
export function countStatement(
  where: RunCondition | null,
  namespace: string,
  limit?: number,
  narrow: Narrow | null = null,
): BoundText {
  const parameters = new Parameters(namespace);
  const source = limit === undefined || narrow !== null ? null : sourceOf(countedBy(where));
  const most = limit === undefined ? "" : `limit ${parameters.add(limit)}::integer`;
  const from = "select from {schema}.runs as run where";
  let text: string;
  if (source === null) {
    text = `${from} ${allOf(partsOf(where), namespace, parameters)} ${most}`;
  } else {
    const { own, held: others } = branches(source, parameters);
    const range = within("known", source, parameters);
    const held = others === null ? "" : `union all (${from} ${others} ${most}) ${most}`;
    text = `${source.cte} (
      select from (${source.specifiers(parameters)}) as known (id)
      cross join lateral (
        ${from} ${range} and ${own}
        order by run.specifier_id desc, run.created_at desc ${most}
      ) as found ${most}
    ) ${held}`;
  }
  return {
    text: `select count(*)::integer as count from (${text}) as counted`,
    values: parameters.values,
  };
}

/** The rows that a statement begins with: the runs of some specifiers. */
interface Source {
  /** Queries their ids. */
  readonly specifiers: (parameters: Parameters) => string;
  /** What that query needs in front of the statement. */
  readonly cte: string;
  /** The states, if none of them is an end: among these, runs at rest have an index. */
  readonly states: readonly string[] | null;
  /** Bounds of the time of creation. */
  readonly times: readonly FieldCondition[];
  /** The other conditions. */
  readonly others: readonly RunCondition[];
  /** The conditions that the specifiers follow from. */
  readonly pins: readonly RunCondition[];
}

/** The states of runs at rest. */
const AT_REST = RUN_STATES.filter((state) =>
  state !== "running" && !(END_STATES as readonly string[]).includes(state)
);

/** Specifiers with runs at rest, found one by one along the index. */
const LIVE_PINS = `with recursive live_pins as (
    (
      select run.specifier_id as id from {schema}.runs as run
      where run.rests order by run.specifier_id limit 1
    )
    union all
    select (
      select run.specifier_id from {schema}.runs as run
      where run.rests and run.specifier_id > live_pins.id order by run.specifier_id limit 1
    )
    from live_pins where live_pins.id is not null
  )`;

/** PAGE-1. `null`: an index gives the page, or the planner knows which one is best. */
function sourceOf({ where, by, after }: Question): Source | null {
  const parts = partsOf(where);
  if (by !== "createdAt" || after?.at === null || parts.some(isFew)) return null;
  const live = parts.find((part) => liveStatesOf(part) !== null);
  if (live !== undefined && liveStatesOf(live)!.every((state) => state === "running")) return null;
  const pins = parts.filter(isPin);
  if (pins.length === 0 && live === undefined) return null;
  const without = parts.filter(isAway);
  return {
    specifiers: (parameters) =>
      [
        pins.length === 0
          ? "select id from live_pins where id is not null"
          : pins.map((pin) => `(${idsOf(pin, parameters)})`).join(" intersect "),
        ...without.map((part) => `except (${idsOf(part, parameters)})`),
      ].join(" "),
    cte: pins.length === 0 ? LIVE_PINS : "",
    states: live === undefined ? null : liveStatesOf(live),
    pins: [...pins, ...without],
    times: parts.filter(isBound),
    others: parts.filter((part) =>
      part !== live && !pins.includes(part) && !without.includes(part) && !isBound(part)
    ),
  };
}

/** Whether an index finds the few runs that meet a condition. */
function isFew(part: RunCondition): boolean {
  switch (part.kind) {
    case "parent":
    case "forksOf":
      return true;
    case "attribute":
      return ["eq", "in", "has"].includes(part.comparison);
    case "field":
      return part.field === "id" && isSet(part) || isUnusual(part);
    default:
      return false;
  }
}

function isPrefix({ kind }: RunCondition): boolean {
  return kind === "prefix";
}

function isSet({ comparison }: FieldCondition): boolean {
  return comparison === "eq" || comparison === "in";
}

/** Whether a condition says which specifiers runs are pinned to. A run is of its version's workflow. */
function isPin(part: RunCondition): boolean {
  return part.kind === "current" && part.isCurrent ||
    part.kind === "field" && (part.field === "version" || part.field === "workflow") &&
      isSet(part);
}

/** Whether it says which specifiers they are not pinned to. */
function isAway(part: RunCondition): boolean {
  return part.kind === "current" && !part.isCurrent ||
    part.kind === "field" && part.field === "version" && part.comparison === "ne";
}

function isBound(part: RunCondition): part is FieldCondition {
  return part.kind === "field" && part.field === "createdAt" && part.comparison !== "ne" &&
    !isSet(part);
}

/** The ids of the specifiers that a condition names: of versions, of current ones, of workflows. */
function idsOf(pin: RunCondition, parameters: Parameters): string {
  if (pin.kind !== "field") return CURRENT_IDS;
  if (pin.field === "version") return specifierIds(pin.values, parameters);
  return `select pinned.id
    from {schema}.workflow_versions as version
    join {schema}.workflow_specifiers as pinned on pinned.hash = version.hash
    where version.workflow = any(${parameters.add(arrayLiteral(pin.values))}::text[])`;
}

/**
 * The conditions on the runs of a source's specifiers, and on those that nodes hold, which do not
 * stand in the index of the runs at rest; `null`: the source needs none of these.
 */
function branches(
  { states, others, pins, times }: Source,
  parameters: Parameters,
): { readonly own: string; readonly held: string | null } {
  // By this comparison no index gives all runs of a namespace, for each of the specifiers again.
  const common = [
    `run.namespace is not distinct from ${parameters.namespace}`,
    ...others.map((part) => condition(part, parameters)),
  ].join(" and ");
  if (states === null) return { own: common, held: null };
  const isAny = AT_REST.every((state) => states.includes(state));
  const own = `${common}${isAny ? "" : ` and ${stateIn(states, parameters)}`} and run.rests`;
  if (!states.includes("running")) return { own, held: null };
  const pinned = [...pins, ...times]
    .map((part) => ` and ${condition(part, parameters)}`).join("");
  return { own, held: `${common}${pinned} and run.state = 'running' and ${HELD}` };
}

function allOf(
  parts: readonly RunCondition[],
  namespace: string,
  parameters: Parameters,
): string {
  const conditions = parts.map((part) => condition(part, parameters));
  return [inNamespace(parameters.namespace, namespace), ...conditions].join(" and ");
}

/**
 * The part of an index that a page of one specifier reads, from one end to the other. By equality of
 * the specifier runs_by_creation would do, which reads all runs for a version that none of the newest
 * is on. By the columns of the index together the planner expects many runs, and reads them in order.
 */
function within(
  pin: string,
  { times }: Source,
  parameters: Parameters,
  { after, descending }: Pick<RunQuery, "after" | "descending"> = { after: null, descending: true },
): string {
  const [ahead, behind, end] = descending ? ["<", ">=", "infinity"] : [">", "<=", "-infinity"];
  const at = (value: string | number) => timestamp(`${parameters.add(value)}::float8`);
  const beyond = after === null
    ? `(run.specifier_id, run.created_at) ${ahead}= (${pin}.id, '${end}'::timestamptz)`
    : `(run.specifier_id, run.created_at, run.id) ${ahead} (${pin}.id, ${at(after.at!)}, ${
      parameters.add(after.id)
    }::bigint)`;
  const bounds = times.map(({ comparison, values }) =>
    `(run.specifier_id, run.created_at) ${OPERATORS[comparison as "lt"]} (${pin}.id, ${
      at(values[0]!)
    })`
  );
  return [beyond, ...bounds, `run.specifier_id ${behind} ${pin}.id`].join(" and ");
}

/** PAGE-1: the page is among one page of each specifier whose newest run is among the newest. */
function pinnedPage(query: RunQuery, source: Source, parameters: Parameters): string {
  const direction = query.descending ? "desc" : "asc";
  const by = (row: string) => `${row}.created_at ${direction}, ${row}.id ${direction}`;
  const limit = `limit ${parameters.add(query.limit)}::integer`;
  const { own, held } = branches(source, parameters);
  const ofPin = (pin: string, columns: string, most: string) => `
      select ${columns} from {schema}.runs as run
      where ${within(pin, source, parameters, query)} and ${own}
      order by run.specifier_id ${direction}, ${by("run")} ${most}`;
  const rest = held === null ? "" : `
    union all (
      select run.* from {schema}.runs as run
      where ${held}${query.after === null ? "" : ` and ${follows(query, query.after, parameters)}`}
      order by ${by("run")} ${limit}
    )`;
  const rows = `(
    select found.* from (
      select known.id from (${source.specifiers(parameters)}) as known (id)
      cross join lateral (${ofPin("known", "run.created_at, run.id", "limit 1")}) as first
      order by ${by("first")} ${limit}
    ) as pin
    cross join lateral (${ofPin("pin", "run.*", limit)}) as found${rest}
  )`;
  return `${source.cte} ${runFrom(rows)} order by ${by("run")} ${limit}`;
}

/** A page in the order of an index, or of the few runs that an index finds. */
function plainPage(
  query: RunQuery,
  namespace: string,
  parameters: Parameters,
  narrow: Narrow | null,
): string {
  const { by, after } = query;
  const direction = query.descending ? "desc" : "asc";
  const parts = partsOf(query.where);
  const isFewOf = { prefix: isPrefix, pending: isPending, namespace: () => false };
  const few = narrow === null ? [] : parts.filter(isFewOf[narrow]);
  const rest = parts.filter((part) => !few.includes(part));
  const conditions = rest.map((part) => condition(part, parameters));
  const among = [
    inNamespace(parameters.namespace, namespace),
    ...few.map((part) => condition(part, parameters)),
  ].join(" and ");
  if (narrow === null) conditions.unshift(among);
  if (by === "troubleAt") conditions.push("run.trouble_at is not null");
  if (after !== null) conditions.push(follows(query, after, parameters));
  // An offset keeps the planner from reading the runs in another order.
  const run = narrow === null
    ? RUN
    : runFrom(`(select * from {schema}.runs as run where ${among} offset 0)`);
  const where = conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
  // createdAt is never null: without the clause an index gives the order in both directions.
  const nulls = by === "createdAt" || by === "troubleAt" ? "" : " nulls last";
  return `${run} ${where}
    order by ${COLUMNS[by]} ${direction}${nulls}, run.id ${direction}
    limit ${parameters.add(query.limit)}::integer`;
}

/** Rows after the last one of the page before, in a total order: by time, then by key. */
function follows(
  { by, descending }: RunQuery,
  { at, id }: NonNullable<RunQuery["after"]>,
  parameters: Parameters,
): string {
  const column = COLUMNS[by];
  const beyond = descending ? "<" : ">";
  const key = `${parameters.add(id)}::bigint`;
  if (at === null) return `(${column} is null and run.id ${beyond} ${key})`;
  const time = timestamp(`${parameters.add(at)}::float8`);
  const later = `(${column}, run.id) ${beyond} (${time}, ${key})`;
  return by === "createdAt" || by === "troubleAt" ? later : `(${later} or ${column} is null)`;
}
