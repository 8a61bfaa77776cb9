/**
 * Loads versions from memory: verified bytes in, running modules out.
 *
 * - L1, verified: every member is hashed in the very buffer that its code is made of, and the
 *   manifest against the version's hash, before anything of the version runs.
 * - L2, closed: an import leads where the manifest says, or fails.
 * - L3, alone: one load at a time in a process, and hooks are registered only while it lasts; a
 *   `load` hook that stays breaks CommonJS packages with native addons (denoland/deno#36240).
 * - L4, fresh: an attempt after a failed one uses other URLs, since the runtime keeps failed imports
 *   for the life of the process.
 *
 * Members are `continuum:///<hash>/<path>`, and `continuum:///<hash>~<n>/<path>` in the nth attempt.
 *
 * @module
 */

import { registerHooks } from "node:module";
import { sha256Hex } from "../base/encoding.ts";
import { isContinuumError } from "../base/errors.ts";
import { emitModule, type EmittedModule, readEmitted } from "./emit.ts";
import { ModuleSyntaxError } from "./errors.ts";
import { WORKFLOW_ENTRY } from "./host.ts";
import { importGuarded } from "./import_guard.ts";
import {
  ExternalUnavailableError,
  IntegrityError,
  LiveUnknownError,
  LoadLimitError,
  UnpinnedImportError,
} from "./load_errors.ts";
import {
  type ImportType,
  importTypeOf,
  type Member,
  parseManifest,
  versionHash,
} from "./manifest.ts";
import { ManifestIndex, type ResolvedImport } from "./manifest_index.ts";

/** The namespace of a module. */
export type Namespace = Readonly<Record<string, unknown>>;

/** Modules of a version, by label. */
export interface LoadedModules {
  /** The entry's namespace. */
  readonly entry: Namespace;
  /** The namespace of every member that is code. */
  readonly members: ReadonlyMap<string, Namespace>;
  /** Bytes of all members. */
  readonly bytes: number;
}

/** What a loader is made with. */
export interface LoaderOptions {
  /** Milliseconds until an import counts as hung, and 20 more a member. Default 10,000. */
  readonly timeoutMs?: number;
  /** How many modules the process may load in its life. Default 100,000. */
  readonly maxModules?: number;
}

/** What one load needs. */
export interface LoadRequest {
  /** The version. */
  readonly hash: string;
  /** The text of its manifest. */
  readonly manifest: string;
  /** Its members' bytes by SHA-256; nobody may write into them any more. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The URL of the application's own module for a live label; `undefined`: it has none. */
  readonly liveUrl?: (label: string) => string | undefined;
}

/** What all loaders of a process share, copies of the package included. */
interface Process {
  /** Attempts by hash (L4). */
  readonly attempts: Map<string, number>;
  /** The last load (L3). */
  queue: Promise<unknown>;
  /** Modules loaded so far. */
  modules: number;
  /** Answers dynamic imports of emitted code, by the URL of the importing module. */
  readonly importers: Map<string, Importer>;
  /** What emitted code calls. */
  import(url: string, specifier: unknown, options: unknown): Promise<Namespace>;
}

type Importer = (specifier: string, type: string) => Promise<Namespace>;

const SHARED = Symbol.for("continuum.loader");
const IMPORTER = `globalThis[Symbol.for("continuum.loader")].import`;

/** What a member adds to the time that a load may take: a large graph is not a hung one. */
const MS_PER_MEMBER = 20;

/** Loads versions from memory. */
export class Loader {
  readonly #timeoutMs: number;
  readonly #maxModules: number;

  /**
   * Makes a loader; all of a process take turns.
   *
   * @param options Bounds.
   */
  constructor(options: LoaderOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#maxModules = options.maxModules ?? 100_000;
  }

  /** Modules that the process has loaded so far, by any loader; they are never freed. */
  get modules(): number {
    return shared().modules;
  }

