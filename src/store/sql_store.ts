/**
 * The store: all table families over one driver.
 *
 * @module
 */

import type { Outcome } from "../ports/outcome.ts";
import type { MigrateMode, Patience, Store, StoreTransaction } from "../ports/store.ts";
import { limited } from "./sql/bounded.ts";
import type { SqlDriver, SqlValue } from "./sql/driver.ts";
import { Bulk } from "./bulk/bulk_store.ts";
import { HealthFacts } from "./health.ts";
import { Journal } from "./journal/append.ts";
import { insideTransaction } from "./inside.ts";
import { Forks } from "./forks.ts";
import { Limits } from "./limits/limit_store.ts";
import { Lineage } from "./lineage.ts";
import { migrate } from "./schema/migrate.ts";
import { Nodes } from "./nodes.ts";
import { SqlNotices } from "./notices.ts";
import { Operations } from "./operations/operation_store.ts";
import { Repairs } from "./repairs.ts";
import { Retention } from "./retention/remove.ts";
import { Runs } from "./runs/run_store.ts";
import { Schedules } from "./schedules/schedule_store.ts";
import type { SchemaName } from "./schema/name.ts";
import { CLOCK, milliseconds } from "./sql/fragments.ts";
import { isStandstill, outcomeOf } from "./sql/sqlstate.ts";
import { Tasks } from "./tasks/task_store.ts";
import { Collection } from "./versions/collect.ts";
import { PatchRuns } from "./versions/patch_runs.ts";
import { VersionSignatures } from "./versions/signature_store.ts";
import { Denials } from "./versions/denial_store.ts";
import { Versions } from "./versions/version_store.ts";

const NOW = `select ${milliseconds(CLOCK)} as now`;

/** {@linkcode Store} over any {@linkcode SqlDriver}. */
export class SqlStore implements Store {
  /** See {@linkcode Store.description}. */
  readonly description: string;
  /** See {@linkcode Store.journal}. */
  readonly journal: Journal;
  /** See {@linkcode Store.runs}. */
  readonly runs: Runs;
  /** See {@linkcode Store.limits}. */
  readonly limits: Limits;
  /** See {@linkcode Store.lineage}. */
  readonly lineage: Lineage;
  /** See {@linkcode Store.bulk}. */
  readonly bulk: Bulk;
  /** See {@linkcode Store.forks}. */
  readonly forks: Forks;
  /** See {@linkcode Store.tasks}. */
  readonly tasks: Tasks;
  /** See {@linkcode Store.nodes}. */
  readonly nodes: Nodes;
  /** See {@linkcode Store.versions}. */
  readonly versions: Versions;
  /** See {@linkcode Store.schedules}. */
  readonly schedules: Schedules;
  /** See {@linkcode Store.denials}. */
  readonly denials: Denials;
  /** See {@linkcode Store.signatures}. */
  readonly signatures: VersionSignatures;
  /** See {@linkcode Store.patches}. */
  readonly patches: PatchRuns;
  /** See {@linkcode Store.collection}. */
  readonly collection: Collection;
  /** See {@linkcode Store.retention}. */
  readonly retention: Retention;
  /** See {@linkcode Store.health}. */
  readonly health: HealthFacts;
  /** See {@linkcode Store.repairs}. */
  readonly repairs: Repairs;
  /** See {@linkcode Store.operations}. */
  readonly operations: Operations;
  /** See {@linkcode Store.notices}. */
  readonly notices: SqlNotices;
  readonly #driver: SqlDriver;
  readonly #life: { isClosed: boolean };
  readonly #schema: SchemaName;

  /**
   * Creates the parts of the store; asks the database nothing.
   *
   * @param driver The database; the store closes it.
   * @param schema The schema of the tables.
   * @param description The database's name in messages, without secrets.
   * @param life Whether the database was closed; that of another store over it, if there is one.
   */
  constructor(
    driver: SqlDriver,
    schema: SchemaName,
    description: string,
    life: { isClosed: boolean } = { isClosed: false },
  ) {
    this.description = description;
    this.#life = life;
    this.#driver = driver;
    this.#schema = schema;
    this.journal = new Journal(driver, schema);
    this.runs = new Runs(driver, schema);
    this.lineage = new Lineage(driver, schema);
    this.limits = new Limits(driver, schema);
    this.bulk = new Bulk(driver, schema);
    this.forks = new Forks(driver, schema);
    this.tasks = new Tasks(driver, schema);
    this.nodes = new Nodes(driver, schema);
    this.versions = new Versions(driver, schema);
    this.denials = new Denials(driver, schema);
    this.signatures = new VersionSignatures(driver, schema);
    this.schedules = new Schedules(driver, schema);
    this.patches = new PatchRuns(driver, schema);
    this.collection = new Collection(driver, schema);
    this.retention = new Retention(driver, schema);
    this.health = new HealthFacts(driver, schema);
    this.repairs = new Repairs(driver, schema, this.nodes);
    this.operations = new Operations(driver, schema, (work) => insideTransaction(this, work));
    this.notices = new SqlNotices(driver, schema);
  }

  /** See {@linkcode Store.exclusive}. */
  get exclusive(): boolean {
    return this.#driver.exclusive;
  }

  /** See {@linkcode Store.isClosed}. */
  get isClosed(): boolean {
    return this.#life.isClosed;
  }

  /** See {@linkcode Store.migrate}. */
  async migrate(mode?: MigrateMode, executes?: boolean): Promise<void> {
    await migrate(this.#driver, this.#schema, mode, executes);
  }

  /** See {@linkcode Store.now}. */
  async now(): Promise<number> {
    const [row] = await this.#driver.query<{ now: number }>(NOW);
    return row!.now;
  }

  /** See {@linkcode Store.within}. */
  within(patience: Patience): Store {
    return new SqlStore(
      limited(this.#driver, patience),
      this.#schema,
      this.description,
      this.#life,
    );
  }

  /** See {@linkcode Store.outcomeOf}. */
  outcomeOf(error: unknown): Outcome {
    return outcomeOf(error);
  }

  /** See {@linkcode Store.isStandstill}. */
  isStandstill(error: unknown): boolean {
    return isStandstill(error);
  }

  /** See {@linkcode Store.transact}. */
  async transact(work: (transaction: StoreTransaction) => Promise<void>): Promise<void> {
    await this.#driver.transaction((session) =>
      insideTransaction(this, () =>
        work({
          query: (text, values = []) => session.query(text, values as SqlValue[]),
          client: session.client,
          commit: (entry) => this.journal.commitOn(session, entry),
        })), { isUsers: true });
  }

  /** Closes the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.isClosed = true;
    await this.#driver.close();
  }
}
