/**
 * Questions about runs, as SQL. Names come from closed lists, values go in as parameters: nothing
 * that a caller writes becomes a part of a statement.
 *
 * @module
 */

import type { Comparison, RunCondition, RunField, RunQuery } from "../../ports/run_query.ts";
import { END_STATES, RUN_STATES } from "../../ports/rows.ts";
import type { SqlValue } from "../sql/driver.ts";
import { RUN, runFrom } from "./fragments.ts";
import { arrayLiteral, timestamp } from "../sql/fragments.ts";

/** A text for one question with its values, and with `{schema}` still open. */
export interface BoundText {
  /** Its text. */
  readonly text: string;
  /** Its parameters. */
  readonly values: readonly SqlValue[];
}

const COLUMNS: Readonly<Record<RunField | "troubleAt", string>> = {
  id: "run.run_id",
  workflow: "run.workflow",
  state: "run.state",
  version: `(
    select pinned.hash from {schema}.workflow_specifiers as pinned where pinned.id = run.specifier_id
  )`,
  createdAt: "run.created_at",
  startedAt: "run.started_at",
  endedAt: "run.ended_at",
  troubleAt: "run.trouble_at",
};

const ENDS: ReadonlySet<string> = new Set(END_STATES);
const TROUBLES: ReadonlySet<string> = new Set([
  "failed",
  ...RUN_STATES.filter((state) => state.startsWith("stuck_")),
]);

const OPERATORS: Readonly<Record<Comparison, string>> = {
  eq: "=",
  ne: "<>",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
};

/**
 * The runs of a namespace, as a condition that their index on creation is found by.
 *
 * @param parameter The placeholder of its name.
 * @param namespace The name.
 * @returns The condition on `run`.
 */
export function inNamespace(parameter: string, namespace: string): string {
  const side = namespace === "default" ? "=" : "<>";
  return `run.namespace = ${parameter} and run.namespace ${side} 'default'`;
}

/** Text is compared by its bytes, so that a page does not depend on the database's locale. */
const BYTES = ' collate "C"';

/**
 * A page of runs.
 *
 * @param query Which page.
 * @param namespace Whose runs.
 * @returns The statement.
 */
export function queryStatement(query: RunQuery, namespace: string): BoundText {
  const parameters = new Parameters(namespace);
  const { by, after } = query;
  const conditions = [inNamespace(parameters.namespace, namespace)];
  const group = groupOf(query, parameters);
  conditions.push(
    ...partsOf(query.where).filter((part) => part !== group?.part)
      .map((part) => condition(part, parameters)),
  );
  if (by === "troubleAt") conditions.push("run.trouble_at is not null");
  if (after !== null) conditions.push(follows(query, after, parameters));
  const where = conditions.join(" and ");
  const direction = query.descending ? "desc" : "asc";
  // createdAt is never null: without the clause an index gives the order in both directions.
  const nulls = by === "createdAt" || by === "troubleAt" ? "" : " nulls last";
  const limit = `limit ${parameters.add(query.limit)}::integer`;
  const times = `${COLUMNS[by]} ${direction}${nulls}, run.id ${direction}`;
  const order = `order by ${times}`;
  if (group === undefined) {
    return { text: `${RUN} where ${where} ${order} ${limit}`, values: parameters.values };
  }
  // One page of each key: the page is among these rows. By a range and by that order, only the index
  // on the column gives them; by equality, runs_by_creation would do, which reads all runs for a key
  // that none of the newest has.
  const { column, keys } = group;
  const found = `(
    select found.* from (${keys}) as known (id)
    cross join lateral (
      select run.* from {schema}.runs as run
      where run.${column} between known.id and known.id and ${where}
      order by run.${column} ${direction}, ${times} ${limit}
    ) as found
  )`;
  return { text: `${runFrom(found)} ${order} ${limit}`, values: parameters.values };
}

