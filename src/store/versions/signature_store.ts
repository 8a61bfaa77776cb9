/**
 * Signatures of versions. Their rows prove nothing by themselves (SIGNED-3 of
 * `version/signing/signatures.ts`), and stay when a version is removed: it may be registered again.
 *
 * @module
 */

import type { SignatureStore, StoredSignature } from "../../ports/signatures.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { CLOCK, storable } from "../sql/fragments.ts";
import { NUMBER, TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { type Prepared, rows, statement } from "../sql/statement.ts";

const ADDED = { hash: TEXTS, key: TEXTS, workflow: TEXTS, signature: TEXTS };

const STATEMENTS = {
  // Rows in the order of their keys: any number of processes may add the same ones at once.
  add: statement(
    ADDED,
    rows<{ readonly hash: string }>(),
    `
  insert into {schema}.version_signatures (hash, key, workflow, signature)
  select hash, key, workflow, signature from ${unnested("given", ADDED)} order by hash, key
  on conflict (hash, key) do update set
    workflow = excluded.workflow, signature = excluded.signature, added_at = ${CLOCK}
    where (version_signatures.workflow, version_signatures.signature)
      is distinct from (excluded.workflow, excluded.signature)
  returning hash`,
  ),

  of: statement(
    { hash: TEXT, keys: TEXTS, limit: NUMBER },
    rows<StoredSignature>(),
    `
  select workflow, hash, key, signature from {schema}.version_signatures
  where hash = $hash order by key = any($keys::text[]) desc, key limit $limit::integer`,
  ),
};

/** {@linkcode SignatureStore} in SQL. */
export class VersionSignatures implements SignatureStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode SignatureStore.add}. */
  async add(signatures: readonly StoredSignature[]): Promise<string[]> {
    // A statement may change a row once.
    const distinct = new Map(signatures.map((each) => [`${each.hash} ${each.key}`, each]));
    const given = [...distinct.values()];
    if (given.length === 0) return [];
    for (const { workflow } of given) storable("a workflow's name", workflow);
    const added = await this.#sql.add.query(this.#driver, {
      hash: given.map(({ hash }) => hash),
      key: given.map(({ key }) => key),
      workflow: given.map(({ workflow }) => workflow),
      signature: given.map(({ signature }) => signature),
    });
    return [...new Set(added.map(({ hash }) => hash))];
  }

  /** See {@linkcode SignatureStore.of}. */
  async of(hash: string, keys: readonly string[], limit: number): Promise<StoredSignature[]> {
    return await this.#sql.of.query(this.#driver, { hash, keys, limit });
  }
}
