/**
 * Which code may run on a node. The operator decides. URLs are compared parsed and normalised,
 * never as text.
 *
 * - TRUST-1: the rules apply to the root, every redirect and every member.
 * - TRUST-2: a remote module never imports a `file:` URL.
 * - TRUST-3: a host outside of the public internet must be named: in `modules`, or as the host of
 *   one of the node's own workflows. So must a host that this process may not look up.
 * - TRUST-4: without `modules`, the node trusts its own workflows and what they import; a redirect
 *   must stay on its origin.
 * - TRUST-5: with `modules`, every remote module must match. Local files that a trusted local root
 *   imports need no entry: anyone who can change them can change the application.
 * - TRUST-6: a node that serves a workflow's name trusts, by their hash, the versions that a node
 *   registered itself under that name, and parts of these. It never trusts, by their hash, versions
 *   that only a start registered, whatever their name. Of a version that is trusted by its hash,
 *   the recorded URL and the modules of its origin need no entry. Members of other origins follow
 *   the same rules whether their bytes come from their URL or from the archive.
 * - TRUST-7: a trusted `jsr:` specifier stands for itself and, as a root, for the files of its
 *   package at the versions that it allows; not for another version, and not under another root.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { quote } from "../../base/describe.ts";
import { lookup } from "node:dns/promises";
import { isSha256Hex } from "../../base/encoding.ts";
import { isPrivateAddress, isPrivateHost } from "./address.ts";
import {
  formatPackageSpecifier,
  isExactVersion,
  parsePackageSpecifier,
} from "../manifest/package_specifier.ts";
import { JSR_REGISTRY } from "../project/jsr_registry.ts";
import { satisfies } from "../project/semver.ts";
import { fetchFailed, untrustedModule } from "../load_errors.ts";

/**
 * An exact specifier, or a pattern: a `URLPattern`, its init object, or a text with a wildcard or
 * group in the pattern's syntax, such as `https://cdn.example/wf/*`.
 *
 * @category Versions
 */
export type TrustPattern = string | URLPattern | URLPatternInit;

/**
 * What a node trusts.
 *
 * @category Versions
 */
export interface TrustOptions {
  /**
   * The modules that may run: roots, redirects and members.
   *
   * @default {the node's own workflows, and what they import}
   */
  readonly modules?: readonly TrustPattern[];
  /**
   * Which unregistered specifiers `start` may name; they must also be trusted.
   *
   * @default {false}
   */
  readonly start?: boolean | readonly TrustPattern[];
  /**
   * Version hashes that never run here, even if they are trusted: each 64 lower-case hexadecimal
   * digits.
   */
  readonly deny?: readonly string[];
  /**
   * Public keys of Ed25519. If there are any, a version is executed only with a signature by one of
   * them over the workflow's name and the version's hash, whatever the source; what the other options
   * say must hold as well. Each text holds one key or more: in PEM, or 43 characters of base64url.
   *
   * @default {none: versions need no signature}
   */
  readonly keys?: readonly string[];
  /**
   * Signatures that a deployment brings along: texts of what `continuum versions sign` printed. They
   * count here, and are added to the registry when the instance opens, for other nodes.
   */
  readonly signatures?: readonly string[];
  /**
   * Version hashes that need no signature here: each 64 lower-case hexadecimal digits.
   *
   * @default {none}
   */
  readonly unsigned?: readonly string[];
}

type Matcher = (url: URL) => boolean;

/** The trust of a node; immutable. */
export class Trust {
  readonly #modules: readonly Matcher[] | undefined;
  readonly #start: boolean | readonly Matcher[];
  readonly #deny: ReadonlySet<string>;
  readonly #own: ReadonlySet<string>;
  /** TRUST-3: hosts that the operator named as part of a workflow's specifier. */
  readonly #ownHosts: ReadonlySet<string>;

