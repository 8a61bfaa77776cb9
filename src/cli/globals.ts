/**
 * Options that every command has, and the variables of the environment that stand in for them.
 *
 * @module
 */

import { MAX_ACTOR, MAX_REASON } from "../base/operator_limits.ts";
import { quote } from "../base/describe.ts";
import { UsageError } from "./errors.ts";
import type { TimeStyle } from "./output/times.ts";
import { duration, oneOf } from "./readers.ts";

/** The global options, read. */
export interface Globals {
  /** The database's URL; `undefined`: none is named. */
  readonly database: string | undefined;
  /** The observer that is read in place of a database; `undefined`: none is named. */
  readonly server: URL | undefined;
  /** The file that holds the observer's token; `undefined`: `CONTINUUM_TOKEN` may. */
  readonly tokenFile: string | undefined;
  /** The schema. */
  readonly schema: string | undefined;
  /** The namespace. */
  readonly namespace: string | undefined;
  /** The module of the payload codec; `undefined`: none is named. */
  readonly codec: string | undefined;
  /** The file of the public keys by one of which versions must be signed; `undefined`: none must. */
  readonly keys: string | undefined;
  /** One JSON document, one JSON line an item, or text. */
  readonly format: "text" | "json" | "jsonl";
  /** The fields that are printed; `undefined`: all, or the columns of the table. */
  readonly fields: readonly string[] | undefined;
  /** How tables show times; `undefined`: relative on a terminal, ISO elsewhere. */
  readonly time: TimeStyle | undefined;
  /** Whether colours may be used on a terminal. */
  readonly color: boolean;
  /** Whether to print results and errors only. */
  readonly quiet: boolean;
  /** Whether progress is shown on a terminal. */
  readonly progress: boolean;
  /** Milliseconds that the command may take; `undefined`: no limit. */
  readonly timeoutMs: number | undefined;
  /** Whether consent is given without a question. */
  readonly yes: boolean;
  /** Whether only the plan is printed. */
  readonly dryRun: boolean;
  /** Why the command is given, for the audit. */
  readonly reason: string | undefined;
  /** Who gives the command, as claimed: for the audit. */
  readonly as: string;
}

/** An option: its notation, and what it does. */
export type GlobalOption = readonly [flags: string, text: string];

/** Options of every command. */
export const GLOBAL_OPTIONS: readonly GlobalOption[] = [
  ["--database <url>", "postgres://..., or pglite:./folder (DATABASE_URL)"],
  ["--server <url>", "read from an observer, and act by it, in place of a database"],
  ["--token-file <file>", "the file with the observer's token (CONTINUUM_TOKEN holds the token)"],
  ["--schema <name>", "the schema; continuum if omitted (CONTINUUM_SCHEMA)"],
  ["--namespace <name>", "the namespace; default if omitted (CONTINUUM_NAMESPACE)"],
  ["--codec <module>", "the module that exports the payload codec (CONTINUUM_CODEC)"],
  ["--keys <file>", "execute only versions signed by one of these public keys (CONTINUUM_KEYS)"],
  ["--json", "print one JSON document"],
  ["--jsonl", "print one JSON object a line"],
  ["--fields <names>", "print these fields, separated by commas"],
  ["--time <style>", "times in tables: relative, local, utc or iso"],
  ["--no-color", "print no colours (NO_COLOR)"],
  ["--quiet", "print results and errors only"],
  ["--no-progress", "print no progress"],
  ["--timeout <duration>", "end the command after this time, such as 30s, with code 124"],
];

/** Options of commands that change something. */
export const ACTING_OPTIONS: readonly GlobalOption[] = [
  ["--yes", "don't ask"],
  ["--dry-run", "print what would happen, and change nothing"],
  ["--reason <text>", "why, for the audit"],
  ["--as <name>", "who, for the audit; $USER@host if omitted"],
];

/**
 * Reads the global options.
 *
 * @param given The options that were given, by their names in camel case.
 * @param env Reads a variable of the environment.
 * @throws {UsageError} If one is wrong.
 */
export function readGlobals(
  given: Readonly<Record<string, unknown>>,
  env: (name: string) => string | undefined,
): Globals {
  const text = (name: string) => given[name] as string | undefined;
  // A variable that is set to the empty text counts as unset, as NO_COLOR has it.
  const variable = (name: string) => env(name) || undefined;
  if (given.json === true && given.jsonl === true) {
    throw new UsageError("Cannot print --json and --jsonl at once: found both, wanted one");
  }
  const server = serverOf(text("server"));
  for (const flag of server === undefined ? [] : ["database", "schema", "codec", "keys"]) {
    if (text(flag) === undefined) continue;
    throw new UsageError(`Cannot use --server and --${flag} at once: found both, wanted one`);
  }
  if (server !== undefined && text("as") !== undefined) {
    throw new UsageError("Cannot use --server and --as at once: an observer knows who acts");
  }
  if (server === undefined && text("tokenFile") !== undefined) {
    throw new UsageError("Cannot use --token-file: found no --server, to which the token is sent");
  }
  return {
    database: text("database") ?? variable("DATABASE_URL"),
    server,
    tokenFile: text("tokenFile"),
    schema: text("schema") ?? variable("CONTINUUM_SCHEMA"),
    namespace: text("namespace") ?? variable("CONTINUUM_NAMESPACE"),
    codec: text("codec") ?? variable("CONTINUUM_CODEC"),
    keys: text("keys") ?? variable("CONTINUUM_KEYS"),
    format: given.jsonl === true ? "jsonl" : given.json === true ? "json" : "text",
    fields: text("fields")?.split(",").map((name) => name.trim()),
    time: oneOf<TimeStyle>(["relative", "local", "utc", "iso"])(text("time"), "--time"),
    color: given.color !== false && variable("NO_COLOR") === undefined,
    quiet: given.quiet === true,
    progress: given.progress !== false,
    timeoutMs: timeoutOf(text("timeout")),
    yes: given.yes === true,
    dryRun: given.dryRun === true,
    reason: bounded(text("reason"), "--reason", MAX_REASON),
    as: bounded(text("as"), "--as", MAX_ACTOR) ??
      `${variable("USER") ?? variable("USERNAME") ?? "unknown"}@${hostOf()}`.slice(0, MAX_ACTOR),
  };
}

/** Anyone on the machine can read the arguments of a process: there is no password in them. */
function serverOf(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const isGood = url !== null && /^https?:$/.test(url.protocol) && url.search === "" &&
    url.hash === "" && url.username === "" && url.password === "";
  if (isGood) return url;
  const wanted = "a URL such as https://ops.example.com/observer, without a password and a query";
  throw new UsageError(`Cannot use --server: found ${quote(text)}, wanted ${wanted}`);
}

function bounded(text: string | undefined, flag: string, most: number): string | undefined {
  if (text === undefined || text.length > 0 && text.length <= most) return text;
  const found = `a text of ${text.length} characters`;
  throw new UsageError(`Cannot use ${flag}: found ${found}, wanted one of 1 to ${most}`);
}

function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = duration(text, "--timeout");
  if (ms > 0) return ms;
  throw new UsageError(`Cannot use --timeout: found ${quote(text)}, wanted more than 0`);
}

function hostOf(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown"; // without the permission
  }
}
