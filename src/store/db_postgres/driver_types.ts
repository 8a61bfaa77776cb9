/**
 * The parts of `jsr:@db/postgres` that are used. Its classes have them, so nothing is imported from
 * it.
 *
 * @module
 */

/** A column of a result. */
export interface DbColumn {
  /** Its name. */
  readonly name: string;
  /** The oid of its type. */
  readonly typeOid: number;
}

/** A result of `queryArray`. */
export interface DbArrayResult {
  /** The rows, with values as the driver decodes them. */
  readonly rows: readonly unknown[][];
  /** The columns; `undefined`: the statement returns no rows. */
  readonly rowDescription?: { readonly columns: readonly DbColumn[] } | undefined;
  /** The first word of the last statement's command tag. */
  readonly command: string;
}

/**
 * A `PoolClient` of `jsr:@db/postgres`.
 *
 * @category Databases
 */
export interface DbPoolClient {
  /** Whether the driver takes it for connected. */
  readonly connected: boolean;
  /** What the driver knows of its session. */
  readonly session: { readonly pid: number | undefined };
  /** Connects, if it is not connected. */
  connect(): Promise<void>;
  /** Disconnects. */
  end(): Promise<void>;
  /** Gives it back to its pool. */
  release(): void;
  /** Runs a statement. */
  queryArray(
    query: { text: string; args?: unknown[] },
  ): Promise<DbArrayResult>;
  /** Runs a statement. */
  queryObject(query: { text: string; args?: unknown[] }): Promise<unknown>;
}

/**
 * A `Pool` of `jsr:@db/postgres`.
 *
 * @category Databases
 */
export interface DbPool {
  /** How many clients it has; 0 before it has made them. */
  readonly size: number;
  /** How many of them are free. */
  readonly available: number;
  /** Takes a client, and waits until one is free. */
  connect(): Promise<DbPoolClient>;
}