  /**
   * Loads a version: verifies it, imports what it needs, then every member of it.
   *
   * @param request The version.
   * @returns Its modules.
   * @throws {IntegrityError} When a byte of it is wrong; nothing of it has run then.
   * @throws {ManifestError} When the manifest is none.
   * @throws {UnpinnedImportError} When it imports statically what the manifest does not list.
   * @throws {ExternalUnavailableError} When a package that it pins can't be imported here.
   * @throws {LiveUnknownError} When it is bound to a live module that this node does not have.
   * @throws {ImportFailedError} When importing it threw, hung, exited or left a rejected promise.
   * @throws {LoadLimitError} When the process has loaded too many modules.
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
    const index = verify(request);
    const { members } = index.manifest;
    if (state.modules + members.length > this.#maxModules) {
      throw new LoadLimitError(state.modules, members.length, this.#maxModules);
    }
    const attempt = (state.attempts.get(request.hash) ?? 0) + 1;
    state.attempts.set(request.hash, attempt);
    const version = new LoadingVersion(request, index, attempt);
    await version.emit(request.bytes);
    await version.importOutside();
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

/** L1 */
function verify({ hash, manifest, bytes }: LoadRequest): ManifestIndex {
  const found = versionHash(manifest);
  if (found !== hash) throw new IntegrityError("the manifest of a version", found, hash);
  const index = new ManifestIndex(parseManifest(manifest));
  for (const { label, sha256 } of index.manifest.members) {
    const body = bytes.get(sha256);
    const digest = body && sha256Hex(body);
    if (digest !== sha256) throw new IntegrityError(`member ${label}`, digest, sha256);
  }
  return index;
}

/** One attempt to load one version. */
class LoadingVersion {
  readonly #liveUrl: NonNullable<LoadRequest["liveUrl"]>;
  readonly #index: ManifestIndex;
  readonly #base: string;
  /** Emitted text, and the member, by URL. */
  readonly #code = new Map<string, string>();
  readonly #members = new Map<string, Member>();
  /** Namespaces that dynamic imports are answered with, by URL. */
  readonly #namespaces = new Map<string, Namespace>();
  /** The URLs that externals, live modules and the host are bound to. */
  readonly #outside = new Map<string, string>();
  #bytes = 0;
  /** What a hook threw; the runtime wraps it into something else. */
  #refusal: Error | undefined;

  constructor(request: LoadRequest, index: ManifestIndex, attempt: number) {
    this.#liveUrl = request.liveUrl ?? (() => undefined);
    this.#index = index;
    this.#base = `continuum:///${request.hash}${attempt === 1 ? "" : `~${attempt}`}/`;
    for (const member of index.manifest.members) this.#members.set(this.#urlOf(member), member);
  }

  /** L2, before anything runs. Nothing keeps the bytes alive after this. */
  async emit(bytes: LoadRequest["bytes"]): Promise<void> {
    const options = new Map(this.#index.manifest.options);
    for (const [url, member] of this.#members) {
      const body = bytes.get(member.sha256)!;
      this.#bytes += body.byteLength;
      const { code, imports } = await this.#emitOne(url, member, body, options);
      this.#code.set(url, code);
      // The runtime lets a hook refuse anything but builtins: so this comes first.
      for (const { specifier, type } of imports) this.#admit(url, specifier, type);
    }
  }

  /** Packages, builtins, live modules and the host, imported ordinarily; hooks are not there yet. */
  async importOutside(): Promise<void> {
    const { externals, live, edges } = this.#index.manifest;
    for (const label of live) {
      const url = this.#liveUrl(label);
      if (url === undefined) throw new LiveUnknownError(label);
      await this.#importOutside(`live ${label}`, url);
    }
    for (const { specifier } of externals) {
      await this.#importOutside(`external ${specifier}`, specifier);
    }
    if (edges.some(({ target }) => target.kind === "host")) {
      await this.#importOutside("host", WORKFLOW_ENTRY);
    }
  }

  async #importOutside(key: string, url: string): Promise<void> {
    try {
      this.#namespaces.set(url, await import(url));
    } catch (cause) {
      throw new ExternalUnavailableError(url, cause);
    }
    this.#outside.set(key, url);
  }

