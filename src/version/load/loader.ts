/**
 * Loads versions from memory: takes verified bytes, returns evaluated modules.
 *
 * - LOAD-1, verified: the manifest has the version's hash (VERIFIED-1), and every member is hashed in
 *   the very buffer from which its code is made, before any code of the version runs.
 * - LOAD-2, closed: an import leads where the manifest says, or fails.
 * - LOAD-3, alone: one load at a time in a process, and hooks are registered only during a load; a
 *   permanent `load` hook breaks CommonJS packages with native addons (denoland/deno#36240).
 * - LOAD-4, fresh: an attempt after a failed one uses other URLs, since the runtime keeps failed
 *   imports until the process ends.
 * - LOAD-5, faithful: a dynamic import rejects as it would in Deno: if a member that no module
 *   imports statically can't be linked, or throws, the load does not fail.
 *
 * Members are `continuum:///<hash>/<path>`, and `continuum:///<hash>~<n>/<path>` in the nth
 * attempt. Below `@` are modules of the loader: boxes, which import namespaces statically, since
 * `import()` calls a function `then` that a module exports; and importers, which handle dynamic
 * imports.
 *
 * @module
 */

import { importAbsolute } from "../../base/import_absolute.ts";
import { registerHooks } from "node:module";
import { sha256Hex } from "../../base/encoding.ts";
import { isContinuumError } from "../../base/errors.ts";
import { guardedBuiltin } from "../../replay/builtins.ts";
import { evaluating, type Taken } from "../../replay/evaluation.ts";
import { withoutPools } from "../../replay/pools.ts";
import { emitModule } from "../compile/emit.ts";
import { importingGuarded } from "./guarded_packages.ts";
import { WORKFLOW_ENTRY } from "../project/host.ts";
import { importGuarded } from "./import_guard.ts";
import { inspectedAs } from "./inspected.ts";
import type { VersionPackages } from "../packages/version_packages.ts";
import { parsePackageSpecifier } from "../manifest/package_specifier.ts";
import { labelPath } from "../manifest/label.ts";
import { importTypeOf, type Member } from "../manifest/format.ts";
import type { AuthoredLog } from "../../base/authored.ts";
import { LOGTAPE } from "../../base/log.ts";
import type { ManifestIndex, ResolvedImport } from "../manifest/resolved_imports.ts";
import type { VerifiedManifest } from "../manifest/verified.ts";
import { readRewritten, type RequestedImport, type RewrittenModule } from "../compile/rewrite.ts";
import { GraphError } from "../errors.ts";
import {
  externalUnavailable,
  integrityMismatch,
  liveUnknown,
  loadLimit,
  unpinnedImport,
} from "../load_errors.ts";

/** The namespace of a module. */
export type Namespace = Readonly<Record<string, unknown>>;

/** Modules of a version, by label. */
export interface LoadedModules {
  /** The entry's namespace. */
  readonly entry: Namespace;
  /** The namespace of every member that is code and was evaluated. */
  readonly members: ReadonlyMap<string, Namespace>;
  /** Bytes of all members. */
  readonly bytes: number;
}

/** Limits of a loader. */
export interface LoaderOptions {
  /** Takes what modules keep that differs from node to node. Default: LogTape. */
  readonly log?: AuthoredLog | undefined;
  /** Milliseconds until an import counts as hung, and 20 more a member. Default 10,000. */
  readonly timeoutMs?: number;
  /** How many modules the process may load before it ends. Default 100,000. */
  readonly maxModules?: number;
}

/** The input of one load. */
export interface LoadRequest {
  /** The manifest of the version. */
  readonly manifest: VerifiedManifest;
  /** Its members' bytes by SHA-256; no code may change them any more. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The URL of the application's own module for a live label; `undefined` if it has none. */
  readonly liveUrl?: (label: string) => string | undefined;
  /** Where its npm packages come from; the runtime alone when omitted. */
  readonly packages?: VersionPackages | undefined;
}

