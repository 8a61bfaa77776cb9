/**
 * Versions: the registry and the archive.
 *
 * - CATALOG-1, bytes first: in one transaction blobs, then the version, then what points at it; rows of a
 *   table in the order of their keys. So any number of processes may register at once.
 * - CATALOG-2, repair: bytes and manifests certify themselves by their key, so what was damaged in the
 *   database is put right by the next registration.
 * - CATALOG-3, current: a version becomes current when it first comes in its own right, not when it comes
 *   up again. One that comes as part of another becomes so where there is none, and never answers
 *   for a specifier in place of one that came in its own right. One that a start brings becomes
 *   current nowhere, and yields in the same way.
 * - CATALOG-4, written again: modules that are stored already are not sent. If a collection removes one
 *   before the version refers to it, the foreign key refuses the transaction, and it is repeated.
 *
 * @module
 */

import { isStorable, legibleJson } from "../../base/text.ts";
import type {
  LoadFailureRow,
  NeededVersionRow,
  NewVersion,
  RegisteredVersion,
  StuckReason,
  VersionRow,
} from "../../ports/rows.ts";
import type { Patience, VersionStore } from "../../ports/store.ts";
import type { VersionQuery, VersionUsage } from "../../ports/version_usage.ts";
import { bounded } from "../sql/bounded.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import type { SchemaName } from "../schema/name.ts";
import { storable } from "../sql/fragments.ts";
import { isForeignKeyViolation } from "../sql/sqlstate.ts";
import type { Prepared, ValuesOf } from "../sql/statement.ts";
import { whereRegistered } from "./registered.ts";
import { type RawVersion, type REGISTERED, VERSION_STATEMENTS } from "./statements.ts";
import { type PageOptions, type RawUsage, USAGE_STATEMENTS } from "./usage_statements.ts";

/** Bytes that are sent, or asked for, at a time. */
const CHUNK_BYTES = 4 << 20;

/** CATALOG-4: each repetition follows the commit of a collection. */
const MAX_TRIES = 20;

/** Blobs that are asked for at a time. */
const CHUNK_BLOBS = 500;

const STATEMENTS = { ...VERSION_STATEMENTS, ...USAGE_STATEMENTS };