  async importMembers(state: Process, timeoutMs: number): Promise<LoadedModules> {
    for (const [url, code] of this.#code) {
      if (!code.includes(IMPORTER)) continue;
      state.importers.set(url, (specifier, type) => this.#importDynamically(url, specifier, type));
    }
    const hooks = registerHooks({
      resolve: (specifier, context, next) => {
        if (this.#code.has(specifier) && context.parentURL === import.meta.url) {
          return { url: specifier, shortCircuit: true };
        }
        if (!this.#members.has(context.parentURL ?? "")) return next(specifier, context);
        return { url: this.#resolve(context.parentURL!, specifier), shortCircuit: true };
      },
      load: (url, context, next) => {
        const source = this.#code.get(url);
        if (source === undefined) return next(url, context);
        return { format: "module", source, shortCircuit: true };
      },
    });
    const entryUrl = this.#urlOf(this.#index.entry);
    try {
      const entry = await importGuarded(entryUrl, timeoutMs, async () => {
        const namespace = await import(entryUrl);
        this.#namespaces.set(entryUrl, namespace);
        for (const url of this.#members.keys()) {
          if (url !== entryUrl) this.#namespaces.set(url, await import(url));
        }
        return namespace as Namespace;
      });
      return { entry, members: this.#codeMembers(), bytes: this.#bytes };
    } catch (error) {
      throw this.#refusal ?? error;
    } finally {
      hooks.deregister();
      this.#code.clear();
    }
  }

  /** A version that failed to load answers no more dynamic imports. */
  forget(state: Process): void {
    for (const url of this.#members.keys()) state.importers.delete(url);
  }

  async #emitOne(
    url: string,
    member: Member,
    body: Uint8Array,
    options: ReadonlyMap<string, string>,
  ): Promise<EmittedModule> {
    try {
      return await emitModule(member, body, url, IMPORTER, options);
    } catch (cause) {
      if (isContinuumError(cause)) throw cause;
      const told = cause instanceof Error ? cause.message : String(cause);
      throw new ModuleSyntaxError(`Cannot compile ${url}: ${told}`, { cause });
    }
  }

  #admit(url: string, specifier: string, type: ImportType): void {
    const target = this.#targetOf(url, specifier, type);
    if (target === undefined || target.kind === "missing") {
      throw new UnpinnedImportError(url, specifier);
    }
  }

  /** L2: the URL that an import of emitted code leads to. */
  #resolve(parent: string, emitted: string): string {
    const { specifier, type } = readEmitted(emitted);
    const target = this.#targetOf(parent, specifier, type);
    const url = target === undefined ? undefined : this.#urlOfTarget(target);
    if (url !== undefined) return url;
    this.#refusal ??= new UnpinnedImportError(parent, specifier);
    throw this.#refusal;
  }

  async #importDynamically(parent: string, specifier: string, type: string): Promise<Namespace> {
    const target = this.#targetOf(parent, specifier, type);
    if (target?.kind === "missing") {
      throw new TypeError(`Module not found ${JSON.stringify(specifier)}, from ${parent}`);
    }
    const url = target === undefined ? undefined : this.#urlOfTarget(target);
    if (url === undefined) throw new UnpinnedImportError(parent, specifier);
    // Only a module that is being imported itself finds another one that is not there yet.
    return this.#namespaces.get(url) ?? await import(url);
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
      if (importTypeOf(media) === "module") found.set(label, this.#namespaces.get(url)!);
    }
    return found;
  }
}

/**
 * A label as a path: `./a/b.ts` is `a/b.ts`; anything else keeps nothing that a URL would
 * normalise away. Different labels have different paths, since a leading `./` is never encoded.
 */
function labelPath(label: string): string {
  if (!label.startsWith("./")) return encodeURIComponent(label);
  return label.slice(2).split("/").map((part) => part === "" ? "%2F" : encodeURIComponent(part))
    .join("/");
}

function shared(): Process {
  const global = globalThis as unknown as Record<symbol, Process | undefined>;
  return global[SHARED] ??= {
    attempts: new Map(),
    queue: Promise.resolve(),
    modules: 0,
    importers: new Map(),
    async import(url, specifier, options) {
      const importer = this.importers.get(url);
      const text = String(specifier);
      if (importer === undefined) throw new UnpinnedImportError(url, text);
      const attributes = (options as { with?: { type?: unknown } } | undefined)?.with;
      return await importer(text, String(attributes?.type ?? "module"));
    },
  };
}
