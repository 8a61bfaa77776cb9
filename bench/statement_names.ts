/**
 * What the statements of the store are called: by file and name, as in `journal.append`.
 *
 * @module
 */

import { Collection } from "../src/store/versions/collect.ts";
import { Deliveries } from "../src/store/runs/deliveries.ts";
import type { SqlDriver } from "../src/store/sql/driver.ts";
import { HealthFacts } from "../src/store/health.ts";
import { RunInserts } from "../src/store/runs/inserts.ts";
import { Journal } from "../src/store/journal/append.ts";
import { Lineage } from "../src/store/lineage.ts";
import { Nodes } from "../src/store/nodes.ts";
import { Runs } from "../src/store/runs/run_store.ts";
import { Schedules } from "../src/store/schedules/schedule_store.ts";
import { SchemaName } from "../src/store/schema/name.ts";
import { Tasks } from "../src/store/tasks/task_store.ts";
import type { AnyStatement, Prepared } from "../src/store/sql/statement.ts";
import { PatchRuns } from "../src/store/versions/patch_runs.ts";
import { Versions } from "../src/store/versions/version_store.ts";

/** A schema that notes which texts are filled under which names. */
class NotingSchema extends SchemaName {
  readonly names = new Map<string, string>();
  area = "";

  override prepare<Statements extends Readonly<Record<string, AnyStatement>>>(
    statements: Statements,
  ): Prepared<Statements> {
    const prepared: Record<string, unknown> = {};
    for (const [name, statement] of Object.entries(statements)) {
      prepared[name] = statement.prepare((text) => {
        const filled = super.fill(text);
        this.names.set(filled, this.names.get(filled) ?? `${this.area}.${name}`);
        return filled;
      });
    }
    return prepared as Prepared<Statements>;
  }
}

/** Prepares every statement of the store in a schema, and notes its name. */
function noted(schema: string): ReadonlyMap<string, string> {
  const noting = new NotingSchema(schema);
  const driver = {} as SqlDriver; // preparing asks nothing
  const areas: Readonly<Record<string, () => unknown>> = {
    inserts: () => new RunInserts(noting),
    deliveries: () => new Deliveries(driver, noting, "default"),
    journal: () => new Journal(driver, noting),
    runs: () => new Runs(driver, noting),
    lineage: () => new Lineage(driver, noting),
    tasks: () => new Tasks(driver, noting),
    nodes: () => new Nodes(driver, noting),
    versions: () => new Versions(driver, noting),
    patches: () => new PatchRuns(driver, noting),
    collection: () => new Collection(driver, noting),
    schedules: () => new Schedules(driver, noting),
    health: () => new HealthFacts(driver, noting),
  };
  for (const [area, prepare] of Object.entries(areas)) {
    noting.area = area;
    prepare();
  }
  return noting.names;
}

/**
 * Names statements by their texts.
 *
 * @param schema The schema that stands in the texts.
 * @returns The name of a statement; for others what they begin with.
 */
export function statementNames(schema: string): (text: string) => string {
  const names = noted(schema);
  return (text) =>
    names.get(text) ?? (text.includes("pg_notify") ? "notify" : text.trim().slice(0, 40));
}

/**
 * Checks that statements have these names, so that a test which watches them is not blind after one
 * was renamed.
 *
 * @param names Names, as in `journal.append`.
 * @returns The same names.
 * @throws {Error} If no statement has one of the names.
 */
export function statementsNamed<Name extends string>(...names: Name[]): ReadonlySet<string> {
  const known = new Set(noted("continuum").values());
  for (const name of names) {
    if (!known.has(name)) throw new Error(`No statement of the store is called ${name}`);
  }
  return new Set<string>(names);
}
