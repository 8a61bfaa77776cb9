/**
 * Reads from an observer, and sends it actions, over HTTP.
 *
 * - SERVER-1: the token goes to the origin that the operator named and to no other: what an observer
 *   redirects to elsewhere is not asked.
 * - SERVER-2: what is printed was read, and what is done was planned, by an observer of the same
 *   release: another one may know a run by other fields.
 *
 * @module
 */

import { printable, quote } from "../../base/describe.ts";
import { segmentOf } from "../../base/url_segment.ts";
import { RELEASE } from "../../base/release.ts";
import { messageOf, withoutSecrets } from "../../base/text.ts";
import {
  API_VERSION,
  apiHeaders,
  NAMESPACE_HEADER,
  NAMESPACES,
  readingPath,
  RELEASE_HEADER,
} from "./api.ts";
import { ServerError } from "./errors.ts";
import type { Read } from "./reader.ts";
import type { ArgsOf, ReadingName, ResultOf } from "./readings.ts";

/** An observer, and how it is asked. */
export interface ServerOptions {
  /** The URL of its first page. */
  readonly url: URL;
  /** What proves who asks; `undefined`: nothing. */
  readonly token: string | undefined;
  /** The namespace that is meant; `undefined`: that of the URL. */
  readonly namespace: string | undefined;
  /** Gives requests up. */
  readonly signal: AbortSignal;
}

/** How many redirects are followed. */
const REDIRECTS = 3;

/** Longer addresses are refused by some servers; what is asked for stands in a body then. */
const MOST_IN_ADDRESS = 4_000;

/** How much of a body an observer reads, in characters: its limit is 4 MiB. */
const MOST_IN_BODY = 4_000_000;

/** Statuses that proxies answer in place of a server that is away. */
const AWAY: readonly number[] = [502, 503, 504];

/**
 * Reads from an observer.
 *
 * @param options Which one.
 * @returns Reads; it throws {@linkcode ServerError}, also for errors that the observer answers.
 */
export function readFromServer(options: ServerOptions): Read {
  return async <Name extends ReadingName>(name: Name, args: ArgsOf<Name>) => {
    const url = new URL(readingPath(name), baseOf(options));
    const text = JSON.stringify(args);
    const isLong = text.length > MOST_IN_ADDRESS;
    if (!isLong) url.searchParams.set("args", text);
    const answer = await asked(url, isLong ? posted(text) : {}, options);
    const { result } = await told(answer, "result", options);
    return result as ResultOf<Name>;
  };
}

/**
 * Sends an observer the fields of an action.
 *
 * @param path The path of the action below the observer's own, encoded.
 * @param fields The fields.
 * @param key What has to be in the answer: `plan` or `outcome`.
 * @param options Which observer.
 * @returns What it answers.
 * @throws {ServerError} If it can't be asked, or answers an error.
 */
export async function sendToServer(
  path: string,
  fields: object,
  key: "plan" | "outcome",
  options: ServerOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const url = new URL(path, baseOf(options));
  return await told(await asked(url, posted(JSON.stringify(fields)), options), key, options);
}

/**
 * Reads a file from an observer.
 *
 * @param path The path of the file below the observer's own, encoded.
 * @param query What is asked for.
 * @param options Which observer.
 * @returns Its bytes.
 * @throws {ServerError} If it can't be asked, or answers an error.
 */
export async function fileFromServer(
  path: string,
  query: readonly (readonly [name: string, value: string])[],
  options: ServerOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(path, baseOf(options));
  for (const [name, value] of query) url.searchParams.append(name, value);
  const answer = await asked(url, {}, options);
  const isFile = answer.ok && answer.headers.has("content-disposition");
  if (!isFile) {
    await told(answer, "", options);
    throw noObserver(options, answer);
  }
  const bytes = await answer.bytes();
  const namespace = answer.headers.get(NAMESPACE_HEADER) ?? "";
  checkSource(answer.headers.get(RELEASE_HEADER), decodeURIComponent(namespace), options);
  return bytes;
}

function posted(text: string): RequestInit {
  if (text.length > MOST_IN_BODY) {
    const size = `${(text.length / 1_000_000).toFixed(1)} million characters`;
    throw new ServerError(
      "BODY_TOO_LARGE",
      `Cannot send ${size} to an observer, which reads at most 4 MiB at once`,
    );
  }
  return { method: "POST", headers: { "content-type": "application/json" }, body: text };
}

/** Where the pages of the namespace begin. */
function baseOf({ url, namespace }: ServerOptions): URL {
  const base = new URL(url);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return namespace === undefined ? base : new URL(`${NAMESPACES}/${segmentOf(namespace)}/`, base);
}