  /**
   * Reads the operator's settings.
   *
   * @param options What is trusted.
   * @param workflows The node's own workflows: absolute URLs and `jsr:` specifiers.
   * @throws {InvalidArgumentError} When a pattern or a denied hash is invalid.
   */
  constructor(options: TrustOptions, workflows: readonly string[]) {
    const { modules, start = false, deny = [] } = options;
    this.#modules = modules && listOf(modules, "trust.modules").flatMap(matchersOf);
    this.#start = typeof start === "boolean"
      ? start
      : listOf(start, "trust.start").flatMap(matchersOf);
    this.#deny = new Set(listOf(deny, "trust.deny").map(readHash));
    const urls = workflows.filter((specifier) => URL.canParse(specifier))
      .map((specifier) => new URL(specifier));
    this.#own = new Set(urls.map(({ href }) => href));
    const places = urls.map((url) => url.protocol === "jsr:" ? new URL(JSR_REGISTRY) : url);
    this.#ownHosts = new Set(places.filter(isRemote).map(({ host }) => host));
  }

  /** Whether the operator forbids a version. */
  denies(hash: string): boolean {
    return this.#deny.has(hash);
  }

  /** Whether `start` may name a specifier that is not registered. */
  mayStart(specifier: string): boolean {
    if (typeof this.#start === "boolean") return this.#start;
    return URL.canParse(specifier) && this.#start.some((matches) => matches(new URL(specifier)));
  }

  /** Whether a root is trusted by its specifier alone. */
  trusts(specifier: string): boolean {
    if (!URL.canParse(specifier)) return false;
    const url = new URL(specifier);
    if (structuralFault(url) !== undefined) return false;
    // TRUST-4, TRUST-5
    const isOwn = this.#own.has(url.href) && (this.#modules === undefined || !isRemote(url));
    return isOwn || this.#matches(url, url);
  }

  /**
   * Makes the rules for one graph.
   *
   * @param root The URL or `jsr:` specifier of its root.
   * @param isVouched Whether the graph's hash is known and trusted (TRUST-6).
   * @returns Which modules may be part of it.
   */
  scope(root: string, isVouched: boolean): TrustScope {
    const specifier = new URL(root);
    const rootUrl = specifier.protocol === "jsr:" ? new URL(JSR_REGISTRY) : specifier;
    const isTrustedRoot = isVouched || this.trusts(root);
    return new TrustScope((url, referrer, isRedirect) => {
      if (!isRemote(url) && referrer !== undefined && isRemote(referrer) && !isData(url)) {
        return "a remote module may not bring in anything local";
      }
      // The importer contains its bytes; a root has no importer.
      if (isData(url) && (referrer !== undefined || isTrustedRoot)) return undefined;
      const isListed = this.#matches(url, specifier);
      if (isRemote(url) && !isListed && !this.#ownHosts.has(url.host)) {
        if (isPrivateHost(url.hostname)) return "its host is private, and not listed";
      }
      if (isListed) return undefined;
      if (!isTrustedRoot) return "nothing that this node trusts matches it";
      if (!isRemote(url)) return isRemote(rootUrl) ? "its root is remote" : undefined;
      const isBeside = url.origin === rootUrl.origin;
      if (this.#modules !== undefined) {
        return isVouched && isBeside ? undefined : "no pattern of trust.modules matches it";
      }
      if (!isRedirect || referrer?.origin === url.origin) return undefined;
      return "a server redirects to it from another origin, and it is not listed";
    }, (url) => this.#matches(url, specifier) || this.#ownHosts.has(url.host));
  }

  /** Whether a pattern lists a URL, in the graph of a root (TRUST-7). */
  #matches(url: URL, root: URL): boolean {
    const isListed = (url: URL) => this.#modules?.some((matches) => matches(url)) ?? false;
    return isListed(url) || root.protocol === "jsr:" && isOfPackage(url, root) && isListed(root);
  }
}

/** Which modules may be part of one graph. */
export class TrustScope {
  readonly #fault: (url: URL, referrer?: URL, isRedirect?: boolean) => string | undefined;
  readonly #isNamed: (url: URL) => boolean;
  readonly #hosts = new Map<string, Promise<readonly string[]>>();

  /** Made by {@linkcode Trust.scope}. */
  constructor(
    fault: (url: URL, referrer?: URL, isRedirect?: boolean) => string | undefined,
    isNamed: (url: URL) => boolean,
  ) {
    this.#fault = fault;
    this.#isNamed = isNamed;
  }