/** State that all loaders of a process share, including loaders of other copies of the package. */
interface Process {
  /** Attempts by hash (LOAD-4). */
  readonly attempts: Map<string, number>;
  /** The last load (LOAD-3). */
  queue: Promise<unknown>;
  /** Modules loaded so far. */
  modules: number;
  /** Handlers of dynamic imports, by the URL of an importer that has not been evaluated yet. */
  readonly importers: Map<string, Importer>;
  /** Returns a handler to the first module that requests it. */
  take(url: string): Importer | undefined;
}

type Importer = (specifier: unknown, options?: unknown) => Promise<Namespace>;

const SHARED = Symbol.for("continuum.loader");

/** Milliseconds that each member adds to the timeout of a load: a large graph is not a hung one. */
const MS_PER_MEMBER = 20;

/** Loads versions from memory. */
export class Loader {
  readonly #timeoutMs: number;
  readonly #maxModules: number;
  readonly #log: AuthoredLog;

  /**
   * Makes a loader; all loaders of a process take turns.
   *
   * @param options Limits, and the log.
   */
  constructor(options: LoaderOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#maxModules = options.maxModules ?? 100_000;
    this.#log = options.log ?? LOGTAPE.version;
  }

  /** Modules that any loader of this process has loaded so far; they are never freed. */
  get modules(): number {
    return shared().modules;
  }

  /**
   * Loads a version: verifies it, imports its external modules, then every member of it.
   *
   * @param request The version.
   * @returns Its modules.
   * @throws {LoadError} (`INTEGRITY_MISMATCH`) When a byte of it is wrong; none of its code has run
   * then.
   * @throws {LoadError} (`UNPINNED_IMPORT`) When a static import is not listed in the manifest.
   * @throws {LoadError} (`EXTERNAL_UNAVAILABLE`) When a package that it pins can't be imported
   * here.
   * @throws {LoadError} (`LIVE_UNKNOWN`) When it is bound to a live module that this node does not
   * have.
   * @throws {LoadError} (`IMPORT_FAILED`) When importing it threw, hung, exited or left a rejected
   * promise.
   * @throws {LoadError} (`LOAD_LIMIT`) When the process has loaded too many modules.
   */
  async load(request: LoadRequest): Promise<LoadedModules> {
    const state = shared();
    const before = state.queue;
    const { promise, resolve } = Promise.withResolvers<void>();
    state.queue = promise;
    await before;
    try {
      return await this.#load(request, state);
    } finally {
      resolve();
    }
  }

  async #load(request: LoadRequest, state: Process): Promise<LoadedModules> {
    checkMembers(request);
    const { hash, content: { members } } = request.manifest;
    if (state.modules + members.length > this.#maxModules) {
      throw loadLimit(state.modules, members.length, this.#maxModules);
    }
    const attempt = (state.attempts.get(hash) ?? 0) + 1;
    state.attempts.set(hash, attempt);
    const version = new LoadingVersion(request, attempt, this.#log);
    await version.emit(request.bytes);
    await version.importOutside(request.packages);
    state.modules += members.length;
    try {
      const timeoutMs = this.#timeoutMs + members.length * MS_PER_MEMBER;
      return await version.importMembers(state, timeoutMs);
    } catch (error) {
      version.forget(state);
      throw error;
    }
  }
}

/** LOAD-1; the manifest itself is verified (VERIFIED-1). */
function checkMembers({ manifest, bytes }: LoadRequest): void {
  for (const { label, sha256 } of manifest.content.members) {
    const body = bytes.get(sha256);
    const digest = body && sha256Hex(body);
    if (digest !== sha256) throw integrityMismatch(`member ${label}`, digest, sha256);
  }
}

/** One attempt to load one version. */
class LoadingVersion {
  readonly #log: AuthoredLog;
  readonly #liveUrl: NonNullable<LoadRequest["liveUrl"]>;
  readonly #index: ManifestIndex;
  readonly #hash: string;
  readonly #base: string;
  /** Text by URL, importers and boxes included. */
  readonly #code = new Map<string, string>();
  readonly #members = new Map<string, Member>();
  /** What each member imports, by URL. */
  readonly #imports = new Map<string, Pick<RewrittenModule, "imports" | "dynamic">>();
  /** Members that can't be imported, each with its error. */
  readonly #broken = new Map<string, { readonly error: unknown }>();
  /** Members that import dynamically, by the URLs of their importers. */
  readonly #importers = new Map<string, string>();
  /** Namespaces with which dynamic imports are answered, by URL. */
  readonly #namespaces = new Map<string, Namespace>();
  /** The URLs to which externals, live modules and the host are bound. */
  readonly #outside = new Map<string, string>();
  #bytes = 0;
  #boxes = 0;
  /** The error that a hook threw; the runtime wraps it into another error. */
  #refusal: Error | undefined;