/** Asks, and follows redirects within the origin (SERVER-1). */
async function asked(from: URL, init: RequestInit, options: ServerOptions): Promise<Response> {
  const { token, signal } = options;
  const headers = {
    ...apiHeaders(),
    ...(init.headers as Record<string, string> | undefined),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  let url = from;
  for (let redirects = 0; redirects <= REDIRECTS; redirects++) {
    const answer = await fetched(url, { ...init, headers, signal, redirect: "manual" }, options);
    if (answer.status < 300 || answer.status > 399) return answer;
    await answer.body?.cancel();
    const to = targetOf(answer, url);
    if (to?.origin !== from.origin) {
      const where = to === null ? "nowhere" : quote(to.origin);
      throw unsuitable(options, `it redirects to ${where}, which is not asked`);
    }
    url = to;
  }
  throw unsuitable(options, `it redirects more than ${REDIRECTS} times`);
}

function targetOf(answer: Response, url: URL): URL | null {
  return URL.parse(answer.headers.get("location") ?? "::", url);
}

async function fetched(url: URL, init: RequestInit, options: ServerOptions): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    options.signal.throwIfAborted();
    throw new ServerError(
      "SERVER_UNAVAILABLE",
      `Cannot reach the observer at ${nameOf(options)}: ${reasonOf(error)}`,
    );
  }
}

/** The sentence that is inside of what `fetch` says: TLS, names, connections. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const message = withoutSecrets(messageOf(inner));
  const certificate = /invalid peer certificate: ?(.*)/.exec(message)?.[1];
  if (certificate !== undefined) {
    return `its certificate is not accepted: ${printable(certificate.split(": ")[0]!.trim())}`;
  }
  const last = message.replace(/^error sending request for url \([^)]*\): /, "");
  return printable(last.replace(/\s*\(os error \d+\)$/, ""));
}

type Told = Readonly<Record<string, unknown>>;

/** What an observer of this release and of that namespace answers. */
async function told(answer: Response, key: string, options: ServerOptions): Promise<Told> {
  const told = await jsonOf(answer, options);
  const release = answer.headers.get(RELEASE_HEADER);
  if (told.error !== undefined) throw errorOf(told.error as Told, answer.status, options);
  if (!answer.ok || !(key in told)) throw noObserver(options, answer);
  checkSource(release, told.namespace, options);
  return told;
}

/** SERVER-2 */
function checkSource(release: string | null, namespace: unknown, options: ServerOptions): void {
  if (release !== RELEASE) throw otherRelease(release, options);
  const { namespace: wanted } = options;
  if (wanted !== undefined && namespace !== wanted) {
    const found = quote(String(namespace));
    throw unsuitable(options, `it is of namespace ${found}, wanted ${quote(wanted)}`);
  }
}

async function jsonOf(answer: Response, options: ServerOptions): Promise<Told> {
  const text = await answer.text();
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told === "object" && told !== null) return told as Told;
  } catch {
    // Said below.
  }
  throw noObserver(options, answer);
}

function noObserver(options: ServerOptions, { status, headers }: Response): ServerError {
  if (AWAY.includes(status)) {
    return new ServerError(
      "SERVER_UNAVAILABLE",
      `Cannot reach the observer at ${nameOf(options)}: a server before it answers ${status}`,
    );
  }
  const type = headers.get("content-type")?.split(";")[0] ?? "nothing";
  if (status === 401 || status === 403) {
    return new ServerError("UNKNOWN_VIEWER", `The server at ${nameOf(options)} refuses: ${status}`);
  }
  return unsuitable(
    options,
    `it answers ${status} with ${quote(type)}, wanted JSON of an observer`,
  );
}

function unsuitable(options: ServerOptions, why: string): ServerError {
  return new ServerError(
    "SERVER_UNSUITABLE",
    `Cannot read from ${nameOf(options)}: ${why}`,
  );
}

function errorOf(
  { code, message, details }: Told,
  status: number,
  options: ServerOptions,
): ServerError {
  const facts = typeof details === "object" && details !== null ? details : {};
  if (code === "UNSUPPORTED_VERSION") {
    return otherRelease((facts as { readonly release?: unknown }).release, options);
  }
  if (code === "NOT_FOUND" && status === 404) return otherRelease(null, options);
  if (code === "ERROR" || typeof code !== "string" || typeof message !== "string") {
    return new ServerError(
      "SERVER_FAILED",
      `The observer at ${nameOf(options)} failed: ${message}`,
    );
  }
  return new ServerError(code, message, facts as ServerError["details"]);
}

/** Which side is older (SERVER-2). */
function otherRelease(release: unknown, options: ServerOptions): ServerError {
  const found = typeof release === "string" ? release : null;
  if (found === RELEASE) {
    return unsuitable(options, `it has another version of the JSON API, wanted ${API_VERSION}`);
  }
  const older = found === null || isOlder(found, RELEASE) ? "observer" : "command line";
  return new ServerError(
    "SERVER_RELEASE",
    `Cannot read from ${nameOf(options)}: it is of release ${found ?? "before these readings"}, ` +
      `the command line of ${RELEASE}: the ${older} is older`,
    { observer: found, commandLine: RELEASE },
  );
}

/** Whether a release comes before another. */
function isOlder(a: string, b: string): boolean {
  const numbers = (release: string) => release.split(/[.-]/).map((part) => Number(part));
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at >= 0 && !(left[at]! > (right[at] ?? -1));
}

/** An observer's URL, without a query. */
function nameOf({ url }: ServerOptions): string {
  return `${url.origin}${url.pathname}`;
}
