/**
 * A stand-in for `jsr:@db/postgres` 0.19.5, which tests can't install: the same classes, methods,
 * results and errors over `npm:pg`, and the same habits.
 *
 * - Values are decoded as the driver decodes them: `bigint` for int8, text for float8 and numeric,
 *   parsed JSON and arrays.
 * - A client that was cut while it was idle stays `connected` for good after its next statement, and
 *   can't be ended. One that was cut during a statement connects anew with the next one.
 * - A pool loses a client with each attempt to connect that fails.
 *
 * `deno task test:jsr` runs the same suite on the package itself.
 *
 * @module
 */

import pg from "pg";

/** How to connect. */
export interface ClientOptions {
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly applicationName?: string;
  readonly tls?: { readonly enabled: boolean };
  readonly controls?: Controls;
}

/** How values are decoded. */
export interface Controls {
  readonly decodeStrategy?: "auto" | "string";
  readonly decoders?: Readonly<Record<number | string, (text: string, oid: number) => unknown>>;
}

/** The connection has been lost. */
export class ConnectionError extends Error {
  override name = "ConnectionError";
}

/** The server has answered with an error. */
export class PostgresError extends Error {
  override name = "PostgresError";
  readonly fields: Readonly<Record<string, string>>;

  constructor(fields: Readonly<Record<string, string>>) {
    super(fields["message"]);
    this.fields = fields;
  }
}

interface Column {
  readonly name: string;
  readonly typeOid: number;
}

/** A result. */
export interface QueryResult<Row> {
  readonly rows: Row[];
  readonly rowDescription?:
    | { readonly columnCount: number; readonly columns: Column[] }
    | undefined;
  readonly command: string;
  readonly rowCount: number;
  readonly warnings: readonly unknown[];
}

interface QueryOptions {
  readonly text: string;
  readonly args?: readonly unknown[];
  readonly fields?: readonly string[];
  readonly camelCase?: boolean;
}

type Query = string | QueryOptions | TemplateStringsArray;

/** What `npm:pg` returns for one statement of a query. */
interface PgResult {
  readonly command: string | null;
  readonly rowCount: number | null;
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly (string | null)[][];
}

/**
 * A socket: `open`; `half`: the server has closed it and nothing was written since, so that one more
 * write succeeds; `dead`: every write fails.
 */
type Socket = "open" | "half" | "dead";

/** The driver's `Connection`, which its clients hide. */
class Connection {
  connected = false;
  pid: number | undefined;
  readonly options: ClientOptions;
  #client: pg.Client | undefined;
  #socket: Socket = "open";
  #inFlight: ((error: Error) => void) | undefined;

  constructor(options: ClientOptions) {
    this.options = options;
  }

  async startup(): Promise<void> {
    this.#close();
    const { hostname: host, port, user, password, database, applicationName } = this.options;
    const client = new pg.Client({
      ...{ host, port, user, database, application_name: applicationName ?? "deno_postgres" },
      ...(password === undefined ? {} : { password }),
      types: { getTypeParser: () => (text: unknown) => text } as pg.CustomTypesConfig,
    });
    const lost = () => {
      if (this.#client !== client) return;
      this.#socket = "half";
      this.#inFlight?.(new ConnectionError("The session was terminated unexpectedly"));
    };
    client.on("error", lost);
    client.on("end", lost);
    try {
      await client.connect();
    } catch (error) {
      throw asThrown(error);
    }
    this.#client = client;
    this.#socket = "open";
    this.pid = (client as unknown as { processID: number }).processID;
    this.connected = true;
  }

  async query(text: string, args: readonly unknown[]): Promise<readonly PgResult[]> {
    if (!this.connected) await this.startup();
    if (this.#socket !== "open") {
      this.#socket = "dead";
      throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    }
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => {});
    this.#inFlight = reject;
    const values = args.map(encoded);
    const given = values.length === 0 ? { text } : { text, values };
    try {
      const asked = this.#client!.query({ ...given, rowMode: "array" } as never);
      const result = await Promise.race([asked as unknown as Promise<PgResult>, failed]);
      return Array.isArray(result) ? result : [result];
    } catch (error) {
      const thrown = isFatal(error) ? await failed.catch((loss: Error) => loss) : asThrown(error);
      if (thrown instanceof ConnectionError) await this.end();
      throw thrown;
    } finally {
      this.#inFlight = undefined;
    }
  }