  constructor(
    { manifest, liveUrl = () => undefined }: LoadRequest,
    attempt: number,
    log: AuthoredLog,
  ) {
    this.#log = log;
    this.#liveUrl = liveUrl;
    this.#index = manifest.index;
    this.#hash = manifest.hash;
    this.#base = `continuum:///${manifest.hash}${attempt === 1 ? "" : `~${attempt}`}/`;
    for (const member of manifest.content.members) this.#members.set(this.#urlOf(member), member);
  }

  /** LOAD-2, before any code runs. The bytes are not kept after this. */
  async emit(bytes: LoadRequest["bytes"]): Promise<void> {
    for (const [url, member] of this.#members) {
      const body = bytes.get(member.sha256)!;
      this.#bytes += body.byteLength;
      const importer = `${this.#base}@import/${this.#importers.size}`;
      const options = this.#index.options(member.label);
      try {
        const { code, ...imports } = await this.#emitOne(url, member, body, importer, options);
        const isCode = importTypeOf(member.media) === "module";
        const comment = isCode ? inspectedAs(this.#hash, labelPath(member.label)) : "";
        this.#code.set(url, code + comment);
        this.#imports.set(url, imports);
        if (!code.includes(importer)) continue;
        this.#importers.set(importer, url);
        const take = `globalThis[Symbol.for("continuum.loader")].take(${JSON.stringify(importer)})`;
        this.#code.set(importer, `export default ${take};`);
      } catch (error) {
        if (
          !isContinuumError(error, "MODULE_SYNTAX") && !isContinuumError(error, "UNPINNED_IMPORT")
        ) {
          throw error;
        }
        this.#broken.set(url, { error });
      }
    }
    for (const url of this.#reached(this.#urlOf(this.#index.entry))) {
      const broken = this.#broken.get(url);
      if (broken !== undefined) throw broken.error;
    }
  }

  /** All members that a member imports statically, and itself. */
  #reached(from: string): Set<string> {
    const seen = new Set([from]);
    for (const url of seen) {
      for (const request of this.#imports.get(url)?.imports ?? []) {
        const target = this.#memberOf(url, request);
        if (target !== undefined) seen.add(target);
      }
    }
    return seen;
  }

  /**
   * LOAD-5: members that only dynamic imports can reach. The manifest may list a member for an
   * import that was dropped with its types; it is not included, since no code imports it.
   */
  #lazy(eager: ReadonlySet<string>): string[] {
    const reached = new Set(eager);
    const wanted = new Set<string>();
    for (const url of reached) {
      for (const request of this.#imports.get(url)?.dynamic ?? []) {
        const target = request && this.#memberOf(url, request);
        const targets = request === undefined ? this.#members.keys() : target ? [target] : [];
        for (const lazy of targets) {
          wanted.add(lazy);
          for (const below of this.#reached(lazy)) reached.add(below);
        }
      }
    }
    return [...this.#members.keys()].filter((url) => wanted.has(url) && !eager.has(url));
  }

  #memberOf(url: string, { specifier, type }: RequestedImport): string | undefined {
    const target = this.#targetOf(url, specifier, type);
    return target?.kind === "member" ? this.#urlOf(target.member) : undefined;
  }

