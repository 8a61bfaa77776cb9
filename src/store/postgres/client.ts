/**
 * The options of an `npm:pg` client.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { parserOf } from "./values.ts";

/**
 * Parameters of a URL that `npm:pg` knows or ignores; all others become settings of the session.
 */
const KNOWN = new Set([
  ...["host", "port", "user", "password", "dbname", "database", "db", "encoding", "options"],
  ...["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslnegotiation", "uselibpqcompat"],
  ...["application_name", "fallback_application_name", "client_encoding", "connect_timeout"],
  ...["keepalives", "keepalives_idle", "channel_binding", "gssencmode", "target_session_attrs"],
  ...["pgbouncer", "connection_limit", "pool_timeout", "schema", "sslpassword"],
]);

/** The values of libpq's `sslmode`, with the value that `npm:pg` gets for each. */
const SSL_MODES: Readonly<Record<string, string>> = {
  disable: "disable",
  // No unencrypted connection follows if the server can't encrypt: an attacker in between could
  // claim that.
  allow: "require",
  prefer: "require",
  require: "require",
  "verify-ca": "verify-ca",
  "verify-full": "verify-full",
};

/**
 * Validates a URL before anything connects to it.
 *
 * @param url The URL.
 * @returns The database's name in messages, without secrets.
 * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If the URL is invalid.
 */
export function describeUrl(url: string): string {
  if (!URL.canParse(url)) {
    refuse("option database", url, "postgres://user@host/name", "DATABASE_OPTION");
  }
  const { username, host, pathname, searchParams } = new URL(url);
  const description = `postgres://${username === "" ? "" : `${username}@`}${host}${pathname}`;
  const mode = searchParams.get("sslmode");
  if (mode !== null && !Object.hasOwn(SSL_MODES, mode)) {
    const wanted = Object.keys(SSL_MODES).join(", ");
    refuse(`sslmode of the database ${description}`, mode, `one of ${wanted}`, "DATABASE_OPTION");
  }
  if (mode === "verify-ca" && !searchParams.has("sslrootcert")) {
    const wanted = "sslrootcert with the file of the certificate authority, or verify-full";
    refuse(`sslmode of the database ${description}`, mode, wanted, "DATABASE_OPTION");
  }
  return description;
}

/**
 * Makes the options of a client.
 *
 * @param url The URL of the database.
 * @param applicationName Shown in `pg_stat_activity`, unless the URL sets another.
 * @returns The argument of `new Client`.
 */
export function clientOptions(url: string, applicationName: string): Record<string, unknown> {
  const given = new URL(url);
  const parameters = given.searchParams;
  // As in libpq: `require` encrypts, and only `verify-full` verifies the server's name.
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