  async end(): Promise<void> {
    if (!this.connected) return;
    if (this.#socket === "dead") throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    const client = this.#client;
    const wasOpen = this.#socket === "open" && this.#inFlight === undefined;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    if (wasOpen) client?.once("end", () => resolve());
    this.#close();
    if (wasOpen) await over;
  }

  /** Closes the socket, whatever state it is in. */
  #close(): void {
    const client = this.#client;
    const reject = this.#inFlight;
    this.#client = undefined;
    this.connected = false;
    this.pid = undefined;
    reject?.(new Deno.errors.BadResource("Bad resource ID"));
    if (client === undefined) return;
    if (reject === undefined && this.#socket === "open") client.end().catch(() => {});
    else {(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
        .destroy();}
  }
}

/** A client of a pool. */
export class PoolClient {
  readonly #connection: Connection;
  readonly #release: () => void;
  #isTerminated = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ClientOptions, release: () => void) {
    this.#connection = new Connection(options);
    this.#release = release;
  }

  get connected(): boolean {
    return this.#connection.connected;
  }

  get session(): {
    readonly current_transaction: string | null;
    readonly pid: number | undefined;
    readonly tls: boolean | undefined;
    readonly transport: "tcp" | "socket" | undefined;
  } {
    const { pid, connected } = this.#connection;
    return {
      ...{ current_transaction: null, pid, tls: connected ? false : undefined },
      transport: connected ? "tcp" : undefined,
    };
  }

  async connect(): Promise<void> {
    if (this.connected) return;
    await this.#connection.startup();
    this.#isTerminated = false;
  }

  async end(): Promise<void> {
    if (this.connected) await this.#connection.end();
    this.#isTerminated = true;
  }

  release(): void {
    this.#release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async queryArray<Row extends unknown[]>(
    query: Query,
    ...args: unknown[]
  ): Promise<QueryResult<Row>> {
    const { text, args: values } = readQuery(query, args);
    return this.#merged(await this.#ask(text, values), (values) => values as Row);
  }

  async queryObject<Row>(query: Query, ...args: unknown[]): Promise<QueryResult<Row>> {
    const { text, args: values, fields } = readQuery(query, args);
    const results = await this.#ask(text, values);
    const names = fields ?? results.find((result) => result.fields.length > 0)?.fields
      .map(({ name }) => name) ??
      [];
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    if (twice.length > 0 && results.some(({ rows }) => rows.length > 0)) {
      throw new Error(`Field names "${twice[0]}" are duplicated in the result of the query`);
    }
    return this.#merged(
      results,
      (values) => Object.fromEntries(names.map((name, index) => [name, values[index]])) as Row,
    );
  }

  #ask(text: string, args: readonly unknown[]): Promise<readonly PgResult[]> {
    if (this.#isTerminated) throw new Error("Connection to the database has been terminated");
    const asked = this.#turn.then(() => this.#connection.query(text, args));
    this.#turn = asked.catch(() => {});
    return asked;
  }

  /** The driver gives the rows of all statements as those of one. */
  #merged<Row>(results: readonly PgResult[], rowOf: (values: unknown[]) => Row): QueryResult<Row> {
    const described = results.find(({ fields }) => fields.length > 0);
    const columns = described?.fields.map(({ name, dataTypeID: typeOid }) => ({ name, typeOid }));
    const { controls } = this.#connection.options;
    const rows = results.flatMap(({ rows }) => rows).map((row) =>
      rowOf(
        row.map((text, index) =>
          text === null ? null : decoded(text, columns![index]!.typeOid, controls)
        ),
      )
    );
    const last = results.at(-1);
    return {
      rows,
      rowDescription: columns && { columnCount: columns.length, columns },
      command: last?.command ?? "",
      rowCount: last?.rowCount ?? 0,
      warnings: [],
    };
  }
}

/** A pool of clients. */
export class Pool {
  readonly #options: ClientOptions;
  readonly #size: number;
  readonly #lazy: boolean;
  #ready: Promise<void>;
  #free: PoolClient[] | undefined;
  #waiting: ((client: PoolClient) => void)[] = [];
  #isEnded = false;

  constructor(options: ClientOptions, size: number, lazy = false) {
    this.#options = options;
    this.#size = size;
    this.#lazy = lazy;
    this.#ready = this.#initialize();
  }

  get available(): number {
    return this.#free?.length ?? 0;
  }

  get size(): number {
    return this.#free === undefined ? 0 : this.#size;
  }