  /** Imports packages, builtins, live modules and the host: the process shares them. */
  async importOutside(packages: VersionPackages | undefined): Promise<void> {
    const { externals, live, edges } = this.#index.manifest;
    for (const label of live) {
      const url = this.#liveUrl(label);
      if (url === undefined) throw liveUnknown(label);
      await this.#importOutside(`live ${label}`, url);
    }
    await importingGuarded(async () => {
      for (const { specifier } of externals) {
        const key = `external ${specifier}`;
        await this.#importExternal(key, specifier, packages);
        const url = this.#outside.get(key)!;
        const pooled = withoutPools(specifier, this.#namespaces.get(url)!, url);
        if (pooled !== undefined) await this.#importOutside(key, pooled);
      }
    });
    if (edges.some(({ target }) => target.kind === "host")) {
      await this.#importOutside("host", WORKFLOW_ENTRY);
    }
  }

  /** PACKAGESOURCE-1 */
  async #importExternal(
    key: string,
    specifier: string,
    packages: VersionPackages | undefined,
  ): Promise<void> {
    const byRuntime = () => this.#importOutside(key, guardedBuiltin(specifier) ?? specifier);
    const turn = await packages?.turnOf(specifier);
    if (packages === undefined || turn === undefined) return await byRuntime();
    const fromArchive = async () => {
      // Loaded on the first use only: most processes never need it.
      const { importPackage } = await import("../packages/import_package.ts");
      const { url, namespace } = await importPackage(
        await packages.open(specifier),
        parsePackageSpecifier(specifier)!.path,
      );
      this.#namespaces.set(url, namespace);
      this.#outside.set(key, url);
    };
    const [attempt, otherwise] = turn === "last"
      ? [byRuntime, fromArchive]
      : [fromArchive, byRuntime];
    try {
      return await attempt();
    } catch (first) {
      // What is damaged is never passed over.
      if (isContinuumError(first, "INTEGRITY_MISMATCH")) throw first;
      if (turn === "only") throw packages.otherInLock(specifier, first);
      try {
        return await otherwise();
      } catch (second) {
        if (isContinuumError(second, "INTEGRITY_MISMATCH")) throw second;
        throw neitherHas(specifier, [first, second]);
      }
    }
  }

  async #importOutside(key: string, url: string): Promise<void> {
    try {
      const source = `import * as m from ${JSON.stringify(url)};export default [m]`;
      const box = await importAbsolute(`data:text/javascript,${encodeURIComponent(source)}`);
      this.#namespaces.set(url, (box.default as Namespace[])[0]!);
    } catch (cause) {
      throw externalUnavailable(url, cause);
    }
    this.#outside.set(key, url);
  }