/** {@linkcode VersionStore} in SQL. */
export class Versions implements VersionStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;

  /**
   * Prepares the statements on versions.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode VersionStore.register}. */
  async register(version: NewVersion): Promise<RegisteredVersion> {
    const { hash, workflow, label, manifest, specifier, blobs } = version;
    const contract = version.contract ? legibleJson(version.contract) : null;
    storable("a workflow's name", workflow);
    storable("a version's label", label ?? "");
    storable("a manifest", manifest);
    storable("a specifier", specifier);
    storable("a list of packages", version.packages?.list ?? "");
    const registered = { hash, workflow, label, manifest, archived: blobs !== null, contract };
    for (let tries = 1;; tries++) {
      try {
        return await this.#driver.transaction((session) =>
          this.#register(session, version, registered)
        );
      } catch (error) {
        if (!isForeignKeyViolation(error) || tries === MAX_TRIES) throw error; // CATALOG-4
      }
    }
  }

  async #register(
    session: SqlSession,
    version: NewVersion,
    registered: ValuesOf<typeof REGISTERED>,
  ): Promise<RegisteredVersion> {
    const { hash, workflow, blobs, packages = null } = version;
    const sql = this.#sql;
    const stored = new Map([...blobs ?? [], ...packages?.blobs ?? []]);
    if (stored.size > 0) await this.#storeBlobs(session, stored);
    const [row] = await sql.register.query(session, registered);
    if (stored.size > 0) await sql.members.query(session, { hash, sha256: [...stored.keys()] });
    if (packages !== null) await sql.packages.query(session, { hash, list: packages.list });
    const becomesCurrent = await this.#name(session, version);
    if (version.isStart !== true) {
      const current = becomesCurrent ? sql.newCurrent : sql.firstCurrent;
      await current.query(session, { workflow, hash });
    }
    const revived = await sql.revive.query(session, { hash });
    return { created: row?.created ?? false, revived: revived.length };
  }

  /** CATALOG-3: notes the specifier, and says whether the version becomes current whatever is. */
  async #name(session: SqlSession, version: NewVersion): Promise<boolean> {
    const { hash, specifier, isPart = false, isStart = false, isAgain = false } = version;
    if (isPart || isStart) {
      await this.#sql.partSpecifier.query(session, { hash, specifier });
      return false;
    }
    const [row] = await this.#sql.specifier.query(session, { hash, specifier });
    return row!.first && !isAgain;
  }

  async #storeBlobs(session: SqlSession, blobs: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const sound = await this.#sound(session, [...blobs.keys()]);
    const missing = [...blobs].filter(([sha256]) => !sound.has(sha256))
      .sort(([a], [b]) => a < b ? -1 : 1);
    for (const chunk of chunked(missing)) {
      await this.#sql.store.query(session, {
        sha256: chunk.map(([sha256]) => sha256),
        bytes: chunk.map(([, bytes]) => bytes),
      });
    }
  }

  /** See {@linkcode VersionStore.get}. */
  async get(hash: string): Promise<VersionRow | null> {
    const [row] = await this.#sql.get.query(this.#driver, { hash });
    return row === undefined ? null : parsed(row);
  }

  /** See {@linkcode VersionStore.page}. */
  async page(query: VersionQuery, patience?: Patience): Promise<VersionUsage[]> {
    const { workflow, prefix, states, isCurrent = null, after, limit, most } = query;
    const place = { beforeAt: after?.registeredAt ?? null, beforeHash: after?.hash ?? "" };
    const asked = { ...place, isCurrent, limit, most };
    const rows = await bounded(
      this.#driver,
      patience,
      (session) =>
        states === undefined
          ? this.#pageOfAll(session, asked, workflow, prefix)
          : this.#pageIn(session, { ...asked, states }, workflow, prefix),
    );
    return rows.map(usage);
  }

  #pageOfAll(
    session: SqlSession,
    asked: PageOptions,
    workflow?: string,
    prefix?: string,
  ): Promise<RawUsage[]> {
    const { page, pageBy, pageCurrent, pageOf } = this.#sql;
    const either = { ...asked, workflow: workflow ?? null };
    if (prefix !== undefined) return pageBy.query(session, { ...either, prefix });
    if (asked.isCurrent === true) return pageCurrent.query(session, either);
    return workflow === undefined
      ? page.query(session, asked)
      : pageOf.query(session, { ...asked, workflow });
  }

  #pageIn(
    session: SqlSession,
    asked: PageOptions & { readonly states: readonly string[] },
    workflow?: string,
    prefix?: string,
  ): Promise<RawUsage[]> {
    const { pageByIn, pageIn, pageOfIn } = this.#sql;
    if (prefix !== undefined) {
      return pageByIn.query(session, { ...asked, workflow: workflow ?? null, prefix });
    }
    return workflow === undefined
      ? pageIn.query(session, asked)
      : pageOfIn.query(session, { ...asked, workflow });
  }

  /** See {@linkcode VersionStore.currents}. */
  async currents(workflows?: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.#sql.currents.query(this.#driver, { workflows: workflows ?? null });
    return new Map(rows.map(({ workflow, hash }) => [workflow, hash]));
  }

  /** See {@linkcode VersionStore.list}. */
  async list(workflow?: string): Promise<VersionRow[]> {
    const rows = await this.#sql.list.query(this.#driver, { workflow: workflow ?? null });
    return rows.map(parsed);
  }

  /** See {@linkcode VersionStore.bySpecifier}. */
  async bySpecifier(specifier: string): Promise<VersionRow | null> {
    if (!isStorable(specifier)) return null;
    const [row] = await this.#sql.bySpecifier.query(this.#driver, { specifier });
    return row === undefined ? null : parsed(row);
  }

  /** See {@linkcode VersionStore.blobs}. */
  async blobs(sha256: readonly string[]): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for (let start = 0; start < sha256.length; start += CHUNK_BLOBS) {
      const rows = await this.#sql.blobs.query(this.#driver, {
        sha256: sha256.slice(start, start + CHUNK_BLOBS),
      });
      for (const row of rows) found.set(row.sha256, row.bytes);
    }
    return found;
  }

  /** See {@linkcode VersionStore.packages}. */
  async packages(hash: string): Promise<string | null> {
    const [row] = await this.#sql.packageList.query(this.#driver, { hash });
    return row?.list ?? null;
  }

  /** See {@linkcode VersionStore.sound}. */
  async sound(sha256: readonly string[]): Promise<ReadonlySet<string>> {
    return await this.#sound(this.#driver, sha256);
  }

  async #sound(session: SqlSession, sha256: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#sql.sound.query(session, { sha256 });
    return new Set(rows.map(({ sha256 }) => sha256));
  }

  /** See {@linkcode VersionStore.current}. */
  async current(workflow: string): Promise<string | null> {
    if (!isStorable(workflow)) return null;
    const [row] = await this.#sql.current.query(this.#driver, { workflow });
    return row?.hash ?? null;
  }

  /** See {@linkcode VersionStore.activate}. */
  async activate(workflow: string, hash: string): Promise<boolean> {
    if (!isStorable(workflow)) return false;
    const pin = () => this.#sql.activate.query(this.#driver, { workflow, hash });
    return (await whereRegistered([hash], pin)).length > 0;
  }

  /** See {@linkcode VersionStore.revive}. */
  async revive(hash: string, node?: string): Promise<number> {
    if (node !== undefined) await this.#sql.offer.query(this.#driver, { node, hash });
    return (await this.#sql.revive.query(this.#driver, { hash })).length;
  }

  /** See {@linkcode VersionStore.isOffered}. */
  async isOffered(hash: string, node: string): Promise<boolean> {
    return (await this.#sql.offered.query(this.#driver, { node, hash })).length > 0;
  }

  /** See {@linkcode VersionStore.stuck}. */
  async stuck(): Promise<string[]> {
    return (await this.#sql.stuck.query(this.#driver)).map(({ hash }) => hash);
  }

  /** See {@linkcode VersionStore.loading}. */
  async loading(node: string, hash: string): Promise<{ crashes: number }> {
    const [row] = await this.#sql.loading.query(this.#driver, { node, hash });
    return row ?? { crashes: 0 };
  }

  /** See {@linkcode VersionStore.loaded}. */
  async loaded(node: string, hash: string, failure: StuckReason | null): Promise<void> {
    const { failed, loaded } = this.#sql;
    if (failure === null) await loaded.query(this.#driver, { node, hash });
    else await failed.query(this.#driver, { node, hash, reason: legibleJson(failure) });
  }

  /** See {@linkcode VersionStore.needed}. */
  async needed(): Promise<NeededVersionRow[]> {
    return await this.#sql.needed.query(this.#driver);
  }

  /** See {@linkcode VersionStore.failures}. */
  async failures(hash?: string): Promise<LoadFailureRow[]> {
    const rows = await this.#sql.failures.query(this.#driver, { hash: hash ?? null });
    return rows.map((row) => ({ ...row, reason: JSON.parse(row.reason) }));
  }

  /** See {@linkcode VersionStore.clearFailures}. */
  async clearFailures(hash: string): Promise<void> {
    await this.#sql.clearFailures.query(this.#driver, { hash });
  }
}

function parsed(row: RawVersion): VersionRow {
  return {
    ...row,
    specifiers: JSON.parse(row.specifiers),
    contract: row.contract === null ? null : JSON.parse(row.contract),
  };
}

function usage(row: RawUsage): VersionUsage {
  return {
    ...row,
    specifiers: JSON.parse(row.specifiers),
    refusals: JSON.parse(row.refusals),
    signatures: JSON.parse(row.signatures),
    denied: row.denied === null ? null : JSON.parse(row.denied),
  };
}

/** Cuts blobs into statements of a bearable size. */
function* chunked(
  blobs: readonly (readonly [string, Uint8Array])[],
): Generator<(readonly [string, Uint8Array])[]> {
  let chunk: (readonly [string, Uint8Array])[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (chunk.length > 0 && bytes + blob[1].length > CHUNK_BYTES) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(blob);
    bytes += blob[1].length;
  }
  if (chunk.length > 0) yield chunk;
}
