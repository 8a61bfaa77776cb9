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
 *
 * @module
 */

import { isStorable, legibleJson } from "../../base/text.ts";
import type {
  LoadFailureRow,
  NewVersion,
  RegisteredVersion,
  StuckReason,
  VersionRow,
} from "../../ports/rows.ts";
import type { VersionStore } from "../../ports/store.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import type { SchemaName } from "../schema/name.ts";
import { arrayLiteral, bytesLiteral, storable } from "../sql/fragments.ts";
import { versionStatements } from "./statements.ts";

/** Bytes that are sent, or asked for, at a time. */
const CHUNK_BYTES = 4 << 20;

/** Blobs that are asked for at a time. */
const CHUNK_BLOBS = 500;

/** {@linkcode VersionStore} in SQL. */
export class Versions implements VersionStore {
  readonly #driver: SqlDriver;
  readonly #sql: ReturnType<typeof versionStatements>;

  /**
   * Prepares the statements on versions.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = versionStatements(schema);
  }

  /** See {@linkcode VersionStore.register}. */
  async register(version: NewVersion): Promise<RegisteredVersion> {
    const { hash, workflow, label, manifest, specifier, blobs } = version;
    const contract = version.contract ? legibleJson(version.contract) : null;
    storable("a workflow's name", workflow);
    storable("a version's label", label ?? "");
    storable("a manifest", manifest);
    storable("a specifier", specifier);
    const sql = this.#sql;
    return await this.#driver.transaction(async (session) => {
      if (blobs !== null) await this.#storeBlobs(session, blobs);
      const [row] = await session.query<{ created: boolean }>(
        sql.register,
        [hash, workflow, label, manifest, blobs !== null, contract],
      );
      if (blobs !== null) await session.query(sql.members, [hash, arrayLiteral([...blobs.keys()])]);
      const becomesCurrent = await this.#name(session, version);
      if (version.isStart !== true) {
        await session.query(becomesCurrent ? sql.newCurrent : sql.firstCurrent, [workflow, hash]);
      }
      const revived = await session.query(sql.revive, [hash]);
      return { created: row?.created ?? false, revived: revived.length };
    });
  }

  /** CATALOG-3: notes the specifier, and says whether the version becomes current whatever is. */
  async #name(session: SqlSession, version: NewVersion): Promise<boolean> {
    const { hash, specifier, isPart = false, isStart = false } = version;
    const statement = isPart || isStart ? this.#sql.partSpecifier : this.#sql.specifier;
    const [row] = await session.query<{ first: boolean }>(statement, [hash, specifier]);
    return row?.first ?? false;
  }

  async #storeBlobs(session: SqlSession, blobs: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const rows = await session.query<{ sha256: string }>(
      this.#sql.sound,
      [arrayLiteral([...blobs.keys()])],
    );
    const sound = new Set(rows.map(({ sha256 }) => sha256));
    const missing = [...blobs].filter(([sha256]) => !sound.has(sha256))
      .sort(([a], [b]) => a < b ? -1 : 1);
    for (const chunk of chunked(missing)) {
      await session.query(this.#sql.store, [
        arrayLiteral(chunk.map(([sha256]) => sha256)),
        bytesLiteral(chunk.map(([, bytes]) => bytes)),
      ]);
    }
  }

  /** See {@linkcode VersionStore.get}. */
  async get(hash: string): Promise<VersionRow | null> {
    return (await this.#versions("get", hash))[0] ?? null;
  }

  /** See {@linkcode VersionStore.list}. */
  async list(workflow?: string): Promise<VersionRow[]> {
    return await this.#versions("list", workflow ?? null);
  }

  /** See {@linkcode VersionStore.bySpecifier}. */
  async bySpecifier(specifier: string): Promise<VersionRow | null> {
    if (!isStorable(specifier)) return null;
    return (await this.#versions("bySpecifier", specifier))[0] ?? null;
  }

  async #versions(
    statement: "get" | "list" | "bySpecifier",
    value: string | null,
  ): Promise<VersionRow[]> {
    const rows = await this.#driver.query<
      Omit<VersionRow, "specifiers" | "contract"> & {
        readonly specifiers: string;
        readonly contract: string | null;
      }
    >(
      this.#sql[statement],
      [value],
    );
    return rows.map((row) => ({
      ...row,
      specifiers: JSON.parse(row.specifiers),
      contract: row.contract === null ? null : JSON.parse(row.contract),
    }));
  }

  /** See {@linkcode VersionStore.blobs}. */
  async blobs(sha256: readonly string[]): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for (let start = 0; start < sha256.length; start += CHUNK_BLOBS) {
      const rows = await this.#driver.query<{ sha256: string; bytes: Uint8Array }>(
        this.#sql.blobs,
        [arrayLiteral(sha256.slice(start, start + CHUNK_BLOBS))],
      );
      for (const row of rows) found.set(row.sha256, row.bytes);
    }
    return found;
  }

  /** See {@linkcode VersionStore.current}. */
  async current(workflow: string): Promise<string | null> {
    if (!isStorable(workflow)) return null;
    const [row] = await this.#driver.query<{ hash: string }>(this.#sql.current, [workflow]);
    return row?.hash ?? null;
  }

  /** See {@linkcode VersionStore.activate}. */
  async activate(workflow: string, hash: string): Promise<boolean> {
    if (!isStorable(workflow)) return false;
    return (await this.#driver.query(this.#sql.activate, [workflow, hash])).length > 0;
  }

  /** See {@linkcode VersionStore.revive}. */
  async revive(hash: string): Promise<number> {
    return (await this.#driver.query(this.#sql.revive, [hash])).length;
  }

  /** See {@linkcode VersionStore.stuck}. */
  async stuck(): Promise<string[]> {
    return (await this.#driver.query<{ hash: string }>(this.#sql.stuck)).map(({ hash }) => hash);
  }

  /** See {@linkcode VersionStore.loading}. */
  async loading(node: string, hash: string): Promise<{ crashes: number }> {
    const [row] = await this.#driver.query<{ crashes: number }>(this.#sql.loading, [node, hash]);
    return row ?? { crashes: 0 };
  }

  /** See {@linkcode VersionStore.loaded}. */
  async loaded(node: string, hash: string, failure: StuckReason | null): Promise<void> {
    if (failure === null) await this.#driver.query(this.#sql.loaded, [node, hash]);
    else await this.#driver.query(this.#sql.failed, [node, hash, legibleJson(failure)]);
  }

  /** See {@linkcode VersionStore.failures}. */
  async failures(hash?: string): Promise<LoadFailureRow[]> {
    const rows = await this.#driver.query<{ node: string; hash: string; reason: string }>(
      this.#sql.failures,
      [hash ?? null],
    );
    return rows.map((row) => ({ ...row, reason: JSON.parse(row.reason) }));
  }

  /** See {@linkcode VersionStore.clearFailures}. */
  async clearFailures(hash: string): Promise<void> {
    await this.#driver.query(this.#sql.clearFailures, [hash]);
  }
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