  async importMembers(state: Process, timeoutMs: number): Promise<LoadedModules> {
    for (const [importer, url] of this.#importers) {
      state.importers.set(
        importer,
        (specifier, options) => this.#importDynamically(url, specifier, options),
      );
    }
    const hooks = registerHooks({
      resolve: (specifier, context, next) => {
        const { parentURL = "" } = context;
        if (this.#code.has(specifier)) {
          const isOurs = parentURL === import.meta.url || this.#isOurs(parentURL) ||
            this.#importers.get(specifier) === parentURL;
          if (isOurs) return { url: specifier, shortCircuit: true };
        }
        if (!this.#members.has(parentURL)) return next(specifier, context);
        return { url: this.#resolve(parentURL, specifier), shortCircuit: true };
      },
      load: (url, context, next) => {
        const source = this.#code.get(url);
        if (source === undefined) return next(url, context);
        return { format: "module", source, shortCircuit: true };
      },
    });
    const entryUrl = this.#urlOf(this.#index.entry);
    try {
      const importAll = async () => {
        const eager = this.#reached(entryUrl);
        await this.#importBoxed([...eager]);
        for (const url of this.#lazy(eager)) await this.#importLazy(url); // LOAD-5
      };
      await importGuarded(
        entryUrl,
        timeoutMs,
        () => evaluating(this.#hash, importAll, (taken) => reportTaken(this.#log, entryUrl, taken)),
      );
      const entry = this.#namespaces.get(entryUrl)!;
      return { entry, members: this.#codeMembers(), bytes: this.#bytes };
    } catch (error) {
      throw this.#refusal ?? error;
    } finally {
      hooks.deregister();
      this.#code.clear();
      this.#imports.clear();
    }
  }

  /** Whether a module is a box or an importer: an `@` in a label would be encoded. */
  #isOurs(url: string): boolean {
    return url.startsWith(`${this.#base}@`);
  }

  /** Imports members in order, and keeps their namespaces. */
  async #importBoxed(urls: readonly string[]): Promise<void> {
    const box = `${this.#base}@box/${this.#boxes++}`;
    const imports = urls.map((url, i) => `import * as m${i} from ${JSON.stringify(url)};`).join("");
    this.#code.set(box, `${imports}export default [${urls.map((_, i) => `m${i}`).join(",")}];`);
    const namespaces = (await importAbsolute(box)).default as Namespace[];
    for (const [i, url] of urls.entries()) this.#namespaces.set(url, namespaces[i]!);
  }

  async #importLazy(url: string): Promise<void> {
    for (const reached of this.#reached(url)) {
      const broken = this.#broken.get(reached);
      if (broken === undefined) continue;
      this.#broken.set(url, broken);
      return;
    }
    this.#refusal = undefined;
    try {
      await this.#importBoxed([url]);
    } catch (error) {
      this.#broken.set(url, { error: this.#refusal ?? error });
    }
  }

  /** Makes a version that failed to load refuse dynamic imports. */
  forget(state: Process): void {
    for (const importer of this.#importers.keys()) state.importers.delete(importer);
  }

  async #emitOne(
    url: string,
    member: Member,
    body: Uint8Array,
    importer: string,
    options: ReadonlyMap<string, string>,
  ): Promise<RewrittenModule> {
    try {
      const emitted = await emitModule(member, body, url, importer, options);
      if (this.#firstUnlisted(url, emitted) === undefined) return emitted;
      // The lexer may report an import that does not exist: a parser decides.
      const parsed = await emitModule(member, body, url, importer, options, true);
      const unlisted = this.#firstUnlisted(url, parsed);
      // The runtime lets a hook refuse anything but builtins, so builtins are refused here.
      if (unlisted !== undefined) throw unpinnedImport(url, unlisted);
      return parsed;
    } catch (cause) {
      if (isContinuumError(cause)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new GraphError("MODULE_SYNTAX", `Cannot compile ${url}: ${reason}`, {
        cause,
        details: { url },
      });
    }
  }

  #firstUnlisted(url: string, { imports }: RewrittenModule): string | undefined {
    return imports.find(({ specifier, type }) => {
      const target = this.#targetOf(url, specifier, type);
      return target === undefined || target.kind === "missing";
    })?.specifier;
  }

  /** LOAD-2: the URL that an import of emitted code leads to. */
  #resolve(parent: string, emitted: string): string {
    const { specifier, type } = readRewritten(emitted);
    const target = this.#targetOf(parent, specifier, type);
    const url = target === undefined ? undefined : this.#urlOfTarget(target);
    if (url !== undefined) return url;
    this.#refusal ??= unpinnedImport(parent, specifier);
    throw this.#refusal;
  }

  async #importDynamically(
    parent: string,
    given: unknown,
    options: unknown,
  ): Promise<Namespace> {
    const specifier = `${given as string}`;
    const type = typeOf(options);
    const target = this.#targetOf(parent, specifier, type);
    if (target?.kind === "missing" || specifier === "") {
      throw new TypeError(`Module not found ${JSON.stringify(specifier)}, from ${parent}`);
    }
    const url = target === undefined ? undefined : this.#urlOfTarget(target);
    if (url === undefined) throw unpinnedImport(parent, specifier);
    const broken = this.#broken.get(url);
    if (broken !== undefined) throw broken.error;
    // The target is missing only if the importing module is still being evaluated.
    return this.#namespaces.get(url) ?? await importAbsolute(url);
  }

  #targetOf(parent: string, specifier: string, type: string): ResolvedImport | undefined {
    const attributes: Record<string, string> = type === "module" ? {} : { type };
    return this.#index.resolve(this.#members.get(parent)!.label, specifier, attributes);
  }