  /**
   * Refuses a module that may not be part of the graph.
   *
   * @param url Its URL.
   * @param referrer The URL of its importer, or of the module that redirects to it; absent for the
   * root.
   * @param isRedirect Whether a server redirects to it.
   * @throws {LoadError} (`UNTRUSTED_MODULE`) When it may not be part of the graph.
   */
  check(url: string, referrer?: string, isRedirect = false): void {
    const parsed = new URL(url);
    const from = referrer === undefined ? undefined : new URL(referrer);
    const fault = structuralFault(parsed) ?? this.#fault(parsed, from, isRedirect);
    if (fault !== undefined) throw untrustedModule(withoutCredentials(parsed), fault);
  }

  /**
   * Refuses a public name that resolves to a private address, and a name that this process may not
   * look up (TRUST-3).
   *
   * @param url The URL about to be requested.
   * @throws {LoadError} (`UNTRUSTED_MODULE`) When its host resolves to a private address and is not
   * listed, or this process may not look it up.
   * @throws {LoadError} (`FETCH_FAILED`) When its host can't be looked up now.
   */
  async checkHost(url: string): Promise<void> {
    const parsed = new URL(url);
    if (!isRemote(parsed) || this.#isNamed(parsed)) return;
    const { hostname } = parsed;
    let addresses = this.#hosts.get(hostname);
    if (addresses === undefined) {
      addresses = addressesOf(hostname, url);
      this.#hosts.set(hostname, addresses);
    }
    if (!(await addresses).some(isPrivateAddress)) return;
    throw untrustedModule(url, "its host leads to a private address, and is not listed");
  }
}

/**
 * Refuses a URL that can't be part of any graph, even if it is trusted: credentials, an unknown
 * scheme, a host that ends with a dot, an encoded step upwards.
 *
 * @param url An absolute URL.
 * @throws {LoadError} (`UNTRUSTED_MODULE`) When the URL has one of these.
 */
export function checkShape(url: string): void {
  const parsed = new URL(url);
  const fault = structuralFault(parsed);
  if (fault !== undefined) throw untrustedModule(withoutCredentials(parsed), fault);
}

async function addressesOf(hostname: string, url: string): Promise<readonly string[]> {
  try {
    const found = await lookup(hostname.replace(/^\[|\]$/g, ""), { all: true });
    return found.map(({ address }) => address);
  } catch (cause) {
    const isForbidden = cause instanceof Deno.errors.NotCapable ||
      (cause as { code?: unknown }).code === "EPERM";
    if (isForbidden) {
      throw untrustedModule(
        url,
        `this process may not look up where its host leads, and it is not listed; wanted ` +
          `--allow-net=${hostname}, or a pattern in trust.modules`,
      );
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot fetch ${url}: its host can't be looked up: ${why}`;
    throw fetchFailed("FETCH_FAILED", "passing", url, message, cause);
  }
}

/**
 * A segment `..` that the URL parser did not resolve, and a server may: its dots or slashes are
 * encoded, once or several times, or overlong, or parameters follow it.
 */
const STEP_UPWARDS = (() => {
  const percent = "%(?:25)*";
  const dot = `(?:\\.|${percent}(?:2e|c0${percent}ae))`;
  const slash = `(?:[\\\\/]|${percent}(?:2f|5c|c0${percent}af))`;
  return new RegExp(`(?:^|${slash})${dot}{2}(?:${slash}|;|${percent}3b|$)`, "i");
})();

/** Why a URL can't be part of any graph; `undefined` if it can. */
function structuralFault(url: URL): string | undefined {
  if (!["file:", "http:", "https:", "data:", "jsr:"].includes(url.protocol)) {
    return `its scheme is ${url.protocol.slice(0, -1)}, wanted file, http, https, data or jsr`;
  }
  if (url.username !== "" || url.password !== "") return "it holds credentials";
  if (url.hostname.endsWith(".")) return "its host ends with a dot";
  if (STEP_UPWARDS.test(url.pathname) && !isData(url)) {
    return "its path holds an encoded step upwards";
  }
  if (url.protocol === "file:" && url.host !== "") return "it is a file of another host";
  return undefined;
}

/** The entries of an option that is a list, each with the name of its option. */
function listOf<T>(list: readonly T[], option: string): { entry: T; option: string }[] {
  if (Array.isArray(list)) return list.map((entry) => ({ entry, option }));
  return refuse(`option ${option}`, list, "an array");
}

function readHash({ entry, option }: { entry: string; option: string }): string {
  if (typeof entry === "string" && isSha256Hex(entry)) return entry;
  return refuse(
    `option ${option}`,
    entry,
    "a version hash: 64 lower-case hexadecimal digits",
  );
}

function matchersOf({ entry, option }: { entry: TrustPattern; option: string }): Matcher[] {
  try {
    return readPattern(entry);
  } catch (error) {
    // The runtime's messages quote the pattern, which may hold a secret.
    const why = error instanceof PatternFault ? `, but ${error.message}` : "";
    return refuse(`option ${option}`, entry, `an absolute URL or a URLPattern${why}`);
  }
}

/** What is wrong with a pattern, in words of this package. */
class PatternFault extends TypeError {}

function readPattern(pattern: TrustPattern): Matcher[] {
  if (typeof pattern !== "string") return [matcherOf(compile(pattern))];
  // Parentheses around plain words are not a group: they match themselves.
  const text = pattern.replace(/\(([\w .-]*)\)/g, "\\($1\\)");
  const isExact = !/[*{}]|(^|[^\\])\(|\/:[a-z]/i.test(text);
  const url = URL.canParse(pattern) || isExact ? new URL(pattern) : undefined;
  const fault = url && structuralFault(url);
  if (isExact && fault !== undefined) throw new PatternFault(fault);
  // A URL always matches itself, whatever else it matches as a pattern.
  const itself: Matcher[] = url === undefined
    ? []
    : [(found) => normalHref(found) === normalHref(url)];
  return isExact ? itself : [...itself, matcherOf(compile(text))];
}

function matcherOf(compiled: URLPattern): Matcher {
  return (url) => compiled.test(url.href);
}

const PARTS = ["protocol", "hostname", "port", "pathname", "search", "hash", "baseURL"];

function compile(pattern: TrustPattern): URLPattern {
  if (pattern instanceof URLPattern) return pattern;
  if (typeof pattern === "string") {
    // The colons of an IPv6 address do not start groups.
    const escape = (host: string) => host.replaceAll(":", "\\:");
    return new URLPattern(pattern.replace(/\[[\da-f:.]*\]/i, escape));
  }
  if (typeof pattern !== "object" || pattern === null) throw new PatternFault("it is no pattern");
  // An absent part matches anything, so a misspelt one must be refused.
  const wrong = Object.keys(pattern).find((part) => !PARTS.includes(part));
  if (wrong !== undefined) {
    throw new PatternFault(`it holds a key that is no part of a URL: ${quote(wrong)}`);
  }
  if (Object.values(pattern).every((part) => part === undefined)) {
    throw new PatternFault("it names no part of a URL");
  }
  return new URLPattern(pattern);
}

/** A URL's text; equivalent `jsr:` specifiers have the same. */
function normalHref({ href, protocol }: URL): string {
  const parts = protocol === "jsr:" ? parsePackageSpecifier(href) : undefined;
  return parts === undefined ? href : formatPackageSpecifier(parts);
}

/** TRUST-7: whether a URL belongs to the package of a `jsr:` root, at a version that it allows. */
function isOfPackage(url: URL, root: URL): boolean {
  const parts = parsePackageSpecifier(root.href);
  const folder = `${JSR_REGISTRY}${parts?.name}/`;
  if (parts === undefined || !url.href.startsWith(folder)) return false;
  const path = url.href.slice(folder.length);
  if (path === "meta.json") return !isExactVersion(parts.range);
  const version = /^([^/]+)(?:\/|_meta\.json$)/.exec(path)?.[1];
  if (version === undefined) return false;
  return isExactVersion(parts.range)
    ? version === parts.range
    : satisfies(version, parts.range || "*");
}

function isRemote(url: URL): boolean {
  return url.protocol === "https:" || url.protocol === "http:";
}

function isData(url: URL): boolean {
  return url.protocol === "data:";
}

function withoutCredentials(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href.slice(0, 500);
}
