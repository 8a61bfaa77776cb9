/**
 * Shows code locations of versions as their author knows them. A version is executed under
 * `continuum:///<hash>/<path>` on every node, and locations are recorded in this form. People see
 * the file that the author wrote.
 *
 * - AUTHORED-1: locations are recorded, and read by workflow code, in the executed form. Only what
 *   people see is translated.
 * - AUTHORED-2: a location is shown with a source URL only if this process read the module's bytes
 *   from that URL and hashed them. Otherwise it is shown with the path in the version, the workflow
 *   and the hash.
 * - AUTHORED-3: a translated location has no quote, backslash or control character, so it can be
 *   put into JSON text.
 *
 * @module
 */

import { setHidden, stackless } from "./stackless.ts";
import { shortHash } from "./text.ts";

/** Names a version whose source URLs this process does not know. */
export interface VersionName {
  /** The version. */
  readonly hash: string;
  /** The name of its workflow. */
  readonly workflow: string;
}

interface Source {
  workflow: string | null;
  /** URLs by the path that code is executed under. */
  readonly urls: Map<string, string>;
}

/** The log methods that this package uses. */
export interface AuthoredLog {
  /** Logs a detail for debugging. */
  debug(message: string, properties?: Record<string, unknown>): void;
  /** Logs normal operation. */
  info(message: string, properties?: Record<string, unknown>): void;
  /** Logs what an operator should look at. */
  warn(message: string, properties?: Record<string, unknown>): void;
  /** Logs what an operator must look at. */
  error(message: string, properties?: Record<string, unknown>): void;
}

type Level = keyof AuthoredLog;

/** What a log is made of. */
export interface LogSink extends AuthoredLog {
  /** Whether lines of a level go anywhere. */
  isEnabledFor(level: "debug" | "info" | "warning" | "error"): boolean;
}

/** Locations that are nested deeper in a logged value or an error are not translated. */
const MAX_DEPTH = 8;

const SCHEME = "continuum:///";
/** A member of another origin: Deno decodes the URLs in stacks. */
const ORIGIN = String.raw`(?:https?:\/\/[\w.\-]+(?::\d+)?\/)?`;
const PLACE = new RegExp(
  String
    .raw`continuum:\/\/\/([0-9a-f]{64})(?:~\d+)?\/(?:(${ORIGIN}[\w\-.!~*'()%/@?]+):(\d+):(\d+)` +
    String.raw`|(${ORIGIN}[\w\-!~*%/@?]+(?:\.[\w\-!~*%/@?]+)*))`,
  "g",
);

const sources = new Map<string, Source>();

/**
 * Remembers the source URLs of a version until the process ends, as long as its modules stay
 * loaded.
 *
 * @param hash The version.
 * @param workflow The name of its workflow; `null`: not known yet.
 * @param urls Its members' URLs by the path that they are executed under.
 */
export function noteSources(
  hash: string,
  workflow: string | null,
  urls: Iterable<readonly [string, string]> = [],
): void {
  const known = sources.get(hash) ?? { workflow: null, urls: new Map() };
  known.workflow ??= workflow;
  for (const [path, url] of urls) {
    if (!isSafe(url)) continue; // AUTHORED-3
    known.urls.set(path, url).set(decodeURIComponent(path), url); // as stacks have it
  }
  sources.set(hash, known);
}

/**
 * Returns the URL that a member of a version was read from.
 *
 * @param hash The version.
 * @param path The path that the member is executed under.
 * @returns Its URL; `undefined` if this process does not know it.
 */
export function sourceOf(hash: string, path: string): string | undefined {
  return sources.get(hash)?.urls.get(path);
}

/**
 * Translates the locations in a text into source locations.
 *
 * @param text Any text, such as a stack or JSON.
 * @param version The version that the text is about, if one is known.
 * @returns The text; the same one if it contains no location of a version.
 */
export function authored(text: string, version?: VersionName): string {
  if (!text.includes(SCHEME)) return text;
  return text.replaceAll(PLACE, (_, hash, placed, line, column, bare) => {
    const path: string = (placed ?? bare).replace(/\?.*$/, "");
    const at = line === undefined ? "" : `:${line}:${column}`;
    const source = sources.get(hash);
    const url = source?.urls.get(path);
    if (url !== undefined) return `${url}${at}`; // AUTHORED-2
    const known = source?.workflow ?? (version?.hash === hash ? version?.workflow : null);
    const workflow = typeof known === "string" && isSafe(known) ? known : "version";
    return `${labelOf(path)}${at} of ${workflow} ${shortHash(hash)}`;
  });
}

/**
 * Translates the locations in a JSON value.
 *
 * @param facts A value that survives `JSON.stringify` and `JSON.parse` unchanged.
 * @param version The version that the value is about, if one is known.
 * @returns The value; the same one if it contains no location of a version.
 */
export function authoredFacts<T>(facts: T, version?: VersionName): T {
  if (facts === null || facts === undefined) return facts;
  const text = JSON.stringify(facts);
  const translated = authored(text, version);
  return translated === text ? facts : JSON.parse(translated);
}

/**
 * Translates the locations in a thrown value. An error is copied, not changed: other code may hold
 * it.
 *
 * @param thrown Any thrown value.
 * @returns An error of the same class with the same fields; the thrown value itself if it contains
 * no location of a version, or can't be copied.
 */
export function authoredError(thrown: unknown): unknown {
  try {
    return shownValue(thrown, 0);
  } catch {
    return thrown; // A getter that throws, or a hostile proxy.
  }
}

/**
 * Makes a logger that translates locations into source locations.
 *
 * @param log The logger.
 * @returns The translating logger.
 */
export function authoredLog(log: LogSink): AuthoredLog {
  const say = (level: Level) => (message: string, properties: Record<string, unknown> = {}) => {
    if (!log.isEnabledFor(level === "warn" ? "warning" : level)) return;
    const shown = Object.entries(properties).map(([key, value]) => [key, authoredError(value)]);
    log[level](message, Object.fromEntries(shown));
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

function shownValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return authored(value);
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
  if (isError(value)) return shownError(value, depth);
  const isList = Array.isArray(value);
  if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, part]) =>
    [key, shownValue(part, depth + 1)] as const
  );
  if (entries.every(([key, part]) => part === (value as Record<string, unknown>)[key])) {
    return value;
  }
  return isList ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}

function shownError(error: Error, depth: number): Error {
  const stack = typeof error.stack === "string" ? error.stack : "";
  const changed = new Map<string, unknown>();
  const descriptors = Object.getOwnPropertyDescriptors(error) as Record<string, PropertyDescriptor>;
  delete descriptors["stack"];
  for (const [key, { value }] of Object.entries(descriptors)) {
    const shown = shownValue(value, depth + 1);
    if (shown !== value) changed.set(key, shown);
  }
  const shown = authored(stack);
  if (shown === stack && changed.size === 0) return error;
  const copy = stackless(() => new Error());
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error));
  for (const [key, value] of changed) descriptors[key] = { ...descriptors[key], value };
  Object.defineProperties(copy, descriptors);
  setHidden(copy, "stack", shown);
  return copy;
}

/** `false` for every proxy. */
function isError(value: object): value is Error {
  return (Error as unknown as { isError(value: unknown): boolean }).isError(value);
}

/** A path in the form of the manifest's labels. */
function labelOf(path: string): string {
  try {
    const label = decodeURIComponent(path);
    return isSafe(label) ? label : path;
  } catch {
    return path;
  }
}

/** AUTHORED-3 */
function isSafe(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text) && text.isWellFormed();
}
