/**
 * Places in versions, told as their author knows them. Code is executed as
 * `continuum:///<hash>/<path>`, the same on every node, and so it is recorded; people read where
 * the author wrote it.
 *
 * - AUTHORED-1: what is recorded, and what workflow code reads, keeps the first form: only what is shown is
 *   told in the other.
 * - AUTHORED-2: a source's URL is told for bytes that this process has read from there and hashed; of any
 *   other version its own path is told, its workflow and its hash.
 * - AUTHORED-3: what is told holds no quote, backslash or control character, so that it may be put into
 *   JSON.
 *
 * @module
 */

import { setHidden, stackless } from "./stackless.ts";
import { shortHash } from "./text.ts";

/** What a place is told with where this process knows no source of its version. */
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

/** What loggers of this package are used for. */
export interface AuthoredLog {
  /** Says what matters while looking for a fault. */
  debug(message: string, properties?: Record<string, unknown>): void;
  /** Says what happens in the ordinary course. */
  info(message: string, properties?: Record<string, unknown>): void;
  /** Says what somebody should look at. */
  warn(message: string, properties?: Record<string, unknown>): void;
  /** Says what somebody must look at. */
  error(message: string, properties?: Record<string, unknown>): void;
}

type Level = keyof AuthoredLog;

/** What is used of a logger. */
interface Sink extends AuthoredLog {
  isEnabledFor(level: "debug" | "info" | "warning" | "error"): boolean;
}

/** Nothing deeper of an error is told otherwise than it is. */
const MAX_DEPTH = 8;

const SCHEME = "continuum:///";
const PLACE =
  /continuum:\/\/\/([0-9a-f]{64})(?:~\d+)?\/(?:([\w\-.!~*'()%/@?]+):(\d+):(\d+)|([\w\-!~*%/@?]+(?:\.[\w\-!~*%/@?]+)*))/g;

const sources = new Map<string, Source>();

/**
 * Remembers where a version was read from, for the life of the process, as its modules are.
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
  for (const [path, url] of urls) if (isSafe(url)) known.urls.set(path, url); // AUTHORED-3
  sources.set(hash, known);
}

/**
 * Where a member of a version was read from.
 *
 * @param hash The version.
 * @param path The path that the member is executed under.
 * @returns Its URL; `undefined`: this process does not know.
 */
export function sourceOf(hash: string, path: string): string | undefined {
  return sources.get(hash)?.urls.get(path);
}

/**
 * Tells the places in a text as their author knows them.
 *
 * @param text Any text, such as a stack or JSON.
 * @param version The version that it is of, if one is known.
 * @returns The text; itself where it names no place in a version.
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
 * Tells the places in facts that are JSON.
 *
 * @param facts What `JSON.stringify` takes, and gives back the same.
 * @param version The version that they are of, if one is known.
 * @returns The facts; themselves where they name no place in a version.
 */
export function authoredFacts<T>(facts: T, version?: VersionName): T {
  if (facts === null || facts === undefined) return facts;
  const text = JSON.stringify(facts);
  const told = authored(text, version);
  return told === text ? facts : JSON.parse(told);
}

/**
 * Tells the places in what was thrown. The error itself stays as it is, for whoever else has it.
 *
 * @param thrown Anything.
 * @returns An error of the same class with the same fields; itself where it names no place in a
 * version, or can't be copied.
 */
export function authoredError(thrown: unknown): unknown {
  try {
    return told(thrown, 0);
  } catch {
    return thrown; // A getter that throws, or a hostile proxy.
  }
}

/**
 * Makes a logger that tells places as their author knows them.
 *
 * @param log The logger.
 * @returns It.
 */
export function authoredLog(log: Sink): AuthoredLog {
  const say = (level: Level) => (message: string, properties: Record<string, unknown> = {}) => {
    if (!log.isEnabledFor(level === "warn" ? "warning" : level)) return;
    const shown = Object.entries(properties).map(([key, value]) => [key, authoredError(value)]);
    log[level](message, Object.fromEntries(shown));
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

function told(value: unknown, depth: number): unknown {
  if (typeof value === "string") return authored(value);
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
  if (isError(value)) return toldError(value, depth);
  const isList = Array.isArray(value);
  if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, told(part, depth + 1)] as const);
  if (entries.every(([key, part]) => part === (value as Record<string, unknown>)[key])) {
    return value;
  }
  return isList ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}

function toldError(error: Error, depth: number): Error {
  const stack = typeof error.stack === "string" ? error.stack : "";
  const changed = new Map<string, unknown>();
  const descriptors = Object.getOwnPropertyDescriptors(error) as Record<string, PropertyDescriptor>;
  delete descriptors["stack"];
  for (const [key, { value }] of Object.entries(descriptors)) {
    const shown = told(value, depth + 1);
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

/** No proxy is one. */
function isError(value: object): value is Error {
  return (Error as unknown as { isError(value: unknown): boolean }).isError(value);
}

/** A path as the manifest labels it. */
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