  #urlOfTarget(target: ResolvedImport): string | undefined {
    switch (target.kind) {
      case "member":
        return this.#urlOf(target.member);
      case "external":
        return this.#outside.get(`external ${target.specifier}`);
      case "live":
        return this.#outside.get(`live ${target.label}`);
      case "host":
        return this.#outside.get("host");
      case "missing":
        return undefined;
    }
  }

  #urlOf({ label, media }: Member): string {
    const type = importTypeOf(media);
    return `${this.#base}${labelPath(label)}${type === "module" ? "" : `?${type}`}`;
  }

  #codeMembers(): Map<string, Namespace> {
    const found = new Map<string, Namespace>();
    for (const [url, { label, media }] of this.#members) {
      const namespace = this.#namespaces.get(url);
      if (importTypeOf(media) === "module" && namespace !== undefined) found.set(label, namespace);
    }
    return found;
  }
}

/** Neither the runtime nor the archive could give a package. */
function neitherHas(specifier: string, errors: readonly unknown[]): Error {
  const causes = errors.map((error) =>
    isContinuumError(error, "EXTERNAL_UNAVAILABLE") ? error.cause : error
  );
  const why = causes.map((cause) => cause instanceof Error ? cause.message : String(cause));
  const [cause] = causes;
  return externalUnavailable(specifier, new Error(why.join("; "), { cause }));
}

/** The import attribute of a dynamic import, read as the language specifies. */
function typeOf(options: unknown): string {
  if (options === undefined) return "module";
  if (typeof options !== "object" || options === null) {
    throw new TypeError("The second argument of import() must be an object");
  }
  const { with: attributes } = options as { with?: unknown };
  if (attributes === undefined) return "module";
  if (typeof attributes !== "object" || attributes === null) {
    throw new TypeError("The 'with' option of import() must be an object");
  }
  let type = "module";
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value !== "string") {
      throw new TypeError("Import attribute values must be strings");
    }
    if (key !== "type") throw new TypeError(`Import attribute "${key}" is not supported`);
    type = value;
  }
  return type;
}

function shared(): Process {
  const global = globalThis as unknown as Record<symbol, Process | undefined>;
  const known = global[SHARED];
  if (known !== undefined) return known;
  const state: Process = {
    attempts: new Map(),
    queue: Promise.resolve(),
    modules: 0,
    importers: new Map(),
    take(url) {
      const importer = this.importers.get(url);
      this.importers.delete(url);
      return importer;
    },
  };
  Object.defineProperty(globalThis, SHARED, { value: state });
  return state;
}

function reportTaken(log: AuthoredLog, url: string, taken: readonly Taken[]): void {
  for (const { call, at } of taken) {
    log.warn(
      "{url} calls {call} at its top level, at {at}: what it keeps differs from node to node; " +
        "draw it in a step, or in a module that is live",
      { url, call, at },
    );
  }
}
