/**
 * Which code may run on a node. The operator decides; URLs are compared parsed and normalised,
 * never as text.
 *
 * - T1: it holds for the root, every redirect and every member.
 * - T2: a remote module never brings in a `file:`.
 * - T3: a host that is not of the public internet must be named: in `modules`, or as the host of one
 *   of the node's own workflows.
 * - T4: without `modules`, the node's own workflows are trusted with what they import; but where a
 *   server redirects, it stays on its own origin.
 * - T5: with `modules`, every remote module must match. Local files that a trusted local root
 *   imports need no entry: who can change them can change the application.
 * - T6: a registered version is vouched for by its hash: its recorded URL and what lies beside it on
 *   the same origin need no entry.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { InvalidArgumentError } from "../base/errors.ts";
import { isPrivateAddress, isPrivateHost } from "./address.ts";
import { UntrustedModuleError } from "./load_errors.ts";
import { parsePackageSpecifier } from "./package_specifier.ts";

/**
 * An exact specifier, or a pattern: a `URLPattern`, what one is made of, or a text with a wildcard
 * or group in the pattern's syntax, such as `https://cdn.example/wf/*`.
 */
export type TrustPattern = string | URLPattern | URLPatternInit;

/** What a node trusts. */
export interface TrustOptions {
  /**
   * The modules that may run: roots, redirects and members.
   *
   * @default {the node's own workflows, and what they import}
   */
  readonly modules?: readonly TrustPattern[];
  /**
   * Which unregistered specifiers `start` may name; they must be trusted besides.
   *
   * @default {false}
   */
  readonly start?: boolean | readonly TrustPattern[];
  /** Version hashes that never run here, whoever vouches for them. */
  readonly deny?: readonly string[];
}

type Matcher = (url: URL) => boolean;

/** The trust of a node; immutable. */
export class Trust {
  readonly #modules: readonly Matcher[] | undefined;
  readonly #start: boolean | readonly Matcher[];
  readonly #deny: ReadonlySet<string>;
  readonly #own: ReadonlySet<string>;
  /** T3: hosts that the operator named by naming a workflow. */
  readonly #ownHosts: ReadonlySet<string>;

  /**
   * Reads the operator's decision.
   *
   * @param options What is trusted.
   * @param workflows The node's own workflows: absolute URLs and `jsr:` specifiers.
   * @throws {InvalidArgumentError} When a pattern is none.
   */
  constructor(options: TrustOptions, workflows: readonly string[]) {
    this.#modules = options.modules?.flatMap((pattern) => matchersOf(pattern, "trust.modules"));
    this.#start = typeof options.start === "object"
      ? options.start.flatMap((pattern) => matchersOf(pattern, "trust.start"))
      : options.start ?? false;
    this.#deny = new Set(options.deny);
    const urls = workflows.filter((specifier) => URL.canParse(specifier))
      .map((specifier) => new URL(specifier));
    this.#own = new Set(urls.map(({ href }) => href));
    this.#ownHosts = new Set(urls.filter(isRemote).map(({ host }) => host));
  }

  /** Whether the operator forbids a version. */
  denies(hash: string): boolean {
    return this.#deny.has(hash);
  }

  /** Whether `start` may name a specifier that nobody has registered. */
  mayStart(specifier: string): boolean {
    if (typeof this.#start === "boolean") return this.#start;
    return URL.canParse(specifier) && this.#start.some((matches) => matches(new URL(specifier)));
  }

  /** Whether a root is trusted by its specifier alone. */
  trusts(specifier: string): boolean {
    if (!URL.canParse(specifier)) return false;
    const url = new URL(specifier);
    if (structuralFault(url) !== undefined) return false;
    // T4, T5
    const isOwn = this.#own.has(url.href) && (this.#modules === undefined || !isRemote(url));
    return isOwn || this.#matches(url);
  }

  /**
   * The trust of one graph.
   *
   * @param root The URL or `jsr:` specifier of its root.
   * @param isVouched Whether the graph's hash is known, and of a workflow that the node serves (T6).
   * @returns What may be part of it.
   */
  scope(root: string, isVouched: boolean): TrustScope {
    const rootUrl = new URL(root.startsWith("jsr:") ? "https://jsr.io/" : root);
    const isTrustedRoot = isVouched || this.trusts(root);
    return new TrustScope((url, referrer, isRedirect) => {
      if (!isRemote(url) && referrer !== undefined && isRemote(referrer) && !isData(url)) {
        return "a remote module may not bring in anything local";
      }
      // Its bytes are its importer's; a root has none to vouch for it.
      if (isData(url) && (referrer !== undefined || isTrustedRoot)) return undefined;
      const isListed = this.#matches(url);
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
    }, (url) => this.#matches(url) || this.#ownHosts.has(url.host));
  }

  #matches(url: URL): boolean {
    return this.#modules?.some((matches) => matches(url)) ?? false;
  }
}

/** What may be part of one graph. */
export class TrustScope {
  readonly #fault: (url: URL, referrer?: URL, isRedirect?: boolean) => string | undefined;
  readonly #isNamed: (url: URL) => boolean;
  readonly #hosts = new Map<string, Promise<boolean>>();

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
   * @param referrer The URL of what imports it, or of what redirects to it; none for the root.
   * @param isRedirect Whether a server sends us there.
   * @throws {UntrustedModuleError} When it may not.
   */
  check(url: string, referrer?: string, isRedirect = false): void {
    const parsed = new URL(url);
    const from = referrer === undefined ? undefined : new URL(referrer);
    const fault = structuralFault(parsed) ?? this.#fault(parsed, from, isRedirect);
    if (fault !== undefined) throw new UntrustedModuleError(withoutCredentials(parsed), fault);
  }

