/**
 * How `npm:pg` is told where to connect, and what the values are that come back.
 *
 * @module
 */

/** Parameters of a URL that `npm:pg` or nobody reads; all others are settings of the session. */
const KNOWN = new Set([
  ...["host", "port", "user", "password", "dbname", "database", "db", "encoding", "options"],
  ...["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslnegotiation", "uselibpqcompat"],
  ...["application_name", "fallback_application_name", "client_encoding", "connect_timeout"],
  ...["keepalives", "keepalives_idle", "channel_binding", "gssencmode", "target_session_attrs"],
  ...["pgbouncer", "connection_limit", "pool_timeout", "schema", "sslpassword"],
]);

/**
 * The options of a client.
 *
 * @param url The database.
 * @param applicationName Shown in `pg_stat_activity`, unless the URL names another.
 * @returns What `new Client` takes.
 */
export function clientOptions(url: string, applicationName: string): Record<string, unknown> {
  const given = new URL(url);
  const parameters = given.searchParams;
  // As libpq reads it: `require` encrypts, and `verify-full` checks whom it talks to.
  if (parameters.has("sslmode")) parameters.set("uselibpqcompat", "true");
  const settings: string[] = [];
  for (const [name, value] of [...parameters]) {
    if (KNOWN.has(name)) continue;
    parameters.delete(name);
    settings.push(`-c ${name}=${value.replace(/[\s\\]/g, "\\$&")}`);
  }
  if (settings.length > 0) {
    parameters.set("options", [parameters.get("options") ?? "", ...settings].join(" ").trim());
  }
  const names = parameters.has("application_name") ? {} : { application_name: applicationName };
  return {
    connectionString: given.href,
    ...names,
    keepAlive: true,
    types: { getTypeParser: parserOf },
  };
}

type Parser = (text: string) => unknown;

const asIs: Parser = (text) => text;

const toDate: Parser = (text) => new Date(text);

/** By the types' numbers: all others stay text, as Postgres writes them. */
const PARSERS = new Map<number, Parser>([
  [16, (text) => text === "t"],
  [17, bytes],
  [20, Number],
  [21, Number],
  [23, Number],
  [26, Number],
  [700, Number],
  [701, Number],
  [114, JSON.parse],
  [3802, JSON.parse],
  [1082, toDate],
  [1114, toDate],
  [1184, toDate],
]);

/**
 * Finds the parser of a type.
 *
 * @param type The type's number.
 * @returns What makes a value of its text.
 */
export function parserOf(type: number): Parser {
  return PARSERS.get(type) ?? asIs;
}

/** Bytes in either form that `bytea_output` knows. */
function bytes(text: string): Uint8Array {
  if (text.startsWith("\\x")) return Uint8Array.fromHex(text.slice(2));
  const found: number[] = [];
  for (const [match, octal] of text.matchAll(/\\(\d{3})|\\\\|[^\\]/g)) {
    found.push(octal === undefined ? match.charCodeAt(0) : parseInt(octal, 8));
  }
  return Uint8Array.from(found);
}
