/**
 * Fetches the archive files of npm packages from the registry that this application uses.
 *
 * - REGISTRY-1, verified: what is returned has the integrity that the caller names. So it does not
 *   matter which server it came from.
 * - REGISTRY-2, quiet: no user is asked for a permission. What this process may not read or reach, or
 *   does not reach within {@linkcode TIMEOUT_MS}, is a reason, and no error; a server that was not
 *   reached once is not tried again.
 * - REGISTRY-3: what a `.npmrc` says to tell a server goes to that server alone, also after a
 *   redirect.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { joined } from "../../base/bytes.ts";
import { variable } from "../../base/environment.ts";
import { messageOf } from "../../base/text.ts";
import { authorizationFor, type Npmrc, parseNpmrc, registryOf } from "../project/npmrc.ts";

/** How long a server may take for one answer. */
const TIMEOUT_MS = 10_000;

const MOST_REDIRECTS = 5;

/** The most bytes of what a registry says of a package. */
const MOST_DOCUMENT_BYTES = 64 * 2 ** 20;

const SHORT_DOCUMENT = "application/vnd.npm.install-v1+json, application/json;q=0.8";

/** A package in a registry. */
export interface WantedPackage {
  /** Its name, with its scope. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** The integrity of its archive file. */
  readonly integrity: string;
  /** Where the lock says that it is, if that is said. */
  readonly tarball?: string | undefined;
}

/** The bytes of an archive file, or why they are unavailable. */
export type FetchedTarball = { readonly bytes: Uint8Array } | { readonly reason: string };

/** The registry of an application. */
export class NpmRegistry {
  readonly #settings: Npmrc;
  /** Servers that were not reached, with the reason. */
  readonly #unreached = new Map<string, string>();

  /** @param settings What its `.npmrc` says. */
  constructor(settings: Npmrc) {
    this.#settings = settings;
  }

  /**
   * Reads the settings of an application, and of the user whose process this is.
   *
   * @param root The URL of the application's folder, with a slash at its end.
   * @returns The registry.
   */
  static async of(root: string): Promise<NpmRegistry> {
    const home = variable(Deno.build.os === "windows" ? "USERPROFILE" : "HOME");
    const own = root.startsWith("file:") ? new URL(".npmrc", root) : undefined;
    const users = home ? `${home}/.npmrc` : undefined;
    const texts = await Promise.all([users, own].map(readIfAllowed));
    return new NpmRegistry(new Map(texts.flatMap((text) => [...parseNpmrc(text)])));
  }

  /**
   * Fetches an archive file (REGISTRY-1).
   *
   * @param wanted The package.
   * @param mostBytes The most bytes that it may have.
   * @returns Its bytes, verified, or why they are unavailable.
   */
  async fetch(wanted: WantedPackage, mostBytes: number): Promise<FetchedTarball> {
    const { name, version, integrity } = wanted;
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) {
      return { reason: `the lock pins ${name}@${version} by ${integrity}, wanted sha512` };
    }
    let reason = `no registry is known for ${name}@${version}`;
    for await (const url of this.#places(wanted)) {
      const answer = await this.#get(url, mostBytes, "*/*");
      if ("reason" in answer) reason = answer.reason;
      else if (integrityOf(answer.bytes) === integrity) return answer;
      else reason = `${url.origin} has other content for ${name}@${version} than the lock pins`;
    }
    return { reason };
  }

  /** Where an archive file may be: the next place is asked for only if the last had nothing. */
  async *#places({ name, version, tarball }: WantedPackage): AsyncGenerator<URL> {
    if (tarball !== undefined && URL.canParse(tarball)) yield new URL(tarball);
    const registry = registryOf(this.#settings, name);
    if (registry === undefined) return;
    const usual = new URL(`${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`, registry);
    yield usual;
    const document = new URL(name.replace("/", "%2f"), registry);
    const answer = await this.#get(document, MOST_DOCUMENT_BYTES, SHORT_DOCUMENT);
    if ("reason" in answer) return;
    const place = placeIn(answer.bytes, version);
    if (place !== undefined && place.href !== usual.href) yield place;
  }

  async #get(url: URL, mostBytes: number, accept: string): Promise<FetchedTarball> {
    let at = url;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      if (at.protocol !== "https:" && at.protocol !== "http:") break;
      const known = this.#unreached.get(at.host);
      if (known !== undefined) return { reason: known };
      const { state } = await Deno.permissions.query({ name: "net", host: at.host });
      if (state !== "granted") return { reason: `this process may not reach ${at.host}` };
      try {
        const response = await this.#ask(at, accept);
        const next = response.headers.get("location");
        if (next !== null && response.status >= 300 && response.status < 400) {
          await response.body?.cancel();
          at = new URL(next, at);
          continue;
        }
        if (response.ok) return await bounded(response, at, mostBytes);
        await response.body?.cancel();
        return { reason: `${at.origin} answers ${response.status}` };
      } catch (error) {
        const reason = `${at.host} can't be reached: ${messageOf(error)}`;
        this.#unreached.set(at.host, reason); // REGISTRY-2
        return { reason };
      }
    }
    return { reason: `${url.origin} redirects to what can't be fetched` };
  }

  async #ask(url: URL, accept: string): Promise<Response> {
    const authorization = authorizationFor(this.#settings, url); // REGISTRY-3
    return await fetch(url, {
      redirect: "manual",
      headers: { accept, ...(authorization === undefined ? {} : { authorization }) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }
}

/**
 * The integrity of an archive file, as a lock writes it.
 *
 * @param tarball The bytes.
 * @returns `sha512-` and base 64.
 */
export function integrityOf(tarball: Uint8Array): string {
  return `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
}

async function bounded(
  response: Response,
  url: URL,
  mostBytes: number,
): Promise<FetchedTarball> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > mostBytes) {
      return { reason: `${url.origin} has more than ${mostBytes} bytes of it` };
    }
    parts.push(part);
  }
  return { bytes: joined(parts) };
}

/** Where the document of a registry says that the archive file of a version is. */
function placeIn(document: Uint8Array, version: string): URL | undefined {
  try {
    const { versions } = JSON.parse(new TextDecoder().decode(document));
    const { tarball } = versions[version].dist;
    return URL.canParse(tarball) ? new URL(tarball) : undefined;
  } catch {
    return undefined;
  }
}

/** REGISTRY-2 */
async function readIfAllowed(path: string | URL | undefined): Promise<string> {
  if (path === undefined) return "";
  try {
    const { state } = await Deno.permissions.query({ name: "read", path });
    return state === "granted" ? await Deno.readTextFile(path) : "";
  } catch {
    return ""; // there is none, or it can't be read
  }
}
