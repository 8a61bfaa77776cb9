/**
 * How `npm:pg` is told where to connect, and what the values are that come back.
 *
 * @module
 */

import { shorten } from "../../base/text.ts";
import { DatabaseOptionError } from "../errors.ts";

/** Parameters of a URL that `npm:pg` or nobody reads; all others are settings of the session. */
const KNOWN = new Set([
  ...["host", "port", "user", "password", "dbname", "database", "db", "encoding", "options"],
  ...["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslnegotiation", "uselibpqcompat"],
  ...["application_name", "fallback_application_name", "client_encoding", "connect_timeout"],
  ...["keepalives", "keepalives_idle", "channel_binding", "gssencmode", "target_session_attrs"],
  ...["pgbouncer", "connection_limit", "pool_timeout", "schema", "sslpassword"],
]);

/** How connections are secured, in libpq's words, and which of them `npm:pg` is told. */
const SSL_MODES: Readonly<Record<string, string>> = {
  disable: "disable",
  // None is given up for an open one where the server can't encrypt: whoever stands between could
  // say so.
  allow: "require",
  prefer: "require",
  require: "require",
  "verify-ca": "verify-ca",
  "verify-full": "verify-full",
};

/**
 * Looks at a URL before anything is asked.
 *
 * @param url The URL.
 * @returns Which database it names, without secrets.
 * @throws {DatabaseOptionError} If it can't be understood.
 */
export function describeUrl(url: string): string {
  if (!URL.canParse(url)) {
    throw urlError("its URL is not understood", shorten(url, 300), "postgres://user@host/name");
  }
  const { username, host, pathname, searchParams } = new URL(url);
  const description = `postgres://${username === "" ? "" : `${username}@`}${host}${pathname}`;
  const mode = searchParams.get("sslmode");
  if (mode !== null && !Object.hasOwn(SSL_MODES, mode)) {
    const wanted = Object.keys(SSL_MODES).join(", ");
    throw urlError(`sslmode of ${description} is none`, mode, `one of ${wanted}`);
  }
  if (mode === "verify-ca" && !searchParams.has("sslrootcert")) {
    const wanted = "sslrootcert with the authority's file, or verify-full";
    throw urlError(`sslmode of ${description} lacks an authority`, mode, wanted);
  }
  return description;
}

function urlError(what: string, found: string, wanted: string): DatabaseOptionError {
  return new DatabaseOptionError(
    `Cannot open database: ${what}, found ${JSON.stringify(found)}, wanted ${wanted}`,
    { database: found },
  );
}

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
  const mode = parameters.get("sslmode");
  if (mode !== null) {
    parameters.set("sslmode", SSL_MODES[mode] ?? mode);
    parameters.set("uselibpqcompat", "true");
  }
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