  /**
   * Refuses a public name that leads to a private address. Names that can't be looked up are left
   * to the request, which will fail too.
   *
   * @param url The URL about to be requested.
   * @throws {UntrustedModuleError} When its host leads to a private address and is not listed.
   */
  async checkHost(url: string): Promise<void> {
    const parsed = new URL(url);
    if (!isRemote(parsed) || this.#isNamed(parsed)) return;
    const { hostname } = parsed;
    let isPrivate = this.#hosts.get(hostname);
    if (isPrivate === undefined) {
      isPrivate = leadsToPrivate(hostname);
      this.#hosts.set(hostname, isPrivate);
    }
    if (!await isPrivate) return;
    throw new UntrustedModuleError(url, "its host leads to a private address, and is not listed");
  }
}

/**
 * Refuses a URL that can be part of no graph, whoever trusts it: credentials, an unknown scheme, a
 * host that ends with a dot, an encoded step upwards.
 *
 * @param url An absolute URL.
 * @throws {UntrustedModuleError} When it is one.
 */
export function checkShape(url: string): void {
  const parsed = new URL(url);
  const fault = structuralFault(parsed);
  if (fault !== undefined) throw new UntrustedModuleError(withoutCredentials(parsed), fault);
}

async function leadsToPrivate(hostname: string): Promise<boolean> {
  try {
    const addresses = await lookup(hostname.replace(/^\[|\]$/g, ""), { all: true });
    return addresses.some(({ address }) => isPrivateAddress(address));
  } catch {
    return false;
  }
}

/** What no URL of a graph may have, whoever trusts it. */
function structuralFault(url: URL): string | undefined {
  if (!["file:", "http:", "https:", "data:", "jsr:"].includes(url.protocol)) {
    return `its scheme is ${url.protocol.slice(0, -1)}, wanted file, http, https, data or jsr`;
  }
  if (url.username !== "" || url.password !== "") return "it holds credentials";
  if (url.hostname.endsWith(".")) return "its host ends with a dot";
  // A server may decode these, and then climb.
  if (/(^|[\\/]|%2f|%5c)(\.|%2e){2}([\\/]|%2f|%5c|$)/i.test(url.pathname) && !isData(url)) {
    return "its path holds an encoded step upwards";
  }
  if (url.protocol === "file:" && url.host !== "") return "it is a file of another host";
  return undefined;
}

function matchersOf(pattern: TrustPattern, option: string): Matcher[] {
  try {
    return readPattern(pattern);
  } catch (error) {
    throw new InvalidArgumentError(
      `Cannot use option ${option}: found ${
        JSON.stringify(pattern)
      }, wanted an absolute URL or a ` +
        `URLPattern: ${(error as Error).message}`,
      { option },
    );
  }
}

function readPattern(pattern: TrustPattern): Matcher[] {
  if (typeof pattern === "string" && !/[*(){}]|\/:[a-z]/i.test(pattern)) {
    const { href } = new URL(pattern);
    const exact: Matcher = (url) => url.href === href;
    return [exact, ...jsrMatchers(pattern)];
  }
  const compiled = compile(pattern);
  return [(url) => compiled.test(url.href)];
}

function compile(pattern: TrustPattern): URLPattern {
  if (pattern instanceof URLPattern) return pattern;
  if (typeof pattern !== "string") return new URLPattern(pattern);
  // The colons of an IPv6 address begin no groups.
  return new URLPattern(
    pattern.replace(/\[[\da-f:.]*\]/i, (host) => host.replaceAll(":", "\\:")),
  );
}

/** A `jsr:` root is read from the registry's URLs. */
function jsrMatchers(specifier: string): Matcher[] {
  const parts = specifier.startsWith("jsr:") ? parsePackageSpecifier(specifier) : undefined;
  if (parts === undefined) return [];
  const folder = `https://jsr.io/${parts.name}/`;
  return [(url) => url.href.startsWith(folder)];
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