/**
 * A number of runs.
 *
 * @param where Which runs; `null`: all of the namespace.
 * @param namespace Whose runs.
 * @param limit Where to stop.
 * @returns The statement, which gives one row with a `count`.
 */
export function countStatement(
  where: RunCondition | null,
  namespace: string,
  limit?: number,
): BoundText {
  const parameters = new Parameters(namespace);
  const conditions = [inNamespace(parameters.namespace, namespace)];
  if (where !== null) conditions.push(condition(where, parameters));
  const from = `from {schema}.runs as run where ${conditions.join(" and ")}`;
  const text = limit === undefined
    ? `select count(*)::integer as count ${from}`
    : `select count(*)::integer as count
      from (select ${from} limit ${parameters.add(limit)}::integer) as counted`;
  return { text, values: parameters.values };
}

type FieldCondition = Extract<RunCondition, { kind: "field" }>;

type Referring = Extract<RunCondition, { kind: "parent" | "forksOf" }>;

/** The conditions that all hold. */
function partsOf(where: RunCondition | null): readonly RunCondition[] {
  if (where === null) return [];
  return where.kind === "and" ? where.parts.flatMap(partsOf) : [where];
}

/** A condition that all runs meet and that an index of few runs answers, for pages by creation. */
function groupOf({ where, by }: RunQuery, parameters: Parameters) {
  if (by !== "createdAt") return undefined;
  const parts = partsOf(where);
  const refers = parts.find((part): part is Referring =>
    part.kind === "parent" || part.kind === "forksOf"
  );
  if (refers !== undefined) {
    const keys = `select ${keyOf(refers.id, parameters)}`;
    return { part: refers, column: REFERENCES[refers.kind], keys };
  }
  const pinned = parts.find((part): part is FieldCondition =>
    part.kind === "field" && part.field === "version" &&
    (part.comparison === "eq" || part.comparison === "in")
  );
  return pinned &&
    { part: pinned, column: "specifier_id", keys: specifierIds(pinned.values, parameters) };
}

/** The columns that hold the key of another run. */
const REFERENCES = { parent: "parent", forksOf: "origin" } as const;

/** The key of a run of the same namespace. */
function keyOf(id: string, parameters: Parameters): string {
  return `(
    select over.id from {schema}.runs as over
    where over.run_id = ${parameters.add(id)}::text and over.namespace = ${parameters.namespace}
  )`;
}

