/**
 * Conditions on runs, as SQL. Names come from closed lists, values go in as parameters: nothing
 * that a caller writes becomes a part of a statement.
 *
 * @module
 */

import type { Comparison, RunCondition, RunField } from "../../ports/run_query.ts";
import { END_STATES, RUN_STATES } from "../../ports/rows.ts";
import type { SqlValue } from "../sql/driver.ts";
import { arrayLiteral, timestamp } from "../sql/fragments.ts";

/** A condition on a field. */
export type FieldCondition = Extract<RunCondition, { kind: "field" }>;

/** The columns of the fields, and of the sort keys. */
export const COLUMNS: Readonly<Record<RunField | "troubleAt", string>> = {
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
const HALTS: ReadonlySet<string> = new Set(["cancelled", "terminated", "paused", "queued"]);

/** What holds for a run that is due at some time and has not begun, by an index. */
export const TO_START = "run.wake_at is not null and run.started_at is null";

/** What holds for pending runs, each half by an index: a node has held the others, and gave them back. */
const PENDING = `(${TO_START} or run.given_back)`;

/** What holds for a run that a node holds: `leases` lists them all (RUN-2). */
export const HELD = "run.id = any(array(select unnest(lease.runs) from {schema}.leases as lease))";

/** The operators of comparisons. */
export const OPERATORS: Readonly<Record<Comparison, string>> = {
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
 * The conditions that must all hold.
 *
 * @param where The condition.
 * @returns Its parts.
 */
export function partsOf(where: RunCondition | null): readonly RunCondition[] {
  if (where === null) return [];
  return where.kind === "and" ? where.parts.flatMap(partsOf) : [where];
}

/**
 * Specifiers of versions, as runs refer to them.
 *
 * @param versions The hashes.
 * @param parameters The parameters of the statement.
 * @returns The SQL of a query of ids.
 */
export function specifierIds(
  versions: readonly (string | number)[],
  parameters: Parameters,
): string {
  return `select pinned.id from {schema}.workflow_specifiers as pinned
    where pinned.hash = any(${parameters.add(arrayLiteral(versions))}::text[])`;
}

/** The specifiers of the versions that are current. */
export const CURRENT_IDS = `select pinned.id
    from {schema}.workflows as named
    join {schema}.workflow_specifiers as pinned on pinned.hash = named.current_hash`;

/**
 * Writes a condition.
 *
 * @param where The condition.
 * @param parameters The parameters of the statement.
 * @returns A condition on `run`.
 */
export function condition(where: RunCondition, parameters: Parameters): string {
  switch (where.kind) {
    case "and":
    case "or":
      return `(${where.parts.map((part) => condition(part, parameters)).join(` ${where.kind} `)})`;
    case "field":
      return fieldCondition(where, parameters);
    case "prefix":
      return prefixCondition(where.prefix, parameters);
    case "parent":
      return refersTo("parent", where.id, parameters);
    case "forksOf":
      return refersTo("origin", where.id, parameters);
    case "current":
      return `run.specifier_id ${where.isCurrent ? "" : "not "}in (${CURRENT_IDS})`;
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

function refersTo(column: "parent" | "origin", id: string, parameters: Parameters): string {
  return `run.${column} = (
    select over.id from {schema}.runs as over
    where over.run_id = ${parameters.add(id)}::text and over.namespace = ${parameters.namespace}
  )`;
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
  if (field === "version" && comparison === "ne") {
    return `run.specifier_id not in (${specifierIds(values, parameters)})`;
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
 * The states that a condition names, if no run in one of them has ended.
 *
 * @param where The condition.
 * @returns The states; `null`: it names none, or one of an ended run.
 */
export function liveStatesOf(where: RunCondition): readonly string[] | null {
  if (where.kind !== "field" || where.field !== "state") return null;
  if (where.comparison !== "eq" && where.comparison !== "in") return null;
  const states = where.values as readonly string[];
  return states.length > 0 && !states.some((state) => ENDS.has(state)) ? states : null;
}

/**
 * Whether a condition names pending runs, and none that suspended: usually few, which indexes list.
 *
 * @param where The condition.
 * @returns Whether it does.
 */
export function isPending(where: RunCondition): boolean {
  const states = liveStatesOf(where);
  return states !== null && states.includes("pending") && !states.includes("suspended");
}

/**
 * Whether a condition names only states in which few runs are, which indexes list.
 *
 * @param where The condition.
 * @returns Whether it does.
 */
export function isUnusual(where: RunCondition): boolean {
  return where.kind === "field" && where.field === "state" &&
    (where.comparison === "eq" || where.comparison === "in") &&
    (where.values as readonly string[]).every((state) => TROUBLES.has(state) || HALTS.has(state));
}

/**
 * States, with what follows from them and has an index: few runs need a look or were halted, and
 * few of those that a database holds are live.
 */
function inStates(states: readonly string[], parameters: Parameters): string {
  const wanted = stateIn(states, parameters);
  if (states.length === 0) return wanted;
  if (states.every((state) => TROUBLES.has(state) || HALTS.has(state))) {
    const listed = [
      ...states.some((state) => TROUBLES.has(state)) ? ["run.trouble_at is not null"] : [],
      ...states.some((state) => HALTS.has(state)) ? ["run.halted"] : [],
    ];
    return `(${wanted} and (${listed.join(" or ")}))`;
  }
  if (states.some((state) => ENDS.has(state))) return wanted;
  const live = [
    ...states.includes("suspended") ? ["run.rests"] : [
      ...states.includes("pending") ? [PENDING] : [],
      ...states.some((state) => TROUBLES.has(state)) ? ["run.trouble_at is not null"] : [],
      ...states.some((state) => HALTS.has(state)) ? ["run.halted"] : [],
    ],
    ...states.includes("running") ? [HELD] : [],
  ];
  return `(${wanted} and (${live.join(" or ")}))`;
}

/**
 * The states themselves, without what follows from them.
 *
 * @param states The states.
 * @param parameters The parameters of the statement.
 * @returns A condition on `run`.
 */
export function stateIn(states: readonly string[], parameters: Parameters): string {
  return `run.state = any(${parameters.add(arrayLiteral(states))}::text[])`;
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
export class Parameters {
  /** Their values. */
  readonly values: SqlValue[] = [];
  readonly #namespace: string;
  #placeholder: string | undefined;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** The placeholder of the namespace; it is a parameter from its first use on. */
  get namespace(): string {
    return this.#placeholder ??= this.add(this.#namespace);
  }

  /** Adds a value, and answers with its placeholder. */
  add(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}