  async connect(): Promise<PoolClient> {
    if (this.#isEnded) this.#ready = this.#initialize();
    await this.#ready;
    const client = this.#free!.pop() ??
      await new Promise<PoolClient>((resolve) => this.#waiting.push(resolve));
    if (!client.connected) await client.connect(); // if that fails, the client is lost
    return client;
  }

  async end(): Promise<void> {
    if (this.#isEnded) throw new Error("Pool connections have already been terminated");
    await this.#ready;
    while (this.available > 0) await (await this.connect()).end();
    this.#free = undefined;
    this.#isEnded = true;
  }

  async #initialize(): Promise<void> {
    const clients = Array.from({ length: this.#size }, async () => {
      const client: PoolClient = new PoolClient(this.#options, () => this.#push(client));
      if (!this.#lazy) await client.connect();
      return client;
    });
    this.#free = await Promise.all(clients);
    this.#isEnded = false;
  }

  #push(client: PoolClient): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#free!.push(client);
    else waiting(client);
  }
}

function readQuery(
  query: Query,
  given: readonly unknown[],
): {
  readonly text: string;
  readonly args: readonly unknown[];
  readonly fields?: readonly string[];
} {
  if (typeof query === "string") return { text: query, args: (given[0] as unknown[]) ?? [] };
  if ("raw" in query) {
    return { text: query.reduce((text, next, index) => `${text}$${index}${next}`), args: given };
  }
  const { text, args = [], fields } = query as QueryOptions;
  if (fields?.some((field) => !/^\w+$/.test(field))) {
    throw new TypeError(
      "The fields provided for the query must contain only letters and underscores",
    );
  }
  return { text, args, ...(fields && { fields }) };
}

/** The driver sends every parameter as text. */
function encoded(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Uint8Array ? `\\x${value.toHex()}` : String(value);
}

function decoded(text: string, oid: number, controls: Controls = {}): unknown {
  const own = controls.decoders?.[oid] ?? controls.decoders?.[NAMES[oid] ?? ""];
  if (own !== undefined) return own(text, oid);
  return controls.decodeStrategy === "string" ? text : DECODERS[oid]?.(text) ?? text;
}

const NAMES: Readonly<Record<number, string>> = { 20: "int8", 114: "json", 701: "float8" };

const list = (of: (text: string) => unknown) => (text: string) => arrayOf(text, of);

/** What is not here stays text: float8, numeric and oid too. */
const DECODERS: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === "t",
  17: (text) => Uint8Array.fromHex(text.slice(2)),
  20: BigInt,
  21: Number,
  23: Number,
  114: (text) => JSON.parse(text),
  700: Number,
  1005: list(Number),
  1007: list(Number),
  1009: list(String),
  1016: list(BigInt),
  1082: (text) => new Date(text),
  1114: (text) => new Date(text),
  1184: (text) => new Date(text),
  3802: (text) => JSON.parse(text),
};

function arrayOf(text: string, of: (text: string) => unknown): unknown[] {
  const elements = text.matchAll(/"((?:[^"\\]|\\.)*)"|([^{},"]+)/g);
  return Array.from(
    elements,
    ([, quoted, bare]) =>
      quoted !== undefined
        ? of(quoted.replace(/\\(.)/g, "$1"))
        : bare === "NULL"
        ? null
        : of(bare!),
  );
}

/** An error of the server, as `npm:pg` gives it. */
interface ServerFault extends Error {
  readonly severity: string;
  readonly code: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly constraint?: string;
  readonly routine?: string;
}

function isServerFault(error: unknown): error is ServerFault {
  return error instanceof Error && "severity" in error && typeof error.severity === "string";
}

function isFatal(error: unknown): boolean {
  return isServerFault(error) && error.severity === "FATAL";
}

/** The driver's error for one of `npm:pg`. */
function asThrown(error: unknown): Error {
  if (isServerFault(error)) {
    const { severity, code, message, detail, hint, constraint, routine } = error;
    const fields = Object.entries({ severity, code, message, detail, hint, constraint, routine });
    return new PostgresError(
      Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as Record<
        string,
        string
      >,
    );
  }
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof ConnectionError) return error;
  if (Object.values(Deno.errors).some((kind) => error instanceof kind)) return error;
  return (error as { code?: string }).code === "ECONNREFUSED"
    ? new Deno.errors.ConnectionRefused(error.message)
    : new ConnectionError("The session was terminated unexpectedly");
}