function specifierIds(versions: readonly (string | number)[], parameters: Parameters): string {
  return `select pinned.id from {schema}.workflow_specifiers as pinned
    where pinned.hash = any(${parameters.add(arrayLiteral(versions))}::text[])`;
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

function condition(where: RunCondition, parameters: Parameters): string {
  switch (where.kind) {
    case "and":
    case "or":
      return `(${where.parts.map((part) => condition(part, parameters)).join(` ${where.kind} `)})`;
    case "field":
      return fieldCondition(where, parameters);
    case "prefix":
      return prefixCondition(where.prefix, parameters);
    case "parent":
    case "forksOf":
      return `run.${REFERENCES[where.kind]} = ${keyOf(where.id, parameters)}`;
    case "attribute":
      return attributeCondition(where, parameters);
  }
}

/** A range of ids, which the index on ids finds: their column compares by bytes. */
function prefixCondition(prefix: string, parameters: Parameters): string {
  const from = `run.run_id >= ${parameters.add(prefix)}::text`;
  const end = endOfPrefix(prefix);
  return end === "" ? from : `(${from} and run.run_id < ${parameters.add(end)}::text)`;
}

/**
 * The first text after all texts with a prefix, in the order of code points, which is that of their
 * bytes in UTF-8.
 *
 * @param prefix The prefix.
 * @returns That text; empty if no text comes after them.
 */
function endOfPrefix(prefix: string): string {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return "";
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

function fieldCondition(
  { field, comparison, values }: FieldCondition,
  parameters: Parameters,
): string {
  const column = COLUMNS[field];
  const isTime = typeof values[0] === "number";
  const isSet = comparison === "in" || comparison === "eq";
  if (field === "version" && isSet) {
    return `run.specifier_id = any(array(${specifierIds(values, parameters)}))`;
  }
  if (field === "state" && isSet) return inStates(values as readonly string[], parameters);
  if (comparison === "in") {
    if (!isTime) return `${column} = any(${parameters.add(arrayLiteral(values))}::text[])`;
    const times = values.map((value) => timestamp(`${parameters.add(value)}::float8`));
    return `${column} in (${times.join(", ")})`;
  }
  const operator = OPERATORS[comparison];
  if (isTime) return `${column} ${operator} ${timestamp(`${parameters.add(values[0]!)}::float8`)}`;
  const isRange = comparison !== "eq" && comparison !== "ne";
  return `${column}${isRange ? BYTES : ""} ${operator} ${parameters.add(values[0]!)}::text`;
}

/**
 * States, with what follows from them and has an index: few runs need a look, and few of those that
 * a database holds are live. `leases` lists all that nodes hold (RUN-2).
 */
function inStates(states: readonly string[], parameters: Parameters): string {
  const wanted = `run.state = any(${parameters.add(arrayLiteral(states))}::text[])`;
  if (states.length === 0) return wanted;
  if (states.every((state) => TROUBLES.has(state))) {
    return `(${wanted} and run.trouble_at is not null)`;
  }
  if (states.some((state) => ENDS.has(state))) return wanted;
  const held = "run.id = any(array(select unnest(lease.runs) from {schema}.leases as lease))";
  const live = [
    ...states.some((state) => state !== "running") ? ["run.rests"] : [],
    ...states.includes("running") ? [held] : [],
  ];
  return `(${wanted} and (${live.join(" or ")}))`;
}

/** JSON values compare by type first; a range looks at values of its own type alone. */
function attributeCondition(
  { path, comparison, values }: Extract<RunCondition, { kind: "attribute" }>,
  parameters: Parameters,
): string {
  switch (comparison) {
    case "in":
      return values.length === 0
        ? "false"
        : `(${values.map((value) => equals(path, value, parameters)).join(" or ")})`;
    case "eq":
      return equals(path, values[0]!, parameters);
    case "has":
      return contains(path, `[${values[0]!}]`, parameters);
    default: {
      const found = `run.attributes #> ${parameters.add(arrayLiteral(path))}::text[]`;
      const wanted = parameters.add(values[0]!);
      if (comparison === "ne") return `(${found}) <> ${wanted}::text::jsonb`;
      const typed = `jsonb_typeof(${found}) = jsonb_typeof(${wanted}::text::jsonb)`;
      if (!values[0]!.startsWith('"')) {
        return `(${typed} and (${found}) ${OPERATORS[comparison]} ${wanted}::text::jsonb)`;
      }
      const text = `(${found}) #>> '{}'`;
      return `(${typed} and (${text})${BYTES} ${OPERATORS[comparison]} ` +
        `(${wanted}::text::jsonb #>> '{}'))`;
    }
  }
}

/** The index finds what holds the value; an array or object may hold more than that. */
function equals(path: readonly string[], value: string, parameters: Parameters): string {
  const held = contains(path, value, parameters);
  if (!/^[[{]/.test(value)) return held;
  const found = `run.attributes #> ${parameters.add(arrayLiteral(path))}::text[]`;
  return `(${held} and (${found}) = ${parameters.add(value)}::text::jsonb)`;
}

function contains(path: readonly string[], value: string, parameters: Parameters): string {
  const held = path.reduceRight((inner, name) => `{${JSON.stringify(name)}:${inner}}`, value);
  return `(run.attributes <> '{}' and run.attributes @> ${parameters.add(held)}::text::jsonb)`;
}

/** Parameters of one statement, as they come up. */
class Parameters {
  readonly values: SqlValue[] = [];
  /** The placeholder of the namespace. */
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = this.add(namespace);
  }

  /** Adds a value, and answers with its placeholder. */
  add(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}
